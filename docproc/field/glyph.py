"""A glyph: the ink of one candidate character, and where it stands in its field.

In:  a field's darkness map and its ink mask, rules removed.
Out: connected parts, and glyphs made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.page import Ink, Mask

OWN = 0.5  #: Share of a part's ink that must lie inside the field for the part to be the field's.
CROSSING = 0.2  #: Share from which a part of which less is inside is no mere touch of the edge.
EDGE_SHARE = 0.1  #: Of the field's height: along its edges, what printed lines leave behind is not looked at.
LARGE = 0.3  #: Of the field's height: the longer side of a part that may be a digit.
SPECK = 0.10  #: Of the field's height: a part smaller than this both ways is a speck, or a separator's dot.


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One connected part of the ink."""

    box_px: Box
    area_px: int
    label: int  #: Its value in the label image.
    center_px: tuple[float, float]  #: Center of mass, (x, y).


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """All connected parts of a field's ink, left to right, and the image of their labels."""

    labels: npt.NDArray[np.int32]  #: (H, W); 0 is paper.
    parts: tuple[Part, ...]

    def only(self, kept: Sequence[Part]) -> Parts:
        """Some of the parts, by themselves."""
        own = np.zeros(max((part.label for part in self.parts), default=0) + 1, np.int32)
        for part in kept:
            own[part.label] = part.label
        return Parts(own.take(self.labels), tuple(kept))


@dataclass(frozen=True, slots=True, eq=False)
class Glyph:
    """The ink of one candidate character; what the normalizer takes."""

    ink: Ink  #: (h, w), masked to the glyph; 0 is paper.
    box_px: Box  #: Where it stands in the field image.


def connected_parts(mask: Mask) -> Parts:
    """The connected parts of a mask (neighbors share a side or a corner)."""
    count, labels, stats, centers = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    parts = [
        Part(
            box_px=Box(*(float(value) for value in stats[label, :4])),
            area_px=int(stats[label, cv2.CC_STAT_AREA]),
            label=label,
            center_px=(float(centers[label][0]), float(centers[label][1])),
        )
        for label in range(1, count)
    ]
    return Parts(labels, tuple(sorted(parts, key=lambda part: (part.box_px.left, part.box_px.top))))


def share_inside(found: Parts, part: Part, box_px: Box) -> float:
    """Share of a part's pixels that lie inside a box, 0 to 1."""
    top, bottom = max(part.box_px.top, round(box_px.top)), min(part.box_px.bottom, round(box_px.bottom))
    left, right = max(part.box_px.left, round(box_px.left)), min(part.box_px.right, round(box_px.right))
    if bottom <= top or right <= left:
        return 0.0
    if bottom - top == part.box_px.height and right - left == part.box_px.width:
        return 1.0
    window = found.labels[int(top) : int(bottom), int(left) : int(right)]
    return float((window == part.label).sum()) / part.area_px


def crosses_edge(found: Parts, box_px: Box) -> bool:
    """Whether a stroke as large as a digit crosses the field's edge and lies mostly outside.

    It is left to the neighbor, as it must be where a neighbor writes large; but where a box is off its place, it is
    a digit of this field that is lost.
    """
    return any(
        max(part.box_px.width, part.box_px.height) >= LARGE * box_px.height
        and CROSSING <= share_inside(found, part, box_px) < OWN
        for part in found.parts
    )


def residue(mask: Mask, box_px: Box) -> float:
    """Ink inside a field, its outermost tenth left out, in units of its height squared: a thin 1 is about 0.04."""
    inner = box_px.grown(-EDGE_SHARE * box_px.height)
    rows = slice(max(round(inner.top), 0), max(round(inner.bottom), 0))
    columns = slice(max(round(inner.left), 0), max(round(inner.right), 0))
    return float(mask[rows, columns].sum()) / box_px.height**2


def glyph_of(
    dark: Ink, labels: npt.NDArray[np.int32], chosen: Iterable[int], bounds: Box, *, within: Box | None = None
) -> Glyph:
    """The darkness under the chosen parts, with the soft edge of one pixel that belongs to their strokes.

    Parameters
    ----------
    dark : (H, W) uint8
    labels : (H, W) int32
        From `connected_parts`.
    chosen : labels of the parts that make up the glyph.
    bounds : Box
        Around all of these parts.
    within : Box, optional
        Columns outside are cut away: for a part that is shared between two cells.
    """
    left, right = bounds.left, bounds.right
    if within is not None:
        left, right = max(left, within.left), min(right, within.right)
    first_row, first_column = max(round(bounds.top) - 1, 0), max(round(left) - 1, 0)
    rows, columns = slice(first_row, round(bounds.bottom) + 1), slice(first_column, max(round(right) + 1, 1))
    window = labels[rows, columns]
    member = np.isin(window, list(chosen))
    if within is not None:
        inside = np.arange(first_column, first_column + window.shape[1])
        member &= (inside >= within.left) & (inside < within.right)
    soft = cv2.dilate(member.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    # The soft edge is paper's or this glyph's, never another part's.
    ink = np.where(soft & (member | (window == 0)), dark[rows, columns], 0).astype(np.uint8)
    return Glyph(ink, Box(first_column, first_row, ink.shape[1], ink.shape[0]))
