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

from docproc.geometry import Transform
from docproc.page import Gray, Ink

WORKING_SIDE_PX = 2000  #: Long side that large pages are reduced to: 170 dpi for A4, where a 0.1 mm rule still shows.
SMALL_SIDE_PX = (
    1000  #: Pages below this are doubled, so that rules of 1 px can be followed and cells of 14 px parted.
)
SKEW_SIDE_PX = 1000  #: The skew is measured at this size: fine enough for 0.1 degree over a quarter of the page.
MAX_SKEW_DEG = 20.0  #: Lines that lean more than this belong to neither direction of the ruling.
LEAST_SKEW_DEG = 0.15  #: Below this a page is left alone: resampling costs more sharpness than it mends.
THICKEST_RULE_PX = 15  #: In the working image: 2.5 mm on A4.
RUN_PX = 22  #: A rule holds a straight run of this length; 3.3 mm on A4.
SMOOTHING_PX = 5  #: Averaging along the line before the threshold: lifts faint rules out of the noise.
GAP_PX = 5  #: Breaks inside one run that are closed without asking: a missing dot of a fine rule.
BRIDGE_PX = 90  #: Longest break between two collinear runs: writing that crosses a rule hides about this much.
BRIDGE_SHARE = 0.5  #: ... and as a share of the longer run: two strokes in a line are not a rule.
BRIDGE_OFF_PX = 3.0  #: How far two collinear runs may miss each other across a bridge.
REACH_SHARE = 0.08  #: An end is drawn on by this share of its run's length ...
REACH_PX = (4, 16)  #: ... but at least and at most this far.
EDGE_REACH_PX = 12  #: An end this near to the image's edge reaches it: scans fade out there.
EDGE_REACH_SHARE = 0.3  #: ... for this share of the run at most.
LEAST_CONTRAST = 9.0  #: Gray levels, after smoothing; JPEG noise stays below.
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
    upright, sheet, page_from_upright = _upright(gray)
    across_ink, across = _rules_across(upright, sheet)
    down_ink, down = (mask.T for mask in _rules_across(_transposed(upright), _transposed(sheet)))
    barrier = cv2.bitwise_or(across, np.ascontiguousarray(down))
    _draw_on(barrier, across, np.ascontiguousarray(down), sheet)
    return Ruling(
        gray=upright,
        rules=cv2.bitwise_or(across_ink, np.ascontiguousarray(down_ink)),
        barrier=barrier,
        sheet=sheet,
        page_from_upright=page_from_upright,
    )


def measure_skew(gray: Gray) -> tuple[float, float]:
    """How far the lines of a page lean, in degrees: (those across the page, those down the page).

    Positive leans clockwise. The two differ on photographs taken at a slant. Line segments (LSD [1]_) vote by
    their length; text lines vote too, through the rules and edges that are longest. 0 where nothing is straight.

    References
    ----------
    .. [1] R. Grompone von Gioi, J. Jakubowicz, J.-M. Morel, G. Randall, "LSD: a Line Segment Detector",
       Image Processing On Line 2, 2012, pp. 35-55.
    """
    side = max(gray.shape)
    if side > SKEW_SIDE_PX:
        factor = SKEW_SIDE_PX / side
        gray = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    found = cv2.createLineSegmentDetector().detect(gray)[0]
    if found is None:
        return 0.0, 0.0
    ends = found.reshape(-1, 4).astype(np.float64)
    run = ends[:, 2:] - ends[:, :2]
    length = np.hypot(run[:, 0], run[:, 1])
    angle = np.degrees(np.arctan2(run[:, 1], run[:, 0]))
    across = _dominant((angle + 90) % 180 - 90, length)
    down = _dominant(angle % 180 - 90, length)
    if across is None and down is None:
        return 0.0, 0.0
    across = down if across is None else across
    down = across if down is None else down
    assert across is not None
    assert down is not None
    return across, down


LEAST_SEGMENT_PX = 25  #: Shorter segments are strokes of text; they lean as they like.
PEAK_DEG = 0.75  #: Half width of the window that is averaged around the most voted angle.


def _dominant(angle_deg: npt.NDArray, length_px: npt.NDArray) -> float | None:
    """The angle that most of the length agrees on, or None without any."""
    keep = (np.abs(angle_deg) < MAX_SKEW_DEG) & (length_px >= LEAST_SEGMENT_PX)
    if not keep.any():
        return None
    angle_deg, votes = angle_deg[keep], length_px[keep] ** 1.5
    counts, edges = np.histogram(angle_deg, bins=np.arange(-MAX_SKEW_DEG, MAX_SKEW_DEG + 0.25, 0.25), weights=votes)
    peak = edges[int(np.convolve(counts, np.ones(5), "same").argmax())] + 0.125
    near = np.abs(angle_deg - peak) < PEAK_DEG
    return float(np.average(angle_deg[near], weights=votes[near])) if near.any() else float(peak)


