"""Separate ink from paper.

In:  page pixels, or a field cut from them.
Out: darkness maps (0 is paper, 255 is black) that no shadow or paper color disturbs, and boolean ink masks.
Printed rules are still in them: docproc.form.dropout removes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Transform
from docproc.histogram import percentile
from docproc.page import Ink, Mask, Page

PAPER_GRID_PX = 8  #: One value of the paper map stands for a square of this side on the page.
PAPER_REACH = 7  #: Side, in paper map values, of the window of the closing: wider dark areas are no longer ink.
FAINTEST_INK = 38  #: Darkness (of 255) below which nothing is ink: 15 %, under the faintest pencil people read.
INK_SHARE = 0.5  #: A pixel is ink where it is darker than this share of the ink level,
WEAK_SHARE = 0.42  #: or, where it touches such ink, than this: strokes thin out and pale at their ends.
PALEST_FIELD = 0.65  #: Of the page's ink level: a field whose darkest marks are paler holds print, not writing.
PEAK_PERCENTILE = 99.6  #: Of a field's darkness: a lone thin "1" in a comb covers about half a percent.


@dataclass(frozen=True, slots=True, eq=False)
class Paper:
    """How bright the bare paper is, everywhere on a page: (h, w, channels) float32 on a coarse grid."""

    brightness: npt.NDArray[np.float32]
    page_from_grid: Transform


def estimate_paper(page: Page) -> Paper:
    """Brightness of the bare paper: a morphological closing of the page, on a coarse grid.

    Ink, rules and small filled areas are darker than the paper around them, so the closing fills them;
    shadows change slowly and stay.
    """
    pixels = page.pixels if page.pixels.ndim == 3 else page.pixels[:, :, np.newaxis]
    height, width = pixels.shape[:2]
    grid = (max(width // PAPER_GRID_PX, 1), max(height // PAPER_GRID_PX, 1))
    # By whole numbers: that is ten times as fast.
    whole = pixels[: grid[1] * PAPER_GRID_PX, : grid[0] * PAPER_GRID_PX]
    half = cv2.resize(whole, (grid[0] * 2, grid[1] * 2), interpolation=cv2.INTER_AREA)
    # The brightest of neighboring halves before the window: thin paper gaps between letters still count.
    upper, lower = half[::2], half[1::2]
    quads = np.maximum(np.maximum(upper[:, ::2], upper[:, 1::2]), np.maximum(lower[:, ::2], lower[:, 1::2]))
    kernel = np.ones((PAPER_REACH, PAPER_REACH), np.uint8)
    bright = cv2.morphologyEx(quads, cv2.MORPH_CLOSE, kernel).reshape(grid[1], grid[0], -1)
    smooth = cv2.blur(bright.astype(np.float32), (PAPER_REACH, PAPER_REACH)).reshape(grid[1], grid[0], -1)
    scale = Transform.scaling(whole.shape[1] / grid[0], whole.shape[0] / grid[1])
    return Paper(np.maximum(smooth, 1.0), scale @ Transform.translation(0.5, 0.5))


def darkness(pixels: npt.NDArray[np.uint8], paper: npt.NDArray[np.float32]) -> Ink:
    """How much light a mark takes from the paper, in the color channel where it takes most.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
    paper : (H, W, channels) float32
        Brightness of the bare paper at each pixel.

    Returns
    -------
    (H, W) uint8
        0 is paper, 255 is black. Red ink is as dark as black ink: it takes all the green.
    """
    light = pixels.reshape(pixels.shape[0], pixels.shape[1], -1) / paper
    darkest = light[:, :, 0] if light.shape[2] == 1 else light.min(axis=2)
    return np.clip(255 * (1 - darkest), 0, 255).astype(np.uint8)


def ink_peak(*places: Ink) -> float:
    """Darkness of the darkest strokes in places of a field, 0 to 255: a high percentile of the smoothed maps."""
    smooth = [cv2.blur(place, (3, 3)).ravel() for place in places if place.size]
    return percentile(np.concatenate(smooth), PEAK_PERCENTILE) if smooth else 0.0


def ink_level(peaks: Sequence[float]) -> float:
    """Darkness of handwriting on a page, 0 to 255, from the peaks of all its fields.

    The upper half of the fields that hold anything speaks: blank fields, and fields with little ink, do not.
    """
    inked = sorted(peak for peak in peaks if peak >= FAINTEST_INK)
    return float(np.median(inked[len(inked) // 2 :])) if inked else 2.0 * FAINTEST_INK


def binarize(dark: Ink, *, level: float, peak: float) -> Mask:
    """Ink by hysteresis: dark pixels, and the paler ones connected to them [1]_.

    Parameters
    ----------
    dark : (H, W) uint8
        0 is paper, 255 is black.
    level : float
        The page's ink level.
    peak : float
        The field's own darkest strokes. Where they are fainter than the page's they are what counts, down to
        `PALEST_FIELD` of it: fainter marks than that are bleed-through, watermarks and printed guides.

    References
    ----------
    .. [1] J. Canny, "A computational approach to edge detection", IEEE PAMI 8(6), 1986: the two thresholds.
    """
    own = min(max(peak, PALEST_FIELD * level), level)
    strong = dark > max(INK_SHARE * own, FAINTEST_INK)
    weak = dark > max(WEAK_SHARE * own, FAINTEST_INK)
    count, labels = cv2.connectedComponents(weak.view(np.uint8), connectivity=8)
    touched = np.zeros(count, np.bool_)
    touched[labels[strong]] = True
    touched[0] = False
    return touched[labels]
