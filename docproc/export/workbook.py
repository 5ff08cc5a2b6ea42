"""The workbook: a table with its doubtful cells colored, the pictures to review, the errors, what all of it means.

In:  rows, which are gone through as often as needed and never held together.
Out: one workbook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, TypeVar

from docproc.export.columns import Described
from docproc.export.legend import ABSENT, ABSENT_MEANING, OVERRULED_MEANING, STATUS_MEANING, reason_rows
from docproc.export.review import LINE_PX, write_review
from docproc.export.rows import (
    ERROR_COLUMNS,
    FIELD_COLUMNS,
    FORM_COLUMNS,
    OVERRULED,
    ErrorRow,
    FormRow,
    ReviewRow,
    status_of,
)
from docproc.export.sheet import Cell, Styles, Table, lay_out

WIDEST_SENTENCE = 70  #: Characters; errors and remedies are sentences.
CREATED = datetime(1980, 1, 1)  #: The earliest that a ZIP file knows: equal batches have equal workbooks.
NAMED_COLUMNS = 2  #: Source and page: they stay in sight while the fields are leafed through.


FieldRow = tuple[str | int, ...]
"""One of `docproc.export.rows.field_rows`."""

Row = TypeVar("Row")


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
    fields: Iterable[FieldRow] | None = None,
    described: Iterable[Described] = (),
    provenance: Sequence[str] = (),
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
    fields : iterable, optional
        Where there are any, the table has one row a field in place of one a page.
    described : iterable of Described
        The data dictionary.
    provenance : sequence of str
        The names of the last columns of the table, where its rows have them.
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
    workbook.set_properties({"created": CREATED})
    styles = Styles(workbook)
    size = sheet_size or SheetSize()
    if fields is None:
        _write_forms(workbook, styles, size, field_names, forms, provenance)
    else:
        columns = (*FIELD_COLUMNS, *provenance)
        _write_table(workbook, styles, size, "fields", count(1), columns, fields, partial(_field_line, styles=styles))
    write_review(workbook, styles, size.rows, review)
    _write_errors(workbook, styles, size, errors)
    _write_dictionary(workbook, styles, size, described)
    _write_legend(workbook, styles, review_below)
    try:
        workbook.close()
    except FileCreateError as error:
        cause = error.args[0] if error.args else error
        raise cause if isinstance(cause, OSError) else OSError(str(cause)) from error


def _write_forms(
    workbook: Any,
    styles: Styles,
    size: SheetSize,
    names: Sequence[str],
    forms: Iterable[FormRow],
    provenance: Sequence[str],
) -> None:
    """One row a page; a table that is wider than a sheet goes on on the next."""
    width = size.columns - len(FORM_COLUMNS)
    columns = (*names, *provenance)
    numbers = count(1)
    for start in range(0, max(len(columns), 1), width):
        some = columns[start : start + width]
        line = partial(_form_line, columns=some, styles=styles, provenance=provenance)
        _write_table(workbook, styles, size, "forms", numbers, (*FORM_COLUMNS, *some), forms, line)


def _form_line(form: FormRow, columns: Sequence[str], styles: Styles, provenance: Sequence[str]) -> list[Cell]:
    cells = styles.single
    held: dict[str, Cell] = {
        name: (text, cells.plain) for name, text in zip(provenance, form.provenance, strict=True)
    }
    held |= {name: (value, cells.text[status]) for name, value, status in form.cells}
    absent: Cell = ("", styles.absent)
    return [
        (form.source, cells.plain),
        (form.page, cells.count),
        (form.template, cells.plain),
        (form.status, cells.text[form.status]),
        (form.reasons, cells.plain),
        *[held.get(name, absent) for name in columns],
    ]


def _field_line(row: FieldRow, styles: Styles) -> list[Cell]:
    cells = styles.single
    source, page, template, field, value, confidence, status, reasons, alternatives, *box = row[: len(FIELD_COLUMNS)]
    return [
        (source, cells.plain),
        (page, cells.count),
        (template, cells.plain),
        (field, cells.plain),
        (value, cells.text[status_of(str(status), str(reasons).split(";"))]),
        (float(confidence), cells.six) if confidence else ("", cells.six),
        (status, cells.text[str(status)]),
        (reasons, cells.plain),
        (alternatives, cells.plain),
        *((edge, cells.count) for edge in box),
        *((text, cells.plain) for text in row[len(FIELD_COLUMNS) :]),
    ]


def _write_table(
    workbook: Any,
    styles: Styles,
    size: SheetSize,
    name: str,
    numbers: Iterator[int],
    columns: Sequence[str],
    all_rows: Iterable[Row],
    line: Callable[[Row], list[Cell]],
) -> None:
    """A table that is longer than a sheet goes on on the next; `numbers` are those of its sheets."""
    rows = iter(all_rows)
    left = True
    while left:
        number = next(numbers)
        title = name if number == 1 else f"{name} {number}"
        table = Table(workbook, styles, title, columns, frozen_columns=NAMED_COLUMNS)
        last = 0
        for last, row in enumerate(islice(rows, size.rows - 1), start=1):
            table.line(last, line(row))
        table.close(last)
        first_of_next = next(rows, None)
        left = first_of_next is not None
        if first_of_next is not None:
            rows = chain([first_of_next], rows)


def _write_errors(workbook: Any, styles: Styles, size: SheetSize, errors: Iterable[ErrorRow]) -> None:
    table = Table(workbook, styles, "errors", ERROR_COLUMNS, widest=WIDEST_SENTENCE)
    _write_sentences(table, styles, size, errors)


def _write_dictionary(workbook: Any, styles: Styles, size: SheetSize, described: Iterable[Described]) -> None:
    table = Table(workbook, styles, "columns", Described._fields, frozen_columns=1, widest=WIDEST_SENTENCE)
    _write_sentences(table, styles, size, described)


def _write_sentences(table: Table, styles: Styles, size: SheetSize, rows: Iterable[tuple[str, ...]]) -> None:
    last = 0
    for last, row in enumerate(islice(rows, size.rows - 1), start=1):
        table.sheet.set_row_pixels(last, table.lines(*row) * LINE_PX)  # not all programs find it by themselves
        for column, text in enumerate(row):
            table.text(last, column, text, styles.wrapped.plain)
    table.close(last)


def _write_legend(workbook: Any, styles: Styles, review_below: float | None) -> None:
    sheet = workbook.add_worksheet("legend")
    lay_out(sheet)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 100)
    cells = styles.wrapped
    statuses = [(status, meaning, cells.text[status]) for status, meaning in STATUS_MEANING.items()]
    colors = [(OVERRULED, OVERRULED_MEANING, cells.text[OVERRULED]), (ABSENT, ABSENT_MEANING, styles.absent)]
    reasons = [(name, meaning, cells.plain) for name, meaning in reason_rows(review_below)]
    row_number = 0
    for title, lines in (
        ("status", [*statuses, *colors]),
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
