"""What the network of whole lines says: the likeliest digits of a line, with their chances.

In:  scores for every few columns of a line: of no digit, and of each digit.
Out: values and their chances, best first: sums over all the ways in which a value can lie along the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log, log1p

import numpy as np
import numpy.typing as npt

LABELS = "0123456789"
BLANK = 0  #: Index of "no digit here"; digits follow.
WIDTH = 24  #: Values followed at once.
UNNAMED = 1e-4  #: Chance of a value that a look does not name: it names all that it gives more.
LOST = 1e-6  #: Times the chance of the best beginning: one that has less is not followed any further.
LEAST = 1e-4  #: Chance in one column below which a digit is not followed.
Values = list[tuple[str, float]]  #: Values and their chances, best first.

_NOTHING = -inf


def transcribe(scores: npt.NDArray[np.float64], *, most: int = 8) -> Values:
    """The likeliest values of a line, best first, by prefix beam search [1]_.

    Parameters
    ----------
    scores : (T, 11) float64
        Logits, blank first.
    most : int
        Values returned, at most.

    Returns
    -------
    Values
        Chances add up to 1 or less: what is missing belongs to values that were not followed.

    References
    ----------
    .. [1] A. Y. Hannun et al., "First-pass large vocabulary continuous speech recognition using bi-directional
       recurrent DNNs", arXiv:1408.2873, 2014, algorithm 1, without a language model.
    """
    top = scores.max(axis=1, keepdims=True)
    logs = scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    # Of each value: the log chance of it ending here in "no digit", and in its last digit.
    beams: dict[str, tuple[float, float]] = {"": (0.0, _NOTHING)}
    least = np.log(LEAST)
    for row in logs.tolist():
        blank = row[BLANK]
        digits = [index for index in range(1, len(row)) if row[index] > least]
        grown: dict[str, tuple[float, float]] = {}
        for value, (in_blank, in_digit) in beams.items():
            whole = _sum(in_blank, in_digit)
            last = value[-1:]
            own_blank, own_digit = grown.get(value, (_NOTHING, _NOTHING))
            own_blank = _sum(own_blank, whole + blank)
            if last:
                own_digit = _sum(own_digit, in_digit + row[int(last) + 1])
            grown[value] = (own_blank, own_digit)
            for index in digits:
                digit = LABELS[index - 1]
                longer = value + digit
                before = in_blank if digit == last else whole
                if before == _NOTHING:
                    continue
                ends_blank, ends_digit = grown.get(longer, (_NOTHING, _NOTHING))
                grown[longer] = (ends_blank, _sum(ends_digit, before + row[index]))
        if digits:  # else nothing has grown, and none has come nearer to another
            ranked = sorted(
                ((_sum(*ends), value) for value, ends in grown.items()), key=lambda pair: (-pair[0], pair[1])
            )
            lost = ranked[0][0] + log(LOST)
            grown = {value: grown[value] for chance, value in ranked[:WIDTH] if chance > lost}
        beams = grown
    chances = [(value, float(np.exp(_sum(*ends)))) for value, ends in beams.items()]
    return sorted(chances, key=lambda pair: (-pair[1], pair[0]))[:most]


def agreed(looks: Sequence[Values]) -> Values:
    """Several looks at one line as one: the geometric mean of the chances that they give each value, best first.

    What a look does not name has at most `UNNAMED` there. Chances add up to 1.
    """
    values = list(dict.fromkeys(value for look in looks for value, _ in look))
    logs = np.array([[np.log(max(dict(look).get(value, 0.0), UNNAMED)) for look in looks] for value in values])
    chances = np.exp(logs.mean(axis=1))
    chances /= chances.sum()
    return sorted(zip(values, chances.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))


def _sum(one: float, other: float) -> float:
    """log(exp(one) + exp(other))."""
    if one < other:
        one, other = other, one
    if other == _NOTHING:
        return one
    return one + log1p(exp(other - one))
