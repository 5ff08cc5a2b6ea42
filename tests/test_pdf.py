"""A PDF page that is a scan gives the scan's own pixels as the page shows them; any other is drawn."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from drawn import colored, load, sheet
from pypdfium2 import raw


def pdf(path: Path, *pages: dict) -> Path:
    """A PDF with a picture on each page: keys picture, matrix (points), size (points), turn, also (other things)."""
    document = pypdfium2.PdfDocument.new()
    for spec in pages:
        page = document.new_page(*spec.get("size", (72, 96)))
        for picture, matrix in spec["pictures"]:
            thing = pypdfium2.PdfImage.new(document)
            thing.set_bitmap(pypdfium2.PdfBitmap.from_pil(picture))
            thing.set_matrix(pypdfium2.PdfMatrix(*matrix))
            page.insert_obj(thing)
        for box in spec.get("rectangles", ()):
            thing = raw.FPDFPageObj_CreateNewRect(*box)
            raw.FPDFPageObj_SetFillColor(thing, 0, 0, 0, 255)
            raw.FPDFPath_SetDrawMode(thing, raw.FPDF_FILLMODE_ALTERNATE, False)
            raw.FPDFPage_InsertObject(page, thing)
        page.gen_content()
        page.set_rotation(spec.get("turn", 0))
    with path.open("wb") as file:
        document.save(file)
    document.close()
    return path


UPRIGHT = (72, 0, 0, 96, 0, 0)  #: Of a picture of 150 x 200 pixels: 150 dpi.


def test_a_pdf_page_that_is_one_picture_gives_its_very_pixels_and_their_resolution(tmp_path):
    path = pdf(tmp_path / "scan.pdf", {"pictures": [(colored(), UPRIGHT)]}, {"pictures": [(sheet(), UPRIGHT)]})
    first, second = load(path, 0), load(path, 1)
    assert np.array_equal(first.pixels, np.asarray(colored()))
    assert first.dpi == pytest.approx(150, abs=0.1)
    assert np.array_equal(second.pixels, np.asarray(sheet()))
    assert not first.pixels.flags.writeable


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_pdf_page_gives_the_pixels_as_the_page_is_seen(tmp_path, turn):
    size = (72, 96)
    path = pdf(tmp_path / "turned.pdf", {"pictures": [(colored(), UPRIGHT)], "size": size, "turn": turn})
    assert np.array_equal(load(path).pixels, np.rot90(np.asarray(colored()), -turn // 90))


@pytest.mark.parametrize(
    ("matrix", "size", "seen"),
    [
        ((0, 72, -96, 0, 96, 0), (96, 72), np.rot90),
        ((-72, 0, 0, -96, 72, 96), (72, 96), lambda pixels: np.rot90(pixels, 2)),
        ((0, -72, 96, 0, 0, 72), (96, 72), lambda pixels: np.rot90(pixels, -1)),
        ((72, 0, 0, -96, 0, 96), (72, 96), lambda pixels: pixels[::-1]),
        ((-72, 0, 0, 96, 72, 0), (72, 96), lambda pixels: pixels[:, ::-1]),
    ],
)
def test_a_picture_that_lies_turned_in_its_pdf_page_is_seen_as_the_page_shows_it(tmp_path, matrix, size, seen):
    path = pdf(tmp_path / "laid.pdf", {"pictures": [(colored(), matrix)], "size": size})
    assert np.array_equal(load(path).pixels, seen(np.asarray(colored())))


def test_a_picture_with_margins_is_taken_without_them(tmp_path):
    path = pdf(tmp_path / "margins.pdf", {"pictures": [(colored(), (72, 0, 0, 96, 20, 30))], "size": (120, 160)})
    page = load(path)
    assert np.array_equal(page.pixels, np.asarray(colored()))
    assert page.dpi == pytest.approx(150, abs=0.1)


def test_a_pdf_page_with_more_than_a_picture_is_drawn_at_300_dpi(tmp_path):
    path = pdf(
        tmp_path / "form.pdf",
        {"pictures": [(sheet(), (36, 0, 0, 48, 0, 48))], "rectangles": [(36, 0, 36, 25.2)]},
    )
    page = load(path)
    assert page.pixels.shape == (400, 300)
    assert page.dpi == 300
    assert page.pixels[390, 290] == 0  # the rectangle, at the lower right
    assert page.pixels[390, 10] == 255
    assert page.pixels[40, 50] == 0  # the picture, at the upper left


def test_a_picture_that_its_page_crops_is_drawn(tmp_path):
    path = pdf(tmp_path / "cropped.pdf", {"pictures": [(sheet(), (72, 0, 0, 96, -20, 0))]})
    assert load(path).pixels.shape == (400, 300)


def test_a_squashed_picture_is_drawn_with_square_pixels(tmp_path):
    path = pdf(tmp_path / "fax.pdf", {"pictures": [(sheet(150, 100), UPRIGHT)]})
    assert load(path).pixels.shape == (400, 300)


def test_a_pdf_page_that_claims_to_be_a_wall_is_drawn_smaller_and_has_no_resolution(tmp_path):
    path = pdf(tmp_path / "wall.pdf", {"pictures": [], "size": (3600, 7200), "rectangles": [(0, 0, 100, 100)]})
    page = load(path)
    assert max(page.pixels.shape) == 7016
    assert page.dpi is None


def test_invisible_text_of_an_ocr_does_not_make_the_page_drawn(tmp_path):
    path = tmp_path / "searchable.pdf"
    jpeg = io.BytesIO()
    sheet().save(jpeg, "JPEG", quality=95)
    for mode, shape in ((3, (200, 150)), (0, (400, 300))):
        content = b"q 72 0 0 96 0 0 cm /I Do Q BT %d Tr /F 20 Tf 5 50 Td (Hello) Tj ET" % mode
        path.write_bytes(written_pdf(content, jpeg.getvalue()))
        assert load(path).pixels.shape == shape


def test_a_picture_within_a_form_is_taken(tmp_path):
    path = tmp_path / "grouped.pdf"
    jpeg = io.BytesIO()
    sheet().save(jpeg, "JPEG", quality=95)
    path.write_bytes(
        written_pdf(b"q 72 0 0 72 0 0 cm /X Do Q", jpeg.getvalue(), form=b"q 1 0 0 1.3333333 0 0 cm /I Do Q")
    )
    page = load(path)
    assert page.pixels.shape == (200, 150)
    assert np.abs(page.pixels.astype(int) - np.asarray(sheet())).mean() < 2


@pytest.mark.parametrize(("paint", "shape"), [(b"0 g", (200, 152)), (b"1 0 0 rg", (400, 300, 3))])
def test_a_black_stencil_is_taken_and_a_colored_one_drawn(tmp_path, paint, shape):
    path = tmp_path / "stencil.pdf"
    bits = np.asarray(sheet(152)) < 128
    image = b"/Width 152 /Height 200 /BitsPerComponent 1 /ImageMask true /Decode [1 0]"
    content = b"q %s 72 0 0 96 0 0 cm /I Do Q" % paint
    path.write_bytes(written_pdf(content, np.packbits(bits, axis=1).tobytes(), image=image))
    page = load(path)
    assert page.pixels.shape == shape
    if page.pixels.ndim == 2:
        assert np.array_equal(page.pixels < 128, bits)
    else:
        assert page.pixels[50, 50].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("kind", "shape"), [(b"Link", (200, 150)), (b"Square", (400, 300))])
def test_a_comment_on_a_pdf_page_makes_it_drawn_and_a_link_does_not(tmp_path, kind, shape):
    path = tmp_path / "commented.pdf"
    jpeg = io.BytesIO()
    sheet().save(jpeg, "JPEG", quality=95)
    annotation = b"/Annots [<< /Type /Annot /Subtype /%s /Rect [5 5 50 50] >>]" % kind
    path.write_bytes(written_pdf(b"q 72 0 0 96 0 0 cm /I Do Q", jpeg.getvalue(), page=annotation))
    assert load(path).pixels.shape == shape


def written_pdf(content: bytes, picture: bytes, *, image: bytes = b"", form: bytes = b"", page: bytes = b"") -> bytes:
    """A PDF by hand: one page of 72 x 96 points, its content, a picture /I (JPEG by default), and a form /X."""
    image = image or b"/Width 150 /Height 200 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 96] %s /Contents 4 0 R /Resources << "
        % page
        + b"/XObject << /I 5 0 R /X 6 0 R >> "
        b"/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >> stream\n%s\nendstream" % (len(content), content),
        b"<< /Type /XObject /Subtype /Image %s /Length %d >> stream\n%s\nendstream" % (image, len(picture), picture),
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 1 2] /Resources << /XObject << /I 5 0 R >> >> /Length %d >> "
        b"stream\n%s\nendstream" % (len(form), form),
    ]
    file, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj %s endobj\n" % (number, content)
    table = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    file += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    file += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(file)
