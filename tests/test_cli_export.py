"""`docproc export` and `docproc history`: what they print, and what they exit with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from exported import a_batch, rows_of
from typer.testing import CliRunner
from written import a_reading, a_record

from docproc.cli import app
from docproc.errors import OutputError
from docproc.history import history_of
from docproc.ledger import Keying, open_corrections, open_keyings, open_ledger
from docproc.page import Unreadable
from docproc.reading import Correction, Verdict, changed_by

CHANGED = changed_by("added", "17", "12")
DOUBTFUL = a_reading(
    "amount", "12", Verdict.REVIEW, confidence=0.5, reasons=("gap", CHANGED), alternatives=(("72", 0.1), ("", 0.05))
)
PAGE = a_record("", DOUBTFUL, a_reading("sum", "19"))
BROKEN = Unreadable("000002.png", 1, "000002.png: it is damaged.", "Scan it again.")


def test_an_export_says_what_is_in_the_file_and_what_is_still_to_be_looked_at(tmp_path: Path) -> None:
    folder, to = a_batch(tmp_path / "out", PAGE), tmp_path / "a.csv"
    result = CliRunner().invoke(app, ["export", str(folder), "--to", str(to), "--long", "--provenance"])
    assert result.exit_code == 0
    assert result.output == (
        f"{to}: 1 page, 2 fields\nStill to be looked at: 1 field; see `docproc review --help`.\n"
    )
    assert [(row["field"], row["model_digest"]) for row in rows_of(to)] == [("amount", "m"), ("sum", "m")]


def test_pages_that_could_not_be_read_exit_with_10(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE, BROKEN)
    result = CliRunner().invoke(app, ["export", str(folder), "--to", str(tmp_path / "a.json")])
    assert result.exit_code == 10
    assert "Could not be read: 1. See errors.csv" in result.output
    assert len(rows_of(tmp_path / "a.json")) == 2


def test_an_export_into_a_folder_that_is_not_there_makes_none(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE)
    result = CliRunner().invoke(app, ["export", str(folder), "--to", str(tmp_path / "typo" / "a.csv")])
    assert isinstance(result.exception, OutputError)
    assert result.exception.message.endswith(f"the folder {tmp_path / 'typo'} is not there.")
    assert not (tmp_path / "typo").exists()


def test_an_export_to_a_url_is_a_call_that_cannot_be_meant(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", str(tmp_path), "--to", "s3://bucket/a.csv"])
    assert result.exit_code == 2
    assert "a file on this machine" in result.output


def test_the_help_of_export_teaches_by_examples_and_names_every_format() -> None:
    help_text = CliRunner().invoke(app, ["export", "--help"]).output
    assert help_text.count("docproc export ") >= 6
    for word in (".csv", ".xlsx", ".json", ".jsonl", ".parquet", ".sqlite", "--partial", "--replace", "--provenance"):
        assert word in help_text


def test_a_history_is_told_in_lines_for_people(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE)
    with open_corrections(folder) as corrections:
        first = Correction("12", "72", Verdict.ACCEPTED, "ana")
        number = corrections.add("000001.png", 0, "amount", first, after=0).number
        same = Correction("72", "72", Verdict.ACCEPTED, "ben")
        corrections.add("000001.png", 0, "amount", same, after=number)
    lines = CliRunner().invoke(app, ["history", str(folder), "000001.png", "amount"]).output.splitlines()
    assert lines[:3] == ["amount of 000001.png, page 1", "", "Now: 72, accepted, confidence 1.000000"]
    assert "  confirmed: A person has looked, and says as was read." in lines
    (read,) = (line for line in lines if " read by run 1 (docproc " in line)
    assert read.startswith("  20") and " UTC  read by run 1" in read
    at = lines.index("Reading:")
    assert lines[at + 1 : at + 6] == [
        "  with template slip (t), model m",
        "  value 12, review, confidence 0.500000",
        "  or else 72=0.1000, blank=0.0500",
        "  gap: A blank box lies between filled ones.",
        f"  {CHANGED}: Reads 17 by itself, and 12 with the fields that rule added ties it to.",
    ]
    assert [line.partition(" UTC  ")[2] for line in lines[-2:]] == [
        "ana changes 12 to 72",
        "ben says that 72 is right",
    ]


def test_what_nobody_can_read_is_no_blank_in_a_history(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", a_record("", a_reading("amount", "", Verdict.REJECTED, confidence=0.0)))
    with open_corrections(folder) as corrections:
        number = 0
        for old, new, verdict in (
            ("", "", "rejected"),
            ("", "", "accepted"),
            ("", "", "rejected"),
            ("", "7", "accepted"),
        ):
            said = Correction(old, new, Verdict(verdict), "ana")
            number = corrections.add("000001.png", 0, "amount", said, after=number).number
        corrections.add("000001.png", 0, "amount", Correction("7", "", Verdict.REVIEW, "ana"), after=number)
    history = ["history", str(folder), "000001.png", "amount"]
    lines = CliRunner().invoke(app, history).output.splitlines()
    assert "  value nothing usable, rejected, confidence 0.000000" in lines
    assert [line.partition(" UTC  ")[2] for line in lines[-5:]] == [
        "ana cannot read it, was nothing usable",
        "ana changes unreadable to blank",
        "ana cannot read it, was blank",
        "ana changes unreadable to 7",
        "ana takes back: 7 is nothing usable again, and to be looked at",
    ]
    assert lines[2] == "Now: nothing usable, rejected, confidence 0.000000"
    with open_corrections(folder) as corrections:
        corrections.add("000001.png", 0, "amount", Correction("", "", Verdict.REJECTED, "ben"), after=number + 1)
    assert CliRunner().invoke(app, history).output.splitlines()[2] == "Now: unreadable, rejected, confidence 0.000000"


def test_keyings_stand_among_the_words_and_what_is_still_to_come_of_them_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(f"2026-11-26T08:00:{second:02}.000+00:00" for second in range(60))
    for module in ("keyings", "corrections"):  # nobody answers twice in a millisecond
        monkeypatch.setattr(f"docproc.ledger.{module}.now", lambda: next(times))
    folder = a_batch(tmp_path / "out", PAGE)
    place, history = ("000001.png", 0, "amount"), ["history", str(folder), "000001.png", "amount"]

    def told(count: int) -> list[str]:
        lines = CliRunner().invoke(app, history).output.splitlines()[-count:]
        return [line.partition(" UTC  ")[2] or line for line in lines]

    with open_keyings(folder) as keyings:
        keyings.key(place, "12", Keying("72", Verdict.ACCEPTED, "ana"))
        once = ["ana keys 72, without seeing what was read", "  Keyed once: another person is to key it, too."]
        assert told(2) == once
        keyings.key(place, "12", Keying("", Verdict.REJECTED, "ben"))
        assert told(2) == [
            "ben cannot read it, without seeing what was read",
            "  Keyed twice: a third look is to decide.",
        ]
        keyings.add(*place, Correction("12", "72", Verdict.ACCEPTED, "eva"), after=0)
        keyings.take_back(place, "72", "12", "ben", after=1)
        keyings.take_back(place, "12", "12", "ben", after=2)
        keyings.key(place, "12", Keying("72", Verdict.ACCEPTED, "dan"))
    assert told(5) == [
        "eva changes 12 to 72",
        "ben takes back: 72 is 12 again, and to be looked at",
        "ben takes back what was keyed",
        "dan keys 72, without seeing what was read",
        "ana and dan change 12 to 72",
    ]
    output = json.loads(CliRunner().invoke(app, [*history, "--json"]).output)
    assert [(one["who"], one["value"], one["status"]) for one in output["keyings"]] == [
        ("ana", "72", "accepted"), ("ben", "", "rejected"), ("ben", "", "review"), ("dan", "72", "accepted"),
    ]  # fmt: skip


def test_the_reading_has_the_time_at_which_it_came_back_and_not_that_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(f"2026-11-26T08:00:{second:02}.000+00:00" for second in range(60))
    monkeypatch.setattr("docproc.ledger.rows.now", lambda: next(times))
    folder = a_batch(tmp_path / "out", PAGE)
    (attempt,) = history_of(folder, "000001.png", "amount").past.attempts
    assert attempt.began < str(attempt.ended)
    output = CliRunner().invoke(app, ["history", str(folder), "000001.png", "amount"]).output
    assert f"  2026-11-26 {str(attempt.ended)[11:19]} UTC  read by run 1" in output


def test_a_history_is_told_as_one_object_for_programs(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE)
    with open_corrections(folder) as corrections:
        said = Correction("12", "72", Verdict.ACCEPTED, "ana")
        at = corrections.add("000001.png", 0, "amount", said, after=0).at
    told = json.loads(CliRunner().invoke(app, ["history", str(folder), "000001.png", "amount", "--json"]).output)
    assert (told["source"], told["page"], told["field"], told["sha256"]) == ("000001.png", 1, "amount", "sha-1")
    assert (told["now"]["value"], told["now"]["status"]) == ("72", "accepted")
    assert told["readings"][0]["field"]["alternatives"] == [
        {"value": "72", "chance": 0.1},
        {"value": "", "chance": 0.05},
    ]
    assert told["attempts"][0]["run"] == 1
    assert told["words"] == [
        {"field": "amount", "at": at, "who": "ana", "old": "12", "new": "72", "status": "accepted",
         "is_of_this_scan": True}
    ]  # fmt: skip


def test_the_history_of_a_page_that_could_not_be_read_says_why(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", PAGE, BROKEN)
    lines = CliRunner().invoke(app, ["history", str(folder), "000002.png", "amount"]).output.splitlines()
    assert lines[2:4] == ["Now: the page could not be read", f"  {BROKEN.message} {BROKEN.remedy}"]
    assert f"could not be read ({BROKEN.message}) by run 1 " in lines[6]
    assert lines[-1] == "No reviewer has said anything of it."


def test_the_history_of_a_file_that_could_not_be_opened_has_no_page(tmp_path: Path) -> None:
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([Unreadable("a.pdf", None, "a.pdf: it is empty.", "Copy it again.")])
    output = CliRunner().invoke(app, ["history", str(tmp_path), "a.pdf", "amount"]).output
    assert output.splitlines()[:4] == [
        "amount of a.pdf", "", "Now: the page could not be read", "  a.pdf: it is empty. Copy it again.",
    ]  # fmt: skip
    told = CliRunner().invoke(app, ["history", str(tmp_path), "a.pdf", "amount", "--page", "1", "--json"]).output
    assert (json.loads(told)["page"], json.loads(told)["state"]) == (None, "failed")
