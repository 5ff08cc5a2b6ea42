"""The rows of pages, and what hangs on them: found, put, and changed, one statement each.

In:  an open ledger, inside a transaction of docproc.ledger.store, which knows what may follow what.
Out: rows.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from docproc.ledger.records import characters_to_json, crops_of, to_json
from docproc.ledger.states import Event, Standing, State
from docproc.page import PageRef
from docproc.reading import Record

Content = tuple[str, int, str]
"""sha256 of the file, index of the page in it, what it is read with: pages that agree in them share a reading."""


Given = tuple[str, int, bytes, str, str, str]
"""All of a page that a run gives: source, index, path, sha256, what it is read with, what it is a duplicate of."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the batch, and what it is to be read with."""

    ref: PageRef
    read_with: str  #: See `docproc.ledger.digest_of`.
    duplicate_of: str = ""  #: An earlier source of equal content.


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """A page that is to be read."""

    id: int
    ref: PageRef
    read_with: str


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page's row, as far as it decides what happens next."""

    number: int
    source: str
    standing: Standing
    content: Content


class PageRows:
    """See the module."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def at(self, first: int, last: int) -> dict[int, tuple[int, Given | None]]:
        """By position, the numbers of the pages that stand there, and what was given; None where one is pending."""
        rows = self._db.execute(_AT, (first, last)).fetchall()
        return {row[0]: (row[1], None if row[2] == State.PENDING else row[3:]) for row in rows}

    def take_out(self, numbers: Iterable[int]) -> None:
        """Have these pages in no batch."""
        self._db.executemany("UPDATE pages SET in_batch = 0 WHERE id = ?", ((number,) for number in numbers))

    def end_batch_at(self, position: int) -> None:
        """Have no page behind that position in the batch."""
        self._db.execute("UPDATE batch SET entered = ?", (position,))

    def waiting_behind(self, position: int, most: int) -> list[tuple[int, WaitingPage]]:
        """With their positions, pages of the batch that are to be read; of those that share a reading the first."""
        rows = self._db.execute(_WAITING, (position, most)).fetchall()
        return [
            (position, WaitingPage(number, PageRef(source, os.fsdecode(path), index, sha256), read_with))
            for position, number, source, path, index, sha256, read_with in rows
        ]

    def named(self, source: str, index: int) -> KnownPage | None:
        """The page of that name, if it was ever entered."""
        return self._found("source = ? AND page_index = ?", (source, index))

    def numbered(self, number: int) -> KnownPage:
        """The page with that number; without one, a ValueError."""
        page = self._found("id = ?", (number,))
        if page is None:
            raise ValueError(f"the ledger has no page {number}")
        return page

    def standing(self, *states: State) -> list[KnownPage]:
        """All pages, of the batch and left from earlier ones, that stand in one of the states and can be read."""
        marks = ", ".join("?" * len(states))
        where = f"in_batch IN (0, 1) AND state IN ({marks}) AND sha256 != ''"  # so that it is found by the index
        rows = self._db.execute(f"{_KNOWN} WHERE {where}", states)
        return [_known(row) for row in rows.fetchall()]

    def waiting_for(self, content: Content) -> list[KnownPage]:
        """The pages of the batch that wait for the reading of this content."""
        where = "sha256 = ? AND page_index = ? AND read_with = ? AND state = ?"
        rows = self._db.execute(f"{_KNOWN_OF_BATCH} WHERE {where}", (*content, State.PENDING))
        return [_known(row) for row in rows.fetchall()]

    def put(
        self, ref: PageRef, read_with: str, duplicate_of: str, position: int, standing: Standing, reading: int | None
    ) -> int:
        """Have the page in the batch, at that position; its number."""
        values = {
            "position": position,
            "source": ref.source,
            "page_index": ref.index,
            "path": os.fsencode(ref.path),
            "sha256": ref.sha256,
            "read_with": read_with,
            "duplicate_of": duplicate_of,
            "state": standing.state,
            "losses": standing.losses,
            "reading": reading,
        }
        return self._db.execute(_PUT, values).fetchone()[0]

    def stand(self, number: int, standing: Standing, reading: int | None = None) -> None:
        """Have the page stand there."""
        self._db.execute(
            "UPDATE pages SET state = ?, losses = ?, reading = ? WHERE id = ?",
            (standing.state, standing.losses, reading, number),
        )

    def explain(self, number: int, message: str, remedy: str) -> None:
        """Say why the page has no record."""
        self._db.execute("REPLACE INTO failures VALUES (?, ?, ?)", (number, _text(message), _text(remedy)))

    def forget_failure(self, number: int) -> None:
        """Say no more why the page has no record."""
        self._db.execute("DELETE FROM failures WHERE page = ?", (number,))

    def reading_of(self, content: Content) -> int | None:
        """The reading of this content, if it was read."""
        row = self._db.execute(
            "SELECT id FROM readings WHERE sha256 = ? AND page_index = ? AND read_with = ?", content
        ).fetchone()
        return None if row is None else row[0]

    def add_reading(self, content: Content, record: Record) -> int:
        """Keep what was read; its number."""
        (reading,) = self._db.execute(
            "INSERT INTO readings (sha256, page_index, read_with, record, characters) VALUES (?, ?, ?, ?, ?) "
            "RETURNING id",
            (*content, to_json(record), characters_to_json(record)),
        ).fetchone()
        self._db.executemany(
            "INSERT INTO crops (reading, place, field, png) VALUES (?, ?, ?, ?)",
            [(reading, place, _text(record.fields[place].name), png) for place, png in crops_of(record).items()],
        )
        return reading

    def begin_attempt(self, number: int, run: int) -> None:
        """A run has begun to read the page."""
        self._db.execute("INSERT INTO attempts (page, run, began) VALUES (?, ?, ?)", (number, run, now()))

    def end_attempt(self, number: int, event: Event, detail: str = "") -> None:
        """How that ended."""
        self._db.execute(
            "UPDATE attempts SET ended = ?, event = ?, detail = ? WHERE page = ? AND ended IS NULL",
            (now(), event, _text(detail), number),
        )

    def _found(self, where: str, values: tuple[Any, ...]) -> KnownPage | None:
        row = self._db.execute(f"{_KNOWN} WHERE {where}", values).fetchone()
        return None if row is None else _known(row)


def given(entry: Entry) -> Given:
    """As it stands in a row."""
    ref = entry.ref
    return ref.source, ref.index, os.fsencode(ref.path), ref.sha256, entry.read_with, entry.duplicate_of


def now() -> str:
    """The time as the ledger writes it: UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


