"""The memory of a batch while a run fills it.

In:  the pages of the batch, and what comes back for each.
Out: the pages that are still to be read; see docproc.ledger.view for what came of the others.
Every call is one transaction (`enter`: one for `PAGES_AT_A_TIME` pages) and is kept when it returns, whatever becomes
of the process. Pages of equal content that are to be read with equal settings share one reading: the first is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from docproc import __version__
from docproc.ledger.files import FileRows, KnownFile
from docproc.ledger.opening import LEDGER_NAME, explained, open_to_write
from docproc.ledger.rows import Entry, KnownPage, PageRows, WaitingPage, given, now, put_told
from docproc.ledger.schema import transaction
from docproc.ledger.states import Event, Standing, State, transition
from docproc.ledger.view import ROWS_AT_A_TIME, WHOLE_FILE, LedgerView
from docproc.page import PageRef, Unreadable
from docproc.reading import Record

PAGES_AT_A_TIME = 500  #: That are entered in one transaction.
LOST_REMEDY = "Open and save it anew in an image program, or scan it again; with less memory in use it may be read."


def digest_of(**what: Any) -> str:
    """One digest of all that decides, beside the page, what is read on it: of templates, models, settings, version.

    Parameters
    ----------
    what
        Anything that JSON can hold; a tuple counts as a list, and the order of the names does not count.
    """
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


@contextmanager
def open_ledger(folder: Path, *, settings: Mapping[str, Any]) -> Iterator[Ledger]:
    """The ledger of the batch in `folder` for one run, which ends with the block.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    settings : mapping
        What the user asked for, kept with the run for people; what JSON cannot hold is kept as words.

    Raises
    ------
    LedgerError
        If another run is going on there; if the ledger is damaged or made by a newer docproc; and here as from every
        method, if it cannot be written.
    """
    with open_to_write(folder) as db:
        ledger = Ledger(db, folder / LEDGER_NAME, settings)
        try:
            yield ledger
        finally:
            ledger.end()


class Ledger(LedgerView):
    """A ledger that one run fills; see `open_ledger`."""

    def __init__(self, db: sqlite3.Connection, path: Path, settings: Mapping[str, Any]) -> None:
        super().__init__(db, path)
        self._pages = PageRows(db)
        self._files = FileRows(db)
        self._entered = 0  # pages, by this run
        with self._change():
            # Of many pages that were in hand when the process died none is to blame. A lone one may have killed it;
            # but so may a power cut, twice. It is a suspect, never more: who reads it next is watched, and can tell.
            in_hand = self._pages.standing(State.RUNNING)
            for page in in_hand:
                if len(in_hand) == 1 and not page.standing.losses:
                    self._lose(page, "docproc ended while this page was read")
                else:
                    self._release(page, "docproc ended")
            values = (now(), os.getpid(), socket.gethostname(), __version__, json.dumps(dict(settings), default=str))
            sql = "INSERT INTO runs (started_at, pid, host, version, settings) VALUES (?, ?, ?, ?, ?) RETURNING id"
            (self._run,) = db.execute(sql, values).fetchone()
            (self._last_reading,) = db.execute("SELECT coalesce(max(id), 0) FROM readings").fetchone()

    def read_before(self) -> int:
        """Pages of the batch whose reading is one of an earlier run."""
        ((pages,),) = self._rows("SELECT count(*) FROM pages_of_batch WHERE reading <= ?", (self._last_reading,))
        return pages

    def left_out(self) -> int:
        """Pages that have a reading, and are no part of the batch any more."""
        ((pages,),) = self._rows(
            "SELECT (SELECT count(*) FROM pages WHERE reading IS NOT NULL)"
            " - (SELECT count(*) FROM pages_of_batch WHERE reading IS NOT NULL)"
        )
        return pages

    def renew(self) -> None:
        """Have no page in the batch: it is entered anew. What was read is kept."""
        self._entered = 0
        with self._change():
            self._pages.end_batch_at(0)

    def enter(self, pages: Iterable[Entry | Unreadable]) -> None:
        """Make these the pages of the batch, in this order; a further call adds to them.

        A page that is known, with the same content and to be read with the same, stands where it stood; another one
        is to be read, unless an equal page has been read. A file that could not be listed has failed. Pages of
        earlier runs that this one does not have stay in the ledger, and are no part of the batch.
        """
        if self._entered == 0:
            self.renew()
        listed = iter(pages)
        while some := list(islice(listed, PAGES_AT_A_TIME)):
            with self._change():
                self._enter(some)

    def known_files(self, stamps: Mapping[str, str]) -> dict[str, KnownFile]:
        """Of files by path and stamp, those that are known and unchanged; some hundred at a time."""
        with explained(self._path):
            return self._files.known(stamps)

    def know_files(self, files: Iterable[KnownFile]) -> None:
        """Remember what these held when they had their stamps."""
        with self._change():
            self._files.put(files)

    def has_readings(self, pages: Sequence[PageRef], read_with: str) -> bool:
        """Whether all of these were read with that."""
        with explained(self._path):
            return all(self._pages.reading_of((ref.sha256, ref.index, read_with)) is not None for ref in pages)

    def waiting(self, *, retry_failed: bool = False) -> Iterator[WaitingPage]:
        """The pages that are to be read, in the batch's order, each once.

        Of pages that can share a reading only the first is among them. One that is `lost` while this goes on comes
        with the next call.

        Parameters
        ----------
        retry_failed : bool
            Pages that failed or were set aside are to be read again, too.
        """
        if retry_failed:
            self._retry()
        return self._waiting()

    def has_suspects(self) -> bool:
        """Whether a page that is to be read has taken down a process, as it seems: this one must not read it."""
        sql = "SELECT 1 FROM pages WHERE in_batch IN (0, 1) AND state = ? AND losses > 0 LIMIT 1"
        return bool(self._rows(sql, (State.PENDING,)))

    def started(self, numbers: Iterable[int]) -> None:
        """These pages are handed to a reader now."""
        with self._change():
            for number in numbers:
                self._pages.stand(number, transition(self._pages.numbered(number).standing, Event.STARTED))
                self._pages.begin_attempt(number, self._run)

    def keep(self, number: int, outcome: Record | Unreadable) -> int:
        """Keep what came of a page. How many pages that settles: it, and those that wait for its reading."""
        with self._change():
            page = self._pages.numbered(number)
            if isinstance(outcome, Unreadable):
                return self._refuse(page, outcome)
            standing = transition(page.standing, Event.READ)
            reading = self._pages.reading_of(page.content) or self._pages.add_reading(page.content, outcome)
            self._pages.stand(number, standing, reading)
            self._pages.end_attempt(number, Event.READ)
            equal = self._pages.waiting_for(page.content)
            for other in equal:
                self._pages.stand(other.number, transition(other.standing, Event.READ), reading)
            return 1 + len(equal)

    def lost(self, number: int, detail: str, *, times: int = 1) -> State:
        """The page took down the process that read it, or passed its time. Where it stands now.

        Parameters
        ----------
        number : int
            The page's id.
        detail : str
            How the process ended, for people.
        times : int
            How many processes it cost: an engine may have tried it more than once.
        """
        with self._change():
            return self._lose(self._pages.numbered(number), detail, times)

    def tell_of_tables(self, made_of: str, told: Any) -> None:
        """They have been made of that; what is told is kept as JSON."""
        with self._change():
            put_told(self._db, made_of, told)

    def end(self) -> None:
        """The run ends: what it has in hand waits for the next one, and is not blamed."""
        with self._change():
            for page in self._pages.standing(State.RUNNING):
                self._release(page, "the run ended")
            self._db.execute("UPDATE runs SET ended_at = ? WHERE id = ?", (now(), self._run))

    def _waiting(self) -> Iterator[WaitingPage]:
        position = -1
        while pages := self._next_waiting(position):
            position, _ = pages[-1]
            yield from (page for _, page in pages)

    def _next_waiting(self, position: int) -> list[tuple[int, WaitingPage]]:
        with explained(self._path):
            return self._pages.waiting_behind(position, ROWS_AT_A_TIME)

    def _enter(self, some: Sequence[Entry | Unreadable]) -> None:
        """Most pages stand where they stood, and nothing is written for them."""
        first = self._entered + 1
        self._entered += len(some)
        held = self._pages.at(first, self._entered)
        changed = [
            (position, page)
            for position, page in enumerate(some, start=first)
            if isinstance(page, Unreadable) or position not in held or held[position][1] != given(page)
        ]
        self._pages.take_out(held[position][0] for position, _ in changed if position in held)
        for position, page in changed:
            if isinstance(page, Unreadable):
                self._enter_failure(page, position)
            else:
                self._enter_page(page, position)
        self._pages.end_batch_at(self._entered)

    def _enter_page(self, entry: Entry, position: int) -> None:
        ref = entry.ref
        content = (ref.sha256, ref.index, entry.read_with)
        known = self._pages.named(ref.source, ref.index)
        if known is None:
            standing = Standing()
        elif known.content == content:
            standing = known.standing
        else:
            standing = transition(known.standing, Event.CHANGED)
        reading = self._pages.reading_of(content) if standing.state in (State.PENDING, State.DONE) else None
        if reading is not None and standing.state is State.PENDING:
            standing = transition(standing, Event.READ)
        number = self._pages.put(ref, entry.read_with, entry.duplicate_of, position, standing, reading)
        if known is not None and known.content != content:
            self._pages.forget_failure(number)

    def _enter_failure(self, failure: Unreadable, position: int) -> None:
        index = WHOLE_FILE if failure.page is None else failure.page - 1
        standing = transition(Standing(), Event.REFUSED)
        number = self._pages.put(PageRef(failure.source, "", index, ""), "", "", position, standing, None)
        self._pages.explain(number, failure.message, failure.remedy)

    def _retry(self) -> None:
        with self._change():
            for page in self._pages.standing(State.FAILED, State.QUARANTINED):
                standing = transition(page.standing, Event.RETRIED)
                reading = self._pages.reading_of(page.content)  # an equal page may have been read since
                if reading is not None:
                    standing = transition(standing, Event.READ)
                self._pages.stand(page.number, standing, reading)
                self._pages.forget_failure(page.number)

    def _refuse(self, page: KnownPage, failure: Unreadable) -> int:
        self._pages.stand(page.number, transition(page.standing, Event.REFUSED))
        self._pages.explain(page.number, failure.message, failure.remedy)
        self._pages.end_attempt(page.number, Event.REFUSED, failure.message)
        return 1 + self._refuse_equal(page, failure.message, failure.remedy)

    def _refuse_equal(self, page: KnownPage, message: str, remedy: str) -> int:
        """Those that wait for the page's reading get none; each is named with the cause."""
        equal = self._pages.waiting_for(page.content)
        for other in equal:
            self._pages.stand(other.number, transition(other.standing, Event.REFUSED))
            why = f"{other.source}: its content is that of {page.source}, which was not read. {message}"
            self._pages.explain(other.number, why, remedy)
        return len(equal)

    def _release(self, page: KnownPage, detail: str) -> None:
        self._pages.stand(page.number, transition(page.standing, Event.RELEASED))
        self._pages.end_attempt(page.number, Event.RELEASED, detail)

    def _lose(self, page: KnownPage, detail: str, times: int = 1) -> State:
        cost = replace(page.standing, losses=page.standing.losses + times - 1)
        standing = transition(cost, Event.LOST)
        self._pages.stand(page.number, standing)
        self._pages.end_attempt(page.number, Event.LOST, detail)
        if standing.state is State.QUARANTINED:
            message = f"{page.source}: reading this page was given up: {detail}."
            self._pages.explain(page.number, message, LOST_REMEDY)
            self._refuse_equal(page, message, LOST_REMEDY)
        return standing.state

    @contextmanager
    def _change(self) -> Iterator[None]:
        """One transaction."""
        with explained(self._path), transaction(self._db):
            yield
