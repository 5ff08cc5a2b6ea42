"""Ink is told from paper, whatever light fell on it."""

import numpy as np
import pytest

from docproc.form.binarization import FAINTEST_INK, binarize, darkness, estimate_paper, ink_level, ink_peak
from docproc.page import Page, PageRef


def page(pixels: np.ndarray) -> Page:
    return Page(PageRef("page.png", "page.png", 0, ""), pixels.astype(np.uint8), None)


def paper_at_each_pixel(drawn: Page) -> np.ndarray:
    import cv2

    paper = estimate_paper(drawn)
    height, width = drawn.pixels.shape[:2]
    grid_from_page = paper.page_from_grid.inverse()
    warped = cv2.warpPerspective(
        paper.brightness, grid_from_page.inverse().matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    return warped.reshape(height, width, -1)


def test_a_shadow_over_half_the_page_is_not_ink():
    pixels = np.full((400, 400), 240.0)
    pixels *= np.linspace(1.0, 0.35, 400)
    drawn = page(pixels)
    dark = darkness(drawn.pixels, paper_at_each_pixel(drawn))
    assert dark.max() < FAINTEST_INK


@pytest.mark.parametrize("color", [(20, 20, 20), (200, 20, 60), (30, 40, 190)])
def test_ink_of_any_color_is_dark(color):
    pixels = np.full((200, 200, 3), 235)
    pixels[90:96, 40:160] = color
    drawn = page(pixels)
    dark = darkness(drawn.pixels, paper_at_each_pixel(drawn))
    assert dark[92, 100] > 180
    assert dark[20, 20] < 10


def test_the_ink_level_of_a_page_comes_from_its_filled_fields():
    assert ink_level([12, 10, 14, 180, 190, 11]) == pytest.approx(190)


def test_a_blank_page_has_an_ink_level_above_its_noise():
    assert ink_level([3, 5, 9]) > FAINTEST_INK


def test_printed_guides_much_fainter_than_the_pages_ink_are_not_ink():
    dark = np.zeros((60, 60), np.uint8)
    dark[10:50:3, 10:50] = 60
    assert binarize(dark, level=ink_level([190.0, 200.0]), peak=ink_peak(dark)).sum() == 0


def test_pencil_on_a_page_of_pencil_is_ink():
    dark = np.zeros((60, 60), np.uint8)
    dark[10:50, 28:33] = 55
    assert binarize(dark, level=ink_level([ink_peak(dark)]), peak=ink_peak(dark)).sum() == 40 * 5


def test_a_stroke_that_pales_stays_whole():
    dark = np.zeros((60, 60), np.uint8)
    dark[10:50, 28:33] = np.linspace(200, 90, 40)[:, np.newaxis]
    assert binarize(dark, level=200.0, peak=200.0).sum() == 40 * 5


def test_a_pale_mark_that_touches_no_dark_one_is_not_ink():
    dark = np.zeros((60, 60), np.uint8)
    dark[10:50, 10:15] = 200
    dark[10:50, 40:45] = 80
    assert not binarize(dark, level=200.0, peak=200.0)[:, 40:].any()


def test_the_peak_of_an_empty_image_is_nothing():
    assert ink_peak(np.zeros((0, 5), np.uint8)) == 0.0
