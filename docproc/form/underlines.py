"""Find lines to write on: rules that close no box off, rows of dots, and open combs, rules with teeth that stand up.

In:  the print of a blank page, and the sides of its boxes.
Out: `Underline`s: the free paper above each line, and of an open comb its cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.page import Ink, Mask

# Lengths in mm on paper.
LINE = 12.0  #: Shortest line that is written on,
COMB = 8.0  #: and shortest open comb.
THICKEST = 1.2  #: A thicker bar is no line.
HEIGHT = (4.0, 7.0)  #: Free paper above a line: least, and as much as is taken for the field.
UNDER_PRINT = 0.4  #: Above the middle of a line: its own blur.
HANGING = 1.5  #: A side that goes on so far below an end makes the line the upper side of a frame.
DOT = 1.0  #: Largest dot of a dotted line,
DOT_GAP = 2.5  #: and the widest gap between two.
TOOTH = 1.0  #: Shortest tooth of an open comb.
PITCH = (3.0, 12.0)  #: From tooth to tooth.
UNEVEN = 0.15  #: Share of the pitch by which teeth may stand off their even places.
BOX_SIDE = 0.3  #: Share of a line along a box's side from which it is that side.


@dataclass(frozen=True, slots=True)
class Underline:
    """A place to write, in pixels."""

    box_px: Box
    cells_px: tuple[Box, ...] = ()  #: Of an open comb, left to right.


def find_underlines(ink: Ink, edges: Ink, px_per_mm: float) -> list[Underline]:
    """Lines to write on.

    Parameters
    ----------
    ink : (H, W) uint8
        255 where something is printed.
    edges : (H, W) uint8
        255 along the sides of all boxes.
    """
    found: list[Underline] = []
    for lines, has_teeth in ((_rules(ink, px_per_mm), True), (_dotted(ink, px_per_mm), False)):
        _, _, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
        for left, top, width, height, _ in stats[1:].tolist():
            box = Box(left, top, width, height)
            if _part(edges, box).mean() > BOX_SIDE * 255 or _hangs(ink, box, px_per_mm):
                continue
            comb = _comb(ink, box, px_per_mm) if has_teeth else None
            if comb is not None:
                found.append(comb)
                continue
            free = _free_above(ink, box, px_per_mm)
            if width >= LINE * px_per_mm and free >= HEIGHT[0] * px_per_mm:
                lift = UNDER_PRINT * px_per_mm + free
                found.append(Underline(Box(left, top - lift, width, lift + height / 2)))
    return found


def _rules(ink: Ink, px_per_mm: float) -> Ink:
    level = cv2.morphologyEx(
        cv2.dilate(ink, np.ones((3, 1), np.uint8)), cv2.MORPH_OPEN, np.ones((1, round(COMB * px_per_mm)), np.uint8)
    )
    bars = cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((max(round(THICKEST * px_per_mm), 4), 1), np.uint8))
    return cv2.subtract(level, bars)


def _dotted(ink: Ink, px_per_mm: float) -> Ink:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    dot = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) <= max(DOT * px_per_mm, 2)
    dot[0] = False  # paper
    dots = dot[labels].astype(np.uint8) * 255
    joined = cv2.morphologyEx(dots, cv2.MORPH_CLOSE, np.ones((1, round(DOT_GAP * px_per_mm)), np.uint8))
    return cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, round(LINE * px_per_mm)), np.uint8))


def _hangs(ink: Ink, line: Box, px_per_mm: float) -> bool:
    """Whether a side goes down from one of a line's ends."""
    below = Box(line.left, line.bottom + UNDER_PRINT * px_per_mm, line.width, (HANGING - UNDER_PRINT) * px_per_mm)
    ends = (
        Box(line.left - px_per_mm, below.top, 2 * px_per_mm, below.height),
        Box(line.right - px_per_mm, below.top, 2 * px_per_mm, below.height),
    )
    return any(bool(part.max(axis=1, initial=0).all()) for end in ends if (part := _part(ink, end)).size)


