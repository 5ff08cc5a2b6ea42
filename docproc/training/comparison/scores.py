"""The figures of a method, and the published ones that it must pass.

In:  `Trained` methods and test digits. Out: `Result`: what the table, the plots and the page show. Pure numpy.

References
----------
.. [1] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
   Proceedings of the IEEE 86(11), 1998.
.. [2] Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (its table of results).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import expected_calibration_error
from docproc.character.card import DIGITS
from docproc.training.comparison.material import Labeled
from docproc.training.comparison.method import Chances, Trained
from docproc.training.comparison.timing import digits_per_s


@dataclass(frozen=True, slots=True)
class Published:
    """An accuracy on MNIST's test digits that someone published for a method of the same kind."""

    accuracy: float  #: Share.
    source: str


#: By `Trained.key`. A method must pass each of its own.
PUBLISHED = {
    "logistic": (Published(0.880, "linear classifier, LeCun et al. 1998"),),
    "svm": (Published(0.986, "SVM with a Gaussian kernel, table of the MNIST database"),),
    "dense": (
        Published(0.9757, "published comparison of dense networks"),
        Published(0.98, "published comparison of dense networks and CNNs"),
    ),
    "cnn": (Published(0.985, "published comparison of dense networks and CNNs"),),
    "shipped": (
        Published(0.9918, "network of a comparable open package"),
        Published(0.9963, "CNN of 78,000 weights, trained on MNIST alone"),
    ),
}


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How one digit fares; shares from 0 to 1, 0 where there is nothing to divide by."""

    digit: str
    precision: float  #: Of those read as this digit, how many are it.
    recall: float  #: Of those that are this digit, how many are read as it.
    f1: float  #: Harmonic mean of both.
    count: int  #: Test digits of this class.


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One method, measured."""

    method: Trained
    truth: npt.NDArray[np.uint8]  #: (N,)
    answers: npt.NDArray[np.int64]  #: (N,); 10 or more: no digit.
    confidence: npt.NDArray[np.float64]  #: (N,), the chance given to the answer.
    digits_per_s: float

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Which answers are right, (N,)."""
        return self.answers == self.truth

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(self.right.mean())

    @property
    def wrong(self) -> int:
        """How many answers are wrong."""
        return int((~self.right).sum())

    @property
    def calibration_error(self) -> float:
        """Expected calibration error of the confidences."""
        return expected_calibration_error(self.confidence, self.right)

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """How often each digit (row) was read as each digit, or as none (last column): (10, 11)."""
        counts = np.zeros((len(DIGITS), len(DIGITS) + 1), np.int64)
        np.add.at(counts, (self.truth, np.minimum(self.answers, len(DIGITS))), 1)
        return counts

    @property
    def classes(self) -> tuple[ClassFigures, ...]:
        """Precision, recall and F1 of each digit."""
        confusion = self.confusion
        hit, count, said = np.diag(confusion), confusion.sum(axis=1), confusion[:, : len(DIGITS)].sum(axis=0)
        precision, recall = hit / np.maximum(said, 1), hit / np.maximum(count, 1)
        f1 = 2 * hit / np.maximum(said + count, 1)
        return tuple(
            ClassFigures(digit, float(precision[i]), float(recall[i]), float(f1[i]), int(count[i]))
            for i, digit in enumerate(DIGITS)
        )

    @property
    def macro(self) -> tuple[float, float, float]:
        """Precision, recall and F1: plain means over the ten digits, rare ones counting as much as frequent ones."""
        figures = [(one.precision, one.recall, one.f1) for one in self.classes]
        precision, recall, f1 = np.mean(figures, axis=0)
        return float(precision), float(recall), float(f1)

    @property
    def published(self) -> tuple[Published, ...]:
        """What others published for this kind of method."""
        return PUBLISHED[self.method.key]

    @property
    def passed(self) -> bool:
        """Whether it is at least as good as each of them."""
        return all(self.passes(one) for one in self.published)

    def passes(self, published: Published) -> bool:
        """Whether it is at least as good."""
        return self.accuracy >= published.accuracy

    def surest_mistakes(self, count: int) -> npt.NDArray[np.int64]:
        """Places of the wrong answers with the highest confidence, surest first."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")][:count]


def measure(method: Trained, test: Labeled) -> Result:
    """Have a method read the test digits, and time it."""
    chances: Chances = method.read(test.images)
    return Result(
        method=method,
        truth=test.labels,
        answers=chances.argmax(axis=1),
        confidence=chances.max(axis=1),
        digits_per_s=digits_per_s(method.read, test.images),
    )
