"""What the report counts, page by page: memory grows with the templates' fields, not with the pages.

In:  what came of each page, in page order: as it stands now, and as it was read.
Out: a `Tally`.
Confidences are those of reading, also where a person has given the value since: what the program knew by itself is
what the report tells, and beside it what people have done.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

from docproc.export.legend import in_words
from docproc.export.rows import is_unread
from docproc.page import Unreadable
from docproc.reading import FieldReading, Reason, Record, Verdict
from docproc.report.reasons import PEOPLE, kind_of
from docproc.report.worst import Worst

EDGES = (0.5, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)
"""Confidences between two bars of the histogram: most fields are nearly sure, and the others are what matters."""
MOST_NAMED = 20  #: Pages that failed, or lack something, by name; the tables have all.


@dataclass(slots=True)
class FieldCounts:
    """Of all fields of one name, or all fields of a form."""

    fields: int = 0
    straight: int = 0  #: Accepted, and nobody has looked.
    people: int = 0  #: A person has looked.
    review: int = 0
    rejected: int = 0  #: Nothing usable was read, and nobody has looked.
    read: int = 0  #: On pages of which anything was read.
    sureness: float = 0.0  #: The sum of their confidences.

    @property
    def confidence(self) -> float | None:
        """The mean, 0 to 1; None where nothing was read."""
        return self.sureness / self.read if self.read else None

    @property
    def looked_at(self) -> int:
        """Those that did not go straight through."""
        return self.fields - self.straight


@dataclass(slots=True)
class FormCounts(FieldCounts):
    """Of the pages of one form."""

    pages: int = 0
    pages_straight: int = 0  #: Nobody needs to look, or has looked, at anything on them.


@dataclass(slots=True)
class DefectCounts:
    """Of pictures with one kind of defect."""

    pages: int = 0
    value: float = -math.inf  #: Of the worst; dark paper counts below zero, so that more is always worse.
    measure: str = ""
    source: str = ""  #: The page that is the worst,
    page: int = 0  #: from 1.


@dataclass(slots=True)
class Tally:
    """See the module."""

    review_below: float | None = None  #: The threshold in force.
    all: FormCounts = field(default_factory=FormCounts)
    forms: dict[tuple[str, str], FormCounts] = field(default_factory=dict)  #: By the template's name and digest.
    fields: dict[tuple[str, str], FieldCounts] = field(
        default_factory=dict
    )  #: By the template's name and the field's.
    field_reasons: Counter[str] = field(default_factory=Counter)
    page_reasons: Counter[str] = field(default_factory=Counter)
    defects: dict[str, DefectCounts] = field(default_factory=dict)
    papers: list[tuple[str, int, str]] = field(default_factory=list)  #: The first pages with such reasons: in words.
    failures: list[Unreadable] = field(default_factory=list)  #: The first `MOST_NAMED`.
    models: dict[str, None] = field(default_factory=dict)  #: Digests, in the order of the pages.
    wrong: float = 0.0  #: That many of the fields that went straight through are to be expected wrong,
    variance: float = 0.0  #: give or take: the variance of their number.
    worst: Worst = field(default_factory=Worst)
    edges: tuple[float, ...] = ()
    bars: list[list[int]] = field(default_factory=list)  #: Fields between two edges: straight through, the others.

    def __post_init__(self) -> None:
        threshold = () if self.review_below is None or not 0 < self.review_below < 1 else (self.review_below,)
        self.edges = tuple(sorted({*EDGES, *threshold}))
        self.bars = [[0, 0] for _ in range(len(self.edges) + 1)]

    def add_failure(self, failure: Unreadable) -> None:
        """One page, or file, that could not be read."""
        if len(self.failures) < MOST_NAMED:
            self.failures.append(failure)

    def add(self, record: Record, read: Record) -> None:
        """One page: as it stands, and as it was read."""
        form = self.forms.setdefault((record.template, record.template_digest), FormCounts())
        unread = is_unread(read)
        straight = record.verdict is Verdict.ACCEPTED and not PEOPLE.intersection(record.reasons)
        for now, then in zip(record.fields, read.fields, strict=True):
            # A page that does not lie on its form says nothing of the form's fields.
            own = FieldCounts() if unread else self.fields.setdefault((record.template, now.name), FieldCounts())
            straight = self._add_field(now, then, (self.all, form, own), unread) and straight
        for counts in (self.all, form):
            counts.pages += 1
            counts.pages_straight += straight
        self.models.setdefault(record.model_digest)
        reasons = _reasons(record, read)
        if reasons:
            self._add_page_reasons(record, reasons)
        if not straight:
            self.worst.add(record, read, is_unread=unread)

    def _add_field(
        self, now: FieldReading, then: FieldReading, counted_in: tuple[FieldCounts, ...], unread: bool
    ) -> bool:
        """Whether it went straight through."""
        people = not PEOPLE.isdisjoint(now.reasons)
        straight = now.verdict is Verdict.ACCEPTED and not people
        for counts in counted_in:
            counts.fields += 1
            counts.straight += straight
            counts.people += people
            if not (straight or people):
                counts.review += now.verdict is Verdict.REVIEW
                counts.rejected += now.verdict is Verdict.REJECTED
            if not unread:
                counts.read += 1
                counts.sureness += then.confidence
        if unread:
            return straight
        self.bars[bisect_right(self.edges, then.confidence)][0 if straight else 1] += 1
        if straight:
            self.wrong += 1 - then.confidence
            self.variance += then.confidence * (1 - then.confidence)
        if now.reasons or then.reasons:
            self.field_reasons.update({kind_of(reason) for reason in _reasons(now, then)})
        return straight

    def _add_page_reasons(self, record: Record, reasons: dict[str, None]) -> None:
        self.page_reasons.update({kind_of(reason) for reason in reasons})
        place = record.ref.source, record.ref.index + 1
        for reason in reasons:
            name, _, detail = reason.partition(":")
            if name in (Reason.MISSING_PAGE, Reason.FOREIGN_PAGE, Reason.DOUBLE):
                if len(self.papers) < MOST_NAMED:
                    self.papers.append((*place, in_words(reason)))
            elif name == Reason.DEFECT:
                self._add_defect(*detail.partition("=")[::2], *place)

    def _add_defect(self, kind: str, measure: str, source: str, page: int) -> None:
        counts = self.defects.setdefault(kind, DefectCounts())
        counts.pages += 1
        value = _number(measure) * (-1 if measure.endswith("of 255") else 1)
        if value > counts.value:
            counts.value, counts.measure, counts.source, counts.page = value, measure, source, page


def _reasons(now: Record | FieldReading, then: Record | FieldReading) -> dict[str, None]:
    """All that was noticed, also before a person has looked."""
    if not (now.reasons or then.reasons):
        return {}
    return {reason: None for reason in (*then.reasons, *now.reasons) if reason not in PEOPLE}


def _number(measure: str) -> float:
    """Of `0.31 mm`."""
    try:
        return float(measure.partition(" ")[0])
    except ValueError:
        return 0.0
