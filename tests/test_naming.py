"""Names of proposed fields, from the print beside them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from docproc.form.naming import LONGEST, Label, read_labels, with_names
from docproc.form.proposal import Proposed
from docproc.geometry import Box
from docproc.template import Field


def names(boxes: list[Box], labels: list[tuple[str, Box]]) -> list[str]:
    fields = [Proposed(Field(name=f"r{i:02d}c01", kind="free", box=box)) for i, box in enumerate(boxes, 1)]
    return [one.field.name for one in with_names(fields, [Label(*label) for label in labels])]


def test_a_field_is_named_by_what_stands_to_its_left_or_else_above() -> None:
    boxes = [Box(50, 20, 40, 8), Box(50, 50, 40, 8), Box(150, 90, 20, 8)]
    labels = [("Meter no.:", Box(20, 22, 25, 4)), ("Present Reading", Box(50, 44, 30, 4))]
    assert names(boxes, labels) == ["meter_no", "present_reading", "r03c01"]


def test_cells_of_a_table_are_named_by_row_and_heading() -> None:
    boxes = [Box(50 + 20 * column, 20 + 8 * row, 20, 8) for row in range(3) for column in range(2)]
    labels = [(f"Student {row}", Box(20, 22 + 8 * row, 20, 4)) for row in range(3)]
    labels += [("Q1", Box(55, 14, 6, 4)), ("Total", Box(75, 14, 10, 4))]
    assert names(boxes, labels) == [f"student_{row}_{heading}" for row in range(3) for heading in ("q1", "total")]


def test_one_line_of_print_over_two_fields_is_parted_by_words() -> None:
    boxes = [Box(50, 20, 20, 8), Box(80, 20, 20, 8)]
    assert names(boxes, [("Month           Year", Box(52, 14, 44, 4))]) == ["month", "year"]


def test_a_line_is_named_by_what_stands_under_it_and_not_by_a_column_above() -> None:
    table = [Box(50, 20 + 8 * row, 20, 8) for row in range(4)]
    labels = [("Q4", Box(55, 14, 6, 4)), *((f"Row {row}", Box(20, 22 + 8 * row, 20, 4)) for row in range(4))]
    line = Box(40, 70, 60, 7)
    assert names([*table, line], [*labels, ("Signature", Box(40, 78, 20, 3))])[-1] == "signature"
    assert names([*table, line], labels)[-1] == "r05c01"


def test_sentences_over_a_field_are_no_heading() -> None:
    label = ("Figures are checked by a person wherever the machine is in doubt", Box(40, 14, 70, 4))
    assert names([Box(40, 20, 70, 8)], [label]) == ["r01c01"]


def test_names_are_told_apart_and_never_too_long() -> None:
    boxes = [Box(50, 20, 40, 8), Box(50, 40, 40, 8)]
    label = "the same words that go on and on and on until nobody reads them"
    found = names(boxes, [(label, Box(0, 22, 45, 4)), (label, Box(0, 42, 45, 4))])
    assert len(set(found)) == 2
    assert all(len(name) <= LONGEST + 2 for name in found)


@pytest.mark.parametrize(
    ("text", "name"), [("Größe (cm)", "große_cm"), ("Straße N° 4", "straße_n_4"), ("12.", "r01c01")]
)
def test_names_are_plain_words(text: str, name: str) -> None:
    assert names([Box(50, 20, 40, 8)], [(text, Box(20, 22, 25, 4))]) == [name]


def test_print_is_read_where_it_stands() -> None:
    sheet = Image.new("L", (1200, 800), 250)
    ImageDraw.Draw(sheet).text((300, 400), "Customer number", fill=20, font=ImageFont.load_default(36))
    (label,) = read_labels(np.array(sheet), (150, 100))
    assert label.text.replace(" ", "").lower() == "customernumber"
    assert label.box.left == pytest.approx(37.5, abs=1.5)
    assert label.box.center[1] == pytest.approx(53, abs=2)
