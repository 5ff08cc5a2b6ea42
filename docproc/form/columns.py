"""Make a ruled column whole: rows that were lost, run together or cut up are put back at their pitch.

In:  boxes as rules enclose them, and how dark the page is.
Out: the same, with the missing rows of columns added, and without what was found there instead.

A column of numbers is ruled at an equal pitch. Three rows of it that were found say where the others are, and there a
rule needs far less to be believed than elsewhere: a rule that has faded, that digits stand on, or whose neighbor to
the side is broken. Much darker marks than the column's own rules are writing, and speak neither for a rule nor
against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.mending import COMB_ASPECT
from docproc.geometry import Box, Points
from docproc.page import Gray, Ink

LEAST_ROWS = 3  #: Equal rows that make a column.
SAME_PITCH = 0.15  #: Rows of one pitch differ by less.
SAME_WIDTH = 0.08  #: Boxes of one column differ by this share of their width ...
SAME_PX = 6.0  #: ... and by this much, ...
MOST_LEAN = 0.12  #: ... and their sides lean by this tangent at most: an edge of a page that was made upright does.
MOST_APART = 4.5  #: Heights that two boxes of one column may be apart.
SEARCH_SHARE = 0.2  #: Of the pitch: how far a rule may be from where the pitch puts it.
SEARCH_STEPS = 12  #: On each side of it.
NEAR_SHARE = 0.02  #: Of a rule's darkness, which it counts as paler at the end of the search.
SAMPLES = 90  #: Points along a rule that are looked at.
SIDE_SHARE = 0.04  #: Of the width, left out at both ends.
LEVEL_SHARE = 0.35  #: A faded rule is as dark as this share of the rule next to it ...
LEAST_LEVELS = 3.0  #: ... and by so many gray levels darker than the paper of the column.
INK_FACTOR = 2.0  #: Writing is darker than rules by this factor ...
INK_LEVELS = 8.0  #: ... and by this many gray levels.
LEAST_CLEAR = 0.35  #: Share of a rule that must be free of writing.
LEAST_SHARE = 0.75  #: Share of what is clear that must be as dark as a rule, ...
LEAST_THIRD = 0.4  #: ... and of each third, writing included: a leader's dash ends halfway.
LEAST_BEYOND = (
    0.75  #: ... which is all thirds' due where a rule would make the column longer: there a line of print may stand.
)
LEAST_SIDE = 0.7  #: Share of a row's left and right side that must be as dark as a rule, or the edge of the sheet.
SAME_CELL = 0.75  #: Intersection by union of a row with a box that was found: it is that box.
INSIDE_SHARE = 0.6  #: Of the smaller area: a box that lies in a row by more is the same paper.
TILED_SHARE = 0.7  #: A row that boxes as high as it cover by this share is divided by the form.
LEAST_REST = 0.5  #: In rows: what a longer box keeps beyond the column's last rule is a box of its own from here.

Line = tuple[float, float]  #: A rule of a column: y where it meets the left and the right side.


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    members: list[int]  #: Of the boxes, all of one width, one above the other.
    rows: list[int]  #: Those of one pitch.
    pitch: float
    left: npt.NDArray[np.float64]  #: x of the left side as a polynomial of y.
    right: npt.NDArray[np.float64]

    def quad(self, upper: Line, lower: Line) -> Points:
        """(4, 2) corners of what lies between two rules."""
        ends = [(self.left, upper[0]), (self.right, upper[1]), (self.right, lower[1]), (self.left, lower[0])]
        return np.array([(float(np.polyval(side, y)), y) for side, y in ends])


def with_rows(quads: list[Points], depth: Gray, sheet: Ink) -> list[Points]:
    """Boxes, each the (4, 2) corners from top left clockwise, with the missing rows of columns added."""
    columns = _columns(quads)
    if not columns:
        return quads
    deepest = cv2.dilate(depth, np.ones((3, 3), np.uint8))
    boxes = dict(enumerate(quads))
    for column in columns:
        _put_rows(boxes, quads, column, deepest, sheet)
    return list(boxes.values())


def _columns(quads: list[Points]) -> list[_Column]:
    """Columns of at least LEAST_ROWS equal rows, each wider than a single character."""
    wide = [index for index, quad in enumerate(quads) if _width(quad) > COMB_ASPECT * _height(quad)]
    if len(wide) < LEAST_ROWS:
        return []
    corners = np.array([quads[index] for index in wide])
    left, right = corners[:, [0, 3], 0].mean(axis=1), corners[:, [1, 2], 0].mean(axis=1)
    middle, height = corners[:, :, 1].mean(axis=1), np.array([_height(quad) for quad in corners])
    result = []
    free = np.ones(len(wide), bool)
    while free.any():
        group = np.zeros(len(wide), bool)
        fresh = [int(np.flatnonzero(free)[0])]
        while fresh:
            at = fresh.pop()
            group[at], free[at] = True, False
            apart = np.abs(middle - middle[at])
            slack = SAME_PX + MOST_LEAN * apart
            width = right - left
            alike = (
                (apart <= MOST_APART * np.maximum(height, height[at]))
                & (np.abs(left - left[at]) <= slack)
                & (np.abs(right - right[at]) <= slack)
                & (np.abs(width - width[at]) <= SAME_WIDTH * np.maximum(width, width[at]) + SAME_PX)
            )
            near = [int(n) for n in np.flatnonzero(alike & free)]
            free[near] = False
            fresh += near
        column = _column([wide[at] for at in np.flatnonzero(group)], quads)
        if column is not None:
            result.append(column)
    return result


def _column(members: list[int], quads: list[Points]) -> _Column | None:
    height = np.array([_height(quads[index]) for index in members])
    alike = np.abs(height[:, np.newaxis] - height) <= SAME_PITCH * height
    votes = alike.sum(axis=0)
    if votes.max() < LEAST_ROWS:
        return None
    rows = [members[at] for at in np.flatnonzero(alike[:, int(votes.argmax())])]
    corners = np.array([quads[index] for index in rows])
    sides = [corners[:, pair].reshape(-1, 2) for pair in ([0, 3], [1, 2])]
    left, right = (np.polyfit(points[:, 1], points[:, 0], 1) for points in sides)
    return _Column(members, rows, float(np.median([_height(quad) for quad in corners])), left, right)


def _put_rows(boxes: dict[int, Points], quads: list[Points], column: _Column, depth: Gray, sheet: Ink) -> None:
    """Add the rows of one column that are missing, and take away what was found there instead. Changes `boxes`."""
    lines = _rules(column, quads, depth)
    levels = _side_levels(column, quads, depth)
    own = {index: Box.around(quad) for index, quad in boxes.items()}
    for upper, lower in pairwise(lines):
        step = (lower[0] + lower[1] - upper[0] - upper[1]) / 2
        quad = column.quad(upper, lower)
        cell = Box.around(quad)
        if abs(step - column.pitch) > 2 * SEARCH_SHARE * column.pitch:
            continue
        shared = {index: cell.intersection(box) for index, box in own.items()}
        touched = [index for index, area in shared.items() if area > 0]
        if any(cell.iou(own[index]) > SAME_CELL for index in touched):
            continue
        full = [index for index in touched if own[index].height > (1 - SEARCH_SHARE) * step]
        full = [index for index in full if own[index].height < (1 + SEARCH_SHARE) * step + SAME_PX]
        if sum(shared[index] for index in full) > TILED_SHARE * cell.area or not _closed(quad, levels, depth, sheet):
            continue
        for index in touched:
            if shared[index] > INSIDE_SHARE * min(cell.area, own[index].area):
                rests = _rests(boxes.pop(index), lines, column)
                del own[index]
                for rest in rests:
                    _add(boxes, own, rest)
        _add(boxes, own, quad)


def _add(boxes: dict[int, Points], own: dict[int, Box], quad: Points) -> None:
    number = max(boxes, default=-1) + 1
    boxes[number], own[number] = quad, Box.around(quad)


def _rests(quad: Points, lines: list[Line], column: _Column) -> list[Points]:
    """What a box that is taken away has above the column's first rule and below its last."""
    rests: list[Points] = []
    if _width(quad) < (1 - SAME_WIDTH) * _width(column.quad(lines[0], lines[-1])):
        return rests
    if min(lines[0]) - quad[:2, 1].max() > LEAST_REST * column.pitch:
        low = column.quad(lines[0], lines[1])
        rests.append(np.array([quad[0], quad[1], low[1], low[0]]))
    if quad[2:, 1].min() - max(lines[-1]) > LEAST_REST * column.pitch:
        high = column.quad(lines[-2], lines[-1])
        rests.append(np.array([high[3], high[2], quad[2], quad[3]]))
    return rests


