"""Numbers as the report says them: none is rounded to a certainty that it has not."""

from __future__ import annotations

import math
from datetime import datetime


def percent(part: float, whole: float) -> str:
    """A share; only all of it is 100 %, and only nothing 0 %.

    >>> percent(747, 770), percent(769_999, 770_000), percent(1, 770_000), percent(0, 0)
    ('97.0 %', 'over 99.9 %', 'under 0.1 %', '–')
    """
    if not whole:
        return "–"
    if part in (0, whole):
        return f"{100 * part / whole:.0f} %"
    told = f"{100 * part / whole:.1f} %"
    return {"100.0 %": "over 99.9 %", "0.0 %": "under 0.1 %"}.get(told, told)


def sure(confidence: float | None) -> str:
    """A confidence, cut: what is nearly sure is not shown as certain, nor what is below a threshold as at it."""
    return "–" if confidence is None else f"{math.floor(1000 * confidence) / 10:.1f} %"


def limit(confidence: float) -> str:
    """A confidence that is a limit, in full.

    >>> limit(0.9999), limit(0.98)
    ('99.99', '98')
    """
    return f"{100 * confidence:.6g}"


def about(number: float) -> str:
    """An expected number of things.

    >>> about(0.0004), about(0.04), about(1.44), about(5.0), about(2345.6)
    ('under 0.01', '0.04', '1.4', '5', '2,346')
    """
    if 0 < number < 0.01:
        return "under 0.01"
    return (
        f"{number:.1g}" if number < 0.1 else f"{number:.1f}".removesuffix(".0") if number < 10 else f"{number:,.0f}"
    )


def duration(seconds: float) -> str:
    """As people say it.

    >>> duration(12.7), duration(115), duration(12_000), duration(0.3)
    ('13 seconds', '2 minutes', '3 h 20 min', '1 second')
    """
    whole = max(round(seconds), 1)
    if whole < 100:
        return f"{whole} second{'s' * (whole != 1)}"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60:02} min"


def moment(iso: str) -> str:
    """A time of the ledger, to the minute.

    >>> moment("2026-11-26T05:03:51.906+00:00")
    '26 November 2026, 05:03 UTC'
    """
    return f"{datetime.fromisoformat(iso):%-d %B %Y, %H:%M} UTC"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 page`, `2 pages`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def seconds_between(earlier: str, later: str) -> float:
    """Of two times of the ledger."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
