"""Fields proposed from drawn blanks: what is written in is found, to the line; labels and spaces are not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from docproc.form.proposal import Proposal, Proposed, propose_fields
from docproc.geometry import Box
from docproc.page import Page, PageRef

PX_PER_MM = 8
SIZE = (150.0, 110.0)


@dataclass
class Blank:
    """A white sheet to print on, in mm."""

    picture: Image.Image = field(
        default_factory=lambda: Image.new("L", (round(SIZE[0] * PX_PER_MM), round(SIZE[1] * PX_PER_MM)), 250)
    )

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.picture)

    def box(self, left: float, top: float, width: float, height: float) -> Box:
        corners = [round(v * PX_PER_MM) for v in (left, top, left + width, top + height)]
        self.pen.rectangle(corners, outline=40, width=3)
        return Box(left, top, width, height)

    def comb(self, left: float, top: float, cells: int, *, pitch: float = 6.0, height: float = 8.0) -> Box:
        for cell in range(cells):
            self.box(left + cell * pitch, top, pitch, height)
        return Box(left, top, cells * pitch, height)

    def line(self, left: float, y: float, width: float) -> Box:
        self.pen.line([v * PX_PER_MM for v in (left, y, left + width, y)], fill=40, width=3)
        return Box(left, y, width, 0)

    def dots(self, left: float, y: float, width: float) -> None:
        for step in range(int(width / 1.6)):
            x = (left + 1.6 * step) * PX_PER_MM
            self.pen.ellipse([x, y * PX_PER_MM, x + 4, y * PX_PER_MM + 4], fill=40)

    def text(self, words: str, left: float, top: float, *, height: float = 3.0) -> None:
        self.pen.text(
            (left * PX_PER_MM, top * PX_PER_MM), words, fill=40, font=ImageFont.load_default(height * PX_PER_MM)
        )

    def proposed(self, *, turn_deg: float = 0.0) -> Proposal:
        picture = self.picture.rotate(turn_deg, fillcolor=250, resample=Image.Resampling.BICUBIC)
        return propose_fields(Page(PageRef("blank", "blank", 0, "0"), np.array(picture), None), SIZE)


def at(proposal: Proposal, box: Box) -> Proposed | None:
    """The field that lies on a box to nine tenths."""
    return next((one for one in proposal.fields if one.field.box.iou(box) >= 0.9), None)


@pytest.mark.parametrize("turn_deg", [0.0, 1.5])
def test_a_comb_is_one_field_with_its_cells_counted(turn_deg: float) -> None:
    blank = Blank()
    comb = blank.comb(50, 50, 7)
    (one,) = blank.proposed(turn_deg=turn_deg).fields
    assert one.field.box.iou(comb) > (0.95 if turn_deg == 0 else 0.85)
    assert (one.field.kind, one.field.cells, one.doubt) == ("comb", 7, "")


def test_groups_set_close_are_one_number_and_groups_set_apart_are_several() -> None:
    blank = Blank()
    for start in (0, 1):
        blank.comb(20 + 20 * start, 30, 3)  # 2 mm between groups
    apart = [blank.comb(20 + 20 * number, 60, 2) for number in range(3)]  # 8 mm
    proposal = blank.proposed()
    close = at(proposal, Box(20, 30, 38, 8))
    assert close is not None
    assert close.field.groups == (3, 3)
    assert close.field.group_gap_mm == pytest.approx(2, abs=0.3)
    assert all(at(proposal, box) for box in apart)
    assert len(proposal.fields) == 4


def test_a_table_gives_its_empty_cells_and_not_its_headings() -> None:
    blank = Blank()
    for row in range(4):
        for column, width in enumerate((40, 20, 20)):
            left = 20 + sum((40, 20, 20)[:column])
            box = blank.box(left, 20 + 9 * row, width, 9)
            if row == 0 or column == 0:
                blank.text(f"Row {row}{column}" if column else "Reading of meter", box.left + 2, box.top + 3)
    proposal = blank.proposed()
    assert len(proposal.fields) == 6
    assert {one.field.kind for one in proposal.fields} == {"free"}
    assert [one.field.name for one in proposal.fields[:3]] == ["r01c01", "r01c02", "r02c01"]
    assert at(proposal, Box(60, 29, 20, 9)) is proposal.fields[0]


def test_the_gap_between_two_tables_is_no_row() -> None:
    """Their columns are in line, as if the lines went on."""
    blank = Blank()
    for top in (20, 42):
        for row in range(2):
            for column in range(3):
                blank.box(20 + 30 * column, top + 8 * row, 30, 8)
    proposal = blank.proposed()
    assert len(proposal.fields) == 12
    assert not any(36.5 < one.field.box.center[1] < 41.5 for one in proposal.fields)


def test_narrow_cells_under_one_heading_are_a_comb_in_every_row() -> None:
    blank = Blank()
    heading = blank.box(20, 20, 24, 8)
    blank.text("Roll", heading.left + 7, heading.top + 2.5, height=2)
    for column in range(2):
        blank.box(44 + 7 * column, 20, 7, 8)
        blank.text(f"Q{column}", 45.5 + 7 * column, 22.5, height=2)
    for row in range(3):
        blank.comb(20, 28 + 8 * row, 4)
        for column in range(2):
            blank.box(44 + 7 * column, 28 + 8 * row, 7, 8)
    proposal = blank.proposed()
    combs = [one.field for one in proposal.fields if one.field.kind == "comb"]
    assert [comb.cells for comb in combs] == [4, 4, 4]
    assert len(proposal.fields) == 9


@pytest.mark.parametrize("headed", [False, True])
def test_narrow_cells_that_stand_apart_are_a_comb_unless_each_has_its_heading(headed: bool) -> None:
    blank = Blank()
    for row in range(4):
        box = blank.comb(40, 20 + 8 * row, 3, pitch=7)
        for column in range(3):
            if row == 0 and headed:
                blank.text(f"Q{column}", box.left + 1.6 + 7 * column, 22.5, height=2)
    fields = [one.field for one in blank.proposed().fields]
    assert [field.cells for field in fields] == ([1] * 9 if headed else [3] * 4)


def test_lines_and_rows_of_dots_are_written_on() -> None:
    blank = Blank()
    blank.text("Name", 10, 27)
    blank.line(25, 30, 60)
    blank.text("Street", 10, 47)
    blank.dots(25, 50, 60)
    proposal = blank.proposed()
    assert len(proposal.fields) == 2
    for one, bottom in zip(proposal.fields, (30, 50), strict=True):
        assert one.field.kind == "free"
        assert one.doubt == "over a line, without a box"
        assert one.field.box.left == pytest.approx(25, abs=1)
        assert one.field.box.bottom == pytest.approx(bottom, abs=0.6)
        assert one.field.box.width == pytest.approx(60, abs=2)


def test_a_line_right_under_print_and_a_frame_around_text_are_not_written_on() -> None:
    blank = Blank()
    blank.text("A heading over all of its line", 20, 25, height=4)
    blank.line(20, 30, 60)
    frame = blank.box(20, 50, 100, 40)
    for row in range(6):
        blank.text("terms and conditions that fill all of the frame here", frame.left + 2, frame.top + 2 + 6 * row)
    assert blank.proposed().fields == ()


def test_a_hint_in_a_corner_leaves_a_field_and_a_doubt() -> None:
    blank = Blank()
    box = blank.box(20, 40, 50, 12)
    blank.text("in words", 55, 48.2, height=2.2)
    one = at(blank.proposed(), box)
    assert one is not None
    assert one.doubt == "something is printed in it"


def test_what_is_too_low_too_high_or_too_long_is_told_and_left_out() -> None:
    blank = Blank()
    blank.box(20, 10, 40, 3.5)
    blank.box(20, 30, 60, 30)
    blank.box(10, 80, 130, 6)
    proposal = blank.proposed()
    assert proposal.fields == ()
    assert len(proposal.left_out) == 3


def test_a_box_up_to_the_edge_stays_on_the_sheet() -> None:
    blank = Blank()
    blank.pen.rectangle([-3, 300, 500, 380], outline=40, width=3)
    (one,) = blank.proposed().fields
    assert one.field.box.left == 0
    assert one.field.box.right == pytest.approx(500 / PX_PER_MM, abs=0.5)


def test_a_white_sheet_has_no_fields() -> None:
    assert Blank().proposed().fields == ()


def test_an_open_comb_is_one_field_with_its_cells_counted() -> None:
    blank = Blank()
    for tooth in range(9):
        blank.pen.line([v * PX_PER_MM for v in (40 + 6 * tooth, 56, 40 + 6 * tooth, 60)], fill=40, width=2)
    blank.line(40, 60, 48)
    (one,) = blank.proposed().fields
    assert (one.field.kind, one.field.cells, one.doubt) == ("comb", 8, "")
    assert one.field.box.left == pytest.approx(40, abs=0.4)
    assert one.field.box.right == pytest.approx(88, abs=0.4)
    assert one.field.box.bottom == pytest.approx(60, abs=0.4)


def test_teeth_out_of_step_make_no_comb() -> None:
    blank = Blank()
    for x in (40, 47, 51, 60, 63, 71, 80, 88):
        blank.pen.line([v * PX_PER_MM for v in (x, 56, x, 60)], fill=40, width=2)
    blank.line(40, 60, 48)
    assert all(one.field.kind != "comb" for one in blank.proposed().fields)


def test_a_coarse_scan_is_enlarged() -> None:
    """At 75 dpi a comb's boxes of 5 mm have 15 pixels."""
    blank = Blank()
    comb = blank.comb(30, 30, 10, pitch=5, height=5)
    coarse = np.array(blank.picture.resize((443, 325), Image.Resampling.LANCZOS))
    (one,) = propose_fields(Page(PageRef("blank", "blank", 0, "0"), coarse, None), SIZE).fields
    assert (one.field.kind, one.field.cells) == ("comb", 10)
    assert one.field.box.iou(comb) > 0.9
