"""A sheet of paper to print on, in millimeters.

In:  lines, boxes and words, where they shall stand.
Out: one gray image of the sheet; and what is still free on it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from docproc.form.markers import draw_marker
from docproc.geometry import MM_PER_INCH, Box
from docproc.page import Gray
from docproc.template import Fiducial

MARGIN_MM = 8.0  #: Unprinted edge of an office printer, with room to spare.
PRINT_GRAY = 20  #: Toner is not quite black.
SUPERSAMPLING = 3  #: Pixels are averaged from this many squared, so that thin lines keep their weight.


class Sheet:
    """A canvas in millimeters that remembers where something stands already."""

    def __init__(self, width_mm: float, height_mm: float, dpi: float) -> None:
        self.box = Box(0, 0, width_mm, height_mm)
        self._size = (round(width_mm * dpi / MM_PER_INCH), round(height_mm * dpi / MM_PER_INCH))
        self._scale = SUPERSAMPLING * dpi / MM_PER_INCH
        self._image = Image.new("L", (self._size[0] * SUPERSAMPLING, self._size[1] * SUPERSAMPLING), 255)
        self._draw = ImageDraw.Draw(self._image)
        self._taken: list[Box] = []

    def pixels(self) -> Gray:
        """The sheet at its resolution, (H, W) uint8."""
        return np.array(self._image.reduce(SUPERSAMPLING), np.uint8)

    def is_free(self, box: Box) -> bool:
        """Whether nothing stands in the box, and it keeps the margin."""
        inside = self.box.grown(-MARGIN_MM / 2).contains(box)
        return inside and not any(box.intersection(other) > 0 for other in self._taken)

    def take(self, box: Box) -> None:
        """Keep the box from being used again."""
        self._taken.append(box)

    def taken(self) -> tuple[Box, ...]:
        """What has been used."""
        return tuple(self._taken)

    def fill(self, box: Box, gray: int = 0) -> None:
        """Print a solid box."""
        self._draw.rectangle(self._px(box), fill=gray)
        self.take(box)

    def picture(self, box: Box, gray: Gray) -> None:
        """Print a picture of few pixels, like a code's modules, over the box."""
        left, top, right, bottom = self._px(box)
        size = round(right - left) + 1, round(bottom - top) + 1
        self._image.paste(Image.fromarray(gray).resize(size, Image.Resampling.NEAREST), (round(left), round(top)))
        self.take(box)

    def fiducial(self, fiducial: Fiducial) -> None:
        """Print a mark to register by."""
        if fiducial.kind == "aruco":
            self.picture(fiducial.box, draw_marker(fiducial))
        else:
            self.fill(fiducial.box)

    def frame(self, box: Box, width_mm: float) -> None:
        """Print the outline of a box; the line's middle is on the box's edge."""
        (x0, y0), (x1, y1) = (box.left, box.top), (box.right, box.bottom)
        for start, end in (((x0, y0), (x1, y0)), ((x0, y1), (x1, y1)), ((x0, y0), (x0, y1)), ((x1, y0), (x1, y1))):
            self.rule(start, end, width_mm)
        self.take(box)

    def rule(self, start: tuple[float, float], end: tuple[float, float], width_mm: float) -> None:
        """Print an upright or level line, its ends squared off by half its width."""
        half = width_mm / 2
        spanned = Box.around([start, end])
        self._draw.rectangle(self._px(spanned.grown(half)), fill=PRINT_GRAY)

    def text_width(self, text: str, height_mm: float) -> float:
        """Width of the text in mm."""
        return float(self._font(height_mm).getlength(text)) / self._scale

    def text(self, left: float, top: float, text: str, height_mm: float, *, gray: int = PRINT_GRAY) -> Box:
        """Print a line of text whose box begins at (left, top)."""
        self._draw.text(
            (left * self._scale, top * self._scale), text, font=self._font(height_mm), fill=gray, anchor="la"
        )
        box = Box(left, top, self.text_width(text, height_mm), height_mm * 1.25)
        self.take(box)
        return box

    def _font(self, height_mm: float) -> ImageFont.FreeTypeFont:
        return _font(round(height_mm * self._scale))

    def _px(self, box: Box) -> tuple[float, float, float, float]:
        scaled = box.scaled(self._scale)
        return round(scaled.left), round(scaled.top), round(scaled.right) - 1, round(scaled.bottom) - 1


@lru_cache(maxsize=32)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)  # Pillow carries it: the same letters on every machine
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType and cannot draw labels")
    return font
