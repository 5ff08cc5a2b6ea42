"""Records to text and back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from docproc.geometry import Box
from docproc.ledger.records import as_page, characters_to_json, crops_of, from_json, to_json
from docproc.page import PageRef
from docproc.reading import CharacterReading, FieldReading, Reason, Record, Verdict

words = st.text(st.characters(), max_size=8)  # with lone surrogates, as paths have them
numbers = st.floats(allow_nan=False) | st.integers(-5, 5000)
chances = st.lists(st.tuples(words, numbers), max_size=3).map(tuple)
reasons = st.lists(st.sampled_from(Reason) | words, max_size=3).map(tuple)
verdicts = st.sampled_from(Verdict)
corners = st.just(()) | st.tuples(*[st.tuples(st.integers(), st.integers())] * 3)
characters = st.builds(CharacterReading, words, numbers, chances, words, corners)
fields = st.builds(
    FieldReading,
    name=words,
    text=words,
    confidence=numbers,
    verdict=verdicts,
    reasons=reasons,
    alternatives=chances,
    characters=st.lists(characters, max_size=3).map(tuple),
    box_px=st.none() | st.builds(Box, numbers, numbers, numbers, numbers),
    crop_png=st.binary(max_size=8),
)
refs = st.builds(PageRef, words, words, st.integers(0, 9), words)
records = st.builds(
    Record,
    ref=refs,
    template=words,
    template_digest=words,
    model_digest=words,
    fields=st.lists(fields, max_size=3).map(tuple),
    verdict=verdicts,
    reasons=reasons,
    residual_mm=st.none() | numbers,
    detail=words,
)


@given(records)
def test_a_record_comes_back_equal_and_with_its_own_types(record):
    back = from_json(to_json(record), characters_to_json(record), crops_of(record))
    assert back == record
    assert isinstance(back.verdict, Verdict)
    assert hash(back) == hash(record)


@given(records)
def test_a_record_is_ascii_json_without_its_pictures(record):
    told = json.loads(to_json(record).encode("ascii"))
    assert "crop_png" not in json.dumps(told)
    assert [place for place, field in enumerate(record.fields) if field.crop_png] == list(crops_of(record))


@given(records)
def test_a_record_without_its_characters_is_else_the_same(record):
    fields = tuple(replace(reading, characters=()) for reading in record.fields)
    assert from_json(to_json(record), "", crops_of(record)) == replace(record, fields=fields)


def without_corners(record):
    """As records were before characters had a place."""

    def of(reading):
        return replace(reading, characters=tuple(replace(one, corners_px=()) for one in reading.characters))

    return replace(record, fields=tuple(map(of, record.fields)))


@given(records)
def test_a_record_of_the_first_schema_has_its_characters_in_its_fields(record):
    told = json.loads(to_json(record))
    names = ("digit", "confidence", "alternatives", "mark")
    for field, characters in zip(told["fields"], json.loads(characters_to_json(record)), strict=True):
        field["characters"] = [dict(zip(names, one[:4], strict=True)) for one in characters]
    assert from_json(json.dumps(told), "", crops_of(record)) == without_corners(record)


@given(records)
def test_characters_that_were_kept_without_a_place_have_none(record):
    kept = [[one[:4] for one in field] for field in json.loads(characters_to_json(record))]
    assert from_json(to_json(record), json.dumps(kept), crops_of(record)) == without_corners(record)


def test_numbers_out_of_arrays_are_kept():
    box = Box(np.float32(0.1), np.float64(0.1), np.int64(3), 4)
    reading = FieldReading("a", "1", np.float32(0.3), Verdict.ACCEPTED, box_px=box)
    record = Record(PageRef("a.png", "a.png", 0, "0"), "", "", "", (reading,), Verdict.ACCEPTED)
    assert from_json(to_json(record), "", {}) == record


@given(records, refs)
def test_an_equal_page_has_the_record_under_its_own_name(record, ref):
    own = as_page(record, ref)
    assert own.ref == ref
    assert as_page(own, record.ref) == record


def test_a_copy_of_an_earlier_page_goes_to_review_and_says_of_which():
    reading = FieldReading("a", "1", 0.99, Verdict.ACCEPTED)
    record = Record(PageRef("a.png", "a.png", 0, "0"), "", "", "", (reading,), Verdict.ACCEPTED)
    ref = PageRef("b.png", "b.png", 0, "0")
    copy = as_page(record, ref, duplicate_of="a.png")
    assert (copy.verdict, copy.reasons) == (Verdict.REVIEW, ("duplicate_of:a.png",))
    assert (copy.fields[0].verdict, copy.fields[0].reasons) == (Verdict.REVIEW, ("duplicate_of:a.png",))
    assert as_page(copy, ref, duplicate_of="a.png") == copy
