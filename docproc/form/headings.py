"""Join the small cells of a table's rows to combs: is a row of narrow cells one number, or a digit in each column?

In:  the places of a blank page, and how much of each box is free of print.
Out: places, such rows among them as combs.
One number has one heading over all of its cells, or none; digits of their own have each a heading of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docproc.form.boxes import PrintedBox
from docproc.form.grid import COMB_ASPECT, SAME_SIZE, TOUCH_PX, Place
from docproc.geometry import Box

CLEAR = 0.9  #: Share of a box that is free of print where nothing is printed in it.


def with_combs(places: Sequence[Place], boxes: Sequence[PrintedBox], clear: Sequence[float]) -> list[Place]:
    """Places, with small cells side by side joined to a comb, though other rows follow below.

    Where one heading stands over all of them; or where they stand apart, from others at their sides and from
    headings of their own.
    """
    bounds = [Box.around(place.corners) for place in places]
    printed = [min(clear[index] for index in place.boxes) < CLEAR for place in places]
    narrow = [
        i
        for i, b in enumerate(bounds)
        if not places[i].is_comb and not printed[i] and b.width <= COMB_ASPECT * b.height
    ]
    runs = sorted(_runs(narrow, bounds), key=lambda run: bounds[run[0]].top)
    joined: dict[int, list[int]] = {}
    for run in runs:
        parts = _under_headings(run, bounds, joined)
        if not parts and not any(_meets(run, bounds, i) for i in range(len(bounds)) if i not in run):
            parts = [run]
        joined.update({part[0]: part for part in parts})
    taken = {index for part in joined.values() for index in part}
    units = [place for index, place in enumerate(places) if index not in taken]
    for part in joined.values():
        first, last = places[part[0]], places[part[-1]]
        corners = np.array([first.corners[0], last.corners[1], last.corners[2], first.corners[3]])
        indices = tuple(index for number in part for index in places[number].boxes)
        units.append(Place(indices, corners, first.row, first.column))
    return sorted(units, key=lambda place: (place.row, place.column))


def _runs(narrow: Sequence[int], bounds: Sequence[Box]) -> list[list[int]]:
    """Runs of equal boxes side by side."""
    after: dict[int, int] = {}
    for one in narrow:
        for other in narrow:
            a, b = bounds[one], bounds[other]
            alike = abs(a.width - b.width) <= SAME_SIZE * a.width and abs(a.height - b.height) <= SAME_SIZE * a.height
            if alike and abs(a.top - b.top) <= TOUCH_PX and abs(b.left - a.right) <= TOUCH_PX and one != other:
                after[one] = other
    heads = set(narrow) - set(after.values())
    runs = []
    for head in heads:
        run = [head]
        while run[-1] in after:
            run.append(after[run[-1]])
        if len(run) > 1:
            runs.append(run)
    return runs


def _meets(run: Sequence[int], bounds: Sequence[Box], index: int) -> bool:
    """Whether a box meets a run at one of its ends, or stands on one of its cells as that cell's heading."""
    whole, other = Box.union(bounds[i] for i in run), bounds[index]
    level = min(whole.bottom, other.bottom) - max(whole.top, other.top) > TOUCH_PX
    over = min(whole.right, other.right) - max(whole.left, other.left) > TOUCH_PX
    at_end = level and min(abs(whole.left - other.right), abs(other.left - whole.right)) <= TOUCH_PX
    one_cell = other.width <= (1 + SAME_SIZE) * whole.width / len(run)
    return at_end or (over and one_cell and abs(other.bottom - whole.top) <= TOUCH_PX)


def _under_headings(run: Sequence[int], bounds: Sequence[Box], joined: dict[int, list[int]]) -> list[list[int]]:
    """The parts of a run that one box, or a comb already joined, stands over, side to side."""
    own = Box.union(bounds[i] for i in run)
    above = [bounds[i] for i in range(len(bounds)) if i not in run] + [
        Box.union(bounds[i] for i in part) for part in joined.values()
    ]
    parts = []
    for heading in above:
        if abs(heading.bottom - own.top) > TOUCH_PX:
            continue
        under = [
            i
            for i in run
            if heading.left - TOUCH_PX <= bounds[i].left and bounds[i].right <= heading.right + TOUCH_PX
        ]
        if len(under) < 2:
            continue
        covered = Box.union(bounds[i] for i in under)
        if abs(covered.left - heading.left) <= TOUCH_PX and abs(covered.right - heading.right) <= TOUCH_PX:
            parts.append(under)
    parts.sort(key=len, reverse=True)
    kept: list[list[int]] = []
    for part in parts:
        if not any(set(part) & set(other) for other in kept):
            kept.append(part)
    return kept
