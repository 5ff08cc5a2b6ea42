"""Chances as people and tables are told them: never better than they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.rounding import chance, percent_up, sure


@given(st.floats(0, 1), st.integers(1, 6))
def test_no_chance_is_told_as_better_than_it_is_nor_worse_by_a_digit(confidence: float, places: int) -> None:
    told = float(chance(confidence, places=places))
    assert told - 1e-11 <= confidence < told + 10**-places


@given(st.integers(0, 10**6))
def test_a_chance_of_few_digits_is_told_as_it_is(millionths: int) -> None:
    assert chance(millionths / 10**6) == f"{millionths // 10**6}.{millionths % 10**6:06}"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (chance(0.9999999), "0.999999"),
        (chance(1.0), "1.000000"),
        (chance(0.29, places=2), "0.29"),
        (sure(0.97999), "97.9 %"),
        (sure(0.98), "98.0 %"),
        (sure(0.99999), "99.9 %"),
        (sure(1.0), "99.9 %"),
        (sure(0.0), "0.0 %"),
        (sure(None), "–"),
        (percent_up(0.0049971), "0.50 %"),
        (percent_up(0.00501), "0.51 %"),
        (percent_up(0.0), "0 %"),
        (percent_up(1.0), "100 %"),
    ],
)
def test_what_is_sure_is_rounded_down_and_what_is_wrong_up_and_nothing_that_was_read_is_certain(
    told: str, words: str
) -> None:
    assert told == words
