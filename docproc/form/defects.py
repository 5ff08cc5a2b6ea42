"""What is wrong with the picture of a page, and how much: blur, darkness, glare, a corner out of the picture.

In:  a page, and where its fields lie.
Out: `Defect`s with what was measured, and the fields that cannot be trusted for one.
Blurred and dark pages are read, and what is read of them is as sure as its confidence says: they are named so that
somebody takes a better picture. What lies under glare, or out of the picture, cannot be read at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.location import LocatedField
from docproc.geometry import Box, Transform
from docproc.page import Gray, Mask


class Kind(StrEnum):
    """What is wrong."""

    BLUR = "blur"  #: Out of focus, or moved.
    DARKNESS = "darkness"  #: Too little light.
    GLARE = "glare"  #: A lamp is mirrored: print and writing under it are gone.
    CUT = "cut"  #: A corner of the sheet lies out of the picture.


#: Blur from which a page is named, by the height of its fields: samples blurred so have a seventh fewer fields
#: accepted (tests.real.spoiled), and none more wrong.
LEAST_BLUR = 0.027
LEAST_PAPER = 60.0  #: Brightness of bare paper below which a page is dark: of 255, by the median field.
LEAST_CUT_MM = 3.0  #: By which a corner must leave the picture: scanners trim edges by less.
LEAST_GLARE = 0.02  #: Share of a field's box under glare from which it is not trusted: a stroke's width in a cell.
SATURATED = 250  #: The camera shows no difference above this.
WHITE_PAPER = 240.0  #: Where bare paper is so bright all over, a scanner has made it so.
DIMMER_PERCENTILE = 10  #: Of the pieces' paper: most of the page may be under glare.
SPOT_HEIGHTS = 0.4  #: A spot of glare is a disk of this many field heights, at least,
LARGEST_SPOT_HEIGHTS = 4.0  #: and no longer than this.
PART_HEIGHTS = 0.4  #: Length of a part of a field that must show its lines, or writing: about a digit's width.
LINE_HEIGHTS = 0.15  #: Above and below a field's box, its lines are sought there.
PRINT_HEIGHTS = 0.3  #: Strokes and rules are thinner, and are filled to see the paper.
HALO_HEIGHTS = 0.3  #: Around glare, strokes are bleached.
MOST_PROBED = 24  #: Fields around which blur is measured, evenly taken.
ASSUMED_HEIGHT = 1 / 40  #: Of a field, by the picture's long side, where none is found: 7 mm on A4.
PAPER_PERCENTILE = 80  #: Of the brightness around a field: bare paper.
SMALLEST_PIECE_PX = 8  #: Of the page around a field; less shows nothing.
GLARE_HEIGHT_PX = 16  #: Of a field, on the reduced image where glare is sought.
AROUND_HEIGHTS = 0.4  #: Of a field's height, around it: its label counts, too.
NARROW, WIDE = 0.0125, 0.031  #: Of a field's height: the two smoothings whose gradients are compared,
NARROWEST_PX, WIDEST_PX = 0.7, 1.75  #: and at least this.
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
        places = 2 if self.unit == "mm" else 0 if self.unit == "of 255" else 1
        return f"{self.kind}={self.value:.{places}f} {self.unit}"


@dataclass(frozen=True, slots=True)
class Defects:
    """What was found on a page."""

    found: tuple[Defect, ...] = ()
    hidden: Mapping[str, Kind] = field(
        default_factory=dict
    )  #: Fields that cannot be trusted, by name, and what hides them.


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
    papers = [float(np.percentile(piece, PAPER_PERCENTILE)) for piece in pieces] or [255.0]
    if (bare := float(np.median(papers))) < LEAST_PAPER:
        found.append(Defect(Kind.DARKNESS, bare, "of 255"))
    hidden: dict[str, Kind] = {}
    if np.percentile(papers, DIMMER_PERCENTILE) < WHITE_PAPER:
        under = _under_glare(gray, located, height_px)
        hidden = dict.fromkeys(under, Kind.GLARE)
        if under:
            found.append(Defect(Kind.GLARE, 100 * max(under.values()), "%"))
    if page_from_form is not None and sheet is not None:
        cut = _cut_mm(gray.shape, page_from_form, sheet)
        if cut > LEAST_CUT_MM:
            found.append(Defect(Kind.CUT, cut, "mm"))
    return Defects(tuple(found), hidden)


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
    for one in located[:: max(len(located) // MOST_PROBED, 1)]:
        box = one.page_from_form.box(one.field.box.grown(AROUND_HEIGHTS * one.field.box.height))
        top, bottom = (min(max(round(value), 0), height) for value in (box.top, box.bottom))
        left, right = (min(max(round(value), 0), width) for value in (box.left, box.right))
        if min(bottom - top, right - left) >= SMALLEST_PIECE_PX:
            pieces.append(gray[top:bottom, left:right])
    return pieces


def _blur_px(pieces: Sequence[Gray], height_px: float) -> float:
    """Standard deviation, in pixels, of the blur of edges; 0 where they are sharp.

    An edge of blur s, smoothed by a and by b, has gradients whose ratio R gives it [1]_, here with both smoothed,
    since noise has no scale: s^2 = (b^2 - R^2 a^2) / (R^2 - 1). Strokes are thin, so of heavy blur about half is
    measured; LEAST_BLUR is in the same measure. A camera that moved leaves thin strokes broad and pale, with edges
    that are sharp: that is not seen here.

    References
    ----------
    .. [1] S. Zhuo and T. Sim, "Defocus map estimation from a single image", Pattern Recognition 44(9), 2011.
    """
    narrow, wide = max(NARROW * height_px, NARROWEST_PX), max(WIDE * height_px, WIDEST_PX)
    blurs: list[npt.NDArray[np.float32]] = []
    for piece in pieces:
        if np.subtract(*np.percentile(piece, (99, 1))) < LEAST_CONTRAST:
            continue
        levels = piece.astype(np.float32)
        fine = _gradient(cv2.GaussianBlur(levels, (0, 0), narrow))
        coarse = _gradient(cv2.GaussianBlur(levels, (0, 0), wide))
        strong = fine > STRONG_EDGE * np.percentile(fine, 99.5)
        ratio = (fine[strong] / np.maximum(coarse[strong], 1e-3)) ** 2
        blurs.append(np.sqrt(np.clip((wide**2 - ratio * narrow**2) / np.maximum(ratio - 1, 1e-3), 0, None)))
    return float(np.percentile(np.concatenate(blurs), SHARPEST)) if blurs else 0.0


def _gradient(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How steep an image is at each pixel."""
    x, y = (cv2.Sobel(image, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    return np.hypot(x, y)


def _under_glare(gray: Gray, located: Sequence[LocatedField], height_px: float) -> dict[str, float]:
    """Which fields lie under a mirrored lamp, by name, and what share of each.

    A spot, in a box or across its lines, is brighter than the paper around it. Where much of the page is lit so,
    print tells paper from glare: where a part of a field shows neither writing nor a printed line, these are gone.
    """
    # The page reduced so that a field is about GLARE_HEIGHT_PX high: the darkest, and the brightest, of each block.
    block = max(round(height_px / GLARE_HEIGHT_PX), 1)
    whole = np.ones((block, block), np.uint8)
    darkest = cv2.erode(gray, whole)[block // 2 :: block, block // 2 :: block]
    brightest = cv2.dilate(gray, whole)[block // 2 :: block, block // 2 :: block]
    if int(brightest.max()) < SATURATED:
        return {}
    spots = _spots(brightest, height_px / block)
    shares = {one.field.name: _covered(spots, darkest >= SATURATED, block, one) for one in located}
    return {name: share for name, share in shares.items() if share > LEAST_GLARE}


def _spots(bright: Gray, height: float) -> Mask:
    """Spots that are saturated, a few fields large, on paper that is not; with the halo in which strokes bleach."""
    bare = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, _disk(PRINT_HEIGHTS * height))
    lit = cv2.morphologyEx((bare >= SATURATED).astype(np.uint8), cv2.MORPH_OPEN, _disk(SPOT_HEIGHTS * height))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(lit, connectivity=4)
    spots = np.zeros_like(lit)
    for label in range(1, count):
        left, top, width, depth, _ = (int(value) for value in stats[label])
        if max(width, depth) > LARGEST_SPOT_HEIGHTS * height:
            continue
        margin = round(height)
        around = (
            slice(max(top - margin, 0), top + depth + margin),
            slice(max(left - margin, 0), left + width + margin),
        )
        spot = (labels[around] == label).astype(np.uint8)
        beside = (cv2.dilate(spot, _disk(height)) > 0) & (lit[around] == 0)
        if beside.any() and np.median(bare[around][beside]) < WHITE_PAPER:
            spots[around] |= spot
    return cv2.dilate(spots, _disk(2 * HALO_HEIGHTS * height)).astype(np.bool_)


def _disk(diameter_px: float) -> npt.NDArray[np.uint8]:
    side = round(diameter_px) | 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.uint8)


def _covered(spots: Mask, saturated: Mask, block: int, located: LocatedField) -> float:
    """Share of a field under spots, or in parts that are white from above it to below it, or have lost a line."""
    box, step = located.field.box, located.field.box.height / GLARE_HEIGHT_PX
    around = box.grown(LINE_HEIGHTS * box.height)
    xs, ys = np.arange(box.left, box.right, step), np.arange(around.top, around.bottom, step)
    points = located.page_from_form @ np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    columns, rows = np.rint(points / block).astype(int).reshape(len(ys), len(xs), 2).transpose(2, 0, 1)
    outside = (rows < 0) | (columns < 0) | (rows >= spots.shape[0]) | (columns >= spots.shape[1])
    rows, columns = np.where(outside, 0, rows), np.where(outside, 0, columns)
    seen = saturated[rows, columns] & ~outside
    white = seen.all(axis=0)
    if located.field.kind != "free":  # its boxes have lines above and below
        lines = 2 * round(LINE_HEIGHTS * GLARE_HEIGHT_PX)
        white |= seen[:lines].all(axis=0) | seen[-lines:].all(axis=0)
    part = round(PART_HEIGHTS * GLARE_HEIGHT_PX)
    bare = cv2.morphologyEx(white.astype(np.uint8)[np.newaxis], cv2.MORPH_OPEN, np.ones((1, part), np.uint8))
    return float(((spots[rows, columns] & ~outside) | bare.astype(np.bool_)).mean())


def _cut_mm(shape: tuple[int, ...], page_from_form: Transform, sheet: Box) -> float:
    """How far the sheet's farthest corner lies out of the picture."""
    corners = page_from_form @ sheet.corners()
    height, width = shape[:2]
    shown = np.clip(corners, (-0.5, -0.5), (width - 0.5, height - 0.5))
    return float(np.hypot(*(page_from_form.inverse() @ shown - sheet.corners()).T).max())
