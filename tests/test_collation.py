"""Pages become papers: what is missing, double or foreign is told, and no page is lost, moved or kept for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.collation import MOST_BETWEEN, Collation, Outcome
from docproc.page import PageRef, Unreadable
from docproc.reading import FieldReading, Record, Verdict, sent_to_review
from docproc.template import Template


def _template(name: str, paper: dict[str, Any] | None = None) -> Template:
    places = [{"box": [left, top, 5, 5]} for left, top in ((5, 5), (90, 5), (5, 90))]
    fields = [
        {"name": "number", "kind": "free", "box": [20, 20, 40, 10], "unique": True},
        {"name": "votes", "kind": "free", "box": [20, 40, 40, 10]},
    ]
    size = {"width_mm": 100, "height_mm": 100}
    template = Template.model_validate(
        {"name": name, "page": size, "fiducials": places, "fields": fields, "paper": paper}
    )
    template._digest = name
    return template


def _paper(name: str, pages: int) -> list[Template]:
    return [_template(f"{name}{page}", {"name": name, "page": page, "pages": pages}) for page in range(1, pages + 1)]


TEMPLATES = [*_paper("A", 2), *_paper("B", 3), _template("slip")]


def page(form: str, number: str = "", source: str = "", *, index: int = 0, folder: str = "scans") -> Record:
    """A page on which all is read well; `form` is A1, A2, B1, B2, B3, slip, or "" where it is of no known form."""
    fields = tuple(
        FieldReading(name, text, 0.99, Verdict.ACCEPTED) for name, text in (("number", number), ("votes", "7"))
    )
    ref = PageRef(source, f"{folder}/page.png", index, "")
    if not form:
        return Record(ref, "", "", "", (), Verdict.REVIEW, ("unknown_form",))
    return Record(ref, form, form, "", fields, Verdict.ACCEPTED)


def unreadable(source: str = "bad.png") -> Unreadable:
    return Unreadable(source, 1, "it is broken.", "Scan it again.")


def named(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, as pages of files that are called by their place."""
    return [
        replace(outcome, ref=replace(outcome.ref, source=f"{place}.png"))
        if isinstance(outcome, Record) and not outcome.ref.source
        else outcome
        for place, outcome in enumerate(outcomes)
    ]


def collated(*outcomes: Outcome) -> tuple[list[Outcome], Collation]:
    collation = Collation(TEMPLATES)
    told = [settled for outcome in named(outcomes) for settled in collation.take(outcome)]
    return told + collation.end(), collation


def reasons(*outcomes: Outcome) -> list[str]:
    """The reasons of each page, as the tables have them."""
    return [";".join(told.reasons) if isinstance(told, Record) else "-" for told in collated(*outcomes)[0]]


def test_papers_with_all_their_pages_pass() -> None:
    assert reasons(
        page("A1"), page("A2"), page("B1"), page("B2"), page("B3"), page("slip"), page("A1"), page("A2")
    ) == [*([""] * 8)]


def test_a_missing_back_is_told_at_the_front_and_a_missing_front_at_the_back() -> None:
    told, collation = collated(page("A1"), page("A1"), page("A2"), page("A2"), page("A1"))
    assert [record.reasons for record in told if isinstance(record, Record)] == [
        *(("missing_page:2",), (), (), ("missing_page:1",), ("missing_page:2",))
    ]
    assert {record.verdict for record in told if isinstance(record, Record) and record.reasons} == {Verdict.REVIEW}
    assert collation.incomplete == 3


def test_every_page_of_a_paper_says_which_ones_are_missing() -> None:
    assert reasons(page("B1"), page("B3"), page("B2"), page("B3"), page("B2")) == [
        *("missing_page:2", "missing_page:2", "missing_page:1", "missing_page:1", "missing_page:1;missing_page:3")
    ]


def test_a_page_wants_its_fields_no_look_for_what_its_paper_lacks() -> None:
    [told], _ = collated(page("A1"))
    assert isinstance(told, Record)
    assert [(reading.verdict, reading.reasons) for reading in told.fields] == [(Verdict.ACCEPTED, ())] * 2


def test_a_back_with_another_number_is_of_another_paper_and_both_numbers_are_looked_at() -> None:
    told, collation = collated(page("A1", "12"), page("A2", "13"), page("A1", "14"), page("A2", "14"))
    records = [record for record in told if isinstance(record, Record)]
    assert [record.reasons for record in records] == [("missing_page:2",), ("missing_page:1",), (), ()]
    assert [[field.reasons for field in record.fields] for record in records[:3]] == [
        *([("other_paper",), ()], [("other_paper",), ()], [(), ()])
    ]
    assert records[0].fields[0].verdict == Verdict.REVIEW
    assert collation.incomplete == 2


def test_a_blank_number_says_nothing_of_the_paper() -> None:
    assert reasons(page("A1", "12"), page("A2", "")) == ["", ""]


def test_what_lies_inside_a_paper_is_foreign_to_it() -> None:
    assert reasons(page("A1"), page(""), page("slip"), unreadable(), page("A2")) == [
        *("", "unknown_form;foreign_page", "foreign_page", "-", "")
    ]


def test_what_follows_a_paper_that_never_goes_on_may_be_its_missing_page_and_is_not_called_foreign() -> None:
    assert reasons(page("A1"), page(""), page("slip"), page("A1"), page("A2")) == [
        *("missing_page:2", "unknown_form", "", "", "")
    ]


def test_a_paper_is_not_waited_for_without_end() -> None:
    between = [page("slip")] * (MOST_BETWEEN + 1)
    assert reasons(page("A1"), *between, page("A2")) == ["missing_page:2", *([""] * len(between)), "missing_page:1"]


