"""The pages of the benchmark: one form, filled in with 40 digits a page, as a flatbed scanner gives it.

In:  a folder.
Out: `template.yaml`, its reference image and A4 pages of 300 dpi, gray JPEG; drawn once and kept.
The digits are drawn in docproc's own styles of hands. The recognizer has learned from their like: what is measured
here is time and memory, not how well it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from docproc.errors import OutputError
from docproc.geometry import MM_PER_INCH
from docproc.storage import user_cache
from docproc.synthesis.capture import Condition, Strength, capture
from docproc.synthesis.degradation import Pixels
from docproc.synthesis.digits import DigitPool
from docproc.synthesis.filling import Writer, fill_form
from docproc.synthesis.form import draw_blank
from docproc.template import FILE_NAME, Template, load_template
from docproc.training.digits.styles import drawn_styles

VERSION = 1  #: Raised when pages are drawn otherwise: earlier ones are then others.
DPI = 300
JPEG_QUALITY = 85  #: A scanner's usual.
DRAWN_DIGITS = 2000  #: That pages are filled with: of about sixty hands.
TEMPLATE = """\
# The form that `docproc bench` draws and reads: 40 digits in combs, boxes and free fields.
name: benchmark
page: {width_mm: 210, height_mm: 297}
reference: reference.png
fields:
  - {name: account, kind: comb, box: [20, 40, 72, 9], cells: 8, length: 8, required: true}
  - {name: customer, kind: comb, box: [110, 40, 72, 9], cells: 8, length: 8, required: true}
  - {name: serial, kind: comb, box: [20, 65, 72, 9], cells: 8, length: 8, required: true}
  - {name: reading, kind: free, box: [110, 64, 50, 11], length: 4, required: true}
  - {name: earlier, kind: free, box: [20, 90, 50, 11], length: 4, required: true}
  - {name: mark_1, kind: cell, box: [20, 130, 12, 10], required: true}
  - {name: mark_2, kind: cell, box: [40, 130, 12, 10], required: true}
  - {name: mark_3, kind: cell, box: [60, 130, 12, 10], required: true}
  - {name: mark_4, kind: cell, box: [80, 130, 12, 10], required: true}
  - {name: mark_5, kind: cell, box: [20, 148, 12, 10], required: true}
  - {name: mark_6, kind: cell, box: [40, 148, 12, 10], required: true}
  - {name: mark_7, kind: cell, box: [60, 148, 12, 10], required: true}
  - {name: mark_8, kind: cell, box: [80, 148, 12, 10], required: true}
"""


def drawn_folder(
    count: int, folder: Path | None = None, *, on_page: Callable[[int], None] = lambda done: None
) -> Path:
    """A folder with the form and `count` pages of it: what is missing there is drawn.

    Parameters
    ----------
    count : int
    folder : Path, optional
        Folder of the folders of so many pages each; in the user's cache where None.
    on_page : callable
        Is told how many pages are there: one takes half a second.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    folder = (folder or user_cache() / "bench") / f"{VERSION}-{count}"
    pages = [folder / "pages" / f"{number:05d}.jpg" for number in range(1, count + 1)]
    try:
        (folder / "pages").mkdir(parents=True, exist_ok=True)
        if not all(page.exists() for page in pages):
            template, paper = _form(folder)
            digits = _digits()
            for number, page in enumerate(pages, start=1):
                if not page.exists():
                    _save(_drawn(template, paper, digits, number), page)
                on_page(number)
    except OSError as error:
        raise OutputError(
            f"{folder}: the benchmark's pages cannot be written ({error.strerror or error}).",
            remedy="Name another folder for them with --pages.",
        ) from error
    return folder


def _form(folder: Path) -> tuple[Template, Pixels]:
    """The template, and the blank form in RGB."""
    path = folder / FILE_NAME
    path.write_text(TEMPLATE, encoding="utf-8")
    template = load_template(path, reference_must_exist=False)
    blank = draw_blank(template, dpi=DPI)
    if template.reference_path is not None:
        Image.fromarray(blank).save(template.reference_path, dpi=(DPI, DPI))
    return template, cv2.cvtColor(blank, cv2.COLOR_GRAY2RGB)


def _digits() -> DigitPool:
    drawn = drawn_styles(DRAWN_DIGITS, seed=0)
    return DigitPool.of(drawn.glyphs, drawn.labels)


def _drawn(template: Template, paper: Pixels, digits: DigitPool, number: int) -> Pixels:
    """A page by a hand of its own, lying on the glass in its own way: turned by a degree or so, with a rim around."""
    rng = np.random.default_rng(number)
    px_per_mm = DPI / MM_PER_INCH
    values = {
        field.name: "".join(str(digit) for digit in rng.integers(0, 10, field.lengths[0]))
        for field in template.fields
    }
    sheet = fill_form(paper, template, values, px_per_mm=px_per_mm, digits=digits, writer=Writer.drawn(rng), rng=rng)
    scan = capture(
        sheet, condition=Condition.SKEWED, strength=Strength.MILD, px_per_mm=px_per_mm, back=paper, rng=rng
    )
    return scan.pixels


def _save(scan: Pixels, page: Path) -> None:
    """Whole or not at all: the pages are kept for the next time."""
    aside = page.with_name(f".{page.name}")
    Image.fromarray(scan).save(aside, "JPEG", quality=JPEG_QUALITY, dpi=(DPI, DPI))
    aside.replace(page)
