"""Remove printed rules from a field's ink, without cutting the strokes that cross them.

In:  the ink mask of one field image, and where its printed lines are expected.
Out: the mask without those lines.
The lines are followed piece by piece, since paper bends and registration is right to a few tenths of a millimeter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.histogram import percentile_of_sorted
from docproc.page import Mask

REACH = 0.14  #: Of the box's height: how far from its expected place a printed line is looked for.
LEAST_COVER_ACROSS = 0.60  #: Share of a piece that must be ink to be a horizontal line; the rest may be broken.
LEAST_COVER_DOWN = 0.84  #: The same for a vertical one, higher: a handwritten 1 covers up to 70 % of a cell.
TOOTH_REACH = 0.3  #: Of a cell's width: how far from its even place the line between two cells is looked for.
ONE_LINE = 0.04  #: Of the cells' height: cells further apart have each their own line.
NEAR = 0.06  #: Of the box's height: a vertical line this close to its place may be broken,
LEAST_COVER_NEAR = 0.55  #: down to this share of ink: nobody writes a 1 on the line between two cells.
LEAST_LINES = 0.5  #: Share of a level line's pieces, or of a field's upright lines, that must be seen to be removed.
THICKEST = 0.16  #: Of the box's height: a thicker band is a filled area, not a line.
STROKE_MARGIN_PX = 2  #: Ink that reaches further than this beyond a line, on both sides, is a stroke crossing it.


@dataclass(frozen=True, slots=True)
class Rule:
    """A piece of a printed line that was found: along its own direction, and across it."""

    start_px: int
    stop_px: int
    position_px: float  #: Across: row of a horizontal line, column of a vertical one.
    thickness_px: int


def snap_cells(mask: Mask, cells_px: Sequence[Box]) -> tuple[Box, ...]:
    """The cells of a comb with their sides moved onto the printed lines between them.

    Combs are printed evenly and photographed unevenly. A line between two cells is looked for as far as
    `TOOTH_REACH` of a cell's width to both sides; where none is clear the side stays.
    """
    if len(cells_px) < 2:
        return tuple(cells_px)
    gaps = [right.left - left.right for left, right in pairwise(cells_px)]
    cells = list(cells_px)
    columns: dict[tuple[float, float], Rows] = {}  # by where they begin and end: of one comb, all the same
    for number, (left, right) in enumerate(pairwise(cells_px)):
        if gaps[number] > ONE_LINE * left.height:
            continue
        expected = (left.right + right.left) / 2
        ends = (left.top, left.bottom)
        if ends not in columns:
            columns[ends] = rows_of(_transposed(mask), ends)
        reach = max(round(TOOTH_REACH * left.width), 3)
        thickest = max(round(THICKEST * left.height), 3)
        for rule in find_rule(columns[ends], expected, reach, thickest, LEAST_COVER_DOWN):
            cells[number] = replace(cells[number], width=rule.position_px - cells[number].left)
            moved = rule.position_px - right.left
            cells[number + 1] = Box(rule.position_px, right.top, right.width - moved, right.height)
    return tuple(cells)


def remove_rules(mask: Mask, *, box_px: Box, cells_px: Sequence[Box]) -> Mask:
    """The ink without the printed lines around a field's box and between its cells.

    A line's own pixels go; where a stroke crosses it the stroke stays whole, where a stroke ends on it the
    stroke ends there (run-length rule removal, after K. Franke et al. and the NIST form-based system).

    Parameters
    ----------
    mask : (H, W) bool
    box_px : Box
        The field's printed box, in this image.
    cells_px : sequence of Box
        Its cells' boxes.

    Returns
    -------
    (H, W) bool
    """
    clean = mask.copy()
    reach = max(round(REACH * box_px.height), 3)
    near = max(round(NEAR * box_px.height), 2)
    thickest = max(round(THICKEST * box_px.height), 3)
    rows = _distinct([edge for cell in cells_px for edge in (cell.top, cell.bottom)], apart=near)
    columns = _distinct([edge for cell in cells_px for edge in (cell.left, cell.right)], apart=near)
    pieces = max(round(box_px.width / max(box_px.height, 1.0)), 1)
    level = rows_of(mask, np.linspace(box_px.left, box_px.right, pieces + 1).tolist())
    upright = rows_of(_transposed(mask), (box_px.top, box_px.bottom))
    # Both directions are judged on the untouched mask: removing one line must not break the evidence for another.
    across = [find_rule(level, row, _free_reach(row, rows, reach), thickest, LEAST_COVER_ACROSS) for row in rows]
    down = [
        # A broken line is believed only where the template says that it is.
        find_rule(upright, column, _free_reach(column, columns, reach), thickest, LEAST_COVER_DOWN)
        or find_rule(upright, column, near, thickest // 2, LEAST_COVER_NEAR)
        for column in columns
    ]
    # One form prints its lines alike, and from end to end: where most of them are too pale to be ink, what looks
    # like a piece of one is a stroke: the stem of a 9, the feet of three zeros.
    for rules in across:
        if len(rules) >= LEAST_LINES * pieces:
            for rule in rules:
                erase_rule(clean, rule, evidence=mask)
    if sum(bool(rules) for rules in down) >= LEAST_LINES * len(columns):
        turned = _transposed(clean)
        for rule in (rule for rules in down for rule in rules):
            erase_rule(turned, rule, evidence=upright.mask)
        clean = _transposed(turned)
    return clean


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A mask, and how much of each of its rows is ink, piece by piece."""

    mask: Mask
    pieces: tuple[tuple[int, int], ...]  #: First column, and the one behind the last.
    own: npt.NDArray[np.float64]  #: (H, pieces) share of the piece that is ink,
    cover: npt.NDArray[np.float64]  #: and that is ink in this row or in one beside it: lines climb by a pixel.


