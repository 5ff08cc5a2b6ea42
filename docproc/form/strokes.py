"""Tell strokes of writing that look like rules from the rules that they cross.

In:  straight pieces found in both directions, and how dark each is.
Out: which of those that run across are rules.

Where a form divides a box, it does so with a line no darker than the box's own: separators are as dark as their
frame, or paler. So a short piece that is clearly darker than a long rule that it meets was written.
"""

from __future__ import annotations

import cv2
import numpy as np

from docproc.form.joining import Chain
from docproc.page import Gray

SHORT_PX = 160  #: In the working image: longer pieces are rules, whatever their ink.
LONG_FACTOR = 2.0  #: A rule that can witness is longer than the piece by this factor.
DARKER = 2.0  #: Written strokes are darker than a rule that they meet by this factor ...
DARKER_LEVELS = 8.0  #: ... and by this many gray levels.
MEET_PX = 8  #: Beyond its ends, a piece meets what lies this near.


def darkness(rule: Chain, dark: Gray) -> float:
    """Median darkness of a piece along its center line."""
    x, y = rule
    columns = np.arange(int(x[0]), int(x[-1]) + 1)
    return float(np.median(dark[np.rint(np.interp(columns, x, y)).astype(int), columns]))


def without_strokes(pieces: list[Chain], dark: Gray, crossing: list[Chain], dark_across: Gray) -> list[Chain]:
    """Pieces that are rules.

    Parameters
    ----------
    pieces : list of Chain
        What runs across.
    dark : (H, W) uint8
        How much darker each pixel is than what lies above and below it.
    crossing : list of Chain
        What runs down, transposed so that it runs across too.
    dark_across : (W, H) uint8
        As `dark`, for `crossing`.
    """
    height, width = dark.shape
    length = np.zeros((height, width), np.float32)
    level = np.zeros((height, width), np.float32)
    for x, y in sorted(crossing, key=lambda chain: chain[0][-1] - chain[0][0]):
        points = np.rint(np.stack([y, x], axis=1)).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(length, [points], False, float(x[-1] - x[0]), 3)
        cv2.polylines(level, [points], False, darkness((x, y), dark_across), 3)
    kept = []
    for x, y in pieces:
        own_length = float(x[-1] - x[0])
        if own_length < SHORT_PX:
            columns = np.arange(max(int(x[0]) - MEET_PX, 0), min(int(x[-1]) + MEET_PX + 1, width))
            rows = np.rint(np.interp(columns, x, y)).astype(int)
            witness = length[rows, columns] >= LONG_FACTOR * own_length
            if witness.any():
                palest = float(level[rows, columns][witness].min())
                if darkness((x, y), dark) > max(DARKER * palest, palest + DARKER_LEVELS):
                    continue
        kept.append((x, y))
    return kept
