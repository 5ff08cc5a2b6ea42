"""Training the reader of lines, on a few hundred drawn digits: `pytest -m train`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docproc.character.normalization import normalize_all
from docproc.character.recognizer import load_recognizer
from docproc.combination.card import LINE_CARD_NAME, network_name, read_line_card
from docproc.combination.line_reader import line_reader_beside
from docproc.errors import ModelError
from docproc.training.digits.styles import draw_digits
from docproc.training.fit import EpochScore
from docproc.training.settings import Settings
from docproc.training.strings.network import build_line_network
from docproc.training.strings.plan import LinePlan
from docproc.training.strings.train import train_lines

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> LinePlan:
    folder = tmp_path_factory.mktemp("digits")
    images, labels, _ = draw_digits(300, np.random.default_rng(4))
    mnist = folder / "mnist.npz"
    glyphs = normalize_all(list(images))
    np.savez(mnist, x_train=glyphs[:260], y_train=labels[:260], x_test=glyphs[260:], y_test=labels[260:])
    return LinePlan(
        output=folder / "lines", mnist=mnist, seed=3, epochs=2, lines_per_epoch=128, painted_lines=150,
        held_out_lines=40, weighed_lines=60, workers=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(plan: LinePlan) -> Path:
    train_lines(plan)
    return plan.output


def test_a_reader_and_its_card_are_written_and_read(trained: Path, plan: LinePlan) -> None:
    reader = line_reader_beside(load_recognizer(), trained)
    assert reader is not None
    assert [source.name for source in reader.card.data] == ["mnist", "drawn styles"]
    assert sum(source.share for source in reader.card.data) == pytest.approx(1)
    assert set(reader.card.pools) == {"cells", "free"}
    assert reader.card.seed == plan.seed
    assert sorted(path.name for path in trained.iterdir()) == [LINE_CARD_NAME, network_name(0), network_name(1)]


def test_networks_trained_elsewhere_are_exported_and_weighed(trained: Path, plan: LinePlan, tmp_path: Path) -> None:
    elsewhere = tmp_path / "one.keras"
    build_line_network().save(elsewhere)
    output = Path(shutil.copytree(trained, tmp_path / "lines"))
    card = train_lines(replace(plan, output=output, trained=(elsewhere,)))
    assert card.wall_time_s == 0
    assert sorted(path.name for path in output.iterdir()) == [LINE_CARD_NAME, network_name(0)]
    other = tmp_path / "other.keras"
    build_line_network(settings=Settings(width=0.5)).save(other)
    with pytest.raises(ModelError, match=r"other\.keras is no network of lines"):
        train_lines(replace(plan, output=output, trained=(other,)))


def test_a_reader_is_weighed_beside_another_recognizer(trained: Path, plan: LinePlan, tmp_path: Path) -> None:
    card = train_lines(replace(plan, output=tmp_path / "again", reader=trained, weighed_lines=50))
    before = read_line_card(trained / LINE_CARD_NAME)
    assert card.networks == before.networks
    assert card.wall_time_s == before.wall_time_s
    assert card.recognizer == load_recognizer().digest
    assert card.pools != before.pools
    assert line_reader_beside(load_recognizer(), tmp_path / "again") is not None


def test_an_interrupted_run_resumes_to_the_same_reader(trained: Path, plan: LinePlan, tmp_path: Path) -> None:
    # Also shows that the same seed gives the same reader: lines are painted and the first epoch is trained anew.
    again = replace(plan, output=tmp_path / "lines")

    def interrupt(score: EpochScore) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_lines(again, epoch_done=interrupt)
    assert not (again.output / LINE_CARD_NAME).exists()
    with pytest.raises(ModelError, match="is of a training with other epochs"):
        train_lines(replace(again, epochs=3, resume=True))
    finished: list[int] = []
    train_lines(replace(again, resume=True), epoch_done=lambda score: finished.append(score.epoch))
    assert finished == [1, 0, 1]
    for name in (network_name(0), network_name(1)):
        assert (again.output / name).read_bytes() == (trained / name).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["lines"]  # nothing is left of what was kept
