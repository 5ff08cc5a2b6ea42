"""What people have done in the review, and how long they take.

In:  the last word on each field, and on pages as a whole.
Out: how many each has said, and the seconds that a field takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

from docproc.reading import Correction, Verdict

FEWEST = 5  #: Fields after which a pace is told.
PAUSE_S = 60.0  #: Who takes longer over a field has gone for coffee.


@dataclass(slots=True)
class Reviewer:
    """What one person has said of fields and pages, as far as it stands."""

    who: str
    corrected: int = 0  #: Another value.
    confirmed: int = 0  #: What was read.
    unreadable: int = 0

    @property
    def said(self) -> int:
        """All of it."""
        return self.corrected + self.confirmed + self.unreadable


def reviewers_of(words: Iterable[Correction]) -> list[Reviewer]:
    """Those who have said most first."""
    found: dict[str, Reviewer] = {}
    for word in words:
        if word.verdict is Verdict.REVIEW:
            continue
        reviewer = found.setdefault(word.who, Reviewer(word.who))
        if word.verdict is Verdict.REJECTED:
            reviewer.unreadable += 1
        elif word.old == word.new:
            reviewer.confirmed += 1
        else:
            reviewer.corrected += 1
    return sorted(found.values(), key=lambda one: (-one.said, one.who))


def seconds_a_field(words: Iterable[Correction]) -> float | None:
    """The median of the time between two words of the same person; None where that is known too little."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for word in words:
        times[word.who].append(datetime.fromisoformat(word.at))
    took = [(b - a).total_seconds() for own in times.values() for a, b in pairwise(sorted(own))]
    took = [seconds for seconds in took if seconds < PAUSE_S]
    return median(took) if len(took) >= FEWEST else None
