"""A review in which two persons key chosen fields without seeing what was read, and a third look decides.

In:  a ledger, and patterns of fields' names.
Out: what the browsers show: of a field that is keyed its picture alone; of one that two have keyed differently both
     answers, without who gave them, beside the value as read.
The third look is for fresh eyes. One of the two who have keyed the field gets it only where nobody else has been
heard of lately and there is nothing else for them to do, and is told that one of the answers is theirs.
Nothing else is shown in such a review: the sums of other fields would tell values.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from docproc.errors import LedgerError
from docproc.export.rows import is_unread
from docproc.ledger import Keying, Keyings, LedgerView, NotYours, is_decided, open_keyings, person
from docproc.reading import Correction, Verdict
from docproc.review.batch import Batch
from docproc.review.queue import Item, Key
from docproc.review.session import Session

DIFFERENT = "Two persons have keyed different values."
CHANGED = "It was keyed twice, and taken back after that."
OWN = "One of the answers is yours."


@contextmanager
def open_keying_session(folder: Path, fields: Sequence[str], *, who: str) -> Iterator[Session]:
    """The keying of the fields that have one of the names, in which `*` stands for any text.

    Raises
    ------
    LedgerError
        If there is no ledger, another review of it is open, or no field has such a name.
    """
    with open_keyings(folder) as keyings:
        session = KeyingSession(folder, keyings, who, fields)
        try:
            yield session
        finally:
            session.close()


class KeyingSession(Session):
    """See the module."""

    has_mosaic = False
    _others = "The rest is for another person, under their own name."

    def __init__(self, folder: Path, keyings: Keyings, who: str, fields: Sequence[str]) -> None:
        self._keyings = keyings
        self._fields = tuple(fields)
        self._keyed: dict[Key, tuple[Keying, ...]] = {}
        self._third: dict[Key, set[str]] = {}  # who were shown both answers, by browsers
        self._people: dict[str, str] = {}  # by browsers
        super().__init__(folder, keyings, who)
        if not self._queue.left and not self._done:
            raise LedgerError(
                f"No page of the batch has a field that is called {' or '.join(self._fields)}.",
                remedy="Name fields as the tables and the template do; * stands for any text.",
            )

    def take(self, reviewer: str, count: int, known: Collection[Key] = (), who: str = "") -> dict[str, Any]:
        """As `Session.take`; nobody gets a field to key that the same person has keyed."""
        return super().take(reviewer, count, known, person(who))

    def say(self, reviewer: str, who: str, key: Key, new: str, verdict: Verdict, after: int) -> int:
        """Keep what the reviewer keys or, where both answers were shown, decides; the number of the correction.

        Raises
        ------
        UnknownItem
        NotYours
            If this person has keyed the field, or two others have meanwhile.
        Overtaken
            If somebody else was faster.
        """
        with self._lock:
            decides = reviewer in self._third.get(key, ())
        if decides:
            return super().say(reviewer, who, key, new, verdict, after)
        _, old = self._known(key)
        keyed, last = self._keyings.key(key, old, Keying(new, verdict, who))
        with self._lock:
            self._keyed[key] = keyed
            self._queue.release(key)
            self._pace.settled(person(who), time.monotonic())
        if is_decided(keyed, last):
            self._note(key, last)
        self._tables.follow()
        return 0 if last is None else last.number

    def take_back(self, reviewer: str, who: str, key: Key, after: int) -> int:
        """Have the field keyed, or decided, once more; the number of the field's last correction.

        Raises
        ------
        UnknownItem
        NotYours
            If the person has not keyed it, or both answers have been shown to somebody.
        Overtaken
            If somebody else has said something of it since.
        """
        item, old = self._known(key)
        with self._lock:
            if self._third.get(key) and key not in self._done:
                raise NotYours
        read = "" if item.reading is None else item.reading.text
        keyed, last = self._keyings.take_back(key, old, read, who, after=after)
        with self._lock:
            self._keyed[key] = keyed
            if last is not None:
                self._last[key] = last
            self._done.discard(key)
            self._queue.reopen(key, reviewer, time.monotonic())
        self._tables.follow()
        return 0 if last is None else last.number

    def _taken(self, reviewer: str, who: str, count: int, now: float) -> list[Item]:
        self._people[reviewer] = who

        def is_fresh(item: Item) -> bool:
            return who not in self._who_keyed(item) or reviewer in self._third.get(item.key, ())

        def has_nobody_else(item: Item) -> bool:
            return len(self._who_keyed(item)) >= 2 and self._queue.people(now) <= self._who_keyed(item)

        fresh = self._queue.take(reviewer, count, now, is_fresh, person=who)
        return fresh or self._queue.take(reviewer, 1, now, has_nobody_else, person=who)

    def _who_keyed(self, item: Item) -> set[str]:
        return {one.person for one in self._keyed.get(item.key, ())}

    def _renew(self) -> None:
        with self._keyings.view() as ledger:
            items = list(items_to_key(self.batch, ledger, self._fields))
        self._keyed = self._keyings.keyed()
        self._done = {
            item.key for item in items if is_decided(self._keyed.get(item.key, ()), self._last.get(item.key))
        }
        self._queue.renew(items)
        for key in self._done:
            self._queue.settle(key)

    def _shown(self, item: Item, last: Correction | None, reviewer: str) -> dict[str, Any]:
        told = super()._shown(replace(item, sums=()), last, reviewer)
        with self._lock:
            keyed = self._keyed.get(item.key, ())
            if len(keyed) >= 2:
                self._third.setdefault(item.key, set()).add(reviewer)
        unseen = {"reasons": [], "detail": "", "value": "", "candidates": [], "sums": []}
        if len(keyed) < 2:
            return told | unseen | {"keyed": "blind"}
        answers = sorted({one.said for one in keyed})  # in an order that does not tell who gave which
        candidates = [{"value": told["value"], "verdict": Verdict.ACCEPTED, "words": "as read"}]
        candidates += [{"value": value, "verdict": verdict, "words": "keyed"} for value, verdict in answers]
        why = DIFFERENT if len(answers) > 1 else CHANGED
        own = [OWN] if self._people.get(reviewer) in self._who_keyed(item) else []
        return told | unseen | {"reasons": [why, *own], "candidates": candidates, "keyed": "third"}


def items_to_key(batch: Batch, ledger: LedgerView, patterns: Sequence[str]) -> Iterator[Item]:
    """The fields whose names fit one of the patterns, whatever their verdict, in the batch's order.

    Those of pages that could not be laid on their form have no place on them, and are left out.
    """
    for record in batch.records(ledger):
        if is_unread(record):
            continue
        for reading in record.fields:
            if any(fnmatchcase(reading.name, _plain(pattern)) for pattern in patterns):
                kept = replace(reading, characters=(), crop_png=b"")
                yield Item(record.ref.source, record.ref.index, kept, (), 0.0)


def _plain(pattern: str) -> str:
    """With `*` alone as a wildcard, as in templates' rules."""
    return re.sub(r"[\[?]", r"[\g<0>]", pattern)
