"""Bring a filled sheet back as an image: under a scanner, through a copier, before a phone.

In:  a sheet, RGB, from edge to edge, and the condition that it is captured in.
Out: a `Capture`: the image, and where the sheet's millimeters lie in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from docproc.geometry import Points, Transform
from docproc.synthesis import degradation
from docproc.synthesis.degradation import Pixels


class Condition(StrEnum):
    """How a page came in."""

    CLEAN = "clean"  #: A flat gray scan.
    SKEWED = "skewed"  #: A gray scan put on the glass carelessly; thin paper.
    FAINT = "faint"  #: A form printed with little toner, a noisy scanner.
    PHOTO = "photo"  #: A phone's picture: perspective, desk, shadow.
    TURNED = "turned"  #: A color scan by 90, 180 or 270 degrees.
    COPIED = "copied"  #: Black and white, as from a copier or a fax.


class Strength(StrEnum):
    """How bad the conditions are."""

    MILD = "mild"
    NORMAL = "normal"
    HARSH = "harsh"

    @property
    def factor(self) -> float:
        """What normal defects are multiplied by."""
        return {"mild": 0.5, "normal": 1.0, "harsh": 1.6}[self.value]


ORDER = (
    Condition.CLEAN,
    Condition.SKEWED,
    Condition.FAINT,
    Condition.PHOTO,
    Condition.TURNED,
    Condition.COPIED,
    Condition.COPIED,
)  #: Conditions of the pages of a batch, in turn.

SCALE_SPREAD = 0.05  #: Printers and scanners that "fit to page" are off by up to this.
TYPICAL_SKEW_DEGREES = {
    Condition.CLEAN: 0.3,
    Condition.SKEWED: 3.0,
    Condition.FAINT: 1.0,
    Condition.TURNED: 1.0,
    Condition.COPIED: 0.8,
}
SCANNER_RIM_MM = 3.0  #: Of the glass seen around a sheet.
PERSPECTIVE_SHARE = 0.05  #: A corner leaves its place by up to this share of the sheet's sides.


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """An image of a sheet."""

    pixels: Pixels  #: (H, W) gray or (H, W, 3) RGB.
    page_from_form: Transform  #: Pixels of the image from mm of the sheet.


def capture(
    sheet: Pixels,
    *,
    condition: Condition,
    strength: Strength,
    px_per_mm: float,
    back: Pixels,
    rng: np.random.Generator,
) -> Capture:
    """Bring a sheet back as an image.

    Parameters
    ----------
    sheet : (H, W, 3) uint8
        The filled sheet from edge to edge.
    condition, strength
        How, and how badly.
    px_per_mm : float
        Pixels of the sheet to a millimeter; the image has about the same.
    back : (H, W, 3) uint8
        What is printed on the sheet's back.
    rng
        Chance.

    Returns
    -------
    Capture
        Gray for CLEAN, SKEWED, FAINT; 0 and 255 alone for COPIED; RGB for PHOTO and TURNED.
    """
    bad = strength.factor
    if condition is Condition.PHOTO:
        return _photographed(sheet, px_per_mm, bad, rng)
    if condition is not Condition.CLEAN:
        sheet = degradation.bleed_through(sheet, back, strength=float(rng.uniform(0.02, 0.07)) * bad)
    scanned = _laid_on_glass(sheet, condition, px_per_mm, bad, rng)
    pixels, place = scanned.pixels, scanned.page_from_form
    if condition is Condition.TURNED:
        pixels = degradation.tone(pixels, paper=float(rng.uniform(238, 252)), ink=12)
        pixels = degradation.blur(pixels, sigma_px=0.5)
        pixels = degradation.noise(pixels, sigma=2.0 * bad, grain_px=0.6, rng=rng)
        return _turned(Capture(pixels, place), quarters=int(rng.integers(1, 4)))
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if condition is Condition.CLEAN:
        # Scanners set paper to plain white, which also keeps the file small.
        gray = degradation.tone(degradation.blur(gray, sigma_px=0.45), paper=262, ink=0)
    elif condition is Condition.SKEWED:
        gray = degradation.tone(gray, paper=float(rng.uniform(225, 245)), ink=float(rng.uniform(10, 40)))
        gray = degradation.blur(gray, sigma_px=0.6 * bad**0.5)
        gray = degradation.uneven_light(gray, depth=0.06 * bad, rng=rng)
        gray = degradation.noise(gray, sigma=3.5 * bad, grain_px=0.6, rng=rng)
    elif condition is Condition.FAINT:
        gray = degradation.tone(gray, paper=float(rng.uniform(228, 248)), ink=float(rng.uniform(20, 45)))
        gray = degradation.blur(gray, sigma_px=0.6 * bad**0.5)
        gray = degradation.specks(gray, per_megapixel=14 * bad, largest_px=0.5 * px_per_mm, rng=rng)
        gray = degradation.noise(gray, sigma=6.0 * bad, grain_px=0.7, rng=rng)
    else:
        gray = degradation.blur(gray, sigma_px=0.7)
        gray = degradation.noise(gray, sigma=6.0 * bad, grain_px=0.8, rng=rng)
        gray = degradation.bilevel(gray, darkness=float(rng.uniform(0.16, 0.22)))
        gray = np.where(
            degradation.specks(np.full_like(gray, 255), per_megapixel=25 * bad, largest_px=0.35 * px_per_mm, rng=rng)
            < 255,
            0,
            gray,
        ).astype(np.uint8)
    return Capture(gray, place)


def _laid_on_glass(
    sheet: Pixels, condition: Condition, px_per_mm: float, bad: float, rng: np.random.Generator
) -> Capture:
    """Turn and scale a sheet a little, on an image with room for it, a scanner's lid around."""
    spread = SCALE_SPREAD * (0.2 if condition is Condition.CLEAN else min(bad, 1.0))
    scale = float(rng.uniform(1 - spread, 1 + spread))
    stretch = float(rng.normal(1, 0.002))
    most = TYPICAL_SKEW_DEGREES[condition] * bad
    angle = np.radians(rng.uniform(0.35, 1.0) * most * rng.choice((-1, 1)))
    cos, sin = np.cos(angle), np.sin(angle)
    turned = Transform.of(
        [[scale * cos, -scale * stretch * sin, 0], [scale * sin, scale * stretch * cos, 0], [0, 0, 1]]
    )
    corners = turned @ _corners(sheet)
    rim = SCANNER_RIM_MM * px_per_mm * float(rng.uniform(0.0, 1.0))
    low, high = corners.min(axis=0), corners.max(axis=0)
    image_from_sheet = Transform.translation(rim - low[0], rim - low[1]) @ turned
    size = int(np.ceil(high[0] - low[0] + 2 * rim)) + 1, int(np.ceil(high[1] - low[1] + 2 * rim)) + 1
    lid = 252 if condition in (Condition.CLEAN, Condition.TURNED, Condition.COPIED) or rng.random() < 0.6 else 60
    pixels = cv2.warpPerspective(
        sheet,
        image_from_sheet.matrix,
        size,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(lid, lid, lid),
    )
    return Capture(pixels, image_from_sheet @ _sheet_from_form(px_per_mm))


