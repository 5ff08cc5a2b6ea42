from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from docproc import evaluation

from .designs import designs
from .measure import ACCEPTED_ERROR_MARK, RIGHT_MARK, Measured, measure

pytestmark = pytest.mark.real

#: Share of right fields below which a change has broken the design; a little under what was measured.
FLOORS: dict[str, float] = {}


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
    assert evaluation.evaluate(found.judged).accuracy >= FLOORS.get(name, 0.5)


def test_over_all_designs_the_issue_s_first_marks_are_met(measured):
    judged = [field for design in designs() for field in measured(design.name).judged]
    figures = evaluation.evaluate(judged)
    assert figures.accuracy >= RIGHT_MARK
    assert figures.accepted_error < ACCEPTED_ERROR_MARK
    assert figures.accepted_share > 0.3  # accepting nothing is no way to be right
