"""Cut one field out of the page, straightened.

In:  the page and where a field lies on it.
Out: a darkness map in the field's own upright frame, with margins, at a size that suits digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.binarization import Paper, darkness
from docproc.form.location import LocatedField
from docproc.geometry import Box, Points, Transform
from docproc.page import Ink, Mask, Page
from docproc.template import Field

SMALLEST_HEIGHT_PX = 64  #: A field's box is enlarged to this height: rules and strokes get 3 px and more.
LARGEST_HEIGHT_PX = 80  #: And reduced to this: beyond it, only noise and time grow.
MARGIN = 0.30  #: Of the box's height, around it: strokes that leave the box are followed this far.
LONGEST_SIDE_PX = 6000  #: A field image is never larger, whatever the template says.


@dataclass(frozen=True, slots=True, eq=False)
class FieldImage:
    """One field, upright."""

    field: Field
    picture: npt.NDArray[np.uint8]  #: (H, W) or (H, W, 3): the page's pixels, for people.
    dark: Ink  #: (H, W): 0 is paper, 255 is black.
    light: npt.NDArray[np.uint8] | None  #: (H, W, 3): light let through, 255 is bare paper's; None without color.
    box_px: Box  #: The field's box in this image.
    cells_px: tuple[Box, ...]  #: Its cells' boxes in this image.
    ruled: bool  #: Whether lines may be printed along its box.
    page_from_field: Transform
    page_px_per_px: float  #: Page pixels to one pixel here: above 1 the image was reduced.
    outside: float  #: Share of the box that lies outside the page, 0 to 1.


def cut_field(page: Page, paper: Paper, located: LocatedField) -> FieldImage:
    """Resample a field to its upright frame; nothing else of the page is resampled."""
    field, box = located.field, located.field.box
    page_px_per_mm = located.page_from_form.scale_at(*box.center)
    height_px = min(max(box.height * page_px_per_mm, SMALLEST_HEIGHT_PX), LARGEST_HEIGHT_PX)
    px_per_mm = height_px / box.height
    margin_mm = MARGIN * box.height
    px_per_mm = min(px_per_mm, LONGEST_SIDE_PX / (box.width + 2 * margin_mm))
    frame = box.grown(margin_mm)
    size = (max(math.ceil(frame.width * px_per_mm), 1), max(math.ceil(frame.height * px_per_mm), 1))
    form_from_field = Transform.translation(frame.left, frame.top) @ Transform.scaling(1 / px_per_mm)
    page_from_field = located.page_from_form @ form_from_field

    picture = _resample(page.pixels, page_from_field, size, reduction=page_px_per_mm / px_per_mm)
    grid_from_field = paper.page_from_grid.inverse() @ page_from_field
    # Warping keeps a last axis of 1 only for color; the paper map always has one.
    bare = _warp(paper.brightness, grid_from_field, size).reshape(size[1], size[0], -1)
    field_from_form = form_from_field.inverse()
    dark = darkness(picture, bare)
    light = None if picture.ndim == 2 else np.clip(picture / bare * 255, 0, 255).astype(np.uint8)
    if not _shows(page, page_from_field @ Box(0, 0, size[0] - 1, size[1] - 1).corners()):
        outside = _outside(page, page_from_field, size)
        dark[outside] = 0
        if light is not None:
            light[outside] = 255
    return FieldImage(
        field=field,
        picture=picture,
        dark=dark,
        light=light,
        box_px=field_from_form.box(box),
        cells_px=tuple(field_from_form.box(cell) for cell in field.cell_boxes()),
        ruled=located.ruled,
        page_from_field=page_from_field,
        page_px_per_px=page_px_per_mm / px_per_mm,
        outside=_share_outside(page, located),
    )


def _shows(page: Page, corners: Points) -> bool:
    """Whether all of a quadrilateral lies on the page."""
    height, width = page.pixels.shape[:2]
    return bool(((corners >= 0) & (corners <= (width - 1, height - 1))).all())


def _outside(page: Page, page_from_field: Transform, size: tuple[int, int]) -> Mask:
    """(H, W) bool: where a field's image shows nothing of the page, and nothing must be taken for ink."""
    height, width = page.pixels.shape[:2]
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    points = page_from_field @ np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)
    outside = ((points < -0.5) | (points > (width - 0.5, height - 0.5))).any(axis=1)
    return outside.reshape(size[1], size[0])


def _share_outside(page: Page, located: LocatedField) -> float:
    """Share of a field's box that the image does not show, on a grid of 21 x 21 points."""
    box = located.field.box
    if _shows(page, located.page_from_form @ box.corners()):
        return 0.0
    steps = np.linspace(0, 1, 21)
    x, y = np.meshgrid(box.left + steps * box.width, box.top + steps * box.height)
    points = located.page_from_form @ np.column_stack([x.ravel(), y.ravel()])
    height, width = page.pixels.shape[:2]
    inside = ((points >= -0.5) & (points <= (width - 0.5, height - 0.5))).all(axis=1)
    return 1 - float(inside.mean())


def crop(image: npt.NDArray, box_px: Box) -> npt.NDArray:
    """The part of an image inside a box, whole pixels, clipped to the image; at least one pixel."""
    height, width = image.shape[:2]
    left = min(max(round(box_px.left), 0), width - 1)
    top = min(max(round(box_px.top), 0), height - 1)
    right = min(max(round(box_px.right), left + 1), width)
    bottom = min(max(round(box_px.bottom), top + 1), height)
    return image[top:bottom, left:right]


def as_png(picture: npt.NDArray[np.uint8]) -> bytes:
    """A picture, gray or RGB, for people to look at."""
    bgr = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".png", bgr)
    return encoded.tobytes()


def _resample(
    pixels: npt.NDArray[np.uint8], page_from_field: Transform, size: tuple[int, int], *, reduction: float
) -> npt.NDArray[np.uint8]:
    """Warp without aliasing: where the page is finer, warp at its own resolution and average down."""
    if reduction <= 1.2:
        return _warp(pixels, page_from_field, size, interpolation=cv2.INTER_CUBIC)
    factor = math.ceil(reduction)
    fine = (size[0] * factor, size[1] * factor)
    # Pixel centers: the middle of a block of `factor` pixels is half of (factor - 1) pixels from its first.
    field_from_fine = Transform.translation(-0.5 + 0.5 / factor, -0.5 + 0.5 / factor) @ Transform.scaling(1 / factor)
    warped = _warp(pixels, page_from_field @ field_from_fine, fine)
    return cv2.resize(warped, size, interpolation=cv2.INTER_AREA)


def _warp(
    image: npt.NDArray,
    page_from_field: Transform,
    size: tuple[int, int],
    *,
    interpolation: int = cv2.INTER_LINEAR,
) -> npt.NDArray:
    return cv2.warpPerspective(
        image,
        page_from_field.matrix,
        size,
        flags=interpolation | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