def _free_above(ink: Ink, line: Box, px_per_mm: float, *, but: Mask | None = None) -> float:
    """Rows free of print above a line, those of its own blur apart; columns in `but` are not looked at."""
    most = round(HEIGHT[1] * px_per_mm)
    bottom = max(round(line.top - UNDER_PRINT * px_per_mm), 0)
    above = ink[max(bottom - most, 0) : bottom, round(line.left) : round(line.right)][::-1] > 0
    inset = min(round(0.5 * px_per_mm), above.shape[1] // 4)
    looked_at = np.ones(above.shape[1], np.bool_) if but is None else ~but
    looked_at[:inset] = looked_at[above.shape[1] - inset :] = False
    printed = np.flatnonzero(above[:, looked_at].max(axis=1, initial=False))
    return float(printed[0]) if len(printed) else float(len(above))


def _comb(ink: Ink, line: Box, px_per_mm: float) -> Underline | None:
    """The open comb that a line is the foot of."""
    teeth, tall = _teeth(ink, line, px_per_mm)
    if len(teeth) < 2:
        return None
    # Its outer teeth may be missing: then the ends of the line are the sides of the outer cells.
    pitch = float(np.median(np.diff(teeth)))
    sides = list(teeth)
    for end, at in ((line.left, 0), (line.right - 1, len(sides))):
        if abs(end - sides[-1 if at else 0]) > 0.5 * pitch:
            sides.insert(at, end)
    if len(sides) < 3 or not PITCH[0] * px_per_mm <= pitch <= PITCH[1] * px_per_mm:
        return None
    places = np.round((np.array(sides) - sides[0]) / pitch)
    off = np.abs((np.array(sides) - sides[0]) - places * pitch)
    if len(np.unique(places)) < len(places) or off.max() > UNEVEN * pitch or len(places) < 0.7 * (places[-1] + 1):
        return None
    columns = np.zeros(round(line.right) - round(line.left), np.bool_)
    for tooth in teeth:
        at = round(tooth - line.left)
        columns[max(at - round(0.5 * px_per_mm), 0) : at + round(0.5 * px_per_mm) + 1] = True
    height = max(_free_above(ink, line, px_per_mm, but=columns) + UNDER_PRINT * px_per_mm, tall)
    if height < HEIGHT[0] * px_per_mm:
        return None
    top, bottom = line.top - height, line.top + line.height / 2
    count = int(places[-1])
    even = np.linspace(sides[0], sides[-1], count + 1)
    cells = tuple(Box(float(a), top, float(b - a), bottom - top) for a, b in pairwise(even))
    return Underline(Box.union(cells), cells)


def _teeth(ink: Ink, line: Box, px_per_mm: float) -> tuple[Sequence[float], float]:
    """Columns of the upright lines that stand on a line, and how tall they are, in pixels."""
    most = round(HEIGHT[1] * px_per_mm)
    bottom = round(line.top)
    left = max(round(line.left) - 2, 0)
    above = ink[max(bottom - most, 0) : bottom, left : round(line.right) + 2][::-1] > 0
    stands = np.cumprod(above, axis=0).sum(axis=0)
    is_tooth = stands >= max(TOOTH * px_per_mm, 2)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_tooth.astype(np.int8), [0]])))
    runs = [(start, stop) for start, stop in edges.reshape(-1, 2) if stop - start <= max(THICKEST * px_per_mm, 3)]
    if not runs:
        return [], 0.0
    tall = float(np.median([stands[start:stop].max() for start, stop in runs]))
    return [left + (start + stop - 1) / 2 for start, stop in runs], tall


def _part(image: Ink, box: Box) -> npt.NDArray[np.uint8]:
    top, left = max(round(box.top), 0), max(round(box.left), 0)
    return image[top : max(round(box.bottom), top), left : max(round(box.right), left)]
