"""Files that cannot be read: each gets one line that says what, where and what to do, and nothing worse happens."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from docproc.errors import DocprocError, MissingExtraError, PageError
from docproc.page import Page, find_sources, list_pages, load_page, read_pages


def sheet(width: int = 160, height: int = 220) -> Image.Image:
    """A page with enough on it that a cut is seen."""
    noise = np.random.default_rng(7).integers(0, 256, (height, width), np.uint8)
    picture = Image.fromarray(noise)
    ImageDraw.Draw(picture).rectangle([20, 20, 100, 60], fill=0)
    return picture


@cache
def file_of(kind: str) -> bytes:
    """A sound file of each format."""
    buffer = BytesIO()
    if kind == "heic":
        import pillow_heif

        pillow_heif.from_pillow(sheet()).save(buffer, quality=50)
    elif kind == "g4.tif":
        sheet().convert("1").save(buffer, "TIFF", compression="group4")
    elif kind.endswith("tif"):
        compression = {"raw.tif": "raw", "lzw.tif": "tiff_lzw", "zip.tif": "tiff_adobe_deflate", "jpeg.tif": "jpeg"}[
            kind
        ]
        sheet().save(buffer, "TIFF", save_all=True, append_images=[sheet(60, 80)], compression=compression)
    elif kind == "pdf":
        sheet().save(buffer, "PDF", save_all=True, append_images=[sheet(60, 80)])
    else:
        sheet().save(buffer, {"jpg": "JPEG"}.get(kind, kind.upper()))
    return buffer.getvalue()


KINDS = ("png", "jpg", "bmp", "webp", "raw.tif", "lzw.tif", "zip.tif", "jpeg.tif", "g4.tif", "pdf", "heic")


def fault(path: Path) -> DocprocError:
    """Why the file cannot be read; it has to be said in one line that names it, with a remedy."""
    with pytest.raises((PageError, MissingExtraError)) as caught:
        for ref in list_pages(find_sources([str(path)])[0]):
            load_page(ref)
    error = caught.value
    assert error.message.startswith(f"{path}")
    assert error.message.endswith(".")
    assert "\n" not in str(error)
    assert len(error.message) < len(str(path)) + 200
    assert error.remedy.endswith(".")
    assert error.remedy[0].isupper()
    return error


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_file_of_0_bytes_is_empty(tmp_path):
    for name in ("a.png", "a.pdf", "a.tif", "a.heic"):
        assert "the file is empty (0 bytes)" in fault(written(tmp_path, name, b"")).message


def test_a_file_of_zeros_is_damaged(tmp_path):
    assert "nothing but zeros" in fault(written(tmp_path, "a.jpg", bytes(5000))).message


@pytest.mark.parametrize("content", ["Just words.\n", "Prüfung " * 500, "<!DOCTYPE html><html>Not found</html>", "a"])
def test_text_named_png_is_text(tmp_path, content):
    assert "this is text, not an image" in fault(written(tmp_path, "a.png", content.encode())).message


@pytest.mark.parametrize("content", [b"PK\x03\x04\x00\x01\x02", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", b"\xff\xd8x"])
def test_what_is_no_image_that_is_read_says_which_are(tmp_path, content):
    message = fault(written(tmp_path, "a.png", content)).message
    assert "this is no PNG, JPEG, BMP, WebP, TIFF, PDF or HEIC" in message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_was_cut_short_is_refused_and_not_half_read(tmp_path, kind, share):
    whole = file_of(kind)
    error = fault(written(tmp_path, f"a.{kind}", whole[: int(len(whole) * share)]))
    assert isinstance(error, PageError)
    assert "damaged or cut short" in error.message or "the TIFF says" in error.message


def test_a_jpeg_that_was_cut_and_filled_up_with_zeros_is_refused(tmp_path):
    whole = file_of("jpg")
    filled = whole[: len(whole) // 2].ljust(len(whole), b"\0")
    assert (
        "the JPEG is damaged or cut short (its end is missing)" in fault(written(tmp_path, "a.jpg", filled)).message
    )


def test_a_jpeg_with_something_behind_its_end_is_read(tmp_path):
    path = written(tmp_path, "a.jpg", file_of("jpg") + b"trailer of a phone")
    assert isinstance(next(read_pages([str(path)])), Page)


def png_that_says(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data)) for tag, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_an_image_of_40000_x_40000_pixels_is_refused_from_its_header(tmp_path):
    jpeg = bytearray(file_of("jpg"))
    start = jpeg.index(b"\xff\xc0")
    jpeg[start + 5 : start + 9] = struct.pack(">HH", 40000, 40000)
    bmp = bytearray(file_of("bmp"))
    bmp[18:26] = struct.pack("<ii", 40000, 40000)
    tiff = tiff_that_says(40000, 40000)
    for name, content in (("a.png", png_that_says(40000, 40000)), ("a.jpg", jpeg), ("a.bmp", bmp), ("a.tif", tiff)):
        path = written(tmp_path, name, bytes(content))
        with pytest.raises(PageError, match="the image has 40,000 x 40,000 pixels; at most") as caught:
            list_pages(find_sources([str(path)])[0])  # before anything is decoded
        assert "lower resolution" in caught.value.remedy
        assert str(path) in caught.value.message


def test_the_largest_webp_is_refused(tmp_path):
    webp = bytearray(file_of("webp"))
    start = webp.index(b"\x9d\x01\x2a") + 3
    webp[start : start + 4] = struct.pack("<HH", 16383, 16383)
    assert "pixels" in fault(written(tmp_path, "a.webp", bytes(webp))).message


def test_a_picture_of_40000_x_40000_pixels_in_a_pdf_is_refused(tmp_path):
    whole = file_of("pdf")
    assert b"/Width 160" in whole
    bomb = whole.replace(b"/Width 160", b"/Width 40000").replace(b"/Height 220", b"/Height 40000")
    path = written(tmp_path, "a.pdf", bomb)
    first, second = read_pages([str(path)])
    assert not isinstance(first, Page)
    assert f"{path}, page 1: the image has 40,000 x 40,000 pixels" in first.message
    assert isinstance(second, Page)


def tiff_that_says(width: int, height: int, *, rows: int | None = None, data: bytes = bytes(2000)) -> bytes:
    """An uncompressed gray TIFF of one strip."""
    tags = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8 + 2 + 12 * 9 + 4),
        (277, 3, 1),
        (278, 4, rows or height),
        (279, 4, len(data)),
    ]
    directory = b"".join(
        struct.pack("<HHIHH" if kind == 3 else "<HHII", tag, kind, 1, value, *(0,) * (kind == 3))
        for tag, kind, value in tags
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory + bytes(4) + data


def test_a_tiff_that_says_what_it_holds_is_read(tmp_path):
    path = written(tmp_path, "a.tif", tiff_that_says(50, 40))
    assert load_page(list_pages(find_sources([str(path)])[0])[0]).pixels.shape == (40, 50)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff_that_says(50, 400), "says 50 x 400 pixels, but holds 2,000 of 20,000 bytes"),
        (tiff_that_says(500, 40), "says 500 x 40 pixels, but holds 2,000 of 20,000 bytes"),
        (tiff_that_says(50, 400, rows=40), "says 50 x 400 pixels, but holds only 1 of 10 pieces"),
        (tiff_that_says(50, 40)[:-1], "its data would end behind the end of the file"),
    ],
)
def test_a_tiff_that_lies_about_its_size_is_refused(tmp_path, content, words):
    assert words in fault(written(tmp_path, "a.tif", content)).message


def test_a_compressed_tiff_that_lies_about_its_size_is_refused_without_a_word_on_the_screen(tmp_path, capfd):
    for kind in ("lzw.tif", "zip.tif"):
        liar = bytearray(file_of(kind))
        first = struct.unpack_from("<I", liar, 4)[0]
        for entry in range(first + 2, first + 2 + 12 * struct.unpack_from("<H", liar, first)[0], 12):
            if struct.unpack_from("<H", liar, entry)[0] in (257, 278):  # ImageLength, RowsPerStrip
                struct.pack_into("<HII", liar, entry + 2, 4, 1, 4000)
        path = written(tmp_path, kind, bytes(liar))
        assert "TIFF" in fault(path).message
    assert capfd.readouterr() == ("", "")


def test_one_bad_page_of_a_tiff_fails_alone(tmp_path):
    content = bytearray(file_of("raw.tif"))
    second = struct.unpack_from("<I", content, content.index(b"II*\0") + 4)[0]
    second = struct.unpack_from("<I", content, second + 2 + 12 * struct.unpack_from("<H", content, second)[0])[0]
    for entry in range(second + 2, second + 2 + 12 * struct.unpack_from("<H", content, second)[0], 12):
        if struct.unpack_from("<H", content, entry)[0] == 257:
            struct.pack_into("<HII", content, entry + 2, 4, 1, 4000)
    path = written(tmp_path, "a.tif", bytes(content))
    first, bad = read_pages([str(path)])
    assert isinstance(first, Page)
    assert (bad.source, bad.page) == ("a.tif", 2)
    assert f"{path}, page 2: the TIFF says 60 x 4,000 pixels" in bad.message


def locked_pdf() -> bytes:
    """A PDF whose standard security handler (revision 2) no empty password opens."""
    key = b"<" + b"5A" * 32 + b">"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>",
        b"<< /Filter /Standard /V 1 /R 2 /O %s /U %s /P -4 >>" % (key, key),
    )
    file, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj %s endobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer << /Size 5 /Root 1 0 R /Encrypt 4 0 R /ID [<00> <00>] >>\nstartxref\n%d\n%%%%EOF\n" % len(
        file
    )
    return file + b"xref\n0 5\n0000000000 65535 f \n" + table + trailer


def test_a_pdf_with_a_password_says_so(tmp_path):
    error = fault(written(tmp_path, "a.pdf", locked_pdf()))
    assert "the PDF is locked with a password" in error.message
    assert "without the password" in error.remedy


def test_a_pdf_without_pages_is_refused(tmp_path):
    document = pypdfium2.PdfDocument.new()
    document.new_page(10, 10)
    document.del_page(0)
    with (tmp_path / "a.pdf").open("wb") as file:
        document.save(file)
    assert "the PDF" in fault(tmp_path / "a.pdf").message


def test_heic_without_the_extra_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    error = fault(written(tmp_path, "a.heic", file_of("heic")))
    assert isinstance(error, MissingExtraError)
    assert "pip install 'docproc[heic]'" in error.remedy
    [page] = read_pages([str(tmp_path)])
    assert not isinstance(page, Page)
    assert page.remedy == error.remedy


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = written(tmp_path, "a.png", file_of("png"))

    def refuse(self, *args, **kwargs):  # file modes do not stop the superuser, as whom tests may run
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    error = fault(path)
    assert "the file cannot be opened (Permission denied)" in error.message
    assert error.remedy == "Allow yourself to read it."


def test_a_link_to_nothing_and_a_link_to_itself_are_not_lost(tmp_path):
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "self.png").symlink_to("self.png")
    assert "cannot be opened (No such file or directory)" in fault(tmp_path / "gone.png").message
    assert "cannot be opened (Too many levels of symbolic links)" in fault(tmp_path / "self.png").message
    assert [page.source for page in read_pages([str(tmp_path)])] == ["gone.png", "self.png"]


def test_a_pipe_named_png_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert "no regular file" in fault(tmp_path / "a.png").message


def test_a_file_that_went_away_after_it_was_listed_fails_alone(tmp_path):
    path = written(tmp_path, "a.png", file_of("png"))
    [ref] = list_pages(find_sources([str(path)])[0])
    path.unlink()
    with pytest.raises(PageError, match="cannot be opened"):
        load_page(ref)


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(data=st.data())
def test_a_damaged_file_gives_a_page_or_a_page_error_and_nothing_else(tmp_path, capfd, kind, data):
    content = bytearray(file_of(kind))
    headers = st.integers(0, min(len(content), 400) - 1)  # where a flip changes more than a pixel
    anywhere = st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(headers | anywhere, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(content)) | anywhere)
    path = written(tmp_path, f"a.{kind}", bytes(content[:cut]))
    for page in read_pages([str(path)]):
        if isinstance(page, Page):
            assert page.pixels.dtype == np.uint8
            assert page.pixels.size > 0
        else:
            assert "\n" not in page.message + page.remedy
    assert capfd.readouterr() == ("", "")
