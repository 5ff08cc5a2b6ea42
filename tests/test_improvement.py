"""Digits that people corrected are cut as in reading, and a new model is kept by one rule. No TensorFlow here."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_training import drawn_digits
from typer.testing import CliRunner

from docproc.batch import process_batch
from docproc.character.card import CLASSES
from docproc.cli import app
from docproc.errors import ModelError
from docproc.ledger import open_corrections, read_ledger
from docproc.reading import Correction, Record, Verdict
from docproc.training.corrected import Corrected, page_number, read_corrected
from docproc.training.digits.datasets import Digits
from docproc.training.improvement import Comparison, compare, mcnemar, randomization, write_comparison
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
    digits = [corrected.learned, corrected.frozen]
    assert corrected.said == sum(map(len, digits)) == batch.glyphs - corrected.duplicates >= 50
    assert sum(len(np.unique(one.writers)) for one in digits) == batch.pages == len(records(results))
    assert corrected.pages_left_out == corrected.frozen_unseen == 0
    canvases = np.concatenate([one.canvases for one in digits])
    assert all(canvas.max() > 200 and (canvas > 0).mean() < 0.4 for canvas in canvases)


def test_a_batch_named_twice_gives_each_glyph_once(results: Path) -> None:
    once, twice = read_corrected([results]), read_corrected([results, results])
    assert once.said == twice.said
    assert twice.duplicates == once.duplicates + once.said + once.duplicates


def test_whole_pages_are_frozen_by_their_content_alone(results: Path) -> None:
    corrected = read_corrected([results])
    frozen = {page_number(record.ref) for record in records(results) if page_number(record.ref) % 5 == 0}
    assert set(corrected.frozen.writers.tolist()) == frozen
    assert all(writer % 5 for writer in corrected.learned.writers)


def test_on_frozen_pages_accepted_fields_count_and_on_others_only_what_people_said(
    tmp_path: Path, results: Path
) -> None:
    copy = tmp_path / "results"
    shutil.copytree(results, copy)
    take_back(copy, keep_one_a_page=True)
    all_said, few_said = read_corrected([results]), read_corrected([copy])
    assert labeled_glyphs(few_said.frozen) == labeled_glyphs(all_said.frozen)
    assert len(few_said.learned) < len(all_said.learned) / 2
    assert few_said.said == few_said.batches[0].glyphs - few_said.duplicates
    assert few_said.frozen_unseen == len(all_said.frozen) - (few_said.said - len(few_said.learned)) > 0


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


def labeled_glyphs(digits: Digits) -> list[tuple[bytes, int]]:
    return sorted((glyph.tobytes(), int(label)) for glyph, label in zip(digits.glyphs, digits.labels, strict=True))


def take_back(results: Path, *, keep_one_a_page: bool) -> None:
    """All words, or all but the first on each page: taken back, or put in the place of one that nobody could read."""
    with read_ledger(results) as ledger:
        said = ledger.corrections()
    with open_corrections(results) as corrections:
        for (source, index), words in said.items():
            for place, (name, word) in enumerate(words.items()):
                if keep_one_a_page and place == 0:
                    continue
                verdict = Verdict.REVIEW if keep_one_a_page or place % 2 else Verdict.REJECTED
                new = Correction(word.new, "" if verdict is Verdict.REJECTED else word.old, verdict, "Ada")
                corrections.add(source, index, name, new, after=word.number)


def test_words_that_are_taken_back_or_are_no_digits_give_nothing(tmp_path: Path, results: Path) -> None:
    copy = tmp_path / "results"
    shutil.copytree(results, copy)
    take_back(copy, keep_one_a_page=False)
    corrected = read_corrected([copy])
    assert (corrected.said, len(corrected.frozen)) == (0, 0)


def digits_of(pages: int, *, each: int = 12, first: int = 1) -> Digits:
    drawn = drawn_digits(pages * each)
    return Digits("d", drawn.canvases, drawn.glyphs, drawn.labels, np.repeat(np.arange(pages), each) + first)


@pytest.mark.parametrize(("learned", "frozen"), [(4, 5), (20, 4)])
def test_few_corrections_are_refused_with_both_numbers(learned: int, frozen: int) -> None:
    few = Corrected(digits_of(learned), digits_of(frozen), 0, [], 2, 3, 4)
    told = (
        f"give {12 * learned} digits to learn from, and {frozen} frozen pages .*; 50 and 5 are needed. Left out: 2 "
    )
    with pytest.raises(ModelError, match=told) as caught:
        require_enough(few)
    assert "on about 25 pages at least" in caught.value.remedy


def test_enough_corrections_are_enough() -> None:
    require_enough(Corrected(digits_of(5), digits_of(5), 0, [], 0, 0, 0))


def test_mcnemar_is_exact() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 0) == pytest.approx(1 / 32)
    assert mcnemar(3, 1) == pytest.approx(5 / 16)


def test_the_randomization_test_counts_pages() -> None:
    assert randomization(np.full(5, 0.25)) == pytest.approx(1 / 32, rel=0.05)
    assert randomization(np.array([0.5, -0.25, 0.25])) == pytest.approx(3 / 8, rel=0.05)
    assert randomization(np.zeros(9)) == 1.0
    assert randomization(np.full(9, -0.1)) == pytest.approx(1.0, rel=0.01)


def reader(chances: np.ndarray, *, review_below: float = 0.9) -> SimpleNamespace:
    """A recognizer that says this, whatever it sees: (N, classes), or (N,) chances of digit 0 against 1."""
    if chances.ndim == 1:
        chances = np.column_stack([chances, 1 - chances, *[np.zeros(len(chances))] * (len(CLASSES) - 2)])
    return SimpleNamespace(
        card=SimpleNamespace(classes=CLASSES, review_below=review_below), recognize=lambda glyphs: chances
    )


def frozen_and_test(labels: np.ndarray, pages: np.ndarray) -> tuple[Digits, tuple[np.ndarray, np.ndarray]]:
    """Frozen digits on these pages; what has no page is the test set."""
    blank = np.zeros((len(labels), 28, 28), np.uint8)
    count, labels = len(pages), labels.astype(np.uint8)
    frozen = Digits("d", np.zeros((count, 64, 64), np.uint8), blank[:count], labels[:count], pages)
    return frozen, (blank[count:], labels[count:])


def zeros(old: np.ndarray, new: np.ndarray, pages: int) -> Comparison:
    """Digits that are all 0, the first 4 of each of so many pages, by the chance that either model gives to 0."""
    labels = np.zeros(len(old))
    return compare(reader(old), reader(new), *frozen_and_test(labels, np.repeat(np.arange(pages), 4)))


def test_where_all_is_read_right_a_surer_model_is_kept() -> None:
    comparison = zeros(np.full(40, 0.8), np.full(40, 0.95), 10)
    assert comparison.is_better
    assert (comparison.old.wrong, comparison.new.wrong) == (0, 0)
    assert (comparison.old.doubtful, comparison.new.doubtful) == (40, 0)
    assert comparison.told == (
        "Of 40 digits on 10 frozen pages the new model reads 0 wrong, the old one 0; it doubts 0, the old one 40."
    )


def test_the_same_model_is_not_kept_and_its_users_are_told_why() -> None:
    comparison = zeros(np.full(40, 0.8), np.full(40, 0.8), 10)
    assert not comparison.is_better
    assert comparison.why == "Against it: how much better it is may be chance (p = 1)."


def test_a_model_that_is_surer_and_reads_one_more_digit_wrong_is_not_kept() -> None:
    new = np.full(40, 0.95)
    new[3] = 0.4
    comparison = zeros(np.full(40, 0.7), new, 10)
    assert comparison.p_better < 0.05
    assert not comparison.is_better
    assert comparison.why == "Against it: it reads more digits wrong."


def test_a_model_that_loses_by_one_digit_beyond_chance_is_not_kept_and_the_digit_is_named(tmp_path: Path) -> None:
    old = np.concatenate([np.full(40, 0.7), np.full(20, 0.99)])
    new = np.concatenate([np.full(40, 0.95), np.full(8, 0.3), np.full(12, 0.99)])
    lost_seven, lost_eight = np.where(np.arange(60) == 47, 0.99, new), new
    assert zeros(old, lost_seven, 10).is_better  # by chance once in 128 times, and ten digits are asked
    comparison = zeros(old, lost_eight, 10)
    assert not comparison.is_better
    assert comparison.worse == [0]
    assert comparison.why == "Against it: it reads 0 worse, beyond chance."
    rows = write_comparison(comparison, tmp_path).read_text(encoding="utf-8").splitlines()
    assert rows[0] == "digit,n,right_old,right_new,only_old,only_new,p_worse"
    assert rows[1] == "0,60,60,52,8,0,0.003906"
    assert len(rows) == 11


PAGES, EACH, TEST = 10, 40, 5000


def simulated(rng: np.random.Generator, wrong: np.ndarray) -> np.ndarray:
    """What an honest model gives to the right digits, when it reads each wrong with that chance (N,), below 0.25."""
    doubt = rng.beta(1, 0.5 / wrong - 1) / 2  # 0 to 0.5, its mean is `wrong`
    return np.where(rng.random(len(wrong)) < doubt, doubt, 1 - doubt)


def kept_of(times: int, *, old: float, new: float, seven: float, doubts_alone: bool = False) -> tuple[float, float]:
    """Shares of simulated comparisons after which the new model is kept, and is found worse by a digit.

    `old` and `new` are the models' shares of wrong digits, `seven` the new one's of sevens. Pages differ fivefold.
    With `doubts_alone` only those digits are frozen that the old model doubts.
    """
    rng = np.random.default_rng(5)
    kept = lost = 0
    for _ in range(times):
        labels = np.arange(PAGES * EACH + TEST) % 10
        pages = np.repeat(np.arange(PAGES), EACH)
        hard = np.concatenate([np.exp(rng.uniform(-0.8, 0.8, PAGES))[pages], np.ones(TEST)])
        chances = []
        for own in (np.full(10, old), np.where(np.arange(10) == 7, seven, new)):
            right = simulated(rng, np.minimum(own[labels] * hard, 0.24))
            whole = np.zeros((len(labels), len(CLASSES)))
            whole[np.arange(len(labels)), labels] = right
            whole[np.arange(len(labels)), (labels + 1) % 10] = 1 - right
            chances.append(whole)
        if doubts_alone:
            taken = np.append(
                np.flatnonzero(chances[0][: len(pages)].max(axis=1) < 0.95), range(len(pages), len(labels))
            )
        else:
            taken = np.arange(len(labels))
        frozen, test = frozen_and_test(labels[taken], pages[taken[: len(taken) - TEST]])
        comparison = compare(reader(chances[0][taken]), reader(chances[1][taken]), frozen, test)
        kept += comparison.is_better
        lost += bool(comparison.worse)
    return kept / times, lost / times


def test_of_equal_models_few_are_kept_and_few_are_found_worse_by_a_digit() -> None:
    kept, lost = kept_of(400, old=0.03, new=0.03, seven=0.03)
    assert kept <= 0.07  # 5 %, and what chance adds to a share of 400
    assert lost <= 0.05


def test_among_the_old_models_doubts_alone_an_equal_model_would_look_better() -> None:
    assert kept_of(100, old=0.03, new=0.03, seven=0.03, doubts_alone=True)[0] >= 0.2  # so more than doubts are frozen


def test_worse_models_are_not_kept() -> None:
    assert kept_of(100, old=0.03, new=0.045, seven=0.045)[0] <= 0.01
    assert kept_of(100, old=0.03, new=0.03, seven=0.09)[0] <= 0.01


def test_a_model_with_a_third_of_the_errors_is_kept_unless_it_pays_for_them_with_one_digit() -> None:
    assert kept_of(100, old=0.09, new=0.03, seven=0.03)[0] >= 0.8
    assert kept_of(100, old=0.09, new=0.03, seven=0.2)[0] <= 0.05


def test_a_model_that_learns_on_keeps_its_width() -> None:
    result = CliRunner().invoke(app, ["train", "--corrections", "results", "--width", "0.5"])
    assert result.exit_code == 2
    assert "it is that of the model that learns on" in " ".join(result.output.replace("│", "").split())
