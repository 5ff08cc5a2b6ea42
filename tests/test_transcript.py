"""What a network says for every few columns, as values with their chances."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.field.transcript import BLANK, LABELS, agreed, transcribe


def scores_of(*steps: dict[str, float]) -> np.ndarray:
    """Scores of steps in which the named labels ("" is no digit) have these chances."""
    chances = np.full((len(steps), len(LABELS) + 1), 1e-12)
    for row, step in zip(chances, steps, strict=True):
        for label, chance in step.items():
            row[LABELS.index(label) + 1 if label else BLANK] = chance
    return np.log(chances)


def all_chances(scores: np.ndarray) -> dict[str, float]:
    """By going through every way."""
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    found: dict[str, float] = {}
    for way in itertools.product(range(chances.shape[1]), repeat=len(chances)):
        value = "".join(LABELS[label - 1] for label, _ in itertools.groupby(way) if label != BLANK)
        found[value] = found.get(value, 0.0) + float(
            np.prod([chances[step, label] for step, label in enumerate(way)])
        )
    return found


def test_a_digit_held_for_several_steps_is_one() -> None:
    assert transcribe(scores_of({"7": 1}, {"7": 1}, {"": 1}, {"1": 1}))[0][0] == "71"


def test_a_pause_between_equal_digits_makes_them_two() -> None:
    assert transcribe(scores_of({"0": 1}, {"": 1}, {"0": 1}, {"0": 1}))[0][0] == "00"


def test_a_line_without_digits_is_blank() -> None:
    (value, chance), *_ = transcribe(scores_of({"": 0.9, "1": 0.1}, {"": 0.9, "1": 0.1}))
    assert value == ""
    assert chance == pytest.approx(0.81, abs=1e-6)


def test_looks_that_agree_keep_their_value_and_one_that_does_not_costs_certainty() -> None:
    one, other = [("12", 0.9), ("72", 0.1)], [("72", 0.6), ("12", 0.4)]
    assert agreed([one, one]) == [("12", pytest.approx(0.9)), ("72", pytest.approx(0.1))]
    (value, chance), *_ = agreed([one, one, other])
    assert value == "12"
    assert 0.4 < chance < 0.9


def test_a_value_that_only_one_look_names_is_hardly_believed() -> None:
    found = dict(agreed([[("12", 0.9)], [("12", 0.5), ("120", 0.5)]]))
    assert found["120"] < 0.02
    assert sum(found.values()) == pytest.approx(1)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.floats(-6, 6), min_size=11, max_size=11), min_size=1, max_size=4))
def test_chances_are_sums_over_all_ways(rows: list[list[float]]) -> None:
    scores = np.array(rows)
    exact = all_chances(scores)
    found = transcribe(scores, most=5)
    best = max(exact.values())
    assert found[0][1] >= 0.8 * best  # ways that are not followed are lost, and are few
    for value, chance in found:
        assert chance <= exact[value] * (1 + 1e-9)
    assert sum(chance for _, chance in found) <= 1 + 1e-9
