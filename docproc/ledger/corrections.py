"""What people say of fields: rows that are added, and never changed.

In:  an open ledger.
Out: which word on each field stands, the last one. One on a page's other content, of an earlier scan, does not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from docproc.errors import LedgerError
from docproc.ledger.opening import LEDGER_NAME, explained, open_to_correct
from docproc.ledger.rows import now, put_told
from docproc.ledger.schema import transaction
from docproc.ledger.view import LedgerView
from docproc.reading import Correction, Verdict

WHOLE_PAGE = ""  #: In place of a field's name: a word on the page as a whole.


class Overtaken(Exception):  # noqa: N818 - a fact about the field, not a fault
    """Somebody else has said something of the field meanwhile."""

    def __init__(self, standing: Correction | None) -> None:
        super().__init__(standing)
        self.standing = standing


@contextmanager
def open_corrections(folder: Path) -> Iterator[Corrections]:
    """The ledger in `folder` for a review; see `docproc.ledger.opening.open_to_correct`."""
    with open_to_correct(folder) as db:
        yield Corrections(db, folder / LEDGER_NAME)


class Corrections:
    """The ledger as a review uses it, from any thread."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._lock = Lock()

    @contextmanager
    def view(self) -> Iterator[LedgerView]:
        """The ledger for looking; nobody else of this process uses it meanwhile."""
        with self._lock:
            yield LedgerView(self._db, self._path)

    def add(self, source: str, index: int, field: str, said: Correction, *, after: int) -> Correction:
        """Keep what somebody says of a field, or of a page; it is on the disk when this returns.

        Parameters
        ----------
        source, index
            The page, as in PageRef.
        after : int
            The number of the last correction that who says it has seen; 0 for none.

        Raises
        ------
        Overtaken
            If there is a later one; nothing is written. What the same person has said already is not said twice: an
            answer may have been lost on its way.
        LedgerError
            If the page is not there any more, or nothing can be written.
        """
        with self._lock, explained(self._path), transaction(self._db):
            page = self._page(source, index)
            last = self._last(page[0], field)
            if last is not None and last.number != after:
                if replace(last, number=0, at="") == replace(said, number=0, at=""):
                    return last
                raise Overtaken(last)
            return self._put_correction(page, field, said)

    def doubt(self, source: str, index: int, field: str, who: str, *, withdrawn: bool = False) -> None:
        """Have an accepted field looked at, or no more; it is on the disk when this returns.

        Raises
        ------
        LedgerError
            If the page is not there any more, or nothing can be written.
        """
        with self._lock, explained(self._path), transaction(self._db):
            self._db.execute(
                "INSERT INTO doubts (page, reading, field, withdrawn, who, at) VALUES (?, ?, ?, ?, ?, ?)",
                (*self._page(source, index), field, withdrawn, who, now()),
            )

    def tell_of_tables(self, made_of: str, told: Any) -> None:
        """As `Ledger.tell_of_tables`; no run goes on meanwhile."""
        with self._lock, explained(self._path), transaction(self._db):
            put_told(self._db, made_of, told)

    def _page(self, source: str, index: int) -> tuple[int, int]:
        """The numbers of the page and its reading."""
        page = self._db.execute(
            "SELECT id, reading FROM pages WHERE source = ? AND page_index = ?", (source, index)
        ).fetchone()
        if page is None or page[1] is None:
            raise LedgerError(
                f"{source}, page {index + 1}: the ledger has no reading of it any more.",
                remedy="Load the page anew.",
            )
        return page

    def _last(self, page: int, field: str) -> Correction | None:
        sql = f"SELECT {_COLUMNS} FROM corrections WHERE page = ? AND field = ? ORDER BY id DESC LIMIT 1"
        row = self._db.execute(sql, (page, field)).fetchone()
        if row is None:
            return None
        old, new, verdict, who, number, at = row
        return Correction(old, new, Verdict(verdict), who, number, at)

    def _put_correction(self, page: tuple[int, int], field: str, said: Correction) -> Correction:
        at = now()
        (number,) = self._db.execute(
            "INSERT INTO corrections (page, reading, field, old, new, verdict, who, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (*page, field, said.old, said.new, said.verdict, said.who, at),
        ).fetchone()
        return replace(said, number=number, at=at)


_COLUMNS = "old, new, verdict, who, id, at"
