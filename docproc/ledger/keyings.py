"""What people key without seeing what was read: rows that are added, and never changed.

In:  an open ledger.
Out: who has keyed what in each field, and the correction that two who agree, or a third look, come to.
A keying by itself stands in no table; one of another value than was read sends the field to review. One on a page's
other content, of an earlier scan, does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docproc.ledger.corrections import Corrections, Overtaken
from docproc.ledger.opening import LEDGER_NAME, explained, open_to_correct
from docproc.ledger.rows import now
from docproc.ledger.schema import transaction
from docproc.ledger.view import KEYED_VALUES, KEYINGS_THAT_COUNT, LedgerView
from docproc.reading import Correction, Verdict

TOGETHER = " and "  #: Between two names.

Place = tuple[str, int, str]
"""Source and index of the page, name of the field."""


class NotYours(Exception):  # noqa: N818 - a fact about who asks
    """Who asks may not key, decide or take back that field now."""


@dataclass(frozen=True, slots=True)
class Keying:
    """What one person has keyed."""

    value: str
    verdict: Verdict  #: Accepted; rejected where nobody could read it; to review where it takes an earlier one back.
    who: str
    after: int = 0  #: The number of the field's last correction then; 0: there was none.

    @property
    def person(self) -> str:
        """By whom, however the name is spelled."""
        return person(self.who)

    @property
    def said(self) -> tuple[str, Verdict]:
        """What two who agree have in common."""
        return self.value, self.verdict


def person(who: str) -> str:
    """The name as it counts: neither capitals nor spaces make another person."""
    return " ".join(who.casefold().split())


def people_of(who: str) -> list[str]:
    """Those whose word a correction is: two, where they keyed the same."""
    return who.split(TOGETHER)


def standing_keyings(keyings: Iterable[Keying]) -> tuple[Keying, ...]:
    """The last one of each person, in order, without those that are taken back."""
    found: dict[str, Keying] = {}
    for one in keyings:
        found.pop(one.person, None)
        if one.verdict is not Verdict.REVIEW:
            found[one.person] = one
    return tuple(found.values())


def keyed_in(ledger: LedgerView) -> dict[Place, tuple[Keying, ...]]:
    """As `Keyings.keyed`, for one who only looks."""
    rows: dict[Place, list[Keying]] = {}
    for source, index, field, value, verdict, who, after in ledger.keyings():
        rows.setdefault((source, index, field), []).append(_keying(value, verdict, who, after))
    return {place: standing_keyings(keyings) for place, keyings in rows.items()}


def is_decided(keyed: Sequence[Keying], last: Correction | None) -> bool:
    """Whether a value stands that two have keyed, or that was decided after them."""
    if len(keyed) < 2 or last is None or last.verdict is Verdict.REVIEW:
        return False
    return last.number > max(one.after for one in keyed)


@contextmanager
def open_keyings(folder: Path) -> Iterator[Keyings]:
    """The ledger in `folder` for keying; see `docproc.ledger.opening.open_to_correct`."""
    with open_to_correct(folder) as db:
        yield Keyings(db, folder / LEDGER_NAME)


class Keyings(Corrections):
    """The ledger as those who key use it, from any thread."""

    def keyed(self) -> dict[Place, tuple[Keying, ...]]:
        """What stands in each field that anybody has keyed, at most one a person, the first one first."""
        with self.view() as ledger:
            return keyed_in(ledger)

    def key(self, place: Place, old: str, keying: Keying) -> tuple[tuple[Keying, ...], Correction | None]:
        """Keep what somebody keys; with it, where it is the second and agrees, the correction: `old` is replaced.

        Returns what stands then, and the field's last correction. What the same person has keyed already is not kept
        twice: an answer may have been lost on its way.

        Raises
        ------
        NotYours
            If this person has keyed another value, or two others have keyed the field.
        LedgerError
            If the page is not there any more, or nothing can be written.
        """
        with self._lock, explained(self._path), transaction(self._db):
            page = self._page(*place[:2])
            last, keyed = self._last(page[0], place[2]), self._keyed(page[0], place[2])
            own = next((one for one in keyed if one.person == keying.person), None)
            if own is not None and own.said == keying.said:
                return keyed, last
            if own is not None or len(keyed) >= 2:
                raise NotYours
            self._put(page, place[2], keying, last)
            keyed = self._keyed(page[0], place[2])
            if len(keyed) == 2 and keyed[0].said == keyed[1].said:
                who = TOGETHER.join(one.who for one in keyed)
                last = self._put_correction(page, place[2], Correction(old, *keying.said, who))
            return keyed, last

    def take_back(
        self, place: Place, old: str, read: str, who: str, *, after: int
    ) -> tuple[tuple[Keying, ...], Correction | None]:
        """Take back what somebody has keyed, or decided in a third look, and the correction that came of it.

        Returns what stands then, and the field's last correction.

        Raises
        ------
        NotYours
            If this person has keyed nothing there.
        Overtaken
            If there is a later correction than `after`.
        """
        with self._lock, explained(self._path), transaction(self._db):
            page = self._page(*place[:2])
            last, keyed = self._last(page[0], place[2]), self._keyed(page[0], place[2])
            is_own = person(who) in {one.person for one in keyed}
            differ = len({one.said for one in keyed}) > 1
            was_decided = is_decided(keyed, last)
            if was_decided and last is not None and last.number != after:
                raise Overtaken(last)
            if not is_own and not (was_decided and differ):
                raise NotYours
            if was_decided:
                last = self._put_correction(page, place[2], Correction(old, read, Verdict.REVIEW, who))
            if not (was_decided and differ):
                self._put(page, place[2], Keying("", Verdict.REVIEW, who), last)
            return self._keyed(page[0], place[2]), last

    def _keyed(self, page: int, field: str) -> tuple[Keying, ...]:
        return standing_keyings([_keying(*told) for told in self._db.execute(_OF_FIELD, (page, field))])

    def _put(self, page: tuple[int, int], field: str, keying: Keying, last: Correction | None) -> None:
        self._db.execute(
            "INSERT INTO keyings (page, reading, field, value, verdict, who, after, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*page, field, keying.value, keying.verdict, keying.who, 0 if last is None else last.number, now()),
        )


def _keying(value: str, verdict: str, who: str, after: int) -> Keying:
    return Keying(value, Verdict(verdict), who, after)


_OF_FIELD = (
    f"SELECT {KEYED_VALUES} {KEYINGS_THAT_COUNT} AND keyings.page = ? AND keyings.field = ? ORDER BY keyings.id"
)
