"""Is a new model better than the old one? Both read the same frozen digits, which neither was trained on.

In:  two recognizers; digits of corrected pages and MNIST's test digits.
Out: a `Comparison`, digit by digit, and its one rule (`RULE`).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docproc.character.recognizer import Recognizer
from docproc.errors import OutputError
from docproc.training.network import Labeled

#: Chance of being this much worse, were both equally good, below which a digit counts as worse.
WORSE_BELOW = 0.05
RULE = (
    "The new model is kept if it reads more of the frozen corrected digits right than the old one, and no digit of "
    f"the whole frozen set worse beyond chance (one-sided exact McNemar test, p < {WORSE_BELOW})."
)
COMPARISON_NAME = "comparison.csv"


@dataclass(frozen=True, slots=True)
class DigitRow:
    """One digit, of the whole frozen set."""

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
class Comparison:
    """Old against new."""

    rows: Sequence[DigitRow]  #: 0 to 9.
    corrected: int  #: Frozen digits of corrected pages, which are in the rows, too.
    corrected_right_old: int
    corrected_right_new: int

    @property
    def worse(self) -> list[int]:
        """Digits that the new one reads worse beyond chance."""
        return [row.digit for row in self.rows if row.p_worse < WORSE_BELOW]

    @property
    def is_better(self) -> bool:
        """By `RULE`."""
        return self.corrected_right_new > self.corrected_right_old and not self.worse

    @property
    def why(self) -> str:
        """In a sentence."""
        told = (
            f"{self.corrected_right_new} of {self.corrected} frozen corrected digits are read right, "
            f"{self.corrected_right_old} with the old model"
        )
        if self.worse:
            told += f"; worse beyond chance: {', '.join(map(str, self.worse))}"
        return f"{told}."


def mcnemar(lost: int, won: int) -> float:
    """One-sided exact McNemar test: the chance of `lost` or more among `lost + won` tosses of a fair coin."""
    tosses = lost + won
    return sum(comb(tosses, k) for k in range(lost, tosses + 1)) / 2**tosses


def compare(old: Recognizer, new: Recognizer, corrected: Labeled, test: Labeled) -> Comparison:
    """Both on glyphs (N, 28, 28) and labels (N,) of corrected pages, and of MNIST's test set."""
    glyphs = np.concatenate([corrected[0], test[0]])
    labels = np.concatenate([corrected[1], test[1]])
    right_old, right_new = (_right(one, glyphs, labels) for one in (old, new))
    count = len(corrected[1])
    return Comparison(
        rows=[_row(digit, labels == digit, right_old, right_new) for digit in range(10)],
        corrected=count,
        corrected_right_old=int(right_old[:count].sum()),
        corrected_right_new=int(right_new[:count].sum()),
    )


def _right(
    recognizer: Recognizer, glyphs: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    answers = recognizer.recognize(glyphs).argmax(axis=1)
    return np.asarray(recognizer.card.classes)[answers] == labels.astype(str)


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
