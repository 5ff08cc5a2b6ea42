"""ArUco markers and the sheet's own edges lay a template on a page; one of four may be lost."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from docproc.form.overlay import white_sheet
from docproc.form.registration import Registration, Unregistered, register
from docproc.form.sheet import find_sheet
from docproc.geometry import Box, Points, Transform
from docproc.page import Gray, Page, PageRef
from docproc.synthesis.form import draw_blank
from docproc.template import Template

WIDTH_MM, HEIGHT_MM = 148.0, 105.0
DPI = 150.0
SHEET_FROM_FORM = Transform.translation(-0.5, -0.5) @ Transform.scaling(DPI / 25.4)
MARKERS = [
    {"kind": "aruco", "id": number, "box": [left, top, 10, 10]}
    for number, (left, top) in enumerate([(5, 5), (133, 5), (133, 90), (5, 90)])
]
#: Not where the middle of the sheet mirrors them: upside down, they lie elsewhere.
FIELDS = [
    {"name": "number", "kind": "comb", "box": [25, 25, 56, 8], "cells": 7},
    {"name": "day", "kind": "comb", "box": [25, 45, 16, 8], "cells": 2},
    {"name": "reading", "kind": "comb", "box": [60, 70, 40, 8], "cells": 5},
    {"name": "class", "kind": "cell", "box": [110, 45, 8, 8]},
]


def form(**more: object) -> Template:
    page = {"width_mm": WIDTH_MM, "height_mm": HEIGHT_MM}
    return Template.model_validate({"name": "slip", "page": page, "fields": FIELDS, **more})


def photographed(sheet: Gray, quarter_turns: int, *, covered: Box | None = None) -> tuple[Page, Transform]:
    """A sheet on a desk, seen aslant and turned, a place of it covered; and the true page_from_form."""
    height, width = sheet.shape
    shown = sheet.copy()
    if covered is not None:
        hidden = SHEET_FROM_FORM.box(covered)
        shown[max(round(hidden.top), 0) : round(hidden.bottom), max(round(hidden.left), 0) : round(hidden.right)] = 70
    corners = Box(-0.5, -0.5, width, height).corners()
    place = np.array([(90, 70), (940, 110), (900, 700), (60, 640)], np.float64)
    image_from_sheet = cv2.getPerspectiveTransform(corners.astype(np.float32), place.astype(np.float32))
    image = cv2.warpPerspective(shown, image_from_sheet, (1000, 760), borderMode=cv2.BORDER_CONSTANT, borderValue=70)
    image = np.clip(image * 0.9 + np.random.default_rng(1).normal(0, 3, image.shape), 0, 255).astype(np.uint8)
    turn = Transform.identity()
    for _ in range(quarter_turns):
        turn = Transform.of([[0, 1, 0], [-1, 0, image.shape[1] - 1], [0, 0, 1]]) @ turn
        image = np.ascontiguousarray(np.rot90(image))
    return Page(PageRef("photo.jpg", "photo.jpg", 0, ""), image, None), turn @ Transform.of(
        image_from_sheet
    ) @ SHEET_FROM_FORM


def misses_mm(found: Registration | Unregistered, page_from_form: Transform) -> float:
    assert isinstance(found, Registration), found
    truth: list[Points] = [located.field.box.corners() for located in found.located]
    seen = [located.page_from_form @ corners for located, corners in zip(found.located, truth, strict=True)]
    return float(np.hypot(*(page_from_form.inverse() @ np.vstack(seen) - np.vstack(truth)).T).max())


@pytest.mark.parametrize("quarter_turns", range(4))
@pytest.mark.parametrize("lost", [None, 0, 2])
def test_markers_lay_a_page_whichever_way_up_though_one_of_four_is_lost(quarter_turns: int, lost: int | None) -> None:
    template = form(fiducials=MARKERS)
    covered = None if lost is None else template.fiducials[lost].box.grown(3)
    page, page_from_form = photographed(draw_blank(template, dpi=DPI), quarter_turns, covered=covered)
    assert misses_mm(register(page, template), page_from_form) < 0.5


def test_a_page_with_one_marker_is_not_laid() -> None:
    template = form(fiducials=MARKERS)
    page, _ = photographed(draw_blank(form(fiducials=MARKERS[:1], edges=True), dpi=DPI), 0)
    found = register(page, template)
    assert isinstance(found, Unregistered)
    assert "of the template's 4 fiducials, too few are found" in found.detail


def test_other_markers_are_none_of_this_form() -> None:
    template = form(fiducials=MARKERS)
    others = [{**marker, "id": 10 + number} for number, marker in enumerate(MARKERS)]
    page, _ = photographed(draw_blank(form(fiducials=others), dpi=DPI), 0)
    assert isinstance(register(page, template), Unregistered)


@pytest.mark.parametrize("quarter_turns", range(4))
@pytest.mark.parametrize("covered", [None, Box(-1, -1, 12, 9), Box(140, 96, 12, 12)])
def test_the_sheets_own_edges_lay_a_page_though_a_corner_is_hidden(quarter_turns: int, covered: Box | None) -> None:
    template = form(edges=True)
    page, page_from_form = photographed(draw_blank(template, dpi=DPI), quarter_turns, covered=covered)
    assert misses_mm(register(page, template), page_from_form) < 0.5


def test_a_scan_shows_no_edge_of_the_sheet() -> None:
    template = form(edges=True)
    scan = Page(PageRef("scan.png", "scan.png", 0, ""), draw_blank(template, dpi=DPI), None)
    assert find_sheet(scan) is None
    found = register(scan, template)
    assert isinstance(found, Unregistered)
    assert found.detail == "the sheet's edges are not seen, so it may be another form"


@pytest.mark.parametrize(
    ("fiducial", "message"),
    [
        ({"kind": "aruco", "box": [5, 5, 10, 10]}, "an aruco fiducial has an id"),
        ({"kind": "square", "id": 3, "box": [5, 5, 10, 10]}, "a square has none"),
        ({"kind": "aruco", "id": 50, "box": [5, 5, 10, 10]}, "4x4_50 has markers 0 to 49, and no 50"),
        ({"kind": "aruco", "id": 1, "box": [5, 5, 10, 8]}, "an aruco marker is square, not 10 x 8 mm"),
        ({"box": [30, 20, 6, 6]}, "field 'number': its box overlaps a fiducial"),
    ],
)
def test_a_marker_is_one_of_its_dictionary(fiducial: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        form(fiducials=[fiducial], edges=True)


def test_two_markers_of_one_number_are_refused() -> None:
    with pytest.raises(ValidationError, match="the aruco marker 0 is there twice"):
        form(fiducials=[MARKERS[0], {**MARKERS[1], "id": 0}])


def test_edges_alone_do_not_say_which_way_up_a_sheet_without_boxes_lies() -> None:
    """Fields without a line around them: nothing printed tells."""
    fields = [{"name": "reading", "kind": "free", "box": [25, 25, 56, 8]}]
    page, _ = photographed(np.full((620, 874), 255, np.uint8), 0)
    assert isinstance(register(page, form(edges=True, fields=fields)), Unregistered)


def test_a_picture_of_a_template_shows_its_markers() -> None:
    sheet, _ = white_sheet(form(fiducials=MARKERS))
    assert {number for number, _ in detected(sheet[..., 0])} == {0, 1, 2, 3}


def detected(gray: Gray) -> list[tuple[int, object]]:
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    corners, ids, _ = detector.detectMarkers(gray)
    return [(int(number), quad) for number, quad in zip(ids.ravel(), corners, strict=True)]
