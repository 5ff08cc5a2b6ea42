"""What people put in boxes that is no digit: crosses, dashes, and everything else, drawn by stroke models.

In:  a random generator, and canvases of digits where the mark is made of digits.
Out: canvases, (64, 64) uint8 ink, and the class each stands for; `augmentation` then ages them like digits.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from docproc.character.card import CLASSES, CROSS, DASH, OTHER
from docproc.page import Ink
from docproc.training.digits.augmentation import CANVAS_PX, GLYPH_PX
from docproc.training.digits.strokes import LETTERS, Curve, draw, trim

Rng = np.random.Generator

#: Shares of the kinds among negatives.
CROSS_SHARE, DASH_SHARE = 0.26, 0.2

#: Two digits written over each other that still look like one digit: the larger holds the smaller.
_STILL_ONE_DIGIT = frozenset(
    {(3, 8), (6, 8), (8, 9), (5, 8), (0, 8), (2, 8), (3, 9), (5, 9), (5, 6), (0, 6), (0, 9), (0, 1), (1, 4), (1, 7)}
    | {(1, 9), (4, 9), (7, 9), (2, 7), (2, 3), (3, 5), (1, 6), (1, 8)}
)
#: Digits of which a half is no digit: of an 8 it may be a 3, of 1, 4 and 7 a stroke, of 2, 3 and 5 a small 2, 3 or 5.
_CUT_DIGITS = (0, 6, 9)
#: An overwritten digit has at least this much more ink than either; less, and the second follows the first's lines.
_OVERWRITTEN_INK = 1.4
_AFAR_PX = 2.0  #: Blur on a canvas under which a mark is compared with the digit under it,
_STILL_READS = 0.86  #: and the cosine from which the digit still shows.
_NARROWEST_HALF = 0.42  #: Width over height; a narrower half looks like a 1.


def draw_negatives(
    count: int, canvases: npt.NDArray[np.uint8], digits: npt.NDArray[np.uint8], rng: Rng
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draw `count` marks that are no digits.

    Parameters
    ----------
    count : int
        How many.
    canvases, digits : (N, 64, 64) uint8, (N,) uint8
        Digits to overwrite, join and halve; N at least 2 and more than one digit among them.
    rng : Generator
        Decides everything.

    Returns
    -------
    (count, 64, 64) uint8, (count,) uint8
        Canvases and indices into `CLASSES`.
    """
    marks = np.zeros((count, CANVAS_PX, CANVAS_PX), np.uint8)
    labels = np.zeros(count, np.uint8)
    for index in range(count):
        kind = rng.random()
        if kind < CROSS_SHARE:
            marks[index], name = cross(rng), CROSS
        elif kind < CROSS_SHARE + DASH_SHARE:
            marks[index], name = dash(rng), DASH
        else:
            marks[index], name = other(canvases, digits, rng), OTHER
        labels[index] = CLASSES.index(name)
    return marks, labels


