"""How much each reader's word counts is fitted on fields whose numbers are known."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.combination.card import WitnessPool
from docproc.combination.pooling import added_by, evidence, mixed, pool
from docproc.combination.witness import WitnessReading
from docproc.training.strings.weighing import Heard, _Cases, fit_pool, judge

pytestmark = pytest.mark.train  # scipy comes with the extra `train`


def heard(count: int, *, good_line: float, seed: int = 0, witness: bool = False) -> list[Heard]:
    """Fields of which the glyphs are right in 60 %, the line in a given share; both say 0.6 of whatever they say."""
    rng = np.random.default_rng(seed)
    fields = []
    for _ in range(count):
        truth, wrong, other = (str(number) for number in rng.choice(90, 3, replace=False) + 10)
        by_glyphs, by_line = (truth if rng.random() < share else wrong for share in (0.6, good_line))
        said = [
            [(first, 0.6), (second, 0.3)]
            for first, second in ((value, wrong if value == truth else truth) for value in (by_glyphs, by_line))
        ]
        testimony = WitnessReading(truth if rng.random() < 0.9 else other, 0.95) if witness else None
        fields.append(Heard("free", said[0], said[1], truth, testimony))
    return fields


def test_the_better_reader_counts_more() -> None:
    weights = fit_pool(heard(1500, good_line=0.9))
    assert weights.line > 2 * weights.glyphs
    weights = fit_pool(heard(1500, good_line=0.3))
    assert weights.line < weights.glyphs


def test_pooled_chances_are_honest() -> None:
    weights = fit_pool(heard(4000, good_line=0.8))
    fresh = heard(4000, good_line=0.8, seed=1)
    pooled = [pool(one.glyphs, one.line, weights)[0] for one in fresh]
    right = np.array([value == one.text for (value, _), one in zip(pooled, fresh, strict=True)])
    chance = np.array([chance for _, chance in pooled])
    assert abs(right.mean() - chance.mean()) < 0.02
    scores, threshold = judge(fresh, {"free": weights}, risk=0.003)
    assert scores["free_both_right"] == pytest.approx(right.mean(), abs=1e-4)
    assert 0 < threshold <= 0.99


def test_a_witness_is_weighed_where_it_was_heard() -> None:
    assert fit_pool(heard(600, good_line=0.7)).witness is None
    fields = heard(1500, good_line=0.7, witness=True)
    weights = fit_pool(fields)
    assert weights.witness is not None
    assert weights.witness.named > 0
    scores, _ = judge(heard(1500, good_line=0.7, seed=2, witness=True), {"free": weights}, risk=0.003)
    assert scores["witness_right"] > scores["free_both_right"] + 0.05


def test_all_fields_at_once_are_as_one_by_one() -> None:
    fields = heard(50, good_line=0.7, witness=True)
    weights = fit_pool(fields).model_copy(update={"neither": -2.0})
    word = np.array([0.4, 0.2])
    at_once = _Cases.of(fields).chances(
        np.array([weights.glyphs, weights.line, weights.both, weights.length, -2.0]), word
    )
    for one, row in zip(fields, at_once, strict=True):
        values, features = evidence(one.glyphs, one.line)
        assert one.testimony is not None
        scale = WitnessPool(named=0.4, unnamed=0.2, knots=[])
        single = mixed(features, weights, *added_by(values, one.testimony, scale))
        assert row[: len(values)] == pytest.approx(single)
