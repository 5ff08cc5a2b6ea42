"""Handwritten digits to fill forms with.

In:  an .npz in the layout of MNIST (`x_train`, `y_train`, `x_test`, `y_test`; 28 x 28, ink is bright).
Out: a `DigitPool` that can be asked for a digit in a writer's hand, and drawn larger without visible pixels.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from docproc.errors import PageError
from docproc.page import Ink

SIDE_PX = 28  #: MNIST's image.
BODY_PX = 20.0  #: The longest side of the digit within it.
CANDIDATES = 24  #: Digits looked at for one that suits the writer.
NEIGHBORS = 5  #: Digits asked whether a digit is what its label says.
AGREEING = 3  #: Of them must say so; people would differ on the others.
RIDGE_PX = 2  #: Reach from a stroke's edge to its middle, in pixels of the image.
FAINTEST_RIDGE = 0.22  #: Of full ink: fainter spots are noise.
HALF_WIDTH_LEVEL = 0.5  #: A cut at half the ridge keeps the stroke as wide as it is.
CUT_LEVELS = (0.3, 0.72)  #: Lower fills loops, higher thins strokes away.
SLANT_WEIGHT = 6.0  #: One tenth of slant weighs as much as 0.6 px of stroke width.


@dataclass(frozen=True, slots=True, eq=False)
class DigitPool:
    """Digits with what tells one hand from another."""

    images: npt.NDArray[np.uint8]  #: (N, 28, 28), 255 is ink.
    labels: npt.NDArray[np.uint8]  #: (N,), 0 to 9.
    slant: npt.NDArray[np.float32]  #: (N,) pixels to the right for each pixel up.
    stroke_px: npt.NDArray[np.float32]  #: (N,) mean width of the stroke, in pixels of the image.

    @staticmethod
    def of(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> DigitPool:
        """Measure slant and stroke of (N, 28, 28) images."""
        ink = images.astype(np.float32) / 255
        rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
        mass = np.maximum(ink.sum((1, 2)), 1e-6)
        y = rows - ((ink * rows).sum((1, 2)) / mass)[:, None, None]
        x = columns - ((ink * columns).sum((1, 2)) / mass)[:, None, None]
        slant = -(ink * x * y).sum((1, 2)) / np.maximum((ink * y * y).sum((1, 2)), 1e-6)
        # A stroke of length L and width w has area L w and an outline of about 2 L.
        down, right = np.diff(ink, axis=1)[:, :, :-1], np.diff(ink, axis=2)[:, :-1]
        outline = np.hypot(down, right).sum((1, 2))
        return DigitPool(images, labels.astype(np.uint8), slant, 2 * mass / np.maximum(outline, 1e-6))

    def choose(self, digit: int, *, slant: float, stroke_px: float, rng: np.random.Generator) -> int:
        """Index of a digit that is plainly `digit`, in a hand near to that slant and stroke width.

        A digit is passed over where fewer than AGREEING of its nearest neighbors share its label: people would differ
        on it, and a sample's truth must be plain.

        Raises
        ------
        ValueError
            If the pool has no such digit.
        """
        having = np.flatnonzero(self.labels == digit)
        if not len(having):
            raise ValueError(f"the pool has no {digit}")
        picked = rng.choice(having, size=min(CANDIDATES, len(having)), replace=False)
        unlike = SLANT_WEIGHT * np.abs(self.slant[picked] - slant) + np.abs(self.stroke_px[picked] - stroke_px)
        ordered = picked[np.argsort(unlike, kind="stable")]
        return int(next((index for index in ordered if self._is_plain(int(index))), ordered[0]))

    def _is_plain(self, index: int) -> bool:
        if len(self.labels) <= NEIGHBORS + 1:
            return True
        apart = self.images.astype(np.int16) - self.images[index].astype(np.int16)
        distance = np.einsum("nij,nij->n", apart, apart, dtype=np.int64)
        distance[index] = np.iinfo(np.int64).max
        near = self.labels[np.argpartition(distance, NEIGHBORS)[:NEIGHBORS]]
        return int((near == self.labels[index]).sum()) >= AGREEING


def load_digits(path: Path, *, split: Literal["train", "test"] = "test") -> DigitPool:
    """Read the digits of one half of an MNIST file.

    Raises
    ------
    PageError
        If the file cannot be read or does not hold MNIST's arrays.
    """
    images, labels = f"x_{split}", f"y_{split}"
    remedy = "Name MNIST as keras.datasets.mnist stores it: mnist.npz with x_train, y_train, x_test, y_test."
    try:
        with np.load(path, allow_pickle=False) as arrays:
            x, y = arrays[images], arrays[labels]
    except OSError as error:
        raise PageError(f"{path}: cannot read the digits ({error.strerror or error}).", remedy=remedy) from error
    except KeyError as error:
        raise PageError(f"{path}: there is no array {images} with {labels}.", remedy=remedy) from error
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise PageError(f"{path}: this is no .npz of plain arrays ({error}).", remedy=remedy) from error
    if x.ndim != 3 or x.shape[1:] != (SIDE_PX, SIDE_PX) or x.dtype != np.uint8 or y.shape != x.shape[:1]:
        raise PageError(
            f"{path}: {images} is {x.dtype} of shape {x.shape}; digits are uint8 of shape (N, 28, 28).", remedy=remedy
        )
    return DigitPool.of(x, y)


def draw_digit(image: Ink, *, body_px: float, stroke_px: float, source_stroke_px: float) -> npt.NDArray[np.float32]:
    """Draw a digit of 28 x 28 at another size, with smooth edges and near to a stroke width.

    The image is enlarged with a cubic, smoothed over half a source pixel so that its grid disappears, and cut softly;
    the level of the cut makes the stroke thinner or wider, within what keeps it whole.

    Parameters
    ----------
    image : (28, 28) uint8
    body_px : float
        Longest side of the digit, in pixels of the result.
    stroke_px, source_stroke_px : float
        Width of the pen, in pixels of the result; width of the stroke in `image`, in its pixels.

    Returns
    -------
    (S, S) float32
        Ink, 0 to 1, S = 28 / 20 of body_px and a margin.
    """
    factor = body_px / BODY_PX
    side = max(round(SIDE_PX * factor * 2), 8)  # twice the size: the cut's edge is averaged afterwards
    large = cv2.resize(image.astype(np.float32) / 255, (side, side), interpolation=cv2.INTER_CUBIC)
    source_px = side / SIDE_PX
    large = cv2.GaussianBlur(large, (0, 0), 0.6 * source_px)
    # Cutting below the local ridge, not below full ink, keeps thin and faint strokes whole.
    reach = 2 * round(RIDGE_PX * source_px) + 1
    ridge = cv2.GaussianBlur(cv2.dilate(large, np.ones((reach, reach), np.uint8)), (0, 0), source_px)
    wanted = stroke_px / factor / max(source_stroke_px, 1e-6)
    level = float(np.clip(HALF_WIDTH_LEVEL + 0.35 * (1 - wanted), *CUT_LEVELS))
    flat = large / np.maximum(ridge, FAINTEST_RIDGE)
    whole = _pieces(flat > CUT_LEVELS[0])
    while level > CUT_LEVELS[0] and _pieces(flat > level) != whole:
        level -= 0.05
    sharp = np.clip((flat - level) * max(source_px, 1.0) * 1.6 + 0.5, 0, 1)
    half = (side + 1) // 2
    return cv2.resize(sharp, (half, half), interpolation=cv2.INTER_AREA).astype(np.float32)


def _pieces(ink: npt.NDArray[np.bool_]) -> int:
    return int(cv2.connectedComponents(ink.astype(np.uint8))[0])
