"""From scores to chances that can be believed, and how far they can.

In:  logits of glyphs; where a calibration is made or judged, of glyphs whose truth is known.
Out: calibrated chances, the temperature that makes them, and the figures that say how honest they are. Pure numpy.
The knots of the second step are fitted by docproc.training.confidence.

References
----------
.. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
.. [2] Y. Geifman, R. El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017 (risk and coverage).
.. [3] M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
   probabilities: a simple procedure", Neural Computation 14(1), 2002.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from docproc.character.card import Calibration

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Range in which a temperature is sought; a network outside it has not learned anything worth calibrating.
TEMPERATURES = (0.05, 20.0)
_GOLDEN = (5**0.5 - 1) / 2  #: Golden section search keeps this share of the interval in every step.
_STEPS = 60  #: Leaves an interval of about 1e-12 of the first one.
_TINY = 1e-12
_NO_CHANCE = 1e-300  #: Instead of 0, where a division or logarithm follows.
_AHEAD = 1e-6  #: By so much, relatively, the best class stays ahead of the second where knots would put it lower.


class Knot(Protocol):
    """One point of the curve from a score to the chance that it stands for; a card's knots are of this shape."""

    @property
    def score(self) -> float:
        """Log odds of the best class after the temperature."""

    @property
    def right(self) -> float:
        """Chance that the best class is right, above 0, below 1."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Glyphs of like confidence, and how many of them were right."""

    confidence: float  #: Mean confidence in the bin, 0 to 1.
    right: float  #: Share that was right, 0 to 1.
    count: int


def softmax(logits: npt.ArrayLike, *, temperature: float = 1.0) -> Floats:
    """Chances from logits divided by `temperature`, over the last axis."""
    scaled = np.asarray(logits, np.float64) / temperature
    if scaled.size == 0:
        return scaled
    scaled = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return scaled / scaled.sum(axis=-1, keepdims=True)


def log_odds(chance: npt.ArrayLike) -> Floats:
    """log(p / (1 - p))."""
    chance = np.asarray(chance, np.float64)
    return np.log(chance) - np.log1p(-chance)


