"""What people say of fields is kept beside what was read, and stands in the tables."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from ledgers import entry, record
from summed import RULED, summed

from docproc.batch_templates import templates_of
from docproc.collation import Collation
from docproc.correction import corrected, settled, standing
from docproc.errors import LedgerError
from docproc.export.legend import in_words
from docproc.export.rows import to_look_at
from docproc.export.typed import page_values
from docproc.ledger import Overtaken, no_run, open_corrections, open_ledger, read_ledger
from docproc.page import PageRef
from docproc.reading import Correction, FieldReading, Reason, Record, Verdict, sent_to_review
from docproc.review.queue import items_of
from docproc.tables import make_tables, outcomes_as_they_stand, write_tables

REF = PageRef("000001.png", "/scans/000001.png", 0, "sha-1")


def said(new: str, *, old: str = "17", verdict: Verdict = Verdict.ACCEPTED, who: str = "ana") -> Correction:
    return Correction(old, new, verdict, who)


def batch(folder: Path, *pages: int) -> Path:
    """A ledger of pages with one doubtful field each, `amount`, read as 17."""
    with open_ledger(folder, settings={}) as ledger:
        ledger.enter(entry(page) for page in pages)
        for page in ledger.waiting():
            ledger.started([page.id])
            ledger.keep(page.id, replace(record(page.ref, crop_png=b""), reasons=()))
    return folder


def fields_of(folder: Path) -> list[dict[str, str]]:
    with read_ledger(folder) as ledger:
        write_tables(ledger, folder)
    with (folder / "fields.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_last_word_on_a_field_stands_in_the_tables_and_all_words_in_the_ledger(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", 1, 2)
    with open_corrections(folder) as corrections:
        first = corrections.add("000001.png", 0, "amount", said("71"), after=0)
        corrections.add("000001.png", 0, "amount", said("77", old="71", who="ben"), after=first.number)
        with corrections.view() as ledger:
            told = ledger.corrections()[("000001.png", 0)]["amount"]
    assert (told.old, told.new, told.who) == ("71", "77", "ben")
    rows = fields_of(folder)
    assert [(row["value"], row["status"], row["reasons"], row["confidence"]) for row in rows] == [
        ("77", "accepted", "corrected", "1.000000"),
        ("17", "review", "low_confidence;rule:max", "0.875000"),
    ]


@pytest.mark.parametrize(
    ("word", "row"),
    [
        (said("17"), ("17", "accepted", "confirmed")),
        (said(""), ("", "accepted", "corrected")),
        (said("", verdict=Verdict.REJECTED), ("", "rejected", "unreadable")),
        (said("17", old="71", verdict=Verdict.REVIEW), ("17", "review", "low_confidence;rule:max")),
    ],
)
def test_each_word_has_its_row(tmp_path: Path, word: Correction, row: tuple[str, str, str]) -> None:
    folder = batch(tmp_path / "out", 1)
    with open_corrections(folder) as corrections:
        corrections.add("000001.png", 0, "amount", word, after=0)
    (told,) = fields_of(folder)
    assert (told["value"], told["status"], told["reasons"]) == row


def test_who_has_not_seen_the_last_word_is_told_it_and_nothing_is_written(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", 1)
    with open_corrections(folder) as corrections:
        corrections.add("000001.png", 0, "amount", said("71"), after=0)
        with pytest.raises(Overtaken) as overtaken:
            corrections.add("000001.png", 0, "amount", said("11", who="ben"), after=0)
        assert overtaken.value.standing is not None
        assert (overtaken.value.standing.new, overtaken.value.standing.who) == ("71", "ana")
    assert fields_of(folder)[0]["value"] == "71"


def test_what_was_said_and_not_heard_is_not_said_twice(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", 1)
    with open_corrections(folder) as corrections:
        first = corrections.add("000001.png", 0, "amount", said("71"), after=0)
        assert corrections.add("000001.png", 0, "amount", said("71"), after=0) == first


def test_a_review_goes_on_while_runs_come_and_go(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", 1)
    with open_corrections(folder) as corrections:
        with open_ledger(folder, settings={}) as run:
            run.enter([entry(1)])
            corrections.add("000001.png", 0, "amount", said("71"), after=0)
            with no_run(folder) as is_free:
                assert not is_free
            assert [kept.fields[0].text for kept in run.outcomes() if isinstance(kept, Record)] == ["17"]
        with no_run(folder) as is_free:
            assert is_free
    assert not (folder / "ledger.sqlite-wal").exists()
    assert fields_of(folder)[0]["value"] == "71"


def test_of_two_reviews_of_a_folder_the_second_is_refused(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", 1)
    second = open_corrections(folder)
    with open_corrections(folder), pytest.raises(LedgerError, match="a review of it is open already"), second:
        pass


def test_a_word_outlives_another_reading_of_the_same_scan_and_not_another_scan(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", 1)
    with open_corrections(folder) as corrections:
        corrections.add("000001.png", 0, "amount", said("71"), after=0)
    for again, value in ((entry(1, read_with="other"), "71"), (entry(1, content="new scan"), "17")):
        with open_ledger(folder, settings={}) as ledger:
            ledger.enter([again])
            (page,) = ledger.waiting()
            ledger.started([page.id])
            ledger.keep(page.id, record(page.ref, crop_png=b""))
        assert fields_of(folder)[0]["value"] == value


def test_a_page_is_accepted_when_its_last_doubtful_field_is_settled() -> None:
    one, two = (replace(record(REF).fields[0], name=name) for name in ("one", "two"))
    read = Record(REF, "form", "", "", (one, two), Verdict.REVIEW)
    half = {"one": said("71")}
    assert settled(corrected(read, half, {}), half, read).verdict is Verdict.REVIEW
    both = {**half, "two": said("", verdict=Verdict.REJECTED)}
    whole = settled(corrected(read, both, {}), both, read)
    assert (whole.verdict, whole.reasons) == (Verdict.ACCEPTED, ("unreadable",))


def page_of(folder: Path, *words: tuple[str, Correction]) -> Record:
    """The page of `summed`, q1 3, q2 4, total 12, as it stands after people have had their say."""
    with open_corrections(folder) as corrections:
        for name, word in words:
            with corrections.view() as ledger:
                before = ledger.corrections().get(("000001.png", 0), {}).get(name)
            corrections.add("000001.png", 0, name, word, after=0 if before is None else before.number)
        with corrections.view() as ledger:
            templates = templates_of(ledger)
            (kept,) = outcomes_as_they_stand(ledger, templates, Collation(templates))
    assert isinstance(kept, Record)
    return kept


def reasons_of(page: Record) -> dict[str, str]:
    return {one.name: ";".join(one.reasons) for one in page.fields}


def test_a_value_that_a_person_gives_in_spite_of_a_rule_stands_with_that_rule_and_is_not_asked_again(
    tmp_path: Path,
) -> None:
    folder = summed(tmp_path, RULED)
    page = page_of(folder, ("q1", said("17", old="3")), ("q2", said("", old="4")), ("total", said("A-7", old="12")))
    assert [(one.text, one.verdict, one.confidence) for one in page.fields] == [
        ("17", "accepted", 1.0),
        ("", "accepted", 1.0),
        ("A-7", "accepted", 1.0),
    ]
    assert reasons_of(page) == {
        "q1": "corrected;rule:max",
        "q2": "corrected;blank_required",
        "total": "corrected;not_a_digit",
    }
    assert (page.verdict, page.reasons) == (Verdict.ACCEPTED, ("rule:max", "blank_required", "not_a_digit"))
    assert list(items_of(page)) == []


def test_a_value_that_a_person_confirms_keeps_the_rule_that_it_breaks(tmp_path: Path) -> None:
    folder = summed(tmp_path, RULED.replace("max: 9", "max: 2"))
    assert reasons_of(page_of(folder, ("q1", said("3", old="3"))))["q1"] == "confirmed;rule:max"


def test_values_of_people_that_contradict_each_other_say_so_once_none_of_them_is_in_doubt(tmp_path: Path) -> None:
    folder = summed(tmp_path)
    page = page_of(folder, ("q1", said("5", old="3")), ("q2", said("4", old="4")))
    assert reasons_of(page) == {"q1": "corrected", "q2": "confirmed", "total": "low_confidence"}
    page = page_of(folder, ("total", said("12", old="12")))
    broken = {"q1": "corrected;rule:adds up", "q2": "confirmed;rule:adds up", "total": "confirmed;rule:adds up"}
    assert (reasons_of(page), page.verdict, page.reasons) == (broken, Verdict.ACCEPTED, ("rule:adds up",))
    assert list(items_of(page)) == []
    page = page_of(folder, ("total", said("14", old="12")))
    assert (reasons_of(page)["total"], page.reasons) == ("corrected", ())
    page = page_of(folder, ("q2", said("", old="4", verdict=Verdict.REJECTED)))
    assert (reasons_of(page)["total"], page.reasons) == ("corrected", ("unreadable",))


def test_of_a_page_with_a_field_that_nobody_can_read_the_tables_say_that_it_is_incomplete(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", 1, 2)
    with open_corrections(folder) as corrections:
        corrections.add("000001.png", 0, "amount", said("", verdict=Verdict.REJECTED), after=0)
        corrections.add("000002.png", 0, "amount", said(""), after=0)
    with read_ledger(folder) as ledger:
        summary = write_tables(ledger, folder)
        (first, second) = outcomes_as_they_stand(ledger, (), Collation())
    with (folder / "forms.csv").open(encoding="utf-8", newline="") as file:
        told = [(row["status"], row["reasons"]) for row in csv.DictReader(file)]
    assert told == [("incomplete", "unreadable"), ("accepted", "")]
    assert (summary.pages_incomplete, summary.pages_to_review, summary.unreadable) == (1, 0, 1)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert [page_values(one)["status"] for one in (first, second)] == ["incomplete", "accepted"]


def test_a_double_number_is_accepted_where_a_person_confirms_it_and_not_where_one_types_it() -> None:
    read = Record(REF, "form", "", "", record(REF).fields, Verdict.REVIEW)
    double = "double_of:other.png"
    outcomes = []
    for word in (said("71"), said("17")):
        told = sent_to_review(corrected(read, {"amount": word}, {}), [double], fields={"amount": double})
        outcomes.append(settled(told, {"amount": word}, read))
    typed, confirmed = outcomes
    assert (typed.verdict, typed.fields[0].verdict) == (Verdict.REVIEW, Verdict.REVIEW)
    assert (confirmed.verdict, confirmed.reasons) == (Verdict.ACCEPTED, ())
    assert confirmed.fields[0].reasons == ("confirmed", double)


def test_a_page_that_nobody_could_lay_on_its_form_is_rejected_when_a_person_has_seen_it() -> None:
    empty = FieldReading("amount", "", 0.0, Verdict.REVIEW, (Reason.REGISTRATION,))
    read = Record(REF, "form", "", "", (empty,), Verdict.REVIEW, (Reason.REGISTRATION,))
    seen = settled(read, {"": said("", old="")}, read)
    assert (seen.verdict, seen.reasons) == (Verdict.REJECTED, ("confirmed", "registration"))
    assert seen.fields[0].reasons == ("confirmed", "registration")
    assert list(to_look_at(seen)) == []
    given_up = settled(read, {"": said("", old="", verdict=Verdict.REJECTED)}, read)
    assert given_up.fields[0].reasons == ("unreadable", "registration")


def test_words_that_were_taken_back_do_not_stand() -> None:
    assert standing({"a": said("1", verdict=Verdict.REVIEW), "b": said("2")}) == {"b": said("2")}


def test_what_people_have_seen_is_not_counted_as_to_be_looked_at(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", 1, 2, 3)
    with open_corrections(folder) as corrections:
        corrections.add("000001.png", 0, "amount", said("", verdict=Verdict.REJECTED), after=0)
        corrections.add("000002.png", 0, "amount", said("17"), after=0)
    with read_ledger(folder) as ledger:
        summary = write_tables(ledger, folder)
        stand = list(outcomes_as_they_stand(ledger, (), Collation()))
    assert (summary.accepted, summary.review, summary.rejected) == (1, 1, 1)
    assert (summary.fields_to_look_at, summary.pages_to_review) == (1, 1)
    assert [kept.verdict for kept in stand if isinstance(kept, Record)] == ["accepted", "accepted", "review"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("rule:sum", "Fields of rule sum contradict each other: one of them is misread or miswritten."),
        ("rule:sum changed 17 to 11", "Reads 17 by itself, and 11 with the fields that rule sum ties it to."),
        ("gap", "A blank box lies between filled ones."),
        ("rule:max", "The value is larger than the template allows."),
        ("duplicate_of:a%3Bb.png", "A file with exactly this content came earlier: a;b.png."),
        ("missing_page:2", "Page 2 of this paper is not there: not scanned, in a wrong place, or not read."),
        ("defect:cut=8.10 mm", "A corner, or a side, of the sheet lies so far outside the picture. (8.10 mm)"),
        ("rule:added", "Fields of rule added contradict each other: one of them is misread or miswritten."),
        ("rule:added changed 7 to blank", "Reads 7 by itself, and blank with the fields that rule added ties it to."),
        ("of tomorrow", "of tomorrow"),
    ],
)
def test_every_reason_is_told_in_a_sentence(reason: str, words: str) -> None:
    assert in_words(reason) == words


def test_a_run_that_finds_nothing_new_but_a_word_makes_the_tables_anew(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", 1)
    values = []
    for new in ("", "71"):
        if new:
            with open_corrections(folder) as corrections:
                corrections.add("000001.png", 0, "amount", said(new), after=0)
        with open_ledger(folder, settings={}) as ledger:
            ledger.enter([entry(1)])
            make_tables(ledger, folder)
        with (folder / "fields.csv").open(encoding="utf-8", newline="") as file:
            values += [row["value"] for row in csv.DictReader(file)]
    assert values == ["17", "71"]
