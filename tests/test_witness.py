"""The third witness: what it says, and what its word changes."""

from __future__ import annotations

import pickle
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from docproc.character.card import CalibrationKnot
from docproc.combination.card import Pool, WitnessPool
from docproc.combination.line_reader import load_line_reader, witness_beside
from docproc.combination.pooling import combine, pool
from docproc.combination.witness import RapidOcrWitness, WitnessReading, digits_in
from docproc.errors import MissingExtraError, ModelError
from docproc.field.interpretation import Interpretation
from docproc.reading import Reason


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("1.234,50-", "123450"),
        ("=15", "15"),
        ("１２", "12"),
        ("1S000", ""),
        ("R$ 20", ""),
        ("", ""),
        ("--", ""),
        ("²5", "25"),
    ],
)
def test_its_word_is_digits_and_letters_make_it_void(text: str, digits: str) -> None:
    assert digits_in(text) == digits


def test_a_picture_without_text_is_no_testimony() -> None:
    witness = RapidOcrWitness()
    witness._engine = lambda picture, **options: SimpleNamespace(txts=None, scores=None)
    assert witness.testify(np.full((30, 90), 255, np.uint8)) == WitnessReading("", 0.0)


def test_it_sees_colors_as_its_engine_takes_them() -> None:
    seen = []

    def engine(picture, **options):
        seen.append(picture)
        return SimpleNamespace(txts=("7",), scores=(0.5,))

    witness = RapidOcrWitness()
    witness._engine = engine
    red = np.zeros((4, 4, 3), np.uint8)
    red[:, :, 0] = 200
    assert witness.testify(red) == WitnessReading("7", 0.5)
    assert seen[0][0, 0].tolist() == [0, 0, 200]


def test_the_real_one_reads_a_drawn_number_in_another_process_too() -> None:
    picture = np.full((60, 200), 255, np.uint8)
    cv2.putText(picture, "2047", (20, 46), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 0, 3, cv2.LINE_AA)
    witness = pickle.loads(pickle.dumps(RapidOcrWitness()))
    testimony = witness.testify(picture)
    assert testimony.text == "2047"
    assert testimony.score > 0.5
    assert witness.digest.startswith("rapidocr ")


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(MissingExtraError) as caught:
        witness_beside(load_line_reader())
    assert "docproc[ocr]" in caught.value.remedy


def test_a_reader_beside_which_it_was_not_weighed_is_refused() -> None:
    with pytest.raises(ModelError, match="weighed the third witness") as caught:
        witness_beside(None)
    assert "--ocr" in caught.value.remedy


def test_the_shipped_reader_knows_it() -> None:
    assert isinstance(witness_beside(load_line_reader()), RapidOcrWitness)


ALONE = Pool(glyphs=0.5, line=0.7, both=1.0, neither=-3.0, knots=[])
WEIGHTS = ALONE.model_copy(update={"witness": WitnessPool(named=0.5, unnamed=0.3, knots=[])})
GLYPHS, LINE = [("12", 0.5), ("17", 0.3)], [("17", 0.5), ("12", 0.4)]


def test_without_testimony_nothing_changes() -> None:
    assert pool(GLYPHS, LINE, WEIGHTS) == pool(GLYPHS, LINE, ALONE)
    assert pool(GLYPHS, LINE, ALONE, WitnessReading("12", 0.9)) == pool(GLYPHS, LINE, ALONE)
    assert pool(GLYPHS, LINE, WEIGHTS, WitnessReading("", 0.9)) == pool(GLYPHS, LINE, ALONE)


@pytest.mark.parametrize("value", ["12", "17"])
def test_the_value_that_it_names_becomes_likelier(value: str) -> None:
    before, after = dict(pool(GLYPHS, LINE, WEIGHTS)), pool(GLYPHS, LINE, WEIGHTS, WitnessReading(value, 0.99))
    assert after[0][0] == value
    assert after[0][1] > before[value]


def test_a_value_of_its_own_is_never_the_fields_and_speaks_against_the_others() -> None:
    before, after = pool(GLYPHS, LINE, WEIGHTS), pool(GLYPHS, LINE, WEIGHTS, WitnessReading("99", 0.99))
    assert {value for value, _ in after} == {"12", "17"}
    assert after[0][1] < before[0][1]


def test_knots_of_its_own_say_how_sure_both_and_it_are() -> None:
    knots = [CalibrationKnot(score=-1.0, right=0.3), CalibrationKnot(score=1.0, right=0.5)]
    weights = ALONE.model_copy(update={"witness": WitnessPool(named=0.5, unnamed=0.3, knots=knots)})
    assert pool(GLYPHS, LINE, weights, WitnessReading("12", 0.99))[0][1] < 0.8
    assert pool(GLYPHS, LINE, weights) == pool(GLYPHS, LINE, ALONE)


def test_a_witness_that_agrees_makes_no_value_less_sure() -> None:
    doubting = ALONE.model_copy(
        update={"witness": WitnessPool(named=0.5, unnamed=0.3, knots=[CalibrationKnot(score=1.0, right=0.3)])}
    )
    meaning = Interpretation("12", 0.5, alternatives=(("17", 0.3),))
    alone = combine(meaning, LINE, doubting)
    asked = combine(meaning, LINE, doubting, WitnessReading(alone.text, 0.99))
    assert asked.text == alone.text
    assert asked.confidence >= alone.confidence


def test_a_disagreement_is_settled_where_it_names_the_winner() -> None:
    meaning = Interpretation("12", 0.5, alternatives=(("17", 0.3),))
    assert Reason.READERS_DISAGREE in combine(meaning, LINE, WEIGHTS).reasons
    assert Reason.READERS_DISAGREE not in combine(meaning, LINE, WEIGHTS, WitnessReading("12", 0.99)).reasons
    assert Reason.READERS_DISAGREE in combine(meaning, LINE, WEIGHTS, WitnessReading("99", 0.99)).reasons
