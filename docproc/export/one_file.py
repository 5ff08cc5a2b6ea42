"""A batch as one file of the user's choice, complete or not there at all.

In:  records and unreadable pages, in page order, one at a time; the ending of the file's name says its format.
Out: the file. It is written in a folder beside it, `NAME.PID.partial`, and moved when it is whole.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from docproc.errors import OutputError
from docproc.export.folder import partial_beside
from docproc.export.rows import Words
from docproc.page import Unreadable
from docproc.reading import Record
from docproc.template import Template

ENDINGS = (".csv", ".xlsx", ".json", ".jsonl", ".parquet", ".sqlite")


@dataclass(frozen=True, slots=True)
class Shape:
    """What is to stand in the file."""

    by_field: bool = False  #: One row a field, not one a page.
    provenance: bool = False  #: What each row was read from and with, and who has looked at it.
    templates: tuple[Template, ...] = ()  #: For the data dictionary.
    review_below: float | None = None  #: The threshold in force, for the legend.


class Writer(Protocol):
    """One file that is being written; what goes wrong is an OSError, or SQLite's own."""

    @property
    def wants_pictures(self) -> bool:
        """Whether crops of further records are looked at."""
        ...

    def add(self, record: Record, words: Words | None) -> None:
        """Keep one page's record; with `words`, its provenance, too."""
        ...

    def add_failure(self, failure: Unreadable) -> None:
        """Keep the name of a page, or file, that could not be read."""
        ...

    def finish(self) -> None:
        """Write what needed the whole batch, and close the file."""
        ...

    def close(self) -> None:
        """Let go of what is open; after `finish` nothing is."""
        ...


class OneFile:
    """A file that is being written; see `open_file`."""

    def __init__(self, path: Path, writer: Writer) -> None:
        self._path = path
        self._writer = writer

    @property
    def wants_pictures(self) -> bool:
        """Whether crops of further records are looked at."""
        return self._writer.wants_pictures

    def add(self, record: Record, words: Words | None = None) -> None:
        """Keep one page's record; with `words`, its provenance, too."""
        with _explained(self._path):
            self._writer.add(record, words)

    def add_failure(self, failure: Unreadable) -> None:
        """Keep the name of a page, or file, that could not be read."""
        with _explained(self._path):
            self._writer.add_failure(failure)


@contextmanager
def open_file(path: Path, shape: Shape, *, replace: bool = False) -> Iterator[OneFile]:
    """A file that appears as `path` when the block ends well; otherwise nothing is left of it.

    Raises
    ------
    OutputError
        If its ending is of no format, its folder is not there, if it is there already and is not to be replaced, or
        it cannot be written.
    MissingExtraError
        If the format needs a package that is not installed.
    """
    kind = _writer_for(path, by_field=shape.by_field)
    _refuse_what_is_there(path, replace=replace)
    if not path.parent.is_dir():
        raise OutputError(
            f"{path}: the folder {path.parent} is not there.",
            remedy="Make it first, or name a file in a folder that exists with --to.",
        )
    with ExitStack() as held:
        with _explained(path):
            made = held.enter_context(partial_beside(Path(os.path.realpath(path)))) / f"made{path.suffix.lower()}"
            writer = kind(made, shape)
            held.callback(writer.close)
        yield OneFile(path, writer)
        with _explained(path):
            writer.finish()
            _refuse_what_is_there(path, replace=replace)
            os.replace(made, os.path.realpath(path))


def _writer_for(path: Path, *, by_field: bool) -> Callable[[Path, Shape], Writer]:
    ending = path.suffix.lower()
    if ending == ".csv":
        from docproc.export.csv_file import CsvByField, CsvByPage

        return CsvByField if by_field else CsvByPage
    if ending == ".xlsx":
        from docproc.export.xlsx_file import XlsxFile

        return XlsxFile
    if ending in (".json", ".jsonl"):
        from docproc.export.json_file import JsonFile

        return JsonFile
    if ending == ".parquet":
        from docproc.export.parquet_file import ParquetByField, ParquetByPage

        return ParquetByField if by_field else ParquetByPage
    if ending == ".sqlite":
        from docproc.export.sqlite_file import SqliteFile

        return SqliteFile
    raise OutputError(
        f"{path}: no format of docproc has this ending.", remedy=f"Name a file that ends in {', '.join(ENDINGS)}."
    )


def _refuse_what_is_there(path: Path, *, replace: bool) -> None:
    if path.is_dir():
        raise OutputError(f"{path} is a folder.", remedy="Name a file with --to.")
    if os.path.lexists(path) and not replace:
        raise OutputError(
            f"{path} is there already.", remedy="Name another file with --to, or add --replace if it may be lost."
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Put what the operating system, or SQLite, says about writing into an OutputError."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "full" in str(error)
        remedy = "Free some space on that disk" if is_full else "Allow yourself to write there"
        raise OutputError(
            f"{path}: it cannot be written ({getattr(error, 'strerror', None) or error}).",
            remedy=f"{remedy}, or name a file elsewhere with --to; nothing half-written was left.",
        ) from error
