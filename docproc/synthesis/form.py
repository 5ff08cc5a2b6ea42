"""Draw the blank form that a template describes, as an office would print it.

In:  a `Template`.
Out: one gray image of the sheet with title, labels, tables, combs, boxes, fiducials and fine print.
A free field lower than LINE_BELOW_MM gets a writing line, a taller one a box. Field names become labels:
`student_number` is printed as "Student number". Fields that share rows and columns become a table, headed by the
words that their names share (docproc.synthesis.table).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from docproc.geometry import Box
from docproc.page import Gray
from docproc.synthesis.sheet import MARGIN_MM, Sheet
from docproc.synthesis.table import Table, find_tables, words
from docproc.template import Field, Template

RULE_MM = 0.3  #: Box lines of common office forms.
FRAME_MM = 0.5  #: A table's outer line, and the line below the title.
HAIRLINE_MM = 0.15  #: Fine print's separators.
LINE_BELOW_MM = 8.0  #: Free fields lower than this are written on a line, as people do in small places.
LABEL_MM = 2.7  #: Height of a label's letters with their ascenders and descenders, about 8 points.
TITLE_MM = 6.0
FINE_PRINT_MM = 2.0
LABEL_GAP_MM = 0.8
HEADING_MM = 6.0  #: Height of a table's row of headings.
ROW_TITLE_MM = 26.0  #: Widest column of row titles.
FINE_PRINT = (
    "Write with a black or blue pen. One digit to a box; leave unused boxes empty. Do not cross the lines, do not "
    "fold or staple this sheet, and do not write in the margins.",
    "Corrections: strike the wrong figure out and ask for a new sheet. Sheets with erasures are returned "
    "unprocessed. Keep a copy for your own records for at least twelve months.",
    "This sheet is read by machine. Figures are checked by a person wherever the machine is in doubt. "
    "Questions: room 214, weekdays 9 to 12 and 14 to 16.",
)


def draw_blank(template: Template, *, dpi: float) -> Gray:
    """Draw the template's sheet, nothing written in it.

    Parameters
    ----------
    template : Template
    dpi : float
        Pixels to an inch of the result.

    Returns
    -------
    (H, W) uint8
        The sheet from edge to edge, H = height_mm * dpi / 25.4 rounded.
    """
    sheet = Sheet(template.page.width_mm, template.page.height_mm, dpi)
    for fiducial in template.fiducials:
        sheet.fiducial(fiducial)
    for field in template.fields:
        draw_field(sheet, field)
    draw_labels(sheet, template)
    _draw_fine_print(sheet)
    return sheet.pixels()


def draw_labels(sheet: Sheet, template: Template) -> None:
    """Print what says what belongs where: tables with their headings, fields' names, the title."""
    tables = find_tables(template.fields)
    tabled = {field.name for table in tables for field in table.fields}
    for table in tables:
        _draw_table(sheet, table)
    for field in template.fields:
        if field.name not in tabled:
            _draw_label(sheet, field)
    _draw_title(sheet, template)


def draw_patch(field: Field, *, dpi: float, margin_mm: float) -> Gray:
    """Draw only the field's printed box, on white, with `margin_mm` of paper around it: (H, W) uint8."""
    moved = field.model_copy(update={"box": Box(margin_mm, margin_mm, field.box.width, field.box.height)})
    sheet = Sheet(field.box.width + 2 * margin_mm, field.box.height + 2 * margin_mm, dpi)
    draw_field(sheet, moved)
    return sheet.pixels()


def draw_field(sheet: Sheet, field: Field) -> None:
    """Print the field's boxes, or its writing line."""
    if is_line(field):
        sheet.rule((field.box.left, field.box.bottom), (field.box.right, field.box.bottom), RULE_MM)
        sheet.take(field.box)
        return
    for box in field.cell_boxes():
        sheet.frame(box, RULE_MM)


def is_line(field: Field) -> bool:
    """Whether the field is drawn as a writing line instead of a box."""
    return field.kind == "free" and field.box.height < LINE_BELOW_MM


def _draw_label(sheet: Sheet, field: Field) -> None:
    """Print the field's name above its box, else left of it, else below."""
    text = words(field.name)
    width, height = sheet.text_width(text, LABEL_MM), LABEL_MM * 1.25
    box = field.box
    places = (
        Box(box.left, box.top - height - LABEL_GAP_MM, width, height),
        Box(box.left - width - 2 * LABEL_GAP_MM, box.top + (box.height - height) / 2, width, height),
        Box(box.left, box.bottom + LABEL_GAP_MM, width, height),
    )
    for place in places:
        if sheet.is_free(place):
            sheet.text(place.left, place.top, text, LABEL_MM)
            return


def _draw_table(sheet: Sheet, table: Table) -> None:
    """Frame the table's cells and print its headings where there is room for them."""
    outer = Box.union(field.box for field in table.fields)
    for row in table.rows:
        sheet.frame(Box(outer.left, row.top, outer.width, row.height), RULE_MM)
    heading = Box(outer.left, outer.top - HEADING_MM, outer.width, HEADING_MM)
    if sheet.is_free(heading.grown(-RULE_MM)):
        for column in table.columns:
            slot = Box(column.box.left, heading.top, column.box.width, heading.height)
            sheet.frame(slot, RULE_MM)
            _center(sheet, slot, column.title)
        outer = Box.union((outer, heading))
    widest = max((sheet.text_width(row.title, LABEL_MM) for row in table.rows), default=0.0) + 3
    if widest <= ROW_TITLE_MM:
        titles = Box(outer.left - widest, table.rows[0].top, widest, table.rows[-1].bottom - table.rows[0].top)
        if sheet.is_free(titles.grown(-RULE_MM)):
            for row in table.rows:
                slot = Box(titles.left, row.top, widest, row.height)
                sheet.frame(slot, RULE_MM)
                _center(sheet, slot, row.title)
            outer = Box.union((outer, titles))
    sheet.frame(outer, FRAME_MM)


