"""forms.xlsx: the table of forms with its doubtful cells colored, the pictures to review, the errors, a legend.

In:  rows, which are gone through as often as needed and never held together.
Out: one workbook. Every value is text: digits keep their zeros, and nothing can become a formula or a link.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from docproc.export.delimited import writable
from docproc.export.legend import REASON_MEANING, STATUS_MEANING
from docproc.export.rows import ERROR_COLUMNS, FORM_COLUMNS, ErrorRow, FormRow, ReviewRow
from docproc.reading import Verdict

MOST_PICTURES = 2000  #: More make the workbook slow to open (some 10 KB each).
LONGEST_TEXT = 32_767  #: Characters in a cell, by Excel's specification.
PICTURE_HEIGHT_PX = 48
PICTURE_WIDTH_PX = 360
LARGEST_MAGNIFICATION = 3.0  #: Of small crops; more shows nothing more.

COLORS = {Verdict.ACCEPTED: None, Verdict.REVIEW: "#FFE699", Verdict.REJECTED: "#F4B183"}
REVIEW_COLUMNS = (
    "picture",
    "source",
    "page",
    "field",
    "value",
    "confidence",
    "status",
    "reasons",
    "alternatives",
)


@dataclass(frozen=True, slots=True)
class SheetSize:
    """What fits on one sheet."""

    rows: int = 1_048_576
    columns: int = 16_384


def write_workbook(
    path: Path,
    *,
    field_names: Sequence[str],
    forms: Iterable[FormRow],
    review: Iterable[ReviewRow],
    errors: Iterable[ErrorRow],
    sheet_size: SheetSize | None = None,
) -> None:
    """Write the workbook.

    Parameters
    ----------
    path : Path
        In a folder where temporary files may lie, too.
    field_names : sequence of str
        The columns behind `FORM_COLUMNS`.
    forms, review, errors : iterable
        In page order; gone through from the start each time.
    sheet_size : SheetSize, optional
        Excel's own where None. A table that is larger goes on on further sheets.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    workbook = xlsxwriter.Workbook(str(path), options)
    styles = _Styles(workbook)
    size = sheet_size or SheetSize()
    _write_forms(workbook, styles, size, field_names, forms)
    _write_review(workbook, styles, size, review)
    _write_errors(workbook, styles, size, errors)
    _write_legend(workbook, styles)
    try:
        workbook.close()
    except FileCreateError as error:
        cause = error.args[0] if error.args else error
        raise cause if isinstance(cause, OSError) else OSError(str(cause)) from error


class _Styles:
    """The formats that the sheets share."""

    def __init__(self, workbook: Any) -> None:
        self.title = workbook.add_format({"bold": True, "bottom": 1, "valign": "top"})
        self.wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
        self.text = {
            verdict.value: workbook.add_format(
                {"num_format": "@", "valign": "top", **({"bg_color": color} if color else {})}
            )
            for verdict, color in COLORS.items()
        }
        self.plain = self.text[Verdict.ACCEPTED.value]


def _write_forms(
    workbook: Any, styles: _Styles, size: SheetSize, field_names: Sequence[str], forms: Iterable[FormRow]
) -> None:
    """One row a page; a table that is wider or longer than a sheet goes on on the next."""
    width = size.columns - len(FORM_COLUMNS)
    made = 0
    for start in range(0, max(len(field_names), 1), width):
        names = field_names[start : start + width]
        columns = {name: len(FORM_COLUMNS) + index for index, name in enumerate(names)}
        rows = iter(forms)
        left = True
        while left:
            made += 1
            sheet = _table(workbook, styles, "forms" if made == 1 else f"forms {made}", (*FORM_COLUMNS, *names))
            last = 0
            for last, form in enumerate(islice(rows, size.rows - 1), start=1):
                _write_form(sheet, last, form, columns, styles)
            _close_table(sheet, last, len(FORM_COLUMNS) + len(names) - 1)
            first_of_next = next(rows, None)
            left = first_of_next is not None
            if first_of_next is not None:
                rows = chain([first_of_next], rows)


def _write_form(sheet: Any, row: int, form: FormRow, columns: Mapping[str, int], styles: _Styles) -> None:
    _text(sheet, row, 0, form.source, styles.plain)
    sheet.write_number(row, 1, form.page)
    _text(sheet, row, 2, form.template, styles.plain)
    _text(sheet, row, 3, form.status, styles.text[form.status])
    _text(sheet, row, 4, form.reasons, styles.plain)
    for name, value, status in form.cells:
        if name in columns:
            _text(sheet, row, columns[name], value, styles.text[status])


