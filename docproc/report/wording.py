"""Numbers as the report says them: none is rounded to a certainty that it has not."""

from __future__ import annotations

from datetime import datetime

from docproc.rounding import percent_up

SMALLEST_CHANGE = 0.05  #: Of the odds of an error, to be told.


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


def second(iso: str) -> str:
    """A time of the ledger, to the second.

    >>> second("2026-11-26T05:03:51.906+00:00")
    '2026-11-26 05:03:51 UTC'
    """
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M:%S} UTC"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 page`, `2 pages`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def seconds_between(earlier: str, later: str) -> float:
    """Of two times of the ledger."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def target(target_error: float | None, review_below: float | None, expected_error: float | None) -> str:
    """What the user allows to be wrong, and what that came to; "" where nothing was named.

    >>> target(0.00001, 1.0, 0.0)
    'At most 0.001 % of the accepted values may be wrong (--target-error). No field is sure enough for that.'
    """
    if target_error is None or review_below is None or expected_error is None:
        return ""
    wanted = f"At most {limit(target_error)} % of the accepted values may be wrong (--target-error)."
    if review_below >= 1:
        return f"{wanted} No field is sure enough for that."
    return (
        f"{wanted} Fields from {limit(review_below)} % sure on keep that: of those that nobody has looked at, "
        f"{percent_up(expected_error)} are to be expected wrong."
    )


def evidence(odds_ratio: float | None) -> str:
    """What people have found of the confidences, where they found them to be off.

    >>> evidence(1.81), evidence(1.01), evidence(None)
    ('By what people have found, errors are 1.8 times as likely as the confidences say.', '', '')
    """
    if odds_ratio is None or abs(odds_ratio - 1) < SMALLEST_CHANGE:
        return ""
    return f"By what people have found, errors are {odds_ratio:.2g} times as likely as the confidences say."
