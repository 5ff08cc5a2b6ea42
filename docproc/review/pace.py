"""How long the rest of a review is going to take.

In:  when each reviewer settled a field, in seconds.
Out: seconds.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from docproc.report.people import FEWEST, PAUSE_S

REMEMBERED = 50  #: Fields: the last ones tell best what the next ones take.


class Pace:
    """The time that a field takes."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=REMEMBERED)
        self._last: dict[str, float] = {}

    def settled(self, reviewer: str, now: float) -> None:
        """The reviewer has settled a field."""
        took = now - self._last.get(reviewer, -PAUSE_S)
        if took < PAUSE_S:
            self._took.append(took)
        self._last[reviewer] = now

    def seconds_left(self, fields: int, reviewers: int) -> float | None:
        """For so many fields and reviewers; None while too little is known."""
        if len(self._took) < FEWEST:
            return None
        return fields * median(self._took) / max(reviewers, 1)
