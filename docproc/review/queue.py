"""Which field is looked at next, and by whom.

In:  the pages of a batch as they stand.
Out: items in the order of the harm that is to be expected where nobody looks; each is lent to one reviewer at a time.
Nothing here knows of a clock, a file or a browser: times are given, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from docproc.correction import counted_too
from docproc.decision import INFORMATIVE
from docproc.export.rows import is_looked_at_whole, is_unread, is_unseen_copy, page_reasons, to_look_at
from docproc.ledger import WHOLE_PAGE
from docproc.reading import FieldReading, Reason, Record, Verdict
from docproc.review.sums import Sum
from docproc.template import Template

LEASE_S = 120.0  #: Who is not heard of for so long has gone: others get the fields that were lent.
EVEN_ODDS = 0.5  #: Of a value against which something speaks that no confidence knows of: a rule, another page.

Key = tuple[str, int, str]
"""Source, index of the page, name of the field; `WHOLE_PAGE` for the page."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at: a field, or a page as a whole."""

    source: str
    index: int  #: Of the page, from 0.
    reading: FieldReading | None  #: Without picture and characters; None for a page as a whole.
    reasons: tuple[str, ...]
    harm: float  #: The chance that it is wrong, times the number of fields that are wrong with it.
    detail: str = ""  #: A sentence about what is wrong with the page as a whole.
    is_blind: bool = False  #: It may have been drawn for an audit: what is expected of it is not told.
    sums: tuple[Sum, ...] = ()  #: The rules that the field stands in.
    forms: tuple[Template, ...] = ()  #: Of a page of which nothing was read: those whose values can be typed.
    whole: Item | None = None  #: Of a value that is typed, since nothing was read: the page that it is on.

    doubtful: tuple[Item, ...] | None = None  #: Of a copy: what is to be looked at on it where it counts, too.

    @property
    def key(self) -> Key:
        """What it is called by."""
        return self.source, self.index, WHOLE_PAGE if self.reading is None else self.reading.name


def items_of(record: Record, unique: Collection[str] = (), forms: tuple[Template, ...] = ()) -> Iterator[Item]:
    """What there is to look at on a page.

    Parameters
    ----------
    record : Record
        As it stands.
    unique : collection of str
        Names of the fields by which the page is told from all others: where one of them is wrong, the whole page is
        filed under a wrong number.
    forms : tuple of Template
        Those that the page may be, if nothing was read on it.
    """
    source, index = record.ref.source, record.ref.index
    fields = max(len(record.fields), 1)
    if is_unseen_copy(record):
        yield replace(_whole(record, ()), doubtful=tuple(items_of(counted_too(record), unique)))
        return
    if is_looked_at_whole(record):
        yield _whole(record, forms if is_unread(record) else ())
    if is_unread(record):
        return
    if Reason.CORRECTED in record.reasons:
        not_by_people = tuple(why for why in record.reasons if why not in (Reason.CORRECTED, Reason.UNREADABLE))
        whole = _whole(replace(record, verdict=Verdict.REVIEW, reasons=not_by_people), forms)
        left = {reading.name for reading in to_look_at(record)}
        yield from (item for item in values_of(whole, record.fields) if item.key[2] in left)
        return
    for reading in to_look_at(record):
        weight = fields if reading.name in unique else 1
        kept = replace(reading, characters=(), crop_png=b"")
        yield Item(source, index, kept, reading.reasons, chance_wrong(reading) * weight)


def _whole(record: Record, forms: tuple[Template, ...]) -> Item:
    chance = 1.0 if is_unread(record) else EVEN_ODDS
    reasons = tuple(filter(None, page_reasons(record).split(";")))
    harm = chance * max(len(record.fields), 1)
    return Item(record.ref.source, record.ref.index, None, reasons, harm, record.detail, forms=forms)


def values_of(whole: Item, fields: Sequence[FieldReading]) -> Iterator[Item]:
    """All that is to be typed of a page of which nothing was read; each is as heavy as the page."""
    for number, reading in enumerate(fields, start=1):
        reasons = reading.reasons if is_given(reading) else ()
        detail = f"Value {number} of {len(fields)}."
        yield Item(whole.source, whole.index, reading, reasons, whole.harm, detail, whole=whole)


def is_given(reading: FieldReading) -> bool:
    """Whether there is a value at all: it was read, or a person has typed it."""
    return reading.was_read or Reason.CORRECTED in reading.reasons


def chance_wrong(reading: FieldReading) -> float:
    """Of the value, 0 to 1."""
    told_by_confidence = {*INFORMATIVE, Reason.LOW_CONFIDENCE, Reason.READERS_DISAGREE}
    doubted = any(reason not in told_by_confidence for reason in reading.reasons)
    return max(1 - reading.confidence, EVEN_ODDS if doubted else 0)


