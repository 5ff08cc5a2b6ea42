"""Propose the fields of a form from a blank one: every comb, cell, table cell, and boxed or underlined place.

In:  an image of a whole blank sheet, and its size on paper.
Out: a `Proposal`: fields in mm with names by row and column, what to look at, and what was left out.

A place to write is empty: a box with print in it is a label, unless most of it is free. Rules and rows of dots that
close no box off are written on, as far as the paper above them is free. Boxes too low to write in, and those higher
than figures are written, are left out: spaces of the design, signatures, drawings.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from docproc.decoding import FormField
from docproc.form.boxes import PrintedBox, PrintedBoxes, find_boxes
from docproc.form.grid import COMB_ASPECT, arrange
from docproc.form.handwriting import clear_ink
from docproc.form.headings import CLEAR, with_combs
from docproc.form.underlines import find_underlines
from docproc.geometry import Box, Transform
from docproc.page import Ink, Page
from docproc.template import OVERLAP_SLACK_MM, Field

LOWEST_MM, HIGHEST_MM = 4.0, 20.0  #: Heights of places that digits are written in.
NARROWEST_MM = 2.5  #: Of a cell.
LONGEST_COMB = 64  #: Boxes that a field may have; template.Field allows no more.
EDGE_SHARE = 0.95  #: Of a place at the sheet's edge that must lie on it.
SMALL_SIDE_PX = 1400  #: Long side below which a sheet is enlarged: 120 dpi of A4.
LEAST_CLEAR = 0.6  #: Share of a place that is free of print; below, it is a label.
RULE_MM = 0.7  #: Inside each side of a box, where its rules are.
APART = 0.55  #: Groups of a comb further apart than this share of a cell are fields of their own,
SAME_GAP = 0.2  #: and gaps that differ by this share of a cell part groups.
LONGEST = 15.0  #: Width over height of a box: a longer one is a space of the design, or for text.


@dataclass(frozen=True, slots=True)
class Proposed:
    """A field, and why a person should look at it; "" where nothing speaks against it."""

    field: Field
    doubt: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """What was found on a blank form."""

    fields: tuple[Proposed, ...]  #: In reading order.
    left_out: tuple[str, ...]  #: Sentences,
    boxes_left_out: tuple[Box, ...]  #: and where they are, in mm.
    sheet: npt.NDArray[np.uint8]  #: The sheet made upright, (H, W) or (H, W, 3): the template's reference image.


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A place to write, in mm; kind, boxes and gaps as in `Field`."""

    box: Box
    cells: tuple[Box, ...] = ()  #: Of a comb.
    is_small: bool = False  #: A box for one digit.
    is_line: bool = False  #: Over a line that closes no box off.
    doubt: str = ""


def propose_fields(page: Page, size_mm: tuple[float, float]) -> Proposal:
    """Find the places of a blank form.

    Parameters
    ----------
    page : Page
        The whole sheet, and nothing else.
    size_mm : (width, height)
        Of the paper.
    """
    page = _enlarged(page)
    found = find_boxes(page, blank=True)
    ink = clear_ink(found.ruling.depth)
    sheet, form_from_upright = _sheet(page, found, size_mm)
    clear = [_clear_share(ink, box, form_from_upright) for box in found.boxes]
    units = with_combs(arrange(found.boxes), found.boxes, clear)
    candidates: list[_Candidate] = []
    out: dict[str, list[Box]] = {"low": [], "high": [], "long": []}
    for unit in units:
        boxes = [_box(found.boxes[index], form_from_upright) for index in unit.boxes]
        whole = Box.union(boxes)
        least = min(box.width for box in boxes)
        if whole.height < LOWEST_MM or least < NARROWEST_MM:
            out["low"].append(whole)
            continue
        share = float(np.median([clear[index] for index in unit.boxes]))
        if share < LEAST_CLEAR:
            continue
        if whole.height > HIGHEST_MM:
            out["high"].append(whole)
            continue
        if len(boxes) == 1 and whole.width > LONGEST * whole.height:
            out["long"].append(whole)
            continue
        doubt = "" if share >= CLEAR else "something is printed in it"
        for group in _groups(boxes):
            around = Box.union(group)
            cells = tuple(group) if len(group) > 1 else ()
            is_small = not cells and around.width <= COMB_ASPECT * around.height
            candidates.append(_Candidate(around, cells, is_small=is_small, doubt=doubt))
    edges = _edges(found, ink.shape)
    candidates += _lines(ink, edges, form_from_upright)
    fields = _named(_apart(candidates, size_mm))
    return Proposal(fields, _sentences(out), tuple(box for boxes in out.values() for box in boxes), sheet)


