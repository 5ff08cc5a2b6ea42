"""Lines of like width side by side in batches, since a batch is as wide as its widest line.

In:  lines and texts. Out: batches of images, zeros after each line, and of labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from docproc.field.line import HEIGHT_PX, Line
from docproc.field.transcript import LABELS

WIDTH_STEP_PX = 32  #: Widths of batches: a multiple of this, so that few shapes occur.
MOST_DIGITS = 24  #: Of a label; shorter ones are filled up with blanks.

Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]


def batches(
    images: Sequence[Line], texts: Sequence[str], *, size: int, rng: np.random.Generator | None = None
) -> Iterator[Batch]:
    """Batches (size, 32, W, 2) and (size, MOST_DIGITS), whole ones; without chance also the last, short ones.

    With chance, lines of nearly one width are thrown together anew each time, and the batches come in any order.
    """
    widths = np.array([image.shape[1] for image in images], np.float64)
    jitter = 0.0 if rng is None else rng.uniform(0, WIDTH_STEP_PX, len(images))
    order = np.argsort(widths + jitter, kind="stable")
    starts = np.arange(0, len(order), size)
    if rng is not None:
        starts = rng.permutation(starts[: len(order) // size])
    for start in starts:
        chosen = order[start : start + size]
        yield stacked([images[i] for i in chosen]), labels([texts[i] for i in chosen])


def stacked(images: Sequence[Line]) -> npt.NDArray[np.uint8]:
    """Images (N, 32, W, 2) of one width, zeros after each."""
    width = max(image.shape[1] for image in images)
    width = -(-width // WIDTH_STEP_PX) * WIDTH_STEP_PX
    whole = np.zeros((len(images), HEIGHT_PX, width, 2), np.uint8)
    for row, image in zip(whole, images, strict=True):
        row[:, : image.shape[1]] = image
    return whole


def labels(texts: Sequence[str]) -> npt.NDArray[np.int32]:
    """(N, MOST_DIGITS): digits from 1 on, 0 after them."""
    found = np.zeros((len(texts), MOST_DIGITS), np.int32)
    for row, text in zip(found, texts, strict=True):
        row[: len(text)] = [LABELS.index(digit) + 1 for digit in text]
    return found