class Queue:
    """All that is to be looked at, and who has it: a reviewer is a window of a browser."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items: dict[Key, Item] = {}  # settled ones, too: they can be taken back
        self._open: dict[Key, Item] = {}  # in order
        self._lent: dict[str, dict[Key, None]] = {}  # by reviewer, in order
        self._heard: dict[str, float] = {}
        self._person: dict[str, str] = {}
        self._left: set[str] = set()
        self._before: dict[Key, Item | None] = {}  # of those that were added, as they were to be looked at till then
        self.renew(items)

    @property
    def left(self) -> int:
        """How many are not settled."""
        return len(self._open)

    def renew(self, items: Iterable[Item]) -> None:
        """Have these to look at, and no others; who has one of them keeps it."""
        ordered = sorted(items, key=lambda item: -item.harm)  # stable: equal ones stay in the batch's order
        self._open = {item.key: item for item in ordered}
        self._items |= {item.whole.key: item.whole for item in ordered if item.whole is not None} | self._open
        self._lent = {who: {key: None for key in keys if key in self._open} for who, keys in self._lent.items()}

    def add(self, item: Item) -> None:
        """Have this one to look at, too."""
        self._before.setdefault(item.key, self._open.get(item.key))
        self.renew([*(one for one in self._open.values() if one.key != item.key), item])

    def add_all(self, items: Iterable[Item]) -> None:
        """Have these to look at, too."""
        self.renew([*self._open.values(), *items])

    def withdraw(self, key: Key) -> None:
        """Have it to look at as before it was added, or not at all."""
        before = self._before.pop(key, None)
        self._open.pop(key, None)
        self.renew([*self._open.values(), *([before] if before else [])])

    def item(self, key: Key) -> Item | None:
        """The item of that name, settled or not."""
        return self._items.get(key)

    def people(self, now: float) -> set[str]:
        """Those who have been heard of lately; one may review in several windows."""
        return {self._person[who] for who, heard in self._heard.items() if now - heard < LEASE_S}

    def take(
        self,
        reviewer: str,
        count: int,
        now: float,
        may_have: Callable[[Item], bool] = lambda item: True,
        *,
        person: str = "",
    ) -> list[Item]:
        """What the reviewer has, filled up to `count` with what nobody has, as far as `may_have` allows."""
        self._forget_the_gone(now)
        if reviewer in self._left:  # what was sent last may be answered last
            return []
        self._heard[reviewer] = now
        self._person[reviewer] = person or reviewer
        own = {key: None for key in self._lent.get(reviewer, {}) if may_have(self._open[key])}
        self._lent[reviewer] = own
        lent = {key for keys in self._lent.values() for key in keys}
        typed = {key[:2] for key in lent - own.keys() if self._open[key].whole is not None}  # pages, by others
        for key, item in self._open.items():
            if len(own) >= count:
                break
            if key not in lent and not (item.whole and key[:2] in typed) and may_have(item):
                own[key] = None
        return [self._open[key] for key in own]

    def settle(self, key: Key) -> None:
        """Somebody has looked."""
        self._open.pop(key, None)
        self.release(key)

    def release(self, key: Key) -> None:
        """Nobody has it any more."""
        for keys in self._lent.values():
            keys.pop(key, None)

    def reopen(self, key: Key, reviewer: str, now: float) -> None:
        """It is to be looked at after all, first of all by this reviewer."""
        self.settle(key)
        self._open[key] = self._items[key]
        self._heard[reviewer] = now
        self._person.setdefault(reviewer, reviewer)
        self._lent[reviewer] = {key: None, **self._lent.get(reviewer, {})}

    def unfold(self, values: Iterable[Item], reviewer: str, now: float) -> None:
        """These are asked in place of their page, of this reviewer and before all else that he has."""
        first = {item.key: item for item in values}
        for key in first:
            self.settle(key)
        self._open = first | self._open
        self._items |= first
        self._heard[reviewer] = now
        self._lent[reviewer] = {}

    def fold(self, page: Key) -> None:
        """The values of a page are not asked any more."""
        for key in [key for key, item in self._open.items() if item.whole is not None and key[:2] == page[:2]]:
            self.settle(key)

    def leave(self, reviewer: str) -> None:
        """The reviewer goes for good: others get what was lent."""
        self._left.add(reviewer)
        self._forget(reviewer)

    def _forget_the_gone(self, now: float) -> None:
        for reviewer in [who for who, heard in self._heard.items() if now - heard >= LEASE_S]:
            self._forget(reviewer)

    def _forget(self, reviewer: str) -> None:
        self._lent.pop(reviewer, None)
        self._person.pop(reviewer, None)
        self._heard.pop(reviewer, None)
