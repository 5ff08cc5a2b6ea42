"""What a ledger tells: how far a batch is, and what came of its pages.

In:  a ledger.
Out: counts, runs, and the outcomes in the batch's order, one at a time.
Rows are fetched some at a time, so that neither memory nor a lock grows with the batch.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docproc.ledger.opening import LEDGER_NAME, damaged, explained, is_written, open_to_read
from docproc.ledger.records import as_page, from_json
from docproc.page import PageRef, Unreadable
from docproc.reading import Correction, Record, Verdict

WHOLE_FILE = -1  #: In place of a page's index, for a file that could not be listed.
ROWS_AT_A_TIME = 64


@dataclass(frozen=True, slots=True)
class Counts:
    """How many pages of the batch stand where; a file that could not be listed counts as one that failed."""

    pending: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    quarantined: int = 0

    @property
    def pages(self) -> int:
        """All of them."""
        return self.settled + self.pending + self.running

    @property
    def settled(self) -> int:
        """Those that have an outcome."""
        return self.done + self.failed + self.quarantined


@dataclass(frozen=True, slots=True)
class Run:
    """One process that worked on the batch."""

    number: int  #: From 1.
    started_at: str  #: UTC, ISO 8601.
    ended_at: str | None  #: None while it goes on, and for ever where its process died.
    pid: int
    host: str
    version: str  #: Of docproc.
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stint:
    """What one run has read, and when."""

    run: int
    began: str  #: When the run began; UTC, ISO 8601.
    ended: str  #: When the last page came back that it read, or failed to.
    pages: int  #: That came back.


@dataclass(frozen=True, slots=True)
class Audit:
    """A random sample of accepted fields."""

    number: int  #: From 1.
    drawn_at: str  #: UTC, ISO 8601.
    seed: int
    accepted: int  #: Fields that were accepted unseen: those that it was drawn of.
    bound: float | None  #: The share of wrong ones that it was to show, 0 to 1; None where its size was named.
    review_below: float | None  #: The threshold in force then; None: that with which pages were read.
    last_reading: int  #: Pages with later readings are not covered.


@dataclass(frozen=True, slots=True)
class AuditedField:
    """One field of a sample."""

    value: str  #: As it was accepted.
    is_there: bool  #: The batch still has the page, with the same content.


@contextmanager
def read_ledger(folder: Path) -> Iterator[LedgerView]:
    """The ledger in `folder` for looking only, also while a run goes on.

    Raises
    ------
    LedgerError
        If there is none, or it is no ledger of this docproc.
    """
    with open_to_read(folder) as db:
        yield LedgerView(db, folder / LEDGER_NAME)


class LedgerView:
    """A ledger for looking; see `read_ledger`."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path

    def counts(self) -> Counts:
        """How many pages of the batch stand where."""
        return Counts(**dict(self._rows("SELECT state, count(*) FROM pages_of_batch GROUP BY state")))

    def runs(self) -> list[Run]:
        """All runs, in the order in which they began."""
        rows = self._rows("SELECT id, started_at, ended_at, pid, host, version, settings FROM runs ORDER BY id")
        return [
            Run(number, started_at, ended_at, pid, host, version, json.loads(settings))
            for number, started_at, ended_at, pid, host, version, settings in rows
        ]

    def stints(self) -> list[Stint]:
        """Of the runs that have read pages, or failed to, in the order in which they began."""
        return [Stint(*row) for row in self._rows(_STINTS)]

    def is_running(self) -> bool:
        """Whether a run is going on now; where none is, pages that seem to be read were left by one that died."""
        return is_written(self._path.parent)

    def version(self) -> int:
        """Another number each time that others have written since the last call; own writing does not count."""
        return self._rows("PRAGMA data_version")[0][0]

    def copy_to(self, path: Path) -> None:
        """Write it, as it is now, to a new plain file, also while a run fills it."""
        path.unlink(missing_ok=True)
        self._rows("VACUUM INTO ?", (str(path),))

    def outcomes(
        self, *, characters: bool = True, crops: Callable[[], bool] = lambda: True
    ) -> Iterator[Record | Unreadable]:
        """What came of the pages of the batch that have an outcome, in its order.

        A page that was not read itself, because an equal one was, has that one's record under its own name.

        Parameters
        ----------
        characters : bool
            Whether records have the characters of their fields, too, which are most of what is to be fetched.
        crops : callable
            Whether they have their crops; asked again as this goes on.

        Raises
        ------
        LedgerError
            If the ledger is damaged.
        """
        sql = _OUTCOMES.format(characters="readings.characters" if characters else "''")
        position = -1
        while rows := self._rows(sql, (position, ROWS_AT_A_TIME)):
            position = rows[-1][0]
            for _, source, index, path, sha256, duplicate_of, reading, text, apart, message, remedy in rows:
                if text is None:
                    yield Unreadable(source, None if index == WHOLE_FILE else index + 1, message, remedy)
                    continue
                ref = PageRef(source, os.fsdecode(path), index, sha256)
                record = self._record(reading, text, apart, with_crops=crops())
                yield as_page(record, ref, duplicate_of=duplicate_of)

    def corrections(self) -> dict[tuple[str, int], dict[str, Correction]]:
        """The last word of a person on each field that has one, by the page's source and index, and by its name.

        It may be that earlier ones are taken back. Those on another content of the page's file do not count.
        """
        found: dict[tuple[str, int], dict[str, Correction]] = {}
        for source, index, field, old, new, verdict, who, number, at in self._rows(_CORRECTIONS):
            said = Correction(old, new, Verdict(verdict), who, number, at)
            found.setdefault((source, index), {})[field] = said
        return found

    def doubts(self) -> dict[tuple[str, int], frozenset[str]]:
        """The fields that people find odd and want looked at, by the page's source and index.

        Those on another content of the page's file do not count.
        """
        found: dict[tuple[str, int], frozenset[str]] = {}
        for source, index, field, withdrawn, _ in self._rows(_DOUBTS):
            if not withdrawn:
                found[source, index] = found.get((source, index), frozenset()) | {field}
        return found

    def audits(self) -> list[Audit]:
        """All audits, in the order in which they were drawn."""
        rows = self._rows(
            "SELECT id, drawn_at, seed, accepted, bound, review_below, last_reading FROM audits ORDER BY id"
        )
        return [Audit(*row) for row in rows]

    def audited(self, number: int | None = None) -> dict[tuple[str, int, str], AuditedField]:
        """Fields that an audit, or all audits, have drawn: by the page's source and index, and the field's name."""
        rows = self._rows(_AUDITED, (number, number))
        return {(source, index, name): AuditedField(value, bool(there)) for source, index, name, value, there in rows}

    def fields_keyed(self) -> list[tuple[str, int, str]]:
        """Fields that people have keyed unseen: see docproc.ledger.keyings."""
        return self._rows("""SELECT DISTINCT pages.source, pages.page_index, keyings.field
            FROM keyings JOIN pages_of_batch AS pages ON pages.id = keyings.page""")

    def drawn(self) -> frozenset[tuple[str, int, str]]:
        """The fields that the last audit has drawn, as `audited`, of pages that the batch still has as they were."""
        audits = self.audits()
        fields = self.audited(audits[-1].number) if audits else {}
        return frozenset(place for place, one in fields.items() if one.is_there)

    def last_reading(self) -> int:
        """The highest number of a reading; 0 where there is none."""
        return self._rows("SELECT coalesce(max(id), 0) FROM readings")[0][0]

    def pages_read_since(self, reading: int) -> int:
        """Pages of the batch whose reading has a higher number."""
        ((pages,),) = self._rows("SELECT count(*) FROM pages_of_batch WHERE reading > ?", (reading,))
        return pages

    def record(self, source: str, index: int) -> Record | None:
        """What was read on a page of the batch, without pictures; None where nothing was, or it has no such page."""
        sql = """SELECT path, pages.sha256, duplicate_of, reading, record, characters
            FROM pages_of_batch AS pages JOIN readings ON readings.id = pages.reading
            WHERE source = ? AND pages.page_index = ?"""
        for path, sha256, duplicate_of, reading, text, characters in self._rows(sql, (source, index)):
            record = self._record(reading, text, characters, with_crops=False)
            return as_page(record, PageRef(source, os.fsdecode(path), index, sha256), duplicate_of=duplicate_of)
        return None

    def words(self) -> int:
        """How often people have said something of a field or a page, keyed it, taken it back, or found it odd."""
        counts = " + ".join(f"(SELECT count(*) FROM {table})" for table in ("corrections", "doubts", "keyings"))
        return self._rows(f"SELECT {counts}")[0][0]

    def keyings(self) -> list[tuple[str, int, str, str, str, str, int]]:
        """Rows of what people have keyed unseen: see docproc.ledger.keyings."""
        return self._rows(_KEYINGS)

    def keying_counts(self) -> tuple[int, int]:
        """How many fields of the batch somebody has keyed unseen, and how many of them two persons have."""
        return self._rows(_KEYED)[0]

    def page_ref(self, source: str, index: int) -> PageRef | None:
        """The page of that name, if the batch has it."""
        sql = "SELECT path, sha256 FROM pages_of_batch WHERE source = ? AND page_index = ?"
        for path, sha256 in self._rows(sql, (source, index)):
            return PageRef(source, os.fsdecode(path), index, sha256)
        return None

    def crop(self, source: str, index: int, field: str) -> bytes:
        """The picture of a field as PNG; b"" where none was kept."""
        sql = """SELECT png FROM crops JOIN pages ON pages.reading = crops.reading
            WHERE pages.source = ? AND pages.page_index = ? AND crops.field = ?"""
        return next((png for (png,) in self._rows(sql, (source, index, field))), b"")

    def tables_told(self, made_of: str) -> Any:
        """What was told of the tables when they were made of that; None where they were made of something else."""
        rows = self._rows("SELECT told FROM tables WHERE made_of = ?", (made_of,))
        return json.loads(rows[0][0]) if rows else None

    def told_of_tables(self) -> Any:
        """What was told of the tables when they were made last; None where they never were."""
        rows = self._rows("SELECT told FROM tables")
        return json.loads(rows[0][0]) if rows else None

    def fingerprint(self) -> str:
        """A digest of what came of the batch: where it is the same, so is what people said, and what was drawn."""
        latest = ", ".join(
            f"(SELECT max(id) FROM {table})" for table in ("corrections", "audits", "doubts", "keyings")
        )
        added = self._rows(f"SELECT {latest}")
        digest = hashlib.sha256(repr(added).encode())
        with explained(self._path):
            rows = self._db.execute(_SETTLED)
            while some := rows.fetchmany(ROWS_AT_A_TIME):
                digest.update(repr(some).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def _record(self, reading: int, text: str, characters: str, *, with_crops: bool) -> Record:
        sql = "SELECT place, png FROM crops WHERE reading = ?"
        crops = dict(self._rows(sql, (reading,))) if with_crops else {}
        try:
            return from_json(text, characters, crops)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise damaged(self._path, f"reading {reading}: {error}") from error

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with explained(self._path):
            return self._db.execute(sql, values).fetchall()


_STINTS = """
    SELECT runs.id, runs.started_at, max(attempts.ended), count(*)
    FROM attempts JOIN runs ON runs.id = attempts.run
    WHERE attempts.event IN ('read', 'refused') GROUP BY runs.id ORDER BY runs.id
"""
_SETTLED = """
    SELECT source, page_index, path, sha256, duplicate_of, reading, message, remedy
    FROM pages_of_batch AS pages
    LEFT JOIN failures ON failures.page = pages.id
    WHERE reading IS NOT NULL OR failures.page IS NOT NULL
    ORDER BY position
"""  # a reading is never changed: its number stands for it
_OUTCOMES = """
    SELECT pages.position, pages.source, pages.page_index, pages.path, pages.sha256, pages.duplicate_of,
        pages.reading, readings.record, {characters}, failures.message, failures.remedy
    FROM pages_of_batch AS pages
    LEFT JOIN readings ON readings.id = pages.reading
    LEFT JOIN failures ON failures.page = pages.id
    WHERE pages.position > ? AND (pages.reading IS NOT NULL OR failures.page IS NOT NULL)
    ORDER BY pages.position LIMIT ?
"""

# SQLite takes the other columns from the row that has the largest number.
_CORRECTIONS = """
    SELECT pages.source, pages.page_index, said.field, said.old, said.new, said.verdict, said.who, max(said.id),
        said.at
    FROM corrections AS said
    JOIN pages_of_batch AS pages ON pages.id = said.page
    JOIN readings ON readings.id = said.reading
    WHERE readings.sha256 = pages.sha256
    GROUP BY said.page, said.field
"""
_DOUBTS = """
    SELECT pages.source, pages.page_index, doubts.field, doubts.withdrawn, max(doubts.id)
    FROM doubts
    JOIN pages_of_batch AS pages ON pages.id = doubts.page
    JOIN readings ON readings.id = doubts.reading
    WHERE readings.sha256 = pages.sha256
    GROUP BY doubts.page, doubts.field
"""
_KEYED = """
    SELECT count(*), coalesce(sum(people > 1), 0) FROM (
        SELECT count(*) AS people FROM (
            SELECT page, field, keyings.verdict, max(keyings.id)
            FROM keyings JOIN pages_of_batch AS pages ON pages.id = page GROUP BY page, field, who
        ) WHERE verdict != 'review' GROUP BY page, field
    )
"""
_AUDITED = """
    SELECT pages.source, pages.page_index, audited.field, audited.value,
        in_batch.id IS NOT NULL AND pages.sha256 = audited.sha256
    FROM audited
    JOIN pages ON pages.id = audited.page
    LEFT JOIN pages_of_batch AS in_batch ON in_batch.id = pages.id
    WHERE ? IS NULL OR audited.audit = ?
    ORDER BY audited.audit
"""
KEYINGS_THAT_COUNT = """
    FROM keyings JOIN pages_of_batch AS pages ON pages.id = keyings.page
    JOIN readings ON readings.id = keyings.reading
    WHERE readings.sha256 = pages.sha256
"""
KEYED_VALUES = "keyings.value, keyings.verdict, keyings.who, keyings.after"
_KEYINGS = f"SELECT pages.source, pages.page_index, field, {KEYED_VALUES} {KEYINGS_THAT_COUNT} ORDER BY keyings.id"
