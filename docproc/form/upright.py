"""Make a page upright: its lines level and plumb, at a working size.

In:  one page image, gray, of any size and skew up to 20 degrees.
Out: a `Straightened`: the image, where it shows the page, and the map back to the page as read.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Transform
from docproc.page import Gray, Ink

WORKING_SIDE_PX = 2000  #: Long side that large pages are reduced to: 170 dpi for A4, where a 0.1 mm rule still shows.
SMALL_SIDE_PX = 950  #: Pages below are doubled, so that rules of 1 px can be followed and boxes of 14 px parted.
SKEW_SIDE_PX = 1000  #: The skew is measured at this size: fine enough for 0.1 degree over a quarter of the page.
MAX_SKEW_DEG = 20.0  #: Lines that lean more than this belong to neither direction of the ruling.
LEAST_SKEW_DEG = 0.15  #: Below this a page is left alone: resampling costs more sharpness than it mends.
LEAST_SEGMENT_PX = 25  #: Shorter segments are strokes of text; they lean as they like.
PEAK_DEG = 0.75  #: Half width of the window that is averaged around the most voted angle.


@dataclass(frozen=True, slots=True, eq=False)
class Straightened:
    """A page made upright at the working size."""

    gray: Gray  #: (H, W).
    sheet: Ink  #: 255 where `gray` shows the page, 0 in the corners that the turn added.
    page_from_upright: Transform  #: Pixels of the page as read from pixels of `gray`.


def straighten(gray: Gray) -> Straightened:
    """Turn a page upright and bring its long side to about WORKING_SIDE_PX.

    Lines across and lines down are each made level: a sheared page becomes upright too; what perspective leaves is
    the business of whoever follows the lines.
    """
    height, width = gray.shape
    across, down = np.radians(measure_skew(gray))
    side = max(height, width)
    scale = WORKING_SIDE_PX / side if side > WORKING_SIDE_PX else 2.0 if side < SMALL_SIDE_PX else 1.0
    if max(abs(across), abs(down)) < np.radians(LEAST_SKEW_DEG):
        across = down = 0.0
    # Columns: where one step right and one step down of the upright frame lead on the page.
    page_from_upright = np.array(
        [[np.cos(across), -np.sin(down), 0], [np.sin(across), np.cos(down), 0], [0, 0, scale]], np.float64
    )
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    seen = Transform.of(page_from_upright).inverse() @ corners
    origin = seen.min(axis=0)
    size = np.ceil(seen.max(axis=0) - origin).astype(int)
    chart = Transform.of(page_from_upright) @ Transform.translation(float(origin[0]), float(origin[1]))
    # Half a pixel: pixel centers stand at whole numbers in both frames.
    chart = Transform.translation(-0.5, -0.5) @ chart @ Transform.translation(0.5, 0.5)
    if scale < 1:
        shrunk = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        factor = Transform.translation(0.5, 0.5) @ chart
        source_from_upright = (
            Transform.translation(-0.5, -0.5)
            @ Transform.scaling(shrunk.shape[1] / width, shrunk.shape[0] / height)
            @ factor
        )
    else:
        shrunk, source_from_upright = gray, chart
    extent = (int(size[0]), int(size[1]))
    if scale == 1 and across == 0 and down == 0:
        return Straightened(gray=gray, sheet=np.full_like(gray, 255), page_from_upright=Transform.identity())
    flags = (cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    upright = cv2.warpPerspective(
        shrunk, source_from_upright.matrix, extent, flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    sheet = np.full_like(upright, 255)
    if across or down:
        sheet = cv2.warpPerspective(
            np.full_like(shrunk, 255),
            source_from_upright.matrix,
            extent,
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        )
    return Straightened(gray=upright, sheet=sheet, page_from_upright=chart)


def measure_skew(gray: Gray) -> tuple[float, float]:
    """How far the lines of a page lean, in degrees: (those across the page, those down the page).

    Positive leans clockwise. The two differ on photographs taken at a slant. Line segments (LSD [1]_) vote by
    their length; text lines vote too, through the rules and edges that are longest. 0 where nothing is straight.

    References
    ----------
    .. [1] R. Grompone von Gioi, J. Jakubowicz, J.-M. Morel, G. Randall, "LSD: a Line Segment Detector",
       Image Processing On Line 2, 2012, pp. 35-55.
    """
    side = max(gray.shape)
    if side > SKEW_SIDE_PX:
        factor = SKEW_SIDE_PX / side
        gray = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    found = cv2.createLineSegmentDetector().detect(gray)[0]
    if found is None:
        return 0.0, 0.0
    ends = found.reshape(-1, 4).astype(np.float64)
    run = ends[:, 2:] - ends[:, :2]
    length = np.hypot(run[:, 0], run[:, 1])
    angle = np.degrees(np.arctan2(run[:, 1], run[:, 0]))
    across = _dominant((angle + 90) % 180 - 90, length)
    down = _dominant(angle % 180 - 90, length)
    if across is None and down is None:
        return 0.0, 0.0
    across = down if across is None else across
    down = across if down is None else down
    assert across is not None
    assert down is not None
    return across, down


def _dominant(angle_deg: npt.NDArray, length_px: npt.NDArray) -> float | None:
    """The angle that most of the length agrees on, or None without any."""
    keep = (np.abs(angle_deg) < MAX_SKEW_DEG) & (length_px >= LEAST_SEGMENT_PX)
    if not keep.any():
        return None
    angle_deg, votes = angle_deg[keep], length_px[keep] ** 1.5
    counts, edges = np.histogram(angle_deg, bins=np.arange(-MAX_SKEW_DEG, MAX_SKEW_DEG + 0.25, 0.25), weights=votes)
    peak = edges[int(np.convolve(counts, np.ones(5), "same").argmax())] + 0.125
    near = np.abs(angle_deg - peak) < PEAK_DEG
    return float(np.average(angle_deg[near], weights=votes[near])) if near.any() else float(peak)
