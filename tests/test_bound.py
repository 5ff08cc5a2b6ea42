"""Confidence bounds: exact, and honest over many batches."""

from __future__ import annotations

import random

import pytest

from docproc.bound import at_most, sample_size, upper_bound
from docproc.sampling import chosen

BATCHES, ACCEPTED, BOUND = 1000, 5000, 0.005


@pytest.mark.parametrize(
    ("wrong", "drawn", "bound"),
    [  # quantiles of the beta distribution (wrong + 1, drawn - wrong), as SciPy gives them
        (0, 1, 0.95),
        (0, 598, 0.004997058694),
        (1, 598, 0.007908094566),
        (3, 50, 0.1478371764),
        (10, 10_000, 0.001695631454),
        (120, 400, 0.3399635664),
    ],
)
def test_the_bound_is_the_quantile_of_the_beta_distribution(wrong: int, drawn: int, bound: float) -> None:
    assert upper_bound(wrong, drawn) == pytest.approx(bound, rel=1e-8)


def test_at_the_bound_so_few_are_found_once_in_twenty_times() -> None:
    assert at_most(7, 1234, upper_bound(7, 1234)) == pytest.approx(0.05)


def test_where_all_were_wrong_or_none_was_drawn_nothing_is_excluded() -> None:
    assert upper_bound(5, 5) == upper_bound(0, 0) == 1.0
    with pytest.raises(ValueError, match="of 3 drawn, 4 cannot be wrong"):
        upper_bound(4, 3)


@pytest.mark.parametrize(
    ("bound", "wrong", "size"), [(0.005, 0, 598), (0.005, 1, 947), (0.05, 0, 59), (0.05, 1, 93), (0.0005, 0, 5990)]
)
def test_a_sample_is_as_small_as_shows_its_bound(bound: float, wrong: int, size: int) -> None:
    assert sample_size(bound, wrong=wrong) == size
    assert upper_bound(wrong, size) <= bound < upper_bound(wrong, size - 1)


@pytest.mark.parametrize("size", [sample_size(BOUND), sample_size(BOUND, wrong=1)])
@pytest.mark.parametrize("worst", [True, False])
def test_in_a_thousand_batches_the_bound_is_broken_at_most_fifty_times(size: int, worst: bool) -> None:
    """Drawn as audits are drawn, without replacement.

    The worst batches have just one wrong field more than the bound says where none is found. Of 5,000 fields, 598 or
    947 drawn, that breaks it with the chance 0.041 or 0.035: so often, give or take 6 or 7 of the thousand. Others,
    some better and some worse than the bound, break it more seldom. A broken bound would do so far more often.
    """
    rng = random.Random(size)
    broken = 0
    for batch in range(BATCHES):
        rate = upper_bound(0, size) if worst else BOUND * 4 ** rng.uniform(-1, 1)
        errors = int(rate * ACCEPTED) + 1
        wrong = set(rng.sample(range(ACCEPTED), errors))
        found = len(chosen(batch, ACCEPTED, size) & wrong)
        broken += errors / ACCEPTED > upper_bound(found, size)
    assert 0 < broken <= 0.05 * BATCHES
