"""The normalizer gives what MNIST gives."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.character.normalization import SIDE_PX, normalize, normalize_all


def drawn_digit(digit: str, *, height_px: int = 240, thickness: int = 20) -> np.ndarray:
    """Ink of a digit, drawn large."""
    strokes = {
        "0": [[(60, 120), (75, 40), (120, 20), (165, 40), (180, 120), (165, 200), (120, 220), (75, 200), (60, 120)]],
        "1": [[(90, 70), (130, 20), (130, 220)]],
        "2": [[(70, 60), (100, 20), (160, 30), (170, 80), (70, 215), (180, 215)]],
        "4": [[(120, 20), (60, 140), (180, 140)], [(150, 90), (150, 220)]],
        "7": [[(60, 30), (180, 30), (110, 220)]],
    }[digit]
    canvas = np.zeros((240, 240), np.uint8)
    for stroke in strokes:
        cv2.polylines(canvas, [np.array(stroke, np.int32)], False, 255, thickness, cv2.LINE_AA)
    return cv2.resize(canvas, (height_px, height_px), interpolation=cv2.INTER_AREA)


def mnist_like(digit: str) -> np.ndarray:
    """Drawn straight into a 28 x 28 image by the recipe of the MNIST paper, by other means than the normalizer's."""
    ink = drawn_digit(digit).astype(np.float64)
    rows, columns = np.flatnonzero(ink.max(1) > 127), np.flatnonzero(ink.max(0) > 127)
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20 / max(ink.shape)
    small = cv2.resize(ink, (round(ink.shape[1] * scale), round(ink.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    y, x = (np.round(14 - c).astype(int) for c in center_of_mass(small))
    glyph = np.zeros((28, 28), np.uint8)
    glyph[y : y + small.shape[0], x : x + small.shape[1]] = np.round(small)
    return glyph


def center_of_mass(image: np.ndarray) -> np.ndarray:
    weights = image.astype(np.float64)
    return np.array([(weights.sum(1 - axis) * np.arange(image.shape[axis])).sum() for axis in (0, 1)]) / weights.sum()


def likeness_in_place(one: np.ndarray, other: np.ndarray) -> float:
    """Largest cosine of two images, one of them moved by up to a pixel."""
    b = other.astype(np.float64).ravel()
    cosines = []
    for shift in np.ndindex(3, 3):
        a = np.roll(one, np.array(shift) - 1, (0, 1)).astype(np.float64).ravel()
        cosines.append(a @ b / np.sqrt((a @ a) * (b @ b)))
    return float(max(cosines))


@pytest.mark.parametrize("digit", "01247")
def test_a_digit_in_mnist_form_passes_through_nearly_unchanged(digit: str) -> None:
    glyph = mnist_like(digit)
    assert np.abs(normalize(glyph).astype(int) - glyph).mean() < 2


@pytest.mark.parametrize("interpolation", [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC])
@pytest.mark.parametrize("digit", "01247")
def test_a_digit_enlarged_three_times_comes_back_as_it_was(digit: str, interpolation: int) -> None:
    glyph = mnist_like(digit)
    enlarged = cv2.resize(glyph, None, fx=3, fy=3, interpolation=interpolation)
    # The center of mass may round to the next pixel, so the best of the nine neighboring places counts.
    assert likeness_in_place(normalize(enlarged), glyph) > 0.97


@pytest.mark.parametrize("size", [10, 20, 33, 60, 200])
@pytest.mark.parametrize("digit", "01247")
def test_the_longest_side_is_20_and_the_center_of_mass_is_in_the_middle(digit: str, size: int) -> None:
    glyph = normalize(drawn_digit(digit, height_px=size))
    rows, columns = np.flatnonzero(glyph.max(1) >= 64), np.flatnonzero(glyph.max(0) >= 64)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    assert glyph.max() == 255
    # MNIST's place is a whole pixel, so up to half a pixel remains; a box at the rim cannot move further.
    assert np.abs(center_of_mass(glyph) - 14).max() <= 0.51


@pytest.mark.parametrize("digit", "0247")
def test_a_digit_ten_pixels_high_comes_out_smooth(digit: str) -> None:
    blocky = ((drawn_digit(digit, height_px=12) > 100) * 255).astype(np.uint8)
    glyph = normalize(blocky)
    levels = np.unique(glyph)
    assert len(levels) > 20  # a two-level image enlarged without smoothing has a handful
    assert likeness_in_place(glyph, normalize(drawn_digit(digit))) > 0.75


def test_pale_ink_comes_out_as_dark_as_black_ink() -> None:
    black = drawn_digit("2", height_px=60)
    pale = (black * 0.2).astype(np.uint8)
    assert np.abs(normalize(pale).astype(int) - normalize(black)).mean() < 3


def test_one_hot_pixel_does_not_pale_the_stroke() -> None:
    pale = (drawn_digit("2", height_px=60) * 0.3).astype(np.uint8)
    hot = pale.copy()
    hot[np.unravel_index(pale.argmax(), pale.shape)] = 255
    assert np.abs(normalize(hot).astype(int) - normalize(pale)).mean() < 5


@pytest.mark.parametrize("level", [8, 77, 100, 254, 255])
@pytest.mark.parametrize("digit", "01247")
def test_ink_of_one_level_is_ink(digit: str, level: int) -> None:
    for size in range(14, 70, 7):
        ink = np.where(drawn_digit(digit, height_px=size) > 110, level, 0).astype(np.uint8)
        assert normalize(ink).max() >= 235


def test_empty_ink_gives_zeros() -> None:
    assert not normalize(np.zeros((40, 30), np.uint8)).any()
    assert not normalize(np.full((40, 30), 3, np.uint8)).any()


@settings(deadline=None)
@given(height=st.integers(1, 90), width=st.integers(1, 90), level=st.integers(0, 255), seed=st.integers(0, 2**32 - 1))
def test_any_ink_gives_a_glyph_and_stays_as_it_was(height: int, width: int, level: int, seed: int) -> None:
    ink = np.random.default_rng(seed).integers(0, level + 1, (height, width)).astype(np.uint8)
    before = ink.copy()
    glyph = normalize(ink)
    assert glyph.shape == (SIDE_PX, SIDE_PX)
    assert glyph.dtype == np.uint8
    assert np.array_equal(ink, before)
    assert np.array_equal(glyph, normalize(ink))


@settings(deadline=None)
@given(pad=st.integers(0, 40), side=st.integers(0, 3))
def test_paper_around_a_glyph_changes_nothing(pad: int, side: int) -> None:
    ink = drawn_digit("4", height_px=48)
    padding = [0, 0, 0, 0]
    padding[side] = pad
    padded = cv2.copyMakeBorder(ink, *padding, cv2.BORDER_CONSTANT, value=0)
    assert np.array_equal(normalize(padded), normalize(ink))


def test_many_glyphs_are_normalized_as_one_by_one() -> None:
    inks = [drawn_digit(digit, height_px=size) for digit, size in zip("0247", (20, 40, 60, 80), strict=True)]
    assert np.array_equal(normalize_all(inks), np.stack([normalize(ink) for ink in inks]))
    assert normalize_all([]).shape == (0, SIDE_PX, SIDE_PX)
