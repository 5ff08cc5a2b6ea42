"""Bring a painted sheet back as a page: scanned, copied to black and white, or photographed.

In:  planes of the sheet, (H, W) uint8 each, and how it is captured.
Out: the page's pixels, and where the sheet's pixels lie on it.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Transform
from docproc.synthesis import degradation
from docproc.training.painting.papers import Planes

Way = Literal["clean", "gray", "bilevel", "color", "photo"]
WAYS: tuple[Way, ...] = ("clean", "gray", "bilevel", "color", "photo")
WAY_SHARES = (0.15, 0.22, 0.3, 0.13, 0.2)  #: Binarized scans are common; so are phones.

_SKEW_DEGREES = 1.0  #: Standard deviation: a page is turned upright by its registration, and not quite.
_CORNER_SHARE = 0.015  #: A photograph's corners leave their places by this share of its sides.
_BLUR_SHARE = 0.035  #: Of the digits' height: a usual blur; four times it hides what people read.

_NOISE = (0.005, 0.07)  #: Standard deviation, of the contrast of ink and paper.
_LEVEL = (0.3, 0.55)  #: Of that contrast: from where on a copier makes black.
_INK_PERCENTILE, _PAPER_PERCENTILE = 2, 70  #: Of a sheet's pixels: a twentieth is ink.

Pixels = npt.NDArray[np.uint8]


def expose(
    planes: Planes, *, way: Way, digit_px: float, reduction: float, rng: np.random.Generator
) -> tuple[Pixels, Transform]:
    """The page, (H, W) or (H, W, 3) uint8, and page_from_sheet.

    Parameters
    ----------
    planes : list of (H, W) uint8
        One, or three of RGB.
    way : Way
    digit_px : float
        Height of digits on the page.
    reduction : float
        Page pixels to one pixel of the sheet, at most 1.
    """
    pixels: Pixels = planes[0] if len(planes) == 1 else cv2.merge(planes)
    turned = _turn(pixels.shape[:2], way, rng)
    if turned is not None:
        pixels = cv2.warpPerspective(
            pixels, turned.matrix, pixels.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    page_from_sheet = turned or Transform.identity()
    if reduction < 1:
        size = max(round(pixels.shape[1] * reduction), 1), max(round(pixels.shape[0] * reduction), 1)
        factors = size[0] / pixels.shape[1], size[1] / pixels.shape[0]
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        # Pixel centers are whole numbers: a sheet's edge is half a pixel before the first.
        shrunk = Transform.translation(-0.5, -0.5) @ Transform.scaling(*factors) @ Transform.translation(0.5, 0.5)
        page_from_sheet = shrunk @ page_from_sheet
    return _spoil(pixels, way, digit_px, rng), page_from_sheet


def _turn(shape: tuple[int, ...], way: Way, rng: np.random.Generator) -> Transform | None:
    if way == "clean" or rng.random() < 0.5:
        return None
    height, width = shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    angle = np.radians(rng.normal(0, _SKEW_DEGREES))
    cos, sin = np.cos(angle), np.sin(angle)
    middle = corners.mean(axis=0)
    moved = (corners - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
    if way == "photo":
        moved = moved + rng.uniform(-1, 1, (4, 2)) * _CORNER_SHARE * np.array([width, height])
    return Transform.of(cv2.getPerspectiveTransform(corners, moved.astype(np.float32)).astype(np.float64))


def _spoil(pixels: Pixels, way: Way, digit_px: float, rng: np.random.Generator) -> Pixels:
    softness = _BLUR_SHARE * digit_px
    contrast = _contrast(pixels)
    if way == "clean":
        return degradation.blur(pixels, sigma_px=float(rng.uniform(0, 0.5)))
    if rng.random() < 0.25:
        pixels = degradation.tone(pixels, paper=float(rng.uniform(200, 250)), ink=float(rng.uniform(0, 60)))
    if way == "photo":
        pixels = degradation.uneven_light(pixels, depth=float(rng.uniform(0.05, 0.4)), rng=rng)
        if rng.random() < 0.5:
            pixels = degradation.shadow(pixels, depth=float(rng.uniform(0.15, 0.5)), rng=rng)
    elif rng.random() < 0.2:
        pixels = degradation.uneven_light(pixels, depth=float(rng.uniform(0.03, 0.15)), rng=rng)
    if rng.random() < 0.8:
        motion = digit_px * float(rng.uniform(0, 0.1)) if way == "photo" and rng.random() < 0.3 else 0.0
        sigma = softness * float(np.clip(rng.lognormal(0, 0.5), 0.3, 2.2))
        pixels = degradation.blur(pixels, sigma_px=sigma, motion_px=motion, degrees=float(rng.uniform(0, 180)))
    if rng.random() < 0.25:
        pixels = degradation.specks(
            pixels, per_megapixel=float(rng.uniform(20, 300)), largest_px=max(0.12 * digit_px, 2), rng=rng
        )
    if rng.random() < 0.7:
        pixels = degradation.noise(
            pixels, sigma=contrast * float(rng.uniform(*_NOISE)), grain_px=float(rng.choice((0.0, 0.6, 0.9))), rng=rng
        )
    if way == "bilevel":
        return degradation.bilevel(pixels, darkness=_contrast(pixels) / 255 * float(rng.uniform(*_LEVEL)))
    if rng.random() < (0.8 if way == "photo" else 0.35):
        pixels = degradation.compress(pixels, quality=int(rng.integers(20, 91)))
    return pixels


def _contrast(pixels: Pixels) -> float:
    """Between ink and paper, in gray levels: what noise and thresholds are measured by."""
    sample = pixels[::3, ::3]
    dark, light = np.percentile(sample, (_INK_PERCENTILE, _PAPER_PERCENTILE))
    return max(float(light - dark), 20.0)
