"""forms.xlsx: the table of forms with its doubtful cells colored, the pictures to review, the errors, a legend.

In:  rows, which are gone through as often as needed and never held together.
Out: one workbook.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from docproc.export.legend import ABSENT, ABSENT_MEANING, STATUS_MEANING, reason_rows
from docproc.export.review import write_review
from docproc.export.rows import ERROR_COLUMNS, FORM_COLUMNS, ErrorRow, FormRow, ReviewRow
from docproc.export.sheet import Cell, Styles, Table, lay_out

WIDEST_SENTENCE = 70  #: Characters; errors and remedies are sentences.
NAMED_COLUMNS = 2  #: Source and page: they stay in sight while the fields are leafed through.


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
    review_below: float | None = None,
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
    review_below : float, optional
        The threshold that was in force, for the legend.
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
    styles = Styles(workbook)
    size = sheet_size or SheetSize()
    _write_forms(workbook, styles, size, field_names, forms)
    write_review(workbook, styles, size.rows, review)
    _write_errors(workbook, styles, size, errors)
    _write_legend(workbook, styles, review_below)
    try:
        workbook.close()
    except FileCreateError as error:
        cause = error.args[0] if error.args else error
        raise cause if isinstance(cause, OSError) else OSError(str(cause)) from error


def _write_forms(
    workbook: Any, styles: Styles, size: SheetSize, field_names: Sequence[str], forms: Iterable[FormRow]
) -> None:
    """One row a page; a table that is wider or longer than a sheet goes on on the next."""
    width = size.columns - len(FORM_COLUMNS)
    made = 0
    for start in range(0, max(len(field_names), 1), width):
        names = field_names[start : start + width]
        rows = iter(forms)
        left = True
        while left:
            made += 1
            title = "forms" if made == 1 else f"forms {made}"
            table = Table(workbook, styles, title, (*FORM_COLUMNS, *names), frozen_columns=NAMED_COLUMNS)
            last = 0
            for last, form in enumerate(islice(rows, size.rows - 1), start=1):
                _write_form(table, last, form, names, styles)
            table.close(last)
            first_of_next = next(rows, None)
            left = first_of_next is not None
            if first_of_next is not None:
                rows = chain([first_of_next], rows)


def _write_form(table: Table, row: int, form: FormRow, names: Sequence[str], styles: Styles) -> None:
    cells = styles.single
    held: dict[str, Cell] = {name: (value, cells.text[status]) for name, value, status in form.cells}
    absent: Cell = ("", styles.absent)
    line: list[Cell] = [
        (form.source, cells.plain),
        (form.page, cells.count),
        (form.template, cells.plain),
        (form.status, cells.text[form.status]),
        (form.reasons, cells.plain),
        *[held.get(name, absent) for name in names],
    ]
    table.line(row, line)


def _write_errors(workbook: Any, styles: Styles, size: SheetSize, errors: Iterable[ErrorRow]) -> None:
    table = Table(workbook, styles, "errors", ERROR_COLUMNS, widest=WIDEST_SENTENCE)
    last = 0
    for row_number, row in enumerate(errors, start=1):
        if row_number == size.rows:
            break
        for column, text in enumerate(row):
            table.text(row_number, column, text, styles.wrapped.plain)
        last = row_number
    table.close(last)


def _write_legend(workbook: Any, styles: Styles, review_below: float | None) -> None:
    sheet = workbook.add_worksheet("legend")
    lay_out(sheet)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 100)
    cells = styles.wrapped
    statuses = [(verdict.value, meaning, cells.text[verdict.value]) for verdict, meaning in STATUS_MEANING.items()]
    reasons = [(name, meaning, cells.plain) for name, meaning in reason_rows(review_below)]
    row_number = 0
    for title, lines in (
        ("status", [*statuses, (ABSENT, ABSENT_MEANING, styles.absent)]),
        ("reason", reasons),
    ):
        sheet.write_string(row_number, 0, title, styles.title)
        sheet.write_string(row_number, 1, "meaning", styles.title)
        row_number += 1
        for name, meaning, style in lines:
            sheet.write_string(row_number, 0, name, style)
            sheet.write_string(row_number, 1, meaning, cells.plain)
            row_number += 1
        row_number += 1
