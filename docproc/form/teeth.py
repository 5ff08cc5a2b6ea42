"""Take away the teeth of a comb of which nobody knows: upright lines in a free field, in step, writing between them.

In:  a field that no template calls a comb, its darkness and its ink. Out: the darkness without the comb's teeth.
Digits may stand in step, too, where people wrote into boxes that a scan has dropped. What tells teeth from them: a
tooth stands alone, one upright line that no other stroke goes on from, and between two of them something is written.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.page import Ink, Mask

# Lengths are shares of the field's height.
PITCH = (0.35, 1.3)  #: From tooth to tooth: cells are seldom wider than high.
WIDEST = 0.2  #: Of a tooth, leaning and frayed.
LEAST_TOOTH = 0.2  #: Ink of a tooth in one column: a line that is left in pieces is a line.
LEVEL = 0.8  #: A stroke this long is a line of the box, which joins all teeth into one.
APART = 0.12  #: Uprights closer to one another are one.
INSIDE = 0.15  #: Of a cell, at its edges, where a neighbor's strokes may be.
OFF_STEP = 0.1  #: Of the pitch: how far from its even place a tooth may stand.
LEAST_TEETH = 5
LEAST_SEEN = 0.6  #: Share of the even places between the first and the last tooth at which one stands alone.
LEAST_WRITTEN = 0.6  #: Share of the cells between them that hold more: a row of ones is no comb.
EDGE_PX = 5  #: Around a tooth, half of it to each side: paler than ink, and print all the same.
MOST_UPRIGHTS = 40  #: That are looked at, the longest.

Columns = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Step:
    """Even places of a comb's teeth: column start_px + n x pitch_px, n from 0 to count - 1."""

    start_px: float
    pitch_px: float
    count: int

    @property
    def places(self) -> Columns:
        """The columns."""
        return self.start_px + self.pitch_px * np.arange(self.count)


def remove_teeth(dark: Ink, mask: Mask, box_px: Box) -> Ink:
    """The darkness with paper where a comb has teeth; as it was where there is no comb.

    Parameters
    ----------
    dark : (H, W) uint8
        0 is paper, 255 is black.
    mask : (H, W) bool
        The field's ink.
    box_px : Box
        The field's box in this image.

    Returns
    -------
    (H, W) uint8
    """
    labels, middles, uprights = _uprights(mask, box_px.height)
    step = _find_step(_rows(uprights[labels], box_px), box_px.height)
    if step is None:
        return dark
    steps = (middles - step.start_px) / step.pitch_px
    teeth = (uprights & (np.abs(steps - np.round(steps)) <= OFF_STEP))[labels]
    if not _is_written(_rows(mask & ~teeth, box_px), step):
        return dark
    edges = cv2.dilate(teeth.astype(np.uint8), np.ones((EDGE_PX, EDGE_PX), np.uint8)).astype(bool)
    return np.where(edges & (teeth | ~mask), 0, dark).astype(np.uint8)


def _uprights(mask: Mask, height: float) -> tuple[npt.NDArray[np.int32], Columns, npt.NDArray[np.bool_]]:
    """Parts of the ink without the box's level lines: labels (H, W), middle columns, and which are upright lines."""
    ink = mask.astype(np.uint8)
    thick = cv2.dilate(ink, np.ones((3, 1), np.uint8))  # a level line may climb by a pixel
    level = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, max(round(LEVEL * height), 3)), np.uint8))
    _, labels, stats, middles = cv2.connectedComponentsWithStats(ink & ~level & 1, connectivity=8)
    upright = stats[:, cv2.CC_STAT_WIDTH] <= WIDEST * height
    upright[0] = False  # paper
    return labels, middles[:, 0], upright


def _find_step(alone: Mask, height: float) -> Step | None:
    """The even places at which the longest uprights stand; None where too few do."""
    columns, lengths = _longest(alone, height)
    if len(columns) < LEAST_TEETH:
        return None
    # Any two uprights may be any number of steps apart: all guesses (G, 1) against all uprights (N,).
    one, other = np.triu_indices(len(columns), k=1)
    apart = (columns[other] - columns[one])[:, np.newaxis]
    steps = np.arange(1, int(np.ptp(columns) / (PITCH[0] * height)) + 1)
    pair, times = np.nonzero((apart >= PITCH[0] * height * steps) & (apart <= PITCH[1] * height * steps))
    if len(pair) == 0:
        return None
    pitch = apart[pair] / steps[times, np.newaxis]
    exact = (columns - columns[one[pair], np.newaxis]) / pitch
    number = np.round(exact)
    fits = np.abs(exact - number) <= OFF_STEP
    first, last = np.where(fits, number, np.inf).min(axis=1), np.where(fits, number, -np.inf).max(axis=1)
    missed = last - first + 1 - fits.sum(axis=1)
    best = int(np.argmax(fits @ lengths - missed * np.median(lengths)))
    teeth, where = np.unique(number[best, fits[best]], return_index=True)
    count = int(np.ptp(teeth)) + 1
    if len(teeth) < max(LEAST_TEETH, LEAST_SEEN * count):
        return None
    pitch_px, start_px = np.polyfit(teeth - teeth[0], columns[fits[best]][where], 1)
    return Step(float(start_px), float(pitch_px), count)


def _longest(alone: Mask, height: float) -> tuple[Columns, Columns]:
    """Columns of the longest uprights, ascending, and how long they are."""
    left = alone.sum(axis=0).astype(np.float64)
    reach = max(round(APART * height), 2)
    found: list[tuple[float, float]] = []
    while len(found) < MOST_UPRIGHTS and left.max(initial=0) >= LEAST_TOOTH * height:
        longest = int(left.argmax())
        around = np.arange(max(longest - reach, 0), min(longest + reach + 1, len(left)))
        found.append((float(np.average(around, weights=left[around])), float(left[longest])))
        left[around] = 0
    columns, lengths = np.array(sorted(found)).reshape(-1, 2).T
    return columns, lengths


def _is_written(writing: Mask, step: Step) -> bool:
    """Whether most cells hold ink besides their teeth."""
    rows = writing.shape[0]
    band = writing[round(INSIDE * rows) : round((1 - INSIDE) * rows)]
    inside = INSIDE * step.pitch_px
    cells = [
        band[:, max(round(left + inside), 0) : round(left + step.pitch_px - inside)] for left in step.places[:-1]
    ]
    return float(np.mean([cell.any() for cell in cells])) >= LEAST_WRITTEN


def _rows(mask: Mask, box_px: Box) -> Mask:
    """The rows of the field's box."""
    return mask[max(round(box_px.top), 0) : max(round(box_px.bottom), 1)]
