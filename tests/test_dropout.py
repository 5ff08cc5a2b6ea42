"""Printed lines go, strokes stay."""

import cv2
import numpy as np
import pytest

from docproc.form.dropout import remove_rules, snap_cells
from docproc.geometry import Box

BOX = Box(40, 30, 192, 64)
CELLS = (Box(40, 30, 64, 64), Box(104, 30, 64, 64), Box(168, 30, 64, 64))


def ruled(*, thickness: int = 3, shift: int = 0, broken: bool = False) -> np.ndarray:
    """A comb of three cells whose lines are `shift` pixels off the place where they are expected."""
    canvas = np.zeros((124, 272), np.uint8)
    cv2.rectangle(canvas, (40 + shift, 30 + shift), (232 + shift, 94 + shift), 255, thickness)
    for x in (104, 168):
        cv2.line(canvas, (x + shift, 30 + shift), (x + shift, 94 + shift), 255, thickness)
    if broken:
        canvas[50:56] = 0
    return canvas > 0


@pytest.mark.parametrize("shift", [-5, 0, 5])
@pytest.mark.parametrize("thickness", [1, 3, 6])
def test_an_empty_comb_is_empty_without_its_lines(shift, thickness):
    mask = ruled(thickness=thickness, shift=shift)
    clean = remove_rules(mask, box_px=BOX, cells_px=CELLS)
    assert clean.sum() <= 0.02 * mask.sum()


def test_boxes_that_stand_apart_lose_both_their_lines():
    mask = np.zeros((124, 272), np.uint8)
    boxes = [Box(40, 30, 56, 64), Box(104, 30, 56, 64), Box(168, 30, 56, 64)]
    for box in boxes:
        cv2.rectangle(mask, (round(box.left), 30), (round(box.right), 94), 255, 2)
    assert snap_cells(mask > 0, boxes) == tuple(boxes)
    clean = remove_rules(mask > 0, box_px=Box(40, 30, 184, 64), cells_px=boxes)
    assert clean.sum() <= 0.02 * (mask > 0).sum()


def test_cells_snap_to_the_lines_between_them():
    mask = ruled()
    mask[:, 90:120] = False
    mask[30:95, 110:113] = True  # the first tooth stands 7 px off its even place
    cells = snap_cells(mask, CELLS)
    assert cells[0].right == pytest.approx(111, abs=1)
    assert cells[1].left == pytest.approx(111, abs=1)
    assert cells[1].right == pytest.approx(168, abs=1)


def test_a_broken_line_goes_where_it_is_expected():
    mask = ruled(broken=True)
    assert remove_rules(mask, box_px=BOX, cells_px=CELLS).sum() <= 0.03 * mask.sum()


def test_a_stroke_that_crosses_a_line_stays_in_one_piece():
    stroke = np.zeros((124, 272), np.uint8)
    cv2.line(stroke, (60, 45), (85, 118), 255, 5)  # a 7's stem that leaves the box below
    clean = remove_rules(ruled() | (stroke > 0), box_px=BOX, cells_px=CELLS)
    kept = (clean & (stroke > 0)).sum() / (stroke > 0).sum()
    assert kept > 0.93
    assert cv2.connectedComponents((clean & (stroke > 0)).astype(np.uint8))[0] == 2


def test_a_handwritten_one_beside_the_tooth_of_a_comb_stays():
    one = np.zeros((124, 272), np.uint8)
    cv2.line(one, (113, 40), (111, 84), 255, 5)
    clean = remove_rules(ruled() | (one > 0), box_px=BOX, cells_px=CELLS)
    assert (clean & (one > 0)).sum() / (one > 0).sum() > 0.95


def test_the_stem_of_a_nine_is_no_tooth_where_the_comb_is_printed_pale():
    mask = np.zeros((124, 272), np.uint8)
    cv2.ellipse(mask, (90, 50), (13, 14), 0, 0, 360, 255, 5)
    cv2.line(mask, (104, 34), (104, 92), 255, 5)  # just where the first tooth would be
    assert np.array_equal(remove_rules(mask > 0, box_px=BOX, cells_px=CELLS), mask > 0)


def test_the_feet_of_zeros_are_no_line_where_the_line_is_printed_pale():
    mask = np.zeros((124, 440), np.uint8)
    for x in (260, 300, 340):
        cv2.ellipse(mask, (x, 66), (17, 26), 0, 0, 360, 255, 5)
    box = Box(40, 30, 360, 64)
    assert np.array_equal(remove_rules(mask > 0, box_px=box, cells_px=(box,)), mask > 0)


def test_a_digit_without_any_lines_is_left_alone():
    canvas = np.zeros((124, 272), np.uint8)
    cv2.putText(canvas, "258", (60, 85), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 255, 4)
    mask = canvas > 0
    assert np.array_equal(remove_rules(mask, box_px=BOX, cells_px=CELLS), mask)


def test_a_filled_bar_is_not_taken_for_a_line():
    mask = np.zeros((124, 272), bool)
    mask[30:60, 40:232] = True
    assert np.array_equal(remove_rules(mask, box_px=BOX, cells_px=(BOX,)), mask)
