from __future__ import annotations

import numpy as np
import pytest

from docproc.character.recognizer import load_recognizer

from .digits import SETS, SURE, Answer

pytestmark = pytest.mark.real

#: Share read right below which a change has broken a set: a little under what was measured.
FLOORS = {"strings/cheques, boxes given": 0.945, "digits/pen": 0.98, "digits/ledger": 0.81}
LARGEST_SURE_ERROR = 0.004  #: Of the cheques' digits that are `SURE` or surer, wrong ones.
LARGEST_ACCEPTED = 0.01  #: Of marks that are no digits, accepted as one.


@pytest.fixture(scope="module")
def recognizer():
    return load_recognizer()


def right(answers: list[Answer]) -> float:
    return float(np.mean([answer.text == answer.truth for answer in answers]))


def test_the_cards_figures_hold_on_the_model(recognizer):
    answers = list(SETS["mnist test"](recognizer))
    assert right(answers) == pytest.approx(recognizer.card.scores["mnist_test_right"], abs=1e-4)


@pytest.mark.parametrize("name", FLOORS)
def test_digits_of_real_ink_are_read_as_well_as_before(name: str, recognizer):
    answers = list(SETS[name](recognizer))
    assert right(answers) >= FLOORS[name]
    sure = [answer for answer in answers if answer.text and answer.confidence >= SURE]
    assert len(sure) > 0.1 * len(answers)
    assert 1 - right(sure) <= LARGEST_SURE_ERROR


def test_what_is_no_digit_is_not_accepted_as_one(recognizer):
    answers = list(SETS["digits/not_a_digit"](recognizer))
    assert np.mean([answer.accepted for answer in answers]) <= LARGEST_ACCEPTED
