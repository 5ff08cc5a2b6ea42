"""Undo what writing did to boxes: boxes that a stroke has cut in two are made whole again.

In:  boxes as rules enclose them, and the rules.
Out: the same, with halves joined.

A 1 or the stem of a 7 that reaches from the upper rule to the lower one looks like a rule. It is told from one by
what rules have and strokes lack: a rule goes on into the next row, or it is one of a comb's evenly spaced ones, or at
least it runs the whole way, straight, and along with the rules beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.ruling import Ruling
from docproc.geometry import Points
from docproc.page import Gray, Ink

MEET_PX = 6.0  #: Corners of boxes that share a rule lie this close.
EQUAL_SHARE = 0.2  #: Boxes of a comb differ by less, by width and by height.
COMB_ASPECT = 1.3  #: Width by height of a single character's box, at most.
LEAST_COVER = 0.85  #: Share of its length that a dividing rule shows as ink, between the rules that it joins.
INK_SHARE = 0.4  #: Of the rule's own depth: paler is paper.
MOST_LEAN = 0.06  #: Difference in slope, as a tangent, of a dividing rule to the rules on both sides.
MOST_ROUGH_PX = 1.0  #: Mean distance of a dividing rule from its own straight line.

#: For boxes side by side: their corners, (first's far upper, far lower), (second's near upper, near lower), and how a
#: corner index changes when rows and columns trade places.
_ACROSS = ((1, 2), (0, 3))
_DOWN = ((3, 2), (0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    first: int
    second: int
    start: Points
    stop: Points


def mended(quads: list[Points], ruling: Ruling) -> list[Points]:
    """Boxes, each the (4, 2) corners from top left clockwise, with halves of one box joined."""
    for sides in (_ACROSS, _DOWN):
        quads = _joined(quads, ruling, sides)
    return quads


def _joined(quads: list[Points], ruling: Ruling, sides: tuple[tuple[int, int], tuple[int, int]]) -> list[Points]:
    pairs = _pairs(quads, sides)
    follower = {pair.first: pair for pair in pairs}
    leader = {pair.second: pair for pair in pairs}
    suspect = {
        pair.first
        for pair in pairs
        if not _in_comb(pair, quads, follower, leader, sides) and _is_stroke(pair, quads, ruling, sides)
    }
    sound = [end for pair in pairs if pair.first not in suspect for end in (pair.start, pair.stop)]
    ends = np.array(sound).reshape(-1, 2)
    weak = {pair.first for pair in pairs if pair.first in suspect and not _goes_on(pair, ends)}
    result = []
    absorbed: set[int] = set()
    for index, quad in enumerate(quads):
        if index in absorbed or (index in leader and leader[index].first in weak):
            continue
        whole, last = quad.copy(), index
        while last in weak:
            last = follower[last].second
            absorbed.add(last)
        if last != index:
            far_start, far_stop = sides[0]
            whole[far_start], whole[far_stop] = quads[last][far_start], quads[last][far_stop]
        result.append(whole)
    return result


def _pairs(quads: list[Points], sides: tuple[tuple[int, int], tuple[int, int]]) -> list[_Pair]:
    """Pairs of boxes that share a whole side."""
    (far_start, far_stop), (near_start, near_stop) = sides
    if not quads:
        return []
    near = np.array([np.concatenate([quad[near_start], quad[near_stop]]) for quad in quads])
    pairs = []
    for index, quad in enumerate(quads):
        off = np.abs(near - np.concatenate([quad[far_start], quad[far_stop]])).max(axis=1)
        off[index] = np.inf
        other = int(off.argmin())
        if off[other] <= MEET_PX:
            start = (quad[far_start] + quads[other][near_start]) / 2
            stop = (quad[far_stop] + quads[other][near_stop]) / 2
            pairs.append(_Pair(first=index, second=other, start=start, stop=stop))
    return pairs


def _goes_on(pair: _Pair, ends: Points) -> bool:
    """Whether a sound dividing rule begins where this one ends."""
    return any(bool((np.abs(ends - end).max(axis=1) <= MEET_PX).any()) for end in (pair.start, pair.stop))


def _size(quad: Points, sides: tuple[tuple[int, int], tuple[int, int]]) -> tuple[float, float]:
    """(from one dividing side to the other, along the dividing side)."""
    (far_start, far_stop), (near_start, near_stop) = sides
    between = np.hypot(*(quad[far_start] - quad[near_start])) + np.hypot(*(quad[far_stop] - quad[near_stop]))
    along = np.hypot(*(quad[far_stop] - quad[far_start])) + np.hypot(*(quad[near_stop] - quad[near_start]))
    return float(between) / 2, float(along) / 2


def _in_comb(
    pair: _Pair,
    quads: list[Points],
    follower: dict[int, _Pair],
    leader: dict[int, _Pair],
    sides: tuple[tuple[int, int], tuple[int, int]],
) -> bool:
    """Whether two boxes are one character wide and alike, and a third like them is near, or their rule is whole."""
    first, along = _size(quads[pair.first], sides)
    second, _ = _size(quads[pair.second], sides)
    if sides is not _ACROSS or max(first, second) > COMB_ASPECT * along:
        return False
    if min(first, second) < (1 - EQUAL_SHARE) * max(first, second):
        return False
    beside = [leader[pair.first].first] if pair.first in leader else []
    beside += [follower[pair.second].second] if pair.second in follower else []
    third = [_size(quads[index], sides)[0] for index in beside]
    return any(min(width, first) >= (1 - EQUAL_SHARE) * max(width, first) for width in third)


def _is_stroke(
    pair: _Pair, quads: list[Points], ruling: Ruling, sides: tuple[tuple[int, int], tuple[int, int]]
) -> bool:
    """Whether what divides two boxes is broken, bent or leaning, as strokes of writing are and rules are not."""
    middle, dark = _ridge(pair.start, pair.stop, ruling.rules), _darkest(pair.start, pair.stop, ruling.depth)
    seen = ~np.isnan(middle)
    if np.count_nonzero(seen) < 3:
        return True
    # Writing that crosses a rule hides it; what is no darker than paper is a gap.
    inked = dark >= INK_SHARE * np.median(dark[seen])
    if float((seen | inked).mean()) < LEAST_COVER:
        return True
    at = np.flatnonzero(seen).astype(np.float64)
    slope, level = np.polyfit(at, middle[seen], 1)
    if float(np.abs(middle[seen] - level - slope * at).mean()) > MOST_ROUGH_PX:
        return True
    axis = 0 if sides is _ACROSS else 1
    own = _lean(pair.start, pair.stop, axis) + slope
    (far_start, far_stop), (near_start, near_stop) = sides
    near = _lean(quads[pair.first][near_start], quads[pair.first][near_stop], axis)
    far = _lean(quads[pair.second][far_start], quads[pair.second][far_stop], axis)
    return not min(near, far) - MOST_LEAN <= own <= max(near, far) + MOST_LEAN


def _lean(start: Points, stop: Points, axis: int) -> float:
    run = stop - start
    return float(run[axis] / max(abs(run[1 - axis]), 1.0)) * (1.0 if run[1 - axis] >= 0 else -1.0)


RIDGE_PX = 4  #: How far to each side of the line from corner to corner its ink is looked for.
END_PX = 7  #: Left out at both ends: there the crossing rules' own ink lies.


def _ridge(start: Points, stop: Points, rules: Ink) -> npt.NDArray[np.float64]:
    """For each pixel along a dividing line, how far beside it the middle of the ink lies; NaN where there is none.

    Beside means right of a line that runs down, and below one that runs across.
    """
    x, y = _strip(start, stop, RIDGE_PX)
    offsets = np.arange(-RIDGE_PX, RIDGE_PX + 1)
    ink = cv2.remap(rules, x, y, cv2.INTER_LINEAR).astype(np.float64)
    mass = ink.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(mass > 200, (ink * offsets).sum(axis=1) / mass, np.nan)


def _darkest(start: Points, stop: Points, depth: Gray) -> npt.NDArray[np.float64]:
    """For each pixel along a dividing line, the depth of the darkest that lies near it."""
    x, y = _strip(start, stop, RIDGE_PX // 2)
    return cv2.remap(depth, x, y, cv2.INTER_LINEAR).max(axis=1).astype(np.float64)


def _strip(start: Points, stop: Points, half_px: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Where a strip along a line lies: x and y, each (length, 2 * half_px + 1), its ends left out."""
    down = abs(stop[1] - start[1]) >= abs(stop[0] - start[0])
    length = int(np.hypot(*(stop - start)))
    cut = min(END_PX, length // 4)
    share = np.arange(cut, max(length - cut, cut + 1))[:, np.newaxis] / max(length, 1)
    center = start + share * (stop - start)
    offsets = np.arange(-half_px, half_px + 1, dtype=np.float64)
    x = center[:, :1] + (offsets if down else np.zeros_like(offsets))
    y = center[:, 1:] + (np.zeros_like(offsets) if down else offsets)
    return x.astype(np.float32), y.astype(np.float32)