def test_a_paper_ends_with_its_folder_but_not_with_its_file() -> None:
    assert reasons(page("A1", folder="x"), page("A2", folder="y")) == ["missing_page:2", "missing_page:1"]
    assert reasons(page("A1", source="1.pdf", index=4), page("A2", source="2.pdf")) == ["", ""]


def test_a_number_that_came_before_is_told_on_both_pages_with_the_other_ones_name() -> None:
    told, collation = collated(page("slip", "1", "a;b.png"), page("slip", "2"), page("slip", "1", "c.png"))
    first, _, second = [record for record in told if isinstance(record, Record)]
    assert (first.reasons, first.verdict) == ((), Verdict.ACCEPTED), "it was written before"
    assert (second.reasons, second.verdict) == (("double_of:a%3Bb.png",), Verdict.REVIEW)
    assert [field.reasons for field in second.fields] == [("double_of:a%3Bb.png",), ()]
    assert collation.earlier_doubles() == {("a;b.png", 1): {"number": "double_of:c.png"}}


def test_of_a_number_that_comes_often_every_page_names_the_first_and_that_the_second() -> None:
    assert reasons(*[page("slip", "1")] * 4) == ["", *["double_of:0.png"] * 3]
    assert collated(*[page("slip", "1")] * 4)[1].earlier_doubles() == {("0.png", 1): {"number": "double_of:1.png"}}


def test_a_double_is_named_with_its_page_where_its_file_has_several() -> None:
    pages = [page("slip", number, "all.pdf", index=index) for index, number in enumerate(("1", "1", "2"))]
    told, collation = collated(*pages, page("slip", "2", "one.png"))
    assert [record.reasons for record in told if isinstance(record, Record)] == [
        *((), ("double_of:all.pdf, page 1",), (), ("double_of:all.pdf, page 3",))
    ]
    assert collation.earlier_doubles() == {
        ("all.pdf", 1): {"number": "double_of:all.pdf, page 2"},
        ("all.pdf", 3): {"number": "double_of:one.png"},
    }


def test_blanks_and_equal_numbers_on_different_forms_are_no_doubles() -> None:
    assert (
        reasons(page("slip", ""), page("slip", ""), page("A1", "5"), page("A2", "5"), page("slip", "5")) == [""] * 5
    )


def test_a_page_scanned_anew_is_a_double_and_does_not_take_the_back_from_its_paper() -> None:
    assert reasons(page("A1", "5"), page("A1", "5"), page("A2", "5")) == ["missing_page:2", "double_of:0.png", ""]


@pytest.mark.parametrize("copied", [("A1",), ("A2",), ("A1", "A2")])
def test_copies_of_earlier_files_get_no_second_reason_and_break_no_paper_up(copied: tuple[str, ...]) -> None:
    copies = [sent_to_review(page(form, "5"), ["duplicate_of:x.png"]) for form in copied]
    expected = ["duplicate_of:x.png"] * len(copies)
    assert reasons(page("A1", "5"), page("A2", "5"), *copies) == ["", "", *expected]
    assert reasons(page("A1", "6"), *copies, page("A2", "6")) == ["", *expected, ""]
    assert reasons(*copies, page("A1", "6"), page("A2", "6")) == [*expected, "", ""]
    assert collated(*copies, page("A1", "6"), page("A2", "6"))[1].incomplete == 0


def test_without_papers_every_page_is_settled_at_once() -> None:
    collation = Collation()
    for outcome in named([page("slip", "1"), page(""), unreadable(), page("A1")]):
        assert collation.take(outcome) == [outcome]
    assert collation.end() == []


def outcomes() -> st.SearchStrategy[Outcome]:
    forms = st.sampled_from(["A1", "A2", "B1", "B2", "B3", "slip", ""])
    numbers = st.sampled_from(["", "1", "2", "3"])
    pages = st.builds(
        lambda form, number, folder: page(form, number, folder=folder), forms, numbers, st.sampled_from("xy")
    )
    copies = pages.map(lambda record: sent_to_review(record, ["duplicate_of:x.png"]))
    return st.one_of(pages, copies, st.just(unreadable()))


@given(st.lists(outcomes(), max_size=40))
def test_every_outcome_comes_out_once_in_its_order_and_few_are_held(given_: list[Outcome]) -> None:
    collation, told = Collation(TEMPLATES), list[Outcome]()
    for count, outcome in enumerate(named(given_), start=1):
        told += collation.take(outcome)
        assert len(told) + collation.held == count
        assert collation.held < 3 + MOST_BETWEEN
    told += collation.end()
    assert collation.held == 0
    for before, after in zip(named(given_), told, strict=True):
        if isinstance(before, Unreadable) or isinstance(after, Unreadable):
            assert before == after
            continue
        assert before.ref == after.ref
        assert [field.text for field in before.fields] == [field.text for field in after.fields]
        assert after.reasons[: len(before.reasons)] == before.reasons
        assert after.verdict is (Verdict.REVIEW if after != before or before.reasons else Verdict.ACCEPTED)


@given(st.lists(st.sampled_from(["A", "B"]), min_size=1, max_size=12), st.data())
def test_of_numbered_papers_that_lack_pages_exactly_those_are_told(kinds: list[str], data: st.DataObject) -> None:
    pages, expected = list[Record](), list[str]()
    for number, kind in enumerate(kinds):
        every = range(1, 3 if kind == "A" else 4)
        there = sorted(data.draw(st.sets(st.sampled_from(every), min_size=1)))
        pages += [page(f"{kind}{one}", str(number)) for one in there]
        expected += [";".join(f"missing_page:{one}" for one in every if one not in there)] * len(there)
    assert reasons(*pages) == expected
