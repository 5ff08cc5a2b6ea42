"""How sure one may be of the accepted fields that nobody has looked at: what a random sample of them shows.

In:  the ledger of a batch in which an audit was drawn (see docproc.sampling) and reviewed.
Out: a statement that can be signed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from docproc.bound import CONFIDENCE, upper_bound
from docproc.correction import standing
from docproc.ledger import Audit, LedgerView, people_of, person
from docproc.rounding import percent_up
from docproc.target import InForce, in_force, is_wrong


@dataclass(frozen=True, slots=True)
class AuditStatement:
    """What the last audit of a batch shows."""

    number: int  #: Of the audit, from 1.
    drawn_at: str  #: UTC, ISO 8601.
    seed: int
    accepted: int  #: Fields that were accepted unseen: those that it was drawn of.
    drawn: int
    looked_at: int  #: Of those drawn: by people.
    wrong: int  #: Of those looked at; such as nobody could read count, too.
    lost: int  #: Of those drawn and not looked at: their pages are in the batch no more. They count as wrong.
    people: int  #: Who looked.
    first_at: str  #: When the first was looked at, UTC, ISO 8601; "" before.
    last_at: str
    confidence: float  #: Of the bound, 0 to 1.
    bound: float | None  #: Share of wrong ones among all accepted, at most; None till all are looked at.
    pages_since: int  #: Pages that were read after it was drawn: nothing is said of their fields.
    looser: bool  #: Fields were accepted by a lower threshold after it was drawn: nothing is said of these.
    wrong_before: tuple[tuple[int, int], ...]  #: Of each audit before it: looked at, and wrong.

    @property
    def left(self) -> int:
        """How many are still to be looked at."""
        return self.drawn - self.looked_at - self.lost

    @property
    def still_wrong(self) -> int | None:
        """How many of the accepted are wrong, at most, now that those found are corrected; as `bound`."""
        if self.bound is None:
            return None
        return max(math.floor(self.bound * self.accepted) - self.wrong, 0)

    @property
    def sentence(self) -> str:
        """The statement, to be signed; before all are looked at, what is left to do."""
        if self.bound is None:
            drawn = "all were drawn" if self.drawn == self.accepted else f"{self.drawn:,} were drawn at random"
            return (
                f"Of {_many(self.accepted, 'field')} that were accepted unseen, {drawn} "
                f"on {day_of(self.drawn_at)}; {self.left:,} of them are still to be looked at, and till then nothing "
                f"can be said.{f' So far {self.wrong:,} of {self.looked_at:,} were wrong.' if self.looked_at else ''}"
            )
        by = f"{self.people:,} {'person' if self.people == 1 else 'people'}"
        when = f"on {day_of(self.first_at)}" if day_of(self.first_at) == day_of(self.last_at) else ""
        when = when or f"between {day_of(self.first_at)} and {day_of(self.last_at)}"
        is_all = self.drawn == self.accepted
        drawn = "all" if is_all else f"{self.drawn:,} drawn at random"
        were = "was" if self.drawn == 1 else "were"
        wrong = self.wrong + self.lost
        parts = [
            f"Of {_many(self.accepted, 'field')} that were accepted unseen, {drawn} {were} looked at by {by} {when}; "
            f"{wrong:,} {'was' if wrong == 1 else 'were'} wrong."
        ]
        if self.lost:
            parts.append(f"Of these, {self.lost:,} could not be looked at any more, and count as wrong.")
        if not is_all:
            parts.append(
                f"With {100 * self.confidence:g} % confidence at most {percent_up(self.bound)} of the accepted "
                "fields are wrong."
            )
        if self.wrong:
            rest = "" if is_all else f": at most {self.still_wrong:,} of the {self.accepted:,} still are"
            parts.append(f"What was found wrong is corrected{rest}.")
        parts += self._limits()
        return " ".join(parts)

    def _limits(self) -> Iterator[str]:
        """What the statement does not cover, and what else is to be known."""
        if self.pages_since:
            was = "was" if self.pages_since == 1 else "were"
            yield f"{_many(self.pages_since, 'page')} {was} read later: this says nothing of their fields."
        if self.looser:
            yield "Less sure fields have been accepted since: this says nothing of them."
        if self.wrong_before:
            told = ", ".join(f"{wrong:,} of {seen:,}" for seen, wrong in self.wrong_before)
            yield f"It is audit {self.number} of this batch; wrong in those before: {told}."

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {**asdict(self), "left": self.left, "still_wrong": self.still_wrong, "sentence": self.sentence}


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"


def day_of(at: str) -> str:
    """The day of a time in ISO 8601."""
    return at.partition("T")[0]


def statement(ledger: LedgerView, *, target: InForce | None = None) -> AuditStatement | None:
    """What the last audit shows; None where none was drawn.

    `target` is what `in_force` says of the ledger, where that is known already.
    """
    audits = ledger.audits()
    if not audits:
        return None
    *earlier, audit = audits
    found = _found(ledger, audit)
    looked_at, lost = len(found.at), found.lost
    is_done = looked_at + lost == found.drawn
    target = None if audit.review_below is None else target or in_force(ledger)
    return AuditStatement(
        number=audit.number,
        drawn_at=audit.drawn_at,
        seed=audit.seed,
        accepted=audit.accepted,
        drawn=found.drawn,
        looked_at=looked_at,
        wrong=found.wrong,
        lost=lost,
        people=len(found.who),
        first_at=min(found.at, default=""),
        last_at=max(found.at, default=""),
        confidence=CONFIDENCE,
        bound=_bound(audit, found) if is_done else None,
        pages_since=ledger.pages_read_since(audit.last_reading),
        looser=target is not None and target.least_accepted < (audit.review_below or 0.0),
        wrong_before=tuple((len(one.at), one.wrong) for one in (_found(ledger, other) for other in earlier)),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What people said of a sample."""

    drawn: int
    wrong: int
    lost: int
    who: frozenset[str]
    at: tuple[str, ...]


def _found(ledger: LedgerView, audit: Audit) -> _Found:
    said = {(*place, name): one for place, of in ledger.corrections().items() for name, one in standing(of).items()}
    fields = ledger.audited(audit.number)
    words = [(one, said[key]) for key, one in fields.items() if one.is_there and key in said]
    return _Found(
        drawn=len(fields),
        wrong=sum(is_wrong(one.value, word) for one, word in words),
        lost=sum(not one.is_there for one in fields.values()),
        who=frozenset(person(one) for _, word in words for one in people_of(word.who)),
        at=tuple(word.at for _, word in words),
    )


def _bound(audit: Audit, found: _Found) -> float:
    wrong = found.wrong + found.lost
    return wrong / found.drawn if found.drawn == audit.accepted else upper_bound(wrong, found.drawn)
