"""A model learns from corrections, and is kept or laid aside: `pytest -m train`, with the extra `train` installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_training import STROKES, drawn_digits, drawn_ink
from typer.testing import CliRunner

from docproc.character.card import CARD_NAME, read_card
from docproc.character.normalization import normalize_all
from docproc.character.recognizer import default_model_folder, load_recognizer
from docproc.cli import app
from docproc.errors import OutputError
from docproc.training import corrected as corrections
from docproc.training import material
from docproc.training import relearn as relearning
from docproc.training.corrected import NAME, Batch, Corrected
from docproc.training.improvement import COMPARISON_NAME, Comparison, DigitRow
from docproc.training.material import Plan
from docproc.training.network import GlyphTask, predict
from docproc.training.relearn import relearn, starting_point
from docproc.training.train import train
from docproc.training.trained import KEPT_NAME, read_kept

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
    return Corrected(drawn_digits(100, name=NAME, writers=10), [Batch("0123456789ab", 10, 100)], 0, 0, 0)


def test_a_better_model_is_kept_and_the_next_training_goes_on_from_it(
    plan: Plan, old: Path, said: Corrected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What so short a training has learned is a matter of luck; the comparison has tests of its own.
    rows = [DigitRow(digit, 4, 2, 3, 0, 1) for digit in range(10)]
    monkeypatch.setattr(relearning, "compare", lambda *readers_and_digits: Comparison(rows, 20, 10, 15))
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    result = relearn(replace(plan, output=tmp_path / "new"), said, old)
    assert result.comparison.is_better
    assert result.folder == tmp_path / "new"
    assert load_recognizer(result.folder).card.name == "new"
    card = read_card(result.folder / CARD_NAME)
    assert "100 digits, 20 of them frozen, never trained on, of batches 0123456789ab: 100 digits of 10" in card.notes
    assert {source.name: source.glyphs for source in card.data}[NAME] == 80
    assert (result.folder / COMPARISON_NAME).is_file()
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    assert starting_point(plan, old) == plan
    going_on = starting_point(plan, result.folder)
    assert (result.folder / KEPT_NAME).is_file()
    again = GlyphTask(256, settings=going_on.settings, start=going_on.start["first"])
    own = read_kept(result.folder / KEPT_NAME).networks[0].model
    assert np.array_equal(predict(again.build(), said.digits.glyphs), predict(own, said.digits.glyphs))
    with pytest.raises(OutputError, match="no model is replaced"):
        relearn(replace(plan, output=result.folder), said, old)


def test_a_worse_model_is_laid_aside_and_told(
    plan: Plan, said: Corrected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "read_corrected", lambda folders: said)
    new = tmp_path / "new"
    result = CliRunner().invoke(
        app,
        ["train", "--mnist", str(plan.mnist), "--corrections", "results", "-o", str(new), "--epochs", "1",
         "--glyphs-per-epoch", "256", "--painted-glyphs", "0", "--no-second-look", "--workers", "1"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "Beginning anew" in result.output
    assert "Not kept, use the old model" in result.output
    assert not new.exists()
    assert (tmp_path / "new.rejected" / COMPARISON_NAME).is_file()
    assert default_model_folder().is_dir()