def _center(sheet: Sheet, slot: Box, text: str) -> None:
    """Print the text in the middle of the slot, smaller where it would not fit."""
    height = LABEL_MM
    while sheet.text_width(text, height) > slot.width - 2 * RULE_MM and height > FINE_PRINT_MM * 0.7:
        height *= 0.9
    x, y = slot.center
    sheet.text(x - sheet.text_width(text, height) / 2, y - height * 0.6, text, height)


def _draw_title(sheet: Sheet, template: Template) -> None:
    """Print the form's name, number and a double line above the topmost field, where there is room."""
    left = MARGIN_MM + max((f.box.right for f in template.fiducials if f.box.left < MARGIN_MM * 2), default=0.0)
    right = sheet.box.width - left
    title, number = words(template.name), f"Form {_initials(template.name)}-{template.version:02d}"
    height = TITLE_MM
    while sheet.text_width(title, height) > (right - left) * 0.7:
        height *= 0.9
    top = MARGIN_MM * 0.75
    if not sheet.is_free(Box(left, top, right - left, height * 1.25)):
        return
    sheet.text(left, top, title, height)
    sheet.text(right - sheet.text_width(number, LABEL_MM), top + height - LABEL_MM, number, LABEL_MM)
    below = Box(left, top + height * 1.25, right - left, 1.5)
    if sheet.is_free(below):
        sheet.rule((left, below.top + 0.4), (right, below.top + 0.4), FRAME_MM)
        sheet.rule((left, below.top + 1.3), (right, below.top + 1.3), HAIRLINE_MM)
        sheet.take(below)


def _initials(name: str) -> str:
    return "".join(word[0] for word in words(name).split() if word[0].isalnum()).upper()


def _draw_fine_print(sheet: Sheet) -> None:
    """Fill the free strips between and below the fields with small text, as forms do."""
    pitch = FINE_PRINT_MM * 1.5
    lines: list[str] = []
    paragraph = 0
    width = sheet.box.width - 2 * MARGIN_MM
    top, bottom = MARGIN_MM, sheet.box.height - MARGIN_MM
    for strip_top, strip_bottom in _free_strips(sheet, top, bottom):
        y = strip_top + FINE_PRINT_MM * 0.6
        while y + pitch < strip_bottom:
            if not lines:
                if paragraph == len(FINE_PRINT):
                    break
                lines = _wrapped(sheet, FINE_PRINT[paragraph], width)
                paragraph += 1
            sheet.text(MARGIN_MM, y, lines.pop(0), FINE_PRINT_MM)
            y += pitch
    left_over = _free_strips(sheet, top, bottom)
    if left_over:
        strip_top, strip_bottom = max(left_over, key=lambda strip: strip[1] - strip[0])
        _draw_office_box(sheet, strip_top + FINE_PRINT_MM, strip_bottom)


def _draw_office_box(sheet: Sheet, top: float, bottom: float) -> None:
    """Print a hatched box and a place to sign where a strip is left over."""
    width, height = sheet.box.width - 2 * MARGIN_MM, min(bottom - top, 16.0)
    if height < 8 or width < 60:
        return
    office = Box(MARGIN_MM, top, width * 0.4, height)
    if sheet.is_free(office.grown(0.5)):
        sheet.text(office.left + 1.5, office.top + 1, "For office use only", FINE_PRINT_MM)
        for x in np.arange(office.left + 1.5, office.right - 1, 1.6):
            sheet.rule((float(x), office.top + 4.5), (float(x), office.bottom - 1.5), HAIRLINE_MM)
        sheet.frame(office, RULE_MM)
    left = MARGIN_MM + width * 0.55
    signature = Box(left, top, width * 0.45, height)
    if sheet.is_free(signature):
        sheet.rule((left, signature.bottom - 3.5), (signature.right, signature.bottom - 3.5), HAIRLINE_MM)
        sheet.text(left, signature.bottom - 3, "Signature", FINE_PRINT_MM)


def _free_strips(sheet: Sheet, top: float, bottom: float) -> list[tuple[float, float]]:
    """Level strips of the sheet, (top, bottom) in mm, between the margins and free over their whole width."""
    spans = sorted((box.top - 1.0, box.bottom + 1.0) for box in sheet.taken())
    return [gap for gap in _gaps(spans, top, bottom) if gap[1] - gap[0] >= FINE_PRINT_MM * 2.5]


def _gaps(spans: Sequence[tuple[float, float]], start: float, end: float) -> Iterable[tuple[float, float]]:
    for low, high in spans:
        if low > start:
            yield start, min(low, end)
        start = max(start, high)
    if start < end:
        yield start, end


def _wrapped(sheet: Sheet, text: str, width_mm: float) -> list[str]:
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if sheet.text_width(longer, FINE_PRINT_MM) <= width_mm:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
