"""Which field is looked at next, and by whom.

In:  the pages of a batch as they stand.
Out: items in the order of the harm that is to be expected where nobody looks; each is lent to one reviewer at a time.
Nothing here knows of a clock, a file or a browser: times are given, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from docproc.decision import INFORMATIVE
from docproc.export.rows import is_looked_at_whole, is_unread, page_reasons, to_look_at
from docproc.ledger import WHOLE_PAGE
from docproc.reading import FieldReading, Reason, Record
from docproc.review.sums import Sum

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

    @property
    def key(self) -> Key:
        """What it is called by."""
        return self.source, self.index, WHOLE_PAGE if self.reading is None else self.reading.name


def items_of(record: Record, unique: Collection[str] = ()) -> Iterator[Item]:
    """What there is to look at on a page.

    Parameters
    ----------
    record : Record
        As it stands.
    unique : collection of str
        Names of the fields by which the page is told from all others: where one of them is wrong, the whole page is
        filed under a wrong number.
    """
    source, index = record.ref.source, record.ref.index
    fields = max(len(record.fields), 1)
    if is_looked_at_whole(record):
        chance = 1.0 if is_unread(record) else EVEN_ODDS
        reasons = tuple(filter(None, page_reasons(record).split(";")))
        yield Item(source, index, None, reasons, chance * fields, record.detail)
    if is_unread(record):
        return
    for reading in to_look_at(record):
        weight = fields if reading.name in unique else 1
        kept = replace(reading, characters=(), crop_png=b"")
        yield Item(source, index, kept, reading.reasons, chance_wrong(reading) * weight)


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
        self._items |= self._open
        self._lent = {who: {key: None for key in keys if key in self._open} for who, keys in self._lent.items()}

    def add(self, item: Item) -> None:
        """Have this one to look at, too."""
        self._before.setdefault(item.key, self._open.get(item.key))
        self.renew([*(one for one in self._open.values() if one.key != item.key), item])

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
        for key in self._open:
            if len(own) >= count:
                break
            if key not in lent and may_have(self._open[key]):
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
