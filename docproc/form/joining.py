"""Join the pieces of printed rules.

In:  straight runs found along rules that all run across (those that run down are handed in transposed).
Out: rules: runs joined across breaks; and a mask in which each loose end reaches the rule that it should meet.

A run is joined to the next one that continues it. An end is drawn on to the crossing rule, or to the image's edge,
over a short way whatever lies between, and over a longer way where that way is dark: a rule fades, or writing covers
it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from docproc.page import Gray, Ink

BRIDGE_PX = 90  #: Longest break between two collinear runs: writing that crosses a rule hides about this much.
BRIDGE_SHARE = 0.5  #: ... and as a share of the longer run: two strokes in a line are not a rule.
SHORTER_SHARE = 1.5  #: ... and of the shorter one.
BRIDGE_OFF_PX = 3.0  #: How far two collinear runs may miss each other across a break.
FREE_PX = 10  #: A break that is bridged whatever lies in it: as wide as a crossing rule.
LONG_FACTOR = 3.0  #: A break is short beside a run this many times as long.
END_KNOTS = 11  #: Points of a rule that its slope at an end is taken from: 130 px.
REACH_SHARE = 0.08  #: An end is drawn on by this share of its rule's length ...
REACH_PX = (4, 16)  #: ... but at least and at most this far.
DARK_REACH_SHARE = 0.5  #: Where the way is dark, by this share of its rule's length ...
DARK_REACH_PX = 120  #: ... but at most this far.
DARK_SHARE = 0.7  #: Share of the way that must be dark.
DARK_LEVEL = 0.25  #: Dark, on the way, is this share of the rule's own median ...
DARK_NOISE = 3.0  #: ... and this many gray levels above the page's own middle.
CORNER_PX = 8  #: Two rules that end this near to each other make a corner.
EDGE_REACH_PX = 12  #: An end this near to the image's edge reaches it: scans fade out there ...
EDGE_REACH_SHARE = 0.3  #: ... for this share of the rule at most.
LEAST_SLOPE_PX = 44  #: Shorter rules are drawn on level: their own slope is not to be trusted.

Chain = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]  #: x and y of points along a rule, x rising.


def slope_of(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Rise from the first point to the last, by the way across."""
    return float((y[-1] - y[0]) / max(x[-1] - x[0], 1.0))


def joined(runs: list[Chain], dark: Gray) -> list[Chain]:
    """Runs joined to rules: each run's right end goes on to the nearest run that continues it.

    Over more than a short way, either the way is dark, or both runs are long beside it: strokes that stand in a line
    in one column of a table are neither.
    """
    near_dark, floor = _surroundings(dark)
    # A run grows by each join, and a longer one may bridge a wider break.
    while len(longer := _joined_once(runs, near_dark, floor)) < len(runs):
        runs = longer
    return runs


def _joined_once(runs: list[Chain], near_dark: Gray, floor: float) -> list[Chain]:
    if len(runs) < 2:
        return runs
    length = np.array([x[-1] - x[0] for x, _ in runs])
    head = np.array([(x[0], y[0], slope_of(x[:END_KNOTS], y[:END_KNOTS])) for x, y in runs])
    order = np.argsort(head[:, 0])
    sorted_x = head[order, 0]
    follower: dict[int, tuple[float, int]] = {}
    for index, (xs, ys) in enumerate(runs):
        x, y, slope = xs[-1], ys[-1], slope_of(xs[-END_KNOTS:], ys[-END_KNOTS:])
        near = order[np.searchsorted(sorted_x, x) : np.searchsorted(sorted_x, x + BRIDGE_PX)]
        if not len(near):
            continue
        gap = head[near, 0] - x
        off = np.abs(head[near, 1] - y - (slope + head[near, 2]) / 2 * gap)
        longer, shorter = np.maximum(length[index], length[near]), np.minimum(length[index], length[near])
        fits = (off < BRIDGE_OFF_PX) & (gap < BRIDGE_SHARE * longer) & (gap < SHORTER_SHARE * shorter)
        for at in np.flatnonzero(fits & (gap > FREE_PX) & (gap * LONG_FACTOR > longer)):
            fits[at] = _dark_share(near_dark, (x, y), tuple(head[near[at], :2]), floor) >= DARK_SHARE
        if fits.any():
            best = int(np.where(fits, gap, np.inf).argmin())
            after = int(near[best])
            if after not in follower or follower[after][0] > gap[best]:
                follower[after] = (float(gap[best]), index)
    next_of = {before: after for after, (_, before) in follower.items()}
    rules = []
    for index in range(len(runs)):
        if index in follower:
            continue
        parts = [runs[index]]
        while index in next_of:
            index = next_of[index]  # noqa: PLW2901 - walks along the rule
            parts.append(runs[index])
        rules.append((np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])))
    return rules