_KNOWN = "SELECT id, source, state, losses, sha256, page_index, read_with FROM pages"
_KNOWN_OF_BATCH = f"{_KNOWN}_of_batch"
_AT = """
    SELECT position, id, state, source, page_index, path, sha256, read_with, duplicate_of FROM pages
    WHERE in_batch = 1 AND position BETWEEN ? AND ?
"""


def put_told(db: sqlite3.Connection, made_of: str, told: Any) -> None:
    """What is told of the tables, in place of what was told of earlier ones."""
    db.execute("DELETE FROM tables")
    db.execute("INSERT INTO tables VALUES (?, ?)", (made_of, json.dumps(told)))


def _known(row: tuple[Any, ...]) -> KnownPage:
    number, source, state, losses, sha256, index, read_with = row
    return KnownPage(number, source, Standing(State(state), losses), (sha256, index, read_with))


def _text(words: str) -> str:
    """What can be written as UTF-8: messages may quote foreign bytes of file names."""
    return words.encode("utf-8", "backslashreplace").decode()


_PUT = """
    INSERT INTO pages (position, in_batch, source, page_index, path, sha256, read_with, duplicate_of, state, losses,
        reading)
    VALUES (:position, 1, :source, :page_index, :path, :sha256, :read_with, :duplicate_of, :state, :losses, :reading)
    ON CONFLICT (source, page_index) DO UPDATE SET position = :position, in_batch = 1, path = :path,
        sha256 = :sha256, read_with = :read_with, duplicate_of = :duplicate_of, state = :state, losses = :losses,
        reading = :reading
    RETURNING id
"""
_WAITING = f"""
    SELECT position, id, source, path, page_index, sha256, read_with FROM pages_of_batch AS pages
    WHERE state = '{State.PENDING}' AND position > ? AND NOT EXISTS (
        SELECT 1 FROM pages AS earlier
        WHERE earlier.sha256 = pages.sha256 AND earlier.page_index = pages.page_index
            AND earlier.read_with = pages.read_with AND earlier.in_batch = 1 AND earlier.position < pages.position
            AND earlier.state IN ('{State.PENDING}', '{State.RUNNING}')
    )
    ORDER BY position LIMIT ?
"""
