"""What happened to one page: attempts, readings, words of people, in the order in which they came.

In:  a ledger, and the page's name.
Out: rows. All that was ever read of the page's content is told, also what another reading has replaced.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docproc.ledger.keyings import Keying
from docproc.ledger.opening import LEDGER_NAME, open_to_read
from docproc.ledger.records import as_page
from docproc.ledger.view import WHOLE_FILE, LedgerView, Run
from docproc.page import PageRef
from docproc.reading import Correction, Record, Verdict


@dataclass(frozen=True, slots=True)
class Attempt:
    """One time that a page was handed to a reader."""

    source: str  #: Of the page: another one where that has the same content.
    run: Run
    began: str  #: UTC, ISO 8601.
    ended: str | None  #: None while it goes on.
    event: str | None  #: As in docproc.ledger.states.
    detail: str


@dataclass(frozen=True, slots=True)
class Word:
    """A correction, and whether it is on the content that the page has now."""

    field: str  #: WHOLE_PAGE for one on the page as a whole.
    said: Correction
    is_of_this_scan: bool


@dataclass(frozen=True, slots=True)
class Keyed:
    """What somebody has keyed unseen, or taken back, and whether that was on the content that the page has now."""

    field: str
    keying: Keying
    at: str  #: UTC, ISO 8601.
    is_of_this_scan: bool


@dataclass(frozen=True, slots=True)
class Doubt:
    """Somebody found an accepted field odd, or does no more, and whether that was on today's content of the page."""

    field: str
    withdrawn: bool
    who: str
    at: str  #: UTC, ISO 8601.
    is_of_this_scan: bool


@dataclass(frozen=True, slots=True)
class Past:
    """All that happened to one page."""

    ref: PageRef
    state: str  #: As in docproc.ledger.states.
    duplicate_of: str  #: An earlier source of equal content, or "".
    attempts: tuple[Attempt, ...]
    readings: tuple[Record, ...]  #: Of the content that it has now, the one in force last.
    failure: tuple[str, str] | None  #: What went wrong, and the remedy.
    words: tuple[Word, ...]
    keyings: tuple[Keyed, ...]
    doubts: tuple[Doubt, ...]


@contextmanager
def read_past(folder: Path) -> Iterator[PastView]:
    """The ledger in `folder` for looking only, also while a run goes on.

    Raises
    ------
    LedgerError
        If there is none, or it is no ledger of this docproc.
    """
    with open_to_read(folder) as db:
        yield PastView(db, folder / LEDGER_NAME)


class PastView(LedgerView):
    """A ledger that is asked for single pages; see `read_past`."""

    def sources(self) -> list[str]:
        """All files of the batch, in its order."""
        return [
            source
            for (source,) in self._rows("SELECT source FROM pages_of_batch GROUP BY source ORDER BY min(position)")
        ]

    def pages(self, source: str) -> list[int]:
        """The indices of the pages of a file, in rising order; `WHOLE_FILE` of one that could not be listed."""
        sql = "SELECT page_index FROM pages_of_batch WHERE source = ? ORDER BY page_index"
        return [index for (index,) in self._rows(sql, (source,))]

    def past(self, source: str, index: int) -> Past:
        """All that happened to a page of the batch.

        Raises
        ------
        ValueError
            If the batch has no such page.
        """
        rows = self._rows(_PAGE, (source, index))
        if not rows:
            raise ValueError(f"the batch has no page {index} of {source!r}")
        number, path, sha256, state, duplicate_of, reading, message, remedy = rows[0]
        ref = PageRef(source, os.fsdecode(path), index, sha256)
        runs = {run.number: run for run in self.runs()}
        return Past(
            ref,
            state,
            duplicate_of,
            tuple(
                Attempt(of, runs[run], began, ended, event, detail)
                for of, run, began, ended, event, detail in self._rows(_ATTEMPTS, (number, reading))
            ),
            tuple(
                as_page(self._record(at, text, characters, with_crops=False), ref, duplicate_of=duplicate_of)
                for at, text, characters in self._rows(_READINGS, (sha256, index, reading))
            )
            if sha256 and index != WHOLE_FILE
            else (),
            None if message is None else (message, remedy),
            tuple(
                Word(field, Correction(old, new, Verdict(verdict), who, number, at), of == sha256)
                for field, old, new, verdict, who, number, at, of in self._rows(_WORDS, (number,))
            ),
            tuple(
                Keyed(field, Keying(value, Verdict(verdict), who, after), at, of == sha256)
                for field, value, verdict, who, after, at, of in self._rows(_KEYINGS, (number,))
            ),
            tuple(
                Doubt(field, bool(withdrawn), who, at, of == sha256)
                for field, withdrawn, who, at, of in self._rows(_DOUBTS, (number,))
            ),
        )


_PAGE = """
    SELECT pages.id, path, sha256, state, duplicate_of, reading, message, remedy
    FROM pages_of_batch AS pages LEFT JOIN failures ON failures.page = pages.id
    WHERE source = ? AND page_index = ?
"""
# A page of equal content shares the reading: who reads it, reads both.
_ATTEMPTS = """
    SELECT pages.source, run, began, ended, event, detail FROM attempts JOIN pages ON pages.id = attempts.page
    WHERE pages.id = ? OR pages.reading = ? ORDER BY attempts.id
"""
_READINGS = """
    SELECT id, record, characters FROM readings WHERE sha256 = ? AND page_index = ? ORDER BY id = ?, id
"""
_WORDS = """
    SELECT field, old, new, verdict, who, said.id, at, readings.sha256
    FROM corrections AS said LEFT JOIN readings ON readings.id = said.reading
    WHERE said.page = ? ORDER BY said.id
"""
_KEYINGS = """
    SELECT field, value, verdict, who, after, at, readings.sha256
    FROM keyings JOIN readings ON readings.id = keyings.reading
    WHERE keyings.page = ? ORDER BY keyings.id
"""
_DOUBTS = """
    SELECT field, withdrawn, who, at, readings.sha256
    FROM doubts JOIN readings ON readings.id = doubts.reading
    WHERE doubts.page = ? ORDER BY doubts.id
"""
