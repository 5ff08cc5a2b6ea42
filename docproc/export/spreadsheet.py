"""The workbook of one batch, filled page by page.

In:  records and unreadable pages, in page order, one at a time.
Out: a workbook with one row a page, or one row a field.
Its columns are known only at the end: until then its rows wait in files, so that memory does not grow with the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from docproc.export import rows
from docproc.export.columns import LONG_COLUMNS, PAGE_COLUMNS, PROVENANCE_COLUMNS, Seen, described
from docproc.export.picture import Picture, compact
from docproc.export.review import MOST_PICTURES
from docproc.export.rows import ErrorRow, FormRow, ReviewRow, Words
from docproc.export.waiting import Waiting
from docproc.export.workbook import FieldRow, write_workbook
from docproc.page import Unreadable
from docproc.reading import Record
from docproc.rounding import chance
from docproc.template import Template


class Spreadsheet:
    """See the module. Its files lie in `folder`, which is empty and the caller's to delete."""

    def __init__(self, folder: Path, *, by_field: bool = False, provenance: bool = False) -> None:
        self.seen = Seen()
        self.forms: Waiting[FormRow] = Waiting(folder / "forms.waiting", FormRow)
        self._fields: Waiting[FieldRow] | None = None
        if by_field:
            self._fields = Waiting(folder / "fields.waiting", lambda *cells: cells)
        self._review: Waiting[ReviewRow] = Waiting(folder / "review.waiting", ReviewRow)
        self._errors: Waiting[ErrorRow] = Waiting(folder / "errors.waiting", ErrorRow)
        self._pictures = 0
        self._provenance = PROVENANCE_COLUMNS if provenance else ()

    @property
    def wants_pictures(self) -> bool:
        """Whether crops of further records are looked at."""
        return self._pictures < MOST_PICTURES

    def add(self, record: Record, words: Words | None = None) -> None:
        """Keep one page's record; with `words`, its provenance, too."""
        self.seen.add(record)
        if self._fields is None:
            self.forms.append(rows.form_row(record, words))
        else:
            self._fields.extend(rows.field_rows(record, str, words))
        self._review.extend(self._to_review(record))

    def add_failure(self, failure: Unreadable) -> None:
        """Keep the name of a page, or file, that could not be read."""
        self._errors.append(rows.error_row(failure))

    def end(self) -> None:
        """No more pages will come: rows can be gone through."""
        for waiting in self._waiting():
            waiting.close()

    def write(self, path: Path, *, templates: Iterable[Template] = (), review_below: float | None = None) -> None:
        """Write the workbook, and let go of the rows."""
        fixed = PAGE_COLUMNS if self._fields is None else [one for one in LONG_COLUMNS if one.name != "number"]
        write_workbook(
            path,
            field_names=tuple(self.seen.names),
            forms=self.forms,
            fields=self._fields,
            review=self._review,
            errors=self._errors,
            described=chain(described(fixed), self.seen.described(templates), described(self._provenance)),
            provenance=[column.name for column in self._provenance],
            review_below=review_below,
        )
        for waiting in self._waiting():
            waiting.delete()

    def close(self) -> None:
        """Let go of the files. What `end` has not closed is thrown away: it need not fit on a full disk."""
        for waiting in self._waiting():
            with suppress(OSError):
                waiting.close()

    def _waiting(self) -> Iterator[Waiting[FormRow] | Waiting[FieldRow] | Waiting[ReviewRow] | Waiting[ErrorRow]]:
        yield from (self.forms, self._review, self._errors)
        if self._fields is not None:
            yield self._fields

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
                confidence=chance(reading.confidence),
                status=reading.verdict.value,
                reasons=";".join(reading.reasons),
                alternatives=rows.alternatives(reading),
                crop=picture.encoded,
                crop_width_px=picture.width_px,
                crop_height_px=picture.height_px,
            )
