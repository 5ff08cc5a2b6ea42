"""What is wrong with the picture of a page, and how much: blur, darkness, glare, a corner out of the picture.

In:  a page, and where its fields lie.
Out: `Defect`s with what was measured, and the fields that cannot be trusted for one.
Blurred and dark pages are read, and what is read of them is as sure as its confidence says: they are named so that
somebody takes a better picture. What lies under glare, or out of the picture, cannot be read at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.glare import under_glare
from docproc.form.location import LocatedField
from docproc.geometry import Box, Transform
from docproc.histogram import percentile, percentile_of, percentiles
from docproc.page import Gray


class Kind(StrEnum):
    """What is wrong."""

    BLUR = "blur"  #: Out of focus.
    DARKNESS = "darkness"  #: Too little light.
    GLARE = "glare"  #: A lamp is mirrored: print and writing under it are gone.
    CUT = "cut"  #: A corner of the sheet lies out of the picture.


#: Blur from which a page is named, by the height of its fields: samples blurred so have a seventh fewer fields
#: accepted (tests.real.spoiled), and none more wrong.
LEAST_BLUR = 0.027
LEAST_PAPER = 60.0  #: Brightness of bare paper below which a page is dark: of 255, by the median field.
LEAST_CUT_MM = 3.0  #: By which a corner must leave the picture: scanners trim edges by less.
WHITE_PAPER = 240.0  #: Where bare paper is so bright all over, a scanner has made it so.
DIMMER_PERCENTILE = 10  #: Of the pieces' paper: most of the page may be under glare.
MOST_LOOKED_AT = 24  #: Fields around which paper is looked at, evenly taken.
MOST_PROBED = 8  #: ... and blur is measured,
PROBED_HEIGHTS = 4.0  #: in so much of their length.
ASSUMED_HEIGHT = 1 / 40  #: Of a field, by the picture's long side, where none is found: 7 mm on A4.
PAPER_PERCENTILE = 80  #: Of the brightness around a field: bare paper.
SMALLEST_PIECE_PX = 8  #: Of the page around a field; less shows nothing.
AROUND_HEIGHTS = 0.4  #: Of a field's height, around it: its label counts, too.
NARROW, WIDE = 0.0125, 0.031  #: Of a field's height: the two smoothings whose gradients are compared,
NARROWEST_PX, WIDEST_PX = 0.7, 1.75  #: and at least this,
SMOOTHINGS = (1, 2, 4, 8)  #: times these.
LOWEST_FIELD_PX = 14.0  #: Height of a field to which a picture is reduced at most: less has no edges.
LEAST_CONTRAST = 30.0  #: Gray levels between what is dark and bright around a field, to speak of edges.
STRONG_EDGE = 0.5  #: Of the strongest gradient around a field.
SHARPEST = 20.0  #: Percentile of the edges' blur: the sharpest edges show the lens, others their own ramp.


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong with a page's picture."""

    kind: Kind
    value: float
    unit: str  #: "mm", "px", "%" of the worst field, "of 255".

    def __str__(self) -> str:
        """As reasons name it: `blur=0.31 mm`."""
        places = {"mm": 2, "px": 1}.get(self.unit, 0)
        return f"{self.kind}={self.value:.{places}f} {self.unit}"


@dataclass(frozen=True, slots=True)
class Defects:
    """What was found on a page."""

    found: tuple[Defect, ...] = ()
    hidden: frozenset[str] = frozenset()  #: Names of the fields under glare, which cannot be trusted.


def find_defects(
    gray: Gray, located: Sequence[LocatedField], *, page_from_form: Transform | None = None, sheet: Box | None = None
) -> Defects:
    """Measure what is wrong with the picture of a page.

    Parameters
    ----------
    gray : (H, W) uint8
        The page as it was taken.
    located : sequence of LocatedField
        Where there are none, the whole picture is measured, as if the sheet filled it.
    page_from_form, sheet : optional
        The one map of the sheet, and the sheet in mm, where a template gives them.
    """
    found = []
    if located:
        height_px = float(np.median([_height_px(one) for one in located]))
        pieces = _pieces(gray, located)
    else:
        height_px = max(gray.shape) * ASSUMED_HEIGHT
        split = [piece for row in np.array_split(gray, 5) for piece in np.array_split(row, 5, axis=1)]
        pieces = [piece for piece in split if min(piece.shape) >= SMALLEST_PIECE_PX]
    blur_px = _blur_px(pieces, height_px)
    if blur_px > LEAST_BLUR * height_px:
        found.append(Defect(Kind.BLUR, *_on_paper(blur_px, located, page_from_form)))
    papers = [percentile(piece, PAPER_PERCENTILE) for piece in pieces] or [255.0]
    if (bare := float(np.median(papers))) < LEAST_PAPER:
        found.append(Defect(Kind.DARKNESS, bare, "of 255"))
    under: dict[str, float] = {}
    if np.percentile(papers, DIMMER_PERCENTILE) < WHITE_PAPER:
        under = under_glare(gray, located, height_px)
    if under:
        found.append(Defect(Kind.GLARE, 100 * max(under.values()), "%"))
    if page_from_form is not None and sheet is not None:
        cut = _cut_mm(gray.shape, page_from_form, sheet)
        if cut > LEAST_CUT_MM:
            found.append(Defect(Kind.CUT, cut, "mm"))
    return Defects(tuple(found), frozenset(under))


