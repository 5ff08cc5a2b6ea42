"""From a file to the pixels of one of its pages.

In:  a path, and the page's index within the file.
Out: (H, W) gray or (H, W, 3) RGB pixels and the resolution; or a PageError, never another exception.
What the file is, its first bytes say, not its name. Which files to read: docproc.sources.
"""

from __future__ import annotations

import codecs
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from docproc.decoding import image, pdf, tiff
from docproc.decoding.faults import READABLE, RESCAN, damaged, one_line, page_error
from docproc.decoding.image import Pixels
from docproc.decoding.pdf import FormField

__all__ = ["FormField", "Pixels", "count_pages", "decode", "form_fields"]

HEAD_BYTES = 1024  #: Enough to tell every format; a PDF may begin this late (ISO 32000-1, annex H.3.4.1).
PAGED = ("PDF", "TIFF")  #: Formats that hold more than one page.


def count_pages(path: Path, *, called: str = "") -> int:
    """Pages in the file, from its headers: no pixel is decoded. Errors name it as `called`, or else by its path.

    Raises
    ------
    PageError
        If the file cannot be opened, is no image, or is seen to be damaged, cut short or too large as a whole.
        A page that is at fault among others is counted here, and refused by `decode`.
    MissingExtraError
        If it is HEIC and the extra is not installed.
    """
    where = one_line(called or path)
    with _opened(path, where) as (file, kind):
        if kind == "PDF":
            return pdf.count_pages(file, where)
        if kind == "TIFF":
            return tiff.count_pages(file, where)
        image.check(file, kind, where)
        return 1


def decode(path: Path, index: int, *, called: str = "") -> tuple[Pixels, float | None]:
    """The pixels of page `index` (from 0), as a person would hold it, and its resolution in dpi or None.

    Errors name the file as `called`, or else by its path.

    Raises
    ------
    PageError
        If this page cannot be read.
    MissingExtraError
        If it is HEIC and the extra is not installed.
    """
    where = one_line(called or path)
    with _opened(path, where) as (file, kind):
        if kind in PAGED:
            where = f"{where}, page {index + 1}"
        elif index != 0:
            raise page_error(where, f"the {kind} has one page, not {index + 1}", RESCAN)
        if kind == "PDF":
            return pdf.decode(file, index, where)
        return image.decode(file, kind, index, where)


def form_fields(path: Path, index: int) -> tuple[tuple[float, float], tuple[FormField, ...]] | None:
    """Size in mm of page `index` of a PDF, and the text fields that it has as a form; None for any other file.

    Raises
    ------
    PageError
        If the page cannot be read.
    """
    where = one_line(path)
    with _opened(path, where) as (file, kind):
        return pdf.form_fields(file, index, f"{where}, page {index + 1}") if kind == "PDF" else None


@contextmanager
def _opened(path: Path, where: str) -> Iterator[tuple[BinaryIO, str]]:
    """The file, at its start, and its format; the decoders' own warnings are kept off the screen."""
    try:
        # A pipe must not be opened: that would wait for a writer forever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            kind = "a folder" if path.is_dir() else "no regular file"
            raise page_error(where, f"this is {kind}, not an image", "Name an image or PDF file")
        file = path.open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "Allow yourself to read it" if isinstance(error, PermissionError) else "Check that it is there"
        raise page_error(where, f"the file cannot be opened ({reason})", remedy) from error
    with file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            head = file.read(HEAD_BYTES)
            file.seek(0)
        except OSError as error:
            raise page_error(
                where, f"the file cannot be read ({error.strerror})", "Copy it to another disk"
            ) from error
        yield file, _kind(head, where)


def _kind(head: bytes, where: str) -> str:
    """The format that the first bytes announce."""
    if not head:
        raise page_error(where, "the file is empty (0 bytes)", RESCAN)
    for kind, magic in (("PNG", b"\x89PNG\r\n\x1a\n"), ("JPEG", b"\xff\xd8\xff"), ("BMP", b"BM")):
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head[4:8] == b"ftyp" and head[8:12] in (
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"hevx",
        b"mif1",
        b"msf1",
    ):
        return "HEIC"
    if b"%PDF-" in head:
        return "PDF"
    if not head.strip(b"\0"):
        raise damaged(where, "file", "it holds nothing but zeros")
    if _is_text(head):
        raise page_error(where, "this is text, not an image, whatever its name says", "Leave it out of the input")
    raise page_error(where, f"this is no {READABLE}", "Save it as PNG or PDF, or leave it out of the input")


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\r\n\t\f\ufeff" for char in text)
