"""The tables follow what is said in a review, and say how far they are."""

from __future__ import annotations

from docproc.errors import OutputError
from docproc.review.following import Following


def test_while_tables_are_made_they_are_not_said_to_be_up_to_date() -> None:
    seen: list[str] = []

    def make() -> bool:
        seen.append(tables.state)
        return True

    tables = Following(make)
    tables.follow()
    seen.append(tables.state)
    tables.close()
    assert [*seen, tables.state] == ["follow in a moment", "being made", "up to date"]
    tables.close()
    assert len(seen) == 2  # nothing was said since: they are not made again


def test_what_is_said_while_tables_are_made_is_in_those_that_are_made_next() -> None:
    said, made = ["one"], []

    def make() -> bool:
        made.append(list(said))
        if len(made) == 1:
            said.append("two")
            tables.follow()
        return True

    tables = Following(make)
    tables.follow()
    tables.close()
    assert tables.state == "follow in a moment"
    tables.close()
    assert (made, tables.state) == ([["one"], ["one", "two"]], "up to date")


def test_tables_that_cannot_be_written_are_told_and_tried_again() -> None:
    faults = [OutputError("The disk is full.", remedy="Free some space."), None]

    def make() -> bool:
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        return False

    tables = Following(make)
    tables.follow()
    tables.close()
    assert (str(tables.fault), tables.state) == ("The disk is full. Free some space.", "follow in a moment")
    tables.close()
    assert (tables.fault, tables.state) == (None, "made by the run that goes on")
