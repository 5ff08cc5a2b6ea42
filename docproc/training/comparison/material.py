"""MNIST's digits, parted: to train on, kept aside for early stopping, and to measure on.

In:  an .npz file with MNIST's arrays, or none (Keras downloads it).
Out: `Material`: images as they are, never seen by two parts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docproc.character.card import DIGITS
from docproc.character.normalization import SIDE_PX
from docproc.errors import PageError
from docproc.training.digits.datasets import MNIST_KEYS, mnist_arrays

_REMEDY = f"Give MNIST's own mnist.npz, or an .npz file of the same layout: arrays {', '.join(MNIST_KEYS)}."
#: Fewer cannot be parted into digits to train on and digits to stop by.
_FEWEST_OF_A_DIGIT = 10


@dataclass(frozen=True, slots=True, eq=False)
class Labeled:
    """Digits and what they are."""

    images: npt.NDArray[np.uint8]  #: (N, 28, 28), 0 paper to 255 ink.
    labels: npt.NDArray[np.uint8]  #: (N,), 0 to 9.

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, places: npt.NDArray[np.int64]) -> Labeled:
        """Those at the places, (M,)."""
        return Labeled(self.images[places], self.labels[places])


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What the methods learn from and are measured on."""

    train: Labeled
    validation: Labeled  #: From the training digits; decides when a network stops, and never more.
    test: Labeled


@dataclass(frozen=True, slots=True)
class Amounts:
    """At most so many digits of each part."""

    train: int
    validation: int
    test: int


ALL = Amounts(train=55_000, validation=5_000, test=10_000)  #: The whole of MNIST.
FEW = Amounts(train=5_000, validation=1_000, test=2_000)  #: For a look in under a minute.


def read_material(path: Path | None, *, amounts: Amounts, seed: int) -> Material:
    """Read MNIST and part it at random.

    Of a file with fewer training digits than asked for, validation has at most a sixth.

    Raises
    ------
    PageError
        If the file cannot be read, its arrays are not like MNIST's, or a digit is hardly there.
    """
    train, test = _read(path)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(train))
    validation = min(amounts.validation, len(train) // 6)
    kept = order[validation : validation + amounts.train]
    # Of MNIST's test digits the first half is the neater one, so a part of them is drawn from all.
    measured = np.sort(rng.permutation(len(test))[: amounts.test])
    return Material(train.at(kept), train.at(order[:validation]), test.at(measured))


def _read(path: Path | None) -> tuple[Labeled, Labeled]:
    x_train, y_train, x_test, y_test = mnist_arrays(path)
    return (
        _checked(x_train, y_train, at_least=_FEWEST_OF_A_DIGIT, where=f"{path or 'MNIST'}: x_train and y_train"),
        _checked(x_test, y_test, at_least=1, where=f"{path or 'MNIST'}: x_test and y_test"),
    )


def _checked(images: npt.NDArray, labels: npt.NDArray, *, at_least: int, where: str) -> Labeled:
    """Images and labels, if they are like MNIST's."""
    if images.ndim != 3 or images.shape[1:] != (SIDE_PX, SIDE_PX) or images.dtype != np.uint8:
        raise PageError(
            f"{where}: the images are {images.shape} {images.dtype}, not (N, {SIDE_PX}, {SIDE_PX}) uint8.",
            remedy=_REMEDY,
        )
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "ui":
        raise PageError(
            f"{where}: the labels are {labels.shape} {labels.dtype}, not {len(images)} integers.", remedy=_REMEDY
        )
    known = np.arange(len(DIGITS))
    if not np.isin(labels, known).all():
        raise PageError(f"{where}: not all labels are digits 0 to 9.", remedy=_REMEDY)
    counts = (labels[:, None] == known).sum(axis=0)
    if counts.min() < at_least:
        raise PageError(
            f"{where}: {counts.min()} times a {counts.argmin()}, which is too few to compare anything.",
            remedy=_REMEDY,
        )
    return Labeled(images, labels.astype(np.uint8))
