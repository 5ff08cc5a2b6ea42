"""How many fields are how sure: bars whose lengths are logarithms, so that the few doubtful ones are seen.

In:  a tally.
Out: places and lengths for the picture in report.html, in its own units, of which a phone's screen is 360 wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from docproc.report.tally import Tally
from docproc.report.wording import limit

WIDTH = 360
LABEL_WIDTH = 104
LONGEST_BAR = 200
BAR_HEIGHT = 9
ROW_HEIGHT = 27


@dataclass(frozen=True, slots=True)
class Bar:
    """Fields that went straight through, or did not."""

    kind: str  #: "straight" or "looked".
    fields: int
    top: float
    length: float


@dataclass(frozen=True, slots=True)
class Row:
    """Fields between two confidences."""

    label: str
    middle: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """See the module."""

    rows: tuple[Row, ...]
    height: float
    threshold: float | None  #: The height at which fields begin to be accepted; None where that is unknown.
    width: float = WIDTH
    label_width: float = LABEL_WIDTH
    bar_height: float = BAR_HEIGHT


def histogram(tally: Tally) -> Histogram:
    """The doubtful ones on top."""
    most = max((count for pair in tally.bars for count in pair), default=0)
    rows = []
    for place, (label, pair) in enumerate(zip(_labels(tally.edges), tally.bars, strict=True)):
        middle = (place + 0.5) * ROW_HEIGHT
        bars = (
            Bar("straight", pair[0], middle - BAR_HEIGHT - 0.5, _length(pair[0], most)),
            Bar("looked", pair[1], middle + 0.5, _length(pair[1], most)),
        )
        rows.append(Row(label, middle, bars))
    below = tally.review_below
    threshold = (tally.edges.index(below) + 1) * ROW_HEIGHT if below in tally.edges else None
    return Histogram(tuple(rows), len(rows) * ROW_HEIGHT, threshold)


def _labels(edges: tuple[float, ...]) -> list[str]:
    named = [limit(one) for one in edges]
    between = [f"{low} to {high} %" for low, high in pairwise(named)]
    return [f"under {named[0]} %", *between, f"over {named[-1]} %"]


def _length(count: int, most: int) -> float:
    """0 for none; one field can be seen beside a million."""
    return round(LONGEST_BAR * math.log1p(count) / math.log1p(most), 1) if most else 0.0
