"""Every format gives the pixels that were saved, the right way up, with a resolution only where one was meant."""

from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest
from drawn import colored, load, saved, sheet
from PIL import Image

from docproc.page import Page, Unreadable, find_sources, list_pages, load_page, read_pages


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("p.png", {}),
        ("p.bmp", {}),
        ("p.webp", {"lossless": True}),
        ("p.tif", {}),
        ("p.tif", {"compression": "tiff_lzw"}),
        ("p.tif", {"compression": "tiff_adobe_deflate"}),
        ("P.PNG", {}),
    ],
)
@pytest.mark.parametrize("draw", [sheet, colored])
def test_a_lossless_file_gives_the_pixels_that_were_saved(tmp_path, name, options, draw):
    page = load(saved(tmp_path, name, draw(), **options))
    assert np.array_equal(page.pixels, np.asarray(draw()))
    assert page.pixels.dtype == np.uint8
    assert page.pixels.flags.c_contiguous
    assert not page.pixels.flags.writeable


@pytest.mark.parametrize("name", ["p.jpg", "p.jpeg", "p.webp"])
def test_a_lossy_file_gives_nearly_the_pixels_that_were_saved(tmp_path, name):
    page = load(saved(tmp_path, name, sheet(), quality=95))
    assert page.pixels.shape == (200, 150)
    assert np.abs(page.pixels.astype(int) - np.asarray(sheet())).mean() < 2


def test_heic_gives_nearly_the_pixels_that_were_saved(tmp_path):
    import pillow_heif

    path = tmp_path / "photo.HEIC"
    pillow_heif.from_pillow(colored()).save(path, quality=95)
    page = load(path)
    assert page.pixels.shape == (200, 150, 3)
    assert np.abs(page.pixels.astype(int) - np.asarray(colored())).mean() < 4


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_is_turned_once(tmp_path, orientation):
    import pillow_heif

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.heic"
    pillow_heif.from_pillow(colored()).save(path, quality=95, exif=exif.tobytes(), orientation=orientation)
    stored = saved(tmp_path, "photo.jpg", colored(), exif=exif, quality=95)
    assert np.abs(load(path).pixels.astype(int) - load(stored).pixels).mean() < 4


@pytest.mark.parametrize("compression", ["group3", "group4", "packbits", "raw"])
def test_a_tiff_of_one_bit_is_black_on_white(tmp_path, compression):
    bits = sheet().point(lambda value: 255 * (value > 128)).convert("1")
    page = load(saved(tmp_path, "fax.tif", bits, compression=compression))
    assert np.array_equal(page.pixels, np.asarray(bits.convert("L")))


def test_each_page_of_a_tiff_is_a_page_and_a_thumbnail_is_none(tmp_path):
    thumbnail = sheet(30, 42)
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    path = tmp_path / "many.tif"
    sheet().save(path, save_all=True, append_images=[thumbnail, colored()], compression="tiff_lzw")
    with Image.open(path) as opened:
        assert opened.n_frames == 3
    refs = list_pages(find_sources([str(path)])[0])
    assert [ref.index for ref in refs] == [0, 1]
    assert np.array_equal(load_page(refs[0]).pixels, np.asarray(sheet()))
    assert np.array_equal(load_page(refs[1]).pixels, np.asarray(colored()))


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "big_endian.tif"])
def test_gray_of_16_bits_is_scaled_to_8(tmp_path, name):
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    page = load(saved(tmp_path, name, Image.fromarray(deep.astype(">u2") if "big" in name else deep)))
    assert np.array_equal(page.pixels, np.rint(deep / 257).astype(np.uint8))


def test_a_fax_of_standard_resolution_gets_square_pixels(tmp_path):
    path = saved(tmp_path, "fax.tif", sheet(204, 98).convert("1"), compression="group4", dpi=(204, 98))
    page = load(path)
    assert page.pixels.shape == (204, 204)
    assert page.dpi == 204


def test_the_second_picture_in_a_phone_photo_is_no_page(tmp_path):
    path = saved(tmp_path, "p.jpg", colored(), format="MPO", save_all=True, append_images=[sheet()], quality=95)
    [ref] = list_pages(find_sources([str(path)])[0])
    assert load_page(ref).pixels.shape == (200, 150, 3)


def test_gray_of_16_bits_with_white_as_0_is_inverted(tmp_path):
    deep = np.full((4, 4), 65535, np.uint16)
    path = saved(tmp_path, "inverted.tif", Image.fromarray(deep), tiffinfo={262: 0})
    assert load(path).pixels.tolist() == [[0] * 4] * 4


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "c.tif"), ("P", "p.png"), ("P", "p.tif"), ("YCbCr", "y.tif")])
def test_other_color_models_become_rgb(tmp_path, mode, name):
    page = load(saved(tmp_path, name, colored().convert(mode)))
    assert page.pixels.shape == (200, 150, 3)
    red, green, blue = page.pixels[170, 95].astype(int)
    assert red > 190
    assert green < 60
    assert blue < 90


