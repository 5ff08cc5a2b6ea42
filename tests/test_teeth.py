"""Teeth of unknown combs: taken where they are, and nothing else taken."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.form.teeth import remove_teeth
from docproc.geometry import Box
from docproc.page import Ink
from docproc.training.digits.strokes import trim
from docproc.training.digits.styles import draw_digit, draw_hand

BOX = Box(8, 8, 400, 64)
PITCH_PX = 44


def written(text: str, seed: int, *, height_px: int = 36, upright: bool = False) -> Ink:
    """Digits in step, each in the middle of its cell."""
    rng = np.random.default_rng(seed)
    hand = draw_hand(rng)
    ink = np.zeros((80, 416), np.uint8)
    for place, digit in enumerate(text):
        piece = trim(draw_digit(int(digit), hand, rng))
        if upright:
            piece = np.full((28, 3), 255, np.uint8)
        width = max(min(round(piece.shape[1] * height_px / piece.shape[0]), PITCH_PX - 12), 3)
        piece = cv2.resize(piece, (width, height_px), interpolation=cv2.INTER_AREA)
        left = 12 + PITCH_PX * place + (PITCH_PX - width) // 2
        ink[40 - height_px // 2 :, left : left + width][:height_px] = piece
    return ink


def with_teeth(ink: Ink, rng: np.random.Generator, *, count: int, broken: bool = False, first: int = 0) -> Ink:
    """Teeth on both sides of each digit, some in pieces."""
    printed = ink.copy()
    for tooth in range(first, count):
        x = 12 + PITCH_PX * tooth
        printed[14:66, x - 2 : x + 2] = 230
        if broken:
            gap = int(rng.integers(14, 50))
            printed[gap : gap + 14, x - 2 : x + 2] = ink[gap : gap + 14, x - 2 : x + 2]
    return printed


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("broken", [False, True])
def test_teeth_go_and_digits_stay(seed: int, broken: bool) -> None:
    ink = written("30856294", seed)
    dark = with_teeth(ink, np.random.default_rng(seed), count=9, broken=broken)
    clean = remove_teeth(dark, dark > 100, BOX)
    assert np.mean(clean[ink > 100] > 100) > 0.98
    assert np.mean((clean > 100)[(dark > 100) & (ink <= 100)]) < 0.05


def test_teeth_on_a_level_line_go_too() -> None:
    ink = written("30856294", 1)
    dark = with_teeth(ink, np.random.default_rng(1), count=9)
    dark[64:67, 10:370] = 230
    clean = remove_teeth(dark, dark > 100, BOX)
    assert clean[30:50, 12 + PITCH_PX].max() == 0


@pytest.mark.parametrize("seed", range(12))
def test_digits_in_step_are_no_teeth(seed: int) -> None:
    """As people write them into boxes that a scan has dropped."""
    text = "".join(np.random.default_rng(seed).permutation(list("1170469185")))[:8]
    ink = written(text, seed)
    assert remove_teeth(ink, ink > 100, BOX) is ink


def test_a_row_of_ones_is_no_comb() -> None:
    ink = written("11111111", 0, upright=True)
    assert remove_teeth(ink, ink > 100, BOX) is ink


def test_four_uprights_are_no_comb() -> None:
    ink = with_teeth(written("308", 2), np.random.default_rng(2), count=4)
    assert remove_teeth(ink, ink > 100, BOX) is ink


def test_uprights_out_of_step_are_no_comb() -> None:
    ink = written("30856294", 3)
    for x in (12, 70, 101, 166, 205, 270, 330, 390):
        ink[14:66, x - 2 : x + 2] = 230
    assert remove_teeth(ink, ink > 100, BOX) is ink


def test_an_empty_field_stays_as_it_is() -> None:
    ink = np.zeros((80, 416), np.uint8)
    assert remove_teeth(ink, ink > 100, BOX) is ink
