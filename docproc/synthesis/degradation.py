"""What printers, copiers, scanners and phones do to a page, one defect a function.

In:  an image, (H, W) gray or (H, W, 3) RGB, uint8, and how bad it shall be.
Out: a new image of the same shape and type.
Geometry is docproc.synthesis.capture's subject: nothing here moves a point.

The choice of defects follows H. S. Baird, "Document image defect models", in Structured Document Image Analysis,
1992, pp. 546-556, and what phones add: shadow, tint and uneven light.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]  #: (H, W) gray or (H, W, 3) RGB.
Levels = npt.NDArray[np.float32]  #: (H, W), a quantity that varies over the page.

SMOOTH_GRID = 6  #: Light and toner change over about a sixth of a page.
LOCAL_WINDOW_SHARE = 0.04  #: Of the page's longer side: a copier sets black and white by the neighborhood.


def faint_toner(pixels: Pixels, *, strength: float, rng: np.random.Generator) -> Pixels:
    """Print with little toner: ink grows gray in patches and has pin holes. `strength` 0 to 1."""
    cover = 255.0 - pixels.astype(np.float32)
    left = 1 - strength * (0.55 + 0.4 * _smooth(pixels.shape[:2], rng))
    grain = cv2.GaussianBlur(rng.random(pixels.shape[:2], np.float32), (0, 0), 0.7)
    holes = np.clip(1 - strength * 6 * np.clip(0.38 - grain, 0, 1), 0.2, 1)
    return _rounded(255.0 - cover * _like(left * holes, pixels))


def bleed_through(pixels: Pixels, back: Pixels, *, strength: float) -> Pixels:
    """Let the back of the sheet, seen in a mirror and blurred, shine through. `strength` is its share of black."""
    ghost = cv2.GaussianBlur(np.ascontiguousarray(back[:, ::-1]), (0, 0), 1.6).astype(np.float32)
    return _rounded(pixels.astype(np.float32) * (1 - strength * (255.0 - ghost) / 255.0))


def tone(pixels: Pixels, *, paper: float, ink: float) -> Pixels:
    """Squeeze the gray scale: white becomes `paper`, black becomes `ink` (0 to 255)."""
    return _rounded(ink + pixels.astype(np.float32) * (paper - ink) / 255.0)


def tint(pixels: Pixels, *, gains: tuple[float, float, float]) -> Pixels:
    """Shift the white balance of an RGB image by a gain for each channel."""
    return _rounded(pixels.astype(np.float32) * np.array(gains, np.float32))


def blur(pixels: Pixels, *, sigma_px: float, motion_px: float = 0.0, degrees: float = 0.0) -> Pixels:
    """Lose focus (Gaussian), and move the camera by `motion_px` in the direction `degrees`."""
    soft = cv2.GaussianBlur(pixels, (0, 0), sigma_px) if sigma_px > 0 else pixels.copy()
    if motion_px <= 1:
        return soft
    side = 2 * int(np.ceil(motion_px / 2)) + 1
    way = np.zeros((side, side), np.float32)
    middle = side // 2
    reach = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]) * motion_px / 2
    start, end = (np.rint(middle + sign * reach).astype(int) for sign in (-1, 1))
    cv2.line(way, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0)
    return cv2.filter2D(soft, -1, way / way.sum())


def noise(pixels: Pixels, *, sigma: float, grain_px: float, rng: np.random.Generator) -> Pixels:
    """Add sensor noise of that standard deviation (gray levels), with grains of about `grain_px` pixels."""
    grain = rng.standard_normal(pixels.shape[:2], np.float32)
    if grain_px > 0:
        grain = cv2.GaussianBlur(grain, (0, 0), grain_px)
    grain *= sigma / max(float(grain.std()), 1e-6)
    return _rounded(pixels.astype(np.float32) + _like(grain, pixels))


def specks(pixels: Pixels, *, per_megapixel: float, largest_px: float, rng: np.random.Generator) -> Pixels:
    """Put dust on the glass: dark dots, a few pixels across, anywhere."""
    marked = pixels.copy()
    height, width = pixels.shape[:2]
    for _ in range(rng.poisson(per_megapixel * height * width / 1e6)):
        center = int(rng.integers(0, width)), int(rng.integers(0, height))
        radius = float(rng.exponential(largest_px / 4))
        gray = float(rng.integers(40, 170))
        color = (gray,) * 3 if pixels.ndim == 3 else gray
        cv2.circle(marked, center, min(round(radius), round(largest_px / 2)), color, -1)
    return marked


def uneven_light(pixels: Pixels, *, depth: float, rng: np.random.Generator) -> Pixels:
    """Light the page unevenly: the darkest corner has 1 - `depth` of the brightest one's light."""
    return _rounded(pixels.astype(np.float32) * _like(1 - depth * _smooth(pixels.shape[:2], rng), pixels))


def shadow(pixels: Pixels, *, depth: float, rng: np.random.Generator) -> Pixels:
    """Cast the shadow of a hand or a phone over one side: a soft edge, 1 - `depth` of the light behind it."""
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    size = float(np.hypot(height, width))
    along = (columns - width / 2) * np.cos(angle) + (rows - height / 2) * np.sin(angle)
    across = (rows - height / 2) * np.cos(angle) - (columns - width / 2) * np.sin(angle)
    edge = size * rng.uniform(0.0, 0.2) + size * 0.05 * np.sin(across / size * rng.uniform(4, 9) + rng.uniform(0, 6))
    softness = size * rng.uniform(0.01, 0.04)
    dark = 1 / (1 + np.exp(-np.clip((along - edge) / softness, -30, 30)))
    return _rounded(pixels.astype(np.float32) * _like((1 - depth * dark).astype(np.float32), pixels))


def compress(pixels: Pixels, *, quality: int) -> Pixels:
    """Store as JPEG of that quality (1 to 100) and read again."""
    color = pixels.ndim == 3
    _, coded = cv2.imencode(".jpg", pixels[..., ::-1] if color else pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    read = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE), np.uint8)
    return np.ascontiguousarray(read[..., ::-1]) if color else read


def bilevel(gray: Pixels, *, darkness: float) -> Pixels:
    """Make black and white as copiers do: black is what is darker than its neighborhood by `darkness` of white."""
    window = 2 * round(max(gray.shape[:2]) * LOCAL_WINDOW_SHARE / 2) + 1
    mean = cv2.boxFilter(gray, cv2.CV_32F, (window, window), borderType=cv2.BORDER_REPLICATE)
    return np.where(gray < mean - 255 * darkness, 0, 255).astype(np.uint8)


def _smooth(shape: tuple[int, ...], rng: np.random.Generator) -> Levels:
    """A field that changes slowly, from 0 to 1."""
    coarse = rng.random((SMOOTH_GRID, SMOOTH_GRID), np.float32)
    coarse = cv2.GaussianBlur(coarse, (0, 0), 1.0)
    field = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    low, high = float(field.min()), float(field.max())
    return ((field - low) / max(high - low, 1e-6)).astype(np.float32)


def _like(field: Levels, pixels: Pixels) -> Levels:
    return field[..., np.newaxis] if pixels.ndim == 3 else field


def _rounded(values: npt.NDArray[np.float32]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