def from_form(form_fields: Sequence[FormField]) -> tuple[Proposed, ...]:
    """The fields of a PDF form, which has its own names and boxes; in reading order."""
    named = Counter(one.name for one in form_fields)
    met = Counter[str]()
    fields = []
    for one in sorted(form_fields, key=lambda one: (round(one.box.center[1] / LOWEST_MM), one.box.left)):
        met[one.name] += 1
        name = one.name if named[one.name] == 1 else f"{one.name}_{met[one.name]}"
        kind: Literal["comb", "free"] = "comb" if 1 < one.cells <= LONGEST_COMB else "free"
        cells = one.cells if kind == "comb" else 1
        fields.append(
            Proposed(Field(name=name or f"field_{met[one.name]}", kind=kind, box=_rounded(one.box), cells=cells))
        )
    return tuple(fields)


def _enlarged(page: Page) -> Page:
    """Coarse scans doubled: the small boxes of combs have few pixels there."""
    if max(page.pixels.shape[:2]) >= SMALL_SIDE_PX:
        return page
    return replace(page, pixels=cv2.resize(page.pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


def _sheet(page: Page, found: PrintedBoxes, size_mm: tuple[float, float]) -> tuple[npt.NDArray[np.uint8], Transform]:
    """The page upright at the working size, without what its turn added, and the map to mm from the upright frame."""
    height, width = page.pixels.shape[:2]
    frame_height, frame_width = found.ruling.gray.shape
    scale = found.ruling.page_from_upright.scale_at(frame_width / 2, frame_height / 2)
    size = (round(width / scale), round(height / scale))
    middle = found.ruling.page_from_upright.inverse() @ np.array([((width - 1) / 2, (height - 1) / 2)], np.float64)
    left, top = middle[0] - (np.array(size) - 1) / 2
    upright_from_sheet = Transform.translation(float(left), float(top))
    page_from_sheet = found.ruling.page_from_upright @ upright_from_sheet
    pixels = page.pixels
    if scale > 1:
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.4 * scale)
    sheet = cv2.warpPerspective(
        pixels,
        page_from_sheet.matrix,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    to_mm = Transform.scaling(size_mm[0] / size[0], size_mm[1] / size[1]) @ Transform.translation(0.5, 0.5)
    return sheet, to_mm @ upright_from_sheet.inverse()


def _box(box: PrintedBox, form_from_upright: Transform) -> Box:
    """The upright rectangle that a box stands for: its sides at the means of its corners."""
    top_left, top_right, bottom_right, bottom_left = form_from_upright @ box.corners
    left, right = (top_left[0] + bottom_left[0]) / 2, (top_right[0] + bottom_right[0]) / 2
    top, bottom = (top_left[1] + top_right[1]) / 2, (bottom_left[1] + bottom_right[1]) / 2
    return Box(float(left), float(top), float(right - left), float(bottom - top))


def _clear_share(ink: Ink, box: PrintedBox, form_from_upright: Transform) -> float:
    """Of a box, the largest rectangle without print, as a share of the box inside its rules."""
    px_per_mm = 1 / form_from_upright.scale_at(*box.center)
    inner = box.bounds.grown(-RULE_MM * px_per_mm)
    top, left = max(round(inner.top), 0), max(round(inner.left), 0)
    inside = ink[top : max(round(inner.bottom), top + 1), left : max(round(inner.right), left + 1)]
    if inside.size == 0:
        return 0.0
    inside = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))  # specks
    small = cv2.resize(inside, (min(inside.shape[1], 60), min(inside.shape[0], 40)), interpolation=cv2.INTER_AREA)
    return _largest_rectangle(small < 40) / small.size


def _largest_rectangle(free: npt.NDArray[np.bool_]) -> int:
    """Area of the largest all-True rectangle: the largest under the skyline of each row."""
    best = 0
    heights = np.zeros(free.shape[1], np.intp)
    for row in free:
        heights = np.where(row, heights + 1, 0)
        stack: list[tuple[int, int]] = []  # (start, height), heights ascending
        for column, height in enumerate([*heights.tolist(), 0]):
            start = column
            while stack and stack[-1][1] >= height:
                start, tall = stack.pop()
                best = max(best, tall * (column - start))
            stack.append((start, height))
    return best


def _groups(boxes: Sequence[Box]) -> list[list[Box]]:
    """Boxes of one comb, parted where a gap is wide enough to be one between fields."""
    groups = [[boxes[0]]]
    for before, after in pairwise(boxes):
        if after.left - before.right > APART * before.width:
            groups.append([])
        groups[-1].append(after)
    return groups


def _edges(found: PrintedBoxes, shape: tuple[int, ...]) -> Ink:
    """255 along the sides of all boxes."""
    edges = np.zeros(shape, np.uint8)
    for box in found.boxes:
        cv2.polylines(edges, [np.rint(box.corners).astype(np.int32)], True, 255, 7)
    return edges


def _lines(ink: Ink, edges: Ink, form_from_upright: Transform) -> list[_Candidate]:
    """Places over lines that are no box's side."""
    px_per_mm = 1 / form_from_upright.scale_at(ink.shape[1] / 2, ink.shape[0] / 2)
    places = []
    for one in find_underlines(ink, edges, px_per_mm):
        cells = tuple(form_from_upright.box(cell) for cell in one.cells_px)
        doubt = "" if cells else "over a line, without a box"
        places.append(_Candidate(form_from_upright.box(one.box_px), cells, is_line=True, doubt=doubt))
    return places


