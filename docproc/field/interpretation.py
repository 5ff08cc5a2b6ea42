"""What a field's ink can mean: values with their chances, before any rule or policy.

`Marks` come in from the recognizer, an `Interpretation` goes out to the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.reading import CharacterReading

NO_MARK = 0.5  #: Chance of `other` from which a glyph looks like no mark.
CROWDED = 0.6  #: Chance that the main one of two marks in a cell is all that is meant.
TINY = 1e-6  #: Chance that no class falls below: of a million glyphs one may be anything.


@dataclass(frozen=True, slots=True)
class Marks:
    """Chances that one glyph is each digit, or a mark that is none. They add up to 1."""

    digits: tuple[float, ...]  #: For "0" to "9".
    cross: float
    dash: float
    other: float
    crowded: bool = False  #: A second mark stands beside it in the cell.

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


def resolve(whole: Marks | None, closer: Marks | None, lone: Marks | None, *, crowded: bool) -> Marks | None:
    """What the mark in a cell is that was cut in up to three ways; None where it was cut in none.

    Parameters
    ----------
    whole, closer, lone : Marks, optional
        With all its strokes; without what reaches in from beside; without what else stands in the cell. The last
        counts only where the others look like no mark, or half of a broken digit would speak against its whole.
    crowded : bool
        There is a second mark.
    """
    ways = [way for way in (whole, closer) if way is not None]
    if not ways:
        return lone
    found = ways[0] if len(ways) == 1 else _blend(*ways)
    if lone is not None and found.other > NO_MARK:
        found, crowded = _blend(found, lone), True
    if not crowded:
        return found
    digits = tuple(CROWDED * chance for chance in found.digits)
    return replace(found, digits=digits, other=found.other + sum(found.digits) - sum(digits), crowded=True)


def _blend(one: Marks, other: Marks) -> Marks:
    """Two ways to cut a mark, of which one is right and it is not known which: their logarithmic opinion pool [1]_.

    Each counts as much as it looks like a mark at all: a digit with a piece of its neighbor looks like none. On
    painted sheets (marks in boxes, neighbors at their sides) the pool's log loss is a seventh lower than a mixture's.

    References
    ----------
    .. [1] C. Genest, J. V. Zidek, "Combining probability distributions: a critique and an annotated bibliography",
       Statistical Science 1(1), 1986.
    """
    chances = np.array([(*way.digits, way.cross, way.dash, way.other) for way in (one, other)])
    weights = 1 - chances[:, -1:] + TINY
    pooled = np.exp((weights / weights.sum() * np.log(chances + TINY)).sum(axis=0))
    *digits, cross, dash, rest = (pooled / pooled.sum()).tolist()
    return Marks(digits=tuple(digits), cross=cross, dash=dash, other=rest)


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The best value of a field, and what speaks against trusting it."""

    text: str
    confidence: float  #: Chance that the whole of `text` is right, by the glyphs alone.
    alternatives: tuple[tuple[str, float], ...] = ()
    characters: tuple[CharacterReading, ...] = ()
    boxes_px: tuple[Box | None, ...] = ()  #: Of the characters, in the field's image; None where there is no ink.
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
