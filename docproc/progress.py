"""How far the review of a batch is: what is left to look at, what is accepted, who has done what.

In:  a ledger.
Out: a `Progress`, at once: what all pages have to be gone through for was counted when the tables were made last, and
     it says when that was.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from docproc.audit import AuditStatement
from docproc.ledger import LedgerView
from docproc.report.people import Reviewer, reviewers_of
from docproc.summary import summary_told
from docproc.tables import AS_OF
from docproc.target import target_of


@dataclass(frozen=True, slots=True)
class ToLookAt:
    """What the tables left to people when they were made."""

    as_of: str  #: When that was; UTC, ISO 8601.
    fields: int  #: One by one; those that an audit has drawn are among them, and nothing tells them apart.
    pages: int  #: As a whole.
    unreadable: int  #: Fields that people have given up.
    answers_since: int  #: That people have given or taken back.
    pages_since: int  #: That were read.
    review_below: float | None  #: Fields of lower confidence are to be looked at; None where that is unknown.
    expected_error: float | None  #: Share of wrong values among the accepted; None where there is no target.


@dataclass(frozen=True, slots=True)
class Progress:
    """See the module."""

    to_look_at: ToLookAt | None  #: None before tables were made.
    target_error: float | None  #: Share of wrong values among the accepted that the user allows.
    keyed: int  #: Fields that somebody has keyed unseen,
    keyed_twice: int  #: and those of them that two persons have.
    people: tuple[Reviewer, ...]  #: Who has said something that stands, the most diligent first.

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def progress_of(ledger: LedgerView, audit: AuditStatement | None) -> Progress:
    """See the module; `audit` is what the last one shows."""
    told = ledger.told_of_tables()
    words = [word for said in ledger.corrections().values() for word in said.values()]
    left = None if told is None or AS_OF not in told else _to_look_at(ledger, told, audit)
    return Progress(left, target_of(ledger), *ledger.keying_counts(), tuple(reviewers_of(words)))


def _to_look_at(ledger: LedgerView, told: dict[str, Any], audit: AuditStatement | None) -> ToLookAt:
    summary, as_of = summary_told(told, ""), told[AS_OF]
    drawn_left = audit.left if audit is not None and audit.drawn_at > as_of["at"] else summary.drawn_left
    return ToLookAt(
        as_of=as_of["at"],
        fields=summary.fields_to_look_at + drawn_left,
        pages=summary.pages_to_look_at,
        unreadable=summary.unreadable,
        answers_since=ledger.words() - as_of["words"],
        pages_since=ledger.pages_read_since(as_of["reading"]),
        review_below=summary.review_below,
        expected_error=summary.expected_error,
    )
