"""Ruled columns of numbers: rows whose rules are faint, broken or written over."""

from __future__ import annotations

import cv2
import numpy as np
from ruled_pages import boxes_px, page_of, paper, write

from docproc.form.boxes import find_boxes
from docproc.form.columns import with_rows
from docproc.form.layout import find_fields
from docproc.geometry import Box

TOP, PITCH, ROWS, RIGHT = 60, 90, 8, 360


def draw_column(*, rule: int = 150, paper_shade: int = 200) -> np.ndarray:
    """A column of rows that the left edge of the image cuts."""
    image = paper(480, 1000, paper_shade)
    for row in range(ROWS + 1):
        cv2.line(image, (0, TOP + PITCH * row), (RIGHT, TOP + PITCH * row), rule, 2)
    cv2.line(image, (RIGHT, TOP), (RIGHT, TOP + PITCH * ROWS), rule, 2)
    return image


def erase(image: np.ndarray, row: int, left: int, right: int, shade: int = 200) -> None:
    """Take away a part of the rule above a row."""
    cv2.rectangle(image, (left, TOP + PITCH * row - 3), (right, TOP + PITCH * row + 3), shade, -1)


def cell(row: int) -> Box:
    return Box(0, TOP + PITCH * row, RIGHT, PITCH)


def test_a_rule_that_has_faded_for_a_quarter_of_its_way_parts_two_rows() -> None:
    image = draw_column()
    for row in (1, 2):
        write(image, "375", 180, TOP + PITCH * row + 75, height=50)
    erase(image, 2, 80, 160)
    found = boxes_px(find_fields(page_of(image)))
    assert [box.iou(cell(row)) > 0.85 for row, box in zip((1, 2), found.values(), strict=True)] == [True, True]


def test_a_rule_that_digits_stand_on_keeps_its_rows_apart() -> None:
    image = draw_column()
    for row in (0, 1, 4):
        write(image, "804", 120, TOP + PITCH * (row + 1) + 6, height=64, ink=30)
    found = boxes_px(find_fields(page_of(image)))
    assert all(any(box.iou(cell(row)) > 0.85 for box in found.values()) for row in (0, 1, 4))


def test_rows_at_the_end_of_a_column_whose_side_is_broken_are_found() -> None:
    image = draw_column()
    write(image, "61", 200, TOP + 75, height=50)
    cv2.rectangle(image, (RIGHT - 3, TOP + 30), (RIGHT + 3, TOP + 50), 200, -1)
    erase(image, 0, RIGHT - 40, RIGHT + 3)
    found = boxes_px(find_fields(page_of(image)))
    assert [box.iou(cell(0)) > 0.85 for box in found.values()] == [True]


def test_a_leader_before_a_number_does_not_divide_its_row() -> None:
    image = draw_column()
    for row in range(4):
        middle = TOP + PITCH * row + 45
        cv2.line(image, (0, middle), (150, middle - 2), 60, 4, cv2.LINE_AA)
        write(image, "108", 165, middle + 30, height=55)
    found = boxes_px(find_fields(page_of(image)))
    assert len(found) == 4
    assert all(box.iou(cell(row)) > 0.85 for row, box in enumerate(found.values()))


def test_a_row_twice_as_high_stays_whole_though_print_stands_in_its_middle() -> None:
    image = draw_column()
    erase(image, 3, 0, RIGHT - 3)
    cv2.putText(image, "SUM OF VOTES CAST", (20, TOP + 3 * PITCH + 8), cv2.FONT_HERSHEY_DUPLEX, 0.9, 60, 2)
    boxes = [box.bounds for box in find_boxes(page_of(image)).boxes]
    assert len(boxes) == ROWS - 1
    assert any(box.iou(Box(0, TOP + 2 * PITCH, RIGHT, 2 * PITCH)) > 0.9 for box in boxes)


def test_a_line_of_print_above_a_column_is_no_rule_of_it() -> None:
    image = draw_column()
    image[: TOP + 3 * PITCH - 3] = 200
    cv2.putText(image, "SUM OF VOTES CAST", (10, TOP + 2 * PITCH + 8), cv2.FONT_HERSHEY_DUPLEX, 0.95, 60, 2)
    assert len(find_boxes(page_of(image)).boxes) == ROWS - 3


def test_a_column_without_gaps_is_left_as_it_is() -> None:
    found = find_boxes(page_of(draw_column()))
    quads = [box.corners for box in found.boxes]
    again = with_rows(quads, found.ruling.depth, found.ruling.sheet)
    assert len(again) == ROWS
    assert all(one is other for one, other in zip(quads, again, strict=True))
