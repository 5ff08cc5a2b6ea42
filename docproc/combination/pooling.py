"""What two readers say of a field, put together: one value, and the chance that the whole of it is right.

In:  the values of a field by its glyphs, and by its line, each with chances. Out: values with calibrated chances.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import honest_chance, log_odds
from docproc.combination.card import Pool
from docproc.combination.line_reader import Values
from docproc.field.interpretation import Interpretation
from docproc.reading import Reason

#: Chance that a reader gives to a value that it does not name: both name all that they give more.
UNNAMED = 1e-4
_LEAST, _MOST = 1e-9, 1 - 1e-9


def pool(glyphs: Values, line: Values, weights: Pool) -> Values:
    """The values that either reader names, with the chances of both together, best first.

    A logarithmic opinion pool [1]_ with an outside option: the score of a value is a weighted sum of its log chances
    by both readers, more where both have it first, and one further score stands for "none of these". The best
    value's chance is then put where the knots say; the others share what it leaves.

    Parameters
    ----------
    glyphs, line : values with their chances, best first; neither is empty.
    weights : Pool

    References
    ----------
    .. [1] C. Genest, J. V. Zidek, "Combining probability distributions: a critique and an annotated bibliography",
       Statistical Science 1(1), 1986.
    """
    values, features = evidence(glyphs, line)
    chances = mixed(features, weights)
    order = np.argsort(-chances, kind="stable")
    best = float(np.clip(chances[order[0]], _LEAST, _MOST))
    top = best
    if weights.knots:
        top = float(honest_chance(np.array([float(log_odds(best))]), weights.knots)[0])
    rest = (1 - top) / (1 - best)
    return [(values[i], top if i == order[0] else float(chances[i]) * rest) for i in order]


def evidence(glyphs: Values, line: Values) -> tuple[list[str], npt.NDArray[np.float64]]:
    """All values, and for each (N, 3): both log chances, and whether both readers have it first."""
    one, other = dict(glyphs), dict(line)
    values = list(dict.fromkeys([*one, *other]))
    both = glyphs[0][0] == line[0][0]
    rows = [
        (
            np.log(max(one.get(value, 0.0), UNNAMED)),
            np.log(max(other.get(value, 0.0), UNNAMED)),
            float(both and value == line[0][0]),
        )
        for value in values
    ]
    return values, np.array(rows, np.float64)


def mixed(features: npt.NDArray[np.float64], weights: Pool) -> npt.NDArray[np.float64]:
    """Chances of values by their features, (N, 3) -> (N,), before the knots; what is missing to 1 is none of them."""
    scores = features @ (weights.glyphs, weights.line, weights.both)
    top = max(float(scores.max()), weights.neither)
    powers = np.exp(scores - top)
    return powers / (powers.sum() + np.exp(weights.neither - top))


def combine(meaning: Interpretation, line: Values, weights: Pool) -> Interpretation:
    """A field as both readers have it: the pooled value, and a reason where they disagree."""
    glyphs = [(meaning.text, meaning.confidence), *meaning.alternatives]
    (text, confidence), *others = pool(glyphs, line, weights)
    reasons = meaning.reasons
    if line[0][0] != glyphs[0][0]:
        reasons = (*reasons, Reason.READERS_DISAGREE)
    return replace(
        meaning,
        text=text,
        confidence=confidence,
        alternatives=tuple(others),
        characters=meaning.characters if text == meaning.text else (),
        reasons=reasons,
    )