def _rules(column: _Column, quads: list[Points], depth: Gray) -> list[Line]:
    """The rules of a column, downward: those of its rows, and what is found at the pitch between and beyond them."""
    known: list[Line] = []
    ends = [quads[index][pair, 1] for index in column.rows for pair in ([0, 1], [3, 2])]
    for line in sorted(((float(y[0]), float(y[1])) for y in ends), key=sum):
        if known and sum(line) - sum(known[-1]) < 2 * SEARCH_SHARE * column.pitch:
            continue
        known.append(line)
    lines = known[:1]
    for line in known[1:]:
        steps = round((sum(line) - sum(lines[-1])) / 2 / column.pitch)
        for left in range(steps, 1, -1):
            guess = _between(lines[-1], line, 1 / left)
            found = _rule_near(guess, lines[-1], column, depth)
            lines.append(found or guess)
            if found is None:
                lines.pop()
                break
        lines.append(line)
    for at in (0, -1):
        while True:
            last, before = (lines[0], lines[1]) if at == 0 else (lines[-1], lines[-2])
            step = abs(sum(last) - sum(before)) / 2
            share = column.pitch / step if abs(step - column.pitch) > SEARCH_SHARE * column.pitch else 1.0
            found = _rule_near(_between(before, last, 1 + share), last, column, depth, beyond=True)
            if found is None:
                break
            lines.insert(0 if at == 0 else len(lines), found)
    return lines


