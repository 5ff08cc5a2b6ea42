"""Find printed rules: the straight or slightly bent lines that tables, boxes and combs are drawn with.

In:  one page image, gray, of any size and skew up to 20 degrees.
Out: a `Ruling`: the page made upright at a working size, and a barrier mask in which the rules are closed lines.
How the pieces of a rule are joined is docproc.form.joining's subject; what rules enclose, docproc.form.boxes'.

A rule is thin, dark against the paper on both of its sides, and longer than a stroke of writing is straight. So the
paper's brightness, shadows and filled black areas never matter: a black-top-hat transform across the line leaves only
what is thin. Rules are followed as chains of short straight runs, so that they may bend with the paper. A loose end
divides nothing, so strokes of writing that pass for a rule do no harm unless they span a box.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.joining import Chain, joined, loose_ends_drawn_on, slope_of, with_long_ends
from docproc.form.strokes import without_strokes
from docproc.form.upright import straighten
from docproc.geometry import Transform
from docproc.page import Gray, Ink

THICKEST_RULE_PX = 19  #: In the working image: 2.8 mm on A4. Rules up to about 15 px are followed.
PAPER_WINDOW_PX = 44  #: In the working image: wider than a stroke, narrower than a shadow's edge.
PAPER_SCALE = 0.25  #: The paper's brightness is found at this size.
BLACK_SHARE = 0.5  #: Of the paper's brightness: printed black is darker, gray shading is brighter.
GAP_PX = 5  #: Breaks inside one run that are closed without asking: a missing dot of a fine rule.
CORE_SHARE = 0.4  #: Of the darkest nearby across the line: the blurred flanks of a strong rule would thicken it.
FLANK_PX = 9  #: Nearby: wider than a blurred edge, so that a pale rule beside a pen stroke keeps its place.
NOISE_FACTOR = 4.0  #: Threshold in units of the page's own noise.
KNOT_PX = 12  #: Center lines are drawn through one point in this many pixels.
MOST_SLOPE = 0.16  #: Of a run on the upright page: perspective and bent paper leave less, slanted strokes have more.
MOST_BEND_PX = 2.0  #: A run as short as a stroke may leave its own straight line by this much ...
SHORT_RUN_PX = 90  #: ... where it is shorter than this.
COVER_LEVEL = 0.4  #: Dark, along a run, is this share of its own median.
LEAST_COVER = 0.8  #: Share of a run's center line that is dark; a line of text shows paper between its letters.


@dataclass(frozen=True, slots=True)
class _Look:
    """One way to look for rules: short clear ones, or long faint ones."""

    smoothing_px: int  #: Averaging along the line before the threshold: lifts a rule out of the noise.
    cap: int  #: Gray levels beyond which darker counts no more, so that print does not outweigh the gaps beside it.
    contrast: float  #: Gray levels that the average must reach, whatever the noise.
    run_px: int  #: A straight run of this length makes a rule; strokes of writing and of print are shorter.


CLEAR = _Look(smoothing_px=5, cap=255, contrast=9.0, run_px=22)  #: 3.3 mm on A4: the side of a comb's box.
FAINT = _Look(smoothing_px=31, cap=31, contrast=3.0, run_px=70)


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """A page made upright at the working size, with the rules found on it."""

    gray: Gray  #: (H, W) the page, upright.
    rules: Ink  #: Ink of the rules, full thickness.
    barrier: Ink  #: The rules as closed lines, 1 to 2 px wide.
    depth: Gray  #: How much darker each pixel is than the paper around it.
    filled: Ink  #: Areas filled with black: bars that close off boxes beside them.
    sheet: Ink  #: 255 where the upright image shows the page, 0 in the corners that the turn added.
    page_from_upright: Transform  #: Pixels of the page as read from pixels of `gray`.


def find_ruling(gray: Gray, *, blank: bool = False) -> Ruling:
    """Turn a page upright and find its rules.

    Parameters
    ----------
    gray : (H, W) uint8
        The page as read.
    blank : bool
        Nothing is written on it: no piece of a rule is taken for a stroke.

    Returns
    -------
    Ruling
        Its images share one frame, whose long side is about WORKING_SIDE_PX.
    """
    upright = straighten(gray)
    sheet = upright.sheet
    depth = _depth(upright.gray) & sheet
    depth_down, sheet_down = _transposed(depth), _transposed(sheet)
    across = _pieces_across(upright.gray, sheet)
    down = _pieces_across(_transposed(upright.gray), sheet_down)
    chains_across, chains_down = joined(across.chains, depth), joined(down.chains, depth_down)
    rules_across, rules_down = chains_across, chains_down
    if not blank:
        rules_across = without_strokes(chains_across, across.dark, chains_down, down.dark)
        rules_down = without_strokes(chains_down, down.dark, chains_across, across.dark)
    lines_across, lines_down = _drawn(rules_across, sheet), _drawn(rules_down, sheet_down)
    goal_across = cv2.bitwise_or(with_long_ends(lines_across, rules_across), cv2.bitwise_not(sheet))
    goal_down = cv2.bitwise_or(with_long_ends(lines_down, rules_down), cv2.bitwise_not(sheet_down))
    closed_across = loose_ends_drawn_on(lines_across, rules_across, depth, _transposed(goal_down))
    closed_down = loose_ends_drawn_on(lines_down, rules_down, depth_down, _transposed(goal_across))
    thick = np.ones((THICKEST_RULE_PX, 1), np.uint8)
    ink_across = across.runs & cv2.dilate(lines_across, thick)
    ink_down = down.runs & cv2.dilate(lines_down, thick)
    return Ruling(
        gray=upright.gray,
        rules=cv2.bitwise_or(ink_across, _transposed(ink_down)),
        barrier=cv2.bitwise_or(closed_across, _transposed(closed_down)),
        depth=depth,
        filled=_filled(upright.gray),
        sheet=sheet,
        page_from_upright=upright.page_from_upright,
    )


def _depth(gray: Gray) -> Gray:
    extent = (math.ceil(gray.shape[1] * PAPER_SCALE), math.ceil(gray.shape[0] * PAPER_SCALE))
    small = cv2.resize(gray, extent, interpolation=cv2.INTER_AREA)
    side = round(PAPER_WINDOW_PX * PAPER_SCALE)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE)
    paper = cv2.resize(cv2.blur(paper, (5, 5)), (gray.shape[1], gray.shape[0]), interpolation=cv2.INTER_LINEAR)
    return cv2.subtract(paper, gray)


def _filled(gray: Gray) -> Ink:
    """255 in black areas that are thicker than any rule."""
    black = (gray < BLACK_SHARE * float(np.median(gray[::5, ::5]))).astype(np.uint8) * 255
    return cv2.morphologyEx(black, cv2.MORPH_OPEN, np.ones((THICKEST_RULE_PX, THICKEST_RULE_PX), np.uint8))


def _transposed(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(image.T)


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """What may be pieces of rules, of one direction, which runs across."""

    chains: list[Chain]
    runs: Ink  #: Their ink, full thickness.
    dark: Gray  #: How much darker each pixel is than what lies above and below it.


def _pieces_across(gray: Gray, sheet: Ink) -> _Pieces:
    thin = np.ones((THICKEST_RULE_PX, 1), np.uint8)
    dark = cv2.subtract(cv2.morphologyEx(gray, cv2.MORPH_CLOSE, thin, borderType=cv2.BORDER_REPLICATE), gray)
    dark &= cv2.erode(sheet, np.ones((5, 5), np.uint8), borderValue=255)
    solid = cv2.dilate(dark, np.ones((3, 1), np.uint8))
    clear = _runs(dark, CLEAR)
    faint = cv2.subtract(_runs(dark, FAINT), cv2.dilate(clear, np.ones((7, 1), np.uint8)))
    faint = cv2.morphologyEx(faint, cv2.MORPH_OPEN, np.ones((1, CLEAR.run_px), np.uint8))
    found = [_as_rule(chain, solid) for part in (clear, faint) for chain in _chains(part, dark)]
    return _Pieces(chains=[chain for chain in found if chain is not None], runs=clear | faint, dark=dark)


def _drawn(rules: list[Chain], sheet: Ink) -> Ink:
    lines = np.zeros_like(sheet)
    for xs, ys in rules:
        points = np.rint(np.stack([xs, ys], axis=1)).astype(np.int32)
        cv2.polylines(lines, [points.reshape(-1, 1, 2)], False, 255, 1)
    return lines


def _runs(dark: Gray, look: _Look) -> Ink:
    """Ink that lies in straight thin runs across the page."""
    smooth = cv2.blur(cv2.min(dark, look.cap) * (255 // look.cap), (look.smoothing_px, 1))
    sample = smooth[::5, ::7].astype(np.float32)
    middle = float(np.median(sample))
    noise = 1.48 * float(np.median(np.abs(sample - middle)))
    least = max(look.contrast * (255 // look.cap), middle + NOISE_FACTOR * noise)
    darkest = cv2.dilate(smooth, np.ones((FLANK_PX, 1), np.uint8))
    core = (smooth > min(least, 200)) & (smooth > CORE_SHARE * darkest)
    # A line that leans crosses pixel rows: thickened by one row on each side, its runs overlap.
    ink = cv2.dilate(core.astype(np.uint8) * 255, np.ones((3, 1), np.uint8))
    ink = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, GAP_PX), np.uint8))
    # Lines of text and writing on a rule close up to bands thicker than any rule.
    ink = cv2.subtract(ink, cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((THICKEST_RULE_PX - 2, 1), np.uint8)))
    return cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, look.run_px), np.uint8))


def _chains(runs: Ink, weight: Gray) -> list[Chain]:
    """Center line of each run: for every few columns the mean row, weighted by darkness."""
    count, labels = cv2.connectedComponents(runs, connectivity=8, ltype=cv2.CV_32S)
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


def _as_rule(chain: Chain, dark: Gray) -> Chain | None:
    """The dark part of a run, or None where it is not straight, level and unbroken enough for a rule."""
    x, y = chain
    columns = np.arange(int(x[0]), int(x[-1]) + 1)
    rows = np.interp(columns, x, y)
    profile = dark[np.rint(rows).astype(int), columns]
    covered = profile >= COVER_LEVEL * np.median(profile)
    # Averaging along the line has drawn its ends out over the paper.
    first, last = int(covered.argmax()), len(covered) - 1 - int(covered[::-1].argmax())
    if last - first < CLEAR.run_px // 2 or float(covered[first : last + 1].mean()) < LEAST_COVER:
        return None
    inner = (x > columns[first]) & (x < columns[last])
    x = np.concatenate([[columns[first]], x[inner], [columns[last]]]).astype(np.float64)
    y = np.concatenate([[rows[first]], y[inner], [rows[last]]])
    slope = slope_of(x, y)
    if abs(slope) > MOST_SLOPE:
        return None
    if x[-1] - x[0] < SHORT_RUN_PX and np.abs(y - (y[0] + slope * (x - x[0]))).max() > MOST_BEND_PX:
        return None
    return x, y
