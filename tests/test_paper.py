"""Paper sizes: as named, and as an image tells them."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.errors import PageError
from docproc.form.paper import paper_of, parse_paper
from docproc.page import Page, PageRef


def page(width_px: int, height_px: int, dpi: float | None = None) -> Page:
    return Page(PageRef("scan.png", "scan.png", 0, "0"), np.full((height_px, width_px), 255, np.uint8), dpi)


@pytest.mark.parametrize(
    ("text", "size"),
    [("a4", (210, 297)), ("Letter", (215.9, 279.4)), ("148x105", (148, 105)), (" 85.6 X 54 mm", (85.6, 54))],
)
def test_papers_are_named_or_measured(text: str, size: tuple[float, float]) -> None:
    assert parse_paper(text) == size


@pytest.mark.parametrize("text", ["a44", "210", "0x300", "210 297", ""])
def test_other_words_are_refused_and_say_what_is_wanted(text: str) -> None:
    with pytest.raises(ValueError, match=r"name one of a3, a4, .* like 148x105"):
        parse_paper(text)


@pytest.mark.parametrize(
    ("image", "size", "told"),
    [
        (page(1240, 1754, 150), (210, 297), "a4, as its file says"),
        (page(1754, 1240, 150), (297, 210), "a4, as its file says"),
        (page(874, 1240, 150), (148, 210), "a5, as its file says"),  # though all of A's have one shape
        (page(1654, 1024, 200), (210, 130), "as its file says"),  # a card, of legal paper's shape
        (page(1700, 2200), (215.9, 279.4), "taken for letter by its shape"),
        (page(1000, 1414), (210, 297), "taken for a4 by its shape"),
        (page(1000, 1414, 96), (210, 297), "taken for a4 by its shape"),  # a screen's resolution
    ],
)
def test_an_image_tells_its_paper(image: Page, size: tuple[float, float], told: str) -> None:
    paper = paper_of(image)
    assert paper.size_mm == pytest.approx(size)
    assert paper.told.startswith(told)


def test_a_paper_that_is_given_is_laid_as_the_image_is() -> None:
    assert paper_of(page(1754, 1240), (210, 297)).size_mm == (297, 210)


def test_an_image_of_another_shape_is_refused() -> None:
    with pytest.raises(PageError, match="1000 x 1000 px has not the shape of 210 x 297 mm"):
        paper_of(page(1000, 1000), (210, 297))
    with pytest.raises(PageError, match="does not say its size on paper") as fault:
        paper_of(page(1000, 1000))
    assert "--paper 148x105" in fault.value.remedy
