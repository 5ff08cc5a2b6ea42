"""A batch as an SQLite database, for people with SQL: not docproc's ledger, and nothing in it but what was read.

In:  records and unreadable pages, in page order, one at a time.
Out: the tables `pages`, `fields` (by `page_id` with their page), `errors` and `columns`, the data dictionary; and,
unless there is to be a row for each field alone, `forms`, a view with one row a page and one column a field.
Values stay text, since leading zeros count; `number` is for counting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from docproc.errors import OutputError
from docproc.export.columns import (
    FIELD_COLUMNS,
    PAGE_COLUMNS,
    PROVENANCE_COLUMNS,
    WORDS,
    Column,
    Described,
    Seen,
    Type,
    described,
    told_apart,
)
from docproc.export.one_file import Shape
from docproc.export.rows import Words, alternatives, error_row
from docproc.export.typed import Values, field_values, page_values, word_values
from docproc.page import Unreadable
from docproc.reading import Record

MOST_COLUMNS = 2000  #: Of a table or view, unless SQLite was built otherwise.
TYPES = {Type.INTEGER: "INTEGER", Type.REAL: "REAL"}  #: All else is text.


class SqliteFile:
    """See the module, and `docproc.export.one_file.Writer`."""

    wants_pictures = False

    def __init__(self, path: Path, shape: Shape) -> None:
        self._shape = shape
        self._seen = Seen()
        self._pages = 0
        self._page_columns = (*PAGE_COLUMNS, *(PROVENANCE_COLUMNS if shape.provenance else ()))
        self._field_columns = (*FIELD_COLUMNS, *(WORDS if shape.provenance else ()))
        self._db = sqlite3.connect(path, isolation_level=None)
        # A file that is thrown away if anything goes wrong needs no journal.
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")
        self._db.execute(f"CREATE TABLE pages (id INTEGER PRIMARY KEY, {_typed(self._page_columns)})")
        self._db.execute(
            f"CREATE TABLE fields (page_id INTEGER NOT NULL REFERENCES pages, {_typed(self._field_columns)})"
        )
        self._db.execute("CREATE TABLE errors (source TEXT NOT NULL, page INTEGER, error TEXT, remedy TEXT)")
        self._db.execute(f"CREATE TABLE columns ({', '.join(f'{name} TEXT' for name in Described._fields)})")

    def add(self, record: Record, words: Words | None) -> None:
        """Keep one page's record."""
        self._seen.add(record)
        self._pages += 1
        self._insert("pages", [(self._pages, *_cells(self._page_columns, page_values(record, words)))])
        rows = []
        for reading in record.fields:
            values = field_values(reading) | {"alternatives": [alternatives(reading)]}
            if words is not None:
                values |= word_values(record, words, reading.name)
            rows.append((self._pages, *_cells(self._field_columns, values)))
        self._insert("fields", rows)

    def add_failure(self, failure: Unreadable) -> None:
        """Keep a page that could not be read."""
        row = error_row(failure)
        self._insert("errors", [(row.source, failure.page, row.error, row.remedy)])

    def finish(self) -> None:
        """Write the rest."""
        self._db.execute("CREATE INDEX fields_by_page ON fields (page_id)")
        self._db.execute("CREATE INDEX fields_by_name ON fields (field, status)")
        if not self._shape.by_field:
            self._add_forms()
        both = dict.fromkeys((*self._page_columns, *self._field_columns))
        self._insert("columns", list(chain(described(tuple(both)), self._seen.described(self._shape.templates))))
        self._db.execute("COMMIT")
        self._db.close()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _add_forms(self) -> None:
        names = told_apart(self._seen.names, self._page_columns)
        width = len(self._page_columns) + len(names)
        if width > MOST_COLUMNS:
            raise OutputError(
                f"The pages have {len(names):,} different fields, and SQLite holds {MOST_COLUMNS:,} columns.",
                remedy="Add --long: then the database has no row for each page with all its fields, and all else.",
            )
        fixed = [f"pages.{column.name}" for column in self._page_columns]
        asked = [
            f"max(CASE WHEN field = {_quoted(name, chr(39))} THEN value END) AS {_quoted(title)}"
            for name, title in names.items()
        ]
        self._db.execute(
            f"CREATE VIEW forms AS SELECT {', '.join((*fixed, *asked))} FROM pages "
            "LEFT JOIN fields ON fields.page_id = pages.id GROUP BY pages.id"
        )

    def _insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            self._db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _typed(columns: Iterable[Column]) -> str:
    return ", ".join(f"{column.name} {TYPES.get(column.type, 'TEXT')}" for column in columns)


def _cells(columns: Iterable[Column], values: Values) -> list[object]:
    """Several texts in one, as in CSV."""
    cells = (values[column.name] for column in columns)
    return [";".join(cell) if isinstance(cell, list) else cell for cell in cells]


def _quoted(name: str, quote: str = '"') -> str:
    return f"{quote}{name.replace(quote, 2 * quote)}{quote}"
