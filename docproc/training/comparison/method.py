"""What all methods have in common once they are trained.

In:  -. Out: `Trained`, `LearningCurve`: values that baselines and networks make, and scores, plots and page read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
Chances = npt.NDArray[np.float64]
Tell = Callable[[float], None]  #: Told the share of a training that is done.


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """How a network learned, epoch by epoch; all of one length."""

    training_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    training_right: tuple[float, ...]  #: Share, while learning: dropout lowers it.
    validation_right: tuple[float, ...]

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 0, whose weights were kept."""
        return int(np.argmin(self.validation_loss))


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A method that can read digits."""

    key: str  #: In files: `svm`.
    name: str  #: On the page: `SVM (RBF)`.
    how: str  #: What it is and how it was trained, in a sentence or two.
    read: Callable[[Images], Chances]  #: (N, 28, 28) uint8 -> (N, 10 or more), rows adding up to 1.
    training_s: float  #: Processor time; of the shipped model, the clock's.
    size_bytes: int  #: On disk.
    curve: LearningCurve | None = None