def rows_of(mask: Mask, knots: Sequence[float]) -> Rows:
    """The rows of a mask, in pieces between each two neighboring `knots`."""
    width = mask.shape[1]
    pieces = tuple((max(round(start), 0), min(round(stop), width)) for start, stop in pairwise(knots))
    ink = mask.view(np.uint8)
    thick = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    own, cover = (
        np.column_stack([_counted(one[:, first:last]) / max(last - first, 1) for first, last in pieces])
        for one in (ink, thick)
    )
    return Rows(mask, pieces, own, cover)


def _counted(piece: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Ones in each row."""
    if piece.shape[1] == 0:
        return np.zeros(piece.shape[0], np.int32)
    return cv2.reduce(piece, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()


def find_rule(rows: Rows, expected: float, reach: int, thickest: int, least_cover: float) -> list[Rule]:
    """Pieces of a horizontal line near row `expected`, one for each piece of the rows at most.

    The first and the last piece go on to the image's edges, as printed lines do. For vertical lines turn the mask.
    """
    height, width = rows.mask.shape
    top, bottom = max(round(expected) - reach, 0), min(round(expected) + reach + 1, height)
    if bottom - top < 3:
        return []
    band = slice(top, bottom)
    away = np.abs(np.arange(top, bottom) - expected)
    found = []
    for number, (first, last) in enumerate(rows.pieces):
        if last - first < 3:
            continue
        cover = rows.cover[band, number]
        best = float(cover.max())
        if best < least_cover:
            continue
        # Of the rows that see as much of the line, the one that lies in it; of those, the nearest.
        own = np.where(cover >= best - 0.03, rows.own[band, number], -1.0)
        row = top + int(np.where(own >= own.max() - 0.03, away, np.inf).argmin())
        above, below = _runs(rows.mask[:, first:last], row, limit=2 * thickest)
        seen = above + below > 0
        if not seen.any():
            continue
        thickness = int(percentile_of_sorted(np.sort(above[seen] + below[seen]), 40))
        if thickness > thickest:
            continue
        middle = row + percentile_of_sorted(np.sort(below[seen] - above[seen]), 50) / 2
        found.append(
            Rule(
                start_px=0 if number == 0 else first,
                stop_px=width if number == len(rows.pieces) - 1 else last,
                position_px=middle,
                thickness_px=max(thickness, 1),
            )
        )
    return found


def erase_rule(clean: Mask, rule: Rule, *, evidence: Mask) -> None:
    """Clear a horizontal line's pixels in `clean`, in place; `evidence` is the ink before anything was removed."""
    row = min(max(round(rule.position_px), 0), evidence.shape[0] - 1)
    columns = slice(rule.start_px, rule.stop_px)
    half = rule.thickness_px / 2 + 1
    longest = rule.thickness_px * 1.5 + 1
    # No run is followed farther than it could matter: a longer one is a stroke, however long it is.
    limit = math.ceil(max(longest, half + STROKE_MARGIN_PX)) + 1
    near = slice(max(row - limit, 0), row + limit)
    part, row = evidence[near, columns], row - near.start
    above, below = _runs(part, row, limit=limit)
    pure = above + below <= longest
    crosses = (above > half + STROKE_MARGIN_PX) & (below > half + STROKE_MARGIN_PX)
    rows = np.arange(part.shape[0])[:, np.newaxis]
    whole_run = (rows > row - above - 1) & (rows < row + below + 1)
    line_zone = np.abs(rows + near.start - rule.position_px) <= half
    gone = np.where(pure, whole_run | line_zone, line_zone & ~crosses)
    clean[near, columns] &= ~gone


def _runs(part: Mask, row: int, *, limit: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Ink from `row` upwards (without it) and downwards (with it), unbroken, in each column."""
    height = part.shape[0]
    upper = part[max(row - limit, 0) : row][::-1]
    lower = part[row : min(row + limit, height)]
    above, below = _leading(upper), _leading(lower)
    return above, below


def _leading(rows: Mask) -> npt.NDArray[np.intp]:
    """Number of True before the first False, down each column."""
    if rows.shape[0] == 0:
        return np.zeros(rows.shape[1], np.intp)
    first = rows.argmin(axis=0)
    return first + rows.shape[0] * (
        rows[0] & (first == 0)
    )  # of nothing but True, the first that is least is the first


def _transposed(mask: Mask) -> Mask:
    return cv2.transpose(mask.view(np.uint8)).view(np.bool_)


def _free_reach(place: float, places: Sequence[float], reach: int) -> int:
    """How far to look for a line without taking its neighbor's."""
    others = [abs(other - place) for other in places if other != place]
    return max(min([reach, *(int(distance / 2) for distance in others)]), 2)


def _distinct(values: Sequence[float], *, apart: float) -> list[float]:
    """Values in order, those closer than `apart` to the one before left out."""
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > apart:
            kept.append(value)
    return kept
