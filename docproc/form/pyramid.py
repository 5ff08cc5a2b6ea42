"""A gray image and its reductions to a half, a quarter and so on [1]_: rough looks at a page take them.

In:  a gray image, and how much smaller it is wanted.
Out: the reduction that comes nearest, and where its pixels lie.

References
----------
.. [1] P. Burt, E. Adelson, "The Laplacian pyramid as a compact image code", IEEE Transactions on Communications
   31(4), 1983; here each pixel is the mean of four.
"""

from __future__ import annotations

from functools import lru_cache
from math import floor, log2

import cv2
import numpy as np

from docproc.form.boxes import page_gray
from docproc.geometry import Transform
from docproc.histogram import percentile
from docproc.page import Gray, Page

DARK_WHITE = 128.0  #: A page whose white is darker is brightened ...
BRIGHTENED = 230.0  #: ... to this.


class Pyramid:
    """A gray image with its reductions, each made when it is first asked for."""

    def __init__(self, gray: Gray) -> None:
        self._levels = [gray]

    @property
    def gray(self) -> Gray:
        """The image as it is."""
        return self._levels[0]

    def near(self, scale: float) -> tuple[Gray, Transform]:
        """The image at about `scale` times its size, by a factor of 1.42 at most, and never enlarged.

        Returns
        -------
        (H, W) uint8, Transform
            The reduction, and its pixels from the image's.
        """
        return self._halved(round(-log2(scale)))

    def reduced(self, side_px: int) -> tuple[Gray, Transform]:
        """The image reduced to a long side of `side_px`, never enlarged; and its pixels from the image's."""
        scale = side_px / max(self.gray.shape)
        if scale >= 1:
            return self._halved(0)
        larger, larger_from_gray = self._halved(floor(-log2(scale)))
        factor = side_px / max(larger.shape)
        size = max(round(larger.shape[1] * factor), 1), max(round(larger.shape[0] * factor), 1)
        small = cv2.resize(larger, size, interpolation=cv2.INTER_AREA)
        return small, centered_scaling(size[0] / larger.shape[1], size[1] / larger.shape[0]) @ larger_from_gray

    def _halved(self, times: int) -> tuple[Gray, Transform]:
        while len(self._levels) <= times and min(self._levels[-1].shape) > 1:
            last = self._levels[-1]
            height, width = last.shape[0] // 2, last.shape[1] // 2  # an odd last row or column falls away
            whole = last[: 2 * height, : 2 * width]
            self._levels.append(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))
        level = min(max(times, 0), len(self._levels) - 1)
        return self._levels[level], centered_scaling(0.5**level, 0.5**level)


def centered_scaling(x: float, y: float) -> Transform:
    """Pixels of a scaled image from the image's own: edges are scaled, and centers are whole numbers in both."""
    return Transform.translation(-0.5, -0.5) @ Transform.scaling(x, y) @ Transform.translation(0.5, 0.5)


@lru_cache(maxsize=1)
def pyramid_of(page: Page) -> Pyramid:
    """The page in shades of gray; brightened where it was taken in the dark, since print is known by its contrast."""
    gray = page_gray(page)
    white = percentile(np.ascontiguousarray(gray[::8, ::8]), 99)
    if white < DARK_WHITE:
        gray = cv2.convertScaleAbs(gray, alpha=BRIGHTENED / max(white, 1.0))
    gray.setflags(write=False)
    return Pyramid(gray)
