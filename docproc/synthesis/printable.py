"""Draw the form that a template describes, to be printed and filled: boxes in a color that drops out, the rest black.

In:  a `Template`. Out: the sheet in color.
Pale red boxes guide the pen and do not touch what is written: the reader takes colored print away.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.page import Gray
from docproc.synthesis.form import draw_field, draw_labels
from docproc.synthesis.sheet import MARGIN_MM, PRINT_GRAY, Sheet
from docproc.template import Template

BOX_COLOR = (232, 120, 110)  #: RGB of boxes and writing lines.
CODE_MM = 18.0  #: Side of the QR code, with the white around it that readers need.
QUIET_MODULES = 2  #: White around it, as part of CODE_MM; the paper gives the rest.


def draw_printable(template: Template, *, dpi: float) -> npt.NDArray[np.uint8]:
    """The template's sheet to print: (H, W, 3) uint8 RGB.

    Where the template has a `code`, a QR code of it stands in a free corner.
    """
    size = (template.page.width_mm, template.page.height_mm)
    black, boxes = Sheet(*size, dpi), Sheet(*size, dpi)
    for fiducial in template.fiducials:
        black.fiducial(fiducial)
    for field in template.fields:
        draw_field(boxes, field)
        black.take(field.box)
    corner = _free_corner(black) if template.code else None
    if template.code and corner is not None:
        black.picture(corner, _qr_code(template.code))
    draw_labels(black, template)
    ink = (255 - boxes.pixels().astype(np.float64)[..., np.newaxis]) / (255 - PRINT_GRAY)
    colored = 255 * (1 - ink) + np.array(BOX_COLOR) * ink
    return np.minimum(colored, black.pixels()[..., np.newaxis]).astype(np.uint8)


def _free_corner(sheet: Sheet) -> Box | None:
    width, height = sheet.box.width, sheet.box.height
    for top in (height - MARGIN_MM - CODE_MM, MARGIN_MM / 2):  # the title is above
        for left in (width - MARGIN_MM - CODE_MM, MARGIN_MM):
            box = Box(left, top, CODE_MM, CODE_MM)
            if sheet.is_free(box):
                return box
    return None


def _qr_code(text: str) -> Gray:
    """One pixel a module."""
    import zxingcpp

    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return np.pad(np.array(code.to_image(scale=1, add_quiet_zones=False)), QUIET_MODULES, constant_values=255)
