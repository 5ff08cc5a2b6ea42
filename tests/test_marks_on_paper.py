"""What people write and forms print besides plain digits: each is drawn, by several hands, and read.

Each case names the code that it is there for, and is drawn twice: it is read, and with that code taken out it is not.
Digits are drawn in strokes, as `training.digits.styles` draws hands; the shipped recognizer reads them, alone, so
that what is proved is the field level's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import pytest

from docproc import fields
from docproc.character.recognizer import LiteRtRecognizer, load_recognizer
from docproc.decision import Policy
from docproc.field import segmentation, string
from docproc.field.interpretation import Marks
from docproc.fields import read_fields
from docproc.form.location import LocatedField
from docproc.geometry import Box, Transform
from docproc.page import Page, PageRef
from docproc.reading import FieldReading, Reason, Verdict
from docproc.template import Field
from docproc.training.digits.strokes import trim
from docproc.training.digits.styles import draw_digit, draw_hand

PX_PER_MM = 8
HANDS = range(8)
MOST, FEW = 6, 3  #: Of the hands: at least so many are read right with the code, and at most so many without.


@pytest.fixture(scope="module")
def recognizer() -> LiteRtRecognizer:
    return load_recognizer()


class Sheet:
    """A white page of 100 x 40 mm that somebody writes on with a black pen."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.hand = replace(
            draw_hand(self.rng), bend=0.0, widths=np.ones(10)
        )  # the field level is tried here, not the hand
        self.ink = np.zeros((40 * PX_PER_MM, 100 * PX_PER_MM), np.uint8)
        self.print_ = np.zeros_like(self.ink)
        self.right = 0.0

    def digits(self, text: str, *, x: float, y: float = 20, height: float = 7, gap: float = 1.6) -> list[Box]:
        """Write digits from x on, their middle at y, all in mm; gap is between them. Their boxes, in mm."""
        boxes = []
        for value in text:
            piece = trim(draw_digit(int(value), self.hand, self.rng))
            scale = height * PX_PER_MM / piece.shape[0]
            piece = cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
            left, top = round(x * PX_PER_MM), round((y - height / 2) * PX_PER_MM)
            target = self.ink[top : top + piece.shape[0], left : left + piece.shape[1]]
            np.maximum(target, piece, out=target)
            boxes.append(Box(x, y - height / 2, piece.shape[1] / PX_PER_MM, height))
            x = boxes[-1].right + gap
        return boxes

    def stroke(self, *points: tuple[float, float], width: float = 0.6) -> None:
        """A stroke through points in mm."""
        pixels = np.rint(np.array(points) * PX_PER_MM).astype(np.int32)
        cv2.polylines(self.ink, [pixels], False, 255, max(round(width * PX_PER_MM), 1), cv2.LINE_AA)

    def page(self, *, ink: float = 0.9) -> Page:
        covered = 1 - np.maximum(self.ink.astype(np.float64) * ink, self.print_) / 255
        return Page(PageRef("drawn", "drawn", 0, "0"), (250 * covered).astype(np.uint8), None)


FREE: Mapping[str, object] = {"name": "value", "kind": "free", "box": Box(4, 12, 92, 16)}


def read(page: Page, recognizer: LiteRtRecognizer, given: Mapping[str, object] = FREE) -> FieldReading:
    page_from_form = Transform.translation(-0.5, -0.5) @ Transform.scaling(PX_PER_MM)
    located = LocatedField(Field.model_validate(given), page_from_form, ruled=False)
    (reading,) = read_fields(page, [located], recognizer, Policy(review_below=0.9))
    return reading


