"""One page, from pixels to a record."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from docproc.character.card import CLASSES
from docproc.decision import Policy
from docproc.export.legend import in_words
from docproc.page import Page, PageRef
from docproc.pipeline import read_page
from docproc.reading import Reason, Verdict
from docproc.report.reasons import kind_of
from docproc.template import Template

POLICY = Policy(review_below=0.9)


@dataclass(frozen=True)
class Card:
    classes: tuple[str, ...] = CLASSES


class WidthReader:
    """Plays the recognizer: what is narrow is a 1, what is wide is a 0; of both it is sure."""

    card = Card()
    digest = "width"

    def recognize(self, glyphs):
        chances = np.full((len(glyphs), len(CLASSES)), 0.001)
        for row, glyph in zip(chances, glyphs, strict=True):
            columns = np.flatnonzero((glyph > 100).any(axis=0))
            row[CLASSES.index("1" if np.ptp(columns) < 9 else "0")] = 1 - 0.001 * (len(CLASSES) - 1)
        return chances


FORM = {
    "name": "slip",
    "page": {"width_mm": 200, "height_mm": 280},
    "fiducials": [{"box": box} for box in ([8, 8, 8, 8], [184, 8, 8, 8], [8, 264, 8, 8], [184, 264, 8, 8])],
    "fields": [
        {"name": "number", "kind": "comb", "box": [40, 60, 48, 12], "cells": 4, "required": True},
        {"name": "amount", "kind": "free", "box": [110, 60, 50, 12]},
        {"name": "code", "kind": "cell", "box": [40, 100, 12, 12], "required": True},
    ],
}


def template(**changes) -> Template:
    return Template.model_validate({**FORM, **changes})


def filled(*, code: bool = True) -> np.ndarray:
    """The slip at 5 px/mm with number 0_1, amount 01 and code 1 written on it."""
    paper = np.full((1400, 1000), 245, np.uint8)

    def rectangle(left, top, width, height, value, thickness):
        cv2.rectangle(
            paper, (left * 5, top * 5), ((left + width) * 5, (top + height) * 5), value, thickness, cv2.LINE_AA
        )

    for fiducial in FORM["fiducials"]:
        rectangle(*fiducial["box"], 10, -1)
    for cell in range(4):
        rectangle(40 + 12 * cell, 60, 12, 12, 60, 2)
    rectangle(110, 60, 50, 12, 60, 2)
    rectangle(40, 100, 12, 12, 60, 2)
    rectangle(30, 140, 140, 80, 60, 2)

    def zero(x, y):
        cv2.ellipse(paper, (x * 5, y * 5), (13, 20), 0, 0, 360, 20, 4, cv2.LINE_AA)

    def one(x, y):
        cv2.line(paper, (x * 5, y * 5 - 20), (x * 5, y * 5 + 20), 20, 4, cv2.LINE_AA)

    zero(58, 66)
    one(70, 66)
    zero(82, 66)
    zero(120, 66)
    one(130, 66)
    if code:
        one(46, 106)
    return paper


def read(pixels: np.ndarray, templates=(), **options):
    page = Page(PageRef("slip.png", "slip.png", 0, "0"), pixels, None)
    return read_page(page, templates, WidthReader(), POLICY, **options)


class DoubtfulReader(WidthReader):
    """Is not sure whether what is narrow is a 1 or a 7."""

    def __init__(self, **ones):
        self.chances = {"1": ones["one"], "7": ones["seven"]}

    def recognize(self, glyphs):
        chances = super().recognize(glyphs)
        narrow = chances[:, CLASSES.index("1")] > 0.5
        for digit, chance in self.chances.items():
            chances[narrow, CLASSES.index(digit)] = chance
        return chances


def read_under(rule, reader):
    page = Page(PageRef("slip.png", "slip.png", 0, "0"), filled(), None)
    return by_name(read_page(page, [template(rules=[{"name": "r", **rule}])], reader, POLICY))


def by_name(record):
    return {reading.name: reading for reading in record.fields}


def test_a_page_is_read_through_its_template():
    record = read(filled(), [template()])
    fields = by_name(record)
    assert {name: reading.text for name, reading in fields.items()} == {"number": "010", "amount": "01", "code": "1"}
    assert fields["number"].verdict is fields["code"].verdict is Verdict.ACCEPTED
    assert record.residual_mm < 0.5


def test_an_equal_page_gives_an_equal_record():
    assert read(filled(), [template()]) == read(filled(), [template()])


def test_fields_stand_where_they_are_on_the_page():
    box = by_name(read(filled(), [template()]))["number"].box_px
    assert (box.left, box.top) == pytest.approx((200, 300), abs=4)
    assert (box.width, box.height) == pytest.approx((240, 60), abs=5)


def test_a_required_field_that_is_blank_goes_to_review():
    reading = by_name(read(filled(code=False), [template()]))["code"]
    assert (reading.text, reading.verdict) == ("", Verdict.REVIEW)
    assert Reason.BLANK_REQUIRED in reading.reasons


def test_a_field_to_review_brings_its_picture_and_an_accepted_one_none():
    fields = by_name(read(filled(code=False), [template()]))
    assert fields["code"].crop_png.startswith(b"\x89PNG")
    assert fields["number"].crop_png == b""


def test_a_value_that_won_by_its_own_rule_goes_to_review_and_says_what_the_ink_reads():
    fields = [field | {"rules": {"min": 5}} if field["name"] == "code" else field for field in FORM["fields"]]
    page = Page(PageRef("slip.png", "slip.png", 0, "0"), filled(), None)
    doubtful = DoubtfulReader(one=0.55, seven=0.44)
    code = by_name(read_page(page, [template(fields=fields)], doubtful, Policy(review_below=0.5)))["code"]
    assert (code.text, code.verdict, code.reasons) == ("7", Verdict.REVIEW, ("rule:min changed 1 to 7",))
    assert in_words(code.reasons[0]) == (
        "By its ink alone the field reads 1. The value is smaller than the template allows. "
        "7 is the likeliest value that keeps the rule."
    )
    assert kind_of(code.reasons[0]) == "rule:min"


def test_a_unique_field_keeps_its_picture_for_a_page_that_has_the_same_value():
    fields = [{**field, "unique": field["name"] == "number"} for field in FORM["fields"]]
    number = by_name(read(filled(), [template(fields=fields)]))["number"]
    assert (number.verdict, number.crop_png[:4]) == (Verdict.ACCEPTED, b"\x89PNG")


def test_another_page_gives_no_values_but_the_reason():
    rng = np.random.default_rng(5)
    record = read(rng.integers(0, 255, (1400, 1000), dtype=np.uint8), [template()])
    assert record.reasons == (Reason.REGISTRATION,)
    assert [(reading.text, reading.verdict) for reading in record.fields] == [("", Verdict.REVIEW)] * 3


def test_of_several_templates_the_one_that_fits_is_taken():
    elsewhere = [{"box": [left, top, 8, 8]} for left, top in ((8, 8), (120, 8), (60, 200), (184, 264))]
    other = template(name="other", fiducials=elsewhere)
    assert read(filled(), [other, template()]).template == "slip"


def test_without_a_template_written_fields_are_found_and_named_by_row_and_column():
    record = read(filled())
    assert "010" in {reading.text for reading in record.fields}
    assert all(reading.name.startswith("r") for reading in record.fields)


def test_a_whole_image_is_one_field():
    crop = filled()[305:355, 560:700]
    record = read(crop, whole_image=True)
    assert [(reading.name, reading.text) for reading in record.fields] == [("value", "01")]


def test_an_empty_page_without_a_template_goes_to_review():
    record = read(np.full((800, 600), 245, np.uint8))
    assert (record.fields, record.reasons, record.verdict) == ((), (Reason.NO_FIELDS,), Verdict.REVIEW)


def test_a_trace_sees_every_stage_of_every_field():
    class Watcher:
        def __init__(self):
            self.seen = set()

        def picture(self, stage, image, *, field=""):
            self.seen.add((field, stage))

        def note(self, text, *, field=""):
            self.seen.add((field, "note"))

    watcher = Watcher()
    read(filled(), [template()], trace=watcher)
    for field in ("number", "amount", "code"):
        assert {
            (field, stage) for stage in ("1-cut", "2-darkness", "3-ink", "4-without-rules", "5-glyph-00", "note")
        } <= watcher.seen


def test_a_rule_between_fields_decides_between_two_readings_and_says_so():
    number = read_under({"check": "number == 10"}, DoubtfulReader(one=0.38, seven=0.6))["number"]
    assert (number.text, number.verdict, number.reasons) == ("010", Verdict.ACCEPTED, ("rule:r changed 070 to 010",))
    assert "070" in dict(number.alternatives)
    assert number.characters == ()


def test_what_a_rule_changes_against_sure_ink_is_looked_at():
    number = read_under({"check": "number == 70", "trust": 0.999}, DoubtfulReader(one=0.95, seven=0.04))["number"]
    assert (number.text, number.verdict) == ("070", Verdict.REVIEW)
    assert number.reasons == ("rule:r changed 010 to 070", "rule:r")


def test_what_a_rule_changes_to_a_value_that_the_field_may_not_have_is_looked_at():
    fields = [{**field, "rules": {"max": 50}} if field["name"] == "number" else field for field in FORM["fields"]]
    form = template(fields=fields, rules=[{"name": "r", "check": "number == 70", "trust": 0.99999}])
    page = Page(PageRef("slip.png", "slip.png", 0, "0"), filled(), None)
    number = by_name(read_page(page, [form], DoubtfulReader(one=0.5, seven=0.49), POLICY))["number"]
    assert (number.text, number.verdict) == ("070", Verdict.REVIEW)
    assert "rule:max" in number.reasons


def test_fields_that_contradict_each_other_are_all_looked_at_and_no_others():
    fields = read_under({"check": "code == amount + 5"}, WidthReader())
    assert {name: reading.text for name, reading in fields.items()} == {"number": "010", "amount": "01", "code": "1"}
    assert {name for name, reading in fields.items() if "rule:r" in reading.reasons} == {"amount", "code"}
    assert fields["amount"].verdict is fields["code"].verdict is Verdict.REVIEW
    assert fields["code"].crop_png[:4] == b"\x89PNG"
    assert fields["number"].verdict is Verdict.ACCEPTED


def test_a_rule_that_speaks_of_nothing_written_changes_nothing():
    plain = by_name(read(filled(code=False), [template()]))
    ruled = by_name(read(filled(code=False), [template(rules=[{"name": "r", "check": "code == amount + 5"}])]))
    assert [(one.text, one.verdict, one.reasons) for one in plain.values()] == [
        (one.text, one.verdict, one.reasons) for one in ruled.values()
    ]


def test_each_character_has_its_place_on_the_page_however_that_lies():
    straight = {field.name: field.characters for field in read(filled(), [template()]).fields}
    blank, *_, last = straight["number"]
    assert blank.corners_px == ()
    assert last.corners_px == pytest.approx(np.array([(397, 310), (423, 310), (397, 350)]), abs=5)
    turned = cv2.getRotationMatrix2D((500, 700), 4, 1)
    page = cv2.warpAffine(filled(), turned, (1000, 1400), borderValue=245)
    for field in read(page, [template()]).fields:
        for before, after in zip(straight[field.name], field.characters, strict=True):
            expected = np.array(before.corners_px).reshape(-1, 2) @ turned[:, :2].T + turned[:, 2]
            assert np.abs(expected - np.array(after.corners_px).reshape(-1, 2)).max(initial=0) < 8
