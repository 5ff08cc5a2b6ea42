"""A model learns from corrections, and is kept or laid aside: `pytest -m train`, with the extra `train` installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_training import STROKES, drawn_digits, drawn_ink
from typer.testing import CliRunner

from docproc.character.card import CARD_NAME, MODEL_NAME, SECOND_NAME, read_card
from docproc.character.normalization import normalize_all
from docproc.character.recognizer import default_model_folder, load_recognizer, network_of_glyphs
from docproc.cli import app
from docproc.errors import ModelError, OutputError
from docproc.training import corrected as corrections
from docproc.training import material
from docproc.training import relearn as relearning
from docproc.training.corrected import NAME, Batch, Corrected
from docproc.training.fit import EpochScore
from docproc.training.improvement import COMPARISON_NAME, Comparison, DigitRow, Reading
from docproc.training.material import Plan
from docproc.training.network import Look, build_network, predict
from docproc.training.relearn import relearn
from docproc.training.settings import Settings
from docproc.training.start import weights_of
from docproc.training.train import train

pytestmark = pytest.mark.train


@pytest.fixture(scope="module", autouse=True)
def few_drawn_digits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "DRAWN_DIGITS", 60)
        yield


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("digits")
    labels = np.array([list(STROKES)[i % len(STROKES)] for i in range(200)], np.uint8)
    glyphs = normalize_all([drawn_ink(int(label), jitter=2.0, seed=i) for i, label in enumerate(labels)])
    mnist = folder / "mnist.npz"
    np.savez(mnist, x_train=glyphs[:160], y_train=labels[:160], x_test=glyphs[160:], y_test=labels[160:])
    return Plan(
        output=folder / "old", mnist=mnist, seed=3, epochs=1, glyphs_per_epoch=256, held_out_glyphs=120,
        painted_glyphs=0, workers=1, second_look=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def old(plan: Plan) -> Path:
    """After one epoch of two steps: it knows nothing yet."""
    train(plan)
    return plan.output


@pytest.fixture
def said() -> Corrected:
    learned, frozen = (drawn_digits(count, name=NAME, writers=5) for count in (80, 20))
    return Corrected(learned, frozen, 15, [Batch("0123456789ab", 10, 85)], 0, 0, 0)


@pytest.fixture
def better(monkeypatch: pytest.MonkeyPatch) -> None:
    """What so short a training has learned is a matter of luck; the comparison has tests of its own."""
    rows = [DigitRow(digit, 4, 2, 3, 0, 1) for digit in range(10)]
    comparison = Comparison(rows, 20, 5, Reading(10, 12, 0.5), Reading(5, 6, 0.25), 0.001)
    monkeypatch.setattr(relearning, "compare", lambda *readers_and_digits: comparison)


@pytest.mark.usefixtures("better")
def test_a_better_model_is_kept_and_the_old_one_stays_as_it_is(
    plan: Plan, old: Path, said: Corrected, tmp_path: Path
) -> None:
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    result = relearn(replace(plan, output=tmp_path / "new"), said, old)
    assert result.comparison.is_better
    assert result.folder == tmp_path / "new"
    assert load_recognizer(result.folder).card.name == "new"
    card = read_card(result.folder / CARD_NAME)
    assert "80 digits learned from, 20 frozen, never trained on (15 of them accepted unseen)" in card.notes
    assert {source.name: source.glyphs for source in card.data}[NAME] == 80
    assert sorted(path.name for path in result.folder.iterdir()) == [CARD_NAME, COMPARISON_NAME, MODEL_NAME]
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    with pytest.raises(OutputError, match="no model is replaced"):
        relearn(replace(plan, output=result.folder), said, old)


@pytest.mark.parametrize(("look", "name"), [("first", MODEL_NAME), ("second", SECOND_NAME)])
def test_a_training_begins_with_the_networks_that_lie_in_the_models_folder(look: Look, name: str) -> None:
    shipped = default_model_folder()
    glyphs = drawn_digits(200).glyphs
    width, weights = weights_of(shipped, glyphs[:100])
    network = build_network(look=look, settings=Settings(width=width))
    network.set_weights(weights[look])
    own = network_of_glyphs((shipped / name).read_bytes()).run(glyphs[100:, ..., np.newaxis])
    again = predict(network, glyphs[100:])
    assert np.sqrt(np.mean((again - own) ** 2)) < 0.02 * own.std()
    # While it trains, batches are normalized by themselves: the network must say nearly the same then.
    training = np.asarray(network(glyphs[:100, ..., np.newaxis].astype(np.float32) / 255.0, training=True))
    assert np.mean(training.argmax(axis=1) == predict(network, glyphs[:100]).argmax(axis=1)) > 0.9


def test_narrow_networks_are_gone_on_with_too_and_other_ones_are_refused(plan: Plan, tmp_path: Path) -> None:
    narrow = replace(plan, output=tmp_path / "narrow", settings=Settings(width=0.5))
    train(narrow)
    width, weights = weights_of(narrow.output, drawn_digits(20).glyphs)
    assert width == 0.5
    assert list(weights) == ["first"]
    (tmp_path / "narrow" / SECOND_NAME).write_bytes((default_model_folder() / SECOND_NAME).read_bytes())
    with pytest.raises(ModelError, match="not built as this version builds them"):
        weights_of(narrow.output, drawn_digits(20).glyphs)


@pytest.mark.usefixtures("better")
def test_a_training_with_corrections_that_was_interrupted_resumes_to_the_same_model(
    plan: Plan, old: Path, said: Corrected, tmp_path: Path
) -> None:
    longer = replace(plan, epochs=2)
    whole = relearn(replace(longer, output=tmp_path / "whole"), said, old).folder
    broken = replace(longer, output=tmp_path / "broken")
    finished: list[int] = []

    def interrupt(score: EpochScore) -> None:
        finished.append(score.epoch)
        raise KeyboardInterrupt

    with pytest.raises(ModelError, match="no interrupted training"):
        relearn(replace(broken, resume=True), said, old)
    with pytest.raises(KeyboardInterrupt):
        relearn(broken, said, old, epoch_done=interrupt)
    other = replace(said, learned=drawn_digits(90, name=NAME, writers=5))
    with pytest.raises(ModelError, match="other material"):
        relearn(replace(broken, resume=True), other, old)
    with pytest.raises(ModelError, match="other start"):
        relearn(replace(broken, resume=True), said, default_model_folder())
    with pytest.raises(KeyboardInterrupt):
        relearn(replace(broken, resume=True), said, old, epoch_done=interrupt)
    again = relearn(replace(broken, resume=True), said, old).folder
    assert finished == [0, 1]
    for name in (MODEL_NAME, COMPARISON_NAME):
        assert (again / name).read_bytes() == (whole / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "whole"]


def test_a_model_that_is_not_better_is_laid_aside_and_the_user_is_told_why_and_what_to_do(
    plan: Plan, old: Path, said: Corrected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "read_corrected", lambda folders: said)
    monkeypatch.setattr(relearning, "load_recognizer", lambda folder: load_recognizer(old))
    new = tmp_path / "new"
    result = CliRunner().invoke(
        app,
        ["train", "--mnist", str(plan.mnist), "--corrections", "results", "-o", str(new), "--epochs", "1",
         "--glyphs-per-epoch", "256", "--painted-glyphs", "0", "--no-second-look", "--workers", "1"],
        env={"COLUMNS": "200"},
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    output = " ".join(result.output.split())
    assert f"Going on from {default_model_folder()}, which stays as it is." in output
    assert (
        "80 corrected digits to learn from; 20 on frozen pages to compare on, 15 of them accepted unseen." in output
    )
    assert "Not kept. Of 20 digits on 5 frozen pages the new model reads" in output
    assert "Against it: how much better it is may be chance (p = 1)." in output
    assert f"Go on reading with {default_model_folder()}; the new model lies in {new}.rejected" in output
    assert not new.exists()
    assert (tmp_path / "new.rejected" / COMPARISON_NAME).is_file()