def _write_review(workbook: Any, styles: _Styles, size: SheetSize, review: Iterable[ReviewRow]) -> None:
    """One row a doubtful field: its picture, and all that is known of it."""
    sheet = _table(workbook, styles, "review", REVIEW_COLUMNS)
    sheet.set_column_pixels(0, 0, PICTURE_WIDTH_PX + 8)
    row_number, pictures, told = 1, 0, False
    for row in review:
        if row_number == size.rows - 1:
            _text(sheet, row_number, 0, "More than a sheet holds: fields.csv lists all of them.", styles.plain)
            row_number += 1
            break
        if row.crop_base64:
            pictures += 1
            sheet.set_row_pixels(row_number, PICTURE_HEIGHT_PX + 6)
            _insert_picture(sheet, row_number, base64.b64decode(row.crop_base64))
        elif pictures >= MOST_PICTURES and not told:
            told = True
            _text(
                sheet, row_number, 0, f"No pictures after {pictures:,}: see fields.csv for the places.", styles.plain
            )
        _text(sheet, row_number, 1, row.source, styles.plain)
        sheet.write_number(row_number, 2, row.page)
        _text(sheet, row_number, 3, row.field or "(whole page)", styles.plain)
        _text(sheet, row_number, 4, row.value, styles.text[row.status])
        if row.confidence:
            sheet.write_number(row_number, 5, float(row.confidence))
        _text(sheet, row_number, 6, row.status, styles.plain)
        _text(sheet, row_number, 7, row.reasons, styles.plain)
        _text(sheet, row_number, 8, row.alternatives, styles.plain)
        row_number += 1
    _close_table(sheet, row_number - 1, len(REVIEW_COLUMNS) - 1)


def _insert_picture(sheet: Any, row_number: int, png: bytes) -> None:
    width_px, height_px = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])  # of the IHDR chunk
    scale = min(PICTURE_WIDTH_PX / width_px, PICTURE_HEIGHT_PX / height_px, LARGEST_MAGNIFICATION)
    sheet.insert_image(
        row_number,
        0,
        "crop.png",
        {
            "image_data": io.BytesIO(png),
            "x_scale": scale,
            "y_scale": scale,
            "x_offset": 3,
            "y_offset": 3,
            "object_position": 1,  # moves and hides with its row, so that the filter works
        },
    )


def _write_errors(workbook: Any, styles: _Styles, size: SheetSize, errors: Iterable[ErrorRow]) -> None:
    sheet = _table(workbook, styles, "errors", ERROR_COLUMNS)
    last = 0
    for row_number, row in enumerate(errors, start=1):
        if row_number == size.rows:
            break
        for column, text in enumerate(row):
            _text(sheet, row_number, column, text, styles.plain)
        last = row_number
    _close_table(sheet, last, len(ERROR_COLUMNS) - 1)


def _write_legend(workbook: Any, styles: _Styles) -> None:
    sheet = workbook.add_worksheet("legend")
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 100, styles.wrapped)
    row_number = 0
    for title, lines in (
        ("status", [(verdict.value, meaning, verdict.value) for verdict, meaning in STATUS_MEANING.items()]),
        ("reasons", [(reason.value, meaning, "accepted") for reason, meaning in REASON_MEANING.items()]),
    ):
        _text(sheet, row_number, 0, title, styles.title)
        row_number += 1
        for name, meaning, status in lines:
            _text(sheet, row_number, 0, name, styles.text[status])
            _text(sheet, row_number, 1, meaning, styles.wrapped)
            row_number += 1
        row_number += 1


def _table(workbook: Any, styles: _Styles, name: str, columns: Sequence[str]) -> Any:
    """A sheet with a frozen heading."""
    sheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for column, title in enumerate(columns):
        wide = {"source": 32, "reasons": 28, "alternatives": 28, "error": 70, "remedy": 70}.get(title, 0)
        sheet.set_column(column, column, max(wide, min(len(title) + 4, 30)))
        _text(sheet, 0, column, title, styles.title)
    return sheet


def _close_table(sheet: Any, last_row: int, last_column: int) -> None:
    """Add the filter, and tell Excel that digits written as text are meant so."""
    sheet.autofilter(0, 0, last_row, last_column)
    if last_row:
        sheet.ignore_errors({"number_stored_as_text": f"A2:XFD{last_row + 1}"})


def _text(sheet: Any, row: int, column: int, text: str, style: Any) -> None:
    if text:
        sheet.write_string(row, column, writable(text)[:LONGEST_TEXT], style)
    else:
        sheet.write_blank(row, column, None, style)  # a doubtful blank has its color, too