def cross(rng: Rng) -> Ink:
    """An X, narrow or wide, tidy or sloppy, perhaps doubled or struck through; or an upright +."""
    kind = rng.random()
    width, height = GLYPH_PX * rng.uniform(0.55, 1.0), GLYPH_PX * rng.uniform(0.6, 1.0)
    down = _stroke((0, 0), (1, 1), rng)
    up = _stroke((0, 1), (1, 0), rng) if rng.random() < 0.5 else _stroke((1, 0), (0, 1), rng)
    curves = [down, up]
    if kind < 0.12:
        curves += [_stroke((0.05, 0.05), (1, 0.9), rng), _stroke((0.05, 0.9), (0.95, 0), rng)]
    elif kind < 0.2:
        curves.append(_stroke((-0.05, 0.5), (1.05, 0.5), rng))
    elif kind < 0.28:
        at_x, at_y = rng.uniform(0.44, 0.56, 2)  # further off the middle it may be a 4, or a 7 with a long bar
        curves = [_stroke((0, at_y), (1, at_y), rng), _stroke((at_x, 0), (at_x, 1), rng)]
    elif kind < 0.44:
        # Written without lifting the pen: down one diagonal, along a side, and up the other.
        side = 1.0 + rng.uniform(-0.1, 0.15)
        curves = [
            np.array([(0, 0), (0.5, 0.5), (side, 1), (side, rng.uniform(0.3, 0.7)), (side, 0), (0.5, 0.5), (0, 1)])
        ]
    elif kind < 0.58:
        bulge = rng.uniform(0.25, 0.48)
        curves = [
            np.array([(0, 0), (bulge, 0.15), (bulge, 0.85), (0, 1)]),
            np.array([(1, 0), (1 - bulge, 0.15), (1 - bulge, 0.85), (1, 1)]),
        ]
        if bulge < 0.45:  # arcs that do not meet are no cross
            curves = [down, up]
    return draw(curves, rng, width_px=width, height_px=height, jitter=0.05)


def dash(rng: Rng) -> Ink:
    """A level stroke, straight, bent or waved, or two of them."""
    width = GLYPH_PX * rng.uniform(0.65, 1.2)
    tilt = rng.normal(0, 0.1)
    bend = rng.normal(0, 0.05)
    wave = rng.normal(0, 0.09) if rng.random() < 0.25 else 0.0
    x = np.linspace(0, 1, 7)
    y = 0.5 + tilt * (x - 0.5) + bend * np.sin(np.pi * x) + wave * np.sin(2 * np.pi * x)
    curves = [np.column_stack([x, y])]
    if rng.random() < 0.06:  # a little hook where the pen came down
        curves[0] = np.vstack([[(x[0] + 0.04, y[0] - rng.uniform(0.04, 0.1))], curves[0]])
    if rng.random() < 0.22:
        gap = rng.uniform(0.16, 0.4)
        second = np.column_stack([x * rng.uniform(0.8, 1.1), y + gap + rng.normal(0, 0.05) * (x - 0.5)])
        curves.append(second)
    return draw(curves, rng, width_px=width, height_px=width, jitter=0.012)


def other(canvases: npt.NDArray[np.uint8], digits: npt.NDArray[np.uint8], rng: Rng) -> Ink:
    """Any mark that is neither digit nor cross nor dash."""
    kinds: tuple[tuple[float, Callable[[], Ink]], ...] = (
        (0.22, lambda: _letter(rng)),
        (0.10, lambda: _scribble(rng)),
        (0.14, lambda: overwritten(canvases, digits, rng)),
        (0.10, lambda: struck_out(canvases, rng)),
        (0.07, lambda: _blot(rng)),
        (0.19, lambda: _touching(canvases, rng)),
        (0.03, lambda: _half(canvases, digits, rng)),
        (0.05, lambda: _remnant(rng)),
        (0.04, lambda: _tick(rng)),
        (0.04, lambda: _fraction(canvases, rng)),
    )
    pick = rng.random() * sum(share for share, _ in kinds)
    for share, make in kinds:
        pick -= share
        if pick < 0:
            return make()
    return _letter(rng)


def _stroke(start: tuple[float, float], end: tuple[float, float], rng: Rng) -> Curve:
    """From start to end by way of a middle that is a little off."""
    middle = (np.add(start, end)) / 2 + rng.normal(0, 0.05, 2)
    return np.array([start, middle, end], np.float64)


def _points(letter: list[list[tuple[float, float]]]) -> list[Curve]:
    return [np.array(curve, np.float64) for curve in letter]


