"""Lines of writing as other hands, pens and papers would have left them: a stock of painted lines lasts longer.

In:  (32, W, 2) uint8 and chance. Out: the same, another width perhaps.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from docproc.field.line import HEIGHT_PX, WIDEST_PX, Line
from docproc.page import Ink

_SLANT = 0.12  #: Standard deviations: horizontal shear,
_CLIMB = 0.03  #: slope,
_SCALE = 0.1  #: logarithm of the height,
_WIDEN = 0.1  #: and of the width besides.
_SHIFT_PX = 1.5
_WARP_SHARE = 0.6  #: Unevenly wide and high along the line,
_WARP_KNOT_PX = 10  #: by shifts drawn anew after so many columns,
_WARP_PX = (1.6, 1.0)  #: of at most these standard deviations, along the line and across it.
_PEN_SHARE = 0.4  #: Written with a thinner or a thicker pen.
#: Round; with an edge, which leaves level strokes thin, or upright ones.
_NIBS = ((2, 2), (2, 2), (2, 1), (3, 1), (3, 1), (1, 2))
_COARSE_SHARE = 0.15  #: Scanned coarsely.
_NOISE_SHARE = 0.25
_TONE_SHARE = 0.5  #: Of other contrast.
_BILEVEL_SHARE = 0.3  #: Copied to black and white, with strokes broken or run together.
_PATCHY_SHARE = 0.5  #: Of these: by a threshold that is higher here and lower there.
_HIDDEN_SHARE = 0.12  #: One of the two planes is empty: neither may be relied upon.
_LEAST_PX = 16
_SOLID = 100  #: Darkness of a stroke;
_LEFT = 0.45  #: where less than this share of strokes is left, nobody reads them: the line stays as it was.


def vary(line: Line, rng: np.random.Generator) -> Line:
    """One line as it may be met."""
    image = _bent(line, rng)
    dark, ink = _aged(image, rng)
    if np.count_nonzero(dark > _SOLID) < _LEFT * np.count_nonzero(image[:, :, 0] > _SOLID):
        dark, ink = image[:, :, 0], image[:, :, 1]
    planes = [dark, ink]
    if rng.random() < _HIDDEN_SHARE:
        hidden = int(rng.random() < 0.7)  # the ink more often: it is what fails on patterned paper
        planes[hidden] = np.zeros_like(dark)
    return np.stack(planes, axis=2)


def _aged(image: Line, rng: np.random.Generator) -> tuple[Ink, Ink]:
    """Its two planes as another pen, scanner and threshold would have left them."""
    dark, ink = image[:, :, 0], image[:, :, 1]
    if rng.random() < _PEN_SHARE:
        change = cv2.dilate if rng.random() < 0.5 else cv2.erode
        kernel = np.ones(_NIBS[int(rng.integers(len(_NIBS)))], np.uint8)
        share = float(rng.uniform(0.2, 1.0))
        dark = cv2.addWeighted(dark, 1 - share, change(dark, kernel), share, 0)
        ink = cv2.addWeighted(ink, 1 - share, change(ink, kernel), share, 0)
    if rng.random() < _COARSE_SHARE:
        share = float(rng.uniform(0.4, 0.8))
        small = (max(round(dark.shape[1] * share), 4), round(HEIGHT_PX * share))
        size = dark.shape[1::-1]
        dark, ink = (cv2.resize(cv2.resize(p, small, interpolation=cv2.INTER_AREA), size) for p in (dark, ink))
    if rng.random() < _TONE_SHARE:
        gain, lift, bow = rng.uniform(0.7, 1.4), rng.uniform(-20, 25), float(np.exp(rng.normal(0, 0.25)))
        steps = np.clip(255 * (np.arange(256) / 255) ** bow * gain + lift, 0, 255).astype(np.uint8)
        dark = cv2.LUT(dark, steps)
    if rng.random() < _NOISE_SHARE:
        grain = rng.standard_normal(dark.shape, np.float32) * np.float32(rng.uniform(4, 40))
        if rng.random() < 0.5:
            grain = cv2.GaussianBlur(grain, (0, 0), 0.8) * np.float32(2)
        dark = np.clip(dark + grain, 0, 255).astype(np.uint8)
    if rng.random() < _BILEVEL_SHARE:
        level: npt.NDArray[np.float32] | float = float(rng.uniform(70, 190))
        if rng.random() < _PATCHY_SHARE:
            patches = rng.standard_normal((HEIGHT_PX // 4, -(-dark.shape[1] // 4)), np.float32)
            level = level + cv2.resize(patches, dark.shape[1::-1]) * np.float32(rng.uniform(10, 40))
        dark = np.clip((dark.astype(np.float32) - level) * 4 + 128, 0, 255).astype(np.uint8)
        ink = dark
    return dark, ink


def _bent(line: Line, rng: np.random.Generator) -> Line:
    """Slanted, sloped, scaled, moved, and perhaps warped."""
    tall = float(np.exp(rng.normal(0, _SCALE)))
    wide = tall * float(np.exp(rng.normal(0, _WIDEN)))
    width = int(np.clip(round(line.shape[1] * wide), _LEAST_PX, WIDEST_PX))
    wide = width / line.shape[1]
    slant, climb = rng.normal(0, _SLANT), rng.normal(0, _CLIMB)
    linear = np.array([[wide, slant], [climb, tall]])
    middle_from = np.array([(line.shape[1] - 1) / 2, (HEIGHT_PX - 1) / 2])
    middle_to = np.array([(width - 1) / 2, (HEIGHT_PX - 1) / 2]) + rng.normal(0, (0.5, _SHIFT_PX))
    if rng.random() >= _WARP_SHARE:
        matrix = np.column_stack([linear, middle_to - linear @ middle_from])
        return cv2.warpAffine(line, matrix, (width, HEIGHT_PX), flags=cv2.INTER_LINEAR)
    back = np.linalg.inv(linear)
    offset = middle_from - back @ middle_to
    x, y = np.arange(width, dtype=np.float32), np.arange(HEIGHT_PX, dtype=np.float32)[:, np.newaxis]
    knots = rng.standard_normal((2, 3, -(-width // _WARP_KNOT_PX) + 1)) * rng.uniform(0, 1)
    shift_x, shift_y = (
        cv2.resize(knots[axis].astype(np.float32) * _WARP_PX[axis], (width, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
        for axis in (0, 1)
    )
    from_x = (back[0, 0] * x + back[0, 1] * y + offset[0]).astype(np.float32) + shift_x
    from_y = (back[1, 0] * x + back[1, 1] * y + offset[1]).astype(np.float32) + shift_y
    return cv2.remap(line, from_x, from_y, cv2.INTER_LINEAR)
