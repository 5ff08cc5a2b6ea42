"""Cut a free run of digits into candidates: parts joined where strokes are broken, cut where digits touch.

In:  a field's darkness map and the parts of its ink, rules removed.
Out: a `Lattice`: pieces from left to right, and the glyphs that neighboring pieces can make up.
Which of them are digits is not decided here: docproc.field.string finds the best path.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from docproc.field.glyph import OWN, SPECK, Glyph, Part, Parts, connected_parts, glyph_of, share_inside
from docproc.geometry import Box
from docproc.page import Ink, Mask

LEAST_HEIGHT = 0.22  #: Of the box's height: lower ink alone is no run of digits.
WIDEST_DIGIT = 1.3  #: Of the digits' height: no single digit is wider.
CUT_FROM = 0.70  #: Of the digits' height: a part wider than this may be two digits that touch.
CUT_APART = 0.22  #: Of the digits' height: the least distance between two cuts.
NEAR_CHANCE = 0.3  #: That two pieces with a little paper between them, side by side, are one broken digit;
FAR = 0.15  #: of the digits' height: more paper than that,
FAR_CHANCE = 0.03  #: and it is this.
TOUCH_INK = 0.3  #: Of the digits' height: ink of a column, times the strokes that it crosses, where digits touch.
TOUCH_CHANCE = 0.5  #: That a cut through no more parts two digits, before they are read;
THROUGH_CHANCE = 0.05  #: that one through more does.
MOST_CUTS = 5  #: Of one part.
MOST_PIECES = 4  #: In one glyph.
STROKE_RUN = 0.22  #: Of the digits' height: a column whose ink is one run no higher than this is a lone stroke.
LEADER = 0.45  #: Of the digits' height: a lone level stroke longer than this, at an end, leads to the number.
STRIKE = 1.2  #: Of the digits' height: a level stroke longer than this with ink above and below strikes out.
ONE_LINE = 0.6  #: Of the digits' height: lower parts tell nothing of lines,
LEVEL = 0.25  #: and of two parts of one line, this share of the lower one's height is level with the other.
EDGE = 0.12  #: Of the box's height: a thin part this close along an edge is a remnant of its printed line.
THIN = 0.09  #: Of the box's height: what counts as thin.


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A glyph that pieces `first` to `last` (exclusive) make up together."""

    first: int
    last: int
    glyph: Glyph
    cut_chance: float  #: Chance, before it is read, that a digit begins where it does; 1 where nothing was cut.
    join_chance: float  #: Chance, before it is read, that its pieces are one digit, by the gaps between them.
    is_cut: bool  #: Whether a side of it was cut through ink.


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Everything that a field's ink can be read as."""

    pieces: tuple[Box, ...]  #: Left to right.
    candidates: tuple[Candidate, ...]
    digit_height_px: float
    struck_out: bool  #: A level stroke runs through the writing.
    two_lines: bool  #: Digits stand under others.


def segment(dark: Ink, ink: Parts, box_px: Box) -> Lattice:
    """The lattice of a free field.

    Parameters
    ----------
    dark : (H, W) uint8
    ink : Parts
        Of the field's ink, printed rules removed.
    box_px : Box
        The field's box; ink that is mostly outside is a neighbor's.
    """
    own = own_ink(ink, box_px)
    height = _digit_height(own, box_px)
    if height == 0:
        return Lattice((), (), 0.0, struck_out=False, two_lines=False)
    struck_out = _is_struck(own, height)
    found = _without_leaders(own, height)
    labels, pieces, cut_chances = _pieces(found, height)
    candidates = []
    for first in range(len(pieces)):
        for last in range(first + 1, min(first + MOST_PIECES, len(pieces)) + 1):
            span = Box.union(pieces[first:last])
            if last - first > 1 and span.width > WIDEST_DIGIT * height:
                break
            glyph = glyph_of(dark, labels, range(first + 1, last + 1), span)
            candidates.append(
                Candidate(
                    first,
                    last,
                    glyph,
                    cut_chance=cut_chances[first],
                    join_chance=_join_chance(pieces[first:last], height),
                    is_cut=cut_chances[first] < 1 or (last < len(pieces) and cut_chances[last] < 1),
                )
            )
    two_lines = _stands_in_two_lines([part.box_px for part in found.parts], height)
    return Lattice(tuple(pieces), tuple(candidates), height, struck_out=struck_out, two_lines=two_lines)