def _letter(rng: Rng) -> Ink:
    letters = list(LETTERS.values())
    curves = _points(letters[rng.integers(len(letters))])
    width = GLYPH_PX * rng.uniform(0.55, 0.95)
    if rng.random() < 0.2:  # two letters, joined or close
        second = [curve + np.array((1.15, 0)) for curve in _points(letters[rng.integers(len(letters))])]
        curves = [curve * (0.46, 1) for curve in curves + second]
        width = GLYPH_PX * rng.uniform(0.9, 1.2)
    return draw(curves, rng, width_px=width, height_px=GLYPH_PX * rng.uniform(0.6, 1.0), jitter=0.045)


def _scribble(rng: Rng) -> Ink:
    count = int(rng.integers(9, 26))
    if rng.random() < 0.5:
        points = rng.uniform(0, 1, (count, 2))
    else:  # a zigzag that fills the box
        along = np.linspace(0, 1, count)
        across = (np.arange(count) % 2) + rng.normal(0, 0.12, count)
        points = np.column_stack([along, across] if rng.random() < 0.6 else [across, along])
    return draw([points], rng, width_px=GLYPH_PX * rng.uniform(0.6, 1), height_px=GLYPH_PX * rng.uniform(0.6, 1))


def overwritten(canvases: npt.NDArray[np.uint8], digits: npt.NDArray[np.uint8], rng: Rng) -> Ink:
    """A digit written over another one, so that neither shows."""
    for _ in range(20):
        first, second = rng.integers(len(canvases), size=2)
        pair = tuple(sorted((int(digits[first]), int(digits[second]))))
        if pair[0] != pair[1] and pair not in _STILL_ONE_DIGIT:
            shift = np.array([[1, 0, rng.normal(0, 3)], [0, 1, rng.normal(0, 2)]], np.float32)
            over = cv2.warpAffine(canvases[second], shift, (CANVAS_PX, CANVAS_PX))
            if rng.random() < 0.5:  # pressed harder the second time
                over = cv2.dilate(over, np.ones((3, 3), np.uint8))
            both = cv2.max(canvases[first], over)
            if both.sum() > _OVERWRITTEN_INK * max(canvases[first].sum(), over.sum()) and not any(
                _still_reads(both, one) for one in (canvases[first], over)
            ):
                return both
    return _scribble(rng)


def struck_out(canvases: npt.NDArray[np.uint8], rng: Rng) -> Ink:
    """A digit that somebody meant to be gone: lines or a zigzag through it, so that it hardly shows."""
    for _ in range(20):
        digit = canvases[rng.integers(len(canvases))]
        struck = cv2.max(digit, _strikes(rng))
        if not _still_reads(struck, digit):
            return struck
    return _scribble(rng)


def _strikes(rng: Rng) -> Ink:
    """Lines or a zigzag through a whole box."""
    if rng.random() < 0.5:
        count = int(rng.integers(2, 5))
        curves = [_stroke((-0.1, y), (1.1, y + rng.normal(0, 0.15)), rng) for y in rng.uniform(0.25, 0.75, count)]
    else:
        count = int(rng.integers(5, 12))
        across = (np.arange(count) % 2) + rng.normal(0, 0.1, count)
        curves = [np.column_stack([across, np.linspace(0.1, 0.9, count)])]
    return draw(curves, rng)


def _still_reads(mark: Ink, digit: Ink) -> bool:
    """Whether a digit still shows in what was written over it: then nobody would call the mark no digit."""
    a, b = (cv2.GaussianBlur(ink, (0, 0), _AFAR_PX).astype(np.float32).ravel() for ink in (mark, digit))
    return float(a @ b) >= _STILL_READS * float(np.sqrt((a @ a) * (b @ b)))


