"""Draw a template on an image, for people to check.

In:  an image and where the fields lie on it.
Out: a copy in color: the sheet's outline and the fiducials in blue, each field's box and comb cells in red with its
     name above it; a thin orange box shows where one flat map of the sheet alone would put the field.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from docproc.form.location import LocatedField
from docproc.form.markers import draw_marker
from docproc.geometry import Box, Transform
from docproc.template import Template

SHEET_COLOR = (0, 90, 255)
FIELD_COLOR = (220, 0, 40)
FLAT_COLOR = (255, 150, 0)
DOUBT_COLOR = (255, 120, 0)
NAME_PAPER = (255, 255, 220)
SMALLEST_SIDE_PX = 1600  #: Smaller images are enlarged, so that names and lines can be told apart.
NAMED_SIDE_PX = 2600  #: The same where names are written into the fields.
LARGEST_SIDE_PX = 4000  #: Larger ones are reduced: a picture to look at, not to measure on.
LINE_OF_SIDE = 1 / 800  #: Width of a solid line.
NAME_OF_SIDE = 1 / 95  #: Height of a name ...
NAME_OF_FIELD = 0.3  #: ... but no more than this of the smallest field's, so that it hides no field above.
SMALLEST_NAME_PX = 11
WHITE_SHEET_PX_PER_MM = 8.0


def draw_template(
    pixels: npt.NDArray[np.uint8],
    template: Template,
    page_from_form: Transform,
    located: Sequence[LocatedField],
    *,
    doubtful: Collection[str] = (),
    names_inside: bool = False,
) -> npt.NDArray[np.uint8]:
    """The image with the template drawn on it: (H, W, 3) uint8 RGB, enlarged or reduced to a size for the eye.

    Fields whose names are `doubtful` are orange. `names_inside` writes names into the fields, as large as they fit:
    on a blank they hide nothing there, and above a field they hide its label.
    """
    side = max(pixels.shape[:2])
    least_px = NAMED_SIDE_PX if names_inside else SMALLEST_SIDE_PX
    zoom = min(max(1.0, least_px / side), LARGEST_SIDE_PX / side)
    picture = Image.fromarray(pixels).convert("RGB")
    picture = picture.resize((round(picture.width * zoom), round(picture.height * zoom)), Image.Resampling.LANCZOS)
    zoomed = Transform.translation(-0.5, -0.5) @ Transform.scaling(zoom) @ Transform.translation(0.5, 0.5)
    draw = ImageDraw.Draw(picture)
    line = max(round(max(picture.size) * LINE_OF_SIDE), 2)
    flat = zoomed @ page_from_form
    lowest = min((flat.box(field.field.box).height for field in located), default=0.0)
    font = ImageFont.load_default(
        max(min(max(picture.size) * NAME_OF_SIDE, lowest * NAME_OF_FIELD), SMALLEST_NAME_PX)
    )
    _outline(draw, flat, Box(0, 0, template.page.width_mm, template.page.height_mm), SHEET_COLOR, 2 * line)
    for fiducial in template.fiducials:
        _outline(draw, flat, fiducial.box, SHEET_COLOR, line)
    for field in located:
        color = DOUBT_COLOR if field.field.name in doubtful else FIELD_COLOR
        if not names_inside:
            _outline(draw, flat, field.field.box, FLAT_COLOR, 1)
        own = zoomed @ field.page_from_form
        for cell in field.field.cell_boxes():
            _outline(draw, own, cell, color, max(line // 2, 1))
        _outline(draw, own, field.field.box, color, line)
    for field in located:  # after all boxes, so that no line crosses a name
        own = zoomed @ field.page_from_form
        if names_inside:
            _name_inside(draw, own.box(field.field.box), field.field.name, line)
        else:
            _name(draw, own, field.field.box, field.field.name, font, line)
    return np.array(picture)


def white_sheet(template: Template) -> tuple[npt.NDArray[np.uint8], Transform]:
    """An empty sheet to draw a template on that has no reference image, and the map of the form onto it."""
    size = (
        round(template.page.height_mm * WHITE_SHEET_PX_PER_MM),
        round(template.page.width_mm * WHITE_SHEET_PX_PER_MM),
    )
    sheet_from_form = Transform.translation(-0.5, -0.5) @ Transform.scaling(WHITE_SHEET_PX_PER_MM)
    sheet = np.full((*size, 3), 255, np.uint8)
    for fiducial in template.fiducials:
        box = sheet_from_form.box(fiducial.box)
        place = sheet[round(box.top) : round(box.bottom), round(box.left) : round(box.right)]
        place[:] = 0
        if fiducial.kind == "aruco":
            marker = Image.fromarray(draw_marker(fiducial)).resize(place.shape[1::-1], Image.Resampling.NEAREST)
            place[:] = np.array(marker)[..., np.newaxis]
    return sheet, sheet_from_form


def _outline(
    draw: ImageDraw.ImageDraw, picture_from_form: Transform, box: Box, color: tuple[int, int, int], width: int
) -> None:
    corners = [(float(x), float(y)) for x, y in picture_from_form @ box.corners()]
    draw.line([*corners, corners[0], corners[1]], fill=color, width=width, joint="curve")


def _name_inside(draw: ImageDraw.ImageDraw, box: Box, name: str, line: int) -> None:
    """The name in the field, as large as fits between its lines, in two lines where that is larger."""
    room = box.grown(-1.5 * line)
    largest = max(draw.im.size) * NAME_OF_SIDE
    middle = min(
        (place for place, sign in enumerate(name) if sign == "_"),
        key=lambda place: abs(place - len(name) / 2),
        default=0,
    )
    texts = [name, f"{name[: middle + 1]}\n{name[middle + 1 :]}"] if middle else [name]
    sizes = []
    for text in texts:
        left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font=ImageFont.load_default(largest))
        sizes.append(largest * min(1, room.width / (right - left), 0.7 * room.height / (bottom - top)))
    best = int(np.argmax(sizes))
    font = ImageFont.load_default(max(sizes[best], SMALLEST_NAME_PX))
    left, top, right, bottom = draw.multiline_textbbox((0, 0), texts[best], font=font)
    x, y = room.left, (box.top + box.bottom - bottom - top) / 2
    draw.rectangle((x, y + top, x + right - left, y + bottom), fill=NAME_PAPER)
    draw.multiline_text((x - left, y), texts[best], fill=FIELD_COLOR, font=font)


def _name(
    draw: ImageDraw.ImageDraw,
    picture_from_form: Transform,
    box: Box,
    name: str,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    line: int,
) -> None:
    """The name above the box, on a light ground, kept inside the picture."""
    around = picture_from_form.box(box)
    left, top, right, bottom = draw.textbbox((0, 0), name, font=font)
    width, height = draw.im.size
    x = min(max(around.left, 0), max(width - (right - left) - 2 * line, 0))
    y = min(max(around.top - (bottom - top) - 3 * line, 0), max(height - (bottom - top) - 2 * line, 0))
    draw.rectangle((x, y, x + right - left + line, y + bottom - top + line), fill=NAME_PAPER)
    draw.text((x + line / 2 - left, y + line / 2 - top), name, fill=FIELD_COLOR, font=font)
