"""Chances and shares as people and tables are told them: cut so that none looks better than it is.

In:  numbers from 0 to 1.
Out: text. The pages' scripts cut likewise what they are sent.
"""

from __future__ import annotations

import math

SLACK = 1e-6  #: Of the last place: what arithmetic loses of a decimal number must not cost it a digit.


def chance(confidence: float, *, places: int = 6) -> str:
    """The chance that something is right, rounded down: only certainty itself is shown as 1.

    Six places of a field's: among the surest, where a threshold is sought, four leave ties.

    >>> chance(0.98), chance(0.9799999), chance(0.29, places=2), chance(0.9999999), chance(1.0)
    ('0.980000', '0.979999', '0.29', '0.999999', '1.000000')
    """
    return f"{_floor(confidence, places):.{places}f}"


def sure(confidence: float | None) -> str:
    """The same in percent, which is never 100 %: nothing that was read is certain.

    >>> sure(0.98), sure(0.97999), sure(0.99999), sure(1.0), sure(None)
    ('98.0 %', '97.9 %', '99.9 %', '99.9 %', '–')
    """
    return "–" if confidence is None else f"{100 * min(_floor(confidence, 3), 0.999):.1f} %"


def percent_up(share: float) -> str:
    """A share of wrong ones in percent, two digits that count, rounded up.

    >>> percent_up(0.0049971), percent_up(0.2), percent_up(0.999), percent_up(0.0)
    ('0.50 %', '20 %', '100 %', '0 %')
    """
    if not 0 < share < 1:
        return f"{100 * share:.0f} %"
    places = max(1 - math.floor(math.log10(100 * share)), 0)
    scale = 10**places
    return f"{math.ceil(round(100 * share * scale, 6)) / scale:.{places}f} %"


def _floor(number: float, places: int) -> float:
    scale = 10**places
    return math.floor(number * scale + SLACK) / scale
