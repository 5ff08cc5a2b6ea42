from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from docproc import evaluation

from .designs import designs
from .measure import ACCEPTED_ERROR_MARK, RIGHT_MARK, Measured, measure

pytestmark = pytest.mark.real

#: Share of right fields below which a change has broken the design: a little under what was measured.
FLOORS = {
    "c1_2019": 0.93,
    "id_comb": 1.0,
    "mark_table": 0.94,
    "marks_and_roll": 0.96,
    "order_form": 0.70,
    "plano_2019_photo": 0.95,
    "tally_column": 0.93,
    "tally_page_photo": 0.89,
}
ANY_FLOOR = 0.5  #: Of a design that is new beside the checkout.
LEAST_ACCEPTED = 0.5  #: Of all fields: accepting nothing is no way to accept nothing wrong.


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("real")

    @cache
    def read(name: str) -> Measured:
        (design,) = (one for one in designs() if one.name == name)
        return measure(design, Path(folder))

    return read


@pytest.mark.parametrize("name", [design.name for design in designs()])
def test_a_design_is_read_as_well_as_before(name: str, measured):
    found = measured(name)
    assert found.failures == ()
    accuracy = evaluation.evaluate(found.judged).accuracy
    assert accuracy >= FLOORS.get(name, ANY_FLOOR)


def test_over_all_designs_the_first_marks_are_met(measured):
    judged = [field for design in designs() for field in measured(design.name).judged]
    figures = evaluation.evaluate(judged)
    right, accepted, wrong = figures.accuracy, figures.accepted_share, figures.accepted_error
    assert right >= RIGHT_MARK
    assert accepted > LEAST_ACCEPTED
    assert wrong < ACCEPTED_ERROR_MARK
