"""Chances mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.character.calibration import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability_curve,
    risk_coverage,
    softmax,
    threshold_for_risk,
)


def drawn_from(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Truths drawn from the chances that the logits stand for."""
    cumulated = softmax(logits).cumsum(axis=1)
    return (cumulated < rng.random((len(logits), 1))).sum(axis=1)


@pytest.mark.parametrize("overconfidence", [0.3, 1.0, 2.5])
def test_the_temperature_that_made_the_scores_too_sure_is_found(overconfidence: float) -> None:
    rng = np.random.default_rng(3)
    honest = rng.normal(0, 2, (20_000, 13))
    truth = drawn_from(honest, rng)
    scores = honest * overconfidence
    temperature = fit_temperature(scores, truth)
    assert temperature == pytest.approx(overconfidence, rel=0.04)
    chances = softmax(scores, temperature=temperature)
    assert expected_calibration_error(chances.max(1), chances.argmax(1) == truth) < 0.015
    assert negative_log_likelihood(scores, truth, temperature=temperature) <= negative_log_likelihood(scores, truth)


def test_calibrating_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="without glyphs"):
        fit_temperature(np.empty((0, 13)), np.empty(0, int))


def test_softmax_does_not_overflow_and_keeps_the_order() -> None:
    logits = np.array([[1000.0, 999.0, -1000.0]])
    chances = softmax(logits)
    assert chances.sum() == pytest.approx(1)
    assert chances[0].argsort().tolist() == [2, 1, 0]
    assert softmax(np.empty((0, 13))).shape == (0, 13)


def test_a_model_that_is_always_sure_and_half_right_is_off_by_a_half() -> None:
    confidence = np.ones(100)
    right = np.arange(100) % 2 == 0
    assert expected_calibration_error(confidence, right) == pytest.approx(0.5)
    (only,) = reliability_curve(confidence, right)
    assert (only.confidence, only.right, only.count) == (1.0, 0.5, 100)


def test_nothing_read_is_perfectly_calibrated() -> None:
    assert expected_calibration_error(np.empty(0), np.empty(0, bool)) == 0.0


def test_risk_grows_as_less_sure_answers_are_accepted() -> None:
    confidence = np.array([0.9, 0.6, 0.99, 0.7])
    right = np.array([True, False, True, False])
    coverage, risk = risk_coverage(confidence, right)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 0.5])


def test_the_threshold_accepts_as_much_as_the_risk_allows() -> None:
    confidence = np.array([0.99, 0.95, 0.9, 0.8, 0.7])
    right = np.array([True, True, False, True, True])
    assert threshold_for_risk(confidence, right, risk=0.0) == 0.95
    assert threshold_for_risk(confidence, right, risk=0.2) == 0.7
    assert threshold_for_risk(confidence, np.zeros(5, bool), risk=0.1) > 1
    assert threshold_for_risk(np.empty(0), np.empty(0, bool), risk=0.1) > 1


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60),
    st.floats(0, 0.5),
)
def test_no_threshold_accepts_more_wrong_ones_than_allowed(glyphs: list[tuple[int, bool]], risk: float) -> None:
    confidence = np.array([level / 20 for level, _ in glyphs])
    right = np.array([answer for _, answer in glyphs])
    accepted = confidence >= threshold_for_risk(confidence, right, risk=risk)
    assert np.sum(~right[accepted]) <= risk * accepted.sum() + 1e-9