def _between(start: Line, stop: Line, share: float) -> Line:
    return start[0] + share * (stop[0] - start[0]), start[1] + share * (stop[1] - start[1])


def _rule_near(guess: Line, beside: Line, column: _Column, depth: Gray, *, beyond: bool = False) -> Line | None:
    """The rule that lies nearest to where the pitch puts one; None where nothing looks like it."""
    offset = np.linspace(-1, 1, 2 * SEARCH_STEPS + 1) * SEARCH_SHARE * column.pitch
    lefts, rights = guess[0] + offset[:, np.newaxis, np.newaxis], guess[1] + offset[:, np.newaxis]
    share = np.linspace(SIDE_SHARE, 1 - SIDE_SHARE, SAMPLES)
    xs = np.polyval(column.left, guess[0]) * (1 - share) + np.polyval(column.right, guess[1]) * share
    ys = lefts * (1 - share) + rights * share
    height, width = depth.shape
    if ys.min() < 0 or ys.max() > height - 1 or xs.min() < 0 or xs.max() > width - 1:
        return None
    columns = np.rint(xs).astype(int)
    beside_ys = np.clip(np.rint(beside[0] * (1 - share) + beside[1] * share).astype(int), 0, height - 1)
    usual = float(np.median(depth[beside_ys, np.clip(columns, 0, width - 1)]))
    values = depth[np.rint(ys).astype(int), columns].astype(np.float64)
    paper = float(np.median(values))
    level = max(LEVEL_SHARE * usual, paper + LEAST_LEVELS)
    clear = values <= max(INK_FACTOR * usual, usual + INK_LEVELS)
    ruled = clear & (values >= level)
    score = np.where(clear, np.minimum(values, usual), 0).sum(axis=2) / np.maximum(clear.sum(axis=2), 1)
    # Of rules that look alike, the one where the pitch puts it.
    score -= NEAR_SHARE * usual * (np.abs(offset[:, np.newaxis]) + np.abs(offset)) / offset[-1]
    score[clear.mean(axis=2) < LEAST_CLEAR] = -np.inf
    left, right = np.unravel_index(int(score.argmax()), score.shape)
    clear, ruled = clear[left, right], ruled[left, right]
    if clear.mean() < LEAST_CLEAR or ruled.sum() < (LEAST_BEYOND if beyond else LEAST_SHARE) * clear.sum():
        return None
    most_pale = 1 - (LEAST_BEYOND if beyond else LEAST_THIRD)
    if any(pale.mean() > most_pale for pale in np.array_split(clear & ~ruled, 3)):
        return None
    return guess[0] + float(offset[left]), guess[1] + float(offset[right])


def _closed(quad: Points, levels: tuple[float, float], depth: Gray, sheet: Ink) -> bool:
    """Whether a rule as dark as `levels` (left, right), or the edge of the sheet, runs along both sides of a row."""
    height, width = depth.shape
    offset = np.arange(-SAME_PX, SAME_PX + 1)
    for start, stop, level in ((quad[0], quad[3], levels[0]), (quad[1], quad[2], levels[1])):
        share = np.linspace(0.1, 0.9, 30)
        y = np.clip(np.rint(start[1] + share * (stop[1] - start[1])).astype(int), 0, height - 1)
        starts, stops = start[0] + offset[:, np.newaxis, np.newaxis], stop[0] + offset[:, np.newaxis]
        x = np.rint(starts + share * (stops - starts)).astype(int)
        outside = (x < 0) | (x >= width)
        x = np.clip(x, 0, width - 1)
        side = outside | (sheet[y, x] == 0) | (depth[y, x] >= level)
        if side.mean(axis=2).max() < LEAST_SIDE:
            return False
    return True


def _side_levels(column: _Column, quads: list[Points], depth: Gray) -> tuple[float, float]:
    """How dark the left and the right side of a column must be to pass for a rule."""
    height, width = depth.shape
    levels = []
    for start, stop in ((0, 3), (1, 2)):
        share = np.linspace(0.15, 0.85, 20)[:, np.newaxis]
        points = np.concatenate(
            [quads[at][start] + share * (quads[at][stop] - quads[at][start]) for at in column.rows]
        )
        x = np.clip(np.rint(points[:, 0]).astype(int), 0, width - 1)
        y = np.clip(np.rint(points[:, 1]).astype(int), 0, height - 1)
        levels.append(max(LEVEL_SHARE * float(np.median(depth[y, x])), 2 * LEAST_LEVELS))
    return levels[0], levels[1]


def _width(quad: Points) -> float:
    return float(np.hypot(*(quad[1] - quad[0])) + np.hypot(*(quad[2] - quad[3]))) / 2


def _height(quad: Points) -> float:
    return float(np.hypot(*(quad[3] - quad[0])) + np.hypot(*(quad[2] - quad[1]))) / 2