def _turned(flat: Capture, *, quarters: int) -> Capture:
    """Turn an image by quarters of a circle, counterclockwise."""
    height, width = flat.pixels.shape[:2]
    turn = {
        1: Transform.of([[0, 1, 0], [-1, 0, width - 1], [0, 0, 1]]),
        2: Transform.of([[-1, 0, width - 1], [0, -1, height - 1], [0, 0, 1]]),
        3: Transform.of([[0, -1, height - 1], [1, 0, 0], [0, 0, 1]]),
    }[quarters]
    return Capture(np.ascontiguousarray(np.rot90(flat.pixels, quarters)), turn @ flat.page_from_form)


def _photographed(sheet: Pixels, px_per_mm: float, bad: float, rng: np.random.Generator) -> Capture:
    """Take a phone's picture of a sheet that lies on a desk."""
    height, width = sheet.shape[:2]
    corners = _corners(sheet)
    moved = corners + rng.uniform(-1, 1, (4, 2)) * PERSPECTIVE_SHARE * bad * np.array([width, height])
    angle = np.radians(rng.uniform(1, 6) * bad * rng.choice((-1, 1)))
    cos, sin = np.cos(angle), np.sin(angle)
    moved = moved @ np.array([[cos, sin], [-sin, cos]])
    rim = float(rng.uniform(0.03, 0.09)) * max(width, height)
    moved = moved - moved.min(axis=0) + rim
    size = int(np.ceil(moved[:, 0].max() + rim)), int(np.ceil(moved[:, 1].max() + rim))
    image_from_sheet = Transform.of(
        cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32)).astype(np.float64)
    )
    desk = _desk(size, rng)
    here = cv2.warpPerspective(np.full((height, width), 255, np.uint8), image_from_sheet.matrix, size)
    fallen = cv2.GaussianBlur(np.roll(here, (4, 6), (0, 1)), (0, 0), 6.0).astype(np.float32) / 255
    desk = np.rint(desk * (1 - 0.45 * fallen[..., np.newaxis])).astype(np.uint8)
    laid = cv2.warpPerspective(sheet, image_from_sheet.matrix, size, flags=cv2.INTER_CUBIC)
    cover = here[..., np.newaxis].astype(np.float32) / 255
    pixels = np.rint(laid * cover + desk * (1 - cover)).astype(np.uint8)
    pixels = degradation.tone(pixels, paper=float(rng.uniform(215, 240)), ink=18)
    warm = float(rng.uniform(-0.05, 0.07)) * bad
    pixels = degradation.tint(pixels, gains=(1 + warm, 1.0, 1 - 1.3 * warm))
    pixels = degradation.uneven_light(pixels, depth=min(0.25 * bad, 0.5), rng=rng)
    pixels = degradation.shadow(pixels, depth=min(float(rng.uniform(0.2, 0.38)) * bad, 0.6), rng=rng)
    motion = float(rng.uniform(0, 1.2)) * bad
    pixels = degradation.blur(pixels, sigma_px=0.6 * bad**0.5, motion_px=motion, degrees=float(rng.uniform(0, 180)))
    pixels = degradation.noise(pixels, sigma=3.0 * bad, grain_px=0.6, rng=rng)
    # Sent by a messenger, which compresses what the phone has compressed.
    pixels = degradation.compress(pixels, quality=int(rng.integers(60, 85)))
    return Capture(pixels, image_from_sheet @ _sheet_from_form(px_per_mm))


def _desk(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """A desk's top with grain, (H, W, 3), for a (width, height)."""
    width, height = size
    grain = cv2.resize(
        rng.standard_normal((max(height // 3, 2), max(width // 60, 2)), np.float32),
        size,
        interpolation=cv2.INTER_CUBIC,
    )
    rgb = ((120, 84, 56), (70, 74, 80), (150, 140, 128), (48, 60, 52))[int(rng.integers(0, 4))]
    toned = np.array(rgb, np.float32) * (1 + 0.06 * grain[..., np.newaxis])
    return np.clip(np.rint(toned), 0, 255).astype(np.uint8)


def _corners(sheet: Pixels) -> Points:
    """(4, 2) outer corners of an image whose pixel centers are at whole numbers."""
    height, width = sheet.shape[:2]
    return np.array(
        [(-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)], np.float64
    )


def _sheet_from_form(px_per_mm: float) -> Transform:
    """A sheet's pixels from its millimeters: its edge is half a pixel before the first pixel's center."""
    return Transform.translation(-0.5, -0.5) @ Transform.scaling(px_per_mm)
