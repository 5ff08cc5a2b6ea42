"""Digits that people corrected are cut as in reading, and a new model is kept by one rule. No TensorFlow here."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_training import drawn_digits

from docproc.batch import process_batch
from docproc.character.card import CLASSES
from docproc.errors import ModelError
from docproc.ledger import open_corrections, read_ledger
from docproc.reading import Correction, Record, Verdict
from docproc.training.corrected import Batch, Corrected, read_corrected
from docproc.training.improvement import compare, mcnemar, write_comparison
from docproc.training.relearn import require_enough

SAMPLES = Path(__file__).parents[1] / "samples" / "deposit_slip"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Slips that were read, where each accepted value was confirmed."""
    folder = tmp_path_factory.mktemp("batch")
    shutil.copytree(SAMPLES, folder / "scans")
    process_batch([str(folder / "scans")], folder / "results", jobs=1)
    say(folder / "results", {})
    return folder / "results"


def records(results: Path) -> list[Record]:
    with read_ledger(results) as ledger:
        return [one for one in ledger.outcomes() if isinstance(one, Record)]


def say(results: Path, values: dict[str, str]) -> None:
    """Confirm each accepted number, but for those that are given by `source field`."""
    with open_corrections(results) as corrections:
        for record in records(results):
            for field in record.fields:
                if field.verdict is Verdict.ACCEPTED and field.text.isdigit():
                    value = values.get(f"{record.ref.source} {field.name}", field.text)
                    said = Correction(field.text, value, Verdict.ACCEPTED, "Ada")
                    corrections.add(record.ref.source, record.ref.index, field.name, said, after=0)


def test_confirmed_digits_are_cut_as_in_reading_and_pages_are_their_writers(results: Path) -> None:
    corrected = read_corrected([results])
    (batch,) = corrected.batches
    assert len(corrected.digits) == batch.glyphs - corrected.duplicates >= 50
    assert len(np.unique(corrected.digits.writers)) == batch.pages == len(records(results))
    assert corrected.pages_left_out == 0
    assert all(canvas.max() > 200 and (canvas > 0).mean() < 0.4 for canvas in corrected.digits.canvases)


def test_a_batch_named_twice_gives_each_glyph_once(results: Path) -> None:
    once, twice = read_corrected([results]), read_corrected([results, results])
    assert len(once.digits) == len(twice.digits)
    assert twice.duplicates == once.duplicates + len(once.digits) + once.duplicates


def test_the_frozen_pages_are_the_same_whatever_else_is_there(results: Path) -> None:
    kept, frozen = read_corrected([results]).parted()
    assert not set(kept.writers) & set(frozen.writers)
    assert all(writer % 5 == 0 for writer in frozen.writers)


def test_a_page_that_is_gone_or_changed_is_counted_and_the_others_are_used(results: Path) -> None:
    first, second, *others = records(results)
    gone, changed = Path(first.ref.path), Path(second.ref.path)
    before = gone.read_bytes(), changed.read_bytes()
    try:
        gone.unlink()
        changed.write_bytes(before[1] + b"\0")
        corrected = read_corrected([results])
    finally:
        gone.write_bytes(before[0])
        changed.write_bytes(before[1])
    assert corrected.pages_left_out == 2
    assert corrected.batches[0].pages == len(others)


def test_words_that_are_taken_back_or_are_no_digits_give_nothing(tmp_path: Path, results: Path) -> None:
    copy = tmp_path / "results"
    shutil.copytree(results, copy)
    with read_ledger(copy) as ledger:
        said = ledger.corrections()
    with open_corrections(copy) as corrections:
        for (source, index), words in said.items():
            for place, (name, word) in enumerate(words.items()):
                new = Correction(word.new, "", Verdict.REVIEW if place % 2 else Verdict.REJECTED, "Ada")
                corrections.add(source, index, name, new, after=word.number)
    assert len(read_corrected([copy]).digits) == 0


def test_few_corrections_are_refused_with_both_numbers() -> None:
    few = Corrected(drawn_digits(49), [Batch("abc", 1, 49)], 2, 3, 4)
    with pytest.raises(ModelError, match=r"give 49 digits; 50 are needed \(left out: 2 pages .* 3 fields .* 4 dup"):
        require_enough(few)
    with pytest.raises(ModelError, match="All 60 corrected digits are on pages to compare on"):
        require_enough(Corrected(drawn_digits(60), [], 0, 0, 0))  # its only writer is 0


def test_mcnemar_is_exact() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 0) == pytest.approx(1 / 32)
    assert mcnemar(3, 1) == pytest.approx(5 / 16)


def reader(answers: Sequence[int]) -> SimpleNamespace:
    """A recognizer that gives these answers, whatever it sees."""
    return SimpleNamespace(
        card=SimpleNamespace(classes=CLASSES), recognize=lambda glyphs: np.eye(len(CLASSES))[answers]
    )


def labeled(*labels: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((len(labels), 28, 28), np.uint8), np.array(labels, np.uint8)


@pytest.mark.parametrize(
    ("old", "new", "is_better", "worse"),
    [
        ([1, 2, *[7] * 5], [1, 1, *[7] * 5], True, []),
        ([1, 1, *[7] * 5], [1, 1, *[7] * 5], False, []),
        ([1, 2, *[7] * 5], [1, 1, *[1] * 4, 7], True, []),  # four lost: by chance once in sixteen times
        ([1, 2, *[7] * 5], [1, 1, *[1] * 5], False, [7]),
    ],
)
def test_a_model_is_kept_if_better_on_corrections_and_worse_at_no_digit(
    old: list[int], new: list[int], is_better: bool, worse: list[int], tmp_path: Path
) -> None:
    comparison = compare(reader(old), reader(new), labeled(1, 1), labeled(*[7] * 5))
    assert comparison.is_better is is_better
    assert comparison.worse == worse
    rows = write_comparison(comparison, tmp_path).read_text(encoding="utf-8").splitlines()
    assert rows[0] == "digit,n,right_old,right_new,only_old,only_new,p_worse"
    assert rows[2].split(",")[:4] == ["1", "2", str(old[:2].count(1)), str(new[:2].count(1))]
    assert len(rows) == 11
