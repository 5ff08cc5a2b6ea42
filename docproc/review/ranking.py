"""All characters of a batch that were read as one digit, least sure first.

In:  the pages of a batch as they stand, with their characters, one after another.
Out: for each digit, which characters were read as it, some at a time.
A batch has millions of characters: of each 12 bytes are kept, and 4 more once its digit has been asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from docproc.page import Unreadable
from docproc.reading import SEEN, FieldReading, Reason, Record, is_accepted_unseen

DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a character stands in a batch."""

    source: str
    index: int  #: Of the page, from 0.
    field: int  #: Of the record's fields, from 0.
    position: int  #: Of the field's characters, from 0; blank cells count.


class Ranking:
    """Those of the fields that were accepted unseen: what is doubtful is looked at anyway."""

    def __init__(self, outcomes: Iterable[Record | Unreadable]) -> None:
        self._pages: list[tuple[str, int]] = []
        self._confidences = {digit: array("f") for digit in DIGITS}
        self._page_numbers = {digit: array("I") for digit in DIGITS}
        self._fields = {digit: array("H") for digit in DIGITS}
        self._positions = {digit: array("H") for digit in DIGITS}
        self._ordered: dict[str, npt.NDArray[np.uint32]] = {}
        for outcome in outcomes:
            if isinstance(outcome, Record):
                self._add(outcome)

    def count(self, digit: str) -> int:
        """How many characters were read as the digit."""
        return len(self._confidences[digit])

    def screen(self, digit: str, first: int, most: int) -> list[Place]:
        """At most `most` characters that were read as the digit, from the `first` on; 0 is the least sure."""
        if digit not in self._ordered:  # stable: equally sure ones stay in the batch's order
            sure = np.frombuffer(self._confidences[digit], np.float32)
            self._ordered[digit] = np.argsort(sure, kind="stable").astype(np.uint32)
        return [self._place(digit, int(at)) for at in self._ordered[digit][first : first + most]]

    def _add(self, record: Record) -> None:
        page = len(self._pages)
        self._pages.append((record.ref.source, record.ref.index))
        for field, reading in enumerate(record.fields):
            if not _is_shown(reading):
                continue
            for position, character in enumerate(reading.characters):
                if character.digit:
                    self._confidences[character.digit].append(character.confidence)
                    self._page_numbers[character.digit].append(page)
                    self._fields[character.digit].append(field)
                    self._positions[character.digit].append(position)

    def _place(self, digit: str, at: int) -> Place:
        source, index = self._pages[self._page_numbers[digit][at]]
        return Place(source, index, self._fields[digit][at], self._positions[digit][at])


def _is_shown(reading: FieldReading) -> bool:
    return is_accepted_unseen(reading) or (
        Reason.DOUBTED in reading.reasons and not SEEN.intersection(reading.reasons)
    )
