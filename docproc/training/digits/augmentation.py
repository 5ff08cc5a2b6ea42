"""Make a clean glyph look as glyphs do after a real page was printed on, written on, scanned and cut.

In:  a canvas, (64, 64) uint8 ink with the glyph's longest side at about 40, from `datasets` or
     `negatives`.
Out: (28, 28) uint8, through the same `character.normalization.normalize` that pages go through.
Each step is a function of an image and a random generator; `augment` draws which of them a glyph meets.
"""

from __future__ import annotations

import cv2
import numpy as np

from docproc.character.normalization import normalize
from docproc.page import Ink

CANVAS_PX = 64  #: Side of the canvas on which glyphs are bent.
GLYPH_PX = 40  #: Longest side of a glyph on its canvas: what 300 dpi gives of digits 3.4 mm high.

# How often each thing happens. Chosen by looking at cut glyphs of office scans, fax-like scans and phone photos.
_STROKE_SHARE = 0.5
_FRAGMENT_SHARE = 0.5
_HATCH_SHARE = 0.02
_FADE_SHARE = 0.2
_BREAK_SHARE = 0.08
_COARSE_SHARE = 0.4
_BLUR_SHARE = 0.3
_NOISE_SHARE = 0.25
_JPEG_SHARE = 0.06
_BINARY_SHARE = 0.4

_ROTATION_DEG = 5.0  #: Standard deviation; slant comes on top.
_ROTATION_LIMIT_DEG = 14.0
_SLANT = 0.13  #: Standard deviation of the horizontal shear.
_ASPECT = 0.16  #: Standard deviation of log(width / height).
_ELASTIC_PX = 1.3  #: Largest standard deviation of the bend, at the nodes of a grid 16 pixels apart.
_GRID = 5
_COARSE_PX = (8, 20)  #: Longest side of glyphs from low-resolution scans.
_MOST_INK = 1.7  #: Times the ink before; a bold digit made bolder is a blot.
_LEAST_LIKENESS = 0.8  #: Cosine of a degraded glyph and what it was made from; below, people disagree on labels.
_AFAR_PX = 1.5  #: Blur under which that cosine is taken, so that stroke width counts little.
_SEPARATOR = (0.06, 0.2)  #: Size of dots, commas and short dashes, of the glyph's height.
_NOISE_FLOOR = 0.15  #: Of full ink: a page's binarization takes away what is weaker.


def augment(canvas: Ink, rng: np.random.Generator, neighbor: Ink | None = None) -> Ink:
    """One (28, 28) glyph as the recognizer may meet it.

    Parameters
    ----------
    canvas : (64, 64) uint8
        Ink of one glyph.
    rng : Generator
        Decides everything.
    neighbor : (64, 64) uint8, optional
        Another glyph, of which a fragment may remain at a side.
    """
    ink = bend(canvas, rng)
    if rng.random() < _STROKE_SHARE:
        ink = change_stroke(ink, rng)
    if rng.random() < _FRAGMENT_SHARE:
        ink = leave_fragment(ink, rng, neighbor)
    if rng.random() < _HATCH_SHARE:
        ink = leave_hatching(ink, rng)
    glyph, before = normalize(degrade(ink, rng)), normalize(ink)
    # Thin strokes can vanish under a hard threshold; such a glyph would carry a label that nobody could see in it.
    return glyph if _likeness(glyph, before) >= _LEAST_LIKENESS else before


def _likeness(one: Ink, other: Ink) -> float:
    """Cosine of two glyphs, seen from afar; 0 where one is empty."""
    a, b = (cv2.GaussianBlur(glyph, (0, 0), _AFAR_PX).astype(np.float32).ravel() for glyph in (one, other))
    return float(a @ b / max(float(np.sqrt((a @ a) * (b @ b))), 1.0))


