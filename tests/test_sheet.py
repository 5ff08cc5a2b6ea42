"""A sheet is found on what it lies on, by its sides; a scan is the sheet."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from docproc.form.paper import on_its_background
from docproc.form.sheet import find_sheet
from docproc.geometry import Box
from docproc.page import Page, PageRef

CORNERS = np.array([(120, 90), (690, 130), (720, 920), (70, 870)], np.float64)


def page(pixels: npt.NDArray[np.uint8]) -> Page:
    return Page(PageRef("photo.jpg", "photo.jpg", 0, ""), pixels, None)


def printed(width: int = 500, height: int = 707) -> npt.NDArray[np.uint8]:
    """A form with a black frame, a bar and a table: lines enough to be taken for the sheet's sides."""
    sheet = np.full((height, width), 240, np.uint8)
    cv2.rectangle(sheet, (30, 30), (width - 30, height - 30), 20, 3)
    cv2.rectangle(sheet, (60, 300), (width - 60, 340), 30, -1)
    for row in range(8):
        cv2.line(sheet, (60, 400 + 30 * row), (width - 60, 400 + 30 * row), 20, 2)
    return sheet


def on_desk(
    sheet: npt.NDArray[np.uint8], *, desk: int = 80, corners: npt.NDArray[np.float64] = CORNERS
) -> npt.NDArray[np.uint8]:
    outer = Box(-0.5, -0.5, sheet.shape[1], sheet.shape[0]).corners()
    photo_from_sheet = cv2.getPerspectiveTransform(outer.astype(np.float32), corners.astype(np.float32))
    noise = np.random.default_rng(2).normal(0, 3, (1000, 800))
    photo = cv2.warpPerspective(
        sheet, photo_from_sheet, (800, 1000), borderMode=cv2.BORDER_CONSTANT, borderValue=desk
    )
    return np.clip(cv2.GaussianBlur(photo, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)


def test_a_sheet_on_a_desk_is_found_to_a_pixel_or_two() -> None:
    found = find_sheet(page(on_desk(printed())))
    assert found is not None
    assert np.abs(found.corners_px - CORNERS).max() < 3


def test_a_shadow_over_half_of_it_does_not_cut_it() -> None:
    photo = on_desk(printed(), desk=60)
    shadow = np.where(np.arange(1000)[:, np.newaxis] > 450, 0.45, 1.0)
    found = find_sheet(
        page((photo * cv2.GaussianBlur(np.broadcast_to(shadow, (1000, 800)).copy(), (0, 0), 15)).astype(np.uint8))
    )
    assert found is not None
    assert np.abs(found.corners_px - CORNERS).max() < 4


def test_a_folded_corner_is_where_the_sides_meet() -> None:
    sheet = printed()
    cv2.fillPoly(sheet, [np.array([(0, 0), (70, 0), (0, 70)])], 80)
    found = find_sheet(page(on_desk(sheet)))
    assert found is not None
    assert np.abs(found.corners_px - CORNERS).max() < 4


def test_its_shape_is_told_through_the_perspective() -> None:
    """A4, seen by a phone from the side: its long side is the shorter one in the picture."""
    focal, tilt = 0.85 * 1000, np.radians(40)
    sheet = Box(-1.05, -1.485, 2.1, 2.97).corners()
    depth = 5.5 + sheet[:, 1] * np.sin(tilt)
    seen = np.stack([sheet[:, 0], sheet[:, 1] * np.cos(tilt)], axis=1) / depth[:, np.newaxis] * focal + (400, 500)
    found = find_sheet(page(on_desk(printed(), corners=seen)))
    assert found is not None
    assert found.aspect((1000, 800)) == pytest.approx(210 / 297, rel=0.03)
    flat = on_its_background(page(on_desk(printed(), corners=seen)))
    assert flat is not None
    assert flat.looks_like == "a4"
    assert flat.page.pixels.shape[1] / flat.page.pixels.shape[0] == pytest.approx(210 / 297, rel=0.005)


def test_a_scan_has_no_background_whatever_is_printed_on_it() -> None:
    assert find_sheet(page(printed(1240, 1754))) is None
    assert on_its_background(page(printed(1240, 1754))) is None


def test_a_sheet_that_leaves_the_picture_is_not_guessed() -> None:
    corners = CORNERS - np.array([200, 0])
    assert find_sheet(page(on_desk(printed(), corners=corners))) is None
