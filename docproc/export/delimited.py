"""CSV that spreadsheet programs open without harm.

In:  rows of text.
Out: UTF-8 without a byte order mark, commas, one line feed a row.
Programs read these files; Excel users open forms.xlsx, in which leading zeros survive.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from docproc.export.rows import FORM_COLUMNS, FormRow

FORMULA_STARTS = frozenset("=+-@\t\r\n")
"""A cell that begins so is run as a formula by spreadsheet programs (OWASP, "CSV Injection")."""
NUMBER = re.compile(r"-\d+")  #: Harmless, and what programs expect: a field that begins left of the image.


def row_writer(file: TextIO) -> Any:
    """A csv writer in the one dialect that all files share."""
    return csv.writer(file, lineterminator="\n")


def write_forms(
    file: TextIO, field_names: Sequence[str], forms: Iterable[FormRow], *, provenance: Sequence[str] = ()
) -> None:
    """Write one row a page, one column a field; behind them the columns of provenance, where rows have it."""
    writer = row_writer(file)
    writer.writerow([*FORM_COLUMNS, *map(safe_cell, field_names), *provenance])
    for row in forms:
        values = {name: value for name, value, _ in row.cells}
        head = (row.source, str(row.page), row.template, row.status, row.reasons)
        writer.writerow(safe_row((*head, *(values.get(name, "") for name in field_names), *row.provenance)))


def safe_row(cells: Iterable[str]) -> list[str]:
    """The cells as they may stand in a CSV file."""
    return [safe_cell(cell) for cell in cells]


def safe_cell(text: str) -> str:
    """The text, with an apostrophe in front where it could become a formula, and always writable as UTF-8."""
    if text[:1] not in FORMULA_STARTS:
        return writable(text)
    return writable(text) if NUMBER.fullmatch(text) else f"'{writable(text)}"


def writable(text: str) -> str:
    """Bytes of a file name that are no UTF-8, written as escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
