"""Is a new model better than the old one? Both read the same frozen digits, which neither was trained on.

In:  two recognizers; the digits of frozen pages, and MNIST's test digits.
Out: a `Comparison`, digit by digit, and its one rule (`RULE`).
How sure a model is of the right digit says more than whether it gets it: a model that is surer leaves less to review,
and where the old one reads all frozen digits right, a new one can be better in that alone. So models are compared by
the Brier score [1]_, which is lowest where chances are honest, and bounded: no single digit decides. Pages are what
chance deals out, since the digits of one are alike. Of two models that are equally good, the new one is kept in 5 %
of all trainings at most, and loses by one of the ten digits in 5 % at most (Bonferroni).

References
----------
.. [1] G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78(1), 1950.
.. [2] Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12(2),
   1947.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docproc.character.card import DIGITS
from docproc.character.recognizer import Recognizer
from docproc.errors import OutputError
from docproc.training.digits.datasets import Digits
from docproc.training.network import Labeled

LEVEL = 0.05  #: Chance that two equal models are told apart: allowed to the first question, and to the ten together.
WORSE_BELOW = LEVEL / len(DIGITS)
LEAST_PAGES = 5  #: Frozen ones. Were all of four better, that would be chance once in 16 times.
RULE = (
    "The new model is kept if on the frozen pages its Brier score is lower beyond chance (one-sided randomization "
    f"test over pages, p < {LEVEL:g}), no more of their digits are wrong, and none of the ten digits is read worse "
    "beyond chance there and in MNIST's test set together (one-sided exact McNemar test each, "
    f"p < {WORSE_BELOW:g})."
)
COMPARISON_NAME = "comparison.csv"
_FLIPS = 20_000  #: Of the randomization test: its p is right to a tenth of `LEVEL`.


@dataclass(frozen=True, slots=True)
class DigitRow:
    """One digit, of the frozen pages and of MNIST's test set."""

    digit: int
    n: int
    right_old: int
    right_new: int
    only_old: int  #: Right with the old model alone.
    only_new: int

    @property
    def p_worse(self) -> float:
        """Chance that at least so many would be right with the old one alone, were both equally good."""
        return mcnemar(self.only_old, self.only_new)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model makes of the frozen pages."""

    wrong: int  #: Digits read as another, or as none.
    doubtful: int  #: Digits, wrong or not, that would go to review: less sure than its card's `review_below`.
    brier: float  #: Mean of the squared distance between chances and truth, 0 to 2.


@dataclass(frozen=True, slots=True)
class Comparison:
    """Old against new."""

    rows: Sequence[DigitRow]  #: 0 to 9.
    frozen: int  #: Digits of frozen pages, which are in the rows, too,
    pages: int  #: and how many pages these are.
    old: Reading
    new: Reading
    p_better: float  #: Chance that the Brier score would be so much lower, were both equally good.

    @property
    def worse(self) -> list[int]:
        """Digits that the new one reads worse beyond chance."""
        return [row.digit for row in self.rows if row.p_worse < WORSE_BELOW]

    @property
    def is_better(self) -> bool:
        """By `RULE`."""
        return self.p_better < LEVEL and self.new.wrong <= self.old.wrong and not self.worse

    @property
    def told(self) -> str:
        """What both make of the frozen pages, in a sentence."""
        return (
            f"Of {self.frozen:,} digits on {self.pages:,} frozen pages the new model reads {self.new.wrong:,} wrong, "
            f"the old one {self.old.wrong:,}; it doubts {self.new.doubtful:,}, the old one {self.old.doubtful:,}."
        )

    @property
    def why(self) -> str:
        """The verdict's reason, in a sentence."""
        if self.is_better:
            return (
                f"That is better beyond chance (p = {self.p_better:.2g}), and no digit is read worse beyond chance."
            )
        against = []
        if self.worse:
            against.append(f"it reads {_listed(self.worse)} worse, beyond chance")
        if self.new.wrong > self.old.wrong:
            against.append("it reads more digits wrong")
        if self.p_better >= LEVEL:
            against.append(f"how much better it is may be chance (p = {self.p_better:.2g})")
        return f"Against it: {'; '.join(against)}."


