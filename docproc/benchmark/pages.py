"""The pages of the benchmark: one form, filled in with 40 digits a page, as a flatbed scanner gives it.

In:  a folder.
Out: `template.yaml`, its reference image and A4 pages of 300 dpi, gray JPEG, 40 digits each; drawn once and kept.
The digits are drawn with the strokes of OpenCV's Hershey fonts, leaning and of several widths: the benchmark measures
time and memory, and says nothing of how well hands are read.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from docproc.errors import OutputError
from docproc.geometry import MM_PER_INCH
from docproc.page import Ink
from docproc.synthesis.capture import Condition, Strength, capture
from docproc.synthesis.degradation import Pixels
from docproc.synthesis.digits import SIDE_PX, DigitPool
from docproc.synthesis.filling import Writer, fill_form
from docproc.synthesis.form import draw_blank
from docproc.template import FILE_NAME, Template, load_template

DPI = 300
DIGITS = 40  #: On each page.
JPEG_QUALITY = 85  #: A scanner's usual.
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL)
LEANS = (-0.1, 0.1, 0.3)  #: To the right for each unit up.
WIDTHS_PX = (1.6, 2.2, 2.8)  #: Of strokes, in pixels of MNIST's images.
HEIGHT_PX = 17.0  #: Of digits, in these.
ZOOM = 8  #: They are drawn larger by this.
TEMPLATE = """\
# The form that `docproc bench` draws and reads.
name: benchmark
page: {width_mm: 210, height_mm: 297}
reference: reference.png
fields:
  - {name: account, kind: comb, box: [20, 40, 72, 9], cells: 8, length: 8, required: true}
  - {name: customer, kind: comb, box: [110, 40, 72, 9], cells: 8, length: 8, required: true}
  - {name: serial, kind: comb, box: [20, 65, 72, 9], cells: 8, length: 8, required: true}
  - {name: reading, kind: free, box: [110, 64, 50, 11], length: 4, required: true}
  - {name: earlier, kind: free, box: [20, 90, 50, 11], length: 4, required: true}
"""
MARKS = "  - {{name: mark_{row}_{column}, kind: cell, box: [{left}, {top}, 12, 10], length: 1, required: true}}\n"


def draw_pages(folder: Path, count: int, *, on_page: Callable[[], None] = lambda: None) -> None:
    """Draw the form and pages 1 to `count`; what is there already stays.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    try:
        wanted = [folder / "pages" / f"{number:03d}.jpg" for number in range(1, count + 1)]
        wanted[0].parent.mkdir(parents=True, exist_ok=True)
        template = _form(folder)
        paper = cv2.cvtColor(draw_blank(template, dpi=DPI), cv2.COLOR_GRAY2RGB)
        digits = _digits()
        for path in [path for path in wanted if not path.exists()]:
            aside = path.with_name(f".{path.name}")
            scan = Image.fromarray(_drawn(template, paper, digits, int(path.stem)))
            scan.save(aside, "JPEG", quality=JPEG_QUALITY, dpi=(DPI, DPI))
            aside.replace(path)
            on_page()
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written ({error.strerror or error}).", remedy="Name another folder."
        ) from error


def _form(folder: Path) -> Template:
    rows = range(2)
    marks = [
        MARKS.format(row=row + 1, column=column + 1, left=20 + 20 * column, top=130 + 18 * row)
        for row in rows
        for column in range(4)
    ]
    path = folder / FILE_NAME
    path.write_text(TEMPLATE + "".join(marks), encoding="utf-8")
    template = load_template(path, reference_must_exist=False)
    reference = draw_blank(template, dpi=DPI)
    Image.fromarray(reference).save(folder / "reference.png", dpi=(DPI, DPI))
    return template


def _drawn(template: Template, paper: Pixels, digits: DigitPool, number: int) -> Pixels:
    rng = np.random.default_rng(number)
    values = {
        field.name: "".join(str(digit) for digit in rng.integers(0, 10, field.lengths[0])) for field in template.fields
    }
    px_per_mm = DPI / MM_PER_INCH
    sheet = fill_form(
        paper, template, values, px_per_mm=px_per_mm, digits=digits, writer=Writer.drawn(rng), rng=rng
    )
    # A strange scale, a degree of skew, another light and noise on each page.
    scan = capture(
        sheet, condition=Condition.SKEWED, strength=Strength.MILD, px_per_mm=px_per_mm, back=paper, rng=rng
    )
    return scan.pixels


def _digits() -> DigitPool:
    """In the layout of MNIST."""
    kinds = list(product(range(10), FONTS, LEANS, WIDTHS_PX))
    images = [_digit(str(digit), font, lean, width) for digit, font, lean, width in kinds]
    return DigitPool.of(np.stack(images), np.array([kind[0] for kind in kinds]))


def _digit(text: str, font: int, lean: float, width_px: float) -> Ink:
    """(28, 28) uint8, drawn large and averaged."""
    side = SIDE_PX * ZOOM
    scale = cv2.getFontScaleFromHeight(font, round(HEIGHT_PX * ZOOM))
    thick = round(width_px * ZOOM)
    (width, height), _ = cv2.getTextSize(text, font, scale, thick)
    canvas = np.zeros((side, side), np.uint8)
    at = ((side - width) // 2, (side + height) // 2)
    cv2.putText(canvas, text, at, font, scale, 255, thick, cv2.LINE_AA)
    shear = np.array([[1, -lean, lean * side / 2], [0, 1, 0]])
    leaning = cv2.warpAffine(canvas, shear, (side, side))
    return cv2.resize(leaning, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
