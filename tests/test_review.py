"""The review without a browser: whom it answers, what it keeps, and that nothing is lost."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flagged import flagged, truth_of
from ledgers import entry, record
from served import Ask, asking, serving
from summed import RULED, summed

from docproc.ledger import LEDGER_NAME, Entry, open_ledger
from docproc.reading import FieldReading, Reason, Record, Verdict
from docproc.review.server import application
from docproc.review.session import Session, open_session
from docproc.tables import make_tables

FIELDS = 100
REVIEWERS = 50


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Session, int]]:
    """A batch of doubtful fields, served in a thread."""
    with (
        open_session(flagged(tmp_path, FIELDS), who="ana") as session,
        serving(lambda port: application(session, port=port), backlog=REVIEWERS) as port,
    ):
        yield session, port


@pytest.fixture
def ask(served: tuple[Session, int]) -> Ask:
    session, port = served
    return asking(port, session.token)


def said(item: dict[str, Any], value: str, reviewer: str = "one", **more: Any) -> dict[str, Any]:
    return {"reviewer": reviewer, "who": "ana", "key": item["key"], "after": item["after"], "value": value, **more}


def rows(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / LEDGER_NAME)) as db:
        return db.execute("SELECT field, old, new, verdict, who FROM corrections ORDER BY id").fetchall()


def test_a_field_comes_with_all_that_is_needed_to_decide(ask: Ask) -> None:
    status, told = ask("/take", {"reviewer": "one"})
    assert status == 200
    assert [item["key"] for item in told["items"]] == [["001.png", 0, f"field {number}"] for number in range(4)]
    first = told["items"][0]
    assert [one["value"] for one in first["candidates"]] == ["04274", "04273", "4273"]
    assert first["reasons"] == ["The chance that the whole value is right is below the threshold."]
    assert first["crop"].startswith("data:image/png;base64,iVBOR")
    assert (told["progress"]["left"], told["progress"]["done"]) == (FIELDS, 0)
    known = [item["key"] for item in told["items"][1:]]
    assert ask("/take", {"reviewer": "one", "known": known})[1]["items"] == [first]


def test_every_answer_is_a_row_and_taking_back_is_one_too(ask: Ask, served: tuple[Session, int]) -> None:
    first, second, third, _ = ask("/take", {"reviewer": "one"})[1]["items"]
    number = ask("/say", said(first, "04273"))[1]["after"]
    ask("/take-back", said({**first, "after": number}, ""))
    ask("/say", said(second, second["value"], who="ben"))
    assert ask("/say", said(third, "", verdict="rejected"))[0] == 200
    assert rows(served[0].folder) == [
        ("field 0", "04274", "04273", "accepted", "ana"),
        ("field 0", "04273", "04274", "review", "ana"),
        ("field 1", "04890", "04890", "accepted", "ben"),
        ("field 2", "05507", "", "rejected", "ana"),
    ]
    told = ask("/take", {"reviewer": "one"})[1]
    assert [item["key"][2] for item in told["items"]] == ["field 0", "field 3", "field 4", "field 5"]
    assert (told["progress"]["left"], told["progress"]["done"]) == (FIELDS - 2, 2)


def test_who_was_slower_is_told_what_stands(ask: Ask, served: tuple[Session, int]) -> None:
    (first, *_) = ask("/take", {"reviewer": "one"})[1]["items"]
    ask("/say", said(first, "04273"))
    status, told = ask("/say", said(first, "99999", reviewer="two", who="ben"))
    assert status == 409
    assert told["message"] == "field 0: ana has said '04273' meanwhile; that stands."
    assert len(rows(served[0].folder)) == 1


def test_without_the_token_from_elsewhere_or_for_another_host_nothing_is_answered(
    ask: Ask, served: tuple[Session, int]
) -> None:
    session, port = served
    body = {"reviewer": "one"}
    for path in ("/", "/start", "/review.js", "/?token=guess", "/?token=%C3%A9"):
        assert ask(path, cookie="")[0] == 403
    for path in ("/take", "/say", "/take-back", "/page", "/leave"):
        assert ask(path, body, cookie="")[0] == 403
        assert ask(path, body, cookie=f"docproc_{port}=guess")[0] == 403
        assert ask(path, body, cookie="", host=f"127.0.0.1:{port}")[0] == 403
        assert ask(path, body, host="evil.example")[0] == 403
        assert ask(path, body, host="127.0.0.1:1")[0] == 403
        assert ask(path, body, origin="http://evil.example")[0] == 403
        assert ask(path, body, origin="null")[0] == 403
        assert ask(path, body, origin="")[0] == 403
        assert ask(f"{path}?token={session.token}", body, cookie="")[0] == 403
        assert ask(path)[0] in (404, 405)
    assert ask(f"/?token={session.token}", cookie="")[0] == 303
    assert rows(session.folder) == []


def test_who_opens_the_page_without_its_key_is_told_so_in_words_and_a_program_in_json(ask: Ask) -> None:
    sentence = "Open the address that docproc has printed where it was started: it holds the key to this page."
    status, page = ask("/", cookie="", accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert status == 403
    assert page.startswith(b"<!DOCTYPE html>")
    assert f"<p>{sentence}</p>" in page.decode()
    assert ask("/", cookie="", accept="*/*") == (403, {"message": sentence, "remedy": ""})


@pytest.mark.parametrize(
    "path",
    ["/../scans/001.png", "/..%2fscans%2f001.png", "/scans/001.png", "/ledger.sqlite", "/%2e%2e/%2e%2e/etc/passwd"],
)
def test_no_file_but_the_pages_own_is_served(ask: Ask, path: str) -> None:
    status, told = ask(path)
    assert (status, set(told)) == (404, {"message", "remedy"})


@pytest.mark.parametrize("source", ["../../etc/passwd", "/etc/passwd", "scans/001.png", "002.png/../001.png"])
def test_a_page_that_the_batch_does_not_have_is_not_opened(ask: Ask, source: str) -> None:
    for path in ("/page", "/say", "/take-back"):
        assert ask(path, said({"key": [source, 0, "field 0"], "after": 0}, "1"))[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"xx",
        b"[" * 5000,
        {},
        [],
        {"reviewer": "x" * 61},
        {"reviewer": "one", "key": "a"},
        {"reviewer": "one", "key": ["001.png", "x", "field 0"]},
        {"reviewer": "one", "key": ["001.png", 0, "field 0"], "value": "1\n2"},
        {"reviewer": "one", "key": ["001.png", 0, "field 0"], "value": "1" * 201},
        {"reviewer": "one", "key": ["001.png", 0, "field 0"], "verdict": "review"},
        {"reviewer": "one", "key": ["001.png", 0, "field 0"], "value": "1", "verdict": "rejected"},
    ],
)
def test_what_the_page_would_not_send_is_refused(ask: Ask, served: tuple[Session, int], body: Any) -> None:
    assert ask("/say", body)[0] == 400
    assert rows(served[0].folder) == []


def test_more_than_a_page_would_ever_send_is_refused(ask: Ask) -> None:
    assert ask("/say", b"[" + b"1," * 20_000)[0] == 413


def test_the_page_is_shown_with_the_field_framed_as_long_as_it_is_what_was_read(
    ask: Ask, served: tuple[Session, int]
) -> None:
    body = {"reviewer": "one", "key": ["001.png", 0, "field 2"]}
    status, told = ask("/page", body)
    assert (status, told["middle"]) == (200, pytest.approx(290 / 600, abs=0.01))
    assert told["picture"].startswith("data:image/jpeg;base64,")
    scan = served[0].folder.parent / "scans" / "001.png"
    scan.write_bytes(scan.read_bytes() + b" ")
    assert ask("/page", body)[1]["message"] == "001.png has changed since it was read."
    scan.unlink()
    assert ask("/page", body)[0] == 422


def test_of_fifty_reviewers_at_once_each_gets_fields_of_his_own_and_no_answer_is_lost(
    ask: Ask, served: tuple[Session, int]
) -> None:
    def review(number: int) -> list[str]:
        reviewer, answered = f"reviewer {number}", []
        items = ask("/take", {"reviewer": reviewer})[1]["items"]
        while items:
            field = items[0]["key"][2]
            status, told = ask("/say", said(items[0], truth_of(int(field.split()[1])), reviewer, who=reviewer))
            assert status == 200
            answered.append(field)
            items = told["items"]
        return answered

    with ThreadPoolExecutor(REVIEWERS) as crowd:
        answered = [field for fields in crowd.map(review, range(REVIEWERS)) for field in fields]
    every = sorted(f"field {number}" for number in range(FIELDS))
    assert sorted(answered) == every
    assert sorted(field for field, *_ in rows(served[0].folder)) == every
    assert ask("/take", {"reviewer": "late"})[1]["progress"]["left"] == 0


def test_after_the_review_the_tables_have_its_answers_and_a_new_one_goes_on(tmp_path: Path) -> None:
    folder = flagged(tmp_path, 5)
    for number in (0, 1):
        with open_session(folder, who="ana") as session:
            (item,) = session.take("one", 1)["items"]
            assert item["key"] == ("001.png", 0, f"field {number}")
            session.say("one", "ana", item["key"], "777", Verdict.ACCEPTED, 0)
        with (folder / "fields.csv").open(encoding="utf-8", newline="") as file:
            values = [row["value"] for row in csv.DictReader(file)]
        assert values[: number + 2] == ["777"] * (number + 1) + [truth_of(number + 1)]


def test_what_a_run_brings_meanwhile_is_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docproc.review.session.LOOK_AGAIN_S", 0.0)
    folder = flagged(tmp_path, 1)
    with open_session(folder, who="ana") as session:
        (item,) = session.take("one", 3)["items"]
        with open_ledger(folder, settings={}) as run:
            run.enter([entry(1)])
            (page,) = run.waiting()
            run.started([page.id])
            run.keep(page.id, replace(record(page.ref, crop_png=b""), reasons=()))
            session.say("one", "ana", item["key"], "1", Verdict.ACCEPTED, 0)
            (new,) = session.take("one", 3)["items"]
        assert new["key"] == ("000001.png", 0, "amount")


def kept(folder: Path, *outcomes: Record) -> Path:
    with open_ledger(folder, settings={"folder": "", "templates": []}) as run:
        run.enter(Entry(outcome.ref, "read") for outcome in outcomes)
        for page, outcome in zip(run.waiting(), outcomes, strict=True):
            run.started([page.id])
            run.keep(page.id, outcome)
    return folder


def test_a_page_that_could_not_be_laid_on_its_form_is_seen_as_a_whole_and_rejected(tmp_path: Path) -> None:
    empty = FieldReading("amount", "", 0.0, Verdict.REVIEW, (Reason.REGISTRATION,))
    page = Record(entry(1).ref, "form", "", "", (empty,), Verdict.REVIEW, (Reason.REGISTRATION,), detail="Odd lines.")
    with open_session(kept(tmp_path / "out", page), who="ana") as session:
        (item,) = session.take("one", 3)["items"]
        assert item["whole"]
        assert item["reasons"] == ["The page does not lie on its template: another form, or too distorted."]
        assert item["detail"] == "Odd lines."
        session.say("one", "ana", item["key"], "", Verdict.ACCEPTED, 0)
        assert session.left() == 0
    with (tmp_path / "out" / "forms.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["status"], row["reasons"]) == ("rejected", "confirmed;registration")


def test_without_the_templates_that_pages_were_read_with_the_tables_are_left_to_the_next_run(tmp_path: Path) -> None:
    page = replace(record(entry(1).ref, crop_png=b""), reasons=())
    with open_session(kept(tmp_path / "out", page), who="ana") as session:
        (item,) = session.take("one", 3)["items"]
        session.say("one", "ana", item["key"], "71", Verdict.ACCEPTED, 0)
    assert session.tables_fault is not None
    assert session.tables_fault.message == (
        "The template 'form' is not what pages were read with: it has changed, or is gone."
    )
    assert not (tmp_path / "out" / "fields.csv").exists()
    assert [field for field, *_ in rows(tmp_path / "out")] == ["amount"]


def test_what_a_value_breaks_is_told_in_words_and_kept_all_the_same(tmp_path: Path) -> None:
    serial = FieldReading("serial", "", 1.0, Verdict.REVIEW, (Reason.CODE_UNREADABLE,))
    folder = summed(tmp_path, RULED, serial)
    with (
        open_session(folder, who="ana") as session,
        serving(lambda port: application(session, port=port)) as port,
    ):
        ask = asking(port, session.token)

        def broken(field: str, value: str) -> Any:
            status, told = ask("/check", {"reviewer": "one", "key": ["000001.png", 0, field], "value": value})
            return told["broken"] if status == 200 else status

        assert broken("q1", "17") == ["The value is larger than the template allows. (at most 9)"]
        assert broken("q1", "9") == []
        assert broken("q1", "1/2") == ["There is a mark that is no digit: a letter, a scribble, an overwriting."]
        assert broken("q2", "") == ["The field is required and nothing is written in it."]
        assert broken("serial", "A-7") == []
        assert broken("q9", "1") == 404
        (item,) = [one for one in ask("/take", {"reviewer": "one"})[1]["items"] if one["key"][2] == "q1"]
        assert ask("/say", said(item, "17"))[0] == 200
    with (folder / "fields.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["value"], row["status"], row["reasons"]) == ("17", "accepted", "corrected;rule:max")


def test_people_are_counted_and_not_their_windows(ask: Ask) -> None:
    for window, who in (("one", "ana"), ("two", " Ana"), ("three", "ben")):
        told = ask("/take", {"reviewer": window, "who": who})[1]
    assert told["progress"]["people"] == 2


def test_tables_that_a_review_has_made_are_not_made_again_by_the_next_run(tmp_path: Path) -> None:
    folder = flagged(tmp_path, 5)
    with open_session(folder, who="ana") as session:
        session.say("one", "ana", ("001.png", 0, "field 0"), "777", Verdict.ACCEPTED, 0)
    made = (folder / "fields.csv").stat()
    with open_ledger(folder, settings={}) as run:
        summary = make_tables(run, folder, review_below=0.9)
    assert (folder / "fields.csv").stat().st_mtime_ns == made.st_mtime_ns
    assert (summary.accepted, summary.review) == (1, 4)