def with_long_ends(lines: Ink, rules: list[Chain]) -> Ink:
    """`lines` with both ends of each rule drawn on by CORNER_PX: what ends that meet at a corner can hit."""
    longer = lines.copy()
    for x, y in rules:
        for x0, y0, step in ((x[0], y[0], -CORNER_PX), (x[-1], y[-1], CORNER_PX)):
            cv2.line(
                longer, (round(float(x0)), round(float(y0))), (round(float(x0)) + step, round(float(y0))), 255, 1
            )
    return longer


def loose_ends_drawn_on(lines: Ink, rules: list[Chain], dark: Gray, goal: Ink) -> Ink:
    """`lines` with each rule's ends drawn on to the first pixel of `goal`, or the image's edge, within reach.

    Parameters
    ----------
    lines : (H, W) uint8
        Center lines of `rules`.
    rules : list of Chain
        Rules that run across.
    dark : (H, W) uint8
        How much darker each pixel is than the paper around it.
    goal : (H, W) uint8
        Above 0 on the rules that run down, and outside the page.
    """
    height, width = lines.shape
    near, floor = _surroundings(dark)
    drawn = lines.copy()
    for x, y in rules:
        length = float(x[-1] - x[0])
        reach = float(np.clip(REACH_SHARE * length, *REACH_PX))
        own = float(np.median(near[np.rint(y).astype(int), np.rint(x).astype(int)]))
        level = max(DARK_LEVEL * own, floor)
        for sign in (-1, 1):
            part = slice(None, END_KNOTS) if sign < 0 else slice(-END_KNOTS, None)
            slope = slope_of(x[part], y[part]) if length > LEAST_SLOPE_PX else 0.0
            x0, y0 = (x[0], y[0]) if sign < 0 else (x[-1], y[-1])
            to_edge = x0 if sign < 0 else width - 1 - x0
            at_edge = to_edge <= min(EDGE_REACH_PX, EDGE_REACH_SHARE * length)
            farthest = max(EDGE_REACH_PX if at_edge else reach, min(DARK_REACH_SHARE * length, DARK_REACH_PX))
            steps = np.arange(1, int(farthest) + 1)
            xs = np.clip(x0 + sign * steps, 0, width - 1).astype(int)
            ys = np.clip(np.rint(y0 + sign * slope * steps), 0, height - 1).astype(int)
            # A look 3 px wide: a line drawn one pixel wide can be slipped through on the diagonal.
            hit = goal[ys, xs] | goal[np.maximum(ys - 1, 0), xs] | goal[np.minimum(ys + 1, height - 1), xs]
            hit = (hit > 0) | ((xs == (0 if sign < 0 else width - 1)) if at_edge else False)
            if not hit.any():
                continue
            at = int(hit.argmax())
            short = at + 1 <= (EDGE_REACH_PX if at_edge else reach)
            if short or float((near[ys[: at + 1], xs[: at + 1]] > level).mean()) >= DARK_SHARE:
                cv2.line(drawn, (int(x0), round(float(y0))), (int(xs[at]), int(ys[at])), 255, 1)
    return drawn


def _surroundings(dark: Gray) -> tuple[Gray, float]:
    """The darkest of five pixels across a line, and what of that the paper alone has."""
    near = cv2.dilate(dark, np.ones((5, 1), np.uint8))
    return near, float(np.median(near[::5, ::7])) + DARK_NOISE


def _dark_share(near: Gray, start: tuple[float, float], stop: tuple[float, float], level: float) -> float:
    """Share of the straight way between two points that is darker than `level`."""
    xs = np.arange(round(start[0]), max(round(stop[0]), round(start[0]) + 1))
    ys = np.interp(xs, [start[0], stop[0]], [start[1], stop[1]])
    return float((near[np.rint(ys).astype(int), xs] > level).mean())