@dataclass(frozen=True)
class Case:
    """Something on paper, what is to be read, and the code that it takes."""

    name: str
    expected: str
    draw: Callable[[Sheet], None]
    without: Callable[[pytest.MonkeyPatch], None]
    field: Mapping[str, object] = field(default_factory=lambda: FREE)
    ink: float = 0.9
    least: float = 0.5  #: Confidence: what is read, and as good as not believed, is not read.

    def read_right(self, recognizer: LiteRtRecognizer) -> int:
        """In how many hands, and not by chance."""
        count = 0
        for seed in HANDS:
            sheet = Sheet(seed)
            self.draw(sheet)
            reading = read(sheet.page(ink=self.ink), recognizer, self.field)
            count += reading.text == self.expected and reading.confidence >= self.least
        return count


def plain(sheet: Sheet) -> None:
    sheet.digits("2638", x=20)


def dash_apart(sheet: Sheet) -> None:
    sheet.stroke((6, 20.2), (18.6, 19.8))
    sheet.digits("2638", x=20)


def dash_touching(sheet: Sheet) -> None:
    sheet.stroke((6, 20.2), (20.7, 20.4))
    sheet.digits("6382", x=20)


def fillers(sheet: Sheet) -> None:
    right = sheet.digits("2638", x=20)[-1].right
    sheet.stroke((right + 2, 19), (right + 7, 18.8))
    sheet.stroke((right + 2, 21.2), (right + 7, 21))


def crosses(sheet: Sheet) -> None:
    for cell in (0, 1):
        left = 21 + 10 * cell
        sheet.stroke((left, 17), (left + 7, 24))
        sheet.stroke((left + 6.6, 16.6), (left + 0.4, 24.2))
    sheet.digits("7", x=42)


def barred_seven(sheet: Sheet) -> None:
    """Its bar stands a little apart: two strokes, one digit."""
    (two,) = sheet.digits("2", x=20)
    left = two.right + 2
    sheet.stroke((left, 17), (left + 4.4, 16.6), (left + 2.4, 23.6))
    sheet.stroke((left + 0.1, 20.4), (left + 2.3, 20.3), width=0.5)
    sheet.digits("38", x=left + 7)


def touching_pair(sheet: Sheet) -> None:
    (five,) = sheet.digits("5", x=16)
    first, second = sheet.digits("00", x=five.right + 2, gap=0.2)
    sheet.stroke((first.right - 0.5, 20), (second.left + 0.5, 20), width=0.4)
    sheet.digits("38", x=second.right + 2)


def broken_stroke(sheet: Sheet) -> None:
    """Broken across: halves of a zero that stand side by side could be two 1s."""
    _, zero = sheet.digits("30", x=20, gap=3)
    middle = round(zero.center[1] * PX_PER_MM)
    sheet.ink[middle - 3 : middle + 3, round((zero.left - 1) * PX_PER_MM) :] = 0
    sheet.digits("84", x=zero.right + 3)


def separators(sheet: Sheet) -> None:
    right = sheet.digits("26", x=16)[-1].right
    sheet.stroke((right + 1.2, 23.2), (right + 1.4, 23.4), width=0.9)
    right = sheet.digits("384", x=right + 3)[-1].right
    sheet.stroke((right + 1.4, 23), (right + 1, 24.4))
    sheet.digits("50", x=right + 3)


def unknown_comb(sheet: Sheet) -> None:
    """A field that nobody called a comb, and one is printed there."""
    for place, digit in enumerate("263850"):
        sheet.digits(digit, x=22 + 8 * place, height=5.5)
    for tooth in range(7):
        x = round((20 + 8 * tooth) * PX_PER_MM)
        sheet.print_[14 * PX_PER_MM : 26 * PX_PER_MM, x - 2 : x + 2] = 200


def without_marks_that_stand_for_nothing(patch: pytest.MonkeyPatch) -> None:
    def marks_from(*given: object) -> list[Marks]:
        found = real(*given)
        return [replace(mark, cross=0.0, dash=0.0, other=mark.other + mark.cross + mark.dash) for mark in found]

    real = fields.marks_from
    patch.setattr(fields, "marks_from", marks_from)


