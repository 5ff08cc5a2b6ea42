"""A cell's digit without what reaches in from beside it."""

from __future__ import annotations

import numpy as np

from docproc.field.comb import cut_cells
from docproc.field.glyph import connected_parts
from docproc.field.interpretation import Marks, resolve
from docproc.field.trimming import Trimmed, trim
from docproc.geometry import Box

CELL = Box(40, 10, 60, 80)
PAPER = np.zeros((100, 140), np.uint8)


def ink(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Strokes as filled rectangles: left, top, width, height."""
    drawn = PAPER.copy()
    for left, top, width, height in boxes:
        drawn[top : top + height, left : left + width] = 255
    return drawn


def trimmed(dark: np.ndarray) -> Trimmed:
    (whole,) = cut_cells(dark, connected_parts(dark > 0), [CELL])
    return trim(dark, dark > 0, CELL, whole)


DIGIT = (60, 30, 20, 45)


def test_a_digit_alone_in_its_cell_is_not_cut_again():
    found = trimmed(ink(DIGIT))
    assert (found.closer, found.lone, found.crowded) == (None, None, False)


def test_a_stroke_that_leaves_the_cell_a_little_is_not_cut():
    assert trimmed(ink((60, 30, 45, 30))).closer is None


def test_a_digit_that_hangs_on_its_neighbor_is_cut_at_the_wall():
    found = trimmed(ink((50, 30, 85, 12)))
    assert found.closer is not None
    assert found.closer.box_px.right <= CELL.right + 1


def test_a_digit_of_which_most_is_outside_is_still_found_where_the_cell_is_full_of_it():
    dark = ink((45, 20, 50, 60), (95, 20, 45, 78), (0, 20, 45, 78))
    assert cut_cells(dark, connected_parts(dark > 0), [CELL]) == [None]
    found = trimmed(dark)
    assert found.closer is not None
    assert found.closer.box_px.width <= CELL.width + 2


def test_a_neighbors_end_in_an_empty_cell_is_no_digit_of_it():
    assert trimmed(ink((0, 30, 50, 40))).closer is None


def test_dots_and_lines_beside_the_digit_are_left_out():
    found = trimmed(ink(DIGIT, (88, 70, 6, 6), (45, 12, 4, 76)))
    assert found.closer is not None
    assert not found.crowded
    assert (found.closer.ink > 0).sum() == DIGIT[2] * DIGIT[3]


def test_the_bar_above_a_five_stays():
    found = trimmed(ink(DIGIT, (62, 22, 16, 4), (88, 70, 6, 6)))
    assert found.closer is not None
    assert found.closer.box_px.top <= 22


def test_a_second_mark_in_the_cell_is_left_out_and_told():
    found = trimmed(ink(DIGIT, (86, 40, 14, 30)))
    assert found.closer is not None
    assert found.crowded


def test_half_of_what_stands_in_the_cell_is_offered_alone():
    found = trimmed(ink((52, 30, 14, 45), (72, 30, 16, 45)))
    assert found.closer is None
    assert found.lone is not None
    assert (found.lone.ink > 0).sum() == 16 * 45


def marks(digit: int, chance: float) -> Marks:
    digits = [0.0] * 10
    digits[digit] = chance
    return Marks(digits=tuple(digits), cross=0.0, dash=0.0, other=1 - chance)


def total(found: Marks) -> float:
    return sum(found.digits) + found.cross + found.dash + found.other


def test_two_ways_of_cutting_that_agree_are_surer_than_their_mean():
    both = resolve(marks(7, 0.6), marks(7, 0.95), None, crowded=False)
    assert both is not None
    assert both.digits[7] > (0.6 + 0.95) / 2


def test_the_way_of_cutting_that_looks_like_a_digit_counts_most():
    both = resolve(marks(0, 0.04), marks(1, 0.98), None, crowded=False)
    assert both is not None
    assert both.digits[1] > 0.9
    assert abs(total(both) - 1) < 1e-9


def test_one_mark_alone_counts_only_where_the_whole_looks_like_none():
    broken = resolve(marks(4, 0.98), None, marks(1, 0.9), crowded=False)
    assert broken is not None
    assert (broken.digits[4], broken.crowded) == (0.98, False)
    two = resolve(marks(4, 0.1), None, marks(1, 0.9), crowded=False)
    assert two is not None
    assert max(range(10), key=lambda digit: two.digits[digit]) == 1
    assert two.crowded


def test_a_cell_that_was_cut_in_no_way_is_blank():
    assert resolve(None, None, None, crowded=False) is None


def test_a_second_mark_makes_the_reading_less_sure():
    found = resolve(marks(3, 0.99), marks(3, 0.99), None, crowded=True)
    assert found is not None
    assert found.digits[3] < 0.7
    assert abs(total(found) - 1) < 1e-9
