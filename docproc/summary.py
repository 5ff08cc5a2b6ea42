"""What a batch came to, in numbers.

In:  its pages as they stand.
Out: a `Summary`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docproc.export.columns import INCOMPLETE
from docproc.export.rows import is_looked_at_whole, is_unread, is_unseen_copy, page_status
from docproc.form.defects import Kind
from docproc.page import Unreadable
from docproc.reading import Reason, Record, Verdict, is_accepted_unseen

Outcome = Record | Unreadable
Drawn = Collection[tuple[str, int, str]]
"""Fields, by the page's source and index, and their names."""

TO_TAKE_AGAIN = tuple(f"{Reason.DEFECT}:{kind}" for kind in (Kind.BLUR, Kind.DARKNESS, Kind.GLARE))
FAILURES_NAMED = 20  #: Failures that a summary carries; errors.csv has all.


@dataclass(frozen=True, slots=True)
class Summary:
    """What a batch came to, or has come to so far."""

    output: Path | str  #: The folder of the results, or their URL.
    pages: int = 0  #: With a record.
    failed: int = 0  #: Pages, and files as a whole, without one: in errors.csv.
    pages_expected: int = 0  #: As far as is known: files count as one page until they are opened.
    pages_to_review: int = 0
    unregistered: int = 0  #: Pages that do not lie on their template, or on none of several.
    pages_unread: int = 0  #: Pages of which nothing was read: to review as a whole, not field by field.
    pages_doubted: int = 0  #: Pages that were read, and are to review as a whole: copies, or for what no field tells.
    papers_incomplete: int = 0  #: Papers of several pages that lack one.
    pages_foreign: int = 0  #: Pages inside a paper that they are no pages of.
    pages_double: int = 0  #: Pages with a number that another one has, where no two may have the same.
    pages_defective: int = 0  #: Pages whose picture is blurred, dark, or glaring.
    accepted: int = 0  #: Fields.
    review: int = 0  #: Fields.
    rejected: int = 0  #: Fields.
    unreadable: int = 0  #: Of the fields rejected, those that a person has looked at.
    seen_empty: int = 0  #: Of the fields rejected, those of pages that a person has seen: of no form, or left out.
    pages_incomplete: int = 0  #: Pages on which nothing is left to look at but that have such fields.
    drawn_left: int = 0  #: Of the fields accepted, those that an audit has drawn and that nobody has looked at.
    fields_unread: int = 0  #: Of the fields to review or rejected, those on pages that are seen as a whole.
    review_below: float | None = None  #: The threshold in force; None where none was named.
    target_error: float | None = None  #: Share of wrong values among the accepted that the user allows.
    expected_error: float | None = None  #: Among the accepted that nobody has seen; None where there is no target.
    error_shown: float | None = None  #: Where there is a target: the least that the models' cards can show.
    odds_ratio: float | None = None  #: Of errors, to what confidences say: see docproc.target.
    read_now: int = 0  #: Pages that this run read, or failed to.
    read_before: int = 0  #: Of `pages`, those that an earlier run has read.
    left_out: int = 0  #: Pages that earlier runs have read, and this one did not find among its inputs: in no table.
    passed_over: tuple[tuple[str, int], ...] = ()  #: Files among the inputs that are not read, by ending: most lead.
    seconds: float = 0.0
    failures: tuple[Unreadable, ...] = field(default=(), repr=False)  #: The first `FAILURES_NAMED` of them.

    def place_of(self, name: str) -> str:
        """Where the table of that name is."""
        return f"{self.output}/{name}" if isinstance(self.output, str) else str(self.output / name)

    @property
    def fields(self) -> int:
        """All fields that have a record."""
        return self.accepted + self.review + self.rejected

    @property
    def fields_to_look_at(self) -> int:
        """Fields that stand one by one in the sheet `review`."""
        return self.review + self.rejected - self.unreadable - self.seen_empty - self.fields_unread

    @property
    def pages_to_look_at(self) -> int:
        """Pages that stand as a whole in the sheet `review`."""
        return self.pages_unread + self.pages_doubted

    @property
    def pages_per_second(self) -> float:
        """Speed of this run, starting included; 0 where no page was read: to refuse a file is no reading."""
        return self.read_now / self.seconds if self.pages and self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "output": str(self.output),
            "pages": self.pages,
            "pages_failed": self.failed,
            "pages_read_before": self.read_before,
            "pages_left_out": self.left_out,
            "files_passed_over": dict(self.passed_over),
            "pages_to_review": self.pages_to_review,
            "pages_unregistered": self.unregistered,
            "pages_defective": self.pages_defective,
            "papers_incomplete": self.papers_incomplete,
            "pages_foreign": self.pages_foreign,
            "pages_double": self.pages_double,
            "pages_incomplete": self.pages_incomplete,
            "fields": self.fields,
            "fields_accepted": self.accepted,
            "fields_to_review": self.review,
            "fields_rejected": self.rejected,
            "review_below": self.review_below,
            "target_error": self.target_error,
            "expected_error": None if self.expected_error is None else round(self.expected_error, 6),
            "seconds": round(self.seconds, 3),
            "pages_per_second": round(self.pages_per_second, 3),
        }


