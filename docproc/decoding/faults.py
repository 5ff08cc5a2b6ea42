"""How a page that cannot be read is put into words: where, what, and what to do, in one line."""

from __future__ import annotations

import os
import struct
import textwrap
import unicodedata
import zlib

from docproc.errors import PageError

MAX_PIXELS = 178_956_970
"""The largest image that is decoded, in pixels: A3 at 900 dpi has less. It is also where Pillow refuses."""

READABLE = "PNG, JPEG, BMP, WebP, TIFF, PDF or HEIC"

REASON_CHARACTERS = 90  #: Of a decoder's own words, so that the line stays one.

RESCAN = "Copy it again from where it came, or scan the page again"

DECODER_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow, pillow-heif and pypdfium2 raise on damaged files; found by feeding them such."""


def one_line(path: str | os.PathLike[str]) -> str:
    """A path as one line that can be written as UTF-8: foreign bytes and control characters are escaped."""
    text = os.fspath(path)
    if text.isascii() and text.isprintable():
        return text
    text = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
    )


def page_error(where: str, what: str, remedy: str) -> PageError:
    """A PageError in the one form that all of them have."""
    return PageError(f"{where}: {what}.", remedy=f"{remedy}.")


def damaged(where: str, kind: str, reason: object) -> PageError:
    """The file is not what it should be; `reason` is the decoder's own, made to fit the line."""
    words = textwrap.shorten(str(reason), REASON_CHARACTERS, placeholder="...").rstrip(". ") or type(reason).__name__
    return page_error(where, f"the {kind} is damaged or cut short ({words})", RESCAN)


def check_size(where: str, width_px: int, height_px: int) -> None:
    """Refuse an image that would fill the memory, before a pixel of it is decoded."""
    if width_px * height_px > MAX_PIXELS:
        raise page_error(
            where,
            f"the image has {width_px:,} x {height_px:,} pixels; at most {MAX_PIXELS // 10**6} million are read",
            "Scan at a lower resolution (300 dpi is enough), or cut the image into pages",
        )
