"""What a field's ink can mean: values with their chances, before any rule or policy.

`Marks` come in from the recognizer, an `Interpretation` goes out to the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from docproc.reading import CharacterReading

TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Marks:
    """Chances that one glyph is each digit, or a mark that is none. They add up to 1."""

    digits: tuple[float, ...]  #: For "0" to "9".
    cross: float
    dash: float
    other: float

    @property
    def kind(self) -> str:
        """The likeliest: "digit", "cross", "dash" or "other"."""
        chances = {"digit": sum(self.digits), "cross": self.cross, "dash": self.dash, "other": self.other}
        return max(chances, key=lambda kind: chances[kind])

    def reading(self, digit: str) -> CharacterReading:
        """The glyph read as `digit`, or as a mark that stands for nothing where `digit` is ""."""
        ranked = sorted(((str(value), chance) for value, chance in enumerate(self.digits)), key=lambda pair: -pair[1])
        return CharacterReading(
            digit=digit,
            confidence=self.digits[int(digit)] if digit else self.cross + self.dash,
            alternatives=tuple(pair for pair in ranked[:3] if pair[0] != digit),
            mark="" if self.kind == "digit" else self.kind,
        )


def blend(whole: Marks, trimmed: Marks) -> Marks:
    """What a mark is that was cut in two ways, of which one is right and it is not known which.

    Each way counts as much as it looks like a mark at all: a digit with a piece of its neighbor looks like none.
    """
    weights = np.array([1 - whole.other, 1 - trimmed.other]) + TINY
    share = float(weights[1] / weights.sum())
    return Marks(
        digits=tuple((1 - share) * a + share * b for a, b in zip(whole.digits, trimmed.digits, strict=True)),
        cross=(1 - share) * whole.cross + share * trimmed.cross,
        dash=(1 - share) * whole.dash + share * trimmed.dash,
        other=(1 - share) * whole.other + share * trimmed.other,
    )


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The best value of a field, and what speaks against trusting it."""

    text: str
    confidence: float  #: Chance that the whole of `text` is right, by the glyphs alone.
    alternatives: tuple[tuple[str, float], ...] = ()
    characters: tuple[CharacterReading, ...] = ()
    reasons: tuple[str, ...] = ()
    has_ink: bool = True  #: Whether there was anything but paper.


def marks_from(chances: npt.NDArray[np.float64], classes: Sequence[str]) -> list[Marks]:
    """The recognizer's answer, by name.

    Parameters
    ----------
    chances : (N, classes) float64
        Calibrated, rows adding up to 1.
    classes : names of the columns, "0" to "9", "cross", "dash" and "other" among them.
    """
    column = {name: index for index, name in enumerate(classes)}
    return [
        Marks(
            digits=tuple(float(row[column[str(digit)]]) for digit in range(10)),
            cross=float(row[column["cross"]]),
            dash=float(row[column["dash"]]),
            other=float(row[column["other"]]),
        )
        for row in chances
    ]
