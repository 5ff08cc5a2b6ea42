"""The mosaic: all characters that were accepted as one digit, side by side, so that the odd ones leap to the eye.

In:  a batch's ledger, and its pages' files.
Out: for a digit, one screen after another, least sure first, and the characters' pictures.
Its order is made once, in a pass over the whole batch, and anew when more pages have been read.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.cutting import crop
from docproc.ledger import LedgerView, read_ledger
from docproc.reading import FieldReading, Record
from docproc.review.batch import Batch
from docproc.review.queue import Key
from docproc.review.ranking import DIGITS, Ranking

SIDE_PX = 72  #: Of a character's picture.
MARGIN = 0.2  #: Of its longer side, around it: what stands beside it tells whether it is cut right.
QUALITY = 85  #: Of JPEG.

Corners = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One character on screen."""

    key: Key  #: Of its field.
    position: int  #: Of the field's characters, from 0.
    value: str  #: Of the field.
    digit: int  #: Which digit of the value it is, from 0.
    chance: float  #: That the character is right, 0 to 1.


class Mosaic:
    """See the module. Any thread may call."""

    def __init__(self, folder: Path, batch: Batch) -> None:
        self._folder = folder
        self._batch = batch
        self._lock = Lock()  # of the ranking
        self._ranking: Ranking | None = None
        self._last_reading = -1

    def counts(self) -> dict[str, int]:
        """How many characters there are of each digit."""
        with read_ledger(self._folder) as ledger:
            ranking = self._current(ledger)
        return {digit: ranking.count(digit) for digit in DIGITS}

    def screen(self, digit: str, first: int, most: int) -> list[Tile]:
        """Those from the `first` on, `most` at most; of pages that were read anew meanwhile none."""
        records: dict[tuple[str, int], Record | None] = {}
        tiles = []
        with read_ledger(self._folder) as ledger:
            for place in self._current(ledger).screen(digit, first, most):
                page = (place.source, place.index)
                if page not in records:
                    records[page] = ledger.record(*page)
                record = records[page]
                if record is None or place.field >= len(record.fields):
                    continue
                reading = record.fields[place.field]
                own = reading.characters[: place.position + 1]
                if len(own) <= place.position or own[-1].digit != digit:
                    continue
                before = sum(bool(one.digit) for one in own[:-1])
                tiles.append(Tile((*page, reading.name), place.position, reading.text, before, own[-1].confidence))
        return tiles

    def pictures(self, source: str, index: int, places: Sequence[tuple[str, int]]) -> list[str]:
        """Of characters of one page, by the names of their fields and their positions there, as data URLs.

        Of characters whose place is not known, the whole field; "" where there is no such one.

        Raises
        ------
        PageError
            If the page's file is no more what was read.
        """
        with read_ledger(self._folder) as ledger:
            record = ledger.record(source, index)
        if record is None:
            return ["" for _ in places]
        fields = {reading.name: reading for reading in record.fields}
        pixels = self._batch.pixels(record.ref)
        return [_as_url(next(_cut(pixels, fields.get(name), position), None)) for name, position in places]

    def _current(self, ledger: LedgerView) -> Ranking:
        with self._lock:
            last = ledger.last_reading()
            if self._ranking is None or last != self._last_reading:
                self._ranking = Ranking(self._batch.records(ledger, characters=True))
                self._last_reading = last
            return self._ranking


def _cut(
    pixels: npt.NDArray[np.uint8], reading: FieldReading | None, position: int
) -> Iterator[npt.NDArray[np.uint8]]:
    """The picture of a character; nothing where there is none."""
    if reading is None or reading.box_px is None or not 0 <= position < len(reading.characters):
        return
    corners = reading.characters[position].corners_px
    yield upright(pixels, corners) if corners else crop(pixels, reading.box_px)


def upright(pixels: npt.NDArray[np.uint8], corners: Corners) -> npt.NDArray[np.uint8]:
    """A character as people read it, (SIDE_PX, SIDE_PX) or with a last axis of 3, with a margin.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        Of the page.
    corners : three of (x, y)
        As in `CharacterReading.corners_px`.
    """
    top_left, top_right, bottom_left = np.array(corners, np.float64)
    across, down = top_right - top_left, bottom_left - top_left
    width, height = float(np.hypot(*across)), float(np.hypot(*down))
    if height >= width:  # the longer side tells the direction: of a 1, corners in whole pixels are off by degrees
        down = down / max(height, 1.0)
        across = np.array([down[1], -down[0]])
    else:
        across = across / width
        down = np.array([-across[1], across[0]])
    side = max(width, height, 1.0) * (1 + 2 * MARGIN)
    middle = (top_right + bottom_left) / 2
    first = middle - side / 2 * (across + down)
    seen = np.array([first, first + side * across, first + side * down], np.float32)
    shown = np.array([(0, 0), (SIDE_PX, 0), (0, SIDE_PX)], np.float32)
    return cv2.warpAffine(
        pixels, cv2.getAffineTransform(seen, shown), (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE
    )


def _as_url(picture: npt.NDArray[np.uint8] | None) -> str:
    if picture is None:
        return ""
    bgr = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, written = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(written.tobytes()).decode()}"
