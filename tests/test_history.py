"""How a value came to be, told of any field at any time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from exported import SLIP, a_batch
from ledgers import READ_WITH, entry
from written import a_reading, a_record

from docproc.errors import LedgerError
from docproc.history import history_of
from docproc.ledger import WHOLE_PAGE, Keying, digest_of, open_corrections, open_keyings, open_ledger
from docproc.page import Unreadable
from docproc.reading import Correction, Verdict
from docproc.template import restored

DOUBTFUL = a_reading("amount", "12", Verdict.REVIEW, reasons=("low_confidence",), alternatives=(("72", 0.1),))
PAGE = a_record("", DOUBTFUL, a_reading("sum", "19"))
SOURCE = "000001.png"


def test_a_field_that_was_read_once_tells_when_by_which_run_and_with_what(tmp_path: Path) -> None:
    told = history_of(a_batch(tmp_path / "out", PAGE), SOURCE, "amount")
    (attempt,) = told.past.attempts
    assert (attempt.source, attempt.event, attempt.run.number) == (SOURCE, "read", 1)
    assert attempt.run.started_at <= attempt.began <= str(attempt.ended)
    (reading,) = told.readings
    assert (reading.record.template_digest, reading.record.model_digest) == ("t", "m")
    assert reading.field is not None
    assert (reading.field.text, reading.field.alternatives) == ("12", (("72", 0.1),))
    assert told.now == reading.field
    assert told.past.words == ()


def test_all_words_are_told_and_the_last_one_stands(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE)
    with open_corrections(folder) as corrections:
        first = corrections.add(SOURCE, 0, "amount", Correction("12", "71", Verdict.ACCEPTED, "ana"), after=0)
        back = Correction("71", "12", Verdict.REVIEW, "ana")
        second = corrections.add(SOURCE, 0, "amount", back, after=first.number)
        third = Correction("12", "72", Verdict.ACCEPTED, "ben")
        corrections.add(SOURCE, 0, "amount", third, after=second.number)
        corrections.add(SOURCE, 0, "sum", Correction("19", "18", Verdict.ACCEPTED, "eve"), after=0)
        corrections.add(SOURCE, 0, WHOLE_PAGE, Correction("", "", Verdict.ACCEPTED, "eve"), after=0)
    told = history_of(folder, SOURCE, "amount")
    assert [(word.field, word.said.who, word.said.old, word.said.new) for word in told.past.words] == [
        ("amount", "ana", "12", "71"),
        ("amount", "ana", "71", "12"),
        ("amount", "ben", "12", "72"),
        (WHOLE_PAGE, "eve", "", ""),
    ]
    assert told.now is not None
    assert (told.now.text, told.now.verdict, told.now.reasons) == ("72", "accepted", ("corrected",))


def test_a_page_that_was_read_again_tells_both_readings_the_one_in_force_last(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE)
    other = digest_of(templates=["another"])
    with open_ledger(folder, settings={}) as ledger:
        ledger.enter([entry(1, read_with=other)])
        (page,) = ledger.waiting()
        ledger.started([page.id])
        ledger.keep(page.id, replace(PAGE, ref=page.ref, fields=(replace(DOUBTFUL, text="72"),)))
    told = history_of(folder, SOURCE, "amount")
    assert [one.field.text for one in told.readings if one.field] == ["12", "72"]
    assert told.now is not None and told.now.text == "72"
    assert [one.run.number for one in told.past.attempts] == [1, 2]
    assert history_of(folder, SOURCE, "sum").now is None  # the page has no such field any more
    with open_ledger(folder, settings={}) as ledger:
        ledger.enter([entry(1, read_with=READ_WITH)])
    told = history_of(folder, SOURCE, "amount")
    assert [one.field.text for one in told.readings if one.field] == ["72", "12"]


def test_a_word_on_another_scan_is_told_and_does_not_count(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE)
    with open_corrections(folder) as corrections:
        corrections.add(SOURCE, 0, "amount", Correction("12", "72", Verdict.ACCEPTED, "ana"), after=0)
    with open_ledger(folder, settings={}) as ledger:
        ledger.enter([entry(1, content="sha-new")])
        (page,) = ledger.waiting()
        ledger.started([page.id])
        ledger.keep(page.id, replace(PAGE, ref=page.ref))
    told = history_of(folder, SOURCE, "amount")
    assert [word.is_of_this_scan for word in told.past.words] == [False]
    assert told.now is not None and told.now.text == "12"


def test_folders_of_a_file_may_be_left_out_where_no_other_is_called_so(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE)
    deep = entry(2)
    with open_ledger(folder, settings={}) as ledger:
        ledger.enter([entry(1), replace(deep, ref=replace(deep.ref, source="scans/a/one.png"))])
    assert history_of(folder, "one.png", "amount").past.ref.source == "scans/a/one.png"
    assert history_of(folder, "a/one.png", "amount").past.ref.source == "scans/a/one.png"


def test_what_was_keyed_unseen_is_told_with_what_came_of_it_and_no_keying_of_another_field(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE)
    place = (SOURCE, 0, "amount")
    with open_keyings(folder) as keyings:
        keyings.key(place, "12", Keying("72", Verdict.ACCEPTED, "ana"))
        keyings.key((SOURCE, 0, "sum"), "19", Keying("19", Verdict.ACCEPTED, "ana"))
        keyings.take_back(place, "12", "12", "ana", after=0)
        keyings.key(place, "12", Keying("71", Verdict.ACCEPTED, "ana"))
        keyings.key(place, "12", Keying("71", Verdict.ACCEPTED, "ben"))
    told = history_of(folder, SOURCE, "amount")
    assert [(one.keying.who, one.keying.value, one.keying.verdict) for one in told.past.keyings] == [
        ("ana", "72", "accepted"), ("ana", "", "review"), ("ana", "71", "accepted"), ("ben", "71", "accepted"),
    ]  # fmt: skip
    assert [(word.said.who, word.said.new) for word in told.past.words] == [("ana and ben", "71")]
    assert told.now is not None and told.now.text == "71"


def test_a_page_of_equal_content_tells_who_was_read_for_it(tmp_path: Path) -> None:
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1, content="same"), entry(2, content="same", duplicate_of=SOURCE)])
        (page,) = ledger.waiting()
        ledger.started([page.id])
        ledger.keep(page.id, replace(PAGE, ref=page.ref, template="", template_digest=""))
    told = history_of(tmp_path, "000002.png", "amount")
    assert told.past.duplicate_of == SOURCE
    assert [attempt.source for attempt in told.past.attempts] == [SOURCE]
    assert told.now is not None and "duplicate_of:000001.png" in told.now.reasons


def test_what_another_page_casts_doubt_on_stands_as_in_the_tables(tmp_path: Path) -> None:
    told = SLIP.model_dump(mode="json")
    told["fields"][1]["unique"] = True
    unique = restored(told, "t")
    folder = a_batch(tmp_path / "out", a_record("", a_reading("amount", "9")), PAGE, PAGE, templates=[unique])
    now = history_of(folder, "000003.png", "amount").now
    assert now is not None and now.reasons == ("low_confidence", "double_of:000002.png")


def test_a_page_that_could_not_be_read_or_is_still_to_be_tells_so(tmp_path: Path) -> None:
    broken = Unreadable(SOURCE, 1, f"{SOURCE}: it is damaged.", "Scan it again.")
    folder = a_batch(tmp_path / "out", broken)
    with open_ledger(folder, settings={}) as ledger:
        ledger.enter([entry(1), entry(2)])
    told = history_of(folder, SOURCE, "amount")
    assert (told.past.state, told.past.failure) == ("failed", (broken.message, broken.remedy))
    assert [attempt.event for attempt in told.past.attempts] == ["refused"]
    assert history_of(folder, "000002.png", "amount").past.state == "pending"
    assert told.now is None


def test_a_field_of_a_template_that_is_gone_is_told_but_for_how_it_stands(tmp_path: Path) -> None:
    told = history_of(a_batch(tmp_path / "out", PAGE, templates=()), SOURCE, "amount")
    assert told.now is None
    assert told.fault is not None and "'slip'" in told.fault.message
    assert told.readings[0].field == replace(DOUBTFUL, crop_png=b"")


@pytest.mark.parametrize(
    ("source", "field", "page", "message", "remedy"),
    [
        ("1.png", "amount", None, "no file '1.png'", "Did you mean 000001.png"),
        ("scans/000001.png", "amount", None, "no file", "Did you mean 000001.png"),
        (
            "one.png",
            "amount",
            None,
            "2 files of the batch are called 'one.png'",
            "Did you mean a/one.png, b/one.png?",
        ),
        ("pages/tow.png", "amount", None, "no file 'pages/tow.png'", "Did you mean two.png, a/one.png?"),
        ("scan/000001.pg", "amount", None, "no file", "Did you mean 000001.png"),
        ("nothing like it", "amount", None, "no file", "The tables have the names"),
        (SOURCE, "amont", None, "page 1, has no field 'amont'", "Its fields are: amount, sum."),
        (SOURCE, "amount", 2, "has no page 2", "Add --page with one of 1."),
        ("many.pdf", "amount", None, "has several pages", "Add --page with one of 1, 2."),
    ],
)
def test_a_name_that_is_not_known_is_answered_with_those_that_are_near(
    tmp_path: Path, source: str, field: str, page: int | None, message: str, remedy: str
) -> None:
    folder = a_batch(tmp_path / "out", PAGE)
    pdf = entry(2)
    with open_ledger(folder, settings={}) as ledger:
        pages = [replace(pdf, ref=replace(pdf.ref, source="many.pdf", index=index)) for index in (0, 1)]
        names = ("a/one.png", "b/one.png", "scans/a/two.png")
        deep = [replace(pdf, ref=replace(pdf.ref, source=name, sha256=name)) for name in names]
        ledger.enter([entry(1), *pages, *deep])
    with pytest.raises(LedgerError, match=message) as caught:
        history_of(folder, source, field, page=page)
    assert caught.value.remedy.startswith(remedy)


def test_of_many_fields_only_near_ones_are_named(tmp_path: Path) -> None:
    folder = a_batch(
        tmp_path / "out", a_record("", *(a_reading(f"row{number:02}_total", "1") for number in range(30)))
    )
    with pytest.raises(LedgerError) as caught:
        history_of(folder, SOURCE, "row07_totl")
    assert caught.value.remedy.startswith("Did you mean row07_total, ")
