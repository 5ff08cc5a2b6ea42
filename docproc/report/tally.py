"""What the report counts, page by page: memory grows with the templates' fields, not with the pages.

In:  what came of each page, in page order: as it stands now, and as it was read.
Out: a `Tally`.
Confidences are those of reading, also where a person has given the value since: what the program knew by itself is
what the report tells, and beside it what people have done.
A field that was accepted and that people have looked at all the same, since an audit drew it or since all fields of
its name are keyed twice, went straight through: nobody had a doubt.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from docproc.export.legend import in_words
from docproc.export.rows import is_looked_at_whole, is_unread, to_look_at
from docproc.page import Unreadable
from docproc.reading import FieldReading, Reason, Record, Verdict, overruled
from docproc.report.reasons import PEOPLE, kind_of
from docproc.report.worst import Doubted, Worst

EDGES = (0.5, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)
"""Confidences between two bars of the histogram: most fields are nearly sure, and the others are what matters."""
MOST_NAMED = 20  #: Pages that failed, or lack something, by name; the tables have all.


@dataclass(slots=True)
class FieldCounts:
    """Of all fields of one name, or all fields of a form."""

    fields: int = 0
    straight: int = 0  #: Accepted by the program, and sent to nobody for a doubt.
    unseen: int = 0  #: Of these, those that nobody has looked at.
    people: int = 0  #: A person has looked.
    review: int = 0
    rejected: int = 0  #: Nothing usable was read, or a person cannot read it.
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
    pages_settled: int = 0  #: Nothing on them is left to look at.


@dataclass(slots=True)
class DefectCounts:
    """Of pictures with one kind of defect."""

    pages: int = 0
    value: float = -math.inf  #: Of the worst; dark paper counts below zero, so that more is always worse.
    measure: str = ""
    source: str = ""  #: The page that is the worst,
    page: int = 0  #: from 1.


@dataclass(frozen=True, slots=True)
class Overruled:
    """A field whose value stands against a rule, since a person says so."""

    source: str
    page: int  #: From 1.
    reading: FieldReading
    rules: str  #: Those that it breaks, in words.


@dataclass(slots=True)
class Tally:
    """See the module."""

    review_below: float | None = None  #: The threshold in force.
    asked: Collection[tuple[str, int, str]] = ()  #: Fields that people were asked for whatever was read in them.
    odds_ratio: float = 1.0  #: Of errors, to what confidences say: see docproc.target.
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
    found_wrong: int = 0  #: Fields that went straight through, and people found wrong.
    unreadable: list[tuple[str, int, str]] = field(default_factory=list)  #: The first that people cannot read.
    overruled: list[Overruled] = field(default_factory=list)  #: The first `MOST_NAMED`,
    overruled_in_all: int = 0  #: of so many.
    wrong: float = 0.0  #: That many of the fields that nobody has looked at are to be expected wrong,
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
        unread = is_unread(read) or Reason.CORRECTED in read.reasons
        place = record.ref.source, record.ref.index
        doubted = []
        for now, then in zip(record.fields, read.fields, strict=True):
            # A page that does not lie on its form says nothing of the form's fields.
            own = FieldCounts() if unread else self.fields.setdefault((record.template, now.name), FieldCounts())
            asked = bool(self.asked) and (*place, now.name) in self.asked
            if not self._add_field(now, then, (self.all, form, own), unread=unread, asked=asked):
                doubted.append(Doubted(now, then))
        for counts in (self.all, form):
            counts.pages += 1
            counts.pages_settled += not is_looked_at_whole(record) and not any(to_look_at(record))
        self.models.setdefault(record.model_digest)
        reasons = _reasons(record, read)
        if reasons:
            self._add_page_reasons(record, reasons)
        if doubted or unread:
            self.worst.add(record, doubted, is_unread=unread)
        self._add_unreadable(record)
        self._add_overruled(record)

    def _add_field(
        self,
        now: FieldReading,
        then: FieldReading,
        counted_in: tuple[FieldCounts, ...],
        *,
        unread: bool,
        asked: bool,
    ) -> bool:
        """Whether it went straight through."""
        people = not PEOPLE.isdisjoint(now.reasons)
        straight = then.verdict is Verdict.ACCEPTED and asked if people else now.verdict is Verdict.ACCEPTED
        unseen = straight and not people
        for counts in counted_in:
            counts.fields += 1
            counts.straight += straight
            counts.unseen += unseen
            counts.people += people
            counts.review += now.verdict is Verdict.REVIEW
            counts.rejected += now.verdict is Verdict.REJECTED
            if not unread:
                counts.read += 1
                counts.sureness += then.confidence
        if unread:
            return straight
        self.bars[bisect_right(self.edges, then.confidence)][0 if straight else 1] += 1
        if unseen:
            odds = self.odds_ratio * (1 - then.confidence)
            wrong = odds / (then.confidence + odds)
            self.wrong += wrong
            self.variance += wrong * (1 - wrong)
        elif straight:
            self.found_wrong += Reason.CONFIRMED not in now.reasons
        if now.reasons or then.reasons:
            self.field_reasons.update({kind_of(reason) for reason in _reasons(now, then)})
        return straight

    def _add_unreadable(self, record: Record) -> None:
        """What people cannot read, by name: a page as a whole, or its fields."""
        names = [one.name for one in record.fields if Reason.UNREADABLE in one.reasons]
        if record.verdict is Verdict.REJECTED and Reason.UNREADABLE in record.reasons:
            names = ["the whole page"]
        place = record.ref.source, record.ref.index + 1
        self.unreadable += [(*place, name) for name in names[: MOST_NAMED - len(self.unreadable)]]

    def _add_overruled(self, record: Record) -> None:
        for one in record.fields:
            rules = overruled(one.verdict, one.reasons)
            self.overruled_in_all += bool(rules)
            if rules and len(self.overruled) < MOST_NAMED:
                words = " ".join(map(in_words, rules))
                self.overruled.append(Overruled(record.ref.source, record.ref.index + 1, one, words))

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
