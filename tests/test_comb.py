"""A comb is cut into its cells, and what its cells say is put together."""

import cv2
import numpy as np
import pytest

from docproc.field.comb import cut_cells, read_cells
from docproc.field.glyph import connected_parts, crosses_edge
from docproc.field.interpretation import Marks
from docproc.geometry import Box
from docproc.reading import Reason

CELLS = tuple(Box(20 + 64 * index, 20, 64, 64) for index in range(4))


def written(*strokes: tuple[tuple[int, int], tuple[int, int]], thickness: int = 5) -> np.ndarray:
    canvas = np.zeros((104, 296), np.uint8)
    for start, stop in strokes:
        cv2.line(canvas, start, stop, 255, thickness)
    return canvas


def marks(digit: int | None = None, chance: float = 0.98, **others: float) -> Marks:
    digits = [0.0] * 10
    if digit is not None:
        digits[digit] = chance
    return Marks(tuple(digits), others.get("cross", 0.0), others.get("dash", 0.0), others.get("other", 0.0))


def test_each_cell_gets_its_own_stroke_and_empty_cells_none():
    dark = written(((50, 30), (50, 75)), ((180, 30), (180, 75)))
    glyphs = cut_cells(dark, connected_parts(dark > 0), CELLS)
    assert [glyph is not None for glyph in glyphs] == [True, False, True, False]
    assert glyphs[0].box_px.height == pytest.approx(51, abs=4)


def test_a_stroke_that_leaves_its_cell_is_followed():
    dark = written(((35, 35), (100, 70)))  # ends 16 px inside the second cell
    glyphs = cut_cells(dark, connected_parts(dark > 0), CELLS)
    assert glyphs[1] is None
    assert glyphs[0].box_px.right >= 100


def test_a_part_that_two_cells_share_is_cut_between_them():
    dark = written(((30, 50), (140, 50)))
    glyphs = cut_cells(dark, connected_parts(dark > 0), CELLS)
    assert glyphs[0].box_px.right <= 86
    assert glyphs[1].box_px.left >= 82


def test_ink_of_the_row_above_is_not_this_rows():
    dark = written(((50, 0), (50, 24)))
    assert cut_cells(dark, connected_parts(dark > 0), CELLS) == [None] * 4


def test_a_speck_is_not_a_digit():
    dark = written(((50, 50), (51, 51)), thickness=3)
    assert cut_cells(dark, connected_parts(dark > 0), CELLS) == [None] * 4


def test_what_a_printed_line_left_behind_is_not_a_digit():
    dark = written(((84, 24), (84, 60)), thickness=3)
    assert cut_cells(dark, connected_parts(dark > 0), CELLS) == [None] * 4


def test_the_value_is_the_cells_digits_in_order():
    read = read_cells([marks(0), marks(4), marks(2)])
    assert (read.text, read.reasons) == ("042", ())
    assert read.confidence == pytest.approx(0.98**3)


def test_leading_blanks_and_crosses_stand_for_nothing():
    read = read_cells([marks(cross=0.99), None, marks(7)])
    assert read.text == "7"
    assert read.reasons == (Reason.CROSSED_OUT,)


def test_a_blank_between_digits_is_a_gap():
    assert Reason.GAP in read_cells([marks(1), None, marks(7)]).reasons


def test_a_mark_that_is_no_digit_keeps_a_best_guess_and_says_so():
    read = read_cells([marks(8, 0.2, other=0.8), marks(7)])
    assert read.text == "87"
    assert Reason.NOT_A_DIGIT in read.reasons
    assert read.confidence < 0.21


def test_an_empty_comb_is_blank_without_ink():
    read = read_cells([None, None])
    assert (read.text, read.has_ink) == ("", False)
    assert read.confidence > 0.99


def test_alternatives_are_the_next_best_values():
    two_ways = Marks((0, 0.6, 0, 0, 0, 0, 0, 0.39, 0, 0), 0, 0, 0.01)
    read = read_cells([two_ways, marks(5)])
    assert read.text == "15"
    assert read.alternatives[0][0] == "75"
    assert read.alternatives[0][1] == pytest.approx(0.39 * 0.98)


@pytest.mark.parametrize(("top", "crosses"), [(-20, False), (-6, True), (24, False)])
def test_a_digit_that_the_edge_cuts_is_noticed(top, crosses):
    dark = np.zeros((104, 296), np.uint8)
    cv2.line(dark, (50, max(top, 0)), (50, top + 40), 255, 5)
    assert crosses_edge(connected_parts(dark > 0), Box(20, 20, 256, 64)) is crosses
