"""Chances mean what they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.character.calibration import (
    calibrate,
    expected_calibration_error,
    fit_temperature,
    honest_chance,
    log_odds_of_best,
    negative_log_likelihood,
    reliability_curve,
    risk_coverage,
    softmax,
    threshold_for_risk,
)
from docproc.character.card import Calibration, CalibrationKnot
from docproc.training.confidence import (
    SMALLEST_STEP,
    fit_calibration,
    isotonic_knots,
    weights_and_glyphs,
)

KNOTS = [CalibrationKnot(score=s, right=r) for s, r in ((-1.0, 0.3), (0.5, 0.6), (3.0, 0.9), (6.0, 0.995))]


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


def test_what_is_seen_of_sureness_is_what_is_said_and_never_more() -> None:
    at_knots = honest_chance(np.array([knot.score for knot in KNOTS]), KNOTS)
    assert at_knots == pytest.approx([knot.right for knot in KNOTS])
    sure = honest_chance(np.array([7.0, 30.0, 700.0]), KNOTS)
    assert (np.diff(sure) > 0).all()
    assert sure[-1] < 0.9975  # half the doubt of the last knot


@settings(deadline=None)
@given(st.lists(st.floats(-2.5, 60), min_size=2, max_size=40, unique=True))
def test_glyphs_keep_their_order_without_ties(scores: list[float]) -> None:
    ordered = np.sort(np.round(np.array(scores), 3))
    chances = honest_chance(ordered, KNOTS)
    assert (np.diff(chances)[np.diff(ordered) > 0] > 0).all()
    assert ((chances > 0) & (chances < 1)).all()


@pytest.mark.parametrize("knots", [KNOTS, KNOTS[:1], []], ids=["four knots", "one knot", "temperature alone"])
def test_the_best_class_stays_the_best_and_rows_add_up(knots: list[CalibrationKnot]) -> None:
    rng = np.random.default_rng(8)
    logits = rng.normal(0, 4, (3000, 13))
    logits[:5] = np.eye(13)[:5] * 2000  # so sure that the others' chances vanish
    logits[5:10, :2] = 30.0 + rng.random((5, 2)) / 1e9  # two as good as each other
    method = "temperature, isotonic" if knots else "temperature"
    calibration = Calibration(method=method, temperature=0.7, doubt=1e-4, knots=knots, curve=[])
    chances = calibrate(logits, calibration)
    assert chances.sum(axis=1) == pytest.approx(np.ones(3000))
    assert np.array_equal(chances.argmax(axis=1), logits.argmax(axis=1))
    assert ((chances > 0) & (chances < 1)).all()
    plain = softmax(logits, temperature=0.7)
    others = [row.argsort()[:-1].tolist() for row in plain[10:]]
    assert [row.argsort()[:-1].tolist() for row in chances[10:]] == others
    assert calibrate(np.empty((0, 13)), calibration).shape == (0, 13)


def test_log_odds_tell_apart_what_chances_no_longer_can() -> None:
    logits = np.array([[50.0, 0.0], [60.0, 0.0]])
    assert softmax(logits)[:, 0].tolist() == [1.0, 1.0]
    assert log_odds_of_best(logits).tolist() == [50.0, 60.0]


def test_a_rising_curve_is_fitted_to_what_was_right() -> None:
    rng = np.random.default_rng(9)
    scores = rng.uniform(0, 8, 20_000)
    chance = 0.5 + 0.06 * scores
    knots = isotonic_knots(scores, rng.random(20_000) < chance)
    assert all(a.score < b.score and a.right < b.right for a, b in itertools.pairwise(knots))
    inside = np.linspace(0.5, 7.5, 50)
    assert np.abs(honest_chance(inside, knots) - (0.5 + 0.06 * inside)).max() < 0.04


def test_all_right_is_never_certain() -> None:
    (knot,) = isotonic_knots(np.arange(500.0), np.ones(500, bool))
    assert knot.right == pytest.approx(501 / 502)
    (few,) = isotonic_knots(np.arange(4.0), np.array([False, True, True, True]))
    assert few.right == pytest.approx(0.75)
    assert SMALLEST_STEP > 4


def test_a_calibration_that_temperature_cannot_make_gets_knots_and_another_does_not() -> None:
    rng = np.random.default_rng(10)
    honest = rng.normal(0, 2.5, (12_000, 13))
    assert fit_calibration(honest * 2, drawn_from(honest, rng)).method == "temperature"
    # Right by chance alone wherever the network is fairly sure, and always where it is very sure.
    logits = np.zeros((12_000, 13))
    logits[:, 0] = rng.uniform(2, 8, 12_000)
    truth = np.where((logits[:, 0] > 5) | (rng.random(12_000) < 0.5), 0, 1)
    fitted = fit_calibration(logits, truth)
    assert fitted.method == "temperature, isotonic"
    fresh = np.zeros((2, 13))
    fresh[:, 0] = 4.0, 7.0
    chances = calibrate(fresh, fitted).max(axis=1)
    assert chances == pytest.approx([0.5, 1.0], abs=0.04)


def test_knots_that_fall_are_refused() -> None:
    with pytest.raises(ValueError, match="must increase"):
        Calibration(method="temperature, isotonic", temperature=1.0, knots=KNOTS[::-1], curve=[])
    with pytest.raises(ValueError, match="does not fit 4 knots"):
        Calibration(method="temperature", temperature=1.0, knots=KNOTS, curve=[])


def test_a_class_met_less_often_than_shown_has_its_odds_lowered_by_as_much() -> None:
    logits = np.log([[0.5, 0.3, 0.2]])
    calibration = Calibration(method="temperature", temperature=1.0, weights=[1.0, 1.0, 0.25], curve=[])
    (chances,) = calibrate(logits, calibration)
    assert chances[2] / chances[0] == pytest.approx(0.25 * 0.2 / 0.5)
    assert chances[1] / chances[0] == pytest.approx(0.3 / 0.5)
    assert chances.sum() == pytest.approx(1.0)


def test_glyphs_of_a_class_that_is_shown_too_often_are_thinned_to_what_is_met() -> None:
    truth = np.repeat([0, 1, 2], [50, 40, 30])
    weights, kept = weights_and_glyphs(truth, {2: 0.1}, 3)
    assert weights == pytest.approx([1, 1, 1 / 3], abs=1e-4)
    assert np.bincount(truth[kept]).tolist() == [50, 40, 10]


def test_weights_that_undo_a_shift_leave_chances_honest() -> None:
    rng = np.random.default_rng(4)
    truth = np.repeat([0, 1], [6000, 6000])
    # Of a class shown as often as the other, but met a ninth as often.
    logits = np.stack([-truth * 1.0, truth * 1.0], axis=1) + rng.normal(0, 1.0, (12000, 2))
    weights, kept = weights_and_glyphs(truth, {1: 0.1}, 2)
    found = fit_calibration(logits[kept][::-1], truth[kept][::-1], weights=weights)
    chances = calibrate(logits[kept], found)
    right = chances.argmax(axis=1) == truth[kept]
    assert expected_calibration_error(chances.max(axis=1), right) < 0.02
