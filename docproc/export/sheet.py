"""One sheet of the workbook: a heading, rows, columns as wide as what stands in them.

In:  cells, row by row.
Out: a worksheet of xlsxwriter, ready to read on a screen and to print.
Every text stays text: digits keep their zeros, and nothing can become a formula or a link.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import repeat
from typing import Any

from docproc.export.columns import INCOMPLETE
from docproc.export.delimited import writable
from docproc.export.rows import OVERRULED
from docproc.reading import Verdict

LONGEST_TEXT = 32_767  #: Characters in a cell, by Excel's specification.
NARROWEST = 6  #: Characters; a column that is narrower cannot be gripped.
WIDEST = 56  #: Characters; what is longer is wrapped, or cut where rows are not wrapped.
MARGIN = 2  #: Characters; text that fills its column to the edge cannot be told from text that is cut.
FILTER_BUTTON = 4  #: Characters that the button covers, and what bold letters take more.
PAPER_A4 = 9  #: Number of the paper size in the file format.

MARKED = re.compile(r"[&<>]|_x|\| | \||^ | $")
"""What XML marks or escapes among printable ASCII characters, in texts that bars join: blanks at an end, too."""

COLORS = {
    Verdict.ACCEPTED.value: None,
    Verdict.REVIEW.value: "#FFE699",
    INCOMPLETE: "#F4B183",
    Verdict.REJECTED.value: "#F4B183",
    OVERRULED: "#BDD7EE",
}
ABSENT_COLOR = "#D9D9D9"  #: Of the cell of a field that the page's form does not have.
RULE_COLOR = "#A6A6A6"  #: Of the line between two rows.


Cell = tuple[str | float, Any]
"""What is in a cell, and its format."""


class Cells:
    """The formats of the cells of one kind of table."""

    def __init__(self, workbook: Any, **common: Any) -> None:
        common = {"valign": "vcenter", **common}
        self.text = {
            status: workbook.add_format({"num_format": "@", **common, **({"bg_color": color} if color else {})})
            for status, color in COLORS.items()
        }
        self.plain = self.text[Verdict.ACCEPTED.value]
        self.count = workbook.add_format({"num_format": "0", "align": "center", **common})
        self.six = workbook.add_format({"num_format": "0.000000", "align": "center", **common})
        self.chance = workbook.add_format({"num_format": "0.000", "align": "center", **common})


class Styles:
    """The formats that the sheets share."""

    def __init__(self, workbook: Any) -> None:
        self.title = workbook.add_format({"bold": True, "bottom": 1, "valign": "vcenter"})
        self.absent = workbook.add_format({"bg_color": ABSENT_COLOR})
        self.single = Cells(workbook)
        self.wrapped = Cells(workbook, text_wrap=True)
        self.ruled = Cells(workbook, text_wrap=True, bottom=1, bottom_color=RULE_COLOR)


class Table:
    """A sheet with a frozen heading; columns are sized when it is closed."""

    def __init__(
        self,
        workbook: Any,
        styles: Styles,
        name: str,
        columns: Sequence[str],
        *,
        frozen_columns: int = 0,
        widest: int = WIDEST,
    ) -> None:
        from xlsxwriter.utility import xl_col_to_name

        self.sheet = workbook.add_worksheet(name)
        self._widest = widest
        self._longest = [0] * len(columns)
        self._letters = [xl_col_to_name(column) for column in range(len(columns))]
        for column, title in enumerate(columns):
            self.text(0, column, title, styles.title)
            self._longest[column] = len(title) + FILTER_BUTTON
        self.sheet.freeze_panes(1, frozen_columns)
        self.sheet.repeat_rows(0)
        lay_out(self.sheet)

    def text(self, row: int, column: int, text: str, style: Any) -> None:
        """Write text, or a blank cell that has the style all the same."""
        if text:
            self.sheet.write_string(row, column, writable(text)[:LONGEST_TEXT], style)
            self._longest[column] = max(self._longest[column], len(text))
        else:
            self.sheet.write_blank(row, column, None, style)

    def number(self, row: int, column: int, number: float, style: Any) -> None:
        """Write a number."""
        self.sheet.write_number(row, column, number, style)
        self._longest[column] = max(self._longest[column], len(str(number)))

    def line(self, row: int, cells: Sequence[Cell]) -> None:
        """Write a cell for each column: as cell by cell, but several times as fast where all text is plain.

        In its mode for constant memory xlsxwriter has each row on disk when the next one begins. Behind these stands
        the same XML that it would make of the cells.
        """
        texts = [str(content) for content, _ in cells]
        if not _is_plain("|".join(texts)):
            for column, (content, style) in enumerate(cells):
                if isinstance(content, int | float):
                    self.number(row, column, content, style)
                else:
                    self.text(row, column, content, style)
            return
        self._longest = list(map(max, self._longest, map(len, texts)))
        self.sheet._write_single_row(row)
        self.sheet._check_dimensions(row, len(cells) - 1)
        xml = "".join(map(_cell_xml, self._letters, repeat(row + 1), texts, cells))
        self.sheet.fh.write(f'<row r="{row + 1}">{xml}</row>')

    def lines(self, *texts: str) -> int:
        """How many lines a row needs in which these texts are wrapped."""
        return max(-(-len(text) // self._widest) for text in (*texts, " "))

    def close(self, last_row: int) -> None:
        """Size the columns, add the filter, and tell Excel that digits written as text are meant so."""
        for column, longest in enumerate(self._longest):
            self.sheet.set_column(column, column, min(max(longest, NARROWEST), self._widest) + MARGIN)
        self.sheet.autofilter(0, 0, last_row, len(self._longest) - 1)
        if last_row:
            self.sheet.ignore_errors({"number_stored_as_text": f"A2:XFD{last_row + 1}"})


def _cell_xml(letters: str, number: int, text: str, cell: Cell) -> str:
    content, style = cell
    opening = f'<c r="{letters}{number}" s="{style._get_xf_index()}"'
    if not text:
        return f"{opening}/>"
    if isinstance(content, int | float):
        return f"{opening}><v>{text}</v></c>"
    return f'{opening} t="inlineStr"><is><t>{text}</t></is></c>'


def _is_plain(joined: str) -> bool:
    """Whether texts, joined by bars, need nothing escaped, cut or marked in XML."""
    return joined.isascii() and joined.isprintable() and len(joined) < LONGEST_TEXT and not MARKED.search(joined)


def lay_out(sheet: Any) -> None:
    """Print lying, all columns on one page."""
    sheet.set_landscape()
    sheet.set_paper(PAPER_A4)
    sheet.fit_to_pages(1, 0)
