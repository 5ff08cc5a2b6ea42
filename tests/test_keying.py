"""Two persons key a field without seeing what was read, and a third look decides where they differ."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flagged import flagged
from ledgers import entry, record
from served import Ask, asking, serving
from tiled import tiled

from docproc.errors import LedgerError
from docproc.ledger import LEDGER_NAME, Entry, open_ledger
from docproc.reading import Record, Verdict
from docproc.review.keying import open_keying_session
from docproc.review.server import application
from docproc.review.session import open_session

FIELD = "field 0"  # read as 04274


@contextmanager
def keying(folder: Path, *fields: str) -> Iterator[Ask]:
    with (
        open_keying_session(folder, fields or (FIELD,), who="ana") as session,
        serving(lambda port: application(session, port=port)) as port,
    ):
        yield asking(port, session.token)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return flagged(tmp_path, 12)


def taken(ask: Ask, who: str) -> list[dict[str, Any]]:
    status, told = ask("/take", {"reviewer": f"page of {who}", "who": who})
    assert status == 200
    return told["items"]


def say(ask: Ask, who: str, value: str, *, after: int = 0, path: str = "/say", **more: Any) -> tuple[int, Any]:
    key = ["001.png", 0, FIELD]
    body = {"reviewer": f"page of {who}", "who": who, "key": key, "after": after, "value": value, **more}
    return ask(path, body)


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / LEDGER_NAME)) as db:
        return db.execute(sql).fetchall()


def keyings(folder: Path) -> list[tuple[Any, ...]]:
    return rows(folder, "SELECT field, value, verdict, who FROM keyings ORDER BY id")


def corrections(folder: Path) -> list[tuple[Any, ...]]:
    return rows(folder, "SELECT field, old, new, verdict, who FROM corrections ORDER BY id")


def test_what_two_persons_key_alike_stands_and_a_first_keying_does_not(folder: Path) -> None:
    with keying(folder) as ask:
        taken(ask, "ana")
        assert say(ask, "ana", "04273")[0] == 200
        assert corrections(folder) == []
        assert taken(ask, "ana") == []
        assert [item["key"][2] for item in taken(ask, "ben")] == [FIELD]
        _, told = say(ask, "ben", "04273")
        assert (told["progress"]["left"], told["progress"]["done"]) == (0, 1)
    assert keyings(folder) == [(FIELD, "04273", "accepted", "ana"), (FIELD, "04273", "accepted", "ben")]
    assert corrections(folder) == [(FIELD, "04274", "04273", "accepted", "ana and ben")]


def test_who_keys_is_told_neither_what_was_read_nor_what_another_has_keyed(folder: Path) -> None:
    with keying(folder) as ask:
        first = taken(ask, "ana")
        say(ask, "ana", "90909")
        _, told = ask("/take", {"reviewer": "page of ben", "who": "ben"})
    assert told["items"] == first
    (item,) = told["items"]
    assert item.pop("crop").startswith("data:image/png;base64,iVBOR")
    assert item == {
        "key": ["001.png", 0, FIELD], "page": 1, "reasons": [], "detail": "", "after": 0, "whole": False,
        "value": "", "candidates": [], "sums": [], "on_page": False, "keyed": "blind",
    }  # fmt: skip
    assert not any(word in json.dumps(told) for word in ("04274", "04273", "90909", "ana"))


def test_where_two_differ_anybody_decides_seeing_both_without_their_names(folder: Path) -> None:
    with keying(folder) as ask:
        say(ask, "ana", "04275")
        say(ask, "ben", "", verdict="rejected")
        assert corrections(folder) == []
        ask("/leave", {"reviewer": "page of ben"})
        (item,) = taken(ask, "ana")
        assert item["keyed"] == "third"
        assert item["candidates"] == [
            {"value": "04274", "verdict": "accepted", "words": "as read"},
            {"value": "", "verdict": "rejected", "words": "keyed"},
            {"value": "04275", "verdict": "accepted", "words": "keyed"},
        ]
        assert not any(name in json.dumps(item) for name in ("ana", "ben"))
        _, told = say(ask, "ana", "04273")
        assert told["progress"]["left"] == 0
    assert corrections(folder) == [(FIELD, "04274", "04273", "accepted", "ana")]


def test_a_third_look_is_for_one_who_has_keyed_neither_as_long_as_there_is_one(folder: Path) -> None:
    with keying(folder) as ask:
        taken(ask, "ana")
        say(ask, "ana", "1")
        taken(ask, "ben")
        assert taken(ask, "eva") == []  # it is lent to ben
        assert say(ask, "ben", "2")[1]["items"] == []
        assert taken(ask, "ana") == []
        (item,) = taken(ask, "eva")
        assert (item["keyed"], item["reasons"]) == ("third", ["Two persons have keyed different values."])
        ask("/leave", {"reviewer": "page of eva"})
        (item,) = taken(ask, "ben")
        assert item["reasons"] == ["Two persons have keyed different values.", "One of the answers is yours."]
        assert taken(ask, "ana") == []
        assert ask("/take", {"reviewer": "new page of eva", "who": "eva"})[1]["items"] == []
        assert [one["key"] for one in taken(ask, "ben")] == [item["key"]]  # he has begun to decide
        assert say(ask, "ben", "1", after=item["after"])[0] == 200
    assert corrections(folder) == [(FIELD, "04274", "1", "accepted", "ben")]


def test_who_has_keyed_a_field_gets_its_third_look_after_all_that_is_left_to_key(folder: Path) -> None:
    with keying(folder, FIELD, "field 1") as ask:
        say(ask, "ana", "1")
        ask("/leave", {"reviewer": "page of ana"})
        say(ask, "ben", "2")
        assert [item["key"][2] for item in taken(ask, "ben")] == ["field 1"]
        key = ["001.png", 0, "field 1"]
        _, told = ask("/say", {"reviewer": "page of ben", "who": "ben", "key": key, "after": 0, "value": "3"})
        assert [(item["key"][2], item["keyed"]) for item in told["items"]] == [(FIELD, "third")]


def test_nobody_keys_a_field_twice_however_the_name_is_spelled(folder: Path) -> None:
    with keying(folder) as ask:
        taken(ask, "ana")
        say(ask, "ana", "04273")
        assert taken(ask, " Ana ") == []
        assert say(ask, "ANA", "04274")[0] == 409
        assert say(ask, "ana", "04273")[0] == 200  # an answer was lost on its way
    assert keyings(folder) == [(FIELD, "04273", "accepted", "ana")]


def test_an_answer_given_unseen_decides_nothing_where_two_have_keyed_meanwhile(folder: Path) -> None:
    with keying(folder) as ask:
        say(ask, "ana", "1")
        say(ask, "ben", "2")
        assert say(ask, "eva", "2")[0] == 409
    assert corrections(folder) == []


def test_what_was_keyed_is_there_after_a_restart(folder: Path) -> None:
    with keying(folder) as ask:
        say(ask, "ana", "1")
    with keying(folder) as ask:
        assert taken(ask, "ana") == []
        taken(ask, "ben")
        say(ask, "ben", "2")
    with keying(folder) as ask:
        (item,) = taken(ask, "ben")
        assert [one["value"] for one in item["candidates"]] == ["04274", "1", "2"]
        say(ask, "ben", "2")
    with keying(folder) as ask:
        assert taken(ask, "eva") == []
    assert corrections(folder) == [(FIELD, "04274", "2", "accepted", "ben")]


def test_a_keying_taken_back_is_keyed_anew_and_the_value_is_as_read_till_then(folder: Path) -> None:
    with keying(folder) as ask:
        say(ask, "ana", "04273")
        after = say(ask, "ben", "04273")[1]["after"]
        assert say(ask, "eva", "", after=after, path="/take-back")[0] == 409
        status, told = say(ask, "ben", "", after=after, path="/take-back")
        assert status == 200
        assert [item["keyed"] for item in told["items"]] == ["blind"]
        assert corrections(folder)[-1] == (FIELD, "04273", "04274", "review", "ben")
        say(ask, "eva", "04273")
    assert [row[2:] for row in keyings(folder)] == [
        ("accepted", "ana"), ("accepted", "ben"), ("review", "ben"), ("accepted", "eva"),
    ]  # fmt: skip
    assert corrections(folder)[-1] == (FIELD, "04274", "04273", "accepted", "ana and eva")


def test_a_third_look_is_taken_back_to_a_third_look_and_no_keying_can_be_once_both_were_shown(folder: Path) -> None:
    with keying(folder) as ask:
        say(ask, "ana", "1")
        say(ask, "ben", "2")
        ask("/leave", {"reviewer": "page of ben"})
        (item,) = taken(ask, "eva")
        assert say(ask, "ben", "", path="/take-back")[0] == 409
        after = say(ask, "eva", "2", after=item["after"])[1]["after"]
        _, told = say(ask, "eva", "", after=after, path="/take-back")
        assert [item["keyed"] for item in told["items"]] == ["third"]
        say(ask, "eva", "1", after=told["after"])
    assert [row[2:] for row in corrections(folder)] == [
        ("2", "accepted", "eva"), ("04274", "review", "eva"), ("1", "accepted", "eva"),
    ]  # fmt: skip
    assert len(keyings(folder)) == 2


def test_fields_are_chosen_by_names_with_wildcards_whatever_their_verdict(tmp_path: Path) -> None:
    page = entry(1).ref
    blank = record(page, crop_png=b"").fields[0]
    names = ("row1_total", "row2_total", "row1_a", "total")
    fields = tuple(replace(blank, name=name, verdict=Verdict.ACCEPTED, reasons=()) for name in names)
    with open_ledger(tmp_path, settings={}) as run:
        run.enter([Entry(page, "read")])
        (waiting,) = run.waiting()
        run.started([waiting.id])
        run.keep(waiting.id, Record(page, "", "", "", fields, Verdict.ACCEPTED))
    with open_keying_session(tmp_path, ("row*_total", "total"), who="ana") as session:
        told = session.take("one", 9, who="ana")
    assert [item["key"][2] for item in told["items"]] == ["row1_total", "row2_total", "total"]
    with (
        pytest.raises(LedgerError, match="No page of the batch has a field that is called row\\?_total"),
        open_keying_session(tmp_path, ("row?_total",), who="ana"),
    ):
        pass


def test_a_field_that_was_keyed_otherwise_than_read_is_to_review_until_it_is_decided(tmp_path: Path) -> None:
    folder = tiled(tmp_path, [[("174", "774", 0.99), ("22", "22", 0.99)]])
    key = ["001.png", 0, "f0"]

    def stands() -> list[tuple[str, str, str]]:
        with (folder / "fields.csv").open(encoding="utf-8", newline="") as file:
            return [(row["value"], row["status"], row["reasons"]) for row in csv.DictReader(file)]

    with keying(folder, "f*") as ask:
        for who, value in (("ana", "174"), ("ana", "22"), ("ben", "774")):
            (item, *_) = taken(ask, who)
            ask("/say", {"reviewer": f"page of {who}", "who": who, "key": item["key"], "after": 0, "value": value})
    assert stands() == [("774", "review", "keyed_otherwise"), ("22", "accepted", "")]
    with open_session(folder, who="carl") as session:
        assert [tuple(item["key"]) for item in session.take("one", 9)["items"]] == [tuple(key)]
    with keying(folder, "f*") as ask:
        (item,) = (one for one in taken(ask, "carl") if one["key"] == key)
        ask("/say", {"reviewer": "page of carl", "who": "carl", "key": key, "after": 0, "value": "174"})
    assert stands()[0] == ("174", "accepted", "corrected")
