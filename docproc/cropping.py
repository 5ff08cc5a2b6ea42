"""Pictures of fields, cut out of their pages again: reading keeps those of the fields that it doubts, and no others.

In:  pages, where they still are, and the fields' boxes on them.
Out: PNG, of the size of those that reading keeps.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from docproc.errors import DocprocError
from docproc.export.rows import to_look_at
from docproc.form.cutting import LARGEST_HEIGHT_PX, MARGIN, SMALLEST_HEIGHT_PX, as_png, crop
from docproc.geometry import Box
from docproc.ledger import LedgerView
from docproc.page import PageRef, as_read, load_page
from docproc.reading import FieldReading, Record
from docproc.storage import is_url

MOST_KEPT = 2000  #: Pictures in memory: a batch that is reviewed or watched has its tables made again and again.


def cut_again(ref: PageRef, box: Box | None, base: Path) -> bytes:
    """A field's picture; b"" where it has no box, or its page is gone, has changed or lies in the cloud.

    Parameters
    ----------
    ref : PageRef
    box : Box, optional
        In pixels of the page.
    base : Path
        The folder to which the page's path may be relative.
    """
    if box is None or is_url(ref.path):
        return b""
    try:
        return _cut(ref, box, base)
    except DocprocError:
        return b""


class Pictures:
    """Adds what is lacking to records, as long as not too many pages are to be opened for it.

    Parameters
    ----------
    ledger : LedgerView
        Of the batch: it knows where its pages are.
    most_pages : int, optional
        Any number where None.
    """

    def __init__(self, ledger: LedgerView, *, most_pages: int | None = None) -> None:
        runs = ledger.runs()
        self._base = Path(runs[-1].settings.get("folder", "") if runs else "")
        self._left = most_pages

    def added(self, record: Record) -> Record:
        """The record, with pictures of its fields that are to be looked at."""
        lacking = {one.name for one in to_look_at(record) if not one.crop_png and one.box_px is not None}
        if not lacking or self._left == 0:
            return record
        if self._left is not None:
            self._left -= 1

        def pictured(one: FieldReading) -> FieldReading:
            return (
                replace(one, crop_png=cut_again(record.ref, one.box_px, self._base)) if one.name in lacking else one
            )

        return replace(record, fields=tuple(map(pictured, record.fields)))


@lru_cache(maxsize=MOST_KEPT)
def _cut(ref: PageRef, box: Box, base: Path) -> bytes:
    picture = crop(_pixels(ref, base), box.grown(MARGIN * box.height))
    scale = min(max(box.height, SMALLEST_HEIGHT_PX), LARGEST_HEIGHT_PX) / box.height
    size = tuple(max(round(scale * side), 1) for side in picture.shape[1::-1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return as_png(np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8))


@lru_cache(maxsize=1)  # the fields of a page come one after the other
def _pixels(ref: PageRef, base: Path) -> npt.NDArray[np.uint8]:
    return load_page(as_read(ref, base)).pixels