def _upright(gray: Gray) -> tuple[Gray, Ink, Transform]:
    height, width = gray.shape
    across, down = np.radians(measure_skew(gray))
    side = max(height, width)
    scale = WORKING_SIDE_PX / side if side > WORKING_SIDE_PX else 2.0 if side < SMALL_SIDE_PX else 1.0
    if max(abs(across), abs(down)) < np.radians(LEAST_SKEW_DEG):
        across = down = 0.0
    # Columns: where one step right and one step down of the upright frame lead on the page.
    page_from_upright = np.array(
        [[np.cos(across), -np.sin(down), 0], [np.sin(across), np.cos(down), 0], [0, 0, scale]], np.float64
    )
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    seen = Transform.of(page_from_upright).inverse() @ corners
    origin = seen.min(axis=0)
    size = np.ceil(seen.max(axis=0) - origin).astype(int)
    chart = Transform.of(page_from_upright) @ Transform.translation(float(origin[0]), float(origin[1]))
    # Half a pixel: pixel centers stand at whole numbers in both frames.
    chart = Transform.translation(-0.5, -0.5) @ chart @ Transform.translation(0.5, 0.5)
    if scale < 1:
        shrunk = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        factor = Transform.translation(0.5, 0.5) @ chart
        source_from_upright = (
            Transform.translation(-0.5, -0.5)
            @ Transform.scaling(shrunk.shape[1] / width, shrunk.shape[0] / height)
            @ factor
        )
    else:
        shrunk, source_from_upright = gray, chart
    extent = (int(size[0]), int(size[1]))
    if scale == 1 and across == 0 and down == 0:
        return gray, np.full_like(gray, 255), Transform.identity()
    flags = (cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    upright = cv2.warpPerspective(
        shrunk, source_from_upright.matrix, extent, flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    sheet = np.full_like(upright, 255)
    if across or down:
        sheet = cv2.warpPerspective(
            np.full_like(shrunk, 255),
            source_from_upright.matrix,
            extent,
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        )
    return upright, sheet, chart


def _transposed(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(image.T)


def _rules_across(gray: Gray, sheet: Ink) -> tuple[Ink, Ink]:
    """Rules that run across: (their ink, their center lines with breaks bridged)."""
    thin = np.ones((THICKEST_RULE_PX, 1), np.uint8)
    dark = cv2.subtract(cv2.morphologyEx(gray, cv2.MORPH_CLOSE, thin, borderType=cv2.BORDER_REPLICATE), gray)
    dark &= cv2.erode(sheet, np.ones((5, 5), np.uint8), borderValue=255)
    smooth = cv2.blur(dark, (SMOOTHING_PX, 1))
    noise = float(np.median(smooth[::7, ::7])) * 1.48
    least = max(LEAST_CONTRAST, NOISE_FACTOR * noise)
    # A line that leans crosses pixel rows: thickened by one row on each side, its runs overlap.
    darkest = cv2.dilate(smooth, thin)
    core = (smooth > least) & (smooth > CORE_SHARE * darkest)
    ink = cv2.dilate(core.astype(np.uint8) * 255, np.ones((3, 1), np.uint8))
    ink = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, GAP_PX), np.uint8))
    # Lines of text and writing on a rule close up to bands thicker than any rule.
    ink = cv2.subtract(ink, cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((THICKEST_RULE_PX - 2, 1), np.uint8)))
    runs = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, RUN_PX), np.uint8))
    count, labels = cv2.connectedComponents(runs, connectivity=8, ltype=cv2.CV_32S)
    lines = np.zeros_like(gray)
    if count == 1:
        return lines, lines
    solid = cv2.dilate(dark, np.ones((3, 1), np.uint8)) > least
    chains = [chain for chain in _chains(labels, count, dark) if _is_rule(chain, solid)]
    for xs, ys in chains:
        points = np.rint(np.stack([xs, ys], axis=1)).astype(np.int32)
        cv2.polylines(lines, [points.reshape(-1, 1, 2)], False, 255, 1)
    for first, second in _bridges(chains):
        cv2.line(lines, first, second, 255, 1)
    return cv2.bitwise_and(runs, cv2.dilate(lines, np.ones((THICKEST_RULE_PX, 1), np.uint8))), lines


KNOT_PX = 12  #: Center lines are drawn through one point in this many pixels.
MOST_SLOPE = 0.16  #: Of a run on the upright page: perspective and bent paper leave less, slanted strokes have more.
MOST_BEND_PX = 2.0  #: A run as short as a stroke may leave its own straight line by this much ...
SHORT_RUN_PX = 90  #: ... where it is shorter than this.
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


def _is_rule(chain: Chain, solid: npt.NDArray[np.bool_]) -> bool:
    """Whether a run is straight, level and unbroken enough for a rule."""
    x, y = chain
    length = x[-1] - x[0]
    slope = _slope(x, y)
    if abs(slope) > MOST_SLOPE:
        return False
    if length < SHORT_RUN_PX and np.abs(y - (y[0] + slope * (x - x[0]))).max() > MOST_BEND_PX:
        return False
    columns = np.arange(int(x[0]), int(x[-1]) + 1)
    return float(solid[np.rint(np.interp(columns, x, y)).astype(int), columns].mean()) >= LEAST_COVER


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
            slope = _slope(x[part], y[part]) if len(x) > 2 * RUN_PX else 0.0
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