def _join_chance(pieces: Sequence[Box], height: float) -> float:
    """Chance that neighboring pieces are one broken digit: small where paper lies between them."""
    chance, right = 1.0, pieces[0].right
    for piece in pieces[1:]:
        gap = piece.left - right
        if gap > FAR * height:
            chance *= FAR_CHANCE
        elif gap > 0:
            chance *= NEAR_CHANCE
        right = max(right, piece.right)
    return chance


def own_ink(found: Parts, box_px: Box) -> Parts:
    """The ink that belongs to the field: without its neighbors', specks, and what printed lines left behind."""
    speck, thin, reach = SPECK * box_px.height / 2, THIN * box_px.height, EDGE * box_px.height
    return found.only([part for part in found.parts if not _is_foreign(found, part, box_px, speck, thin, reach)])


def _is_foreign(found: Parts, part: Part, box_px: Box, speck: float, thin: float, reach: float) -> bool:
    box = part.box_px
    if max(box.width, box.height) <= speck:
        return True
    if share_inside(found, part, box_px) < OWN:
        return True
    middle_x, middle_y = box.center
    level = box.height <= thin and min(abs(middle_y - box_px.top), abs(middle_y - box_px.bottom)) <= reach
    upright = box.width <= thin and min(abs(middle_x - box_px.left), abs(middle_x - box_px.right)) <= reach / 2
    return level or upright


def _digit_height(own: Parts, box_px: Box) -> float:
    """Height of the writing in pixels: that of the taller half of its parts; 0 where there is none."""
    boxes = [part.box_px for part in own.parts]
    heights = sorted(box.height for box in boxes if box.height >= LEAST_HEIGHT * box_px.height)
    if not heights:  # a lone dash has no height, and is as wide as a digit is high
        return max((box.width for box in boxes if box.width >= LEAST_HEIGHT * box_px.height), default=0.0)
    return float(np.median([height for height in heights if height >= 0.5 * heights[-1]]))


def _pieces(found: Parts, height: float) -> tuple[npt.NDArray[np.int32], list[Box], list[float]]:
    """Pieces left to right.

    Returns
    -------
    labels : (H, W) int32
        Pixels of piece i hold i + 1.
    pieces : their boxes.
    cut_chances : one for each piece
        Chance that its left side is where a digit begins; 1 where it was not cut through ink.
    """
    groups = _stacked([part for part in found.parts if not _is_speck(part, height)], height)
    spans: list[tuple[float, list[int], Box, float]] = []  # center, labels, where, chance of the cut on its left
    for group in groups:
        box = Box.union([part.box_px for part in group])
        chosen = [part.label for part in group]
        cuts = _cuts(np.isin(_window(found.labels, box), chosen), height)
        edges = [(0.0, 1.0), *cuts, (box.width, 1.0)]
        for (left, chance), (right, _) in itertools.pairwise(edges):
            area = Box(box.left + left, box.top, right - left, box.height)
            spans.append((area.center[0], chosen, area, chance))
    spans.sort(key=lambda span: span[0])
    labels = np.zeros_like(found.labels)
    pieces: list[Box] = []
    chances: list[float] = []
    for _, chosen, area, chance in spans:
        member = np.isin(_window(found.labels, area), chosen)
        rows, columns = np.flatnonzero(member.any(axis=1)), np.flatnonzero(member.any(axis=0))
        if len(rows) == 0:
            continue
        _window(labels, area)[member] = len(pieces) + 1
        width, tall = float(np.ptp(columns)) + 1, float(np.ptp(rows)) + 1
        pieces.append(Box(round(area.left) + float(columns[0]), round(area.top) + float(rows[0]), width, tall))
        chances.append(chance)
    return labels, pieces, chances


def _window(labels: npt.NDArray[np.int32], box: Box) -> npt.NDArray[np.int32]:
    """The part of an image inside a box of whole pixels: a view."""
    return labels[round(box.top) : round(box.bottom), round(box.left) : round(box.right)]


def _is_speck(part: Part, height: float) -> bool:
    return max(part.box_px.width, part.box_px.height) <= SPECK * height


def _stacked(parts: list[Part], height: float) -> list[list[Part]]:
    """Parts that stand above one another are one: the bar of a 5, the stroke through a 7, a broken 0."""
    groups: list[list[Part]] = []
    for part in sorted(parts, key=lambda part: -part.area_px):
        for group in groups:
            main = group[0].box_px
            shared = min(main.right, part.box_px.right) - max(main.left, part.box_px.left)
            small = part.box_px.height <= 0.6 * height
            joined = Box.union([main, part.box_px])
            if small and shared > 0.6 * part.box_px.width and joined.width <= WIDEST_DIGIT * height:
                group.append(part)
                break
        else:
            groups.append([part])
    return groups


