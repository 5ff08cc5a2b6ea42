"""Pages: what travels to a worker, and the pixels it finds there.

In:  files, folders and globs, also in the cloud.
Out: `PageRef` values, cheap to list, and `Page` values with pixels; what cannot be read is a PageError that says
     what, where, and what to do, and an `Unreadable` in `read_pages`.
The formats are docproc.decoding's subject, the walk through folders docproc.sources'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docproc import decoding
from docproc.decoding.faults import MAX_PIXELS, one_line, page_error
from docproc.errors import MissingExtraError, PageError
from docproc.sources import Source, find_sources
from docproc.storage import at_hand, is_url

__all__ = [
    "MAX_PIXELS",
    "Gray",
    "Ink",
    "Mask",
    "Page",
    "PageRef",
    "Source",
    "Unreadable",
    "as_read",
    "find_sources",
    "list_pages",
    "load_page",
    "read_pages",
]

Gray = npt.NDArray[np.uint8]  #: (H, W): 0 is black, 255 is white paper.
Ink = npt.NDArray[np.uint8]  #: (H, W): 0 is paper, 255 is full ink.
Mask = npt.NDArray[np.bool_]  #: (H, W): True where there is ink.


@dataclass(frozen=True, slots=True)
class PageRef:
    """One page of one file: small and picklable, never pixels."""

    source: str  #: The path as found under the input, with forward slashes; what results call it.
    path: str  #: Where to open it: a path, or the URL of an object in the cloud.
    index: int  #: From 0 within the file; results show index + 1.
    sha256: str  #: Of the file's content.


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The pixels of one page, EXIF turn applied, read-only."""

    ref: PageRef
    pixels: npt.NDArray[np.uint8]  #: (H, W) gray, or (H, W, 3) RGB.
    dpi: float | None  #: None where the file does not say: registration gives the scale.

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A page, or a whole file, that could not be read."""

    source: str  #: As in PageRef.
    page: int | None  #: From 1; None where the file as a whole is at fault.
    message: str  #: What is wrong, and where.
    remedy: str  #: What to do about it.


def list_pages(source: Source, copy: Path | None = None) -> list[PageRef]:
    """The pages of one file, counted from its headers; its content is read once, for the hash.

    Files of equal content have equal `sha256`: that is how a duplicate is known. `copy` is where the content of an
    object in the cloud lies on this machine; without one it is fetched, here as in `load_page`.

    Raises
    ------
    PageError
        If the file as a whole cannot be read.
    MissingExtraError
        If it is HEIC and the extra is not installed.
    """
    if source.fault is not None:
        raise source.fault
    place = source.path
    with at_hand(place, copy) as path:
        count = decoding.count_pages(path, called=place)
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise page_error(
                one_line(place), f"the file cannot be read ({error.strerror})", "Check the disk, and copy it anew"
            ) from error
    return [PageRef(source=source.name, path=place, index=index, sha256=sha256) for index in range(count)]


def load_page(ref: PageRef, copy: Path | None = None) -> Page:
    """The pixels of one page, the way up that the file says, transparent parts on white.

    (H, W) where the page has no color, else (H, W, 3) RGB; contiguous and read-only. Gray of 16 bits is scaled to 8.
    A PDF page that is one embedded picture gives that picture's own pixels; others are drawn at 300 dpi. `dpi` is
    None unless the file says something that a scanner may have meant.

    Raises
    ------
    PageError
        If this page cannot be read.
    MissingExtraError
        If it is HEIC and the extra is not installed.
    """
    with at_hand(ref.path, copy) as path:
        pixels, dpi = decoding.decode(path, ref.index, called=ref.path)
    return Page(ref=ref, pixels=pixels, dpi=dpi)


def as_read(ref: PageRef, base: Path) -> PageRef:
    """The page where it lies now: paths are relative to `base`. Objects in the cloud are not looked at.

    Raises
    ------
    PageError
        If the file is no more what was read.
    """
    if is_url(ref.path):
        return ref
    here = replace(ref, path=str(base / ref.path))
    try:
        with Path(here.path).open("rb") as file:
            is_same = hashlib.file_digest(file, "sha256").hexdigest() == ref.sha256
    except OSError as error:
        raise PageError(
            f"{ref.source}: the file cannot be opened ({error.strerror}).", remedy="Put it back where it was."
        ) from error
    if not is_same:
        raise PageError(f"{ref.source} has changed since it was read.", remedy="Process the batch again.")
    return here


def read_pages(inputs: Sequence[str]) -> Iterator[Page | Unreadable]:
    """All pages of the inputs in order; one that cannot be read is a value, and the next follows.

    Raises
    ------
    PageError
        If the inputs hold nothing to read at all.
    """
    for source in find_sources(inputs):
        try:
            refs = list_pages(source)
        except (PageError, MissingExtraError) as error:
            yield Unreadable(source=source.name, page=None, message=error.message, remedy=error.remedy)
            continue
        for ref in refs:
            try:
                yield load_page(ref)
            except (PageError, MissingExtraError) as error:
                yield Unreadable(source=source.name, page=ref.index + 1, message=error.message, remedy=error.remedy)