def _blot(rng: Rng) -> Ink:
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    middle = CANVAS_PX // 2
    for _ in range(rng.integers(1, 5)):
        axes = rng.integers(7, 19, 2)
        at = middle + rng.integers(-6, 7, 2)
        cv2.ellipse(canvas, at.tolist(), axes.tolist(), float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    return canvas


def _touching(canvases: npt.NDArray[np.uint8], rng: Rng) -> Ink:
    """Two digits, or three, side by side, touching or nearly, as a cutter that missed a cut hands them over."""
    count = 3 if rng.random() < 0.12 else 2
    row = trim(canvases[rng.integers(len(canvases))])
    for _ in range(count - 1):
        piece = trim(canvases[rng.integers(len(canvases))])
        scale = rng.uniform(0.75, 1.1)
        piece = cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        height = max(row.shape[0], piece.shape[0]) + 6
        overlap = int(rng.integers(-3, 5))
        wide = np.zeros((height, row.shape[1] + piece.shape[1] + 3), np.uint8)
        at = (height - row.shape[0]) // 2
        wide[at : at + row.shape[0], : row.shape[1]] = row
        at = int(np.clip((height - piece.shape[0]) // 2 + rng.integers(-3, 4), 0, height - piece.shape[0]))
        start = max(row.shape[1] - overlap, 0)
        part = wide[at : at + piece.shape[0], start : start + piece.shape[1]]
        np.maximum(part, piece, out=part)
        row = trim(wide)
    return _on_canvas(row)


def _half(canvases: npt.NDArray[np.uint8], digits: npt.NDArray[np.uint8], rng: Rng) -> Ink:
    for _ in range(20):
        index = rng.integers(len(canvases))
        if int(digits[index]) not in _CUT_DIGITS:
            continue
        crop = trim(canvases[index])
        kept = int(crop.shape[1] * rng.uniform(0.4, 0.52))
        half = trim(crop[:, :kept] if rng.random() < 0.5 else crop[:, -kept:])
        if half.shape[1] >= _NARROWEST_HALF * half.shape[0]:
            return _on_canvas(half)
    return _letter(rng)


def _remnant(rng: Rng) -> Ink:
    """Pieces of printed boxes: corners, T junctions, brackets; two level and upright lines at the least."""
    y = rng.choice([0.0, 1.0])
    # A corner at the top right would be a 7.
    x = rng.choice([0.0, rng.uniform(0.3, 0.7)] if y == 0 else [0.0, 1.0, rng.uniform(0.3, 0.7)])
    curves = [np.array([(0, y), (1, y)]), np.array([(x, 0), (x, 1)])]
    if rng.random() < 0.4:
        curves.append(np.array([(1 - x, 0), (1 - x, rng.uniform(0.3, 1))]))
    sizes = GLYPH_PX * rng.uniform(0.5, 1.1, 2)
    return draw(curves, rng, width_px=sizes[0], height_px=sizes[1], jitter=0.01)


def _tick(rng: Rng) -> Ink:
    turn_x = rng.uniform(0.25, 0.4)
    curve = np.array([(0, rng.uniform(0.5, 0.7)), (turn_x, 1), (1, 0)], np.float64)
    return draw([curve], rng, width_px=GLYPH_PX, height_px=GLYPH_PX * rng.uniform(0.6, 0.9))


def _fraction(canvases: npt.NDArray[np.uint8], rng: Rng) -> Ink:
    """Two small digits with a slanted stroke between them."""
    canvas = draw([_stroke((0.85, 0), (0.15, 1), rng)], rng)
    for at in ((10, 10), (CANVAS_PX - 10 - 20, CANVAS_PX - 10 - 20)):
        small = cv2.resize(trim(canvases[rng.integers(len(canvases))]), (int(rng.integers(8, 19)), 20))
        part = canvas[at[1] : at[1] + 20, at[0] : at[0] + small.shape[1]]
        np.maximum(part, small, out=part)
    return canvas


def _on_canvas(ink: Ink) -> Ink:
    """Bring to the canvas with the longest side as long as a glyph's."""
    scale = GLYPH_PX / max(ink.shape)
    size = (max(round(ink.shape[1] * scale), 1), max(round(ink.shape[0] * scale), 1))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    top, left = (CANVAS_PX - size[1]) // 2, (CANVAS_PX - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas
