"""Pages drawn with printed rules and writing, for the tests of layout."""

from __future__ import annotations

import cv2
import numpy as np

from docproc.form.layout import Layout
from docproc.geometry import Box
from docproc.page import Page, PageRef


def page_of(image: np.ndarray, *, dpi: float | None = None) -> Page:
    return Page(ref=PageRef(source="a.png", path="a.png", index=0, sha256=""), pixels=image, dpi=dpi)


def paper(width: int, height: int, shade: int = 245) -> np.ndarray:
    return np.full((height, width), shade, np.uint8)


def write(image: np.ndarray, text: str, left: int, base: int, *, height: int = 20, ink: int = 40) -> None:
    scale = height / 21
    cv2.putText(image, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 2, cv2.LINE_AA)


def draw_table(
    image: np.ndarray,
    *,
    left: int,
    top: int,
    columns: list[int],
    rows: list[int],
    rule: int = 1,
    ink: int = 90,
) -> list[list[Box]]:
    xs, ys = np.cumsum([left, *columns]), np.cumsum([top, *rows])
    for x in xs:
        cv2.line(image, (int(x), int(ys[0])), (int(x), int(ys[-1])), ink, rule)
    for y in ys:
        cv2.line(image, (int(xs[0]), int(y)), (int(xs[-1]), int(y)), ink, rule)
    return [
        [Box(float(x), float(y), w, h) for x, w in zip(xs, columns, strict=False)]
        for y, h in zip(ys, rows, strict=False)
    ]


def boxes_px(layout: Layout) -> dict[str, Box]:
    return {place.field.name: place.page_from_form.box(place.field.box) for place in layout.located}


def draw_comb(
    image: np.ndarray, *, left: int, top: int, cells: int, width: int = 30, height: int = 44, gap: int = 0
) -> Box:
    for index in range(cells):
        x = left + index * (width + gap)
        cv2.rectangle(image, (x, top), (x + width, top + height), 90, 1)
    return Box(left, top, cells * width + (cells - 1) * gap, height)
