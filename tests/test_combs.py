"""Combs and lone boxes of pages without a template."""

from __future__ import annotations

import cv2
import pytest
from ruled_pages import boxes_px, draw_comb, draw_table, page_of, paper, write

from docproc.form.boxes import find_boxes
from docproc.form.layout import Layout, find_fields
from docproc.geometry import Box


def test_a_row_of_equal_narrow_boxes_is_one_comb_with_its_blank_boxes() -> None:
    image = paper(900, 300)
    box = draw_comb(image, left=80, top=100, cells=10)
    for index, digit in enumerate("4170"):
        write(image, digit, 87 + 30 * index, 133, height=24)
    layout = find_fields(page_of(image))
    assert [(p.field.name, p.field.kind, p.field.cells) for p in layout.located] == [("r01c01", "comb", 10)]
    assert boxes_px(layout)["r01c01"].iou(box) > 0.93


def test_boxes_that_stand_apart_are_a_comb_with_gaps() -> None:
    image = paper(900, 300)
    box = draw_comb(image, left=80, top=100, cells=6, gap=9)
    write(image, "3", 87, 133, height=24)
    layout = find_fields(page_of(image, dpi=25.4))
    (place,) = layout.located
    assert (place.field.kind, place.field.cells) == ("comb", 6)
    assert place.field.cell_gap_mm == pytest.approx(9, abs=1.5)
    assert boxes_px(layout)["r01c01"].iou(box) > 0.9


def test_groups_of_a_comb_are_kept() -> None:
    image = paper(900, 300)
    for left, cells in ((80, 3), (182, 3), (284, 4)):
        draw_comb(image, left=left, top=100, cells=cells)
    write(image, "8", 87, 133, height=24)
    (place,) = find_fields(page_of(image, dpi=25.4)).located
    assert (place.field.cells, place.field.groups) == (10, (3, 3, 4))
    assert place.field.group_gap_mm == pytest.approx(12, abs=2)


def test_narrow_boxes_above_one_another_are_a_table_and_no_combs() -> None:
    image = paper(700, 500)
    draw_table(image, left=80, top=60, columns=[44] * 6, rows=[44] * 5)
    write(image, "5", 94, 94, height=24)
    write(image, "7", 138, 138, height=24)
    layout = find_fields(page_of(image))
    assert [(p.field.name, p.field.cells) for p in layout.located] == [("r01c01", 1), ("r02c02", 1)]


def test_a_comb_cut_by_the_edge_of_the_image_is_closed_by_it() -> None:
    image = paper(1000, 200)
    for x in range(0, 1000, 125):
        cv2.line(image, (x + 60, 40), (x + 60, 170), 30, 5)
    cv2.line(image, (0, 40), (999, 40), 30, 5)
    cv2.line(image, (0, 170), (999, 170), 30, 5)
    write(image, "4", 210, 140, height=60)
    (place,) = [p for p in find_fields(page_of(image)).located if p.field.kind == "comb"]
    assert place.field.cells >= 7
    assert boxes_px(Layout(size_mm=(1, 1), located=(place,)))[place.field.name].width > 860


def test_a_lone_small_box_is_a_cell() -> None:
    image = paper(600, 400)
    cv2.rectangle(image, (200, 150), (250, 200), 80, 2)
    write(image, "6", 215, 188, height=26)
    (place,) = find_fields(page_of(image)).located
    assert (place.field.name, place.field.kind) == ("r01c01", "cell")


def test_a_zero_in_a_box_of_a_comb_is_no_box() -> None:
    image = paper(1000, 1400)
    for left in range(200, 440, 60):
        cv2.rectangle(image, (left, 300), (left + 60, 360), 60, 2, cv2.LINE_AA)
    for x in (290, 410):
        cv2.ellipse(image, (x, 330), (13, 20), 0, 0, 360, 20, 4, cv2.LINE_AA)
    layout = find_fields(page_of(image))
    assert [(place.field.kind, place.field.cells) for place in layout.located] == [("comb", 4)]
    assert boxes_px(layout)["r01c01"].iou(Box(200, 300, 240, 60)) > 0.95


def test_a_small_printed_box_inside_another_stays_a_box() -> None:
    image = paper(1000, 700)
    cv2.rectangle(image, (200, 200), (600, 300), 60, 2)
    cv2.rectangle(image, (300, 225), (380, 275), 60, 2)
    write(image, "7", 330, 265, height=30)
    assert len(find_boxes(page_of(image)).boxes) == 2


def test_a_field_found_by_its_writing_is_required() -> None:
    image = paper(900, 600)
    draw_comb(image, left=80, top=100, cells=6)
    draw_table(image, left=80, top=300, columns=[160] * 3, rows=[50] * 3)
    cv2.rectangle(image, (700, 100), (744, 144), 80, 2)
    for text, left, base in (("3", 87, 133), ("12", 110, 340), ("6", 713, 134)):
        write(image, text, left, base, height=24)
    located = find_fields(page_of(image)).located
    assert {place.field.kind for place in located} == {"comb", "free", "cell"}
    assert all(place.field.required for place in located)
