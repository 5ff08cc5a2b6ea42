"""A free run of digits: pieces, candidates, the best path."""

import cv2
import numpy as np
import pytest

from docproc.field.glyph import connected_parts
from docproc.field.interpretation import Marks
from docproc.field.segmentation import segment
from docproc.field.string import read_lattice
from docproc.geometry import Box
from docproc.reading import Reason

BOX = Box(20, 20, 260, 80)
NOTHING = Marks((0.0,) * 10, 0.0, 0.0, 1.0)


def blank() -> np.ndarray:
    return np.zeros((120, 300), np.uint8)


def loop(canvas: np.ndarray, x: int, *, radius: int = 18) -> None:
    cv2.ellipse(canvas, (x, 60), (radius, 26), 0, 0, 360, 255, 4)


def stem(canvas: np.ndarray, x: int) -> None:
    cv2.line(canvas, (x, 35), (x, 85), 255, 4)


def read(canvas: np.ndarray, answer, lengths=(1, 24)):
    """Segment, and let `answer(glyph box)` play the recognizer."""
    lattice = segment(canvas, connected_parts(canvas > 0), BOX)
    return read_lattice(lattice, [answer(c.glyph.box_px) for c in lattice.candidates], lengths=lengths)


def sure(digit: int) -> Marks:
    digits = [0.0] * 10
    digits[digit] = 0.99
    return Marks(tuple(digits), 0.0, 0.0, 0.01)


def by_width(box: Box) -> Marks:
    """A recognizer that knows a stem from a loop by its width, and nothing else."""
    if box.width < 12:
        return sure(1)
    return sure(0) if 30 <= box.width <= 48 else NOTHING


def test_digits_apart_are_read_left_to_right():
    canvas = blank()
    stem(canvas, 50)
    loop(canvas, 100)
    stem(canvas, 150)
    result = read(canvas, by_width)
    assert result.text == "101"
    assert result.confidence > 0.9


def test_two_loops_that_touch_are_cut_apart():
    canvas = blank()
    loop(canvas, 80)
    loop(canvas, 117)
    assert read(canvas, by_width).text == "00"


def test_a_broken_stroke_is_joined():
    canvas = blank()
    loop(canvas, 100)
    canvas[:, 98:103] = 0  # the loop falls into two halves
    assert read(canvas, lambda box: sure(0) if box.width > 30 else NOTHING).text == "0"


def test_the_bar_through_a_seven_belongs_to_it():
    canvas = blank()
    cv2.line(canvas, (80, 36), (110, 36), 255, 4)
    cv2.line(canvas, (110, 36), (96, 54), 255, 4)
    cv2.line(canvas, (92, 66), (88, 86), 255, 4)
    cv2.line(canvas, (80, 60), (106, 60), 255, 3)
    assert read(canvas, lambda box: sure(7) if box.height > 40 else NOTHING).text == "7"


def test_a_dash_that_leads_to_the_number_is_no_digit():
    canvas = blank()
    cv2.line(canvas, (24, 60), (82, 60), 255, 4)
    loop(canvas, 100)
    assert read(canvas, by_width).text == "0"


def test_a_speck_and_a_comma_are_no_digits():
    canvas = blank()
    stem(canvas, 50)
    cv2.line(canvas, (70, 84), (66, 94), 255, 4)
    loop(canvas, 110)
    assert read(canvas, lambda box: NOTHING if box.height < 20 else by_width(box)).text == "10"


def test_a_number_that_is_struck_out_says_so():
    canvas = blank()
    for x in (60, 110, 160):
        loop(canvas, x)
    cv2.line(canvas, (30, 60), (200, 58), 255, 4)
    assert Reason.STRUCK_OUT in read(canvas, by_width).reasons


def test_a_number_that_is_not_struck_out_does_not_say_so():
    canvas = blank()
    for x in (60, 110, 160):
        loop(canvas, x)
    assert read(canvas, by_width).reasons == ()


def test_the_length_that_the_field_asks_for_decides_between_paths():
    canvas = blank()
    loop(canvas, 80)
    loop(canvas, 108)

    def undecided(box: Box) -> Marks:
        if box.width > 60:
            return Marks((0, 0, 0, 0, 0, 0, 0, 0, 0.6, 0), 0, 0, 0.4)
        return Marks((0.7, *(0,) * 9), 0, 0, 0.3) if box.width > 24 else NOTHING

    assert read(canvas, undecided, lengths=(2, 2)).text == "00"
    assert read(canvas, undecided, lengths=(1, 1)).text == "8"


def test_an_empty_field_is_blank_without_ink():
    result = read(blank(), by_width)
    assert (result.text, result.has_ink) == ("", False)


def test_a_cross_is_nothing_and_says_so():
    canvas = blank()
    cv2.line(canvas, (60, 35), (100, 85), 255, 4)
    cv2.line(canvas, (100, 35), (60, 85), 255, 4)
    result = read(canvas, lambda box: Marks((0.0,) * 10, 0.98, 0.0, 0.02))
    assert (result.text, result.reasons) == ("", (Reason.CROSSED_OUT,))


def test_a_lone_dash_is_nothing_and_says_so():
    canvas = blank()
    cv2.line(canvas, (110, 61), (170, 59), 255, 4)
    result = read(canvas, lambda box: Marks((0.0,) * 10, 0.0, 0.97, 0.03))
    assert (result.text, result.reasons, result.has_ink) == ("", (Reason.DASH,), True)


def test_ink_outside_the_box_is_a_neighbors():
    canvas = blank()
    stem(canvas, 50)
    cv2.putText(canvas, "8", (150, 18), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 255, 3)
    assert read(canvas, by_width).text == "1"


def test_chances_of_all_values_add_up_to_one_at_most():
    canvas = blank()
    loop(canvas, 80)
    loop(canvas, 117)
    result = read(canvas, lambda box: Marks((0.5, 0.2, 0.1, 0, 0, 0, 0, 0, 0.1, 0), 0, 0, 0.1))
    assert result.confidence + sum(chance for _, chance in result.alternatives) <= 1 + 1e-9
    assert result.confidence == pytest.approx(max([result.confidence, *(c for _, c in result.alternatives)]))
