"""What two readers say of a field, put together: one value, and the chance that the whole of it is right.

In:  the values of a field by its glyphs, and by its line, each with chances. Out: values with calibrated chances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import honest_chance, log_odds
from docproc.combination.card import Pool, Sureness, WitnessPool
from docproc.combination.witness import WitnessReading
from docproc.field.interpretation import Interpretation
from docproc.field.transcript import UNNAMED, Values
from docproc.reading import Reason

Floats = npt.NDArray[np.float64]

SURE_INK = 0.9  #: Of the best value by glyphs: from here on it is no blank.
SUREST = 0.999  #: Of a testimony: a score has three places worth believing.
_LEAST, _MOST = 1e-9, 1 - 1e-9
_DOUBT = 1e-5  #: Of a reader, at least.


def pool(glyphs: Values, line: Values, weights: Pool, testimony: WitnessReading | None = None) -> Values:
    """The values that either reader names, with the chances of both together, best first.

    A logarithmic opinion pool [1]_ with an outside option: the score of a value is a weighted sum of its log chances
    by both readers, more where both have it first, and one further score stands for "none of these". How sure the
    best value is, `sureness` says, and the knots put its chance there; the others share what it leaves. The testimony
    of a third adds to the score of the value that it names, or to that of "none of these", and has a sureness and
    knots of its own.

    Parameters
    ----------
    glyphs, line : values with their chances, best first; neither is empty.
    weights : Pool
    testimony : WitnessReading, optional
        Counts where the pool knows the witness and its text is not empty.

    References
    ----------
    .. [1] C. Genest, J. V. Zidek, "Combining probability distributions: a critique and an annotated bibliography",
       Statistical Science 1(1), 1986.
    """
    values, features = evidence(glyphs, line)
    sure, knots = weights.sure, weights.knots
    if testimony is None or weights.witness is None:
        chances = mixed(features, weights)
    else:
        chances = mixed(features, weights, *added_by(values, testimony, weights.witness))
        sure, knots = weights.witness.sure, weights.witness.knots
    order = np.argsort(-chances, kind="stable")
    best = float(np.clip(chances[order[0]], _LEAST, _MOST))
    score = float(log_odds(best))
    if sure is not None:
        score = sureness(signs(values[order[0]], glyphs, line, testimony), sure)
    top = float(honest_chance(np.array([score]), knots)[0]) if knots else 1 / (1 + float(np.exp(-score)))
    top = min(top, _MOST)
    rest = (1 - top) / (1 - best)
    # Where the best one is worth little after all, none of the others is worth more.
    return [(values[i], top if i == order[0] else min(float(chances[i]) * rest, top)) for i in order]


def evidence(glyphs: Values, line: Values) -> tuple[list[str], Floats]:
    """All values, and for each (N, 4): both log chances, whether both readers have it first, and whether it has as
    many digits as the best value by glyphs.
    """
    one, other = dict(glyphs), dict(line)
    values = list(dict.fromkeys([*one, *other]))
    both = glyphs[0][0] == line[0][0]
    rows = [
        (
            np.log(max(one.get(value, 0.0), UNNAMED)),
            np.log(max(other.get(value, 0.0), UNNAMED)),
            float(both and value == line[0][0]),
            float(len(value) == len(glyphs[0][0])),
        )
        for value in values
    ]
    return values, np.array(rows, np.float64)


def sureness(own: Floats, weights: Sureness) -> float:
    """Log odds that a value is right, by its `signs`: a logistic regression [1]_.

    The pool's own log odds hardly tell sure values apart: what a reader that is nearly certain of a value adds to its
    log chance comes to nothing beside the fixed score of "none of these".

    References
    ----------
    .. [1] J. Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin Classifiers, 1999.
    """
    return float(
        own
        @ (weights.base, weights.line, weights.agree, weights.glyphs, weights.length, weights.named, weights.unnamed)
    )


def signs(value: str, glyphs: Values, line: Values, testimony: WitnessReading | None = None) -> Floats:
    """What speaks for a value, (7,): see `Sureness`."""
    agree = float(glyphs[0][0] == line[0][0] == value)
    by_line, by_glyphs = (
        float(log_odds(np.clip(dict(said).get(value, 0.0), UNNAMED, 1 - _DOUBT))) for said in (line, glyphs)
    )
    word = 0.0 if testimony is None or not testimony.text else _weight_of(testimony)
    named = testimony is not None and testimony.text == value
    length = float(len(value) == len(glyphs[0][0]))
    return np.array([1.0, by_line, agree, agree * by_glyphs, length, word if named else 0.0, 0.0 if named else word])


def added_by(values: Sequence[str], testimony: WitnessReading, weights: WitnessPool) -> tuple[Floats, float]:
    """What a testimony adds to the score of each value, (N,), and to that of none of them."""
    if not testimony.text:
        return np.zeros(len(values)), 0.0
    word = _weight_of(testimony)
    named = np.array([value == testimony.text for value in values], np.float64)
    return weights.named * word * named, 0.0 if named.any() else weights.unnamed * word


def _weight_of(testimony: WitnessReading) -> float:
    """Its log odds, 0 and more."""
    return max(float(log_odds(np.clip(testimony.score, 0.5, SUREST))), 0.0)


def mixed(features: Floats, weights: Pool, added: Floats | float = 0.0, to_neither: float = 0.0) -> Floats:
    """Chances of values by their features, (N, 4) -> (N,), before the knots; what is missing to 1 is none of them."""
    scores = features @ (weights.glyphs, weights.line, weights.both, weights.length) + added
    neither = weights.neither + to_neither
    top = max(float(scores.max()), neither)
    powers = np.exp(scores - top)
    return powers / (powers.sum() + np.exp(neither - top))


def combine(
    meaning: Interpretation, line: Values, weights: Pool, testimony: WitnessReading | None = None
) -> Interpretation:
    """A field as both readers have it: the pooled value, and a reason where they disagree.

    Whoever agrees makes no value less sure. Where the readers do, the recognizer's own chance, calibrated by itself,
    is the least; where the witness names the value that has won, so is what the readers gave it, and their
    disagreement is settled.
    """
    glyphs = [(meaning.text, meaning.confidence), *meaning.alternatives]
    seen = line
    if meaning.text and meaning.confidence >= SURE_INK:
        # As a line, a lone 1 looks like a side of its box: what surely is a digit is no blank. They still disagree.
        seen = [said for said in line if said[0]] or line
    (text, confidence), *others = pool(glyphs, seen, weights, testimony)
    reasons, least = meaning.reasons, 0.0
    if line[0][0] == text == meaning.text:
        least = meaning.confidence
    settled = testimony is not None and weights.witness is not None and testimony.text == text != ""
    if settled:
        least = max(least, dict(pool(glyphs, seen, weights))[text])
    elif line[0][0] != glyphs[0][0]:
        reasons = (*reasons, Reason.READERS_DISAGREE)
    if confidence < least:
        others = [(value, chance * (1 - least) / (1 - confidence)) for value, chance in others]
        confidence = least
    return replace(
        meaning,
        text=text,
        confidence=confidence,
        alternatives=tuple(others),
        characters=meaning.characters if text == meaning.text else (),
        reasons=reasons,
    )