def without_skipping(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(string, "_skip", lambda *given: (string.STRAY_CHANCE, "stray"))


def without_leaders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(segmentation, "_without_leaders", lambda own, height: own)


def without_joining(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(segmentation, "MOST_PIECES", 1)
    patch.setattr(segmentation, "_stacked", lambda parts, height: [[part] for part in parts])


def without_cuts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(segmentation, "_cuts", lambda member, height: [])


def without_removing_teeth(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fields, "remove_teeth", lambda dark, mask, box_px: dark)


def without_the_pages_own_level(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fields, "ink_level", lambda peaks: 220.0)


COMB = {"name": "value", "kind": "comb", "cells": 3, "box": Box(20, 15, 30, 10)}
CASES = (
    Case("dash before the number", "2638", dash_apart, without_skipping),
    Case("dash touching the number", "6382", dash_touching, without_leaders),
    Case("fillers behind the number", "2638", fillers, without_skipping),
    Case("crosses in boxes left empty", "7", crosses, without_marks_that_stand_for_nothing, COMB),
    Case("barred seven", "2738", barred_seven, without_joining),
    Case("touching pair", "50038", touching_pair, without_cuts, least=0.4),
    Case("broken stroke", "3084", broken_stroke, without_joining, least=0.2),
    Case("separators", "2638450", separators, without_skipping, least=0.2),
    Case("a comb in a free field", "263850", unknown_comb, without_removing_teeth),
    Case("pencil", "2638", plain, without_the_pages_own_level, ink=0.25),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_read(case: Case, recognizer: LiteRtRecognizer) -> None:
    assert case.read_right(recognizer) >= MOST


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_without_its_code_it_is_not(
    case: Case, recognizer: LiteRtRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.without(monkeypatch)
    assert case.read_right(recognizer) <= FEW


def test_a_crossed_box_says_so(recognizer: LiteRtRecognizer) -> None:
    sheet = Sheet(0)
    crosses(sheet)
    assert Reason.CROSSED_OUT in read(sheet.page(), recognizer, COMB).reasons


def struck_out(seed: int) -> Page:
    """4826 struck out, 317 beside it."""
    sheet = Sheet(seed)
    wrong = sheet.digits("4826", x=14, gap=1.0)
    sheet.stroke((wrong[0].left - 1, 20.5), (wrong[-1].right + 1, 19.6))
    sheet.digits("317", x=wrong[-1].right + 6)
    return sheet.page()


def test_a_number_struck_out_is_never_accepted_and_says_why(recognizer: LiteRtRecognizer) -> None:
    for seed in HANDS:
        reading = read(struck_out(seed), recognizer)
        assert reading.verdict is not Verdict.ACCEPTED
        assert Reason.STRUCK_OUT in reading.reasons
        assert reading.text != "4826"


def test_without_its_code_nobody_says_that_it_is_struck_out(
    recognizer: LiteRtRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmentation, "_is_struck", lambda own, height: False)
    assert all(Reason.STRUCK_OUT not in read(struck_out(seed), recognizer).reasons for seed in HANDS)


def corrected(seed: int) -> Page:
    """4826, and under it 317."""
    sheet = Sheet(seed)
    sheet.digits("4826", x=20, y=16, height=5.5)
    sheet.digits("317", x=22, y=24, height=5.5)
    return sheet.page()


def test_two_lines_in_one_field_go_to_review_and_say_why(recognizer: LiteRtRecognizer) -> None:
    for seed in HANDS:
        reading = read(corrected(seed), recognizer)
        assert reading.verdict is not Verdict.ACCEPTED
        assert Reason.TWO_LINES in reading.reasons


@pytest.mark.parametrize("rise", [-1.0, 0.0, 1.0])
def test_a_line_that_climbs_is_one(recognizer: LiteRtRecognizer, rise: float) -> None:
    for seed in HANDS:
        sheet = Sheet(seed)
        x = 14.0
        for place, digit in enumerate("263850"):
            x = sheet.digits(digit, x=x, y=20 + rise * (place - 2.5), height=6)[-1].right + 2
        assert Reason.TWO_LINES not in read(sheet.page(), recognizer).reasons
