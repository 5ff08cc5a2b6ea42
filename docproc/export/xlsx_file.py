"""A batch as a workbook, the one that `docproc process` makes, or the same with one row a field.

In:  records and unreadable pages, in page order, one at a time.
Out: a workbook for people.
"""

from __future__ import annotations

from pathlib import Path

from docproc.export.one_file import Shape
from docproc.export.rows import Words
from docproc.export.spreadsheet import Spreadsheet
from docproc.page import Unreadable
from docproc.reading import Record


class XlsxFile:
    """See the module, and `docproc.export.one_file.Writer`."""

    def __init__(self, path: Path, shape: Shape) -> None:
        self._path = path
        self._shape = shape
        self._book = Spreadsheet(path.parent, by_field=shape.by_field, provenance=shape.provenance)

    @property
    def wants_pictures(self) -> bool:
        """Whether crops of further records are looked at."""
        return self._book.wants_pictures

    def add(self, record: Record, words: Words | None) -> None:
        """Keep one page's record."""
        self._book.add(record, words)

    def add_failure(self, failure: Unreadable) -> None:
        """Keep a page that could not be read."""
        self._book.add_failure(failure)

    def finish(self) -> None:
        """Write the rest."""
        self._book.end()
        self._book.write(self._path, templates=self._shape.templates, review_below=self._shape.review_below)

    def close(self) -> None:
        """Let go of the file."""
        self._book.close()
