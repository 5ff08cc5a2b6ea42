"""Say what a glyph that the pipeline cut shows: one mark whole, several, only print, or none of these for sure.

In:  a proposal of the pipeline, and whose ink is where on the sheet that it was cut from.
Out: for each glyph a label, or the reason why it has none.
A label is given only where a person would read it in the cut glyph.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.field.glyph import Glyph
from docproc.fields import Proposal
from docproc.geometry import Transform
from docproc.page import Ink

WHOLE = 0.68  #: Share of a mark's pixels from which a glyph holds all of it.
ABSENT = 0.08  #: Share below which it holds nothing of it.
LEAST_LIKENESS = 0.92  #: Cosine of a glyph and of the mark it holds, in place, seen from afar.
LEAST_SIZE = 0.55  #: Of a glyph's longer side: what its mark must have, or it is too small to read beside the rest.
LARGEST_HOLE = 0.12  #: Of a mark's longer side: a piece that long missing makes a 0 a C and a 9 a 7.
_AROUND = 0.4  #: Of a glyph's longer side, to every side of it: what of a mark it may lack lies there.
_RIM_PX = 5  #: Soft rims of strokes, two pixels to each side, are not missed; holes shrink by as much.
SAME = 0.95  #: Of two marks, one may vanish in the other: then the glyph is still as like as this to one alone.
AFAR = 0.07  #: Blur under which they are compared, of the mark's longer side: stroke width counts little.
STRAIGHT = 0.5  #: Spread of a glyph's ink across, of that along: below, it is about one stroke.
_CORNER, _CORNER_REST = 0.35, 0.08  #: A corner has no more than this of its ink off its top and its right side.
_SPECK_PX = 5  #: In a field's image: smaller ink says nothing.
_PAIR_WIDTH = 0.75  #: Width over height: two ones, joined, can be a 4 or a 0.
_LEAST_MEMBER = 40  #: Darkness from which a pixel of a glyph counts as its ink.


@dataclass(frozen=True, slots=True)
class Found:
    """What one glyph is."""

    kind: str  #: "mark", "merged", "empty", or why it is left out: "part", "unlike", "stroke", "separator".
    mark: int = -1  #: Which mark, from 0, where the kind is "mark", "part" or "unlike".
    likeness: float = 0.0  #: Of a mark.


def attribute(
    proposal: Proposal,
    ink: Ink,
    owner: npt.NDArray[np.int16],
    areas: npt.NDArray[np.int64],
    page_from_sheet: Transform,
    *,
    marks: int,
) -> list[Found]:
    """What each glyph of a proposal shows.

    Parameters
    ----------
    proposal : Proposal
    ink, owner : (H, W)
        The sheet's ink, and the number of its owner, from 1; numbers above `marks` are separators.
    areas : (numbers,) int64
        Pixels of each owner on the sheet, 0 for paper first.
    page_from_sheet : Transform
    marks : int
        How many marks the sheet has.
    """
    if not proposal.glyphs:
        return []
    sheet_from_field = page_from_sheet.inverse() @ proposal.image.page_from_field
    size = proposal.image.dark.shape[1::-1]
    flags = cv2.WARP_INVERSE_MAP
    own = cv2.warpPerspective(owner, sheet_from_field.matrix, size, flags=flags | cv2.INTER_NEAREST)
    ideal = cv2.warpPerspective(ink, sheet_from_field.matrix, size, flags=flags | cv2.INTER_LINEAR)
    center_x, center_y = proposal.image.box_px.center
    sheet_px_per_px = sheet_from_field.scale_at(center_x, center_y)
    field_areas = areas / sheet_px_per_px**2
    in_run = proposal.lattice is not None
    return [_attribute(glyph, own, ideal, field_areas, marks, in_run=in_run) for glyph in proposal.glyphs]


def _attribute(
    glyph: Glyph,
    own: npt.NDArray[np.int16],
    ideal: Ink,
    areas: npt.NDArray[np.float64],
    marks: int,
    *,
    in_run: bool,
) -> Found:
    # All that counts is near the glyph: fields are long.
    box = glyph.box_px
    around = round(_AROUND * max(box.width, box.height)) + _RIM_PX
    left, top = max(round(box.left) - around, 0), max(round(box.top) - around, 0)
    window = np.s_[top : round(box.bottom) + around, left : round(box.right) + around]
    own, ideal = own[window], ideal[window]
    cut = np.zeros(own.shape, np.uint8)
    row, column = round(box.top) - top, round(box.left) - left
    target = cut[row : row + glyph.ink.shape[0], column : column + glyph.ink.shape[1]]
    target[:] = glyph.ink[: target.shape[0], : target.shape[1]]

    counts = np.bincount(own[cut >= _LEAST_MEMBER].astype(np.intp), minlength=1)
    numbers = np.flatnonzero(counts[1:]) + 1
    shares = counts[numbers] / np.maximum(areas[numbers], 1.0)
    whole = numbers[(shares >= WHOLE) & (numbers <= marks)]
    if len(whole) == 0:
        if len(numbers) and shares.max() >= ABSENT:
            largest = int(numbers[int(np.argmax(shares))])
            return Found("separator") if largest > marks else Found("part", largest - 1)
        return Found("stroke") if is_stroke(glyph.ink) else Found("empty")
    likenesses = [_likeness(cut, own, ideal, int(number)) for number in whole]
    best = int(np.argmax(likenesses))
    if len(whole) > 1:
        # A thin digit written into another's strokes may not be seen: then nobody would call it two.
        clear = likenesses[best] < SAME and is_wide(glyph.ink)
        return Found("merged" if clear else "unlike", -1 if clear else int(whole[best]) - 1, likenesses[best])
    # In a run a digit with a piece of the next is a cut in the wrong place; in a cell it is the cell's digit.
    others = shares[(numbers != whole[0]) & (numbers <= marks)]
    spoiled = in_run and bool((others > ABSENT).any())
    kind = "mark" if likenesses[0] >= LEAST_LIKENESS and not spoiled else "unlike"
    return Found(kind, int(whole[0]) - 1, likenesses[0])


def _likeness(cut: Ink, own: npt.NDArray[np.int16], ideal: Ink, number: int) -> float:
    """Cosine of a cut glyph and of the mark as it was written, in place, strokes at full ink; 0 if it is spoiled."""
    member = (own == number).astype(np.uint8)
    _, _, width, height = cv2.boundingRect(member)
    side = max(width, height)
    missing = member & (cv2.dilate(cut, np.ones((_RIM_PX, _RIM_PX), np.uint8)) < _LEAST_MEMBER)
    _, _, holes, _ = cv2.connectedComponentsWithStats(missing, connectivity=8)
    if len(holes) > 1 and holes[1:, 2:4].max() > LARGEST_HOLE * side:
        return 0.0
    if side < LEAST_SIZE * max(cv2.boundingRect((cut >= _LEAST_MEMBER).astype(np.uint8))[2:]):
        return 0.0
    soft = cv2.dilate(member, np.ones((3, 3), np.uint8)) > member
    written = np.where((member > 0) | (soft & (own == 0)), ideal, 0).astype(np.uint8)
    sigma = max(AFAR * side, 0.8)
    a, b = (cv2.GaussianBlur(_flat(image), (0, 0), sigma).ravel() for image in (cut, written))
    return float(a @ b / max(float(np.sqrt((a @ a) * (b @ b))), 1e-6))


def _flat(ink: Ink) -> npt.NDArray[np.float32]:
    """Ink at its full level, 1, from half of it on: pressure and pale pens do not count."""
    return np.minimum(ink.astype(np.float32) * np.float32(2 / max(int(ink.max()), 1)), 1)


def is_stroke(ink: Ink) -> bool:
    """Whether a glyph is about one stroke, whichever way it runs, or a corner at the top right.

    Nobody can say of it that it is no 1, no 7 and no dash.
    """
    solid = (ink >= max(int(ink.max()) // 2, 1)).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(solid)
    if width == 0 or max(width, height) < _SPECK_PX:
        return True
    moments = cv2.moments(solid, binaryImage=True)
    mean, spread = (moments["mu20"] + moments["mu02"]) / 2, (moments["mu20"] - moments["mu02"]) / 2
    tilt = float(np.hypot(spread, moments["mu11"]))
    if mean - tilt <= STRAIGHT**2 * (mean + tilt):
        return True
    box = solid[top : top + height, left : left + width].astype(bool)
    rest = box.copy()
    rest[: round(_CORNER * height)] = False
    rest[:, width - round(_CORNER * width) :] = False
    return bool(rest.sum() <= _CORNER_REST * box.sum())


def is_wide(ink: Ink) -> bool:
    """Whether two digits in one glyph take so much room that nobody takes them for one."""
    _, _, width, height = cv2.boundingRect((ink >= _LEAST_MEMBER).astype(np.uint8))
    return width >= _PAIR_WIDTH * height
