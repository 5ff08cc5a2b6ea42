"""Find the fields that lie under a mirrored lamp, which bleaches what is written, or hides it.

In:  a gray page on which paper is not white all over, and where its fields lie.
Out: for each field that cannot be trusted the share of it under glare.

Glare is told by two signs. It makes paper brighter than the paper beside it and than paper is elsewhere on the page:
shadows and slow changes of light do the one or the other. And where it is so large that no paper beside it is seen,
print tells it from bright paper: where a part of a field shows neither writing nor a line, these are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.location import LocatedField
from docproc.page import Gray, Mask

FIELD_PX = 16  #: Height of a field on the reduced image where glare is sought.
SATURATED = 250  #: The camera shows no difference above this.
BESIDE_HEIGHTS = 1.0  #: Of a field's height: how far around it paper is looked at.
PRINT_HEIGHTS = 0.3  #: Strokes and rules are thinner, and are filled to see the paper.
SHADE_PERCENTILE = 20  #: Of the paper around a field: what it is where no lamp is mirrored.
BRIGHT_PERCENTILE = 75  #: Of the fields' paper: what it is at the bright side of the page.
LEAST_VEIL = 0.35  #: Share of the way to white by which glare lifts paper above that beside it,
LEAST_PAGE_VEIL = 0.25  #: and above that of the page's bright side,
LEAST_RISE = 15.0  #: and gray levels.
PART_HEIGHTS = 0.4  #: Length of a part of a field that must show its lines, or writing: about a digit's width.
LINE_HEIGHTS = 0.15  #: Above and below a field's box, its lines are sought there.
LEAST_SHARE = 0.02  #: Of a field under glare: a stroke's width in a cell.


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    """A field and what is around it, upright, FIELD_PX a field's height."""

    paper: npt.NDArray[np.float32]  #: (H, W) brightness with print filled; NaN outside the picture.
    white: Mask  #: (H, W) saturated, print included.
    ruled: bool  #: Whether it has lines above and below.

    @property
    def inner(self) -> tuple[slice, slice]:
        """The field's own box."""
        margin = round(BESIDE_HEIGHTS * FIELD_PX)
        return slice(margin, -margin), slice(margin, -margin)


def under_glare(gray: Gray, located: Sequence[LocatedField], height_px: float) -> dict[str, float]:
    """Which fields lie under glare, by name, and what share of each, 0 to 1.

    Parameters
    ----------
    gray : (H, W) uint8
    located : sequence of LocatedField
    height_px : float
        Of a typical field.
    """
    step = 2 if height_px >= 2 * FIELD_PX else 1  # reduced by two first: that takes a tenth of the time
    block = max(round(height_px / step / FIELD_PX), 1)
    whole = np.ones((block, block), np.uint8)
    rows, columns = (length // (step * block) for length in gray.shape)
    tiled = gray[: rows * step * block, : columns * step * block]
    tiled = cv2.resize(tiled, (columns * block, rows * block), interpolation=cv2.INTER_AREA)
    darkest = cv2.erode(tiled, whole)[block // 2 :: block, block // 2 :: block]
    mean = cv2.resize(tiled, (columns, rows), interpolation=cv2.INTER_AREA)
    block *= step
    side = np.ones((round(PRINT_HEIGHTS * height_px / block) | 1,) * 2, np.uint8)
    # Print is filled, then the bright rims go that cameras draw around it.
    paper = cv2.morphologyEx(cv2.morphologyEx(mean, cv2.MORPH_CLOSE, side), cv2.MORPH_OPEN, side)
    strips = {one.field.name: _strip(paper, darkest, block, one) for one in located}
    papers = [float(np.nanmedian(strip.paper[strip.inner])) for strip in strips.values() if _is_shown(strip)]
    bright = float(np.percentile(papers, BRIGHT_PERCENTILE)) if papers else 255.0
    shares = {name: _share(strip, bright) for name, strip in strips.items() if _is_shown(strip)}
    return {name: share for name, share in shares.items() if share > LEAST_SHARE}


def _strip(paper: Gray, darkest: Gray, block: int, located: LocatedField) -> _Strip:
    box = located.field.box
    step = box.height / FIELD_PX
    around = box.grown(BESIDE_HEIGHTS * box.height)
    xs, ys = np.arange(around.left, around.right, step), np.arange(around.top, around.bottom - step / 2, step)
    points = located.page_from_form @ np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    columns, rows = np.rint(points / block).astype(int).reshape(len(ys), len(xs), 2).transpose(2, 0, 1)
    outside = (rows < 0) | (columns < 0) | (rows >= paper.shape[0]) | (columns >= paper.shape[1])
    rows, columns = np.where(outside, 0, rows), np.where(outside, 0, columns)
    levels = np.where(outside, np.nan, paper[rows, columns].astype(np.float32)).astype(np.float32)
    return _Strip(levels, (darkest[rows, columns] >= SATURATED) & ~outside, located.field.kind != "free")


def _is_shown(strip: _Strip) -> bool:
    return bool((~np.isnan(strip.paper[strip.inner])).mean() > 0.5)


def _share(strip: _Strip, bright: float) -> float:
    """Share of a field under glare."""
    own = np.nan_to_num(strip.paper[strip.inner])
    lifted = own - bright > LEAST_PAGE_VEIL * (255 - bright)
    reach = round((BESIDE_HEIGHTS - LINE_HEIGHTS) * FIELD_PX)
    seen = strip.white[reach:-reach, strip.inner[1]]
    if not (lifted.any() or seen.any()):
        return 0.0
    shade = float(np.nanpercentile(strip.paper, SHADE_PERCENTILE))
    rise = own - shade
    lifted &= (rise > LEAST_RISE) & (rise > LEAST_VEIL * (255 - shade))
    gone = np.logical_and.reduce(seen)
    if strip.ruled:
        lines = 2 * round(LINE_HEIGHTS * FIELD_PX)
        gone |= np.logical_and.reduce(seen[:lines]) | np.logical_and.reduce(seen[-lines:])
    part = np.ones((1, round(PART_HEIGHTS * FIELD_PX)), np.uint8)
    long = cv2.morphologyEx(gone.astype(np.uint8)[np.newaxis], cv2.MORPH_OPEN, part)
    return float((lifted | (long > 0)).mean())
