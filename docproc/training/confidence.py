"""Make chances honest: fit what calibrates a network's logits, on glyphs of writers that it was not trained on.

In:  logits (N, C) and truths (N,) of held-out glyphs. Out: the `Calibration` of a card, its curve still empty.

References
----------
.. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
.. [2] B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates",
   KDD 2002 (isotonic regression; pool adjacent violators).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import calibrate, fit_temperature, log_odds_of_best, weighted
from docproc.character.card import Calibration, CalibrationKnot

Floats = npt.NDArray[np.float64]

#: Glyphs in a step of the isotonic curve, at least: a share of fewer is more noise than curve.
SMALLEST_STEP = 200
_LEAST = 1e-6  #: Doubt that the log loss counts at least: without it one glyph called impossible would decide.
_SCORE_DECIMALS = 4
_WEIGHT_DECIMALS = 4
_CHANCE_DECIMALS = 7


def fit_calibration(logits: Floats, truth: npt.NDArray[np.integer], *, weights: Sequence[float] = ()) -> Calibration:
    """A temperature [1]_, then isotonic regression of the best class's log odds [2]_ where that is more honest.

    Temperature alone has one number for all degrees of sureness; the isotonic curve takes them one by one, and never
    says that the surer of two glyphs is the less likely to be right. Which of the two is kept is tried on glyphs that
    it was not fitted on: each half is calibrated by the other, and the lower mean log loss of "the best class is
    right" wins.

    Raises
    ------
    ValueError
        If there are no glyphs.
    """
    methods = (_temperature, _isotonic)
    losses = [sum(_loss(method, logits, truth, weights, first) for first in (0, 1)) for method in methods]
    return methods[int(np.argmin(losses))](logits, truth, weights)


def weights_and_glyphs(
    truth: npt.NDArray[np.integer], met: Mapping[int, float], classes: int
) -> tuple[list[float], npt.NDArray[np.bool_]]:
    """How to make chances honest where a class is met less often than glyphs of it are shown.

    Parameters
    ----------
    truth : (N,) int
        Classes of glyphs, as often as they are shown in training.
    met : mapping
        Share of a class among the marks on forms, 0 to 1, for classes that are shown more often than that.
    classes : int
        How many there are.

    Returns
    -------
    weights : for `character.calibration.weighted`, the others' being 1.
    kept : (N,) bool
        So many glyphs of these classes that they are as frequent as on forms: what chances are fitted and judged on.
    """
    weights, kept = [1.0] * classes, np.ones(len(truth), np.bool_)
    for number, share in met.items():
        those = np.flatnonzero(truth == number)
        others = len(truth) - len(those)
        wanted = round(share / (1 - share) * others)
        if 0 < wanted < len(those):
            weights[number] = round(wanted / len(those), _WEIGHT_DECIMALS)
            kept[those[wanted:]] = False
    return weights, kept


def _temperature(logits: Floats, truth: npt.NDArray[np.integer], weights: Sequence[float]) -> Calibration:
    # The rule of succession: of n glyphs, however sure, the next one may be the first of its kind.
    return Calibration(
        method="temperature",
        temperature=fit_temperature(logits, truth, weights=weights),
        doubt=1 / (len(truth) + 2),
        weights=list(weights),
        curve=[],
    )


def _isotonic(logits: Floats, truth: npt.NDArray[np.integer], weights: Sequence[float]) -> Calibration:
    temperature = fit_temperature(logits, truth, weights=weights)
    odds = weighted(logits, temperature=temperature, weights=weights)
    knots = isotonic_knots(log_odds_of_best(odds, temperature=temperature), odds.argmax(axis=1) == truth)
    return Calibration(
        method="temperature, isotonic", temperature=temperature, weights=list(weights), knots=knots, curve=[]
    )


def _loss(
    method: Callable[[Floats, npt.NDArray[np.integer], Sequence[float]], Calibration],
    logits: Floats,
    truth: npt.NDArray[np.integer],
    weights: Sequence[float],
    first: int,
) -> float:
    """Log loss on every second glyph, of a calibration fitted on the others; glyphs come shuffled."""
    if len(truth) < 2:
        return 0.0
    fitted = method(logits[first::2], truth[first::2], weights)
    rest, rest_truth = logits[1 - first :: 2], truth[1 - first :: 2]
    chances = calibrate(rest, fitted)
    right = chances.argmax(axis=1) == rest_truth
    top = np.clip(chances.max(axis=1), _LEAST, 1 - _LEAST)
    return float(-np.mean(np.where(right, np.log(top), np.log1p(-top))))


def isotonic_knots(scores: Floats, right: npt.NDArray[np.bool_]) -> list[CalibrationKnot]:
    """The rising curve that fits best, one knot a step: at its mean score, the share of its glyphs that were right.

    A step whose glyphs were all right (or all wrong) gets a chance by the rule of succession,
    (right + 1) / (glyphs + 2): of n glyphs that were all right, the next one is wrong once in n + 2. So none is 0
    or 1. Steps that this puts out of order, and those of fewer than `SMALLEST_STEP` glyphs, are joined with a
    neighbor. Both score and chance increase strictly.
    """
    order = np.argsort(scores, kind="stable")
    steps: list[_Step] = []
    for score, hit in zip(scores[order].tolist(), right[order].tolist(), strict=True):
        steps.append((1, int(hit), score))
        while len(steps) > 1 and steps[-2][1] * steps[-1][0] >= steps[-1][1] * steps[-2][0]:
            steps[-2:] = [_joined(steps[-2], steps[-1])]
    joined: list[_Step] = []
    for step in steps:
        joined.append(step)
        while len(joined) > 1 and (joined[-2][0] < SMALLEST_STEP or not _rises(joined[-2], joined[-1])):
            joined[-2:] = [_joined(joined[-2], joined[-1])]
    if len(joined) > 1 and joined[-1][0] < SMALLEST_STEP:
        joined[-2:] = [_joined(joined[-2], joined[-1])]
    knots: list[CalibrationKnot] = []
    for step in joined:
        knot = CalibrationKnot(
            score=round(step[2] / step[0], _SCORE_DECIMALS), right=round(_chance(step), _CHANCE_DECIMALS)
        )
        if not knots or (knot.score > knots[-1].score and knot.right > knots[-1].right):
            knots.append(knot)
    return knots


_Step = tuple[int, int, float]  #: Glyphs, how many of them were right, sum of their scores.


def _joined(one: _Step, other: _Step) -> _Step:
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2])


def _chance(step: _Step) -> float:
    glyphs, right = step[:2]
    return right / glyphs if 0 < right < glyphs else (right + 1) / (glyphs + 2)


def _rises(one: _Step, other: _Step) -> bool:
    return _chance(other) > _chance(one)
