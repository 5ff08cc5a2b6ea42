"""Find printed rules: the straight or slightly bent lines that tables, boxes and combs are drawn with.

In:  one page image, gray, of any size and skew up to 20 degrees.
Out: a `Ruling`: the page made upright at a working size, and a barrier mask in which the rules are closed lines.
What the lines enclose is docproc.form.boxes' subject.

A rule is thin, dark against the paper on both of its sides, and longer than a stroke of writing is straight. So the
paper's brightness, shadows and filled black areas never matter: a black-top-hat transform across the line leaves only
what is thin. Rules are followed as chains of short straight runs, so that they may bend with the paper; gaps between
collinear runs are bridged, and an end that stops just short of a crossing rule or of the image's edge is drawn on to
it. A loose end divides nothing, so strokes of writing that pass for a rule do no harm unless they span a box.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.upright import straighten
from docproc.geometry import Transform
from docproc.page import Gray, Ink

THICKEST_RULE_PX = 15  #: In the working image: 2.5 mm on A4.
GAP_PX = 5  #: Breaks inside one run that are closed without asking: a missing dot of a fine rule.
BRIDGE_PX = 90  #: Longest break between two collinear runs: writing that crosses a rule hides about this much.
BRIDGE_SHARE = 0.5  #: ... and as a share of the longer run: two strokes in a line are not a rule.
BRIDGE_OFF_PX = 3.0  #: How far two collinear runs may miss each other across a bridge.
REACH_SHARE = 0.08  #: An end is drawn on by this share of its run's length ...
REACH_PX = (4, 16)  #: ... but at least and at most this far.
EDGE_REACH_PX = 12  #: An end this near to the image's edge reaches it: scans fade out there.
EDGE_REACH_SHARE = 0.3  #: ... for this share of the run at most.
CORE_SHARE = 0.4  #: Of the darkest nearby across the line: the blurred flanks of a strong rule would thicken it.
NOISE_FACTOR = 4.0  #: Threshold in units of the page's own noise.


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """A page made upright at the working size, with the rules found on it."""

    gray: Gray  #: (H, W) the page, upright.
    rules: Ink  #: Ink of the rules, full thickness.
    barrier: Ink  #: The rules as closed lines, 1 to 2 px wide.
    sheet: Ink  #: 255 where the upright image shows the page, 0 in the corners that the turn added.
    page_from_upright: Transform  #: Pixels of the page as read from pixels of `gray`.


def find_ruling(gray: Gray) -> Ruling:
    """Turn a page upright and find its rules.

    Parameters
    ----------
    gray : (H, W) uint8
        The page as read.

    Returns
    -------
    Ruling
        Its images share one frame, whose long side is about WORKING_SIDE_PX.
    """
    upright = straighten(gray)
    sheet = upright.sheet
    across_ink, across = _rules_across(upright.gray, sheet)
    down_ink, down = (mask.T for mask in _rules_across(_transposed(upright.gray), _transposed(sheet)))
    barrier = cv2.bitwise_or(across, np.ascontiguousarray(down))
    _draw_on(barrier, across, np.ascontiguousarray(down), sheet)
    return Ruling(
        gray=upright.gray,
        rules=cv2.bitwise_or(across_ink, np.ascontiguousarray(down_ink)),
        barrier=barrier,
        sheet=sheet,
        page_from_upright=upright.page_from_upright,
    )


def _transposed(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(image.T)


def _rules_across(gray: Gray, sheet: Ink) -> tuple[Ink, Ink]:
    """Rules that run across: (their ink, their center lines with breaks bridged)."""
    thin = np.ones((THICKEST_RULE_PX, 1), np.uint8)
    dark = cv2.subtract(cv2.morphologyEx(gray, cv2.MORPH_CLOSE, thin, borderType=cv2.BORDER_REPLICATE), gray)
    dark &= cv2.erode(sheet, np.ones((5, 5), np.uint8), borderValue=255)
    runs = _runs(dark, CLEAR) | _runs(dark, FAINT)
    count, labels = cv2.connectedComponents(runs, connectivity=8, ltype=cv2.CV_32S)
    lines = np.zeros_like(gray)
    if count == 1:
        return lines, lines
    solid = cv2.dilate(dark, np.ones((3, 1), np.uint8))
    chains = [chain for chain in _chains(labels, count, dark) if _is_rule(chain, solid)]
    for xs, ys in chains:
        points = np.rint(np.stack([xs, ys], axis=1)).astype(np.int32)
        cv2.polylines(lines, [points.reshape(-1, 1, 2)], False, 255, 1)
    for first, second in _bridges(chains):
        cv2.line(lines, first, second, 255, 1)
    return cv2.bitwise_and(runs, cv2.dilate(lines, np.ones((THICKEST_RULE_PX, 1), np.uint8))), lines


@dataclass(frozen=True, slots=True)
class _Look:
    """One way to look for rules: short clear ones, or long faint ones."""

    smoothing_px: int  #: Averaging along the line before the threshold: lifts a rule out of the noise.
    cap: int  #: Gray levels beyond which darker counts no more, so that print does not outweigh the gaps beside it.
    contrast: float  #: Gray levels that the average must reach, whatever the noise.
    run_px: int  #: A straight run of this length makes a rule; strokes of writing and of print are shorter.


CLEAR = _Look(smoothing_px=5, cap=255, contrast=9.0, run_px=22)  #: 3.3 mm on A4: the side of a comb's box.
FAINT = _Look(smoothing_px=31, cap=31, contrast=3.0, run_px=70)


def _runs(dark: Gray, look: _Look) -> Ink:
    """Ink that lies in straight thin runs across the page."""
    smooth = cv2.blur(cv2.min(dark, look.cap) * (255 // look.cap), (look.smoothing_px, 1))
    sample = smooth[::5, ::7].astype(np.float32)
    middle = float(np.median(sample))
    noise = 1.48 * float(np.median(np.abs(sample - middle)))
    least = max(look.contrast * (255 // look.cap), middle + NOISE_FACTOR * noise)
    darkest = cv2.dilate(smooth, np.ones((THICKEST_RULE_PX, 1), np.uint8))
    core = (smooth > min(least, 200)) & (smooth > CORE_SHARE * darkest)
    # A line that leans crosses pixel rows: thickened by one row on each side, its runs overlap.
    ink = cv2.dilate(core.astype(np.uint8) * 255, np.ones((3, 1), np.uint8))
    ink = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, GAP_PX), np.uint8))
    # Lines of text and writing on a rule close up to bands thicker than any rule.
    ink = cv2.subtract(ink, cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((THICKEST_RULE_PX - 2, 1), np.uint8)))
    return cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, look.run_px), np.uint8))


KNOT_PX = 12  #: Center lines are drawn through one point in this many pixels.
MOST_SLOPE = 0.16  #: Of a run on the upright page: perspective and bent paper leave less, slanted strokes have more.
MOST_BEND_PX = 2.0  #: A run as short as a stroke may leave its own straight line by this much ...
SHORT_RUN_PX = 90  #: ... where it is shorter than this.
COVER_LEVEL = 0.4  #: Dark, along a run, is this share of its own median.
LEAST_COVER = 0.8  #: Share of a run's center line that is dark; a line of text shows paper between its letters.

Chain = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]  #: x and y of points along one run, x rising.


def _chains(labels: npt.NDArray[np.int32], count: int, weight: Gray) -> list[Chain]:
    """Center line of each labeled run: for every few columns the mean row, weighted by darkness."""
    rows, columns = np.nonzero(labels)
    label = labels[rows, columns].astype(np.int64)
    knots = labels.shape[1] // KNOT_PX + 1
    mass = weight[rows, columns].astype(np.float64) + 1e-3
    used, index = np.unique(label * knots + columns // KNOT_PX, return_inverse=True)
    total = np.bincount(index, mass)
    ys = np.bincount(index, mass * rows) / total
    xs = np.bincount(index, mass * columns) / total
    first = np.full(count, labels.shape[1])
    last = np.zeros(count, np.int64)
    np.minimum.at(first, label, columns)
    np.maximum.at(last, label, columns)
    bounds = np.searchsorted(used // knots, np.arange(1, count + 1))
    return [
        (
            np.concatenate([[float(first[n])], xs[start:stop], [float(last[n])]]),
            np.concatenate([ys[start : start + 1], ys[start:stop], ys[stop - 1 : stop]]),
        )
        for n, (start, stop) in enumerate(pairwise(bounds), 1)
    ]


def _is_rule(chain: Chain, dark: Gray) -> bool:
    """Whether a run is straight, level and unbroken enough for a rule."""
    x, y = chain
    length = x[-1] - x[0]
    slope = _slope(x, y)
    if abs(slope) > MOST_SLOPE:
        return False
    if length < SHORT_RUN_PX and np.abs(y - (y[0] + slope * (x - x[0]))).max() > MOST_BEND_PX:
        return False
    columns = np.arange(int(x[0]), int(x[-1]) + 1)
    profile = dark[np.rint(np.interp(columns, x, y)).astype(int), columns]
    return float((profile >= COVER_LEVEL * np.median(profile)).mean()) >= LEAST_COVER


def _slope(x: npt.NDArray, y: npt.NDArray) -> float:
    return float((y[-1] - y[0]) / max(x[-1] - x[0], 1.0))


def _bridges(chains: list[Chain]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of end points between collinear runs: each run's right end goes to the nearest run that continues it."""
    if len(chains) < 2:
        return []
    tail = np.array([(x[-1], y[-1], _slope(x[-11:], y[-11:]), x[-1] - x[0]) for x, y in chains])
    head = np.array([(x[0], y[0], _slope(x[:11], y[:11]), x[-1] - x[0]) for x, y in chains])
    order = np.argsort(head[:, 0])
    sorted_x = head[order, 0]
    bridges = []
    for x, y, slope, length in tail:
        near = order[np.searchsorted(sorted_x, x) : np.searchsorted(sorted_x, x + BRIDGE_PX)]
        if not len(near):
            continue
        gap = head[near, 0] - x
        off = np.abs(head[near, 1] - y - (slope + head[near, 2]) / 2 * gap)
        fits = (
            (gap < 2 * np.minimum(length, head[near, 3]))
            & (off < BRIDGE_OFF_PX)
            & (gap < BRIDGE_SHARE * np.maximum(length, head[near, 3]))
        )
        if fits.any():
            end = head[near[fits][int(gap[fits].argmin())]]
            bridges.append(((round(x), round(y)), (round(end[0]), round(end[1]))))
    return bridges