def _apart(candidates: Sequence[_Candidate], size_mm: tuple[float, float]) -> list[_Candidate]:
    """Without those that lie on another: combs stay before single boxes, boxes before lines, large before small."""
    sheet = Box(0, 0, *size_mm)
    candidates = [_clipped(one, sheet) for one in candidates]
    candidates = [one for one in candidates if not _is_gap(one, candidates)]
    order = sorted(candidates, key=lambda one: (one.is_line, -len(one.cells), -one.box.area))
    kept: list[_Candidate] = []
    for one in order:
        core = one.box.grown(-OVERLAP_SLACK_MM)
        if core.width <= 0 or core.height <= 0 or not sheet.contains(one.box):
            continue
        if not any(core.intersection(other.box.grown(-OVERLAP_SLACK_MM)) > 0 for other in kept):
            kept.append(one)
    return kept


def _clipped(one: _Candidate, sheet: Box) -> _Candidate:
    """A place that goes up to the sheet's edge, and by its rule's thickness over it."""
    left, top = max(one.box.left, sheet.left), max(one.box.top, sheet.top)
    right, bottom = min(one.box.right, sheet.right), min(one.box.bottom, sheet.bottom)
    inside = Box(left, top, right - left, bottom - top)
    return replace(one, box=inside) if inside.area > EDGE_SHARE * one.box.area else one


def _is_gap(one: _Candidate, candidates: Sequence[_Candidate]) -> bool:
    """Whether a small box is but the space between two combs, which their outer sides close off."""
    if not one.is_small:
        return False
    left = right = False
    for other in candidates:
        level = abs(other.box.top - one.box.top) + abs(other.box.bottom - one.box.bottom) <= 2 * OVERLAP_SLACK_MM
        if other.cells and level and one.box.width < other.cells[0].width:
            left = left or abs(other.box.right - one.box.left) <= OVERLAP_SLACK_MM
            right = right or abs(other.box.left - one.box.right) <= OVERLAP_SLACK_MM
    return left and right


def _named(candidates: Sequence[_Candidate]) -> tuple[Proposed, ...]:
    """Fields in reading order, named by the rows and columns in which they stand."""
    rows: list[list[_Candidate]] = []
    for one in sorted(candidates, key=lambda one: one.box.center[1]):
        for row in rows[-1:]:
            if abs(one.box.center[1] - float(np.mean([other.box.center[1] for other in row]))) <= 0.4 * min(
                one.box.height, *(other.box.height for other in row)
            ):
                row.append(one)
                break
        else:
            rows.append([one])
    fields = []
    for number, row in enumerate(rows, 1):
        for column, one in enumerate(sorted(row, key=lambda one: one.box.left), 1):
            fields.append(Proposed(_field(f"r{number:02d}c{column:02d}", one), one.doubt))
    return tuple(fields)


def _field(name: str, one: _Candidate) -> Field:
    if not one.cells:
        return Field(name=name, kind="cell" if one.is_small else "free", box=_rounded(one.box))
    gaps = np.array([max(after.left - before.right, 0.0) for before, after in pairwise(one.cells)])
    width = float(np.median([cell.width for cell in one.cells]))
    wide = gaps > gaps.min() + SAME_GAP * width
    groups = tuple(len(list(group)) for _, group in groupby(np.cumsum([0, *wide])))
    gap = float(gaps[~wide].mean())
    gap = gap if gap > 0.08 * width else 0.0
    return Field(
        name=name,
        kind="comb",
        box=_rounded(one.box),
        cells=len(one.cells),
        cell_gap_mm=round(gap, 2),
        groups=groups if len(groups) > 1 else (),
        group_gap_mm=round(float(gaps[wide].mean()) - gap, 2) if wide.any() else 0.0,
    )


def _rounded(box: Box) -> Box:
    """To hundredths of a millimeter, never larger: a box on the sheet's edge stays on the sheet."""
    left, top = math.ceil(box.left * 100) / 100, math.ceil(box.top * 100) / 100
    width, height = math.floor((box.right - left) * 100) / 100, math.floor((box.bottom - top) * 100) / 100
    return Box(left, top, width, height)


def _sentences(out: dict[str, list[Box]]) -> tuple[str, ...]:
    words = {
        "low": f"too low or narrow to write a digit in (under {LOWEST_MM:g} mm high, {NARROWEST_MM:g} mm wide)",
        "high": f"higher than digits are written ({HIGHEST_MM:g} mm): signatures, pictures, notes",
        "long": f"longer than {LONGEST:g} times their height: spaces of the design, or for text",
    }
    return tuple(f"{len(boxes)} boxes {words[name]}" for name, boxes in out.items() if boxes)