def log_odds_of_best(logits: Floats, *, temperature: float = 1.0) -> Floats:
    """Log odds that the best class is right, by the network alone: (N, C) logits -> (N,).

    The same order as the best chance, but without its ties: near 1 a chance runs out of digits, log odds do not.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    best = scaled.argmax(axis=1)[:, None]
    top = np.take_along_axis(scaled, best, axis=1)
    others = np.exp(scaled - top)
    np.put_along_axis(others, best, 0.0, axis=1)
    return -np.log(np.maximum(others.sum(axis=1), _NO_CHANCE))


def weighted(logits: npt.ArrayLike, *, temperature: float, weights: Sequence[float]) -> Floats:
    """Logits with which each class has `weights` times the odds that it had at that temperature; none: as they are.

    A network takes each class to be as frequent as it was in training. Where a class is met more or less often, its
    odds change by as much [3]_.
    """
    logits = np.asarray(logits, np.float64)
    return logits + temperature * np.log(np.asarray(weights, np.float64)) if len(weights) else logits


def calibrate(logits: Floats, calibration: Calibration) -> Floats:
    """Chances from logits, (N, C) -> (N, C), rows adding up to 1, by a card's calibration.

    First all classes by the temperature and their weights; the doubt is shared by all classes, so that none is ever
    certain. Then, where there are knots, the best class's chance is put where they say, and the others share what
    it leaves in the proportions they had. The best class stays the best, and glyphs keep their order: the new chance
    grows strictly with the old one except where another class is about as good.
    """
    temperature, doubt, knots = calibration.temperature, calibration.doubt, calibration.knots
    logits = weighted(logits, temperature=temperature, weights=calibration.weights)
    chances = softmax(logits, temperature=temperature)
    chances = (1.0 - doubt) * chances + doubt / max(chances.shape[-1], 1)
    if not knots or not len(chances):
        return chances
    best = chances.argmax(axis=1)[:, None]
    others = np.maximum(chances, _NO_CHANCE)
    np.put_along_axis(others, best, 0.0, axis=1)
    others /= others.sum(axis=1, keepdims=True)
    top = honest_chance(log_odds_of_best(logits, temperature=temperature), knots)
    rival = others.max(axis=1)  # of what the best class leaves
    top = np.maximum(top, (1 + _AHEAD) * rival / (1 + rival))
    result = others * (1 - top)[:, None]
    np.put_along_axis(result, best, top[:, None], axis=1)
    return result


def honest_chance(scores: Floats, knots: Sequence[Knot]) -> Floats:
    """The chance that the best class is right, from its log odds (N,): strictly increasing, bounded by the knots.

    Between knots log odds are interpolated linearly. Below the first one they fall as the scores do. Above the last
    one the doubt shrinks towards one half of that knot's and never below: more was never seen to be true.
    """
    x = np.array([knot.score for knot in knots])
    y = log_odds([knot.right for knot in knots])
    inner = np.interp(scores, x, y) + np.minimum(scores - x[0], 0.0)
    chance = 1.0 / (1.0 + np.exp(-inner))
    doubt = 1.0 - knots[-1].right
    above = 1.0 - doubt * 0.5 * (1.0 + 1.0 / (1.0 + np.maximum(scores - x[-1], 0.0)))
    return np.where(scores > x[-1], above, chance)


def negative_log_likelihood(logits: Floats, truth: npt.NDArray[np.integer], *, temperature: float = 1.0) -> float:
    """Mean of -log of the chance given to the truth. logits (N, C), truth (N,) class indices."""
    scaled = logits / temperature
    top = scaled.max(axis=1)
    log_sum = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    return float(np.mean(log_sum - scaled[np.arange(len(truth)), truth]))


def fit_temperature(logits: Floats, truth: npt.NDArray[np.integer], *, weights: Sequence[float] = ()) -> float:
    """The one number that makes chances honest without changing a single answer [1]_.

    Minimizes the negative log likelihood over log(temperature), in which it has one minimum, by golden section.

    Parameters
    ----------
    logits : (N, C) float
        Of glyphs that the network was not trained on.
    truth : (N,) int
        Class indices.
    weights : (C,) float, optional
        See `weighted`.

    Raises
    ------
    ValueError
        If there are no glyphs.
    """
    if len(truth) == 0:
        raise ValueError("cannot calibrate without glyphs")
    logits = np.asarray(logits, np.float64)
    low, high = np.log(TEMPERATURES[0]), np.log(TEMPERATURES[1])

    def loss(log_temperature: float) -> float:
        temperature = float(np.exp(log_temperature))
        odds = weighted(logits, temperature=temperature, weights=weights)
        return negative_log_likelihood(odds, truth, temperature=temperature)

    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = loss(right)
    return float(np.exp((low + high) / 2))


def reliability_curve(confidence: Floats, right: Bools, *, bins: int = 15) -> tuple[ReliabilityBin, ...]:
    """Mean confidence against share right, in `bins` bins of equal width; empty bins are left out."""
    index = np.minimum((np.asarray(confidence) * bins).astype(int), bins - 1)
    return tuple(
        ReliabilityBin(float(confidence[index == i].mean()), float(right[index == i].mean()), int((index == i).sum()))
        for i in range(bins)
        if np.any(index == i)
    )


def expected_calibration_error(confidence: Floats, right: Bools, *, bins: int = 15) -> float:
    """Mean distance of confidence and share right over the bins, weighted by their counts [1]_. 0 is perfect."""
    if len(confidence) == 0:
        return 0.0
    curve = reliability_curve(confidence, right, bins=bins)
    return sum(abs(b.confidence - b.right) * b.count for b in curve) / len(confidence)


def risk_coverage(confidence: Floats, right: Bools) -> tuple[Floats, Floats]:
    """Error among the accepted at each share accepted [2]_.

    Returns
    -------
    coverage : (N,) float
        Shares accepted, 1/N to 1, most confident first.
    risk : (N,) float
        Share wrong among them.
    """
    order = np.argsort(-np.asarray(confidence), kind="stable")
    wrong = np.cumsum(~np.asarray(right, bool)[order])
    accepted = np.arange(1, len(wrong) + 1)
    return accepted / max(len(wrong), 1), wrong / accepted


def threshold_for_risk(confidence: Floats, right: Bools, *, risk: float) -> float:
    """The lowest confidence at which the share wrong among all at or above it is at most `risk`.

    Ties count together, since a threshold cannot part them. Above 1 (nothing is accepted) where no threshold will do.
    """
    confidence = np.asarray(confidence, np.float64)
    if len(confidence) == 0:
        return float(np.nextafter(1.0, 2.0))
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    wrong = np.cumsum(~np.asarray(right, bool)[order])
    last_of_tie = np.append(ordered[1:] < ordered[:-1], True)
    good = last_of_tie & (wrong <= risk * np.arange(1, len(wrong) + 1) + _TINY)
    return float(ordered[np.flatnonzero(good)[-1]]) if good.any() else float(np.nextafter(1.0, 2.0))
