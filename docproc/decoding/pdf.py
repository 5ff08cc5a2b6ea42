"""Pages of a PDF.

In:  an open PDF file.
Out: where a page is one scanned picture, that picture, pixel by pixel as it was embedded; else the page drawn at
     300 dpi. PDFium is not thread-safe, so one call runs at a time.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from docproc.decoding.faults import DECODER_FAULTS, RESCAN, check_size, damaged, page_error
from docproc.decoding.image import Pixels, plausible_dpi, without_false_color
from docproc.geometry import MM_PER_INCH, Box

POINTS_PER_INCH = 72
MM_PER_POINT = MM_PER_INCH / POINTS_PER_INCH
_FINE = 100  #: Steps to a point in which places are asked of PDFium, which gives whole ones.
_COMB = 1 << 24  #: Of a text field's flags: its letters stand in a comb (ISO 32000-1, table 228).
DRAWN_DPI = 300  #: Resolution of a page that is drawn: what document scanners are set to.
MAX_DRAWN_SIDE_PX = 7016  #: A2 at 300 dpi. PDFs that claim a larger sheet have a wrong scale, and are drawn smaller.

COMPARED_SIDE_PX = 256  #: Size at which the embedded picture is compared with the drawn page.
MAX_DIFFERENCE = 0.25  #: Between the two, as a share of the ink. On 170 scans embedded in PDFs 0.16 at most.
EDGE_SLACK = 0.01  #: Of the page's side: producers round the page's size to whole points.
MAX_SQUASH = 1.1  #: Between the resolutions along x and y; a squashed picture (fax) is drawn instead.

_PDFIUM = threading.Lock()


def count_pages(file: BinaryIO, where: str) -> int:
    """Pages of the document.

    Raises
    ------
    PageError
        If it has a password, is damaged, or has no pages.
    """
    with _document(file, where) as document:
        return len(document)


def decode(file: BinaryIO, index: int, where: str) -> tuple[Pixels, float | None]:
    """The pixels of one page, and its dpi or None.

    Raises
    ------
    PageError
    """
    with _document(file, where) as document:
        if index >= len(document):
            raise page_error(where, f"the PDF has {len(document)} pages", RESCAN)
        try:
            page = document[index]
            scan = _only_picture(page, where)
            taken = None if scan is None else _embedded(page, scan)
            if taken is not None:
                return taken
            return _drawn(page, where)
        except DECODER_FAULTS as error:
            raise damaged(where, "PDF", error) from error


@dataclass(frozen=True, slots=True)
class FormField:
    """A text field of a PDF form."""

    name: str
    box: Box  #: In mm, from the upper left corner of the page as it is shown.
    cells: int  #: Boxes of a comb; 1 where it is none.


def form_fields(file: BinaryIO, index: int, where: str) -> tuple[tuple[float, float], tuple[FormField, ...]]:
    """Size of a page in mm (width, height), and its text fields; none where the PDF is no form.

    Raises
    ------
    PageError
    """
    with _document(file, where) as document:
        try:
            page = document[index]
            size_mm = (page.get_width() * MM_PER_POINT, page.get_height() * MM_PER_POINT)
            if document.formenv is None:
                return size_mm, ()
            return size_mm, tuple(_text_fields(page, document.formenv))
        except DECODER_FAULTS as error:
            raise damaged(where, "PDF", error) from error


def _text_fields(page: Any, form: Any) -> Iterator[FormField]:
    from pypdfium2 import raw

    for number in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        try:
            kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
            corners = raw.FS_RECTF()
            if kind == raw.FPDF_FORMFIELD_TEXTFIELD and raw.FPDFAnnot_GetRect(annotation, corners):
                box = Box.around(
                    [_shown(page, corners.left, corners.top), _shown(page, corners.right, corners.bottom)]
                )
                length = ctypes.c_float()
                raw.FPDFAnnot_GetNumberValue(annotation, b"MaxLen", length)
                in_comb = raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _COMB
                yield FormField(_field_name(form, annotation), box, max(int(length.value), 1) if in_comb else 1)
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _shown(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a point of the PDF's own space lies on the page as it is shown, turned and cropped, in mm."""
    from pypdfium2 import raw

    column, row = ctypes.c_int(), ctypes.c_int()
    size = (round(page.get_width() * _FINE), round(page.get_height() * _FINE))
    raw.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, column, row)
    return column.value / _FINE * MM_PER_POINT, row.value / _FINE * MM_PER_POINT


