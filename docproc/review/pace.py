"""How long the rest of a review is going to take.

In:  when each person settled a field, in seconds.
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

    def settled(self, person: str, now: float) -> None:
        """The person has settled a field."""
        took = now - self._last.get(person, -PAUSE_S)
        if took < PAUSE_S:
            self._took.append(took)
        self._last[person] = now

    def seconds_left(self, fields: int, people: int) -> float | None:
        """For so many fields and people; None while too little is known."""
        if len(self._took) < FEWEST:
            return None
        return fields * median(self._took) / max(people, 1)
