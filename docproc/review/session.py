"""One review of one batch, while it is open: who looks at what, what they say, and the tables that follow.

In:  a ledger that is open for corrections.
Out: what the browsers show. Any thread may call; whatever was answered is in the ledger.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

from docproc.errors import DocprocError, PageError
from docproc.export.legend import in_words
from docproc.ledger import WHOLE_PAGE, Corrections, Overtaken, open_corrections, person
from docproc.reading import Correction, Verdict
from docproc.review.batch import Batch
from docproc.review.following import Following
from docproc.review.mosaic import Mosaic
from docproc.review.pace import Pace
from docproc.review.queue import Item, Key, Queue, is_given
from docproc.review.sums import shown
from docproc.serving import new_token
from docproc.tables import are_behind
from docproc.template import Template

CANDIDATES = 5  #: Values that have a key.
MAYBE_DRAWN = "To be looked at: the chance that it is right is low, or it was drawn for the audit."
LOOK_AGAIN_S = 5.0  #: Whether a run has brought more is asked no oftener, where nothing is left.


def is_standing(said: Correction | None) -> bool:
    """Whether there is a word, and it was not taken back."""
    return said is not None and said.verdict is not Verdict.REVIEW


class UnknownItem(Exception):  # noqa: N818 - a fact about a request
    """The batch has no such field, or it needs no look."""


@contextmanager
def open_session(folder: Path, *, who: str) -> Iterator[Session]:
    """A review of the batch in `folder`; when the block ends, the tables are made once more if need be.

    Raises
    ------
    LedgerError
        If there is none, or another review of it is open.
    """
    with open_corrections(folder) as corrections:
        session = Session(folder, corrections, who)
        try:
            yield session
        finally:
            session.close()


class Session:
    """See the module."""

    has_mosaic = True
    _others = "Others are looking at the rest."

    def __init__(self, folder: Path, corrections: Corrections, who: str) -> None:
        self.token = new_token()
        self.folder = folder
        self.who = who  #: Unless a browser names another one.
        self._corrections = corrections
        self._lock = Lock()  # of all below
        self._queue = Queue()
        self._pace = Pace()
        self._last: dict[Key, Correction] = {}
        self._done: set[Key] = set()
        self._tables = Following(self.make_tables)
        with corrections.view() as ledger:
            self.batch = Batch(folder, ledger)
            if are_behind(ledger):
                self._tables.follow()
        self.mosaic = Mosaic(folder, self.batch)
        self._version = -1  # of the ledger, when it was listed
        self._looked = -LOOK_AGAIN_S
        with self._lock:
            self._look_again()

    def take(self, reviewer: str, count: int, known: Collection[Key] = (), who: str = "") -> dict[str, Any]:
        """What the reviewer looks at next, without what is known to the browser, and how far the review is."""
        now = time.monotonic()
        with self._lock:
            items = self._taken(reviewer, who, count, now)
            if not items and now - self._looked >= LOOK_AGAIN_S:
                self._look_again()
                items = self._taken(reviewer, who, count, now)
            told = [(item, self._last.get(item.key)) for item in items if item.key not in known]
            progress = self._progress(now)
        return {"items": [self._shown(item, last, reviewer) for item, last in told], "progress": progress}

    def say(self, reviewer: str, who: str, key: Key, new: str, verdict: Verdict, after: int) -> int:
        """Keep what the reviewer says of a field; the number of the correction.

        Of a page of which nothing was read, `new` may be the name of a form: then its values are asked next.

        Raises
        ------
        UnknownItem
        Overtaken
            If somebody else was faster.
        """
        item, old = self._known(key)
        form = None if item.reading is not None or not new else self._form(item, new)
        if form is not None:
            self._forget_another(item, form, who)
        try:
            said = self._corrections.add(*key, Correction(old, new, verdict, who), after=after)
        except Overtaken as overtaken:
            self._note(key, overtaken.standing)
            raise
        self._note(key, said)
        with self._lock:
            now = time.monotonic()
            self._pace.settled(person(who), now)
            if form is not None:
                left = [one for one in self.batch.values(item, form) if not is_standing(self._last.get(one.key))]
                self._queue.unfold(left, reviewer, now)
            elif item.doubtful and verdict is Verdict.ACCEPTED:
                self._queue.add_all(one for one in item.doubtful if not is_standing(self._last.get(one.key)))
        self._tables.follow()
        return said.number

    def take_back(self, reviewer: str, who: str, key: Key, after: int) -> int:
        """Have the field as it was read, and to be looked at by the reviewer; the number of the correction.

        Raises
        ------
        UnknownItem
        Overtaken
            If somebody else has said something of it since.
        """
        item, old = self._known(key)
        read = "" if item.reading is None else item.reading.text
        said = self._corrections.add(*key, Correction(old, read, Verdict.REVIEW, who), after=after)
        with self._lock:
            self._last[key] = said
            self._done.discard(key)
            if item.reading is None:
                self._queue.fold(key)
            for one in item.doubtful or ():
                self._queue.settle(one.key)
            self._queue.reopen(key, reviewer, time.monotonic())
        self._tables.follow()
        return said.number

    def doubt(self, who: str, key: Key, *, withdrawn: bool) -> None:
        """Have an accepted field looked at, or, where that is `withdrawn`, no more.

        Raises
        ------
        UnknownItem
        Overtaken
            If somebody has looked at it already.
        """
        with self._corrections.view() as ledger:
            item = self.batch.doubted(ledger, key)
        if item is None:
            raise UnknownItem
        with self._lock:
            last = self._last.get(key)
        if last is not None and last.verdict is not Verdict.REVIEW:
            raise Overtaken(last)
        self._corrections.doubt(*key, who, withdrawn=withdrawn)
        with self._lock:
            if withdrawn:
                self._queue.withdraw(key)
            else:
                self._queue.add(item)
        self._tables.follow()

    def screen(self, digit: str, first: int, most: int) -> list[dict[str, Any]]:
        """Characters that were accepted as a digit, and whether somebody finds them odd, or has looked at them."""
        tiles = self.mosaic.screen(digit, first, most)
        with self._corrections.view() as ledger:
            doubts = ledger.doubts()
        with self._lock:
            return [
                asdict(tile)
                | {"is_doubted": tile.key[2] in doubts.get(tile.key[:2], ()), "is_seen": tile.key in self._done}
                for tile in tiles
            ]

    def leave(self, reviewer: str) -> None:
        """The reviewer closes the page."""
        with self._lock:
            self._queue.leave(reviewer)

    def page(self, key: Key) -> dict[str, Any]:
        """The picture of the page that a field is on.

        Raises
        ------
        UnknownItem
        PageError
            If it is no more there.
        """
        item, _ = self._known(key)
        with self._corrections.view() as ledger:
            ref = ledger.page_ref(item.source, item.index)
        if ref is None:
            raise PageError(f"{item.source} is in the batch no more.", remedy="Load the page anew.")
        picture, middle = self.batch.page(ref, None if item.reading is None else item.reading.box_px)
        return {"picture": picture, "middle": middle}

    def check(self, key: Key, value: str) -> list[str]:
        """Why a value cannot be right in a field, in words; it may stand there all the same.

        Raises
        ------
        UnknownItem
        """
        item, _ = self._known(key)
        form = None
        if item.whole is not None:
            form = self._form(item.whole, self._known(item.whole.key)[1])
        with self._lock:
            said = {name: self._last.get((*key[:2], name)) for one in item.sums for name, _ in one.comparison.weights}
        sums = [one.rule for one in item.sums if one.is_broken_by(key[2], value, said)]
        with self._corrections.view() as ledger:
            own = self.batch.check(ledger, key, value, form)
        return [*own, *(f"It does not fit the other fields of the rule {rule}." for rule in sums)]

    def make_tables(self) -> bool:
        """As `Batch.make_tables`, told of in the ledger."""
        return self.batch.make_tables(self._corrections.tell_of_tables)

    def close(self) -> None:
        """The review ends."""
        self._tables.close()

    def left(self) -> int:
        """How many things are still to be looked at."""
        with self._lock:
            return self._queue.left

    @property
    def tables_fault(self) -> DocprocError | None:
        """Why the tables are not up to date, if they cannot be."""
        return self._tables.fault

    def _known(self, key: Key) -> tuple[Item, str]:
        """The item, and its value as it stands."""
        with self._lock:
            item = self._queue.item(key)
            last = self._last.get(key)
        if item is None:
            raise UnknownItem
        if last is not None and is_standing(last):
            return item, last.new
        return item, "" if item.reading is None else item.reading.text

    def _form(self, page: Item, name: str) -> Template:
        form = next((one for one in page.forms if one.name == name), None)
        if form is None:
            raise UnknownItem
        return form

    def _forget_another(self, page: Item, form: Template, who: str) -> None:
        """What was typed of the page for another of several forms is no value of this one, though names be equal."""
        with self._lock:
            last = self._last.get(page.key)
            typed = {key: one for key, one in self._last.items() if key[:2] == page.key[:2] and key[2] != WHOLE_PAGE}
        if len(page.forms) == 1 or (last is not None and (last.new or last.old) == form.name):
            return
        for key, one in typed.items():
            if is_standing(one):
                said = self._corrections.add(*key, Correction(one.new, "", Verdict.REVIEW, who), after=one.number)
                with self._lock:
                    self._last[key] = said
                    self._done.discard(key)

    def _note(self, key: Key, said: Correction | None) -> None:
        with self._lock:
            if said is None:
                return
            self._last[key] = said
            if said.verdict is not Verdict.REVIEW:
                self._done.add(key)
                self._queue.settle(key)

    def _look_again(self) -> None:
        """List what there is to look at, unless nothing has come since."""
        self._looked = time.monotonic()
        with self._corrections.view() as ledger:
            if ledger.version() == self._version:
                return
            self._version = ledger.version()
            said = ledger.corrections()
            self._last = {(*place, name): one for place, fields in said.items() for name, one in fields.items()}
        self._renew()

    def _renew(self) -> None:
        self._done = {key for key, one in self._last.items() if one.verdict is not Verdict.REVIEW}
        with self._corrections.view() as ledger:
            self._queue.renew(self.batch.items(ledger))

    def _taken(self, reviewer: str, who: str, count: int, now: float) -> list[Item]:
        return self._queue.take(reviewer, count, now, person=person(who))

    def _progress(self, now: float) -> dict[str, Any]:
        people = len(self._queue.people(now))
        fault = self._tables.fault
        return {
            "left": self._queue.left,
            "done": len(self._done),
            "seconds_left": self._pace.seconds_left(self._queue.left, people),
            "people": people,
            "others": self._others,
            "tables": self._tables.state if fault is None else f"{fault.message} {fault.remedy}",
        }

    def _shown(self, item: Item, last: Correction | None, reviewer: str) -> dict[str, Any]:
        reading = item.reading
        told = {
            "key": item.key,
            "page": item.index + 1,
            "reasons": [in_words(reason) for reason in item.reasons],
            "detail": item.detail,
            "after": 0 if last is None else last.number,
            "whole": reading is None,
        }
        if reading is None:
            return told | {"forms": [form.name for form in item.forms], "copy": item.doubtful is not None}
        if item.whole is not None:
            page = self._last.get(item.whole.key)
            told |= {"page_after": 0 if page is None else page.number}
        with self._corrections.view() as ledger:
            crop = ledger.crop(*item.key)
            ref = None if crop else ledger.page_ref(item.source, item.index)
        if ref is not None and reading.box_px is not None:
            crop = self.batch.cut(ref, reading.box_px)
        likely = [(reading.text, reading.confidence), *reading.alternatives][:CANDIDATES]
        candidates = [{"value": value, "chance": chance} for value, chance in likely if is_given(reading)]
        if not is_given(reading):
            told["keyed"] = "page"
        if item.is_blind:
            candidates = [{"value": reading.text, "words": "as read"}]
            told["reasons"] = [MAYBE_DRAWN]
        return told | {
            "value": reading.text,
            "candidates": candidates,
            "crop": f"data:image/png;base64,{base64.b64encode(crop).decode()}" if crop else "",
            "on_page": reading.box_px is None,
            "sums": [
                shown(one, {name: self._last.get((*item.key[:2], name)) for name, _ in one.comparison.weights})
                for one in item.sums
            ],
        }
