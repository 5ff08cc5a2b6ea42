"""All result files of one batch, filled page by page.

In:  records and unreadable pages, in page order, one at a time.
Out: fields.csv, forms.csv, forms.xlsx, errors.csv.
The tables whose columns are known only at the end wait in files beside them, so that memory does not grow with the
batch.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Generic, TypeVar

from docproc.export import rows
from docproc.export.delimited import row_writer, safe_cell, safe_row
from docproc.export.folder import ERRORS_NAME, FIELDS_NAME, FORMS_NAME, WORKBOOK_NAME, explained, written_aside
from docproc.export.picture import Picture, compact
from docproc.export.review import MOST_PICTURES
from docproc.export.rows import ErrorRow, FormRow, ReviewRow
from docproc.export.workbook import write_workbook
from docproc.page import Unreadable
from docproc.reading import Record

Row = TypeVar("Row", FormRow, ReviewRow, ErrorRow)


@contextmanager
def open_results(output: Path, *, review_below: float | None = None) -> Iterator[Results]:
    """Results that appear as `output` when the block ends well; otherwise nothing is left of them.

    Parameters
    ----------
    output : Path
        The folder.
    review_below : float, optional
        The threshold in force, which the legend names.

    Raises
    ------
    OutputError
        See `written_aside`.
    """
    with written_aside(output) as folder:
        results = Results(output, folder, review_below)
        try:
            yield results
            results.finish()
        finally:
            results.close()


class Results:
    """The files of one batch while it runs; see `open_results`."""

    def __init__(self, output: Path, folder: Path, review_below: float | None = None) -> None:
        self._output = output
        self._folder = folder
        self._review_below = review_below
        self._field_names: dict[str, None] = {}
        self._pictures = 0
        with explained(output):
            self._fields_file = (folder / FIELDS_NAME).open("w", encoding="utf-8", newline="")
            self._errors_file = (folder / ERRORS_NAME).open("w", encoding="utf-8", newline="")
            self._fields, self._errors = row_writer(self._fields_file), row_writer(self._errors_file)
            self._fields.writerow(rows.FIELD_COLUMNS)
            self._errors.writerow(rows.ERROR_COLUMNS)
            self._form_rows = _Waiting(folder / "forms.waiting", FormRow)
            self._review_rows = _Waiting(folder / "review.waiting", ReviewRow)
            self._error_rows = _Waiting(folder / "errors.waiting", ErrorRow)

    @property
    def wants_pictures(self) -> bool:
        """Whether crops of further records are looked at."""
        return self._pictures < MOST_PICTURES

    def add(self, record: Record) -> None:
        """Keep one page's record."""
        with explained(self._output):
            self._fields.writerows(rows.field_rows(record, safe_cell))
            self._field_names.update(dict.fromkeys(reading.name for reading in record.fields))
            self._form_rows.append(rows.form_row(record))
            self._review_rows.extend(self._to_review(record))

    def add_failure(self, failure: Unreadable) -> None:
        """Keep the name of a page, or file, that could not be read."""
        row = rows.error_row(failure)
        with explained(self._output):
            self._errors.writerow(safe_row(row))
            self._error_rows.append(row)

    def finish(self) -> None:
        """Write what needed the whole batch."""
        with explained(self._output):
            self._fields_file.close()
            self._errors_file.close()
            for waiting in (self._form_rows, self._review_rows, self._error_rows):
                waiting.close()
            self._write_forms(self._folder / FORMS_NAME)
            write_workbook(
                self._folder / WORKBOOK_NAME,
                field_names=tuple(self._field_names),
                forms=self._form_rows,
                review=self._review_rows,
                errors=self._error_rows,
                review_below=self._review_below,
            )
            for waiting in (self._form_rows, self._review_rows, self._error_rows):
                waiting.path.unlink()

    def close(self) -> None:
        """Let go of the files. What `finish` has not closed is thrown away: it need not fit on a full disk."""
        for file in (self._fields_file, self._errors_file, self._form_rows, self._review_rows, self._error_rows):
            with suppress(OSError):
                file.close()

    def _to_review(self, record: Record) -> Iterator[ReviewRow]:
        source, page = record.ref.source, record.ref.index + 1
        if rows.is_looked_at_whole(record):
            yield ReviewRow(source, page, "", "", "", record.verdict.value, rows.page_reasons(record), "", b"")
        if rows.is_unread(record):
            return
        for reading in rows.to_look_at(record):
            shown = bool(reading.crop_png) and self.wants_pictures
            self._pictures += shown
            picture = compact(reading.crop_png) if shown else Picture(b"", 0, 0)
            yield ReviewRow(
                source=source,
                page=page,
                field=reading.name,
                value=reading.text,
                confidence=rows.chance(reading.confidence),
                status=reading.verdict.value,
                reasons=";".join(reading.reasons),
                alternatives=rows.alternatives(reading),
                crop=picture.encoded,
                crop_width_px=picture.width_px,
                crop_height_px=picture.height_px,
            )

    def _write_forms(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = row_writer(file)
            writer.writerow([*rows.FORM_COLUMNS, *map(safe_cell, self._field_names)])
            for row in self._form_rows:
                values = {name: value for name, value, _ in row.cells}
                head = (row.source, str(row.page), row.template, row.status, row.reasons)
                writer.writerow(safe_row((*head, *(values.get(name, "") for name in self._field_names))))


class _Waiting(Generic[Row]):
    """Rows on disk: appended one by one, then read as often as needed."""

    def __init__(self, path: Path, kind: type[Row] | Callable[..., Row]) -> None:
        self.path = path
        self._kind: Callable[..., Row] = kind
        self._file = path.open("wb")

    def append(self, row: Row) -> None:
        pickle.dump(tuple(row), self._file)

    def extend(self, several: Iterable[Row]) -> None:
        for row in several:
            self.append(row)

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Row]:
        with self.path.open("rb") as file, suppress(EOFError):
            while True:
                yield self._kind(*pickle.load(file))
