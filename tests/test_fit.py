"""Training itself, on a few hundred drawn digits: `pytest -m train`, with the extra `train` installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_training import STROKES, drawn_ink

from docproc.character.card import CARD_NAME, CLASSES, MODEL_NAME, SECOND_NAME
from docproc.character.normalization import normalize_all
from docproc.character.recognizer import load_recognizer
from docproc.errors import ModelError
from docproc.training import material
from docproc.training.fit import EpochScore
from docproc.training.settings import Settings
from docproc.training.train import Plan, finish_kept, train

pytestmark = pytest.mark.train


@pytest.fixture(scope="module", autouse=True)
def few_drawn_digits() -> Iterator[None]:
    """Thousands would be drawn anew for each of the runs below."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "DRAWN_DIGITS", 60)
        yield


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("digits")
    labels = np.array([list(STROKES)[i % len(STROKES)] for i in range(240)], np.uint8)
    images = np.stack([drawn_ink(int(label), jitter=2.0, seed=i) for i, label in enumerate(labels)])
    glyphs = normalize_all(list(images))
    mnist, swiss = folder / "mnist.npz", folder / "swiss.npz"
    np.savez(mnist, x_train=glyphs[:160], y_train=labels[:160], x_test=glyphs[160:], y_test=labels[160:])
    np.savez(swiss, x=255 - images[:60], y=labels[:60], writer=np.arange(60) % 6)
    return Plan(
        output=folder / "model", mnist=mnist, digits=(swiss,), seed=3, epochs=4, glyphs_per_epoch=512,
        held_out_glyphs=120, painted_glyphs=0, workers=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(plan: Plan) -> Path:
    train(plan)
    return plan.output


def test_a_model_and_its_card_are_written_and_read(trained: Path, plan: Plan) -> None:
    recognizer = load_recognizer(trained)
    card = recognizer.card
    assert tuple(card.classes) == CLASSES
    assert [source.name for source in card.data] == ["mnist", "swiss", "drawn styles", "drawn marks"]
    assert [source.license for source in card.data] == ["CC BY-SA 3.0", "CC0 1.0", "MIT", "MIT"]
    assert card.seed == plan.seed
    assert (card.scores["epochs"], card.scores["second_look_epochs"]) == (4, 2)
    assert 0 < card.scores["export_logit_difference"] < 0.05
    assert card.second_look is not None
    assert card.second_look.sha256 != card.sha256
    assert sum((trained / name).stat().st_size for name in (MODEL_NAME, SECOND_NAME)) < 2_000_000
    assert recognizer.recognize(np.zeros((3, 28, 28), np.uint8)).shape == (3, len(CLASSES))


def interrupt(score: EpochScore) -> None:
    raise KeyboardInterrupt


def interrupt_at(score: EpochScore, finished: list[int], last: list[int]) -> None:
    finished.append(score.epoch)
    if finished == last:
        raise KeyboardInterrupt


def test_a_model_without_a_second_look_takes_the_place_of_one_with_it(
    trained: Path, plan: Plan, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(trained, tmp_path / "model"))
    card = train(replace(plan, output=folder, epochs=1, second_look=False))
    assert sorted(path.name for path in folder.iterdir()) == [CARD_NAME, MODEL_NAME]
    assert card.second_look is None
    assert load_recognizer(folder).card == card


def test_an_interrupted_run_resumes_to_the_same_model(trained: Path, plan: Plan, tmp_path: Path) -> None:
    # Also shows that the same seed gives the same model: the first epoch is trained anew.
    again = replace(plan, output=tmp_path / "model")
    with pytest.raises(KeyboardInterrupt):
        train(again, epoch_done=interrupt)
    assert not (again.output / CARD_NAME).exists()
    for other in (replace(again, epochs=3), replace(again, seed=4), replace(again, settings=Settings(rate=1e-3))):
        with pytest.raises(ModelError, match="is of a training with other") as caught:
            train(replace(other, resume=True))
        assert "--resume" in caught.value.remedy
    # Interrupted once more, in the first epoch of the second look.
    finished: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        train(replace(again, resume=True), epoch_done=lambda score: interrupt_at(score, finished, [1, 2, 3, 0]))
    card = train(replace(again, resume=True), epoch_done=lambda score: finished.append(score.epoch))
    assert finished == [1, 2, 3, 0, 1]
    first = load_recognizer(trained).card
    assert card.model_copy(update={"wall_time_s": first.wall_time_s}) == first
    for name in (MODEL_NAME, SECOND_NAME):
        assert (again.output / name).read_bytes() == (trained / name).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]  # nothing is left of what was kept


def test_what_was_never_begun_is_not_resumed(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no interrupted training"):
        train(replace(plan, output=tmp_path / "model", resume=True))


def test_what_was_trained_without_tensorflow_is_finished_with_it(
    trained: Path, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docproc.training.train.can_finish", lambda: False)
    kept = train(replace(plan, output=tmp_path / "kept"))
    assert kept == tmp_path / "kept" / "trained.keras"
    assert not (tmp_path / "kept" / CARD_NAME).exists()
    card = finish_kept(kept, tmp_path / "model")
    first = load_recognizer(trained).card
    assert card.model_copy(update={"wall_time_s": first.wall_time_s}) == first
    assert load_recognizer(tmp_path / "model").card == card
