"""Two readers' word in one chance."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.character.card import CalibrationKnot
from docproc.combination.card import Pool, Sureness
from docproc.combination.pooling import combine, pool, signs
from docproc.combination.witness import WitnessReading
from docproc.field.interpretation import Interpretation
from docproc.reading import CharacterReading, Reason

WEIGHTS = Pool(glyphs=0.5, line=0.7, both=1.0, neither=-3.0, knots=[])


def test_readers_that_agree_are_surer_than_either() -> None:
    said = [("12", 0.8), ("72", 0.1)]
    (value, together), *_ = pool(said, said, WEIGHTS)
    assert value == "12"
    assert together > 0.8


def test_the_surer_reader_has_the_value_where_they_disagree() -> None:
    (value, chance), (second, _), *_ = pool([("12", 0.55), ("72", 0.4)], [("72", 0.97), ("12", 0.02)], WEIGHTS)
    assert (value, second) == ("72", "12")
    assert chance < 0.97


def test_a_value_that_only_one_reader_names_can_win() -> None:
    (value, _), *_ = pool([("1", 0.3)], [("100", 0.99)], WEIGHTS)
    assert value == "100"


def test_where_neither_is_sure_none_of_the_values_may_be_right() -> None:
    found = pool([("12", 0.03)], [("48", 0.05)], WEIGHTS)
    assert sum(chance for _, chance in found) < 0.75


def test_knots_say_how_sure_the_best_value_is() -> None:
    knots = [CalibrationKnot(score=-2.0, right=0.2), CalibrationKnot(score=2.0, right=0.6)]
    weights = WEIGHTS.model_copy(update={"knots": knots})
    said = [("12", 0.8), ("72", 0.1)]
    before, after = pool(said, said, WEIGHTS), pool(said, said, weights)
    assert [value for value, _ in before] == [value for value, _ in after]
    assert after[0][1] < before[0][1]
    assert sum(chance for _, chance in after) <= 1 + 1e-9


SURE = Sureness(base=-0.5, line=0.8, agree=0.6, glyphs=0.3, named=0.2, unnamed=-0.4)


def test_of_two_sure_lines_the_surer_is_told_even_where_the_pool_is_near_its_bound() -> None:
    weights = WEIGHTS.model_copy(update={"sure": SURE})
    one, other = ([("12", chance), ("72", (1 - chance) / 2)] for chance in (0.99, 0.9999))
    before = [pool([("12", 0.9)], said, WEIGHTS)[0][1] for said in (one, other)]
    after = [pool([("12", 0.9)], said, weights)[0][1] for said in (one, other)]
    assert before[1] - before[0] < 0.01
    assert (1 - after[1]) < (1 - after[0]) / 10


def test_what_speaks_for_a_value() -> None:
    glyphs, line = [("12", 0.9), ("17", 0.05)], [("12", 0.5), ("17", 0.5)]
    agreed = signs("12", glyphs, line, WitnessReading("12", 0.9))
    assert agreed == pytest.approx([1, 0, 1, np.log(9), 1, np.log(9), 0])
    alone = signs("17", glyphs, line, WitnessReading("12", 0.9))
    assert alone == pytest.approx([1, 0, 0, 0, 1, 0, np.log(9)])
    assert signs("999", glyphs, line)[4] == 0
    assert np.isfinite(signs("999", glyphs, line)).all()


def test_where_boxes_say_how_many_digits_there_are_that_counts() -> None:
    glyphs, line = [("146", 0.7), ("46", 0.1)], [("46", 0.9), ("146", 0.05)]
    assert pool(glyphs, line, WEIGHTS)[0][0] == "46"
    assert pool(glyphs, line, WEIGHTS.model_copy(update={"length": 2.0}))[0][0] == "146"


@st.composite
def said_values(draw: st.DrawFn) -> list[tuple[str, float]]:
    values = draw(st.lists(st.text("0123456789", max_size=3), min_size=1, max_size=5, unique=True))
    chances = np.array(draw(st.lists(st.floats(0.01, 1), min_size=len(values), max_size=len(values))))
    return sorted(zip(values, (chances / chances.sum()).tolist(), strict=True), key=lambda pair: -pair[1])


def test_no_other_value_is_likelier_than_the_best_however_little_that_is_worth() -> None:
    thirds = [("", 1 / 3), ("0", 1 / 3), ("1", 1 / 3)]
    chances = [chance for _, chance in pool([("00", 1.0)], thirds, WEIGHTS)]
    assert chances == sorted(chances, reverse=True)


@given(said_values(), said_values())
def test_pooled_chances_never_add_up_to_more_than_one(one, other) -> None:
    found = pool(one, other, WEIGHTS)
    assert {value for value, _ in found} == {value for value, _ in one} | {value for value, _ in other}
    assert sum(chance for _, chance in found) <= 1 + 1e-9
    assert all(a[1] >= b[1] for a, b in pairwise(found))


def meaning(text: str, confidence: float, *alternatives: tuple[str, float]) -> Interpretation:
    characters = tuple(CharacterReading(digit, confidence) for digit in text)
    return Interpretation(text, confidence, alternatives=alternatives, characters=characters, reasons=(Reason.DASH,))


def test_disagreement_is_a_reason_whoever_wins() -> None:
    found = combine(meaning("12", 0.9, ("17", 0.05)), [("17", 0.99), ("12", 0.005)], WEIGHTS)
    assert Reason.READERS_DISAGREE in found.reasons
    assert Reason.DASH in found.reasons


def test_what_surely_is_a_digit_is_no_blank_but_in_doubt() -> None:
    found = combine(meaning("1", 0.999, ("7", 0.0005)), [("", 0.7), ("1", 0.28)], WEIGHTS)
    assert found.text == "1"
    assert Reason.READERS_DISAGREE in found.reasons
    assert combine(meaning("1", 0.6), [("", 0.999), ("1", 0.0001)], WEIGHTS).text == ""


def test_agreement_keeps_what_was_seen_of_the_characters() -> None:
    found = combine(meaning("12", 0.9), [("12", 0.9)], WEIGHTS)
    assert found.reasons == (Reason.DASH,)
    assert [reading.digit for reading in found.characters] == ["1", "2"]


def test_a_reader_that_agrees_makes_no_value_less_sure() -> None:
    hesitant = [("12", 0.3), ("17", 0.29)]
    (_, pooled), *_ = pool([("12", 0.995)], hesitant, WEIGHTS)
    found = combine(meaning("12", 0.995), hesitant, WEIGHTS)
    assert pooled < 0.995
    assert found.confidence == 0.995
    assert sum(chance for _, chance in found.alternatives) <= 0.005 + 1e-12


def test_characters_of_a_value_that_lost_are_not_those_of_the_field() -> None:
    found = combine(meaning("12", 0.4), [("120", 0.99)], WEIGHTS)
    assert found.text == "120"
    assert found.characters == ()
    assert found.confidence == pytest.approx(pool([("12", 0.4)], [("120", 0.99)], WEIGHTS)[0][1])
