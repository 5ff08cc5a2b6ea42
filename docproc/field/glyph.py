"""A glyph: the ink of one candidate character, and where it stands in its field.

In:  a field's darkness map and its ink mask, rules removed.
Out: connected parts, and glyphs made of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.page import Ink, Mask

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


@dataclass(frozen=True, slots=True, eq=False)
class Glyph:
    """The ink of one candidate character; what the normalizer takes."""

    ink: Ink  #: (h, w), masked to the glyph; 0 is paper.
    box_px: Box  #: Where it stands in the field image.


def connected_parts(mask: Mask) -> Parts:
    """The connected parts of a mask (neighbors share a side or a corner)."""
    count, labels, stats, centers = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
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


def glyph_of(dark: Ink, labels: npt.NDArray[np.int32], chosen: Iterable[int], *, within: Box | None = None) -> Glyph:
    """The darkness under the chosen parts, with the soft edge of one pixel that belongs to their strokes.

    Parameters
    ----------
    dark : (H, W) uint8
    labels : (H, W) int32
        From `connected_parts`.
    chosen : labels of the parts that make up the glyph.
    within : Box, optional
        Columns outside are cut away: for a part that is shared between two cells.
    """
    member = np.isin(labels, list(chosen))
    if within is not None:
        columns = np.arange(labels.shape[1])
        member &= (columns >= within.left) & (columns < within.right)
    if not member.any():
        return Glyph(np.zeros((1, 1), np.uint8), Box(0, 0, 0, 0))
    rows, columns = np.flatnonzero(member.any(axis=1)), np.flatnonzero(member.any(axis=0))
    top, bottom = max(int(rows[0]) - 1, 0), int(rows[-1]) + 2
    left, right = max(int(columns[0]) - 1, 0), int(columns[-1]) + 2
    member = member[top:bottom, left:right]
    soft = cv2.dilate(member.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    # The soft edge is paper's or this glyph's, never another part's.
    others = (labels[top:bottom, left:right] > 0) & ~member
    ink = np.where(soft & ~others, dark[top:bottom, left:right], 0).astype(np.uint8)
    return Glyph(ink, Box(left, top, ink.shape[1], ink.shape[0]))