def _field_name(form: Any, annotation: Any) -> str:
    from pypdfium2 import raw

    length = raw.FPDFAnnot_GetFormFieldName(form, annotation, None, 0)
    buffer = ctypes.create_string_buffer(length)
    raw.FPDFAnnot_GetFormFieldName(form, annotation, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
    return buffer.raw.decode("utf-16-le").rstrip("\0")


@contextmanager
def _document(file: BinaryIO, where: str) -> Iterator[Any]:
    import pypdfium2

    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(file)
        except DECODER_FAULTS as error:
            if getattr(error, "err_code", None) == pypdfium2.raw.FPDF_ERR_PASSWORD:
                raise page_error(
                    where, "the PDF is locked with a password", "Save a copy without the password and give that one"
                ) from error
            raise damaged(where, "PDF", error) from error
        try:
            if document.get_formtype():
                document.init_forms()  # or filled-in form fields stay invisible
            yield document
        finally:
            document.close()


@dataclass(frozen=True, slots=True)
class _Placed:
    """A picture on a page, and the matrix (PDF 32000-1, 8.3.3) that lays the unit square there."""

    picture: Any
    matrix: Any


def _only_picture(page: Any, where: str) -> _Placed | None:
    """The picture that is all of the page; invisible text, as OCR adds it, does not count.

    Raises
    ------
    PageError
        If a picture on the page is too large to decode, drawn or not.
    """
    from pypdfium2 import raw

    found = []
    alone = True
    for thing in page.get_objects():
        if thing.type == raw.FPDF_PAGEOBJ_IMAGE:
            check_size(where, *thing.get_px_size())
            found.append(thing)
        elif thing.type == raw.FPDF_PAGEOBJ_TEXT:
            alone &= raw.FPDFTextObj_GetTextRenderMode(thing) == raw.FPDF_TEXTRENDERMODE_INVISIBLE
        elif thing.type != raw.FPDF_PAGEOBJ_FORM:  # a form only groups what follows
            alone = False
    if not alone or len(found) != 1 or _has_visible_annotations(page):
        return None
    matrix = found[0].get_matrix()
    around = found[0].container
    while around is not None:
        matrix = matrix.multiply(around.get_matrix())
        around = around.container
    return _Placed(found[0], matrix)


def _has_visible_annotations(page: Any) -> bool:
    from pypdfium2 import raw

    for number in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        raw.FPDFPage_CloseAnnot(annotation)
        if kind not in (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP):
            return True
    return False


def _embedded(page: Any, placed: _Placed) -> tuple[Pixels, float | None] | None:
    """The picture's own pixels, turned as the page shows them; None where that would not be what the page shows.

    What the page shows can differ through a mask, a crop, a blend, a stencil, a slant. Rather than know all of them,
    the turned picture is compared with a small drawing of the page.
    """
    corner, right, below = (_on_sheet(page, *placed.matrix.on_point(*point)) for point in ((0, 1), (1, 1), (0, 0)))
    along, down = right - corner, below - corner  # the picture's x and y axis, in points on the sheet as seen
    sideways = abs(along[0]) < abs(along[1])
    if sideways:
        along, down = down, along
    if min(abs(along[0]), abs(down[1])) <= 0 or max(abs(along[1]), abs(down[0])) > EDGE_SLACK * abs(along[0]):
        return None
    size = np.array(page.get_size())
    first = np.minimum(corner, corner + along + down)
    last = np.maximum(corner, corner + along + down)
    if (first < -EDGE_SLACK * size).any() or (last > (1 + EDGE_SLACK) * size).any():
        return None
    pixels = _from_bitmap(placed.picture.get_bitmap())
    if sideways:
        pixels = pixels.swapaxes(0, 1)
    pixels = pixels[:: 1 if down[1] > 0 else -1, :: 1 if along[0] > 0 else -1]
    height, width = pixels.shape[:2]
    dpi = (width / abs(along[0]) * POINTS_PER_INCH, height / abs(down[1]) * POINTS_PER_INCH)
    if max(dpi) > MAX_SQUASH * min(dpi):
        return None
    shown = _draw(page, COMPARED_SIDE_PX / max(size))
    # A stencil (8.9.6.2) says where to paint: in black it is the scan's negative.
    for candidate in (pixels,) if pixels.ndim == 3 else (pixels, ~pixels):
        if _looks_like(shown, candidate, first / size, last / size):
            return np.ascontiguousarray(without_false_color(candidate)), plausible_dpi(dpi, (width, height))
    return None


def _on_sheet(page: Any, x: float, y: float) -> npt.NDArray[np.float64]:
    """A point in PDF coordinates as (right, down) from the top left of the page as seen, in points."""
    left, bottom, right, top = page.get_bbox()
    u, v = x - left, top - y
    width, height = right - left, top - bottom
    seen = {0: (u, v), 90: (height - v, u), 180: (width - u, height - v), 270: (v, width - u)}[page.get_rotation()]
    return np.array(seen)


def _looks_like(shown: Image.Image, pixels: Pixels, first: npt.NDArray, last: npt.NDArray) -> bool:
    """Whether the small drawing is this picture between two corners (as shares of the page) and white around."""
    left, top = np.maximum(np.rint(first * shown.size).astype(int), 0)
    right, bottom = np.minimum(np.rint(last * shown.size).astype(int), shown.size)
    if right <= left or bottom <= top:
        return False
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    expected = Image.new("RGB", shown.size, "white")
    expected.paste(picture.resize((right - left, bottom - top), Image.Resampling.BOX), (left, top))
    # Blurred, since PDFium makes pictures small in a way of its own, by which thin lines differ.
    one, other = (np.asarray(each.filter(ImageFilter.BoxBlur(1)), np.int16) for each in (shown, expected))
    ink = (255 - np.minimum(one, other)).sum()
    return bool(np.abs(one - other).sum() <= MAX_DIFFERENCE * ink)


def _drawn(page: Any, where: str) -> tuple[Pixels, float | None]:
    width, height = page.get_size()
    if not (width > 0 and height > 0):
        raise page_error(where, "the page has no size", RESCAN)
    scale = min(DRAWN_DPI / POINTS_PER_INCH, MAX_DRAWN_SIDE_PX / max(width, height))
    pixels = np.asarray(_draw(page, scale))
    dpi = scale * POINTS_PER_INCH
    return np.ascontiguousarray(without_false_color(pixels)), plausible_dpi(
        (dpi, dpi), (pixels.shape[1], pixels.shape[0])
    )


def _draw(page: Any, scale: float) -> Image.Image:
    """The page on white paper, in color."""
    return Image.fromarray(_from_bitmap(page.render(scale=scale, fill_color=(255, 255, 255, 255)))).convert("RGB")


def _from_bitmap(bitmap: Any) -> Pixels:
    """A copy of PDFium's bitmap as (H, W) gray or (H, W, 3) RGB."""
    pixels: Pixels = bitmap.to_numpy()
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if bitmap.rev_byteorder else pixels[..., 2::-1]
    copy = np.ascontiguousarray(pixels)
    return copy if copy.base is None else copy.copy()