def _on_paper(
    length_px: float, located: Sequence[LocatedField], page_from_form: Transform | None
) -> tuple[float, str]:
    """A length in mm, where a template gives the scale."""
    if page_from_form is None:
        return length_px, "px"
    return length_px / page_from_form.scale_at(*located[0].field.box.center), "mm"


def _height_px(located: LocatedField) -> float:
    box = located.field.box
    return box.height * located.page_from_form.scale_at(*box.center)


def _pieces(gray: Gray, located: Sequence[LocatedField]) -> list[Gray]:
    """The page around some of its fields; what is hardly inside is left out."""
    height, width = gray.shape
    pieces = []
    for one in located[:: max(len(located) // MOST_LOOKED_AT, 1)]:
        box = one.page_from_form.box(one.field.box.grown(AROUND_HEIGHTS * one.field.box.height))
        top, bottom = (min(max(round(value), 0), height) for value in (box.top, box.bottom))
        left, right = (min(max(round(value), 0), width) for value in (box.left, box.right))
        if min(bottom - top, right - left) >= SMALLEST_PIECE_PX:
            pieces.append(gray[top:bottom, left:right])
    return pieces


def _blur_px(pieces: Sequence[Gray], height_px: float) -> float:
    """Standard deviation, in pixels, of the blur of edges; 0 where they are sharp.

    An edge of blur s, smoothed by a and by b, has gradients whose ratio R gives it [1]_, here with both smoothed,
    since noise has no scale: s^2 = (b^2 - R^2 a^2) / (R^2 - 1). Strokes are thin, so about half of the blur is
    measured; LEAST_BLUR is in the same measure. A camera that moved leaves thin strokes broad and pale, with edges
    that are sharp: that is not seen here.

    References
    ----------
    .. [1] S. Zhuo and T. Sim, "Defocus map estimation from a single image", Pattern Recognition 44(9), 2011.
    """
    narrow, wide = max(NARROW * height_px, NARROWEST_PX), max(WIDE * height_px, WIDEST_PX)
    width = round(PROBED_HEIGHTS * height_px)
    middles = [piece[:, max((piece.shape[1] - width) // 2, 0) :][:, :width] for piece in pieces]
    levels = [piece.astype(np.float32) for piece in middles if _contrast(piece) >= LEAST_CONTRAST]
    if not levels:
        return 0.0
    levels = levels[:: -(-len(levels) // MOST_PROBED)]
    # Smoothing hides what is finer than itself: as much is seen in a picture reduced so far that it takes little.
    scale, seen = 1.0, []
    for more in SMOOTHINGS:
        wanted = min(max(NARROWEST_PX / (narrow * more), LOWEST_FIELD_PX / height_px), scale)
        levels = [_reduced(piece, wanted / scale) for piece in levels]
        scale = wanted
        spreads = [_spreads(piece, narrow * more * scale, wide * more * scale, scale) for piece in levels]
        edges = np.concatenate(spreads)
        # What is blurred more than it is smoothed drowns in noise: of several smoothings the one that sees most.
        seen.append(percentile_of(edges, SHARPEST) / scale if len(edges) else 0.0)
    return max(seen)


def _reduced(image: npt.NDArray[np.float32], scale: float) -> npt.NDArray[np.float32]:
    return image if scale == 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _contrast(piece: Gray) -> float:
    bright, dark = percentiles(piece, 99, 1)
    return bright - dark


def _spreads(levels: npt.NDArray[np.float32], narrow: float, wide: float, scale: float) -> npt.NDArray[np.float64]:
    """Blur of each strong edge of a piece that was reduced to `scale`, in pixels of the piece."""
    # What reducing and the gradient smooth by themselves: the variance of a pixel's area and of two pixels' way.
    by_itself = (1 - scale**2) * (1 / 12 + 1 / 3)
    fine, coarse = (
        _gradient(cv2.GaussianBlur(levels, (0, 0), math.sqrt(smoothing**2 - by_itself)))
        for smoothing in (narrow, wide)
    )
    strong = fine > STRONG_EDGE * percentile_of(fine, 99.5)
    ratio = (fine[strong] / np.maximum(coarse[strong], 1e-3)) ** 2
    return np.sqrt(np.clip((wide**2 - ratio * narrow**2) / np.maximum(ratio - 1, 1e-3), 0, None))


def _gradient(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How steep an image is at each pixel."""
    x, y = (cv2.Sobel(image, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    return np.hypot(x, y)


def _cut_mm(shape: tuple[int, ...], page_from_form: Transform, sheet: Box) -> float:
    """How far the sheet's farthest corner lies out of the picture."""
    corners = page_from_form @ sheet.corners()
    height, width = shape[:2]
    shown = np.clip(corners, (-0.5, -0.5), (width - 0.5, height - 0.5))
    return float(np.hypot(*(page_from_form.inverse() @ shown - sheet.corners()).T).max())
