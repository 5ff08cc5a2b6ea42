"""A page whose file is a copy of an earlier one is one look, and counts or is left out as a whole."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ledgers import entry, record

from docproc.correction import corrected, counted_too, settled, words_on
from docproc.export.rows import is_looked_at_whole, is_unread, page_reasons, to_look_at
from docproc.ledger import open_corrections, open_ledger, read_ledger
from docproc.ledger.records import as_page
from docproc.reading import Correction, FieldReading, Reason, Record, Verdict, unread_fields
from docproc.report import Tally
from docproc.review.queue import items_of
from docproc.review.session import Session, open_session
from docproc.summary import counts_of
from docproc.tables import write_tables
from docproc.target import decided_by

FIRST, COPY = entry(1).ref, entry(2, content="sha-1").ref
WHY = "duplicate_of:000001.png"


def field(name: str, *reasons: str, verdict: Verdict = Verdict.ACCEPTED, confidence: float = 0.99) -> FieldReading:
    read = record(FIRST).fields[0]
    return replace(read, name=name, verdict=verdict, reasons=reasons, confidence=confidence, crop_png=b"")


FIELDS = (
    field("sure"),
    field("crossed out", Reason.CROSSED_OUT),
    field("unsure", Reason.LOW_CONFIDENCE, verdict=Verdict.REVIEW),
    field("scribble", Reason.NOT_A_DIGIT, verdict=Verdict.REJECTED),
)


def page(*fields: FieldReading, reasons: tuple[str, ...] = ()) -> Record:
    return Record(FIRST, "form", "", "", fields or FIELDS, Verdict.REVIEW, reasons)


def copy_of(first: Record) -> Record:
    return as_page(first, COPY, duplicate_of=FIRST.source)


def said(new: str = "", *, old: str = "", verdict: Verdict = Verdict.ACCEPTED, who: str = "ana") -> Correction:
    return Correction(old, new, verdict, who)


def stands(read: Record, words: dict[str, Correction]) -> Record:
    return settled(corrected(read, words, {}), words, read)


def states(stand: Record) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.verdict.value, one.reasons) for one in stand.fields]


def batch(folder: Path) -> Path:
    """A page and its copy."""
    with open_ledger(folder, settings={}) as ledger:
        ledger.enter([entry(1), entry(2, content="sha-1", duplicate_of=FIRST.source)])
        for waiting in ledger.waiting():
            ledger.started([waiting.id])
            ledger.keep(waiting.id, page())
    return folder


def rows(folder: Path, table: str = "fields.csv") -> list[dict[str, str]]:
    with (folder / table).open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["source"] == COPY.source]


def asked(session: Session) -> list[tuple[str, str]]:
    return [(item["key"][0], item["key"][2]) for item in session.take("one", 9)["items"]]


def test_a_copy_is_one_item_that_names_the_file_it_is_a_copy_of() -> None:
    read = copy_of(page(reasons=("defect:blur=0.31 mm",)))
    (item,) = items_of(read)
    assert item.key == (COPY.source, 0, "")
    assert item.reasons == ("defect:blur=0.31 mm", WHY)
    assert list(to_look_at(read)) == []
    assert {one.verdict for one in read.fields} == {"review", "rejected"}  # nobody counts them twice unseen
    counts = counts_of(read)
    assert (counts["pages_doubted"], counts["fields_unread"]) == (1, 4)


def test_a_copy_that_counts_has_the_verdicts_of_the_first_one_and_what_is_doubtful_is_asked() -> None:
    stand = stands(copy_of(page()), {"": said()})
    assert states(stand) == states(page())
    assert (stand.verdict, stand.reasons) == (Verdict.REVIEW, ("confirmed", WHY))
    assert [item.key[2] for item in items_of(stand)] == ["unsure", "scribble"]
    assert counts_of(stand)["fields_unread"] == 0
    seen = stands(copy_of(page(FIELDS[0], FIELDS[2])), {"": said(), "unsure": said("17", old="17")})
    assert (seen.verdict, states(seen)) == (Verdict.ACCEPTED, [("accepted", ()), ("accepted", ("confirmed",))])


def test_a_copy_that_is_left_out_has_no_value_and_nobody_is_said_to_have_failed_to_read_it() -> None:
    read = copy_of(page())
    words = {"": said(verdict=Verdict.REJECTED), "unsure": said("18", old="17", who="ben")}
    stand = stands(read, words)
    assert (stand.verdict, stand.reasons) == (Verdict.REJECTED, ("left_out", WHY))
    assert states(stand) == [("rejected", ("left_out", WHY))] * 4
    assert {one.text for one in stand.fields} == {""}
    assert list(items_of(stand)) == []
    assert {name: word.who for name, word in words_on(stand, words).items()}["unsure"] == "ana"
    counts = counts_of(stand)
    assert [counts[name] for name in ("rejected", "unreadable", "seen_empty", "fields_unread")] == [4, 0, 4, 0]
    assert counts["pages_doubted"] == 0
    tally = Tally()
    tally.add(stand, read)
    assert (tally.unreadable, tally.all.pages_settled) == ([], 1)


@pytest.mark.parametrize(
    ("of_the_page", "verdict", "value"),
    [({}, "review", "18"), ({"": said()}, "accepted", "18"), ({"": said(verdict=Verdict.REJECTED)}, "rejected", "")],
)
def test_a_word_on_one_field_of_a_copy_stands_unless_the_copy_is_left_out(
    of_the_page: dict[str, Correction], verdict: str, value: str
) -> None:
    words = {name: said("18", old="17") for name in ("sure", "crossed out", "unsure", "scribble")}
    stand = stands(copy_of(page()), words | of_the_page)
    assert stand.verdict == verdict
    assert {one.text for one in stand.fields} == {value}
    assert is_looked_at_whole(stand) == (not of_the_page)


def test_a_copy_of_a_page_that_lies_on_no_form_is_seen_and_typed_like_that_one() -> None:
    first = page(*unread_fields("ab", Reason.REGISTRATION), reasons=(Reason.REGISTRATION,))
    read = copy_of(first)
    (item,) = items_of(read)
    assert is_unread(read)
    assert (item.doubtful, page_reasons(read)) == (None, f"registration;{WHY}")
    assert stands(read, {"": said()}).reasons == ("confirmed", "registration", WHY)


def test_a_blurred_copy_that_counts_is_accepted_by_the_batchs_target_like_the_first_one() -> None:
    first = page(field("sure"), field("unsure", confidence=0.6), reasons=("defect:blur=0.31 mm",))
    decided, copied = decided_by(first, 0.9), counted_too(decided_by(copy_of(first), 0.9))
    assert states(copied) == states(decided)
    assert states(decided) == [("accepted", ()), ("review", ("low_confidence", "defect:blur"))]


def test_the_tables_of_a_copy_that_nobody_has_looked_at_are_to_review_and_the_sheet_has_one_row(
    tmp_path: Path,
) -> None:
    folder = batch(tmp_path / "out")
    with read_ledger(folder) as ledger:
        summary = write_tables(ledger, folder)
    assert (summary.fields_to_look_at, summary.pages_to_look_at) == (2, 1)
    assert [row["status"] for row in rows(folder)] == ["review"] * 3 + ["rejected"]
    assert all(WHY in row["reasons"] for row in rows(folder))
    sheet = openpyxl.load_workbook(folder / "forms.xlsx")["review"]
    found = [row[1:8] for row in sheet.iter_rows(min_row=2, values_only=True) if row[1] == COPY.source]
    assert found == [(COPY.source, 1, "(whole page)", None, None, "review", WHY)]


def test_what_is_doubtful_on_a_copy_is_asked_when_it_counts_and_no_more_when_that_is_taken_back(
    tmp_path: Path,
) -> None:
    folder = batch(tmp_path / "out")
    first = [(FIRST.source, "unsure"), (FIRST.source, "scribble")]
    with open_session(folder, who="ana") as session:
        (item, *_) = session.take("one", 9)["items"]
        assert (item["whole"], item["copy"], item["forms"]) == (True, True, [])
        assert item["reasons"] == ["A file with exactly this content came earlier: 000001.png."]
        key: Any = (COPY.source, 0, "")
        last = session.say("one", "ana", key, "", Verdict.ACCEPTED, 0)
        assert sorted(asked(session)) == sorted([*first, (COPY.source, "unsure"), (COPY.source, "scribble")])
        session.say("one", "ana", (COPY.source, 0, "unsure"), "19", Verdict.ACCEPTED, 0)
        last = session.take_back("one", "ana", key, last)
        assert sorted(asked(session)) == sorted([(COPY.source, ""), *first])
        last = session.say("one", "ana", key, "", Verdict.ACCEPTED, last)
        assert sorted(asked(session)) == sorted([*first, (COPY.source, "scribble")])
    with open_session(folder, who="ana") as session:
        assert sorted(asked(session)) == sorted([*first, (COPY.source, "scribble")])
    assert [(row["value"], row["status"]) for row in rows(folder)] == [
        ("17", "accepted"),
        ("17", "accepted"),
        ("19", "accepted"),
        ("17", "rejected"),
    ]


def test_a_copy_that_is_left_out_in_the_review_is_rejected_in_the_tables(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out")
    with open_session(folder, who="ana") as session:
        session.say("one", "ana", (COPY.source, 0, ""), "", Verdict.REJECTED, 0)
        assert session.left() == 2
    (form,) = rows(folder, "forms.csv")
    assert (form["status"], form["reasons"]) == ("rejected", f"left_out;{WHY}")
    assert {(row["value"], row["status"], row["reasons"]) for row in rows(folder)} == {
        ("", "rejected", f"left_out;{WHY}")
    }


def test_an_accepted_field_of_a_copy_that_counts_can_be_found_odd(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out")
    with open_corrections(folder) as corrections:
        corrections.add(COPY.source, 0, "", said(), after=0)
    with open_session(folder, who="ana") as session:
        session.doubt("ana", (COPY.source, 0, "sure"), withdrawn=False)
        assert (COPY.source, "sure") in asked(session)
    assert rows(folder)[0]["reasons"] == "doubted"