def counted(summary: Summary, outcome: Outcome, drawn: Drawn = ()) -> Summary:
    """The summary with one more page; see `counts_of`."""
    more = {name: getattr(summary, name) + count for name, count in counts_of(outcome, drawn).items()}
    named = (*summary.failures, outcome)[:FAILURES_NAMED] if isinstance(outcome, Unreadable) else summary.failures
    return replace(summary, **more, failures=named)


def counts_of(outcome: Outcome, drawn: Drawn = ()) -> dict[str, int]:
    """What one page adds to a summary; `drawn` are the fields that an audit has drawn."""
    if isinstance(outcome, Unreadable):
        return {"failed": 1}
    verdicts = [reading.verdict for reading in outcome.fields]
    accepted, review = verdicts.count(Verdict.ACCEPTED), verdicts.count(Verdict.REVIEW)
    counts = {"pages": 1, "accepted": accepted, "review": review, "rejected": len(verdicts) - accepted - review}
    if drawn:
        unseen = (
            (outcome.ref.source, outcome.ref.index, one.name) for one in outcome.fields if is_accepted_unseen(one)
        )
        counts["drawn_left"] = sum(field in drawn for field in unseen)
    if outcome.verdict is Verdict.ACCEPTED and not outcome.reasons:
        return counts
    unread = is_unread(outcome) and is_looked_at_whole(outcome)
    unreadable = sum(Reason.UNREADABLE in reading.reasons for reading in outcome.fields)
    without = {Reason.CONFIRMED, Reason.LEFT_OUT}
    told = {
        "pages_to_review": outcome.verdict is Verdict.REVIEW,
        "unregistered": any(why in outcome.reasons for why in (Reason.REGISTRATION, Reason.UNKNOWN_FORM)),
        "pages_unread": unread,
        "pages_doubted": is_looked_at_whole(outcome) and not unread,
        "pages_defective": any(why.startswith(TO_TAKE_AGAIN) for why in outcome.reasons),
        "pages_foreign": Reason.FOREIGN_PAGE in outcome.reasons,
        "pages_double": any(why.startswith(f"{Reason.DOUBLE}:") for why in outcome.reasons),
        "unreadable": unreadable,
        "seen_empty": sum(
            one.verdict is Verdict.REJECTED and not without.isdisjoint(one.reasons) for one in outcome.fields
        ),
        "fields_unread": len(verdicts) - accepted - unreadable if unread or is_unseen_copy(outcome) else 0,
        "pages_incomplete": page_status(outcome) == INCOMPLETE,
    }
    return counts | {name: int(count) for name, count in told.items()}


def summary_told(told: Mapping[str, Any], output: Path | str) -> Summary:
    """The summary in what was told of tables."""
    counts = told["summary"]
    return Summary(output, **{**counts, "failures": tuple(Unreadable(**one) for one in counts["failures"])})
