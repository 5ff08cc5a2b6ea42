"""The size of a sheet of paper: as a user names it, or as its image tells.

In:  a name like `a4`, or `WxH` in mm; an image of the whole sheet.
Out: (width, height) in mm, the way the image lies.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from docproc.errors import PageError
from docproc.form.sheet import find_sheet, rectified
from docproc.geometry import MM_PER_INCH
from docproc.page import Page

Size = tuple[float, float]  #: (width, height) in mm.


@dataclass(frozen=True, slots=True)
class Paper:
    """A sheet's size, and how it is known."""

    size_mm: Size
    told: str  #: In words, for people.


PAPERS: dict[str, Size] = {
    "a3": (297, 420),
    "a4": (210, 297),
    "a5": (148, 210),
    "a6": (105, 148),
    "letter": (215.9, 279.4),
    "legal": (215.9, 355.6),
}
COMMON = ("a4", "letter", "legal")  #: Of one shape the commonest, by which a sheet of unknown size is known.
NEAR_ON_PHOTO = 0.045  #: The same of a shape that a photograph tells: half of what parts a4 from letter.
NEAR = 0.02  #: Share by which an image's size or shape may differ from a paper's and still be that paper.
LEAST_DPI = 100.0  #: Below, programs write a screen's resolution.
LARGEST_MM = 1200.0  #: A0 is smaller; a larger sheet is a wrong word in a file.
WHOLE = (
    "the picture must show the sheet and nothing else, or, on a photograph, all four of its sides on something darker"
)
FAR = 0.06  #: From this on the image does not show that paper, or not all of it, or more.


def parse_paper(text: str) -> Size:
    """(width, height) of `a4`, `letter`, ..., or `WxH` in mm, like `148x105`. ValueError for anything else."""
    named = PAPERS.get(text.strip().lower())
    if named is not None:
        return named
    numbers = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*[xX]\s*(\d+(?:\.\d+)?)\s*(?:mm)?\s*", text)
    if numbers is None or min(sizes := (float(numbers[1]), float(numbers[2]))) < 10:
        raise ValueError(f"{text!r} is no paper; name one of {', '.join(PAPERS)}, or its size in mm like 148x105")
    return sizes


def paper_of(page: Page, given: Size | None = None, *, in_file: Size | None = None) -> Paper:
    """The paper that a page is an image of.

    Parameters
    ----------
    given : Size, optional
        What the user says, either way up. Without it what the file says, where a scanner may have meant it; else a
        paper of the image's shape.
    in_file : Size, optional
        What a PDF says.

    Raises
    ------
    PageError
        If the image has not the shape of that paper, or nothing tells its size.
    """
    height_px, width_px = page.pixels.shape[:2]
    seen = f"{page.ref.source}: the image of {width_px} x {height_px} px"
    if given is not None:
        size = _lying(given, width_px, height_px)
        if _off(size, width_px, height_px) > FAR:
            raise PageError(
                f"{seen} has not the shape of {size[0]:g} x {size[1]:g} mm.",
                remedy=f"Name the right size with --paper; {WHOLE}.",
            )
        return Paper(size, "as given")
    if page.dpi is not None and page.dpi >= LEAST_DPI and in_file is None:
        in_file = (_whole(width_px / page.dpi * MM_PER_INCH), _whole(height_px / page.dpi * MM_PER_INCH))
    if in_file is not None:
        for name, paper in PAPERS.items():
            size = _lying(paper, width_px, height_px)
            if all(abs(one - other) <= NEAR * other for one, other in zip(in_file, size, strict=True)):
                return Paper(size, f"{name}, as its file says")
        if max(in_file) <= LARGEST_MM:
            return Paper(in_file, "as its file says; if that is wrong, name the right size with --paper")
    # Shapes are shared by sizes: of those of one shape the commonest.
    for name in COMMON:
        size = _lying(PAPERS[name], width_px, height_px)
        if _off(size, width_px, height_px) <= NEAR:
            return Paper(size, f"taken for {name} by its shape; if that is wrong, name the right size with --paper")
    raise PageError(
        f"{seen} does not say its size on paper, and has the shape of no common one.",
        remedy=f"Measure the sheet and name its size with --paper, like --paper 148x105; {WHOLE}.",
    )


@dataclass(frozen=True, slots=True)
class OnBackground:
    """A sheet that was photographed, flattened."""

    page: Page
    looks_like: str  #: The common paper whose shape it has nearly, by its name; "" for none.


def on_its_background(page: Page, given: Size | None = None) -> OnBackground | None:
    """The sheet that a photograph shows, flattened to the shape of its paper; None where no edge of it is seen.

    Without a `given` size the shape is that of a common paper, where it is nearly that, else as it is seen.
    """
    sheet = find_sheet(page)
    if sheet is None:
        return None
    seen = sheet.aspect(page.pixels.shape)
    near = {name: _nearest(PAPERS[name], seen) for name in COMMON}
    name = min(near, key=lambda name: abs(math.log(seen / near[name])))
    if abs(seen / near[name] - 1) > NEAR_ON_PHOTO:
        name = ""
    shape = _nearest(given, seen) if given is not None else near[name] if name else seen
    return OnBackground(rectified(page, sheet, shape), name)


def _nearest(size: Size, aspect: float) -> float:
    """Width by height of a paper, lying the way that is nearer to what is seen."""
    return min(size[0] / size[1], size[1] / size[0], key=lambda shape: abs(math.log(aspect / shape)))


def _whole(side_mm: float) -> float:
    """Whole millimeters where there are nearly: sheets are cut to them, and scans to whole pixels."""
    return float(round(side_mm)) if abs(side_mm - round(side_mm)) <= 0.25 else round(side_mm, 1)


def _lying(size: Size, width_px: int, height_px: int) -> Size:
    """Upright or on its side, as the image is."""
    short, long = sorted(size)
    return (short, long) if width_px <= height_px else (long, short)


def _off(size: Size, width_px: int, height_px: int) -> float:
    """Share by which the image is wider or narrower than the paper."""
    return abs(width_px / height_px / (size[0] / size[1]) - 1)
