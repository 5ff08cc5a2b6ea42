"""A page of which nothing was read: its values are typed in the review, whatever form it is of."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ledgers import entry, record
from typer.testing import CliRunner
from unread import FORMS, unread

from docproc.cli import app
from docproc.collation import Collation
from docproc.correction import corrected, settled, typed
from docproc.export.rows import is_looked_at_whole, is_unread, to_look_at
from docproc.history import history_of
from docproc.ledger import LEDGER_NAME, Overtaken, open_corrections, open_ledger, read_ledger
from docproc.reading import Correction, Reason, Record, Verdict, unread_fields
from docproc.report import Tally
from docproc.review.session import Session, UnknownItem, open_session
from docproc.tables import outcomes_as_they_stand
from docproc.template import Template, load_template

PAGE = ("001.png", 0, "")


@pytest.fixture
def count(tmp_path: Path) -> Template:
    path = tmp_path / "count.yaml"
    path.write_text(FORMS["count"], encoding="utf-8")
    return load_template(path)


def said(new: str, *, old: str = "", verdict: Verdict = Verdict.ACCEPTED) -> Correction:
    return Correction(old, new, verdict, "ana")


def taken(session: Session, reviewer: str = "one", count: int = 9) -> list[dict[str, Any]]:
    return session.take(reviewer, count)["items"]


def names(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["key"][0], item["key"][2]) for item in items]


def say(session: Session, key: Any, new: str, *, reviewer: str = "one", verdict: Verdict = Verdict.ACCEPTED) -> int:
    after = next((item["after"] for item in taken(session, reviewer) if item["key"] == key), 0)
    return session.say(reviewer, "ana", key, new, verdict, after)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words(folder: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(folder / LEDGER_NAME)) as db:
        return db.execute("SELECT field, old, new, verdict FROM corrections ORDER BY id").fetchall()


@pytest.mark.parametrize("first", ["", "0", "12"])
def test_the_page_is_to_review_until_its_last_value_is_typed_also_where_the_first_is_blank(
    count: Template, first: str
) -> None:
    why = (Reason.REGISTRATION, "defect:blur=0.31 mm")
    fields = unread_fields(count.names, Reason.REGISTRATION)
    read = Record(entry(1).ref, "count", count.digest, "", fields, Verdict.REVIEW, why)
    page = {"": said("count")}
    stands = []
    for word in ({}, {"q1": said(first)}, {"q2": said("30")}, {"total": said("", verdict=Verdict.REJECTED)}):
        page |= word
        begun = typed(read, page, [count])
        stands.append(settled(corrected(begun, page, {count.digest: count}), page, begun))
    assert [[one.name for one in to_look_at(stand)] for stand in stands] == [
        ["q1", "q2", "total"], ["q2", "total"], ["total"], [],
    ]  # fmt: skip
    assert not any(is_unread(stand) or is_looked_at_whole(stand) for stand in stands)
    assert [stand.verdict for stand in stands] == ["review", "review", "review", "accepted"]
    assert stands[-1].reasons == ("unreadable", "corrected", *why)
    assert [(one.text, one.verdict, one.reasons) for one in stands[-1].fields] == [
        (first, "accepted", ("corrected",)),
        ("30", "accepted", ("corrected",)),
        ("", "rejected", ("unreadable",)),
    ]


def test_a_page_whose_form_a_person_has_named_is_the_page_that_its_paper_lacked(tmp_path: Path) -> None:
    forms = []
    for number in (1, 2):
        path = tmp_path / f"{number}.yaml"
        paper = f"paper: {{name: exam, page: {number}, pages: 2}}"
        path.write_text(FORMS["slip"].replace("name: slip", f"name: page {number}\n{paper}"), encoding="utf-8")
        forms.append(load_template(path))
    read = replace(record(entry(1).ref), template="page 1", template_digest=forms[0].digest)
    unread = Record(entry(2).ref, "", "", "", (), Verdict.REVIEW, (Reason.UNKNOWN_FORM,))
    folder = tmp_path / "results"
    with open_ledger(folder, settings={}) as ledger:
        ledger.enter([entry(1), entry(2)])
        for page, outcome in zip(ledger.waiting(), (read, unread), strict=True):
            ledger.started([page.id])
            ledger.keep(page.id, outcome)
    incomplete, number = [], 0
    for new in ("page 1", "page 2"):
        with open_corrections(folder) as corrections:
            number = corrections.add("000002.png", 0, "", said(new), after=number).number
        papers = Collation(forms)
        with read_ledger(folder) as view:
            list(outcomes_as_they_stand(view, forms, papers))
        incomplete.append(papers.incomplete)
    assert incomplete == [2, 0]


def test_that_a_page_was_typed_tells_nothing_of_how_sure_its_form_is_read(count: Template) -> None:
    fields = unread_fields(count.names, Reason.REGISTRATION)
    read = Record(entry(1).ref, "count", count.digest, "", fields, Verdict.REVIEW, (Reason.REGISTRATION,))
    page = {"": said("count"), "q1": said("12"), "q2": said("30"), "total": said("42")}
    begun = typed(read, page, [count])
    tally = Tally()
    tally.add(settled(corrected(begun, page, {count.digest: count}), page, begun), begun)
    assert (tally.all.people, tally.all.straight, tally.all.confidence) == (3, 0, None)
    assert sum(map(sum, tally.bars)) == 0
    assert tally.fields == {}


def test_where_the_form_is_no_more_the_page_is_asked_as_a_whole_again(count: Template) -> None:
    read = Record(entry(1).ref, "", "", "", (), Verdict.REVIEW, (Reason.UNKNOWN_FORM,))
    page = {"": said("gone"), "q1": said("12")}
    stand = settled(corrected(typed(read, page, [count]), page, {count.digest: count}), page, read)
    assert stand == read
    assert is_looked_at_whole(stand)


def test_values_that_were_typed_stand_where_the_page_is_then_found_unreadable(count: Template) -> None:
    fields = unread_fields(count.names, Reason.REGISTRATION)
    read = Record(entry(1).ref, "count", count.digest, "", fields, Verdict.REVIEW, (Reason.REGISTRATION,))
    page = {"": said("", verdict=Verdict.REJECTED), "q1": said("12")}
    stand = settled(corrected(typed(read, page, [count]), page, {count.digest: count}), page, read)
    assert (stand.verdict, stand.reasons) == ("rejected", ("unreadable", "registration"))
    assert [(one.text, one.verdict) for one in stand.fields] == [
        ("12", "accepted"), ("", "rejected"), ("", "rejected"),
    ]  # fmt: skip


def test_the_values_of_a_page_are_asked_in_the_forms_order_and_stand_in_all_tables(tmp_path: Path) -> None:
    folder = unread(tmp_path, "count")
    with open_session(folder, who="ana") as session:
        (page,) = taken(session)
        assert page["forms"] == ["count"]
        say(session, PAGE, "count")
        items = taken(session)
        assert names(items) == [("001.png", "q1"), ("001.png", "q2"), ("001.png", "total")]
        assert [item["detail"] for item in items] == ["Value 1 of 3.", "Value 2 of 3.", "Value 3 of 3."]
        assert {(item["keyed"], item["on_page"], item["value"], item["crop"]) for item in items} == {
            ("page", True, "", "")
        }
        assert session.page(items[0]["key"])["middle"] == 0.0
        for name, value in (("q1", ""), ("q2", "42"), ("total", "042")):
            say(session, ("001.png", 0, name), value)
        assert session.left() == 0
    told = rows(folder, "fields.csv")
    assert [(row["field"], row["value"], row["status"], row["reasons"]) for row in told] == [
        ("q1", "", "accepted", "corrected"),
        ("q2", "42", "accepted", "corrected"),
        ("total", "042", "accepted", "corrected"),
    ]
    (form,) = rows(folder, "forms.csv")
    assert (form["status"], form["reasons"], form["total"]) == ("accepted", "corrected;registration", "042")


def test_of_several_forms_one_is_chosen_and_a_value_of_another_one_is_none_of_its(tmp_path: Path) -> None:
    folder = unread(tmp_path, "count", "slip")
    with open_session(folder, who="ana") as session:
        (page,) = taken(session)
        assert page["forms"] == ["count", "slip"]
        with pytest.raises(UnknownItem):
            say(session, PAGE, "another")
        number = say(session, PAGE, "count")
        say(session, ("001.png", 0, "total"), "99")
        session.take_back("one", "ana", PAGE, number)
        assert names(taken(session)) == [("001.png", "")]
        number = say(session, PAGE, "count")  # the same again: what was typed stands
        assert names(taken(session)) == [("001.png", "q1"), ("001.png", "q2")]
        session.take_back("one", "ana", PAGE, number)
        say(session, PAGE, "slip")
        assert names(taken(session)) == [("001.png", "number"), ("001.png", "total")]
        assert session.check(("001.png", 0, "total"), "100") == [
            "The value is larger than the template allows. (at most 99)"
        ]
        say(session, ("001.png", 0, "number"), "7")
        say(session, ("001.png", 0, "total"), "42")
    assert words(folder)[-5:] == [
        ("", "count", "", "review"),
        ("total", "99", "", "review"),
        ("", "", "slip", "accepted"),
        ("number", "", "7", "accepted"),
        ("total", "", "42", "accepted"),
    ]
    (form,) = rows(folder, "forms.csv")
    assert (form["template"], form["status"], form["reasons"]) == ("slip", "accepted", "corrected;unknown_form")
    assert (form["number"], form["total"]) == ("7", "42")
    history = history_of(folder, "001.png", "number")
    assert history.now is not None
    assert (history.now.text, [word.said.new for word in history.past.words][-2:]) == ("7", ["slip", "7"])
    out = tmp_path / "out.csv"
    assert CliRunner().invoke(app, ["export", str(folder), "--to", str(out), "--long"]).exit_code == 0
    assert "001.png,1,slip,number,7,1.000000,accepted,corrected" in out.read_text(encoding="utf-8")
    told = CliRunner().invoke(app, ["history", str(folder), "001.png", "number"]).stdout
    assert "ana types the values of the page, as of a form slip" in told
    assert "ana takes back what was said of the whole page" in told


def test_who_types_a_page_has_all_of_it_and_the_next_one_gets_the_rest_in_one_piece(tmp_path: Path) -> None:
    folder = unread(tmp_path, "count", pages=2)
    with open_session(folder, who="ana") as session:
        assert names(taken(session, count=1)) == [("001.png", "")]
        assert names(taken(session, "two", count=1)) == [("002.png", "")]
        say(session, PAGE, "count")
        assert names(taken(session, count=1)) == [("001.png", "q1")]
        say(session, ("002.png", 0, ""), "", reviewer="two")
        assert taken(session, "two") == []
        say(session, ("001.png", 0, "q1"), "")
        session.leave("one")
        assert names(taken(session, "two", count=1)) == [("001.png", "q2")]
        assert taken(session, "three") == []
    assert (rows(folder, "forms.csv")[0]["status"], rows(folder, "fields.csv")[0]["reasons"]) == (
        "review",
        "corrected",
    )
    with open_session(folder, who="ben") as session:
        assert names(taken(session)) == [("001.png", "q2"), ("001.png", "total")]
        first = taken(session)[0]
        session.take_back("one", "ben", PAGE, first["page_after"])
        (page,) = taken(session)
        assert (page["reasons"], page["detail"], page["forms"]) == (
            ["The page does not lie on its template: another form, or too distorted."],
            "A corner is off.",
            ["count"],
        )
        say(session, PAGE, "count")
        assert names(taken(session)) == [("001.png", "q2"), ("001.png", "total")]
        with pytest.raises(Overtaken):
            session.say("late", "eva", PAGE, "", Verdict.ACCEPTED, 0)


def test_a_sum_counts_what_is_typed_of_the_page_and_no_value_that_is_still_to_be_typed(tmp_path: Path) -> None:
    def values(items: list[dict[str, Any]]) -> dict[str, str | None]:
        return {term["field"]: term["value"] for term in items[0]["sums"][0]["terms"]}

    folder = unread(tmp_path, "count")
    with open_session(folder, who="ana") as session:
        say(session, PAGE, "count")
        assert values(taken(session)) == {"q1": None, "q2": None, "total": None}
        say(session, ("001.png", 0, "q1"), "12")
        assert values(taken(session)) == {"q1": "12", "q2": None, "total": None}
    with open_session(folder, who="ana") as session:
        assert values(taken(session)) == {"q1": "12", "q2": None, "total": None}


def test_a_number_that_another_page_has_is_asked_once_more_and_confirmed_it_stands(tmp_path: Path) -> None:
    folder = unread(tmp_path, "slip", pages=2)
    with open_session(folder, who="ana") as session:
        for source in ("001.png", "002.png"):
            say(session, (source, 0, ""), "slip")
            say(session, (source, 0, "number"), "7")
            say(session, (source, 0, "total"), "42")
        assert taken(session) == []
    with open_session(folder, who="ana") as session:
        items = taken(session)
        assert names(items) == [("001.png", "number"), ("002.png", "number")]
        assert ("keyed" in items[0], items[0]["value"], items[0]["on_page"]) == (False, "7", True)
        for source in ("001.png", "002.png"):
            say(session, (source, 0, "number"), "7")
    assert [row["status"] for row in rows(folder, "forms.csv")] == ["accepted", "accepted"]