def _cuts(member: Mask, height: float) -> list[tuple[float, float]]:
    """Columns where a wide part may be two digits that touch, where it has least ink, and the chance of each.

    Digits touch in one place, for as long as a stroke is thick: a column that crosses two strokes goes through a
    loop, one with much ink along a stem.
    """
    if member.shape[1] <= CUT_FROM * height or member.shape[0] <= STROKE_RUN * height:
        return []
    ink = member.sum(axis=0).astype(np.float64)
    runs = (np.diff(member.astype(np.int8), axis=0, prepend=0) == 1).sum(axis=0)
    cost = np.convolve(ink * runs, np.ones(3) / 3, mode="same")
    apart = CUT_APART * height
    chosen: list[int] = []
    for column in np.argsort(cost, kind="stable"):
        if cost[column] > 0.6 * height or len(chosen) == MOST_CUTS:
            break
        if apart <= column <= len(cost) - apart and all(abs(column - other) >= apart for other in chosen):
            chosen.append(int(column))
    return [
        (float(column), TOUCH_CHANCE if cost[column] <= TOUCH_INK * height else THROUGH_CHANCE)
        for column in sorted(chosen)
    ]


def _without_leaders(own: Parts, height: float) -> Parts:
    """The ink without level strokes that touch the number on their way to it or from it.

    From each end of a part, columns are given up while their ink is one thin run at middle height. A part that is
    nothing else stays: it is a dash, and the recognizer's to name.
    """
    labels = own.labels.copy()
    around = Box.union([part.box_px for part in own.parts])
    band_top, band_bottom = around.top, around.bottom - 1
    is_changed = False
    for part in own.parts:
        box = part.box_px
        left, right = round(box.left), round(box.right)
        if box.width < LEADER * height:
            continue
        member = own.labels[:, left:right] == part.label
        ink = member.sum(axis=0)
        first = member.argmax(axis=0)
        last = member.shape[0] - 1 - member[::-1].argmax(axis=0)
        lone = (last - first + 1 <= STROKE_RUN * height) & (ink == last - first + 1)
        middle = (first + last) / 2
        share = (middle - band_top) / max(band_bottom - band_top, 1)
        lone &= (share > 0.2) & (share < 0.8) if box.height > STROKE_RUN * 2 * height else True
        for ends in (lone, lone[::-1]):
            length = int(np.argmin(ends))
            if ends.all() or length < LEADER * height:
                continue
            gone = slice(left, left + length) if ends is lone else slice(right - length, right)
            labels[:, gone][own.labels[:, gone] == part.label] = 0
            is_changed = True
    return connected_parts(labels > 0) if is_changed else own


def _is_struck(found: Parts, height: float) -> bool:
    """Whether a level stroke runs through the writing: long, with ink above and below along much of it."""
    reach = max(round(STRIKE * height), 3)
    for part in found.parts:
        if part.box_px.width < reach or part.box_px.height < 0.5 * height:
            continue
        left, right = round(part.box_px.left), round(part.box_px.right)
        top, bottom = round(part.box_px.top), round(part.box_px.bottom)
        member = found.labels[top:bottom, left:right] == part.label
        rows = range(round(0.25 * member.shape[0]), round(0.75 * member.shape[0]))
        for row in rows:
            band = member[max(row - 2, 0) : row + 3].any(axis=0)
            run_start, run_stop = _longest_run(band)
            if run_stop - run_start < reach:
                continue
            above = member[: max(row - 4, 0), run_start:run_stop].any(axis=0)
            below = member[row + 5 :, run_start:run_stop].any(axis=0)
            if float((above & below).mean()) > 0.35:
                return True
    return False


def _stands_in_two_lines(boxes: Sequence[Box], height: float) -> bool:
    """Whether parts as high as digits stand in more than one line: those of one line are level, one after another."""
    tall = sorted((box for box in boxes if box.height >= ONE_LINE * height), key=lambda box: box.left)
    lines: list[Box] = []  # the last part of each
    for box in tall:
        for index, last in enumerate(lines):
            shared = min(box.bottom, last.bottom) - max(box.top, last.top)
            if shared >= LEVEL * min(box.height, last.height):
                lines[index] = box
                break
        else:
            lines.append(box)
    return len(lines) > 1


def _longest_run(row: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Start and stop of the longest run of True."""
    padded = np.concatenate([[False], row, [False]]).astype(np.int8)
    starts, stops = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    if len(starts) == 0:
        return 0, 0
    best = int(np.argmax(stops - starts))
    return int(starts[best]), int(stops[best])
