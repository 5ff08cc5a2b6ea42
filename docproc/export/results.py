"""All result files of one batch, filled page by page.

In:  records and unreadable pages, in page order, one at a time.
Out: fields.csv, forms.csv, forms.xlsx, errors.csv; beside them report.html, as it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docproc.export import rows
from docproc.export.delimited import row_writer, safe_cell, safe_row, write_forms
from docproc.export.folder import (
    ERRORS_NAME,
    FIELDS_NAME,
    FORMS_NAME,
    REPORT_NAME,
    WORKBOOK_NAME,
    explained,
    written_aside,
)
from docproc.export.spreadsheet import Spreadsheet
from docproc.page import Unreadable
from docproc.reading import Record
from docproc.template import Template


@contextmanager
def open_results(
    output: Path, *, templates: Iterable[Template] = (), review_below: float | None = None
) -> Iterator[Results]:
    """Results that appear as `output` when the block ends well; otherwise nothing is left of them.

    Parameters
    ----------
    output : Path
        The folder.
    templates : iterable of Template
        Those that pages were read with: the data dictionary tells what they say of the columns.
    review_below : float, optional
        The threshold in force, which the legend names.

    Raises
    ------
    OutputError
        See `written_aside`.
    """
    with written_aside(output) as folder:
        results = Results(output, folder, templates, review_below)
        try:
            yield results
            results.finish()
        finally:
            results.close()


class Results:
    """The files of one batch while it runs; see `open_results`."""

    def __init__(
        self, output: Path, folder: Path, templates: Iterable[Template], review_below: float | None = None
    ) -> None:
        self._output = output
        self._folder = folder
        self._templates = templates
        self._review_below = review_below
        with explained(output):
            self._fields_file = (folder / FIELDS_NAME).open("w", encoding="utf-8", newline="")
            self._errors_file = (folder / ERRORS_NAME).open("w", encoding="utf-8", newline="")
            self._fields, self._errors = row_writer(self._fields_file), row_writer(self._errors_file)
            self._fields.writerow(rows.FIELD_COLUMNS)
            self._errors.writerow(rows.ERROR_COLUMNS)
            self._book = Spreadsheet(folder)

    @property
    def wants_pictures(self) -> bool:
        """Whether crops of further records are looked at."""
        return self._book.wants_pictures

    def add(self, record: Record) -> None:
        """Keep one page's record."""
        with explained(self._output):
            self._fields.writerows(rows.field_rows(record, safe_cell))
            self._book.add(record)

    def add_failure(self, failure: Unreadable) -> None:
        """Keep the name of a page, or file, that could not be read."""
        with explained(self._output):
            self._errors.writerow(safe_row(rows.error_row(failure)))
            self._book.add_failure(failure)

    def add_report(self, html: str) -> None:
        """Keep the report of the batch."""
        with explained(self._output):
            (self._folder / REPORT_NAME).write_bytes(html.encode())

    def finish(self) -> None:
        """Write what needed the whole batch."""
        with explained(self._output):
            self._fields_file.close()
            self._errors_file.close()
            self._book.end()
            with (self._folder / FORMS_NAME).open("w", encoding="utf-8", newline="") as file:
                write_forms(file, tuple(self._book.seen.names), self._book.forms)
            path = self._folder / WORKBOOK_NAME
            self._book.write(path, templates=self._templates, review_below=self._review_below)

    def close(self) -> None:
        """Let go of the files. What `finish` has not closed is thrown away: it need not fit on a full disk."""
        for file in (self._fields_file, self._errors_file):
            with suppress(OSError):
                file.close()
        self._book.close()