def test_transparent_parts_are_white_paper(tmp_path):
    for name, picture in {
        "rgba.png": Image.new("RGBA", (4, 4), (0, 0, 0, 0)),
        "la.png": Image.new("LA", (4, 4), (0, 0)),
        "rgba.webp": Image.new("RGBA", (4, 4), (0, 0, 0, 0)),
        "rgba.tif": Image.new("RGBA", (4, 4), (0, 0, 0, 0)),
    }.items():
        assert load(saved(tmp_path, name, picture)).pixels.tolist() == [[255] * 4] * 4, name
    half = Image.new("RGBA", (1, 1), (0, 0, 0, 128))
    assert load(saved(tmp_path, "half.png", half)).pixels.tolist() == [[127]]
    keyed = Image.new("L", (1, 1), 0)
    assert load(saved(tmp_path, "keyed.png", keyed, transparency=0)).pixels.tolist() == [[255]]


def test_a_color_image_of_gray_pixels_is_gray_and_one_colored_pixel_makes_it_color(tmp_path):
    picture = sheet(40, 600).convert("RGB")
    assert load(saved(tmp_path, "gray.png", picture)).pixels.ndim == 2
    picture.putpixel((39, 599), (255, 255, 250))
    assert load(saved(tmp_path, "color.png", picture)).pixels.ndim == 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["p.jpg", "p.tif", "p.png", "p.webp"])
def test_the_turn_in_exif_is_honored(tmp_path, name, orientation):
    undo = {  # how a camera held in that position stores the page
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    stored = colored()
    for step in undo:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    quality = {} if name == "p.tif" else {"quality": 95}
    page = load(saved(tmp_path, name, stored, exif=exif, **quality))
    assert page.pixels.shape == (200, 150, 3)
    assert np.abs(page.pixels.astype(int) - np.asarray(colored())).mean() < 3


@pytest.mark.parametrize("name", ["p.jpg", "p.png", "p.tif", "p.bmp"])
@pytest.mark.parametrize("dpi", [100, 200, 300, 600])
def test_the_resolution_of_a_scan_is_kept(tmp_path, name, dpi):
    assert load(saved(tmp_path, name, sheet(), dpi=(dpi, dpi))).dpi == pytest.approx(dpi, abs=0.5)


@pytest.mark.parametrize("dpi", [(1, 1), (72, 72), (4800, 4800), (300, 72)])
def test_a_resolution_that_no_scanner_chose_is_unknown(tmp_path, dpi):
    assert load(saved(tmp_path, "p.png", sheet(), dpi=dpi)).dpi is None


def test_a_resolution_that_makes_the_sheet_larger_than_a3_is_unknown(tmp_path):
    assert load(saved(tmp_path, "p.png", Image.new("L", (2480, 3508)), dpi=(100, 100))).dpi is None
    assert load(saved(tmp_path, "q.png", Image.new("L", (2480, 3508)), dpi=(300, 300))).dpi == pytest.approx(
        300, abs=0.1
    )


def test_a_file_without_a_resolution_has_none(tmp_path):
    assert load(saved(tmp_path, "p.png", sheet())).dpi is None
    assert load(saved(tmp_path, "p.jpg", sheet())).dpi is None


def test_a_photo_has_no_resolution_whatever_its_camera_wrote(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x829D] = 1.8
    assert load(saved(tmp_path, "p.jpg", sheet(), dpi=(300, 300), exif=exif)).dpi is None


def test_what_a_file_is_its_content_says_and_not_its_name(tmp_path):
    path = tmp_path / "really_a_tiff.jpg"
    sheet().save(path, format="TIFF")
    assert np.array_equal(load(path).pixels, np.asarray(sheet()))


def test_a_reference_is_small_survives_pickling_and_knows_duplicates(tmp_path):
    first, second = saved(tmp_path, "a.png", sheet()), saved(tmp_path, "b.png", sheet())
    [a], [b] = (list_pages(source) for source in find_sources([str(tmp_path)]))
    assert (a.source, a.path, a.index) == ("a.png", str(first), 0)
    assert a.sha256 == b.sha256 == hashlib.sha256(second.read_bytes()).hexdigest()
    assert pickle.loads(pickle.dumps(a)) == a
    assert len(pickle.dumps(a)) < 1000


def test_pages_come_in_order_and_what_cannot_be_read_is_a_value_between_them(tmp_path):
    saved(tmp_path, "2.png", sheet())
    saved(tmp_path, "10.tif", sheet(), save_all=True, append_images=[colored()])
    (tmp_path / "3.png").write_bytes(b"")
    pages = list(read_pages([str(tmp_path)]))
    assert [(p.ref.source, p.ref.index) if isinstance(p, Page) else (p.source, p.page) for p in pages] == [
        ("2.png", 0),
        ("3.png", None),
        ("10.tif", 0),
        ("10.tif", 1),
    ]
    assert isinstance(pages[1], Unreadable)
    assert "0 bytes" in pages[1].message
    assert pages[1].remedy
