"""CSV that spreadsheet programs open without harm.

In:  rows of text.
Out: UTF-8 without a byte order mark, commas, one line feed a row.
Programs read these files; Excel users open forms.xlsx, in which leading zeros survive.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Any, TextIO

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins so is run as a formula by spreadsheet programs (OWASP, "CSV Injection")."""
NUMBER = re.compile(r"-\d+")  #: Harmless, and what programs expect: a field that begins left of the image.


def row_writer(file: TextIO) -> Any:
    """A csv writer in the one dialect that all files share."""
    return csv.writer(file, lineterminator="\n")


def safe_row(cells: Iterable[str]) -> list[str]:
    """The cells as they may stand in a CSV file."""
    return [safe_cell(cell) for cell in cells]


def safe_cell(text: str) -> str:
    """The text, with an apostrophe in front where it could become a formula, and always writable as UTF-8."""
    text = writable(text)
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(text) else text


def writable(text: str) -> str:
    """Bytes of a file name that are no UTF-8, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
