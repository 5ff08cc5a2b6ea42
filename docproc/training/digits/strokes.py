"""Strokes of a pen: curves through points, drawn with random pens; the letters that negatives are written with.

Points are (x, y) in the unit square, y down; what is drawn is ink on a canvas of `augmentation.CANVAS_PX`.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from docproc.page import Ink
from docproc.training.digits.augmentation import CANVAS_PX, GLYPH_PX

Point = tuple[float, float]
Stroke = list[Point]  #: Control points; one that is given twice is a corner.
Curve = npt.NDArray[np.float64]  #: (N, 2) points (x, y).

_SHIFT_BITS = 3  #: cv2 draws to an eighth of a pixel.
_ARC_STEP_DEG = 20.0
_FINER = 4  #: Times the canvas: written digits are drawn so much larger and reduced, for smooth edges.
_PEN_PX = (1.8, 6.5)  #: Stroke width on a glyph 40 pixels high: from a fine ballpoint to a felt pen.

#: Letters that look like no digit, as strokes through points. Left out because a hurried writer's look like digits:
#: a (4, 9, 0) B b (8, 6) D d (0, 6) e (6, 0) g q (9) I i l (1) L (1, 2) O o U u (0) S s (5) T t (7, cross)
#: X x (cross) Y y (4) Z z (2); J (1, 5), c (0, 6) and G (6) likewise.
LETTERS: dict[str, list[list[tuple[float, float]]]] = {
    "A": [[(0.0, 1.0), (0.25, 0.5), (0.5, 0.0), (0.75, 0.5), (1.0, 1.0)], [(0.2, 0.62), (0.8, 0.62)]],
    "E": [[(0.9, 0.0), (0.05, 0.02), (0.0, 0.5), (0.05, 0.98), (0.95, 1.0)], [(0.05, 0.5), (0.75, 0.48)]],
    "F": [[(0.95, 0.0), (0.1, 0.0), (0.08, 0.5), (0.05, 1.0)], [(0.1, 0.48), (0.8, 0.46)]],
    "H": [[(0.0, 0.0), (0.0, 1.0)], [(0.95, 0.0), (0.95, 1.0)], [(0.0, 0.5), (0.95, 0.5)]],
    "K": [[(0.0, 0.0), (0.0, 1.0)], [(0.9, 0.0), (0.05, 0.55)], [(0.25, 0.45), (0.95, 1.0)]],
    "M": [[(0.0, 1.0), (0.08, 0.0), (0.5, 0.7), (0.92, 0.0), (1.0, 1.0)]],
    "N": [[(0.0, 1.0), (0.02, 0.0), (0.92, 1.0), (0.95, 0.0)]],
    "P": [[(0.1, 0.0), (0.08, 1.0)], [(0.1, 0.03), (0.7, 0.05), (0.85, 0.28), (0.6, 0.5), (0.1, 0.55)]],
    "R": [
        [(0.1, 0.0), (0.08, 1.0)],
        [(0.1, 0.03), (0.7, 0.05), (0.85, 0.25), (0.6, 0.48), (0.12, 0.5)],
        [(0.35, 0.5), (0.95, 1.0)],
    ],
    "V": [[(0.0, 0.0), (0.5, 1.0), (1.0, 0.0)]],
    "W": [[(0.0, 0.0), (0.25, 1.0), (0.5, 0.3), (0.75, 1.0), (1.0, 0.0)]],
    "f": [[(0.9, 0.1), (0.65, 0.0), (0.5, 0.2), (0.48, 0.6), (0.45, 1.0)], [(0.1, 0.42), (0.85, 0.4)]],
    "h": [[(0.05, 0.0), (0.05, 1.0)], [(0.05, 0.65), (0.4, 0.48), (0.75, 0.55), (0.8, 1.0)]],
    "k": [[(0.05, 0.0), (0.05, 1.0)], [(0.7, 0.45), (0.1, 0.72)], [(0.3, 0.65), (0.8, 1.0)]],
    "m": [
        [(0.0, 0.25), (0.03, 1.0)],
        [(0.03, 0.5), (0.25, 0.25), (0.45, 0.4), (0.48, 1.0)],
        [(0.48, 0.5), (0.7, 0.25), (0.95, 0.4), (0.98, 1.0)],
    ],
    "n": [[(0.0, 0.05), (0.05, 1.0)], [(0.05, 0.45), (0.4, 0.08), (0.85, 0.2), (0.95, 1.0)]],
    "p": [[(0.08, 0.0), (0.08, 1.0)], [(0.1, 0.1), (0.6, 0.0), (0.85, 0.25), (0.6, 0.5), (0.1, 0.5)]],
    "r": [[(0.1, 0.1), (0.15, 1.0)], [(0.13, 0.5), (0.4, 0.15), (0.9, 0.1)]],
    "v": [[(0.0, 0.0), (0.2, 0.3), (0.5, 1.0), (0.75, 0.5), (1.0, 0.0)]],
    "w": [[(0.0, 0.0), (0.2, 0.9), (0.35, 0.9), (0.5, 0.3), (0.7, 0.95), (0.85, 0.8), (1.0, 0.0)]],
    "#": [[(0.3, 0.0), (0.2, 1.0)], [(0.8, 0.0), (0.7, 1.0)], [(0.0, 0.35), (1.0, 0.32)], [(0.0, 0.7), (1.0, 0.68)]],
    "%": [
        [(0.95, 0.0), (0.05, 1.0)],
        [(0.2, 0.05), (0.05, 0.2), (0.2, 0.35), (0.35, 0.2), (0.2, 0.05)],
        [(0.8, 0.65), (0.65, 0.8), (0.8, 0.95), (0.95, 0.8), (0.8, 0.65)],
    ],
}


def corner(x: float, y: float) -> Stroke:
    """A point at which the pen turns sharply."""
    return [(x, y), (x, y)]


def arc(center: Point, radii: Point, start_deg: float, sweep_deg: float, *, shrink: float = 1.0) -> Stroke:
    """Points of an ellipse from an angle (0 right, 90 down) on; the radii end up `shrink` times as long."""
    count = max(round(abs(sweep_deg) / _ARC_STEP_DEG), 2) + 1
    angles = np.deg2rad(np.linspace(start_deg, start_deg + sweep_deg, count))
    lengths = np.linspace(1.0, shrink, count)
    xs = center[0] + radii[0] * lengths * np.cos(angles)
    ys = center[1] + radii[1] * lengths * np.sin(angles)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def smooth(points: npt.ArrayLike, *, rounds: int = 3) -> Curve:
    """Round a polyline's corners as a moving pen does (G. Chaikin, 1974); the ends stay."""
    curve = np.asarray(points, np.float64)
    for _ in range(rounds if len(curve) > 2 else 0):
        near, far = 0.75 * curve[:-1] + 0.25 * curve[1:], 0.25 * curve[:-1] + 0.75 * curve[1:]
        cut = np.empty((2 * len(near), 2))
        cut[0::2], cut[1::2] = near, far
        curve = np.vstack([curve[:1], cut, curve[-1:]])
    return curve


