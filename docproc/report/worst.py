"""The worst pages of a batch, and pictures of them that are small enough for a page that is mailed.

In:  pages, one at a time.
Out: the few of which most is doubtful, in the order of what would be wrong on them if nobody looked; their pictures.
A page whose file is gone, changed or in the cloud is shown by its fields' pictures alone, which the ledger has.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docproc.errors import DocprocError, PageError
from docproc.export.rows import page_reasons
from docproc.page import PageRef, load_page
from docproc.reading import FieldReading, Reason, Record
from docproc.report.reasons import PEOPLE
from docproc.storage import is_url

MOST_PAGES = 8
MOST_UNREAD = 3  #: Of those, pages of which nothing was read: one looks like the other.
MOST_FIELDS = 6  #: Of a page, that are told one by one;
MOST_OUTLINED = 200  #: and that are outlined.
MOST_BYTES = 1_000_000  #: Of all pictures together; a third more where they are written as text.
PAGE_SIDE_PX = 900
CROP_WIDTH_PX = 480
PAGE_QUALITY, CROP_QUALITY = 50, 70  #: Of JPEG, of 100.

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Doubted:
    """A field of a page that did not go straight through."""

    now: FieldReading
    then: FieldReading  #: As it was read.

    @property
    def is_settled(self) -> bool:
        """Whether a person has looked."""
        return not PEOPLE.isdisjoint(self.now.reasons)


@dataclass(frozen=True, slots=True)
class WorstPage:
    """A page, and what is doubtful on it."""

    ref: PageRef
    template: str
    reasons: tuple[str, ...]  #: Of the page as a whole.
    detail: str  #: A sentence about them.
    wrong: float  #: Values that are to be expected wrong on it if nobody looks.
    fields: tuple[Doubted, ...] = ()  #: The most doubtful first; none where nothing was read.


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG."""

    jpeg: bytes = field(repr=False)
    width_px: int
    height_px: int
    scale: float  #: Of the picture, by the page.


@dataclass(slots=True)
class Worst:
    """Those so far."""

    _read: list[tuple[float, int, WorstPage]] = field(default_factory=list)
    _unread: list[WorstPage] = field(default_factory=list)
    _seen: int = 0

    def add(self, record: Record, doubted: Sequence[Doubted], *, is_unread: bool) -> None:
        """One page, with its fields that did not go straight through."""
        self._seen += 1
        if any(reason.startswith(f"{Reason.DUPLICATE}:") for reason in record.reasons):
            return
        if is_unread:
            if len(self._unread) < MOST_UNREAD:
                self._unread.append(_worst_page(record, float(len(record.fields))))
            return
        wrong = sum(1 - one.then.confidence for one in doubted)
        if not doubted or (len(self._read) == MOST_PAGES and wrong <= self._read[0][0]):
            return
        fields = sorted(doubted, key=lambda one: one.then.confidence)
        heapq.heappush(self._read, (wrong, -self._seen, _worst_page(record, wrong, tuple(fields))))
        if len(self._read) > MOST_PAGES:
            heapq.heappop(self._read)

    def pages(self) -> list[WorstPage]:
        """The worst first; those of which nothing was read lead."""
        read = [page for _, _, page in sorted(self._read, reverse=True)]
        return [*self._unread, *read][:MOST_PAGES]


def _worst_page(record: Record, wrong: float, fields: tuple[Doubted, ...] = ()) -> WorstPage:
    reasons = tuple(filter(None, page_reasons(record).split(";")))
    return WorstPage(record.ref, record.template, reasons, record.detail, wrong, fields)


def shown_page(ref: PageRef, base: Path) -> Picture | None:
    """A page, so small that it can be mailed; None for one that is no more what was read.

    Parameters
    ----------
    ref : PageRef
    base : Path
        The folder to which its path may be relative.
    """
    if is_url(ref.path):
        return None
    try:
        return _opened(replace(ref, path=str(base / ref.path)))
    except (OSError, DocprocError):
        return None


@lru_cache(maxsize=4 * MOST_PAGES)  # a batch that is watched or reviewed is reported on again and again
def _opened(ref: PageRef) -> Picture:
    with Path(ref.path).open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != ref.sha256:
            raise PageError(f"{ref.source} has changed since it was read.", remedy="Process the batch again.")
    pixels = load_page(ref).pixels
    return _compact(pixels, PAGE_SIDE_PX / max(pixels.shape[:2]), PAGE_QUALITY)


def shown_field(png: bytes) -> Picture | None:
    """A field's picture, made smaller; None where it is no picture."""
    import cv2

    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB) if png else None
    if pixels is None:
        return None
    return _compact(pixels, CROP_WIDTH_PX / pixels.shape[1], CROP_QUALITY)


def _compact(pixels: Pixels, scale: float, quality: int) -> Picture:
    import cv2

    scale = min(scale, 1.0)
    height, width = (max(round(side * scale), 1) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    if small.ndim == 3:
        small = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return Picture(jpeg.tobytes(), width, height, scale)