def _draw_on(barrier: Ink, across: Ink, down: Ink, sheet: Ink) -> None:
    """Draw loose ends on to the rule, or the image's edge, that they nearly reach. Changes `barrier`."""
    outside = cv2.bitwise_not(sheet)
    for lines, goal, transposed in ((across, down, False), (down, across, True)):
        own = _transposed(lines) if transposed else lines
        other = cv2.bitwise_or(goal, outside)
        other = _transposed(other) if transposed else other
        for start, stop in _reaches(own, other):
            (x0, y0), (x1, y1) = (start[::-1], stop[::-1]) if transposed else (start, stop)
            cv2.line(barrier, (x0, y0), (x1, y1), 255, 1)


def _reaches(lines: Ink, goal: Ink) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """For lines that run across: from each end, straight on, to the first goal pixel within reach."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    if count == 1:
        return []
    height, width = lines.shape
    rows, columns = np.nonzero(labels)
    order = np.lexsort((columns, labels[rows, columns]))
    rows, columns = rows[order], columns[order]
    bounds = np.searchsorted(labels[rows, columns], np.arange(1, count + 1))
    found: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for number in range(1, count):
        begin, end = int(bounds[number - 1]), int(bounds[number]) if number < count else len(rows)
        x, y = columns[begin:end].astype(np.float64), rows[begin:end].astype(np.float64)
        reach = int(np.clip(REACH_SHARE * stats[number, cv2.CC_STAT_WIDTH], *REACH_PX))
        for sign, part in ((-1, slice(None, 40)), (1, slice(-40, None))):
            slope = _slope(x[part], y[part]) if len(x) > 2 * CLEAR.run_px else 0.0
            x0, y0 = (x[0], y[0]) if sign < 0 else (x[-1], y[-1])
            to_edge = x0 if sign < 0 else width - 1 - x0
            at_edge = to_edge <= min(EDGE_REACH_PX, EDGE_REACH_SHARE * len(x))
            steps = np.arange(1, (EDGE_REACH_PX if at_edge else reach) + 1)
            xs = np.clip(x0 + sign * steps, 0, width - 1).astype(int)
            ys = np.clip(np.rint(y0 + sign * slope * steps), 0, height - 1).astype(int)
            # A 3 px wide look: a rule drawn one pixel wide can be slipped through on the diagonal.
            hit = goal[ys, xs] | goal[np.maximum(ys - 1, 0), xs] | goal[np.minimum(ys + 1, height - 1), xs]
            if at_edge:
                hit = hit | (xs == (0 if sign < 0 else width - 1))
            if hit.any():
                at = int(np.argmax(hit > 0))
                found.append(((int(x0), int(y0)), (int(xs[at]), int(ys[at]))))
    return found
