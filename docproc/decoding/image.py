"""Pictures that Pillow decodes: PNG, JPEG, BMP, WebP, TIFF, and HEIC through its plugin.

In:  an open file and its format.
Out: gray or RGB pixels on white paper, the way up that EXIF says, and the resolution where it is believable.
"""

from __future__ import annotations

import logging
import mmap
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from docproc.decoding import tiff
from docproc.decoding.faults import DECODER_FAULTS, check_size, damaged
from docproc.errors import MissingExtraError, PageError

Pixels = npt.NDArray[np.uint8]

#: Opened one by one and not through Image.open, which refuses a large image without saying its size.
OPENERS: dict[str, Callable[[BinaryIO], ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}

MIN_DPI = 96.0  #: Below it stand defaults (0, 1, 72) that no scanner chose.
MAX_DPI = 2400.0  #: The finest that document scanners offer.
MAX_SHEET_MM = 462.0  #: A3 and a tenth more: a resolution that makes the sheet larger is a default, too.
MAX_DPI_RATIO = 1.1  #: Between the axes; a page has one resolution or none.
FAX_RATIO = 1.8  #: Columns to rows of an inch, from which on the page is a fax of the coarser kind.

EXIF_ORIENTATION = 0x0112
EXIF_CAMERA = 0x8769  #: The sub-directory of what the camera did.
EXIF_EXPOSURE = (0x829A, 0x829D, 0x920A)  #: ExposureTime, FNumber, FocalLength: there is a lens, so no dpi.

WHITE_16 = 65535  #: Of 16-bit gray.
NEUTRAL_LEVELS = 2  #: Between the channels of a gray pixel, since lossy formats round: WebP has no gray of its own.
BLOCK_ROWS = 256  #: Rows compared at a time in search of color; a color page is known by its first block.

# Without a handler of its own Pillow's log would reach the screen through logging's last resort.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def check(file: BinaryIO, kind: str, where: str) -> None:
    """Refuse what the headers show to be too large, cut short or no picture.

    Raises
    ------
    PageError, MissingExtraError
    """
    _check_whole(_open(file, kind, where), file, kind, where)


def decode(file: BinaryIO, kind: str, index: int, where: str) -> tuple[Pixels, float | None]:
    """The pixels of one page, and its dpi or None.

    Raises
    ------
    PageError, MissingExtraError
    """
    opened = _open(file, kind, where)
    try:
        if kind == "TIFF":
            tiff.seek_page(opened, index, where)
        _check_whole(opened, file, kind, where)
        # Pillow turns a TIFF by itself while it loads; what is left to do, the tag says after loading.
        inverted = kind == "TIFF" and tiff.is_inverted_16_bit(opened)
        if kind == "TIFF":
            tiff.load(opened)
        else:
            opened.load()
        orientation, has_lens = _exif(opened)
        dpi = None if has_lens else plausible_dpi(opened.info.get("dpi"), opened.size)
        pixels = _gray_or_rgb(opened, inverted=inverted)
        if kind == "TIFF" and dpi is None:
            pixels, dpi = _with_square_pixels(pixels, opened.info.get("dpi"))
    except DECODER_FAULTS as error:
        raise damaged(where, kind, error) from error
    except Image.DecompressionBombError as error:
        raise _too_large(where, error) from error
    return np.ascontiguousarray(turned(without_false_color(pixels), orientation)), dpi


def plausible_dpi(dpi: object, size_px: tuple[int, int]) -> float | None:
    """The resolution if a scanner may have meant it, else None.

    Parameters
    ----------
    dpi : (float, float) or None
        As the file has it, along x and y.
    size_px : (int, int)
        Of the image: the sheet must not come out larger than A3.
    """
    if not isinstance(dpi, tuple) or len(dpi) != 2:
        return None
    try:
        low, high = sorted(float(part) for part in dpi)
    except DECODER_FAULTS:
        return None
    if not (low >= MIN_DPI - 0.5 and high <= MAX_DPI + 0.5 and high <= low * MAX_DPI_RATIO):  # also refuses nan
        return None
    mean = round((low * high) ** 0.5, 2)
    return mean if max(size_px) / mean * 25.4 <= MAX_SHEET_MM else None


def _with_square_pixels(pixels: Pixels, dpi: object) -> tuple[Pixels, float | None]:
    """A fax of standard resolution (204 x 98 dpi, ITU-T T.4) with as many rows to the inch as columns."""
    if not (isinstance(dpi, tuple) and len(dpi) == 2):
        return pixels, None
    across, down = (plausible_dpi((part, part), (1, 1)) for part in dpi)
    if across is None or down is None or across < FAX_RATIO * down:
        return pixels, None
    height, width = pixels.shape[:2]
    size = (width, round(height * across / down))
    square = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    return square, plausible_dpi((across, across), size)


def without_false_color(pixels: Pixels) -> Pixels:
    """(H, W) if the (H, W, 3) pixels are all gray, within `NEUTRAL_LEVELS`; else the same pixels."""
    if pixels.ndim == 2:
        return pixels
    for top in range(0, len(pixels), BLOCK_ROWS):
        red, green, blue = np.moveaxis(pixels[top : top + BLOCK_ROWS], 2, 0)
        most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
        if (most - least).max(initial=0) > NEUTRAL_LEVELS:
            return pixels
    return np.ascontiguousarray(pixels[..., 1])


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """The picture as the EXIF orientation (1 to 8) says it should be seen; other numbers leave it."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _open(file: BinaryIO, kind: str, where: str) -> ImageFile.ImageFile:
    file.seek(0)
    try:
        return (_heif_opener(where) if kind == "HEIC" else OPENERS[kind])(file)
    except DECODER_FAULTS as error:
        raise damaged(where, kind, error) from error
    except Image.DecompressionBombError as error:
        raise _too_large(where, error) from error


def _heif_opener(where: str) -> Callable[[BinaryIO], ImageFile.ImageFile]:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise MissingExtraError(
            f"{where}: HEIC is read with a package that is not installed.",
            remedy="Run `pip install 'docproc[heic]'`, or save the picture as JPEG.",
        ) from error
    opener: Callable[[BinaryIO], ImageFile.ImageFile] = HeifImageFile
    return opener


def _too_large(where: str, error: Exception) -> PageError:
    return PageError(
        f"{where}: the image is too large to read ({' '.join(str(error).split())}).",
        remedy="Scan at a lower resolution (300 dpi is enough), or cut the image into pages.",
    )


def _check_whole(opened: ImageFile.ImageFile, file: BinaryIO, kind: str, where: str) -> None:
    check_size(where, *opened.size)
    if (kind == "JPEG" and not _jpeg_has_end(file)) or (kind == "PNG" and not _png_has_end(file)):
        raise damaged(where, kind, "its end is missing")


def _jpeg_has_end(file: BinaryIO) -> bool:
    """Whether an end marker follows the image data.

    A JPEG that was cut short, even one filled up with zeros, has none; libjpeg would paint the rest gray. The
    search begins behind the headers, since a thumbnail in them has an end marker of its own.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        position = 2
        while position + 4 <= len(content) and content[position] == 0xFF:
            marker = content[position + 1]
            if marker == 0xFF:  # fill byte
                position += 1
                continue
            if marker == 0xDA:
                return content.rfind(b"\xff\xd9", position) != -1  # from behind, where it is
            position += 2
            if not (0xD0 <= marker <= 0xD8 or marker == 0x01):  # these stand alone
                position += int.from_bytes(content[position : position + 2], "big")
        return False


def _png_has_end(file: BinaryIO) -> bool:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.rfind(b"IEND") != -1


def _exif(opened: Image.Image) -> tuple[int, bool]:
    """The orientation, and whether a lens took the picture; a damaged EXIF says neither."""
    try:
        exif = opened.getexif()
        camera = exif.get_ifd(EXIF_CAMERA)
        return int(exif.get(EXIF_ORIENTATION, 1)), any(tag in camera for tag in EXIF_EXPOSURE)
    except DECODER_FAULTS:
        return 1, False


def _gray_or_rgb(opened: Image.Image, *, inverted: bool) -> Pixels:
    """(H, W) or (H, W, 3) uint8 of any mode, transparent parts on white paper."""
    mode = opened.mode
    if mode.startswith("I"):
        gray = np.asarray(opened, np.int64).clip(0, WHITE_16).astype(np.uint32)
        if inverted:
            gray = WHITE_16 - gray
        return ((gray * 255 + WHITE_16 // 2) // WHITE_16).astype(np.uint8)
    if mode == "F":
        raise ValueError("pixels are floating point numbers; save it with 8 bits")
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in opened.info:
        seen = opened.convert("RGBA")
        paper = Image.new("RGBA", seen.size, "white")
        return np.asarray(Image.alpha_composite(paper, seen).convert("RGB"))
    wanted = "L" if mode in ("1", "L") else "RGB"
    return np.asarray(opened if mode == wanted else opened.convert(wanted))
