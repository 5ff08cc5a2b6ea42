"""Paint sheets of whole numbers, capture them badly, and let the pipeline find their ink: lines as readers meet them.

In:  digits of all sources, a seed. Out: `Written`: what the pipeline proposed for a field, and the digits in it.
Papers, pens and cameras are those of `sheet`; what is written is in `numbers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from docproc.fields import Proposal, propose
from docproc.geometry import Box, Transform
from docproc.page import Ink, Page, PageRef
from docproc.pipeline import whole_image_field
from docproc.training.digits.augmentation import GLYPH_PX
from docproc.training.painting.arrangement import MARGIN_PX, SHEET_WIDTH_PX, Arrangement
from docproc.training.painting.exposure import WAY_SHARES, WAYS, expose
from docproc.training.painting.numbers import FAMILIES, FAMILY_SHARES, NUMBERS, Desk, Number, Writers
from docproc.training.painting.papers import KINDS
from docproc.training.painting.rulings import Ruling
from docproc.training.painting.sheet import (
    LEAST_PEN_PX,
    PAPER_SHARES,
    PEN_PX,
    PEN_SHARE,
    SHARPEST_PX,
    drawn_height,
    located_field,
    printed_and_written,
    write_with,
)

_SOLID = 128  #: Of 255: ink from which a pixel on the sheet is a stroke's.
_PALE = 0.25  #: Of the darkest strokes on the page: what is paler is not seen.
_WORN = 0.4  #: Of sheets: pieces of the printed lines are left, not all.
_SEEN = 0.8  #: Share of strokes that is seen, at least.
_PAPER = PageRef(source="", path="", index=0, sha256="")


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """One field of a painted sheet."""

    proposal: Proposal
    text: str  #: The digits that a person would read in it.


def paint_lines(writers: Writers, rng: np.random.Generator) -> list[Written]:
    """Paint one sheet of about twenty numbers, by one writer, and cut it."""
    way = WAYS[int(rng.choice(len(WAYS), p=WAY_SHARES))]
    paper = "plain" if way == "clean" else KINDS[int(rng.choice(len(KINDS), p=PAPER_SHARES))]
    digit_px = drawn_height(rng)
    drawn_px = max(digit_px, SHARPEST_PX)
    sheet, numbers = _write(writers, rng, digit_px=drawn_px, least_pen_px=LEAST_PEN_PX * GLYPH_PX / digit_px)
    planes = printed_and_written(sheet, paper, way, drawn_px, rng)
    pixels, page_from_sheet = expose(
        planes, way=way, digit_px=digit_px, reduction=min(digit_px / drawn_px, 1.0), rng=rng
    )
    page = Page(ref=_PAPER, pixels=pixels, dpi=None)
    lying = [number for number in numbers if not number.cut]
    proposals = propose(page, [located_field(number.placed, page_from_sheet, rng) for number in lying])
    sheet_from_page = page_from_sheet.inverse()
    fields = [Written(proposal, number.text) for proposal, number in zip(proposals, lying, strict=True)]
    written = [one for one in fields if _is_seen(one, sheet.ink, sheet_from_page)]
    for number in numbers:
        cut = _cut(page, page_from_sheet.box(number.placed.box)) if number.cut else None
        if cut is not None:
            own, corner = cut
            one = Written(propose(own, [whole_image_field(own)])[0], number.text)
            if _is_seen(one, sheet.ink, sheet_from_page @ Transform.translation(*corner)):
                written.append(one)
    return written


def _is_seen(written: Written, ink: Ink, sheet_from_page: Transform) -> bool:
    """Whether what was written can still be seen on the page: strokes may break, not vanish."""
    image = written.proposal.image
    sheet_from_field = sheet_from_page @ image.page_from_field
    size = image.dark.shape[1::-1]
    ideal = cv2.warpPerspective(ink, sheet_from_field.matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    strokes = image.dark[ideal > _SOLID]
    if len(strokes) == 0:
        return not written.text
    return float(np.mean(strokes > _PALE * np.percentile(strokes, 90))) >= _SEEN


def _write(
    writers: Writers, rng: np.random.Generator, *, digit_px: float, least_pen_px: float
) -> tuple[Arrangement, list[Number]]:
    """A sheet of numbers by one hand."""
    pen_px = float(np.exp(rng.uniform(*np.log(PEN_PX)))) if rng.random() < PEN_SHARE else 0.0
    pen_px = max(pen_px, least_pen_px) if max(pen_px, least_pen_px) > PEN_PX[0] else 0.0

    def pen(mark: Ink) -> Ink:
        return mark if pen_px == 0 else write_with(mark, pen_px * float(np.clip(rng.normal(1, 0.08), 0.8, 1.2)))

    ruling = Ruling.drawn(rng, digit_px=digit_px)
    if rng.random() < _WORN:
        ruling = ruling.worn(rng, digit_px=digit_px)
    height = round(digit_px * 60)
    size = (height, SHEET_WIDTH_PX)
    sheet = Arrangement(np.zeros(size, np.uint8), np.zeros(size, np.uint8), np.zeros((1, 1), np.int16))
    desk = Desk(
        sheet,
        writers.drawn(rng),
        pen,
        ruling,
        rng,
        digit_px,
        fill=float(rng.uniform(0.45, 0.9) if rng.random() < 0.85 else rng.uniform(0.9, 1.15)),
        pen_px=digit_px * (pen_px / GLYPH_PX if pen_px else float(rng.uniform(0.06, 0.13))),
        spacing=float(np.clip(rng.normal(0.12, 0.11), -0.1, 0.4) if rng.random() < 0.7 else rng.uniform(0.25, 0.9)),
        unevenness=float(rng.uniform(0.03, 0.15)),
        joins_zeros=bool(rng.random() < 0.15),
        spread=float(rng.uniform(0.03, 0.14)),
        slope=float(rng.normal(0, 0.05)),
        signs=float(rng.choice((0.0, 0.3, 0.9), p=(0.35, 0.3, 0.35))),
    )
    chosen = rng.choice(len(FAMILIES), size=int(rng.integers(1, 4)), p=FAMILY_SHARES)
    wanted = int(rng.integers(*NUMBERS))
    while len(desk.numbers) < wanted and sheet.bottom + 6 * digit_px / desk.fill < height:
        desk.row(FAMILIES[int(rng.choice(chosen))])
    return sheet.cropped(min(round(sheet.bottom + MARGIN_PX), height)), desk.numbers


def _cut(page: Page, box: Box) -> tuple[Page, tuple[int, int]] | None:
    """A number as an image of its own, and its corner on the page; None where it left the page."""
    height, width = page.pixels.shape[:2]
    left, top = max(round(box.left), 0), max(round(box.top), 0)
    right, bottom = min(round(box.right), width), min(round(box.bottom), height)
    if right - left < 8 or bottom - top < 8:
        return None
    own = Page(ref=_PAPER, pixels=np.ascontiguousarray(page.pixels[top:bottom, left:right]), dpi=None)
    return own, (left, top)
