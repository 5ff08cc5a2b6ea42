"""Find the fields of a page that has no template: ruled boxes, combs and table cells that hold handwriting.

In:  a page.
Out: a `Layout`: fields named by row and column (`r02c05`), each with its own map to the page, as registration gives.
The steps: docproc.form.ruling finds the rules, .boxes what they enclose, .grid the combs and the order, .handwriting
the boxes that are written in.

Millimeters here are the file's word: pixels at `page.dpi`, or at ASSUMED_DPI where the file does not say. Fields are
sampled by the size of their boxes, so a wrong resolution harms nothing but the numbers in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.boxes import PrintedBox, PrintedBoxes, find_boxes
from docproc.form.grid import COMB_ASPECT, TOUCH_PX, Place, arrange
from docproc.form.handwriting import written_boxes
from docproc.form.location import LocatedField
from docproc.geometry import MM_PER_INCH, Box, Transform
from docproc.page import Page
from docproc.template import Field

ASSUMED_DPI = 150.0  #: Where a file does not say: between a phone's picture of a sheet and an office scan.
LONGEST_COMB = 64  #: Boxes that a field may have; template.Field allows no more.
SAME_GAP = 0.35  #: Gaps of one comb that exceed its smallest gap by this share of a box part its groups.

__all__ = ["Layout", "find_boxes", "find_fields"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields found on one page."""

    size_mm: tuple[float, float]  #: Of the page, made upright.
    located: tuple[LocatedField, ...]  #: In reading order.


def find_fields(page: Page) -> Layout:
    """Find what is written in boxes on a page of an unknown form.

    Names count the rows and columns of all boxes of the page, blank ones included: `r02c05` stands in the second
    row and the fifth column. A run of single-character boxes is one field of kind comb with its blank boxes; another
    small box by itself is a cell; any other box is free, with a length that is open. All are required: a field is
    found by what is written in it, so that one that reads blank was misread.
    """
    found = find_boxes(page)
    written = written_boxes(found)
    dpi = page.dpi or ASSUMED_DPI
    height, width = found.ruling.gray.shape
    px_per_px = found.ruling.page_from_upright.scale_at(width / 2, height / 2)
    mm_per_px = MM_PER_INCH / dpi * px_per_px
    places = arrange(found.boxes)
    corners = np.array([place.corners for place in places]).reshape(-1, 4, 2)
    bounds = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    located = tuple(
        _located(found, place, alone=_stands_alone(place, bounds), mm_per_px=mm_per_px)
        for place in places
        if any(written[index] for index in place.boxes)
    )
    return Layout(size_mm=(width * mm_per_px, height * mm_per_px), located=located)


def _stands_alone(place: Place, bounds: npt.NDArray[np.float64]) -> bool:
    """Whether no other box touches it; `bounds` has left, top, right, bottom of every place."""
    own = Box.around(place.corners).grown(TOUCH_PX)
    touching = (
        (bounds[:, 0] < own.right)
        & (bounds[:, 2] > own.left)
        & (bounds[:, 1] < own.bottom)
        & (bounds[:, 3] > own.top)
    )
    return int(np.count_nonzero(touching)) == 1


def _located(found: PrintedBoxes, place: Place, *, alone: bool, mm_per_px: float) -> LocatedField:
    whole = PrintedBox(corners=place.corners)
    x, y = whole.center
    box = Box(x - whole.width / 2, y - whole.height / 2, whole.width, whole.height).scaled(mm_per_px)
    name = f"r{place.row:02d}c{place.column:02d}"
    if place.is_comb and len(place.boxes) <= LONGEST_COMB:
        field = _comb(name, box, [found.boxes[index] for index in place.boxes], mm_per_px)
    elif alone and whole.width <= COMB_ASPECT * whole.height:
        field = Field(name=name, kind="cell", box=box, required=True)
    else:
        field = Field(name=name, kind="free", box=box, required=True)
    matrix = cv2.getPerspectiveTransform(box.corners().astype(np.float32), found.on_page(whole).astype(np.float32))
    return LocatedField(field=field, page_from_form=Transform.of(matrix))


def _comb(name: str, box: Box, boxes: list[PrintedBox], mm_per_px: float) -> Field:
    """A comb with the gaps between its boxes, and wider ones between its groups."""
    gaps = np.array(
        [
            max(float((after.corners[0] + after.corners[3] - before.corners[1] - before.corners[2])[0]) / 2, 0.0)
            for before, after in pairwise(boxes)
        ]
    )
    typical = float(np.median([part.width for part in boxes]))
    wide = gaps > gaps.min() + SAME_GAP * typical
    groups = tuple(int(size) for size in np.diff([0, *(np.flatnonzero(wide) + 1), len(boxes)]))
    gap = float(gaps[~wide].mean())
    gap = gap if gap > 0.03 * typical else 0.0
    return Field(
        name=name,
        kind="comb",
        box=box,
        required=True,
        cells=len(boxes),
        cell_gap_mm=gap * mm_per_px,
        groups=groups if len(groups) > 1 else (),
        group_gap_mm=(float(gaps[wide].mean()) - gap) * mm_per_px if wide.any() else 0.0,
    )