def bend(ink: Ink, rng: np.random.Generator, *, strength: float = 1.0) -> Ink:
    """Turn, slant, stretch and bend elastically (P. Simard et al., ICDAR 2003), all in one resampling."""
    degrees = np.clip(rng.normal(0, _ROTATION_DEG), -_ROTATION_LIMIT_DEG, _ROTATION_LIMIT_DEG) * strength
    angle, slant = np.deg2rad(degrees), rng.normal(0, _SLANT) * strength
    aspect = np.exp(rng.normal(0, _ASPECT) * strength / 2)
    zoom = rng.uniform(1.0, 1.3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source_from_result = turn @ np.array([[zoom / aspect, slant], [0, zoom * aspect]])
    centered_x, centered_y = _CENTERED
    nodes = rng.normal(0, rng.uniform(0, _ELASTIC_PX) * strength, (_GRID, _GRID, 2)).astype(np.float32)
    shift = cv2.resize(nodes, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_CUBIC)
    (a, b), (c, d) = source_from_result.astype(np.float32)
    map_x = a * centered_x + b * centered_y + shift[:, :, 0] + np.float32(_MIDDLE)
    map_y = c * centered_x + d * centered_y + shift[:, :, 1] + np.float32(_MIDDLE)
    return cv2.remap(ink, map_x, map_y, cv2.INTER_LINEAR)


_MIDDLE = (CANVAS_PX - 1) / 2
_CENTERED = np.meshgrid(*[np.arange(CANVAS_PX, dtype=np.float32) - np.float32(_MIDDLE)] * 2)


def change_stroke(ink: Ink, rng: np.random.Generator) -> Ink:
    """Write with a thinner or thicker pen: blur, then cut at another level."""
    blurred = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.7, 1.9))
    level = rng.uniform(0.12, 0.5) * float(blurred.max())
    changed = cv2.convertScaleAbs(cv2.subtract(blurred, (level * 0.75,)), alpha=255.0 / max(level * 0.6, 1.0))
    return changed if changed.sum() < _MOST_INK * ink.sum() else ink


def leave_fragment(ink: Ink, rng: np.random.Generator, neighbor: Ink | None) -> Ink:
    """Leave a bit of print, of a neighbor or of dirt beside the glyph, or cut a bit of the glyph off."""
    left, top, width, height = cv2.boundingRect(ink)
    if width == 0:
        return ink
    ink = ink.copy()
    kind = rng.random()
    if kind < 0.2:
        return _clip_side(ink, (left, top, width, height), rng)
    if kind < 0.42:
        return _leave_rule(ink, (left, top, width, height), rng)
    if kind < 0.68 and neighbor is not None:
        return _leave_neighbor(ink, (left, top, width, height), neighbor, rng)
    if kind < 0.88:
        return _leave_separator(ink, (left, top, width, height), rng)
    for _ in range(rng.integers(1, 3)):
        x, y = left + rng.uniform(-0.1, 1.1) * width, top + rng.uniform(-0.1, 1.1) * height
        cv2.circle(ink, (int(x), int(y)), int(rng.integers(1, 3)), int(rng.integers(90, 256)), -1)
    return ink


def _clip_side(ink: Ink, box: tuple[int, int, int, int], rng: np.random.Generator) -> Ink:
    left, top, width, height = box
    # A cut of a tenth leaves every digit what it was; narrow ones (a 1) are cut at top or bottom only.
    if width > height / 2 and rng.random() < 0.5:
        cut = int(rng.uniform(0.03, 0.1) * width) + 1
        first = left if rng.random() < 0.5 else left + width - cut
        ink[:, first : first + cut] = 0
    else:
        cut = int(rng.uniform(0.03, 0.12) * height) + 1
        first = top if rng.random() < 0.5 else top + height - cut
        ink[first : first + cut] = 0
    return ink


def _leave_rule(ink: Ink, box: tuple[int, int, int, int], rng: np.random.Generator) -> Ink:
    left, top, width, height = box
    if rng.random() < 0.6:  # a piece
        start, end = np.sort(rng.uniform(-0.1, 1.1, 2))
        end, off = min(end, start + 0.7), rng.uniform(-0.02, 0.12)
    else:  # a whole side of the cell: longer than the digit, or it could be a 1 beside it
        start, end, off = rng.uniform(-0.6, -0.1), rng.uniform(1.1, 1.6), rng.uniform(0.05, 0.3)
    thick, tone = int(rng.integers(1, 3)), int(rng.integers(90, 256))
    across = int(off * height)
    if rng.random() < 0.6:
        x = left - across if rng.random() < 0.5 else left + width - 1 + across
        ends = (x, int(top + start * height)), (x, int(top + end * height))
    else:
        y = top - across if rng.random() < 0.5 else top + height - 1 + across
        ends = (int(left + start * width), y), (int(left + end * width), y)
    cv2.line(ink, *ends, tone, thick)
    return ink


def _leave_neighbor(ink: Ink, box: tuple[int, int, int, int], neighbor: Ink, rng: np.random.Generator) -> Ink:
    left, _, width, height = box
    other_left, _, other_width, _ = cv2.boundingRect(neighbor)
    share = int(min(other_width * rng.uniform(0.08, 0.25), height * 0.15)) + 1
    if rng.random() < 0.5:  # the neighbor's right end, at our left
        piece = neighbor[:, other_left + other_width - share : other_left + other_width]
        at = max(left - share - int(rng.integers(0, 4)), 0)
    else:
        piece = neighbor[:, other_left : other_left + share]
        at = min(left + width + int(rng.integers(0, 4)), CANVAS_PX - share)
    rows = slice(*sorted(rng.integers(0, CANVAS_PX, 2)))  # of a cut neighbor seldom all remains
    target = ink[rows, at : at + share]
    ink[rows, at : at + share] = np.maximum(target, piece[rows, : target.shape[1]])
    return ink


