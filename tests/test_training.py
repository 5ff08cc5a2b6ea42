"""What the network is shown, and what is said about it. Nothing here needs TensorFlow: tests/test_fit.py does."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.character.card import CLASSES, DIGITS
from docproc.character.normalization import normalize
from docproc.errors import MissingExtraError, ModelError, OutputError, PageError
from docproc.training import material, programs, trained
from docproc.training import train as training
from docproc.training.ahead import made_ahead
from docproc.training.assessment import choose_threshold, measure, reliability_points
from docproc.training.digits import datasets, negatives
from docproc.training.digits.augmentation import CANVAS_PX, augment, bend, change_stroke, degrade, leave_fragment
from docproc.training.digits.datasets import Digits, hold_out, read_digits, read_mnist, separate_ink, to_canvases
from docproc.training.digits.negatives import cross, dash, draw_negatives
from docproc.training.export import LARGEST_BYTES, check_agreement, check_size
from docproc.training.material import Material, Plan, halves, paint_stocks
from docproc.training.mixture import EXTRA_WEIGHT, NEGATIVE_SHARE, aged_glyphs, shares
from docproc.training.painting.sheet import Painted

STROKES = {
    0: [[(30, 4), (12, 18), (10, 40), (24, 58), (42, 50), (48, 24), (30, 4)]],
    1: [[(16, 24), (34, 4), (32, 60)]],
    2: [[(12, 16), (28, 4), (46, 14), (40, 32), (10, 58), (50, 58)]],
    4: [[(22, 4), (10, 38), (50, 38)], [(40, 20), (38, 60)]],
    7: [[(10, 6), (48, 6), (24, 60)], [(18, 32), (44, 30)]],
}


def drawn_ink(digit: int, *, thickness: int = 5, jitter: float = 0.0, seed: int = 0) -> np.ndarray:
    """Ink of one digit, 64 x 64."""
    rng = np.random.default_rng(seed)
    ink = np.zeros((64, 64), np.uint8)
    for stroke in STROKES[digit]:
        points = np.array(stroke) + rng.normal(0, jitter, (len(stroke), 2))
        cv2.polylines(ink, [points.round().astype(np.int32)], False, 255, thickness, cv2.LINE_AA)
    return ink


def drawn_digits(count: int, *, name: str = "mnist", writers: int = 1) -> Digits:
    """Digits of a few kinds, jittered; writers take turns."""
    labels = np.array([list(STROKES)[i % len(STROKES)] for i in range(count)], np.uint8)
    images = np.stack([drawn_ink(int(label), jitter=2.0, seed=i) for i, label in enumerate(labels)])
    canvases, glyphs = to_canvases(images)
    return Digits(name, canvases, glyphs, labels, np.arange(count) % writers)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine of two glyphs, blurred so that stroke width counts little."""
    a, b = (cv2.GaussianBlur(glyph, (0, 0), 2).astype(np.float64).ravel() for glyph in (one, other))
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("light_paper", [True, False], ids=["dark on light", "light on dark"])
@pytest.mark.parametrize("two_level", [True, False], ids=["two levels", "gray"])
def test_polarity_and_depth_of_a_source_do_not_matter(scale: float, light_paper: bool, two_level: bool) -> None:
    inks = [cv2.resize(drawn_ink(digit), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for digit in STROKES]
    images = np.stack(inks)
    if two_level:
        images = ((images > 110) * 255).astype(np.uint8)
    canvases, glyphs = to_canvases(255 - images if light_paper else images)
    for digit, canvas, glyph in zip(STROKES, canvases, glyphs, strict=True):
        longest = max(cv2.boundingRect((canvas > 60).astype(np.uint8))[2:])
        assert 37 <= longest <= 41
        assert likeness(glyph, normalize(drawn_ink(digit))) > 0.93


def test_pale_ink_on_gray_paper_is_separated_from_it_and_from_specks() -> None:
    rng = np.random.default_rng(1)
    ink = drawn_ink(4).astype(np.float64) / 255
    paper = 215 + rng.normal(0, 3, ink.shape)
    photo = np.clip(paper - 90 * ink, 0, 255).astype(np.uint8)
    photo[3:5, 58:60] = 100  # a speck of dirt in a corner
    separated = separate_ink(255 - photo)
    assert separated[:8, 54:].max() == 0
    assert np.mean(separated[ink == 0] == 0) > 0.9
    assert separated[ink > 0.9].min() > 150


def test_writers_are_kept_apart_whole() -> None:
    digits = drawn_digits(60, writers=12)
    kept, held = hold_out(digits, 0.25, np.random.default_rng(5))
    assert len(set(held.writers.tolist())) == 3
    assert not set(kept.writers.tolist()) & set(held.writers.tolist())
    assert len(kept) + len(held) == 60


def test_digits_without_writers_are_kept_apart_one_by_one() -> None:
    kept, held = hold_out(drawn_digits(40), 0.25, np.random.default_rng(5))
    assert (len(kept), len(held)) == (30, 10)


def test_a_file_of_digits_is_read(tmp_path: Path) -> None:
    images = np.stack([255 - drawn_ink(digit) for digit in STROKES])
    np.savez(tmp_path / "swiss.npz", x=images, y=np.array(list(STROKES)), writer=np.arange(5))
    digits = read_digits(tmp_path / "swiss.npz")
    assert digits.name == "swiss"
    assert digits.labels.tolist() == list(STROKES)
    assert digits.writers.tolist() == [0, 1, 2, 3, 4]


def test_mnist_is_taken_as_it_is(tmp_path: Path) -> None:
    glyphs = np.stack([normalize(drawn_ink(digit)) for digit in STROKES])
    labels = np.array(list(STROKES))
    np.savez(tmp_path / "mnist.npz", x_train=glyphs, y_train=labels, x_test=glyphs[:2], y_test=labels[:2])
    digits, x_test, y_test = read_mnist(tmp_path / "mnist.npz")
    assert np.array_equal(digits.glyphs, glyphs)
    assert np.array_equal(x_test, glyphs[:2])
    assert y_test.tolist() == [0, 1]


def test_a_wrong_file_of_digits_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no arrays", encoding="utf-8")
    np.savez(tmp_path / "half.npz", x=np.zeros((2, 8, 8), np.uint8))
    np.savez(tmp_path / "flat.npz", x=np.zeros((2, 64), np.uint8), y=np.zeros(2, np.uint8))
    with pytest.raises(PageError, match=r"text\.npz: the digits cannot be read"):
        read_digits(tmp_path / "text.npz")
    with pytest.raises(PageError, match=r"half\.npz: no array y"):
        read_digits(tmp_path / "half.npz")
    with pytest.raises(PageError, match=r"flat\.npz: x is \(2, 64\)"):
        read_digits(tmp_path / "flat.npz")


@pytest.mark.parametrize("step", [bend, change_stroke, degrade, leave_fragment], ids=lambda step: step.__name__)
def test_a_step_of_aging_depends_on_its_seed_alone_and_changes_no_argument(step) -> None:
    canvas = drawn_digits(5).canvases[3]
    before = canvas.copy()
    extra = (canvas,) if step is leave_fragment else ()
    results = [step(canvas, np.random.default_rng(seed), *extra) for seed in (1, 1, 2)]
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(canvas, before)
    assert results[0].dtype == np.uint8


def test_an_aged_digit_can_still_be_recognized() -> None:
    digits = drawn_digits(5)
    rng = np.random.default_rng(2)
    plain = {int(label): glyph for label, glyph in zip(digits.labels, digits.glyphs, strict=True)}
    nearest = []
    for canvas, label in zip(digits.canvases, digits.labels, strict=True):
        for _ in range(40):
            aged = augment(canvas, rng, digits.canvases[0])
            nearest.append(max(plain, key=lambda other: likeness(aged, plain[other])) == label)
    assert np.mean(nearest) > 0.8  # by comparison with one picture a digit; a network does far better


def test_a_cross_crosses_and_a_dash_is_flat() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        rows, columns = np.nonzero(cross(rng) > 127)
        assert min(np.ptp(rows), np.ptp(columns)) > 14
        _, _, width, height = cv2.boundingRect((dash(rng) > 127).astype(np.uint8))
        assert width > 1.2 * height


def test_negatives_are_of_every_kind_and_never_blank() -> None:
    digits = drawn_digits(30)
    marks, labels = draw_negatives(400, digits.canvases, digits.labels, np.random.default_rng(6))
    assert marks.shape == (400, CANVAS_PX, CANVAS_PX)
    counts = np.bincount(labels, minlength=len(CLASSES))
    assert counts[: len(DIGITS)].sum() == 0
    assert (counts[len(DIGITS) :] > 50).all()
    assert (marks.max(axis=(1, 2)) > 100).all()


def test_a_struck_or_overwritten_digit_that_still_reads_as_one_is_not_shown_as_none() -> None:
    digits = drawn_digits(30)
    rng = np.random.default_rng(7)
    for _ in range(60):
        struck = negatives.struck_out(digits.canvases, rng)
        overwritten = negatives.overwritten(digits.canvases, digits.labels, rng)
        for mark in (struck, overwritten):
            assert max(likeness(mark, canvas) for canvas in digits.canvases) < 0.9
            assert mark.any()


def test_wrongly_labeled_digits_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    x = np.stack([drawn_ink(digit) for digit in (0, 1, 2)])
    path = tmp_path / "hands.npz"
    np.savez(path, x=x, y=np.array([0, 7, 2]), writer=np.array([5, 6, 7]))
    monkeypatch.setattr(datasets, "MISLABELED", frozenset({datasets.fingerprint(x[1])}))
    read = read_digits(path)
    assert read.labels.tolist() == [0, 2]
    assert read.writers.tolist() == [5, 7]


def test_held_out_digits_are_shown_as_often_from_each_source_as_in_training() -> None:
    train = [drawn_digits(60), drawn_digits(30, name="swiss")]
    held_out = [drawn_digits(6), drawn_digits(9, name="swiss")]
    assert shares(held_out, like=train) == pytest.approx(shares(train))
    assert shares(held_out) != pytest.approx(shares(train))


def test_small_sources_are_shown_more_often() -> None:
    sources = [drawn_digits(60), drawn_digits(20, name="swiss")]
    mnist, swiss = shares(sources)
    assert mnist + swiss + NEGATIVE_SHARE == pytest.approx(1)
    assert (swiss / 20) / (mnist / 60) == pytest.approx(EXTRA_WEIGHT)


def test_an_epoch_is_the_same_each_time_and_another_one_differs() -> None:
    sources = [drawn_digits(60), drawn_digits(20, name="swiss")]
    first = aged_glyphs(sources, count=300, seed=9, epoch=0)
    again = aged_glyphs(sources, count=300, seed=9, epoch=0)
    other = aged_glyphs(sources, count=300, seed=9, epoch=1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert abs(len(first[0]) - 300) <= 2
    assert np.mean(first[1] >= len(DIGITS)) == pytest.approx(NEGATIVE_SHARE, abs=0.01)
    assert (first[0].max(axis=(1, 2)) > 0).all()


def test_the_threshold_counts_marks_read_as_digits_as_wrong() -> None:
    truth = np.array([1, 2, 3, 12, 4], np.uint8)
    chances = np.zeros((5, len(CLASSES)))
    for row, (answer, confidence) in enumerate([(1, 0.99), (2, 0.95), (3, 0.9), (5, 0.8), (12, 0.999)]):
        chances[row, answer] = confidence
        chances[row, 6] += 1 - confidence
    # The last glyph is a digit read as a mark: not accepted, so it is neither right nor wrong here.
    assert choose_threshold(chances, truth, risk=0.0) == pytest.approx(0.9)
    assert choose_threshold(chances, truth, risk=0.25) == pytest.approx(0.8)
    scores = measure("some", chances, truth)
    assert scores["some_right"] == pytest.approx(0.6)
    assert scores["some_marks_rejected"] == 0.0
    assert scores["some_digits_rejected"] == pytest.approx(0.25)
    assert sum(point.count for point in reliability_points(chances, truth)) == 5


def test_an_export_that_disagrees_is_refused() -> None:
    logits = np.eye(13) * 10
    spread = float(np.std(logits))
    assert check_agreement(logits, logits + 0.01 * spread) == pytest.approx(0.01)
    with pytest.raises(ModelError, match=r"logits differ by 20\.0%, and 0 of 13 answers") as caught:
        check_agreement(logits, logits + 0.2 * spread)
    assert "Nothing was written" in caught.value.remedy
    with pytest.raises(ModelError, match="13 of 13 answers"):
        check_agreement(logits, np.roll(logits, 1, axis=1))


def test_a_model_of_more_than_two_megabytes_is_refused() -> None:
    check_size([b"0" * (LARGEST_BYTES // 2)] * 2)
    with pytest.raises(ModelError, match="at most 2,000,000"):
        check_size([b"0" * (LARGEST_BYTES // 2), b"0" * (LARGEST_BYTES // 2 + 1)])


def test_training_without_keras_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as caught:
        training.train(training.Plan(output=tmp_path / "digits"))
    assert "docproc[train]" in caught.value.remedy


def test_training_on_a_backend_that_is_missing_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "find_spec", lambda name: name if name == "keras" else None)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(MissingExtraError, match="on jax, which is not installed"):
        training.train(training.Plan(output=tmp_path / "digits"))


def test_a_folder_that_cannot_be_written_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(programs, "find_spec", lambda name: name)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        training.train(training.Plan(output=tmp_path / "file" / "digits"))


def test_a_network_that_was_not_kept_whole_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trained.keras").write_bytes(b"weights")
    with pytest.raises(ModelError, match=r"trained\.npz: there is no such file") as caught:
        trained.read_kept(tmp_path / "trained.keras")
    assert "trained.npz" in caught.value.remedy


def test_an_epoch_made_ahead_is_the_one_asked_for_however_many_make_it() -> None:
    for workers in (1, 2):
        with made_ahead(square, 2, 6, workers=workers) as coming:
            assert list(coming) == [4, 9, 16, 25]


def test_epochs_that_nobody_waits_for_are_given_up() -> None:
    # A pause of an hour would be waited for at the end of the block, or at the end of the tests.
    with made_ahead(pause_after_the_first, 0, 6, workers=3) as coming:
        assert next(coming) == 0


def pause_after_the_first(number: int) -> int:
    """Travels to a process by its name."""
    time.sleep(3600 * number)
    return number


def square(number: int) -> int:
    """Travels to a process by its name."""
    return number * number


def test_held_out_writers_are_parted_again_and_nobody_is_in_two_parts() -> None:
    sources = [drawn_digits(60, writers=12), drawn_digits(40, name="swiss")]
    one, other = halves(sources, seed=4)
    assert not set(one[0].writers.tolist()) & set(other[0].writers.tolist())
    assert [len(a) + len(b) for a, b in zip(one, other, strict=True)] == [60, 40]
    assert len(one[1]) == 20


def painted_by_hand(sources, *, count: int, seed: int, workers: int, progress, **options) -> Painted:
    """Instead of painting: the digits as they are, so that a stock is made in no time."""
    picked = np.random.default_rng(seed).integers(len(sources[0]), size=count)
    progress(1.0)
    return Painted(sources[0].glyphs[picked], sources[0].labels[picked], np.zeros(count, np.int16))


def test_painted_glyphs_are_kept_for_a_run_that_resumes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes: list[int] = []

    def paint(sources, *, count: int, **options) -> Painted:
        if len(sizes) == 3:
            raise KeyboardInterrupt
        sizes.append(count)
        return painted_by_hand(sources, count=count, **options)

    monkeypatch.setattr(material, "paint_stock", paint)
    monkeypatch.setattr(material, "_PART", 100)
    digits = drawn_digits(60, writers=12)
    things = Material([digits], [digits], digits.glyphs, digits.labels)
    plan = Plan(output=tmp_path / "model", painted_glyphs=250, held_out_glyphs=100, workers=1, resume=True)
    done: list[float] = []
    with pytest.raises(KeyboardInterrupt):
        paint_stocks(plan, things, elapsed=lambda: 7.0, progress=done.append)
    assert sizes == [50, 50, 100]
    sizes[:] = [0]
    stocks = paint_stocks(plan, things, elapsed=lambda: 1.0, progress=done.append)
    assert sizes == [0, 100, 50]  # only what was not there yet
    assert stocks.wall_time_s == 7.0
    assert (len(stocks.train.glyphs), len(stocks.calibration.glyphs), len(stocks.measured.glyphs)) == (250, 50, 50)
    assert done[-1] == 1.0
    monkeypatch.setattr(material, "paint_stock", painted_by_hand)
    afresh = paint_stocks(replace(plan, resume=False), things, elapsed=lambda: 1.0, progress=done.append)
    assert np.array_equal(afresh.train.glyphs, stocks.train.glyphs)
    with pytest.raises(ModelError, match="another --seed"):
        paint_stocks(replace(plan, seed=5), things, elapsed=lambda: 1.0, progress=done.append)
