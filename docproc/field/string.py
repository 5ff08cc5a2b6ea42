"""Read what candidates can say: the best values of a field, with their chances.

In:  what the recognizer made of each glyph of a field.
Out: values with probabilities, best first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from docproc.field.interpretation import Interpretation, Marks
from docproc.field.segmentation import Candidate, Lattice
from docproc.reading import CharacterReading, Reason

BLANK_CHANCE = 0.998  #: That a field without ink is blank: what faint pencil and lost strokes leave of certainty.
MOST_PATHS = 12  #: Paths kept at each border of the lattice.
LEAST_CHANCE = 1e-4  #: Of a digit to be followed.
LOW_IF_CUT = 0.65  #: Of the digits' height: what a cut leaves is lower than a digit more often than it is one.
LOW, TALL = 0.5, 1.45  #: Of the digits' height: a lower or taller glyph is hardly a digit of this number,
IN_LINE = 0.6  #: nor one of which less than this share of its height is at the height of the others.
REACH = 3.5  #: Of the digits' height: how far to both sides the others are looked at, since lines of writing slant.
MISFIT_CHANCE = 0.2  #: The chance that it is one all the same.
SMALL = 0.35  #: Of the digits' height: a mark that small both ways is a separator,
SMALL_CHANCE = 0.95  #: with this chance;
SPECK = 0.15  #: one that small, a speck,
SPECK_CHANCE = 0.995  #: with this.
TAIL_CHANCE = 0.1  #: That a small piece, cut off a stroke, belongs to no digit.
STRAY_CHANCE = 0.002  #: Chance that a full-size piece is no part of the number, whatever it looks like.


@dataclass(frozen=True, slots=True)
class Path:
    """One way through the lattice."""

    value: str
    chance: float
    candidates: tuple[int, ...]  #: Which candidates were read as the value's digits.
    skipped: tuple[tuple[int, str], ...]  #: Candidates read as marks: index, and "cross", "dash", "small" or "stray".


def read_lattice(lattice: Lattice, marks: Sequence[Marks], *, lengths: tuple[int, int]) -> Interpretation:
    """The best value of a free field.

    Parameters
    ----------
    lattice : Lattice
    marks : one for each of `lattice.candidates`
    lengths : fewest and most digits; values of other lengths are taken only where no path has one of these.
    """
    if not lattice.pieces:
        return Interpretation("", BLANK_CHANCE, has_ink=False)
    paths = best_paths(lattice, marks)
    chances = value_chances(paths)
    fitting = [pair for pair in chances if not pair[0] or lengths[0] <= len(pair[0]) <= lengths[1]]
    text, confidence = fitting[0] if fitting else chances[0]
    path = next(path for path in paths if path.value == text)
    characters: list[CharacterReading] = [
        marks[index].reading(digit) for index, digit in zip(path.candidates, text, strict=True)
    ]
    reasons: list[str] = []
    if lattice.struck_out:
        reasons.append(Reason.STRUCK_OUT)
    if lattice.two_lines:
        reasons.append(Reason.TWO_LINES)
    if any(reading.mark for reading in characters):
        reasons.append(Reason.NOT_A_DIGIT)
    for kind, reason in (("cross", Reason.CROSSED_OUT), ("dash", Reason.DASH)):
        if any(skipped == kind for _, skipped in path.skipped):
            reasons.append(reason)
    return Interpretation(
        text=text,
        confidence=confidence,
        alternatives=tuple(pair for pair in chances if pair[0] != text and pair[1] >= LEAST_CHANCE),
        characters=tuple(characters),
        boxes_px=tuple(lattice.candidates[index].glyph.box_px for index in path.candidates),
        reasons=tuple(reasons),
    )


def best_paths(lattice: Lattice, marks: Sequence[Marks]) -> list[Path]:
    """The likeliest paths through a lattice, best first.

    The chance of a path is the product of its glyphs' calibrated chances and of what geometry says; pieces that
    are no digits are skipped at the chance that they are crosses, dashes or specks. The k best partial
    paths are kept at each border (k-best Viterbi search).

    Parameters
    ----------
    lattice : Lattice
    marks : one for each of `lattice.candidates`
    """
    arriving: list[list[Path]] = [[] for _ in range(len(lattice.pieces) + 1)]
    arriving[0] = [Path("", 1.0, (), ())]
    starting: dict[int, list[int]] = {}
    for index, candidate in enumerate(lattice.candidates):
        starting.setdefault(candidate.first, []).append(index)
    for border in range(len(lattice.pieces)):
        paths = _best(arriving[border])
        for index in starting.get(border, []):
            candidate, mark = lattice.candidates[index], marks[index]
            prior = candidate.cut_chance * candidate.join_chance * _fit(candidate, lattice)
            for path in paths:
                for digit in np.argsort(mark.digits)[::-1][:3]:
                    chance = mark.digits[digit] * prior
                    if chance >= LEAST_CHANCE:
                        arriving[candidate.last].append(
                            Path(
                                path.value + str(digit),
                                path.chance * chance,
                                (*path.candidates, index),
                                path.skipped,
                            )
                        )
                chance, kind = _skip(candidate, mark, lattice.digit_height_px)
                chance *= candidate.cut_chance
                arriving[candidate.last].append(
                    Path(path.value, path.chance * chance, path.candidates, (*path.skipped, (index, kind)))
                )
    return _best(arriving[-1])


def value_chances(paths: Sequence[Path]) -> list[tuple[str, float]]:
    """Values and their chances, best first, at most 1 in all: each value has the chance of its best path.

    Paths to one value that differ in how they skip a mark are not different ways in which it can be right.
    """
    mass: dict[str, float] = {}
    for path in paths:
        mass[path.value] = max(mass.get(path.value, 0.0), path.chance)
    total = max(sum(mass.values()), 1.0)
    return sorted(((value, chance / total) for value, chance in mass.items()), key=lambda pair: (-pair[1], pair[0]))


def _best(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: (-path.chance, path.value, path.candidates))[:MOST_PATHS]


def _fit(candidate: Candidate, lattice: Lattice) -> float:
    """Chance that a glyph of this size and place is a digit of the number, by its neighbors in the line."""
    box, chance = candidate.glyph.box_px, 1.0
    lowest = LOW_IF_CUT if candidate.is_cut else LOW
    if not lowest <= box.height / lattice.digit_height_px <= TALL:
        chance *= MISFIT_CHANCE
    near = [
        piece
        for piece in lattice.pieces
        if piece.height >= LOW * lattice.digit_height_px
        and abs(piece.center[0] - box.center[0]) <= REACH * lattice.digit_height_px
    ]
    if near:
        top = float(np.median([piece.top for piece in near]))
        bottom = float(np.median([piece.bottom for piece in near]))
        shared = min(box.bottom, bottom) - max(box.top, top)
        if shared < IN_LINE * min(box.height, bottom - top):
            chance *= MISFIT_CHANCE
    return chance


def _skip(candidate: Candidate, mark: Marks, digit_height: float) -> tuple[float, str]:
    """Chance that a glyph is no digit of the number, and what it is then.

    What was cut off a stroke is part of something: it is no cross or dash of its own, and seldom the tail of a dash.
    """
    side = max(candidate.glyph.box_px.width, candidate.glyph.box_px.height)
    if side <= SMALL * digit_height:
        if candidate.is_cut:
            return TAIL_CHANCE, "small"
        return SPECK_CHANCE if side <= SPECK * digit_height else SMALL_CHANCE, "small"
    if candidate.is_cut:
        return STRAY_CHANCE, "stray"
    kind = "cross" if mark.cross >= mark.dash else "dash"
    return max(mark.cross + mark.dash, STRAY_CHANCE), kind
