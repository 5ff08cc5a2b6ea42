"""The size of a sheet of paper: as a user names it, or as its image tells.

In:  a name like `a4`, or `WxH` in mm; an image of the whole sheet.
Out: (width, height) in mm, the way the image lies.
"""

from __future__ import annotations

import re

from docproc.errors import PageError
from docproc.geometry import MM_PER_INCH
from docproc.page import Page

Size = tuple[float, float]  #: (width, height) in mm.

PAPERS: dict[str, Size] = {
    "a3": (297, 420),
    "a4": (210, 297),
    "a5": (148, 210),
    "a6": (105, 148),
    "letter": (215.9, 279.4),
    "legal": (215.9, 355.6),
}
NEAR = 0.02  #: Share by which an image's size or shape may differ from a paper's and still be that paper.
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


def paper_of(page: Page, given: Size | None = None, *, unless: Size | None = None) -> Size:
    """The paper that a page is an image of.

    Parameters
    ----------
    given : Size, optional
        What the user says, either way up. Without it a paper's size in pixels, where the file names its resolution;
        else its shape.
    unless : Size, optional
        What the file says, which is believed where it is no paper that is known: scanners write what they like.

    Raises
    ------
    PageError
        If the image has not the shape of that paper, or of none that is known.
    """
    height_px, width_px = page.pixels.shape[:2]
    seen = f"{page.ref.source}: the image of {width_px} x {height_px} px"
    if given is not None:
        size = _lying(given, width_px, height_px)
        if _off(size, width_px, height_px) > FAR:
            raise PageError(
                f"{seen} has not the shape of {size[0]:g} x {size[1]:g} mm.",
                remedy="Cut the image to the sheet's edges, or name the right size with --paper.",
            )
        return size
    if page.dpi is not None:
        own = (width_px / page.dpi * MM_PER_INCH, height_px / page.dpi * MM_PER_INCH)
        for paper in PAPERS.values():
            size = _lying(paper, width_px, height_px)
            if all(abs(one - other) <= NEAR * other for one, other in zip(own, size, strict=True)):
                return size
    # Shapes are shared by sizes: of those of one shape the commonest.
    near = [
        name
        for name in ("a4", "letter", "legal")
        if _off(_lying(PAPERS[name], width_px, height_px), width_px, height_px) <= NEAR
    ]
    if not near and unless is not None:
        return unless
    if not near:
        raise PageError(
            f"{seen} has the shape of no paper that docproc knows.",
            remedy="Cut the image to the sheet's edges, or name the size with --paper, like --paper 148x105.",
        )
    return _lying(PAPERS[near[0]], width_px, height_px)


def _lying(size: Size, width_px: int, height_px: int) -> Size:
    """Upright or on its side, as the image is."""
    short, long = sorted(size)
    return (short, long) if width_px <= height_px else (long, short)


def _off(size: Size, width_px: int, height_px: int) -> float:
    """Share by which the image is wider or narrower than the paper."""
    return abs(width_px / height_px / (size[0] / size[1]) - 1)
