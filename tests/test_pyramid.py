"""Reductions of a page: how small they are, and where their pixels lie."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.form.pyramid import Pyramid

SPOT = (301, 203)  #: x, y: the upper left pixel of a bright square of 16 pixels.


@pytest.fixture
def picture() -> Pyramid:
    gray = np.zeros((601, 803), np.uint8)
    x, y = SPOT
    gray[y : y + 16, x : x + 16] = 255
    return Pyramid(gray)


def center(gray: np.ndarray) -> np.ndarray:
    """(x, y) of the middle of what is bright."""
    rows, columns = np.indices(gray.shape)
    return np.array([(columns * (gray / 255)).sum(), (rows * (gray / 255)).sum()]) / (gray / 255).sum()


@pytest.mark.parametrize(
    ("scale", "width"), [(2.0, 803), (1.0, 803), (0.72, 803), (0.7, 401), (0.5, 401), (0.3, 200)]
)
def test_the_reduction_that_comes_nearest_is_taken(picture: Pyramid, scale: float, width: int) -> None:
    assert picture.near(scale)[0].shape[1] == width


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25, 0.125])
def test_pixels_of_a_reduction_lie_where_its_map_says(picture: Pyramid, scale: float) -> None:
    small, small_from_image = picture.near(scale)
    expected = (small_from_image @ np.array([[SPOT[0] + 7.5, SPOT[1] + 7.5]]))[0]
    assert center(small) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("side_px", [800, 700, 402, 333])
def test_a_picture_is_reduced_to_the_side_that_is_asked_for(picture: Pyramid, side_px: int) -> None:
    small, small_from_image = picture.reduced(side_px)
    assert max(small.shape) == side_px
    expected = (small_from_image @ np.array([[SPOT[0] + 7.5, SPOT[1] + 7.5]]))[0]
    assert center(small) == pytest.approx(expected, abs=0.1)


def test_a_small_picture_is_never_enlarged(picture: Pyramid) -> None:
    small, small_from_image = picture.reduced(2000)
    assert small is picture.gray
    assert np.allclose(small_from_image.matrix, np.eye(3))
