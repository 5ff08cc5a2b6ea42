"""How good a model is: the scores of a card, its reliability curve, and the confidence that it is trusted from.

In:  calibrated chances (N, classes) and truths (N,). Out: numbers for the card. No TensorFlow.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from docproc.character import calibration as cal
from docproc.character.card import DIGITS, CurvePoint

Chances = npt.NDArray[np.float64]
Truth = npt.NDArray[np.uint8]

_DECIMALS = 5


def measure(name: str, chances: Chances, truth: Truth) -> dict[str, float]:
    """Scores under keys that begin with `name`; those about marks only where there are marks.

    right: share of glyphs whose best class is the truth. best_digit_right: share of digits whose best digit is the
    truth, a mark that beats it or not: what a cell is read as, before it is doubted. ece: expected calibration
    error. marks_rejected: share of crosses, dashes and others whose best class is no digit. digits_rejected: share of
    digits whose best class is a mark. accepted_at_0.3_percent: share of the digits that can be accepted, most
    confident first, before 0.3 % of all accepted glyphs are wrong.
    """
    answer = chances.argmax(axis=1)
    right = answer == truth
    is_digit, says_digit = truth < len(DIGITS), answer < len(DIGITS)
    accepted = says_digit & (chances.max(axis=1) >= choose_threshold(chances, truth, risk=0.003, whole_percent=False))
    scores = {
        "right": np.mean(right),
        "best_digit_right": np.mean(chances[is_digit, : len(DIGITS)].argmax(axis=1) == truth[is_digit]),
        "ece": cal.expected_calibration_error(chances.max(axis=1), right),
        "digits_rejected": np.mean(~says_digit[is_digit]),
        "accepted_at_0.3_percent": np.sum(accepted & is_digit) / max(is_digit.sum(), 1),
    }
    if not is_digit.all():
        scores["marks_rejected"] = np.mean(~says_digit[~is_digit])
    return {f"{name}_{key}": round(float(value), _DECIMALS) for key, value in scores.items()}


def reliability_points(chances: Chances, truth: Truth) -> list[CurvePoint]:
    """The reliability curve of the best classes, for a card."""
    curve = cal.reliability_curve(chances.max(axis=1), chances.argmax(axis=1) == truth)
    return [CurvePoint(confidence=round(b.confidence, 4), right=round(b.right, 4), count=b.count) for b in curve]


def choose_threshold(chances: Chances, truth: Truth, *, risk: float, whole_percent: bool = True) -> float:
    """The lowest confidence at which at most `risk` of the glyphs accepted as digits are wrong.

    A glyph is accepted where its best class is a digit, and wrong where it is another digit or none. Rounded up to a
    whole percent where asked, because the threshold's own error is about that large; at most 0.99.
    """
    answer = chances.argmax(axis=1)
    says_digit = answer < len(DIGITS)
    threshold = cal.threshold_for_risk(chances.max(axis=1)[says_digit], (answer == truth)[says_digit], risk=risk)
    return float(min(np.ceil(threshold * 100) / 100, 0.99)) if whole_percent else threshold