def draw(
    curves: Sequence[Curve],
    rng: np.random.Generator,
    *,
    width_px: float = GLYPH_PX,
    height_px: float = GLYPH_PX,
    jitter: float = 0.04,
) -> Ink:
    """Draw curves of the unit square with one random pen into a box in the middle of the canvas.

    `jitter` moves every given point by that share of the box (standard deviation), before smoothing.
    """
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    pen = rng.uniform(*_PEN_PX)
    size = np.array([width_px, height_px])
    corner = (CANVAS_PX - size) / 2
    for curve in curves:
        points = smooth(curve + rng.normal(0, jitter, curve.shape), rounds=int(rng.integers(1, 4)))
        thickness = max(round(pen * rng.uniform(0.85, 1.15)), 1)
        fixed = np.round((points * size + corner) * (1 << _SHIFT_BITS)).astype(np.int32)
        cv2.polylines(canvas, [fixed], False, 255, thickness, cv2.LINE_AA, _SHIFT_BITS)
    return canvas


def write(curves: Sequence[Curve], rng: np.random.Generator, *, pen_px: float, pressure: float = 0.0) -> Ink:
    """Draw curves of any size with one pen, their ink's longest side at 40, in the middle of the canvas.

    The pen's width varies along each curve by up to the share `pressure`, slowly.
    """
    fine = np.zeros((CANVAS_PX * _FINER, CANVAS_PX * _FINER), np.uint8)
    points = np.vstack(curves)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (GLYPH_PX - pen_px) / float((high - low).max())
    middle = (low + high) / 2
    for curve in curves:
        placed = ((curve - middle) * scale + CANVAS_PX / 2) * _FINER
        fixed = np.round(placed * (1 << _SHIFT_BITS)).astype(np.int32)
        swell = np.sin(np.linspace(0, rng.uniform(2, 7), len(fixed)) + rng.uniform(0, 2 * np.pi))
        widths = np.maximum(np.round(pen_px * _FINER * (1 + pressure * swell)), 1).astype(int)
        for start, end, width in zip(fixed[:-1].tolist(), fixed[1:].tolist(), widths.tolist(), strict=False):
            cv2.line(fine, start, end, 255, width, cv2.LINE_8, _SHIFT_BITS)
    return cv2.resize(fine, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_AREA)


def trim(ink: Ink) -> Ink:
    """Ink without the paper around it; as it is where there is none."""
    left, top, width, height = cv2.boundingRect(ink)
    return ink[top : top + height, left : left + width] if width else ink
