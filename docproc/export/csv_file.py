"""A batch as one CSV file; see docproc.export.delimited for the dialect.

In:  records and unreadable pages, in page order, one at a time.
Out: the columns of fields.csv or of forms.csv. A page that could not be read has a row here, of status `failed`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from docproc.export.columns import PROVENANCE_COLUMNS, Seen
from docproc.export.delimited import row_writer, safe_cell, safe_row, write_forms
from docproc.export.one_file import Shape
from docproc.export.rows import FIELD_COLUMNS, FormRow, Words, failed_form_row, field_rows, form_row
from docproc.export.waiting import Waiting
from docproc.page import Unreadable
from docproc.reading import Record


class CsvByField:
    """One row a field."""

    wants_pictures = False

    def __init__(self, path: Path, shape: Shape) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = row_writer(self._file)
        self._columns = (*FIELD_COLUMNS, *_names(shape))
        self._writer.writerow(self._columns)

    def add(self, record: Record, words: Words | None) -> None:
        """Keep one page's record."""
        self._writer.writerows(field_rows(record, safe_cell, words))

    def add_failure(self, failure: Unreadable) -> None:
        """Keep a page that could not be read."""
        row = failed_form_row(failure)
        cells = {"source": row.source, "page": str(row.page), "status": row.status, "reasons": row.reasons}
        self._writer.writerow(safe_row(cells.get(name, "") for name in self._columns))

    def finish(self) -> None:
        """Write the rest."""
        self._file.close()

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):
            self._file.close()


class CsvByPage:
    """One row a page, one column a field."""

    wants_pictures = False

    def __init__(self, path: Path, shape: Shape) -> None:
        self._path = path
        self._provenance = _names(shape)
        self._seen = Seen()
        self._rows: Waiting[FormRow] = Waiting(path.with_name("forms.waiting"), FormRow)

    def add(self, record: Record, words: Words | None) -> None:
        """Keep one page's record."""
        self._seen.add(record)
        self._rows.append(form_row(record, words))

    def add_failure(self, failure: Unreadable) -> None:
        """Keep a page that could not be read."""
        self._rows.append(failed_form_row(failure)._replace(provenance=("",) * len(self._provenance)))

    def finish(self) -> None:
        """Write the rest."""
        self._rows.close()
        with self._path.open("w", encoding="utf-8", newline="") as file:
            write_forms(file, tuple(self._seen.names), self._rows, provenance=self._provenance)

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):
            self._rows.close()


def _names(shape: Shape) -> tuple[str, ...]:
    return tuple(column.name for column in PROVENANCE_COLUMNS) if shape.provenance else ()
