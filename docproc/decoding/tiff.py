"""The pages of a TIFF, and whether their data is there.

In:  an open TIFF.
Out: a count, or the image set to a page; a PageError where the tags promise pixels that the file does not hold.
Decoders paint missing strips black or white without a word, so this is checked before they run.
"""

from __future__ import annotations

import math
import os
import threading
from typing import BinaryIO

from PIL import Image, ImageFile, TiffImagePlugin

from docproc.decoding.faults import DECODER_FAULTS, check_size, damaged, page_error

NEW_SUBFILE_TYPE = 254
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANAR = 273, 277, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325

NOT_A_PAGE = 1 | 4  #: NewSubfileType bits: a smaller copy of another image; a mask for one.
SEPARATE_PLANES = 2
UNCOMPRESSED = 1
MIN_IS_WHITE = 0

STDERR = 2
_STDERR = threading.Lock()

SAVE_ANEW = "Scan it again, or open it in a viewer, look whether it is whole, and save it anew"


def count_pages(file: BinaryIO, where: str) -> int:
    """Pages of the file; smaller copies and masks are none.

    Raises
    ------
    PageError
        If there is no page, or the only one is at fault.
    """
    try:
        opened = TiffImagePlugin.TiffImageFile(file)
        pages = _pages(opened)
        if len(pages) == 1:
            seek_page(opened, 0, where)
            check_size(where, *opened.size)
    except DECODER_FAULTS as error:
        raise damaged(where, "TIFF", error) from error
    except Image.DecompressionBombError as error:
        raise damaged(where, "TIFF", error) from error
    return len(pages)


def seek_page(opened: ImageFile.ImageFile, index: int, where: str) -> None:
    """Set the image to a page, and check that the pixels which it promises are in the file.

    Raises
    ------
    PageError
        If they are not.
    """
    pages = _pages(opened)
    if index >= len(pages):
        raise page_error(where, f"the TIFF has {len(pages)} pages", SAVE_ANEW)
    opened.seek(pages[index])
    width, height = opened.size
    check_size(where, width, height)
    missing = _missing(opened)
    if missing:
        raise page_error(where, f"the TIFF says {width:,} x {height:,} pixels, but {missing}", SAVE_ANEW)


def load(opened: ImageFile.ImageFile) -> None:
    """Decode the pixels; libtiff's complaints, which it prints itself, are kept off the screen."""
    with _STDERR:
        try:
            screen = os.dup(STDERR)
        except OSError:  # there is none: nothing to keep clean
            opened.load()
            return
        try:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), STDERR)
            opened.load()
        finally:
            os.dup2(screen, STDERR)
            os.close(screen)


def is_inverted_16_bit(opened: ImageFile.ImageFile) -> bool:
    """Whether 0 is white: Pillow sees to that with 1 and 8 bits, but not with 16."""
    tags = getattr(opened, "tag_v2", {})
    return opened.mode.startswith("I") and tags.get(PHOTOMETRIC) == MIN_IS_WHITE


def _pages(opened: ImageFile.ImageFile) -> list[int]:
    """Frame numbers of the pages."""
    frames = range(getattr(opened, "n_frames", 1))
    pages = []
    for frame in frames:
        opened.seek(frame)
        if not int(_tags(opened).get(NEW_SUBFILE_TYPE, 0)) & NOT_A_PAGE:
            pages.append(frame)
    return pages or list(frames)


def _tags(opened: ImageFile.ImageFile) -> TiffImagePlugin.ImageFileDirectory_v2:
    tags: TiffImagePlugin.ImageFileDirectory_v2 = opened.tag_v2  # type: ignore[attr-defined]
    return tags


def _missing(opened: ImageFile.ImageFile) -> str:
    """What is not in the file, in words; "" where all is."""
    tags = _tags(opened)
    # The tags, and not opened.size, which Pillow swaps for a page that lies on its side.
    width, height = int(tags.get(WIDTH, 0)), int(tags.get(HEIGHT, 0))
    if not width or not height:
        return "its directory is not in the file"
    tiled = TILE_OFFSETS in tags
    offsets = _numbers(tags.get(TILE_OFFSETS if tiled else STRIP_OFFSETS))
    sizes = _numbers(tags.get(TILE_BYTES if tiled else STRIP_BYTES))
    if tiled:
        columns, rows = int(tags[TILE_WIDTH]), int(tags[TILE_HEIGHT])
    else:
        columns, rows = width, min(int(tags.get(STRIP_ROWS, height)), height)
    if columns <= 0 or rows <= 0:
        return "its strips have no rows"
    planes = int(tags.get(SAMPLES, 1)) if tags.get(PLANAR) == SEPARATE_PLANES else 1
    wanted = math.ceil(width / columns) * math.ceil(height / rows) * planes
    if len(offsets) < wanted:
        return f"holds only {len(offsets)} of {wanted} pieces"
    assert opened.fp is not None
    length = os.fstat(opened.fp.fileno()).st_size
    if any(offset + size > length for offset, size in zip(offsets, sizes, strict=False)):
        return f"its data would end behind the end of the file ({length:,} bytes)"
    if tags.get(COMPRESSION, UNCOMPRESSED) == UNCOMPRESSED and sizes:
        samples = int(tags.get(SAMPLES, 1)) // planes
        row_bytes = math.ceil(columns * samples * max(_numbers(tags.get(BITS, (1,)))) / 8)
        needed = row_bytes * (rows * wanted if tiled else height * planes)
        if sum(sizes) < needed:
            return f"holds {sum(sizes):,} of {needed:,} bytes of them"
    return ""


def _numbers(value: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """A tag's value, of which there may be none, one or many."""
    if value is None:
        return ()
    return tuple(int(part) for part in value) if isinstance(value, tuple) else (int(value),)
