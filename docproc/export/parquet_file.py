"""A batch as Parquet, with typed columns: for data frames and query engines.

In:  records and unreadable pages, in page order, one at a time.
Out: one row a field, or one row a page with a column of text for each field. Values stay text, since leading zeros
count; `number` is for counting. What a page does not have is null, a blank field is an empty text.
Needs pyarrow, the extra `parquet`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from docproc.errors import MissingExtraError
from docproc.export.columns import LONG_COLUMNS, PAGE_COLUMNS, PROVENANCE_COLUMNS, Column, Seen, Type, told_apart
from docproc.export.one_file import Shape
from docproc.export.rows import Words
from docproc.export.typed import Values, failed_page_values, long_values, page_values
from docproc.export.waiting import Waiting
from docproc.page import Unreadable
from docproc.reading import Record

CELLS_AT_A_TIME = 100_000  #: That are held before they are written, as one row group.


class ParquetByField:
    """One row a field."""

    wants_pictures = False

    def __init__(self, path: Path, shape: Shape) -> None:
        columns = (*LONG_COLUMNS, *(PROVENANCE_COLUMNS if shape.provenance else ()))
        self._writer = _Writer(path, _schema(columns))
        self._rows: list[Values] = []

    def add(self, record: Record, words: Words | None) -> None:
        """Keep one page's record."""
        self._rows += long_values(record, words)
        self._write_full()

    def add_failure(self, failure: Unreadable) -> None:
        """Keep a page that could not be read."""
        self._rows.append(failed_page_values(failure))
        self._write_full()

    def finish(self) -> None:
        """Write the rest."""
        self._writer.write(self._rows)
        self._writer.close()

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):
            self._writer.close()

    def _write_full(self) -> None:
        if len(self._rows) >= self._writer.rows_at_a_time:
            self._writer.write(self._rows)
            self._rows = []


class ParquetByPage:
    """One row a page, one column a field."""

    wants_pictures = False

    def __init__(self, path: Path, shape: Shape) -> None:
        _require_pyarrow()
        self._path = path
        self._columns = (*PAGE_COLUMNS, *(PROVENANCE_COLUMNS if shape.provenance else ()))
        self._seen = Seen()
        self._rows: Waiting[tuple[Values, dict[str, str]]] = Waiting(
            path.with_name("pages.waiting"), lambda *both: both
        )

    def add(self, record: Record, words: Words | None) -> None:
        """Keep one page's record."""
        self._seen.add(record)
        self._rows.append((page_values(record, words), {reading.name: reading.text for reading in record.fields}))

    def add_failure(self, failure: Unreadable) -> None:
        """Keep a page that could not be read."""
        self._rows.append((failed_page_values(failure), {}))

    def finish(self) -> None:
        """Write the rest."""
        self._rows.close()
        names = told_apart(self._seen.names, self._columns)
        writer = _Writer(self._path, _schema(self._columns, fields=names.values()))
        rows = iter(self._rows)
        while some := list(islice(rows, writer.rows_at_a_time)):
            writer.write([page | {names[name]: text for name, text in held.items()} for page, held in some])
        writer.close()

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):
            self._rows.close()


class _Writer:
    """A file of row groups."""

    def __init__(self, path: Path, schema: Any) -> None:
        from pyarrow.parquet import ParquetWriter

        self.rows_at_a_time = max(CELLS_AT_A_TIME // len(schema), 1)
        self._schema = schema
        self._file = ParquetWriter(path, schema, compression="zstd")

    def write(self, rows: Sequence[Values]) -> None:
        import pyarrow as pa

        if rows:
            self._file.write_batch(pa.RecordBatch.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _schema(columns: Iterable[Column], *, fields: Iterable[str] = ()) -> Any:
    """With what each of the columns means."""
    _require_pyarrow()
    import pyarrow as pa

    types = {
        Type.TEXT: pa.string(),
        Type.INTEGER: pa.int64(),
        Type.REAL: pa.float64(),
        Type.TEXTS: pa.list_(pa.string()),
        Type.CHANCES: pa.list_(pa.struct([("value", pa.string()), ("chance", pa.float64())])),
    }
    fixed = [pa.field(one.name, types[one.type], metadata={"description": one.meaning}) for one in columns]
    return pa.schema([*fixed, *(pa.field(name, pa.string()) for name in fields)])


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "Parquet files are written with pyarrow, and that is not installed.",
            remedy="Run `pip install 'docproc[parquet]'`, or name a file that ends in .sqlite or .csv.",
        ) from error
