"""Write a folder of filled forms that can be processed and measured.

In:  a template, digits, a number of pages, a seed.
Out: DIR/template.yaml, the reference image, DIR/pages/001.png, ..., DIR/truth.csv; all or nothing of pages and truth.
Pages are clean scans (PNG), skewed and faint ones and photos (JPEG), turned ones (PDF), copies (TIFF, two pages), in
turn. Equal arguments give equal files.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from docproc.errors import OutputError, TemplateError
from docproc.geometry import MM_PER_INCH, Box
from docproc.synthesis import degradation
from docproc.synthesis.capture import ORDER, Condition, Strength, capture
from docproc.synthesis.degradation import Pixels
from docproc.synthesis.digits import DigitPool
from docproc.synthesis.filling import Writer, fill_form
from docproc.synthesis.form import draw_blank
from docproc.synthesis.values import draw_values
from docproc.template import FILE_NAME, Template

TRUTH_COLUMNS = ("source", "page", "field", "value", "left_px", "top_px", "width_px", "height_px")
REFERENCE_NAME = "reference.png"
ENDINGS = {
    Condition.CLEAN: ".png",
    Condition.SKEWED: ".jpg",
    Condition.FAINT: ".jpg",
    Condition.PHOTO: ".jpg",
    Condition.TURNED: ".pdf",
    Condition.COPIED: ".tiff",
}
JPEG_QUALITY = (72, 84)
FAINT_TONER = 0.6  #: Share of toner that is missing, at normal strength.
BLACK_LEVEL = 128
PDF_TIME = time.gmtime(0)  #: A file's bytes do not depend on the day that it was made.


@dataclass(frozen=True, slots=True, eq=False)
class FilledPage:
    """A synthetic page and its truth."""

    pixels: Pixels
    condition: Condition
    values: dict[str, str]  #: Field name to digits; "" where blank.
    boxes_px: dict[str, Box]  #: Field name to the upright box around the field in the image.


def draw_page(
    template: Template,
    paper: Pixels,
    *,
    digits: DigitPool,
    condition: Condition,
    strength: Strength,
    dpi: float,
    rng: np.random.Generator,
) -> FilledPage:
    """Fill and capture one page.

    Parameters
    ----------
    template : Template
    paper : (H, W, 3) uint8
        The blank form at `dpi`, from edge to edge.
    digits : DigitPool
    condition, strength
        How the page is captured, and how badly.
    dpi : float
    rng
        Chance: equal generators give equal pages.

    Returns
    -------
    FilledPage

    Raises
    ------
    TemplateError
        If a field's rules cannot be met by guessing.
    """
    px_per_mm = dpi / MM_PER_INCH
    values = draw_values(template, rng)
    writer = Writer.drawn(rng)
    printed = paper
    if condition is Condition.FAINT:
        printed = degradation.faint_toner(paper, strength=min(FAINT_TONER * strength.factor, 0.85), rng=rng)
    sheet = fill_form(printed, template, values, px_per_mm=px_per_mm, digits=digits, writer=writer, rng=rng)
    taken = capture(sheet, condition=condition, strength=strength, px_per_mm=px_per_mm, back=paper, rng=rng)
    boxes = {field.name: taken.page_from_form.box(field.box) for field in template.fields}
    return FilledPage(taken.pixels, condition, values, boxes)


def write_folder(
    template: Template,
    template_path: Path,
    out: Path,
    *,
    digits: DigitPool,
    count: int,
    seed: int,
    dpi: float,
    strength: Strength,
    on_page: Callable[[int], None] = lambda done: None,
) -> int:
    """Write `count` filled pages, their truth, the template and its reference image to `out`.

    The form is drawn where the template's reference image does not exist or is not named, and photographed from the
    reference image where it does. `on_page` is told the number of pages done.

    Returns
    -------
    int
        Files written to DIR/pages.

    Raises
    ------
    OutputError
        If `out` cannot be written, or has pages or a truth already.
    TemplateError
        If the reference image lies outside the template's folder or is no image, or a rule cannot be met.
    """
    pages_dir, truth_path = out / "pages", out / "truth.csv"
    for there in (pages_dir, truth_path):
        if there.exists():
            raise OutputError(f"{there} is there already.", remedy="Remove it, or name another folder with -o.")
    paper, reference = _paper(template, template_path, dpi)
    rows: list[tuple[str, int, str, str, int, int, int, int]] = []
    files = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".synthesize-", dir=out) as aside_name:
            aside = Path(aside_name)
            (aside / "pages").mkdir()
            done = 0
            for name, indexes in _files(count):
                drawn = []
                for index in indexes:
                    rng = np.random.default_rng((seed, index))
                    condition = ORDER[index % len(ORDER)]
                    drawn.append(
                        draw_page(
                            template, paper, digits=digits, condition=condition, strength=strength, dpi=dpi, rng=rng
                        )
                    )
                    done += 1
                    on_page(done)
                quality = int(np.random.default_rng((seed, indexes[0], 1)).integers(*JPEG_QUALITY))
                (aside / "pages" / name).write_bytes(encode(drawn, dpi=dpi, quality=quality))
                rows += [
                    row for number, page in enumerate(drawn, 1) for row in _truth_rows(f"pages/{name}", number, page)
                ]
                files += 1
            with (aside / "truth.csv").open("w", newline="", encoding="utf-8") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(TRUTH_COLUMNS)
                writer.writerows(rows)
            _put_template(template_path, out, template.reference or REFERENCE_NAME, reference)
            (aside / "pages").replace(pages_dir)
            (aside / "truth.csv").replace(truth_path)
    except OSError as error:
        raise OutputError(
            f"{out}: cannot write ({error.strerror or error}).", remedy="Name a folder that you may write to with -o."
        ) from error
    return files


def encode(pages: Sequence[FilledPage], *, dpi: float, quality: int) -> bytes:
    """One file's content, in the format of the first page's condition; `pages` has one page unless it is COPIED."""
    images = [_image(page) for page in pages]
    ending = ENDINGS[pages[0].condition]
    stream = io.BytesIO()
    if ending == ".png":
        images[0].save(stream, "PNG", optimize=True, dpi=(dpi, dpi))
    elif pages[0].condition is Condition.PHOTO:
        images[0].save(stream, "JPEG", quality=quality)  # a phone does not know how far the paper is
    elif ending == ".jpg":
        images[0].save(stream, "JPEG", quality=quality, dpi=(round(dpi), round(dpi)))
    elif ending == ".pdf":
        images[0].save(
            stream,
            "PDF",
            resolution=dpi,
            quality=quality,
            creationDate=PDF_TIME,
            modDate=PDF_TIME,
            producer="docproc",
        )
    else:
        images[0].save(stream, "TIFF", compression="group4", dpi=(dpi, dpi), save_all=True, append_images=images[1:])
    return stream.getvalue()


def _image(page: FilledPage) -> Image.Image:
    image = Image.fromarray(page.pixels)
    if page.condition is Condition.COPIED:
        return image.point(lambda gray: 255 if gray >= BLACK_LEVEL else 0).convert("1", dither=Image.Dither.NONE)
    return image


def _files(count: int) -> Iterator[tuple[str, list[int]]]:
    """Name of each file and the pages, from 0, that it holds: copies that follow each other share one."""
    bundles: list[list[int]] = []
    for index in range(count):
        copied = ORDER[index % len(ORDER)] is Condition.COPIED
        if copied and bundles and ORDER[bundles[-1][-1] % len(ORDER)] is Condition.COPIED:
            bundles[-1].append(index)
        else:
            bundles.append([index])
    digits = max(3, len(str(len(bundles))))
    for number, bundle in enumerate(bundles, 1):
        yield f"{number:0{digits}d}{ENDINGS[ORDER[bundle[0] % len(ORDER)]]}", bundle


def _truth_rows(
    source: str, number: int, page: FilledPage
) -> Iterator[tuple[str, int, str, str, int, int, int, int]]:
    for name, value in page.values.items():
        box = page.boxes_px[name]
        left, top, right, bottom = (round(edge) for edge in (box.left, box.top, box.right, box.bottom))
        yield source, number, name, value, left, top, right - left, bottom - top


def _paper(template: Template, template_path: Path, dpi: float) -> tuple[Pixels, bytes]:
    """The blank form as RGB at `dpi`, and the content of the reference image."""
    if template.reference is not None:
        path = template_path.parent / template.reference
        if not path.resolve().is_relative_to(template_path.parent.resolve()):
            raise TemplateError(
                f"{template_path}: the reference image {template.reference!r} lies outside the template's folder.",
                remedy="Copy it beside the template and name it without folders.",
            )
        if path.exists():
            content = path.read_bytes()
            image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            if image is None:
                raise TemplateError(
                    f"{path}: the reference is no image that can be read.", remedy="Save it as PNG or JPEG."
                )
            size = (
                round(template.page.width_mm * dpi / MM_PER_INCH),
                round(template.page.height_mm * dpi / MM_PER_INCH),
            )
            shrinks = size[0] < image.shape[1]
            scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
            return np.ascontiguousarray(scaled[..., ::-1]), content
    blank = draw_blank(template, dpi=dpi)
    stream = io.BytesIO()
    Image.fromarray(blank).save(stream, "PNG", optimize=True, dpi=(dpi, dpi))
    return cv2.cvtColor(blank, cv2.COLOR_GRAY2RGB), stream.getvalue()


def _put_template(template_path: Path, out: Path, reference_name: str, reference: bytes) -> None:
    target = out / FILE_NAME
    if not (target.exists() and os.path.samefile(template_path, target)):
        shutil.copyfile(template_path, target)
    image = out / reference_name
    image.parent.mkdir(parents=True, exist_ok=True)
    if not image.exists() or image.read_bytes() != reference:
        image.write_bytes(reference)
