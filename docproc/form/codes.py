"""Read the QR codes and barcodes of a page.

In:  a page, whichever way up. Out: their texts, and where they are; and of the places of a template what is there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from docproc.form.cutting import as_png, crop
from docproc.form.pyramid import pyramid_of
from docproc.geometry import Box, Points
from docproc.page import Page
from docproc.reading import FieldReading, Reason, Verdict

CHANCE = 0.9999  #: That a code was read right: it has check digits of its own.
NEAR = 0.1  #: Of its place's height, around it: pages bend.


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """One code that was read."""

    text: str
    corners_px: Points  #: (4, 2) on the page as read.

    @property
    def center_px(self) -> tuple[float, float]:
        """(x, y) of its middle."""
        x, y = self.corners_px.mean(axis=0)
        return float(x), float(y)


def read_codes(page: Page) -> tuple[Code, ...]:
    """All codes that can be read; a code's own check digits say that it was read right."""
    import zxingcpp

    return tuple(
        Code(found.text, _corners(found.position)) for found in zxingcpp.read_barcodes(pyramid_of(page).gray)
    )


def read_places(
    page: Page, codes: Sequence[Code], places: Sequence[tuple[str, Box]], *, pictured: Collection[str] = ()
) -> tuple[FieldReading, ...]:
    """The texts of a page's codes in named places, in pixels; to review where there is none, or several.

    Those that are `pictured`, by name, have a picture whatever was read.
    """
    readings = []
    for name, box in places:
        around = box.grown(NEAR * box.height)
        texts = {code.text for code in codes if around.contains(Box(*code.center_px, 0, 0))}
        sure = len(texts) == 1
        readings.append(
            FieldReading(
                name=name,
                text=texts.pop() if sure else "",
                confidence=CHANCE if sure else 0.0,
                verdict=Verdict.ACCEPTED if sure else Verdict.REVIEW,
                reasons=() if sure else (Reason.CODE_UNREADABLE,),
                box_px=box,
                crop_png=b"" if sure and name not in pictured else as_png(crop(page.pixels, box)),
            )
        )
    return tuple(readings)


def _corners(position: object) -> Points:
    named = (getattr(position, name) for name in ("top_left", "top_right", "bottom_right", "bottom_left"))
    return np.array([(corner.x, corner.y) for corner in named], np.float64)
