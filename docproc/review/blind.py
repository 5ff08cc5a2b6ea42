"""What an audit drew comes among the doubtful fields, and looks like one: who looks must not know what is expected.

In:  the pages of a batch as they stand, with what there is to look at on them.
Out: the drawn fields that nobody has looked at, as items of the queue.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from docproc.ledger import LedgerView
from docproc.reading import FieldReading, Reason, Record, Verdict
from docproc.review.queue import Item
from docproc.review.sums import Sum
from docproc.sampling import is_accepted_unseen

#: What a digit is likeliest to be taken for, by the way it is written.
ALIKE = {"0": "6", "1": "7", "2": "7", "3": "8", "4": "9", "5": "6", "6": "0", "7": "1", "8": "3", "9": "4", "": "1"}
DOUBTS = (0.03, 0.3)  #: Of drawn fields, where there is no doubtful one to be like.


class Blind:
    """The drawn fields of one batch; `look` at all of its pages, then take the `items`."""

    def __init__(self, ledger: LedgerView) -> None:
        audits = ledger.audits()
        self._seed = audits[-1].seed if audits else 0
        drawn = ledger.audited(audits[-1].number) if audits else {}
        self._drawn = {key for key, one in drawn.items() if one.is_there}
        self._hidden: list[Item] = []
        self._doubtful: list[Item] = []

    def look(self, record: Record, doubtful: Sequence[Item], sums: Mapping[str, tuple[Sum, ...]]) -> None:
        """Take note of what was drawn on a page, and of the sums that its fields stand in, by their names."""
        if not self._drawn:
            return
        self._doubtful += [item for item in doubtful if item.reasons == (Reason.LOW_CONFIDENCE,)]
        source, index = record.ref.source, record.ref.index
        for reading in record.fields:
            if (source, index, reading.name) in self._drawn and is_accepted_unseen(reading):
                kept = replace(reading, characters=(), crop_png=b"")
                self._hidden.append(
                    Item(source, index, kept, (Reason.LOW_CONFIDENCE,), 0.0, sums=sums.get(reading.name, ()))
                )

    def items(self) -> list[Item]:
        """The drawn fields, each with the doubt of a doubtful one, chosen by chance: it comes where that one does."""
        return [self._dressed(item) for item in self._hidden]

    def _dressed(self, item: Item) -> Item:
        rng = random.Random(f"{self._seed} {item.key!r}")
        harm = rng.choice(self._doubtful).harm if self._doubtful else rng.uniform(*DOUBTS)
        assert item.reading is not None
        return replace(item, reading=_as_doubtful(item.reading, min(harm, max(DOUBTS)), rng), harm=harm)


def _as_doubtful(reading: FieldReading, doubt: float, rng: random.Random) -> FieldReading:
    """The same value, with less of a chance, and with another beside it."""
    text = reading.text
    place = rng.randrange(len(text)) if text else 0
    other = text[:place] + ALIKE.get(text[place : place + 1], "1") + text[place + 1 :]
    named = reading.alternatives[0][0] if reading.alternatives else other
    return replace(
        reading,
        confidence=1 - doubt,
        verdict=Verdict.REVIEW,
        reasons=(Reason.LOW_CONFIDENCE,),
        alternatives=((named, doubt * rng.uniform(0.5, 0.95)),),
    )
