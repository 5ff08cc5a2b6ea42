"""Another cut of a cell: its digit without what reaches in from beside it.

In:  a field's darkness map and its ink mask, rules removed, a cell, and the glyph that following all strokes gave.
Out: the same digit cut at the cell's walls, without a neighbor's ends, dots and remnants of lines; and the largest
     mark alone where there are several. Which of them is the digit is for the recognizer to say (`resolve`).
Following strokes is right where a writer leaves the cell, and wrong where neighbors touch: ink alone does not tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from docproc.field.glyph import LARGE, Glyph, Part, Parts, connected_parts, glyph_of
from docproc.geometry import Box
from docproc.page import Ink, Mask

OVERFLOW = 0.12  #: Of the cell's height: a stroke that goes no further beyond a wall is the cell's own.
SMALL = 0.12  #: Of the main part's ink: less than this beside it is a dot or a neighbor's end.
LINE = 0.08  #: Of the cell's height: what counts as thin,
LINE_LENGTH = 0.75  #: and the length from which a thin upright part beside the digit is a line.
STACKED = 0.5  #: Share of a part's width that stands over or under the main part: it is a stroke of it.
OFF_CENTER = 0.8  #: Weight that a part at the side wall loses to one in the middle, when the main part is sought.
LONE_HEIGHT = 0.5  #: Of the cell's height: lower ink cut off a neighbor is no digit of this cell.
LONE_CENTER = 0.25  #: Of the cell's width, around its middle: where such a digit's own middle must lie.


@dataclass(frozen=True, slots=True, eq=False)
class Trimmed:
    """Closer cuts of a cell's mark; None where they would be no other glyphs."""

    closer: Glyph | None  #: The main mark without what reaches in.
    lone: Glyph | None  #: The same without what else stands in the cell: a second mark, or half of a broken digit.
    crowded: bool  #: What reaches in is as large as a digit, and the cell holds most of it: two may be meant.


def trim(dark: Ink, mask: Mask, cell_px: Box, whole: Glyph | None) -> Trimmed:
    """The main mark of a cell by itself.

    Parameters
    ----------
    dark : (H, W) uint8
    mask : (H, W) bool
    cell_px : Box
        In the image's pixels.
    whole : Glyph or None
        What `comb.cut_cells` found: None where all ink in the cell belongs to its neighbors.
    """
    overflows = whole is None or _reach(whole, cell_px) > OVERFLOW * cell_px.height
    margin_px = 0 if overflows else round(OVERFLOW * cell_px.height)
    rows = slice(max(round(cell_px.top) - margin_px, 0), max(round(cell_px.bottom) + margin_px, 0))
    columns = slice(max(round(cell_px.left) - margin_px, 0), max(round(cell_px.right) + margin_px, 0))
    window = mask[rows, columns]
    found = connected_parts(window)
    if not found.parts:
        return Trimmed(None, None, crowded=False)
    frame = Box(0, 0, window.shape[1], window.shape[0]).grown(-margin_px)
    main = max(found.parts, key=lambda part: part.area_px * _centrality(part, frame))
    if whole is None and not _stands_alone(main, frame):
        return Trimmed(None, None, crowded=False)

    def glyph(parts: Sequence[Part]) -> Glyph:
        labels, bounds = [part.label for part in parts], Box.union([part.box_px for part in parts])
        cut = glyph_of(dark[rows, columns], found.labels, labels, bounds)
        return Glyph(cut.ink, cut.box_px.moved(columns.start, rows.start))

    stacked = [part for part in found.parts if part is main or _is_stacked(part, main, frame)]
    own = [part for part in found.parts if part in stacked or _is_beside(part, main, frame)]
    left_out = [part for part in found.parts if part not in own]
    corner = (columns.start, rows.start)
    return Trimmed(
        closer=glyph(own) if overflows or left_out else None,
        lone=glyph(stacked) if len(stacked) < len(own) else None,
        crowded=whole is not None and any(_is_mark(found, part, whole, corner, frame) for part in left_out),
    )


def _is_mark(found: Parts, part: Part, whole: Glyph, corner_px: tuple[int, int], frame: Box) -> bool:
    """Whether what was left out is a mark of this cell, not a line and not the end of a neighbor's."""
    box = part.box_px
    if max(box.width, box.height) < LARGE * frame.height or min(box.width, box.height) <= LINE * frame.height:
        return False
    rows, columns = np.nonzero(found.labels == part.label)
    # The whole glyph holds all parts of which the cell holds most, and no other.
    x = int(columns[0]) + corner_px[0] - round(whole.box_px.left)
    y = int(rows[0]) + corner_px[1] - round(whole.box_px.top)
    inside = 0 <= y < whole.ink.shape[0] and 0 <= x < whole.ink.shape[1]
    return inside and bool(whole.ink[y, x])


def _reach(whole: Glyph, cell_px: Box) -> float:
    """How far the followed strokes leave the cell, in pixels."""
    box = whole.box_px
    return max(cell_px.left - box.left, box.right - cell_px.right, cell_px.top - box.top, box.bottom - cell_px.bottom)


def _centrality(part: Part, frame: Box) -> float:
    """1 in the middle of the cell, less towards its side walls."""
    return 1 - OFF_CENTER * min(abs(part.box_px.center[0] - frame.center[0]) / (frame.width / 2), 1)


def _is_stacked(part: Part, main: Part, frame: Box) -> bool:
    """Whether a part stands over or under the main one, and is no remnant of the cell's upper or lower line."""
    box, around = part.box_px, main.box_px
    shared = min(box.right, around.right) - max(box.left, around.left)
    inside = box.top > frame.top and box.bottom < frame.bottom
    return shared >= STACKED * box.width and (inside or box.height > LINE * frame.height)


def _is_beside(part: Part, main: Part, frame: Box) -> bool:
    """Whether a part beside the main one may be a stroke of the same digit: broken, or written in two."""
    box = part.box_px
    if box.left <= frame.left or box.right >= frame.right or part.area_px <= SMALL * main.area_px:
        return False
    return box.width > LINE * frame.height or box.height < LINE_LENGTH * frame.height


def _stands_alone(main: Part, frame: Box) -> bool:
    """Whether ink of which most lies outside is still a digit of this cell: as high as one, and in its middle."""
    off = abs(main.box_px.center[0] - frame.center[0])
    return main.box_px.height >= LONE_HEIGHT * frame.height and off <= LONE_CENTER * frame.width
