"""Bring one glyph into the form in which MNIST's digits came.

In:  the ink of one glyph, of any size, already separated from its neighbors and from printed rules.
Out: (28, 28) uint8, 0 paper to 255 ink: longest side 20, antialiased, center of mass in the middle [1]_.
Training and processing both come through here, so that the network sees on a page what it was shown in training.

References
----------
.. [1] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
   Proceedings of the IEEE 86(11), 1998; and "The MNIST database of handwritten digits", LeCun, Cortes, Burges.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from docproc.page import Ink

#: Names this procedure in model cards: a model is read only with the normalizer that it was trained with.
NORMALIZER_ID = "mnist-20-28-v1"

SIDE_PX = 28  #: Side of the result (LeCun et al. 1998).
BOX_PX = 20  #: Longest side of the glyph's box in the result (LeCun et al. 1998).
#: Where the center of mass comes to lie, in pixel indices: measured on MNIST (mean 13.99, always within 0.5).
CENTER_PX = 14.0

_CORE_OF_UPPER_MEAN = 1.06  #: MNIST's core (253) over the mean of its pixels above the mean ink level (238).
_EDGE_LEVEL = 0.4  #: Of the core: weaker pixels do not stretch the box. MNIST's outermost row is rarely below.
_FAINTEST_INK = 8  #: Ink levels below are rounding, not strokes.
_FINE_PX = 60  #: Longest side to which a coarse glyph is enlarged before it is smoothed and reduced again.
_COARSE_SIGMA = 0.45  #: Smoothing of an enlarged glyph, in pixels of the source: half a pixel hides its stairs.
_STEEP_LOW, _STEEP_HIGH = 0.15, 0.80  #: Levels of an enlarged glyph that become paper and full ink.


def normalize_all(inks: Sequence[Ink]) -> npt.NDArray[np.uint8]:
    """Normalize many glyphs: (N, 28, 28) uint8, N may be 0. See `normalize`."""
    glyphs = np.zeros((len(inks), SIDE_PX, SIDE_PX), np.uint8)
    for glyph, ink in zip(glyphs, inks, strict=True):
        glyph[:] = normalize(ink)
    return glyphs


def normalize(ink: Ink) -> npt.NDArray[np.uint8]:
    """Bring one glyph to MNIST's size, place and contrast.

    The aspect is kept, the longest side of the ink's box becomes 20 pixels, and the box is moved by whole pixels
    until its center of mass is within half a pixel of the middle, as MNIST's is: a digit of MNIST passes through
    unchanged but for its contrast. A glyph smaller than 20 pixels is enlarged, smoothed and reduced, so that
    the stairs of a low-resolution scan do not remain.

    Parameters
    ----------
    ink : (H, W) uint8
        0 is paper, 255 is full ink; nothing but this glyph.

    Returns
    -------
    (28, 28) uint8
        All zeros where there is no ink.
    """
    glyph = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    core = _core_level(ink)
    if core < _FAINTEST_INK:
        return glyph
    crop = _crop(ink, core)
    if max(crop.shape) < BOX_PX:
        crop = _crop(_enlarge(crop, core), 255.0)
    small = _resample(crop)
    core = max(_core_level(small), 1.0)
    small = cv2.convertScaleAbs(small, alpha=255.0 / core)  # saturates at 255
    rows, columns = small.shape
    moments = cv2.moments(small)
    mass = max(moments["m00"], 1.0)
    first_row = _place(moments["m01"] / mass, rows)
    first_column = _place(moments["m10"] / mass, columns)
    glyph[first_row : first_row + rows, first_column : first_column + columns] = small
    return glyph


def _core_level(ink: Ink) -> float:
    """The ink level of the stroke's core: the mean of what is above the mean; one hot pixel hardly moves it."""
    _, mask = cv2.threshold(ink, _FAINTEST_INK - 1, 255, cv2.THRESH_BINARY)
    mean = cv2.mean(ink, mask)[0]
    # Half a level less, so that ink of one level is above its own mean, which may be rounded either way.
    _, mask = cv2.threshold(ink, max(mean - 0.5, _FAINTEST_INK - 1), 255, cv2.THRESH_BINARY)
    return min(cv2.mean(ink, mask)[0] * _CORE_OF_UPPER_MEAN, 255.0)


def _crop(ink: Ink, core: float) -> Ink:
    """The glyph's box."""
    _, solid = cv2.threshold(ink, max(core * _EDGE_LEVEL, 1.0), 255, cv2.THRESH_BINARY)
    left, top, width, height = cv2.boundingRect(solid)
    return ink[top : top + height, left : left + width]


def _enlarge(crop: Ink, core: float) -> Ink:
    """A coarse glyph at about 60 pixels, without stairs, its core at 255."""
    factor = -(-_FINE_PX // max(crop.shape))
    fine = cv2.copyMakeBorder(crop, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    fine = cv2.resize(fine, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(fine, (0, 0), _COARSE_SIGMA * factor)
    fine = cv2.subtract(fine, (core * _STEEP_LOW,))
    return cv2.convertScaleAbs(fine, alpha=255.0 / (core * (_STEEP_HIGH - _STEEP_LOW)))


def _resample(crop: Ink) -> Ink:
    """The longest side at 20 pixels, the aspect kept."""
    height, width = crop.shape
    longest = max(height, width)
    if longest == BOX_PX:
        return crop
    size = (max(round(width * BOX_PX / longest), 1), max(round(height * BOX_PX / longest), 1))
    return cv2.resize(crop, size, interpolation=cv2.INTER_AREA)


def _place(center: float, length: int) -> int:
    """The first row (or column) at which a box of `length` has its center of mass in the middle, kept inside."""
    return min(max(int(np.floor(CENTER_PX - center + 0.5)), 0), SIDE_PX - length)
