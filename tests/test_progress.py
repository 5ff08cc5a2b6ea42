"""`docproc status`: what is left to look at, what people have done, and as of when that is known."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ledgers import entry, record
from typer.testing import CliRunner

from docproc.cli import app
from docproc.ledger import Drawn, add_audit, open_ledger
from docproc.reading import Reason, Record, Verdict
from docproc.report.wording import second
from docproc.review.keying import open_keying_session
from docproc.review.session import open_session
from docproc.tables import make_tables


def status(folder: Path) -> str:
    return CliRunner().invoke(app, ["status", str(folder)], catch_exceptions=False).output


def told(folder: Path) -> Any:
    return json.loads(CliRunner().invoke(app, ["status", str(folder), "--json"], catch_exceptions=False).output)


def batch(folder: Path, *, tables: bool = True, **settings: Any) -> Path:
    """Of two pages, the first with two doubtful fields and one accepted, the second not laid on its form."""
    with open_ledger(folder, settings={"folder": "", "templates": [], **settings}) as ledger:
        ledger.enter([entry(1), entry(2)])
        first, second = ledger.waiting()
        amount = replace(record(first.ref, crop_png=b"").fields[0], reasons=(Reason.LOW_CONFIDENCE,))
        sure = replace(amount, name="sure", verdict=Verdict.ACCEPTED, reasons=(), confidence=0.99)
        unread = replace(amount, text="", box_px=None, reasons=(Reason.REGISTRATION,))
        pages = (
            Record(first.ref, "", "", "", (amount, replace(amount, name="other"), sure), Verdict.REVIEW),
            Record(second.ref, "", "", "", (unread,), Verdict.REVIEW, (Reason.REGISTRATION,)),
        )
        for page, kept in zip((first, second), pages, strict=True):
            ledger.started([page.id])
            ledger.keep(page.id, kept)
        if tables:
            make_tables(ledger, folder, review_below=settings.get("review_below"))
    return folder


def test_what_is_left_to_look_at_is_said_and_as_of_when(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", review_below=0.95)
    (as_of,) = [line.partition(", as of ")[2] for line in status(folder).splitlines() if ", as of " in line]
    assert f"to look at: 2 fields and 1 whole page, as of {as_of}\n" in status(folder)
    assert re.search(
        r"^run 1 began \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, ended \S+ \S+ UTC$", status(folder), re.MULTILINE
    )
    assert "accepted: fields of a confidence of 0.95 and more\n" in status(folder)
    left = told(folder)["review"]["to_look_at"]
    assert second(left["as_of"]) == as_of
    assert left == {
        "as_of": left["as_of"], "fields": 2, "pages": 1, "unreadable": 0, "answers_since": 0, "pages_since": 0,
        "review_below": 0.95, "expected_error": None,
    }  # fmt: skip


def test_the_review_tells_what_it_has_left_and_who_has_done_what(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out")
    key = ("000001.png", 0, "amount")
    with open_session(folder, who="ana") as session:
        session.say("one", "ana", key, "71", Verdict.ACCEPTED, 0)
        session.say("two", "ben", (*key[:2], "other"), "", Verdict.REJECTED, 0)
        assert "2 fields and 1 whole page, as of" in status(folder)
        assert "; 2 answers more since\n" in status(folder)
    assert "to look at: 1 whole page, as of" in status(folder)
    assert "unreadable: 1 field, given up by people\n" in status(folder)
    assert "ana: 1 corrected\nben: 1 found unreadable\n" in status(folder)
    assert told(folder)["review"]["people"] == [
        {"who": "ana", "corrected": 1, "confirmed": 0, "unreadable": 0},
        {"who": "ben", "corrected": 0, "confirmed": 0, "unreadable": 1},
    ]
    with open_session(folder, who="ana") as session:
        session.say("one", "ana", ("000002.png", 0, ""), "", Verdict.ACCEPTED, 0)
    assert "to look at: nothing, as of" in status(folder)


def test_fields_that_were_keyed_unseen_are_counted_once_and_twice(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out")
    with open_keying_session(folder, ["*"], who="ana") as session:
        for who, field in (("ana", "amount"), ("ben", "amount"), ("ana", "other"), ("ana", "sure")):
            session.say(who, who, ("000001.png", 0, field), "71", Verdict.ACCEPTED, 0)
        session.take_back("ana", "ana", ("000001.png", 0, "sure"), 0)
    assert "keyed unseen: 2 fields, 1 of them by two persons\nana and ben: 1 corrected\n" in status(folder)
    assert [told(folder)["review"][name] for name in ("keyed", "keyed_twice")] == [2, 1]


def test_fields_that_an_audit_has_drawn_are_counted_among_the_others(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out")
    drawn = Drawn("000001.png", 0, "sha-1", 2, "sure", "17", b"")
    add_audit(folder, [drawn], after=0, seed=1, accepted=1, bound=None, review_below=None, last_reading=2)
    before = told(folder)["review"]["to_look_at"]  # by tables that are older than the audit
    exported = CliRunner().invoke(app, ["export", str(folder), "--to", str(tmp_path / "a.csv")]).output
    assert "Still to be looked at: 3 fields and 1 whole page; see" in exported
    with open_session(folder, who="ana") as session:
        assert session.left() == 4
        number = session.say("one", "ana", ("000001.png", 0, "amount"), "71", Verdict.ACCEPTED, 0)
        session.take_back("one", "ana", ("000001.png", 0, "amount"), number)
    after = told(folder)["review"]["to_look_at"]
    assert [(one["fields"], one["pages"]) for one in (before, after)] == [(3, 1), (3, 1)]
    assert after["as_of"] > before["as_of"]


def test_before_tables_are_made_it_is_said_that_nothing_is_known_yet(tmp_path: Path) -> None:
    folder = batch(tmp_path / "out", tables=False)
    assert "to look at: known once the tables are made, at the end of a run\n" in status(folder)
    assert told(folder)["review"]["to_look_at"] is None


@pytest.mark.parametrize(("confidence", "expected"), [(0.999, "0.10"), (0.5, "0.00")])
def test_the_target_and_what_it_is_kept_to_are_said(tmp_path: Path, confidence: float, expected: str) -> None:
    folder = tmp_path / "out"
    with open_ledger(folder, settings={"target_error": 0.005}) as ledger:
        ledger.enter([entry(1)])
        (page,) = ledger.waiting()
        ledger.started([page.id])
        sure = replace(
            record(page.ref).fields[0], verdict=Verdict.ACCEPTED, reasons=(), confidence=confidence, crop_png=b""
        )
        ledger.keep(page.id, Record(page.ref, "", "", "", (sure,), Verdict.ACCEPTED))
        make_tables(ledger, folder)
    line = f"target: at most 0.5% of the accepted fields wrong; as far as is known, {expected}% are\n"
    assert line in status(folder)
    assert told(folder)["review"]["target_error"] == 0.005
