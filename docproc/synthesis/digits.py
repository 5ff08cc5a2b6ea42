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
SMALL_PX = 14  #: Side at which digits are compared.
RIDGE_PX = 2  #: Reach from a stroke's edge to its middle, in pixels of the image.
FAINTEST_RIDGE = 0.22  #: Of full ink: fainter spots are noise.
HALF_WIDTH_LEVEL = 0.5  #: A cut at half the ridge keeps the stroke as wide as it is.
CUT_LEVELS = (0.3, 0.75)  #: Lower fills loops, higher thins strokes away.
CUT_STEPS = np.linspace(*CUT_LEVELS, 10)
RAW_LEVEL = 0.35  #: Of full ink, for seeing how a digit hangs together.
SPECK_PX = 7.0  #: Square pixels of the image: smaller pieces are dirt.
DRAWN_LEVEL = 0.5  #: Of full ink, for seeing how a drawing hangs together.
MOST_PIECES = {5: 2}
LOOPED = frozenset({0, 6, 8, 9})
PIN_HOLE_PX = 1.0  #: Square pixels of the image: smaller holes are no loops.
SLANT_WEIGHT = 6.0  #: One tenth of slant weighs as much as 0.6 px of stroke width.


@dataclass(frozen=True, slots=True, eq=False)
class DigitPool:
    """Digits with what tells one hand from another."""

    images: npt.NDArray[np.uint8]  #: (N, 28, 28), 255 is ink.
    labels: npt.NDArray[np.uint8]  #: (N,), 0 to 9.
    slant: npt.NDArray[np.float32]  #: (N,) pixels to the right for each pixel up.
    stroke_px: npt.NDArray[np.float32]  #: (N,) mean width of the stroke, in pixels of the image.
    small: npt.NDArray[np.float32]  #: (N, 196) the images at half the size, for finding neighbors.
    small_energy: npt.NDArray[np.float32]  #: (N,) sum of squares of `small`.

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
        half = SIDE_PX // SMALL_PX
        small = ink.reshape(-1, SMALL_PX, half, SMALL_PX, half).mean((2, 4)).reshape(len(ink), -1)
        return DigitPool(
            images,
            labels.astype(np.uint8),
            slant,
            2 * mass / np.maximum(outline, 1e-6),
            small,
            np.einsum("nk,nk->n", small, small),
        )

    def candidates(
        self, digit: int, *, slant: float, stroke_px: float, rng: np.random.Generator
    ) -> npt.NDArray[np.intp]:
        """Indexes of some drawn by chance, those in a hand nearest to that slant and stroke width first.

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
        return picked[np.argsort(unlike, kind="stable")]

    def is_plain(self, drawn: npt.NDArray[np.float32], index: int) -> bool:
        """Whether `drawn` (S, S), a drawing of digit `index`, is plainly that digit.

        It must hang together (a five may have its bar apart), show a loop where it has one by rights, and share its
        label with all of its nearest neighbors in the pool: people would differ on other ones, and a sample's truth
        must be plain.
        """
        label = int(self.labels[index])
        source_px = len(drawn) / SIDE_PX
        pieces = len(_large(drawn > DRAWN_LEVEL, PIN_HOLE_PX * source_px**2))
        grounds = len(_large(drawn < DRAWN_LEVEL, PIN_HOLE_PX * source_px**2))
        if pieces > MOST_PIECES.get(label, 1) or (label in LOOPED and grounds < 2):
            return False
        if len(self.labels) <= NEIGHBORS + 1:
            return True
        small = cv2.resize(drawn, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA).ravel()
        distance = self.small_energy - 2 * (self.small @ small)
        distance[index] = np.inf
        return bool((self.labels[np.argpartition(distance, NEIGHBORS)[:NEIGHBORS]] == label).all())


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


def copy_digit(
    pool: DigitPool,
    digit: int,
    *,
    body_px: float,
    stroke_px: float,
    slant: float,
    rng: np.random.Generator,
    plain_only: bool = True,
) -> tuple[npt.NDArray[np.float32], float]:
    """Draw some `digit` of the pool, near to a hand, plain where `plain_only` asks for it and chance brings one.

    Returns
    -------
    (S, S) float32, float
        Ink, 0 to 1, as `draw_digit` gives it; the slant of the digit that was copied.

    Raises
    ------
    ValueError
        If the pool has no such digit.
    """
    ordered = pool.candidates(digit, slant=slant, stroke_px=stroke_px * BODY_PX / body_px, rng=rng)
    for index in ordered:
        drawn = _drawn(pool, int(index), body_px, stroke_px)
        if not plain_only or pool.is_plain(drawn, int(index)):
            return drawn, float(pool.slant[index])
    nearest = int(ordered[0])
    return _drawn(pool, nearest, body_px, stroke_px), float(pool.slant[nearest])


def _drawn(pool: DigitPool, index: int, body_px: float, stroke_px: float) -> npt.NDArray[np.float32]:
    return draw_digit(
        pool.images[index], body_px=body_px, stroke_px=stroke_px, source_stroke_px=float(pool.stroke_px[index])
    )


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
    drawn = _shape(large > RAW_LEVEL, source_px)
    # A cut that opens or fills a loop, or parts a stroke, would draw another digit.
    fitting = (step for step in sorted(CUT_STEPS, key=lambda step: abs(step - level)))
    level = next((step for step in fitting if _shape(flat > step, source_px) == drawn), HALF_WIDTH_LEVEL)
    sharp = np.clip((flat - level) * max(source_px, 1.0) * 1.6 + 0.5, 0, 1)
    sharp[_specks(flat > level, source_px)] = 0
    half = (side + 1) // 2
    return cv2.resize(sharp, (half, half), interpolation=cv2.INTER_AREA).astype(np.float32)


def _shape(ink: npt.NDArray[np.bool_], source_px: float) -> tuple[int, int]:
    """Number of strokes that hang together, and of loops, specks and pin holes aside."""
    return len(_large(ink, SPECK_PX * source_px**2)), len(_large(~ink, PIN_HOLE_PX * source_px**2))


def _specks(ink: npt.NDArray[np.bool_], source_px: float) -> npt.NDArray[np.bool_]:
    """Where small pieces stand apart from the digit, with the soft edge around them."""
    _, labels, _, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8))
    small = ink & ~np.isin(labels, _large(ink, SPECK_PX * source_px**2))
    reach = 2 * round(1.5 * source_px) + 1
    around = cv2.dilate(small.astype(np.uint8), np.ones((reach, reach), np.uint8)).astype(bool)
    return around & ~(ink & ~small)


def _large(mask: npt.NDArray[np.bool_], least_area: float) -> npt.NDArray[np.intp]:
    """Labels, as cv2 numbers them, of the pieces of at least that area."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= least_area) + 1
