"""What an audit drew comes among the doubtful fields, and looks like one: who looks must not know what is expected.

In:  the pages of a batch as they stand, with what there is to look at on them.
Out: the drawn fields that nobody has looked at, as items of the queue.
Of drawn fields, and of those that are doubtful for their chance alone, nobody is told the chance, or another value:
nothing is made up, and nothing tells the ones from the others.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from docproc.ledger import LedgerView
from docproc.reading import Reason, Record, is_accepted_unseen
from docproc.review.queue import Item
from docproc.review.sums import Sum

LEAST_HARM, MOST_HARM = 0.03, 0.3  #: Of drawn fields, by which they are put in order, where there is no doubtful one.


class Blind:
    """The drawn fields of one batch; `look` at all of its pages, then take the `items`."""

    def __init__(self, ledger: LedgerView) -> None:
        audits = ledger.audits()
        self._seed = audits[-1].seed if audits else 0
        self._drawn = ledger.drawn()
        self._hidden: list[Item] = []
        self._harms: list[float] = []  # of the doubtful

    def look(self, record: Record, doubtful: Sequence[Item], sums: Mapping[str, tuple[Sum, ...]]) -> list[Item]:
        """Take note of what was drawn on a page, and of the sums that its fields stand in, by their names.

        What is doubtful there, as it may be shown.
        """
        if not self._drawn:
            return list(doubtful)
        shown = [replace(item, is_blind=item.reasons == (Reason.LOW_CONFIDENCE,)) for item in doubtful]
        self._harms += [item.harm for item in shown if item.is_blind]
        source, index = record.ref.source, record.ref.index
        for reading in record.fields:
            if (source, index, reading.name) in self._drawn and is_accepted_unseen(reading):
                kept = replace(reading, characters=(), crop_png=b"")
                self._hidden.append(
                    Item(source, index, kept, (), 0.0, sums=sums.get(reading.name, ()), is_blind=True)
                )
        return shown

    def items(self) -> list[Item]:
        """The drawn fields, each with the harm of a doubtful one, chosen by chance: it comes where that one does."""
        return [replace(item, harm=self._harm_of(item)) for item in self._hidden]

    def _harm_of(self, item: Item) -> float:
        rng = random.Random(f"{self._seed} {item.key!r}")
        return rng.choice(self._harms) if self._harms else rng.uniform(LEAST_HARM, MOST_HARM)
