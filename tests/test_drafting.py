"""What filled pages say about proposed fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from docproc.character.recognizer import load_recognizer
from docproc.drafting import Filled, Use, judged, look_at
from docproc.form.proposal import Proposed
from docproc.geometry import Box
from docproc.page import Unreadable, read_pages
from docproc.reading import CharacterReading, FieldReading, Verdict
from docproc.template import Field, load_template

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def field(name: str, *, width: float = 20, doubt: str = "") -> Proposed:
    return Proposed(Field(name=name, kind="free", box=Box(10, 10, width, 8)), doubt)


def test_fields_with_digits_stay_and_lose_their_doubt() -> None:
    filled = Filled(4, {"a": Use(3, 12, 10)}, ())
    kept, left_out = judged([field("a", doubt="over a line, without a box")], filled)
    assert [(one.field.name, one.doubt) for one in kept] == [("a", "")]
    assert left_out == ()


def test_fields_for_words_and_unused_ones_are_left_out_and_named() -> None:
    filled = Filled(4, {"a": Use(4, 20, 20), "name": Use(4, 30, 3), "office": Use()}, ())
    kept, left_out = judged([field("a"), field("name", width=60), field("office", width=40)], filled)
    assert [one.field.name for one in kept] == ["a"]
    assert left_out == (
        "1 fields that nobody wrote in on 4 pages: office",
        "1 fields in which words are written: name",
    )


def test_an_unused_field_among_used_ones_of_its_kind_stays() -> None:
    filled = Filled(4, {"row_1": Use(4, 8, 8), "row_2": Use()}, ())
    kept, _ = judged([field("row_1"), field("row_2")], filled)
    assert [(one.field.name, one.doubt) for one in kept] == [("row_1", ""), ("row_2", "nobody wrote in it")]


def test_of_few_pages_nothing_is_concluded_but_doubt() -> None:
    filled = Filled(2, {"a": Use(), "b": Use(2, 10, 1)}, ())
    kept, left_out = judged([field("a", width=30, doubt="something is printed in it"), field("b")], filled)
    assert [one.doubt for one in kept] == [
        "something is printed in it; nobody wrote in it",
        "words are written in it",
    ]
    assert left_out == ()


@pytest.mark.parametrize(
    ("characters", "use"),
    [
        ((), Use()),
        ((CharacterReading("", 1.0),), Use()),
        ((CharacterReading("7", 0.99), CharacterReading("", 1.0), CharacterReading("1", 0.5)), Use(1, 2, 1)),
        ((CharacterReading("", 0.9, mark="other"),), Use(1, 1, 0)),
    ],
)
def test_marks_and_digits_are_counted(characters: tuple[CharacterReading, ...], use: Use) -> None:
    assert Use().seen(FieldReading("a", "", 1.0, Verdict.REVIEW, characters=characters)) == use


def test_pages_of_the_form_are_looked_at_and_others_named() -> None:
    draft = load_template(SAMPLES / "deposit_slip" / "template.yaml")
    pages = [
        *read_pages([str(SAMPLES / "deposit_slip" / "pages" / "001.png")]),
        *read_pages([str(SAMPLES / "meter_reading" / "pages" / "001.png")]),
        Unreadable("x.png", 1, "x.png: no image", "Copy it anew"),
    ]
    filled = look_at(pages, draft, load_recognizer())
    assert filled.pages == 1
    assert filled.uses["account_number"] == Use(1, 12, filled.uses["account_number"].digits)
    assert filled.uses["account_number"].digits >= 10
    assert len(filled.passed_over) == 2
    assert filled.passed_over[0].startswith("001.png: ")
