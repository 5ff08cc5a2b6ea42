"""Read the QR codes and barcodes of a page.

In:  a page, whichever way up. Out: their texts, and where they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from docproc.form.features import gray_of
from docproc.geometry import Points
from docproc.page import Page


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

    return tuple(Code(found.text, _corners(found.position)) for found in zxingcpp.read_barcodes(gray_of(page)))


def _corners(position: object) -> Points:
    named = (getattr(position, name) for name in ("top_left", "top_right", "bottom_right", "bottom_left"))
    return np.array([(corner.x, corner.y) for corner in named], np.float64)