def _leave_separator(ink: Ink, box: tuple[int, int, int, int], rng: np.random.Generator) -> Ink:
    """A dot, a comma or a short dash beside the glyph, where amounts and dates have them."""
    left, top, width, height = box
    size = float(rng.uniform(*_SEPARATOR)) * height
    apart = int(rng.uniform(0.05, 0.3) * height + size / 2)
    x = left - apart if rng.random() < 0.35 else left + width - 1 + apart
    low = int(top + rng.uniform(0.85, 1.1) * height)
    kind, tone = rng.random(), int(rng.integers(120, 256))
    if kind < 0.55:
        cv2.circle(ink, (x, low), max(round(size / 2), 1), tone, -1, cv2.LINE_AA)
    elif kind < 0.85:  # a comma leans back under the line
        end = (x - round(size * rng.uniform(0, 0.8)), low + round(size * rng.uniform(0.6, 1.4)))
        cv2.line(ink, (x, low), end, tone, max(round(size / 2), 1), cv2.LINE_AA)
    else:
        middle, half = int(top + rng.uniform(0.35, 0.65) * height), max(round(size), 2)
        cv2.line(ink, (x - half, middle), (x + half, middle), tone, max(round(size / 3), 1), cv2.LINE_AA)
    return ink


def leave_hatching(ink: Ink, rng: np.random.Generator) -> Ink:
    """Leave the thin parallel lines of a security background, within and around the glyph."""
    left, top, width, height = cv2.boundingRect(ink)
    lines = np.zeros_like(ink)
    slope, tone = rng.normal(0, 0.15), int(rng.integers(60, 170))
    pitch = rng.uniform(4, 8)
    for start in np.arange(top - rng.uniform(0, pitch), top + height, pitch):
        ends = (left - 2, int(start - slope * width / 2)), (left + width + 2, int(start + slope * width / 2))
        cv2.line(lines, *ends, tone, 1, cv2.LINE_AA)
    return cv2.max(ink, lines)


def degrade(ink: Ink, rng: np.random.Generator) -> Ink:
    """Scan it badly: fade, break, low resolution, blur, noise, JPEG, hard threshold. The size may change."""
    if rng.random() < _FADE_SHARE:
        nodes = rng.uniform(0.45, 1.0, (3, 3)).astype(np.float32)
        field = cv2.resize(nodes, (ink.shape[1], ink.shape[0]), interpolation=cv2.INTER_LINEAR)
        ink = cv2.multiply(ink, field, dtype=cv2.CV_8U)
    if rng.random() < _BREAK_SHARE:
        ink = _break_strokes(ink, rng)
    coarse = rng.random() < _COARSE_SHARE
    if coarse:
        longest = max(cv2.boundingRect(ink)[2:])
        factor = min(rng.uniform(*_COARSE_PX) / max(longest, 1), 1.0)
        ink = cv2.resize(ink, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    if rng.random() < _BLUR_SHARE:
        ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 0.6) if coarse else rng.uniform(0.6, 1.8))
    binary = rng.random() < _BINARY_SHARE
    if rng.random() < _NOISE_SHARE:
        noise = rng.standard_normal(ink.shape, np.float32) * np.float32(rng.uniform(4, 28))
        ink = cv2.add(ink, noise, dtype=cv2.CV_8U)
        # The page's binarization leaves noise inside strokes and at their rims, not on bare paper.
        near = cv2.dilate(cv2.threshold(ink, 100, 1, cv2.THRESH_BINARY)[1], np.ones((3, 3), np.uint8))
        ink = cv2.multiply(ink, near)
    if rng.random() < _JPEG_SHARE:
        _, coded = cv2.imencode(".jpg", 255 - ink, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 75))])
        ink = cv2.bitwise_not(np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8))
    peak = float(ink.max())
    if binary:
        # Dark pens spread and pale pens thin under a threshold; beyond these shares strokes vanish or close.
        return cv2.threshold(ink, peak * rng.uniform(0.2, 0.55), 255, cv2.THRESH_BINARY)[1]
    return cv2.threshold(ink, peak * _NOISE_FLOOR, 0, cv2.THRESH_TOZERO)[1]


def _break_strokes(ink: Ink, rng: np.random.Generator) -> Ink:
    ink = ink.copy()
    rows, columns = np.nonzero(ink > 127)
    for _ in range(rng.integers(1, 4)):
        if len(rows):
            at = rng.integers(len(rows))
            cv2.circle(ink, (int(columns[at]), int(rows[at])), int(rng.integers(1, 4)), 0, -1)
    return ink
