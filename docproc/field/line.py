"""The line of writing in a field, as the reader of whole lines takes it: level, of one height, as wide as it is.

In:  a field's darkness map and the parts of its ink, rules removed.
Out: (HEIGHT_PX, W, 2) uint8: the darkness as it is, print and neighbors and all, and what is thought to be ink.
The line is found by the ink; what is read is mostly the darkness, so that what a threshold has cut is whole here.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from docproc.field.glyph import Parts
from docproc.field.segmentation import own_ink
from docproc.geometry import Box
from docproc.histogram import percentile, percentile_of_sorted
from docproc.page import Ink

Line = npt.NDArray[np.uint8]  #: (HEIGHT_PX, W, 2).

HEIGHT_PX = 32
WRITING_PX = 22  #: Of that, the band of writing; the rest is room above and below.
SIDE_PX = 6  #: Room before and after it.
WIDEST_PX = 416  #: Eighteen digits set wide; what is longer is squeezed.
OUTERMOST = 0.012  #: Share of the ink, at the top and at the bottom, that may stand out of the band.
LOWEST = 0.25  #: Of the field's height: no band is lower, or a dash would fill it.
FULL_PERCENTILE = 99.6  #: Of the smoothed darkness: what counts as full ink.
STEEPEST = 0.15  #: Slope of a line of writing, as a tangent.
LEVEL_BELOW, SLOPED_FROM = 1.5, 4.0  #: Width over height: below, slope is the digits' own; from there, the line's.


def line_of(dark: Ink, found: Parts, box_px: Box) -> Line | None:
    """The line of writing of a field; None where there is no ink.

    Parameters
    ----------
    dark : (H, W) uint8
        0 is paper, 255 is black.
    found : Parts
        Of the field's ink, rules removed.
    box_px : Box
        The field's box in this image.
    """
    own = own_ink(found, box_px).labels > 0
    y, x = np.divmod(np.flatnonzero(own), own.shape[1])
    if len(x) == 0:
        return None
    slope = _slope(x, y)
    rows = np.sort(y - slope * (x - x.mean())) if slope else y  # which ascends
    top, bottom = (percentile_of_sorted(rows, share) for share in (100 * OUTERMOST, 100 * (1 - OUTERMOST)))
    height = max(float(bottom - top) + 1, LOWEST * box_px.height)
    middle, left, right = float(top + bottom) / 2, float(x.min()), float(x.max()) + 1
    scale = WRITING_PX / height
    width = min((right - left) * scale + 2 * SIDE_PX, WIDEST_PX)
    across = (width - 2 * SIDE_PX) / (right - left)
    # Field pixels from line pixels; centers are whole numbers in both.
    column = left - SIDE_PX / across
    matrix = np.array(
        [
            [1 / across, 0, column + 0.5 / across - 0.5],
            [slope / across, 1 / scale, middle - HEIGHT_PX / 2 / scale + slope * (column - x.mean())],
        ]
    )
    size = (max(round(width), 1), HEIGHT_PX)
    written = slice(int(y[0]), int(y[-1]) + 1)
    strokes = cv2.blur(np.where(own[written], dark[written], 0).astype(np.uint8), (3, 3))
    full = max(percentile(strokes, FULL_PERCENTILE), percentile(dark[own], 90), 1.0)
    shown = _shown(matrix, size, 1 / scale, own.shape)
    level = cv2.convertScaleAbs(dark[shown], alpha=255.0 / full)
    matrix[:, 2] -= (shown[1].start, shown[0].start)
    planes = (level, own[shown].view(np.uint8) * 255)
    return np.stack([_warp(plane, matrix, size, scale) for plane in planes], axis=2)


def _shown(
    matrix: npt.NDArray[np.float64], size: tuple[int, int], margin: float, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """Rows and columns of a field that its line shows, and what smoothing reaches around them."""
    corners = np.array([(0, 0, 1), (size[0], 0, 1), (0, size[1], 1), (size[0], size[1], 1)]) @ matrix.T
    (left, top), (right, bottom) = corners.min(axis=0) - 3 * margin - 2, corners.max(axis=0) + 3 * margin + 2
    return (
        slice(min(max(int(top), 0), shape[0] - 1), min(max(int(bottom), 1), shape[0])),
        slice(min(max(int(left), 0), shape[1] - 1), min(max(int(right), 1), shape[1])),
    )


def _slope(x: npt.NDArray[np.intp], y: npt.NDArray[np.intp]) -> float:
    """How the line of writing climbs: least squares through its ink, as far as it is long enough to tell.

    `y` ascends.
    """
    long = np.ptp(x) / max(percentile_of_sorted(y, 98) - percentile_of_sorted(y, 2), 1.0)
    sure = float(np.clip((long - LEVEL_BELOW) / (SLOPED_FROM - LEVEL_BELOW), 0, 1))
    if sure == 0:
        return 0.0
    centered = x - x.mean()
    slope = float(centered @ (y - y.mean()) / max(float(centered @ centered), 1.0))
    return sure * float(np.clip(slope, -STEEPEST, STEEPEST))


def _warp(image: Ink, matrix: npt.NDArray[np.float64], size: tuple[int, int], scale: float) -> Ink:
    """Resample without aliasing."""
    if scale < 1:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
