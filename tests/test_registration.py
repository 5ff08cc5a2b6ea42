"""A drawn form is photographed in every way a page may lie; its fields must be found where they were put."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import yaml

from docproc.errors import TemplateError
from docproc.form.registration import Registration, Unregistered, register
from docproc.geometry import Box, Points, Transform
from docproc.page import Gray, Page, PageRef
from docproc.template import Field, Template, load_template

WIDTH_MM, HEIGHT_MM, PX_PER_MM = 148.0, 210.0, 5.0
SHEET_FROM_FORM = Transform.translation(-0.5, -0.5) @ Transform.scaling(PX_PER_MM)
SQUARES = [(8, 8, 5, 5), (135, 8, 5, 5), (8, 197, 5, 5), (135, 197, 5, 5)]
FIELDS = [
    {"name": "account", "kind": "comb", "box": [30, 50, 48, 8], "cells": 8},
    {"name": "day", "kind": "comb", "box": [100, 50, 12, 8], "cells": 2},
    {"name": "amount", "kind": "comb", "box": [60, 90, 36, 8], "cells": 6},
    {"name": "total", "kind": "comb", "box": [95, 130, 30, 8], "cells": 5},
    {"name": "code", "kind": "comb", "box": [20, 160, 24, 8], "cells": 4},
    {"name": "count", "kind": "cell", "box": [110, 160, 10, 10]},
]


@dataclass(frozen=True)
class Shot:
    """A page and where its fields truly are."""

    page: Page
    page_from_form: Transform


def paper() -> Gray:
    return np.full((round(HEIGHT_MM * PX_PER_MM), round(WIDTH_MM * PX_PER_MM)), 255, np.uint8)


def draw_box(sheet: Gray, box: Box) -> None:
    (left, top), _, (right, bottom), _ = np.round(SHEET_FROM_FORM @ box.corners()).astype(int).tolist()
    cv2.rectangle(sheet, (left, top), (right, bottom), 0, 1)


def draw_text(sheet: Gray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for top_mm in range(24, 190, 12):
        words = " ".join("".join(rng.choice(list("abcdefghijkmnoprstuvwxyz"), 5)) for _ in range(6))
        cv2.putText(sheet, words, (round(14 * PX_PER_MM), round(top_mm * PX_PER_MM)), 0, 0.55, 0, 1, cv2.LINE_AA)


@cache
def blank_form(*, text: bool = True, squares: bool = False, seed: int = 1) -> Gray:
    sheet = paper()
    if text:
        draw_text(sheet, seed)
    for field in template_of(Path(), squares=True).fields:
        for box in field.cell_boxes():
            (left, top), _, (right, bottom), _ = np.round(SHEET_FROM_FORM @ box.corners()).astype(int).tolist()
            sheet[top : bottom + 1, left : right + 1] = 255
            draw_box(sheet, box)
    if squares:
        for square in SQUARES:
            draw_square(sheet, square, 0)
    sheet.setflags(write=False)
    return sheet


def draw_square(sheet: Gray, square: tuple[int, ...], shade: int) -> None:
    left, top, width, height = (round(value * PX_PER_MM) for value in square)
    sheet[top : top + height, left : left + width] = shade


def template_of(folder: Path, *, reference: Gray | None = None, squares: bool = False) -> Template:
    content: dict = {"name": "deposit", "page": {"width_mm": WIDTH_MM, "height_mm": HEIGHT_MM}, "fields": FIELDS}
    if squares:
        content["fiducials"] = [{"box": list(square)} for square in SQUARES]
    if reference is None:
        return Template.model_validate(content)
    (folder / "blank.png").write_bytes(cv2.imencode(".png", reference)[1].tobytes())
    (folder / "template.yaml").write_text(yaml.safe_dump({**content, "reference": "blank.png"}))
    return load_template(folder / "template.yaml")


def page_of(pixels: npt.NDArray[np.uint8]) -> Page:
    return Page(ref=PageRef(source="page.png", path="page.png", index=0, sha256=""), pixels=pixels, dpi=None)


def shoot(sheet: Gray, page_from_sheet: Transform, size: tuple[int, int], *, ground: int = 90) -> Shot:
    """The sheet seen by a camera, on a dark table."""
    pixels = cv2.warpPerspective(
        sheet, page_from_sheet.matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_CONSTANT, borderValue=ground
    )
    noise = np.random.default_rng(7).normal(0, 4, pixels.shape)
    pixels = np.clip(cv2.GaussianBlur(pixels, (0, 0), 0.6) * 0.93 + noise, 0, 255).astype(np.uint8)
    return Shot(page_of(pixels), page_from_sheet @ SHEET_FROM_FORM)


def turned(degrees: float, scale: float = 1.0) -> tuple[Transform, tuple[int, int]]:
    """The whole sheet turned about its middle, in an image that just holds it."""
    height, width = paper().shape
    turn = Transform.of(np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale), (0, 0, 1)]))
    around = turn.box(Box(0, 0, width, height))
    size = (round(around.width), round(around.height))
    return Transform.translation(-around.left, -around.top) @ turn, size


def filled(sheet: Gray) -> Gray:
    """With strokes of a pen in the boxes and a signature across the print."""
    rng = np.random.default_rng(3)
    written = sheet.copy()
    for field in template_of(Path(), squares=True).fields:
        for box in field.cell_boxes():
            points = SHEET_FROM_FORM @ (
                np.array(box.center) + rng.uniform(-0.35, 0.35, (4, 2)) * np.array([box.width, box.height])
            )
            cv2.polylines(written, [np.round(points).astype(np.int32)], False, 40, 2, cv2.LINE_AA)
    scrawl = SHEET_FROM_FORM @ rng.uniform((30, 175), (120, 195), (14, 2))
    cv2.polylines(written, [np.round(scrawl).astype(np.int32)], False, 30, 3, cv2.LINE_AA)
    return written


def misses_mm(found: Registration, shot: Shot) -> npt.NDArray[np.float64]:
    """How far each corner of each field is from the truth, in mm on the sheet."""
    form_from_page = shot.page_from_form.inverse()
    corners: list[Points] = []
    for located in found.located:
        truth = located.field.box.corners()
        corners.append(form_from_page @ (located.page_from_form @ truth) - truth)
    return np.hypot(*np.vstack(corners).T)


def registered(shot: Shot, template: Template) -> Registration:
    found = register(shot.page, template)
    assert isinstance(found, Registration), found
    return found


@pytest.fixture(scope="module")
def by_print(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return template_of(tmp_path_factory.mktemp("by_print"), reference=blank_form())


@pytest.fixture(scope="module")
def by_squares() -> Template:
    return template_of(Path(), squares=True)


@pytest.mark.parametrize("degrees", [0, 3, 17, 90, 180, 270, 221])
def test_a_turned_page_is_found_by_its_print(by_print: Template, degrees: float) -> None:
    shot = shoot(filled(blank_form()), *turned(degrees))
    found = registered(shot, by_print)
    assert misses_mm(found, shot).max() < 0.3
    assert found.residual_mm < 0.3


@pytest.mark.parametrize("scale", [0.6, 0.85, 1.15, 2.0])
def test_a_page_of_another_scale_is_found_by_its_print(by_print: Template, scale: float) -> None:
    shot = shoot(filled(blank_form()), *turned(2, scale))
    assert misses_mm(registered(shot, by_print), shot).max() < 0.3


def test_a_photographed_sheet_that_fills_a_quarter_of_the_image_is_found(by_print: Template) -> None:
    height, width = paper().shape
    matrix = cv2.getPerspectiveTransform(
        np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32),
        np.array([(620, 300), (1180, 360), (1290, 1130), (480, 1010)], np.float32),
    )
    shot = shoot(filled(blank_form()), Transform.of(matrix), (1800, 1350))
    assert misses_mm(registered(shot, by_print), shot).max() < 0.5


def test_a_page_that_shows_two_thirds_of_the_sheet_is_found(by_print: Template) -> None:
    shot = shoot(blank_form(), Transform.translation(-30, -330), (740, 720))
    assert misses_mm(registered(shot, by_print), shot).max() < 0.3


def test_bent_paper_is_followed_field_by_field(by_print: Template) -> None:
    height, width = paper().shape
    column, row = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bend = 9 * np.sin(row / height * 2 * np.pi).astype(np.float32)  # 1.8 mm to either side
    bent = cv2.remap(filled(blank_form()), column + bend, row, cv2.INTER_LINEAR, borderValue=255)
    found = register(page_of(bent), by_print)
    assert isinstance(found, Registration)
    for located in found.located:
        _, y = located.field.box.center
        expected = SHEET_FROM_FORM @ np.array([located.field.box.center])
        expected[0, 0] -= 9 * np.sin(y / HEIGHT_MM * 2 * np.pi)
        seen = located.page_from_form @ np.array([located.field.box.center])
        assert np.hypot(*(seen - expected)[0]) / PX_PER_MM < 0.35


def test_the_same_page_is_always_found_at_the_same_place(by_print: Template) -> None:
    shot = shoot(filled(blank_form()), *turned(5))
    assert register(shot.page, by_print) == register(shot.page, by_print)


@pytest.mark.parametrize("degrees", [0, 4, 90, 180, 270])
def test_a_turned_page_is_found_by_its_squares(by_squares: Template, degrees: float) -> None:
    shot = shoot(filled(blank_form(squares=True)), *turned(degrees), ground=255)
    found = registered(shot, by_squares)
    assert misses_mm(found, shot).max() < 0.4
    assert found.residual_mm < 0.3


@pytest.mark.parametrize("degrees", [-30, 0, 40])
def test_where_no_field_has_rules_a_page_is_taken_to_be_upright(by_squares: Template, degrees: float) -> None:
    line = Field(name="note", kind="free", box=Box(40, 150, 60, 10))
    template = by_squares.model_copy(update={"fields": (line,)})
    sheet = paper()
    for square in SQUARES:
        draw_square(sheet, square, 0)
    shot = shoot(sheet, *turned(degrees), ground=255)
    assert misses_mm(registered(shot, template), shot).max() < 0.4


@pytest.mark.parametrize("missing", range(4))
def test_three_squares_of_four_are_enough(by_squares: Template, missing: int) -> None:
    sheet = blank_form(squares=True).copy()
    draw_square(sheet, SQUARES[missing], 255)
    shot = shoot(sheet, *turned(1.5), ground=255)
    assert misses_mm(registered(shot, by_squares), shot).max() < 0.4


def test_squares_of_gray_toner_count(by_squares: Template) -> None:
    sheet = blank_form(squares=True)
    pale = (255 - (255 - sheet.astype(np.float32)) * 0.45).astype(np.uint8)
    shot = shoot(pale, *turned(1.5))
    assert misses_mm(registered(shot, by_squares), shot).max() < 0.3


def test_squares_cut_by_the_images_edge_still_count(by_squares: Template) -> None:
    height, width = paper().shape
    cut_px = round(10 * PX_PER_MM)  # 2 of the upper squares' 5 mm are gone
    shot = shoot(blank_form(squares=True), Transform.translation(0, -cut_px), (width, height - cut_px), ground=255)
    assert misses_mm(registered(shot, by_squares), shot).max() < 0.4


def test_black_bars_blots_and_scribbles_do_not_pass_for_squares(by_squares: Template) -> None:
    sheet = blank_form(squares=True).copy()
    draw_square(sheet, (50, 140, 40, 6), 0)
    draw_square(sheet, (14, 60, 5, 5), 0)
    draw_square(sheet, (125, 180, 5, 5), 0)
    cv2.circle(sheet, (round(70 * PX_PER_MM), round(12 * PX_PER_MM)), 14, 0, -1)
    cv2.line(sheet, (round(10 * PX_PER_MM), round(10 * PX_PER_MM)), (200, 3), 0, 4)
    shot = shoot(sheet, *turned(-2), ground=255)
    assert misses_mm(registered(shot, by_squares), shot).max() < 0.4


def test_a_photo_in_perspective_is_found_by_its_squares(by_squares: Template) -> None:
    height, width = paper().shape
    matrix = cv2.getPerspectiveTransform(
        np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32),
        np.array([(110, 90), (760, 60), (830, 1010), (40, 950)], np.float32),
    )
    shot = shoot(blank_form(squares=True), Transform.of(matrix), (900, 1100), ground=200)
    assert misses_mm(registered(shot, by_squares), shot).max() < 0.4


@pytest.mark.parametrize("by", ["print", "squares"])
@pytest.mark.parametrize("kind", ["blank", "noise", "texture", "text", "other form"])
def test_what_is_not_the_form_is_refused(by_print: Template, by_squares: Template, by: str, kind: str) -> None:
    rng = np.random.default_rng(5)
    sheet = paper()
    if kind == "noise":
        sheet = rng.integers(0, 256, sheet.shape).astype(np.uint8)
    elif kind == "texture":  # like wood: streaks
        grain = cv2.GaussianBlur(rng.normal(size=sheet.shape), (0, 0), sigmaX=2, sigmaY=40)
        sheet = cv2.normalize(grain, None, 40, 220, cv2.NORM_MINMAX).astype(np.uint8)
    elif kind == "text":
        draw_text(sheet, seed=2)
    elif kind == "other form":  # of the same office: same squares, same first lines, other fields
        sheet[:200] = blank_form()[:200]
        draw_text(sheet[260:], seed=9)
        for square in SQUARES:
            draw_square(sheet, square, 0)
        for top in range(70, 190, 21):
            draw_box(sheet, Box(18, top, 110, 13))
    found = register(page_of(sheet), by_print if by == "print" else by_squares)
    assert isinstance(found, Unregistered)
    assert "another form" in found.detail


@pytest.mark.parametrize("shape", [(1, 1), (3000, 7), (99, 400)])
def test_an_image_too_small_for_a_form_is_refused(by_print: Template, by_squares: Template, shape: tuple) -> None:
    for template in (by_print, by_squares):
        found = register(page_of(np.zeros(shape, np.uint8)), template)
        assert isinstance(found, Unregistered)
        assert found.detail == f"the image has only {shape[1]} x {shape[0]} pixels"


def test_a_page_above_the_templates_tolerance_is_refused(by_print: Template) -> None:
    strict = by_print.model_copy(update={"tolerance_mm": 0.001})
    strict._folder, strict._digest = by_print._folder, by_print._digest
    found = register(shoot(filled(blank_form()), *turned(3)).page, strict)
    assert isinstance(found, Unregistered)
    assert found.residual_mm is not None
    assert "template allows 0.001 mm" in found.detail


def test_a_sloppy_template_is_snapped_to_the_printed_boxes(by_squares: Template) -> None:
    moved = [field.model_copy(update={"box": field.box.moved(0.9, -0.7)}) for field in by_squares.fields]
    sloppy = by_squares.model_copy(update={"fields": tuple(moved)})
    shot = shoot(filled(blank_form(squares=True)), *turned(1), ground=255)
    for located in registered(shot, sloppy).located:
        printed = located.field.box.moved(-0.9, 0.7)
        seen = shot.page_from_form.inverse() @ (located.page_from_form @ located.field.box.corners())
        assert np.hypot(*(seen - printed.corners()).T).max() < 0.4


def test_a_reference_that_is_no_image_is_an_error_of_the_template(tmp_path: Path) -> None:
    template = template_of(tmp_path, reference=blank_form())
    (tmp_path / "blank.png").write_text("not an image")
    template = load_template(tmp_path / "template.yaml")
    with pytest.raises(TemplateError, match="reference image cannot be opened"):
        register(page_of(paper()), template)


def test_a_reference_of_other_proportions_is_an_error_of_the_template(tmp_path: Path) -> None:
    template = template_of(tmp_path, reference=blank_form()[:600])
    with pytest.raises(TemplateError, match="the proportions differ"):
        register(page_of(paper()), template)
