"""The sheet `review`: one row a doubtful field, its picture beside all that is known of it.

In:  rows, in page order.
Out: a sheet; rows are ruled off from each other, so that a picture and its numbers are seen as one.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from docproc.export.rows import ReviewRow
from docproc.export.sheet import Styles, Table
from docproc.rounding import chance

MOST_PICTURES = 2000  #: More make the workbook slow to open.
PICTURE_HEIGHT_PX = 48
PICTURE_WIDTH_PX = 360
LARGEST_MAGNIFICATION = 3.0  #: Of small crops; more shows nothing more.
PICTURE_MARGIN_PX = 6  #: On each side.
LINE_PX = 20  #: Height of a line of text, of 11 points.
COLUMNS = ("picture", "source", "page", "field", "value", "confidence", "status", "reasons", "alternatives")
HEADING_WIDTH_PX = 84  #: Of "picture" and its filter button.
NOTICE_WIDTH_PX = 220  #: Three lines of a notice that stands in the place of a picture.


def write_review(workbook: Any, styles: Styles, most_rows: int, review: Iterable[ReviewRow]) -> None:
    """Write the sheet; what is more than `most_rows` is told, and where a field is seen that has no picture here."""
    table = Table(workbook, styles, "review", COLUMNS)
    row_number, width_px = 1, HEADING_WIDTH_PX
    for row in review:
        if row_number == most_rows - 1:
            table.sheet.set_row_pixels(row_number, 3 * LINE_PX)
            table.text(row_number, 0, "More than a sheet holds: fields.csv lists all of them.", styles.ruled.plain)
            width_px = max(width_px, NOTICE_WIDTH_PX)
            row_number += 1
            break
        notice = "docproc review shows it" if row.field and not row.crop else ""
        if notice:
            width_px = max(width_px, NOTICE_WIDTH_PX)
        lines = table.lines(row.source, row.reasons, row.alternatives)
        height_px = lines * LINE_PX + PICTURE_MARGIN_PX
        if row.crop:
            height_px = max(height_px, PICTURE_HEIGHT_PX + 2 * PICTURE_MARGIN_PX)
        table.sheet.set_row_pixels(row_number, height_px)
        table.text(row_number, 0, notice, styles.ruled.plain)
        if row.crop:
            width_px = max(width_px, _insert_picture(table.sheet, row_number, row, height_px))
        _write_cells(table, row_number, row, styles)
        row_number += 1
    table.close(row_number - 1)
    table.sheet.set_column_pixels(0, 0, width_px)


def _write_cells(table: Table, row_number: int, row: ReviewRow, styles: Styles) -> None:
    """All cells behind the picture."""
    plain = styles.ruled.plain
    table.text(row_number, 1, row.source, plain)
    table.number(row_number, 2, row.page, styles.ruled.count)
    table.text(row_number, 3, row.field or "(whole page)", plain)
    table.text(row_number, 4, row.value, styles.ruled.text[row.status])
    if row.confidence:
        table.number(row_number, 5, float(chance(float(row.confidence), places=3)), styles.ruled.chance)
    else:
        table.text(row_number, 5, "", styles.ruled.chance)
    table.text(row_number, 6, row.status, plain)
    table.text(row_number, 7, row.reasons, plain)
    table.text(row_number, 8, row.alternatives, plain)


def _insert_picture(sheet: Any, row_number: int, row: ReviewRow, row_height_px: int) -> int:
    """Put the picture at half the height of its row; the width that it takes, in pixels."""
    largest = (PICTURE_WIDTH_PX / row.crop_width_px, PICTURE_HEIGHT_PX / row.crop_height_px, LARGEST_MAGNIFICATION)
    scale = min(largest)
    sheet.insert_image(
        row_number,
        0,
        "crop",
        {
            "image_data": io.BytesIO(row.crop),
            "x_scale": scale,
            "y_scale": scale,
            "x_offset": PICTURE_MARGIN_PX,
            "y_offset": round((row_height_px - scale * row.crop_height_px) / 2),
            "object_position": 1,  # moves and hides with its row, so that the filter works
        },
    )
    return round(scale * row.crop_width_px) + 2 * PICTURE_MARGIN_PX