def _listed(digits: Sequence[int]) -> str:
    *others, last = map(str, digits)
    return f"{', '.join(others)} and {last}" if others else last


def mcnemar(lost: int, won: int) -> float:
    """One-sided exact McNemar test [2]_: the chance of `lost` or more among `lost + won` tosses of a fair coin."""
    tosses = lost + won
    return sum(comb(tosses, k) for k in range(lost, tosses + 1)) / 2**tosses


def randomization(gains: npt.NDArray[np.float64]) -> float:
    """One-sided paired randomization test: how often chance alone makes the sum of `gains` (N,) so large.

    Were both models equally good, each page's gain might as well be a loss of the same size.
    """
    signs = np.random.default_rng(0).choice((-1.0, 1.0), (_FLIPS, len(gains)))
    slack = 1e-9 * np.abs(gains).sum()  # sums of the same numbers in another order are equal
    return float(1 + np.sum(signs @ gains >= gains.sum() - slack)) / (1 + _FLIPS)


def compare(old: Recognizer, new: Recognizer, frozen: Digits, test: Labeled) -> Comparison:
    """Both on digits of frozen pages, which are their writers, and on MNIST's test set."""
    glyphs = np.concatenate([frozen.glyphs, test[0]])
    labels = np.concatenate([frozen.labels, test[1]])
    count = len(frozen)
    chances_old, chances_new = old.recognize(glyphs), new.recognize(glyphs)
    right_old, right_new = (chances.argmax(axis=1) == labels for chances in (chances_old, chances_new))
    briers_old, briers_new = (_briers(chances[:count], frozen.labels) for chances in (chances_old, chances_new))
    _, page = np.unique(frozen.writers, return_inverse=True)
    return Comparison(
        rows=[_row(digit, labels == digit, right_old, right_new) for digit in range(len(DIGITS))],
        frozen=count,
        pages=int(page.max(initial=-1)) + 1,
        old=_reading(old, chances_old[:count], right_old[:count], briers_old),
        new=_reading(new, chances_new[:count], right_new[:count], briers_new),
        p_better=randomization(np.bincount(page, briers_old - briers_new).astype(np.float64)),
    )


def _briers(chances: npt.NDArray[np.float64], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    return ((chances - np.eye(chances.shape[1])[labels]) ** 2).sum(axis=1)


def _reading(
    model: Recognizer,
    chances: npt.NDArray[np.float64],
    right: npt.NDArray[np.bool_],
    briers: npt.NDArray[np.float64],
) -> Reading:
    is_sure = (chances.max(axis=1) >= model.card.review_below) & (chances.argmax(axis=1) < len(DIGITS))
    return Reading(int((~right).sum()), int((~is_sure).sum()), float(briers.mean()))


def _row(digit: int, own: npt.NDArray[np.bool_], old: npt.NDArray[np.bool_], new: npt.NDArray[np.bool_]) -> DigitRow:
    return DigitRow(
        digit=digit,
        n=int(own.sum()),
        right_old=int((own & old).sum()),
        right_new=int((own & new).sum()),
        only_old=int((own & old & ~new).sum()),
        only_new=int((own & new & ~old).sum()),
    )


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """One row a digit, as CSV beside the model. OutputError where it cannot be written."""
    path = folder / COMPARISON_NAME
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["digit", "n", "right_old", "right_new", "only_old", "only_new", "p_worse"])
            writer.writerows(
                [row.digit, row.n, row.right_old, row.right_new, row.only_old, row.only_new, f"{row.p_worse:.4g}"]
                for row in comparison.rows
            )
    except OSError as error:
        raise OutputError(
            f"{path}: the table could not be written ({error.strerror}).", remedy="Make room, and train anew."
        ) from error
    return path
