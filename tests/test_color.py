"""Print of another color than the ink does not stand in its way; print of the ink's color is left to the rules."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from docproc import fields
from docproc.character.recognizer import LiteRtRecognizer, load_recognizer
from docproc.decision import Policy
from docproc.fields import propose, read_fields
from docproc.form.color import without_colored_print
from docproc.form.location import LocatedField
from docproc.geometry import Box, Transform
from docproc.page import Page, PageRef
from docproc.template import Field
from docproc.training.digits.strokes import trim
from docproc.training.digits.styles import draw_digit, draw_hand

Rgb = tuple[int, int, int]
RED, GREEN, BLUE, BLACK, GRAY = (235, 110, 110), (110, 190, 120), (120, 150, 230), (20, 20, 24), (120, 120, 120)
PEN_BLUE, PEN_RED = (35, 45, 120), (190, 30, 40)
HANDS = range(6)
PX_PER_MM = 8


@pytest.fixture(scope="module")
def recognizer() -> LiteRtRecognizer:
    return load_recognizer()


def form(seed: int, *, print_: Rgb, ink: Rgb, digits: str = "2638") -> Page:
    """A boxed number on a form whose boxes are hatched and lettered in the print's color."""
    rng = np.random.default_rng(seed)
    hand = draw_hand(rng)
    size = (30 * PX_PER_MM, 70 * PX_PER_MM)
    printed, written = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    box = [round(value * PX_PER_MM) for value in (10, 8, 60, 22)]
    cv2.rectangle(printed, (box[0], box[1]), (box[2], box[3]), 255, 3)
    for x in range(box[0] - 100, box[2], 14):
        cv2.line(printed, (max(x, box[0]), box[3] - max(box[0] - x, 0)), (x + 112, box[1]), 255, 2, cv2.LINE_AA)
    printed[:, box[2] :] = 0
    cv2.putText(printed, "KM", (box[0] + 20, box[3] - 20), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 255, 5, cv2.LINE_AA)
    x = 14.0
    for digit in digits:
        piece = trim(draw_digit(int(digit), hand, rng))
        piece = cv2.resize(piece, None, fx=72 / piece.shape[0], fy=72 / piece.shape[0])
        left = round(x * PX_PER_MM)
        target = written[80 : 80 + piece.shape[0], left : left + piece.shape[1]]
        np.maximum(target, piece, out=target)
        x += piece.shape[1] / PX_PER_MM + 3
    light = np.full((*size, 3), 245.0)
    for layer, color in ((printed, print_), (written, ink)):
        light *= 1 - layer[:, :, np.newaxis] / 255 * (1 - np.array(color) / 255)
    noisy = light + rng.normal(0, 3, light.shape)
    return Page(PageRef("drawn", "drawn", 0, "0"), np.clip(noisy, 0, 255).astype(np.uint8), None)


def located() -> list[LocatedField]:
    field = Field(name="value", kind="free", box=Box(10, 8, 50, 14))
    return [LocatedField(field, Transform.translation(-0.5, -0.5) @ Transform.scaling(PX_PER_MM))]


def right(pages: Sequence[Page], recognizer: LiteRtRecognizer) -> int:
    policy = Policy(review_below=0.9)
    return sum(read_fields(page, located(), recognizer, policy)[0].text == "2638" for page in pages)


@pytest.mark.parametrize(
    ("print_", "ink"), [(RED, BLACK), (RED, PEN_BLUE), (GREEN, BLACK), (BLUE, PEN_RED)],
    ids=["red and black", "red and blue", "green and black", "blue and red"],
)  # fmt: skip
def test_a_colored_form_is_read(print_: Rgb, ink: Rgb, recognizer, monkeypatch) -> None:
    pages = [form(seed, print_=print_, ink=ink) for seed in HANDS]
    assert right(pages, recognizer) >= 5
    monkeypatch.setattr(fields, "without_colored_print", tuple)
    assert right(pages, recognizer) <= 1


@pytest.mark.parametrize(("print_", "ink"), [(GRAY, BLACK), (BLACK, PEN_RED), (RED, PEN_RED)])
def test_print_without_a_color_of_its_own_stays(print_: Rgb, ink: Rgb, monkeypatch) -> None:
    page = form(0, print_=print_, ink=ink)
    (proposal,) = propose(page, located())
    monkeypatch.setattr(fields, "without_colored_print", tuple)
    (untouched,) = propose(page, located())
    assert np.array_equal(proposal.image.dark, untouched.image.dark)


def test_a_gray_page_stays_as_it_is() -> None:
    color = form(0, print_=RED, ink=BLACK)
    page = Page(color.ref, cv2.cvtColor(color.pixels, cv2.COLOR_RGB2GRAY), None)
    (proposal,) = propose(page, located())
    assert proposal.image.light is None
    assert without_colored_print([proposal.image]) == (proposal.image,)
