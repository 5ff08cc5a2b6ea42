"""The sums that a field on screen stands in."""

from __future__ import annotations

from pathlib import Path

import pytest
from summed import summed
from typer.testing import CliRunner

from docproc.cli import app
from docproc.errors import LedgerError
from docproc.reading import Verdict
from docproc.review.session import open_session


def test_a_field_comes_with_its_sums_as_people_have_left_them(tmp_path: Path) -> None:
    with open_session(summed(tmp_path), who="ana") as session:

        def values() -> dict[str, str | None]:
            items = {item["key"][2]: item for item in session.take("one", 9)["items"]}
            (one,) = items["total"]["sums"]
            assert (one["rule"], one["operator"], one["constant"]) == ("adds up", "==", -1)
            assert [term["weight"] for term in one["terms"]] == [1, -1, -2]
            return {term["field"]: term["value"] for term in one["terms"]}

        assert values() == {"total": "12", "q1": "3", "q2": "4"}
        page = ("000001.png", 0)
        number = session.say("one", "ana", (*page, "q1"), "5", Verdict.ACCEPTED, 0)
        session.say("one", "ana", (*page, "q2"), "", Verdict.REJECTED, 0)
        assert values() == {"total": "12", "q1": "5", "q2": None}
        session.take_back("one", "ana", (*page, "q1"), number)
        assert values() == {"total": "12", "q1": "3", "q2": None}


def test_a_value_that_breaks_a_sum_is_warned_of_once_all_its_other_fields_are_settled(tmp_path: Path) -> None:
    with open_session(summed(tmp_path), who="ana") as session:
        page = ("000001.png", 0)

        def warned(field: str, value: str) -> list[str]:
            return session.check((*page, field), value)

        session.take("one", 9)
        assert warned("total", "99") == []  # q1 and q2 are in doubt
        session.say("one", "ana", (*page, "q1"), "3", Verdict.ACCEPTED, 0)
        assert warned("total", "99") == []
        number = session.say("one", "ana", (*page, "q2"), "4", Verdict.ACCEPTED, 0)
        assert warned("total", "99") == ["It does not fit the other fields of the rule adds up."]
        assert warned("total", "12") == []
        session.take_back("one", "ana", (*page, "q2"), number)
        assert warned("total", "99") == []
        session.say("one", "ana", (*page, "q2"), "", Verdict.REJECTED, number + 1)
        assert warned("total", "99") == []


def test_results_in_the_cloud_are_not_reviewed_and_it_is_said_what_to_do() -> None:
    with pytest.raises(LedgerError, match="lies in the cloud") as told:
        CliRunner().invoke(app, ["review", "s3://clinic/results"], catch_exceptions=False)
    assert told.value.remedy == "Process the scans with -o naming a folder of this machine, and review that."
