"""How many of all are wrong at most, by how many of a random sample are.

In:  counts. Out: one-sided confidence bounds, and sizes of samples.
"""

from __future__ import annotations

import math

CONFIDENCE = 0.95  #: Of a bound: of 100 samples, so many give one that holds.


def upper_bound(wrong: int, drawn: int, *, confidence: float = CONFIDENCE) -> float:
    """The share of wrong ones that is not exceeded, with that confidence: Clopper and Pearson's, one-sided [1]_.

    The p at which `wrong` or fewer of `drawn` would be found only with the chance 1 - `confidence`. It is exact for
    draws from many, and errs on the safe side where the sample is a good part of all.

    Parameters
    ----------
    wrong, drawn : int
        0 <= wrong <= drawn.
    confidence : float
        0 to 1.

    Returns
    -------
    float
        0 to 1; 1 where all were wrong, or none was drawn.

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
       binomial", Biometrika 26(4), 1934.

    Examples
    --------
    >>> round(upper_bound(0, 598), 6)
    0.004997
    """
    if not 0 <= wrong <= drawn:
        raise ValueError(f"of {drawn} drawn, {wrong} cannot be wrong")
    if wrong == drawn:
        return 1.0
    low, high = wrong / drawn, 1.0
    while (middle := (low + high) / 2) not in (low, high):
        if at_most(wrong, drawn, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def at_most(wrong: int, drawn: int, share: float) -> float:
    """The chance of `wrong` or fewer among `drawn`, where each is wrong with the chance `share`, between 0 and 1."""
    one, other = math.log(share), math.log1p(-share)
    ways = math.lgamma(drawn + 1)
    terms = (
        ways - math.lgamma(found + 1) - math.lgamma(drawn - found + 1) + found * one + (drawn - found) * other
        for found in range(wrong + 1)
    )
    return min(math.fsum(map(math.exp, terms)), 1.0)


def sample_size(bound: float, *, wrong: int = 0, confidence: float = CONFIDENCE) -> int:
    """How many are to be drawn for that bound, where so many of them are found wrong.

    Parameters
    ----------
    bound : float
        Between 0 and 1.
    """
    low, high = wrong, wrong + 1
    while upper_bound(wrong, high, confidence=confidence) > bound:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if upper_bound(wrong, middle, confidence=confidence) > bound:
            low = middle
        else:
            high = middle
    return high
