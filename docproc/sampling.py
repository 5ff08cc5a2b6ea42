"""An audit is drawn: a random sample of the fields that were accepted and that nobody has seen.

In:  the folder of a batch.
Out: the sample in its ledger, with pictures, so that the review can show it among the doubtful fields, unmarked. What
     it shows when people have looked is docproc.audit's subject.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from docproc.audit import AuditStatement, day_of, statement
from docproc.batch_templates import known, templates_of
from docproc.bound import sample_size
from docproc.collation import Collation
from docproc.cropping import cut_again
from docproc.errors import LedgerError, TemplateError
from docproc.ledger import Drawn, LedgerView, add_audit, read_ledger
from docproc.page import PageRef, as_read, load_page
from docproc.pipeline import pictures_of
from docproc.reading import Record, is_accepted_unseen
from docproc.tables import outcomes_as_they_stand
from docproc.target import in_force
from docproc.template import Template


def draw_audit(
    folder: Path,
    *,
    bound: float | None = None,
    count: int | None = None,
    again: bool = False,
    seed: int | None = None,
    progress: Callable[[int, int], None] = lambda done, pages: None,
) -> AuditStatement:
    """Draw a simple random sample, without replacement, of all fields that are accepted and that nobody has seen.

    Each is cut out of its page again, so that nothing tells it from a doubtful field in the review.

    Parameters
    ----------
    folder : Path
        Of the results.
    bound : float, optional
        So large that this is shown where none is found wrong; or else of the size `count`.
    again : bool
        Draw another sample where there is one.
    seed : int, optional
        By chance where None; it is kept.
    progress : callable
        Is told how many pages are done, and how many there are.

    Raises
    ------
    LedgerError
        If there is nothing to draw from, or less than `count`, or an audit was drawn and `again` is not set.
    PageError
        If a page is not there any more, or has changed since it was read: nothing is kept then.
    TemplateError
        If pages were read with a template that is no more.
    """
    if (bound is None) == (count is None):
        raise ValueError("either a bound or a count")
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    with read_ledger(folder) as ledger:
        audits = ledger.audits()
        if audits and not again:
            raise LedgerError(
                f"{folder}: an audit was drawn on {day_of(audits[-1].drawn_at)}. A sample that is drawn till it "
                "pleases proves nothing.",
                remedy="Look at its fields with `docproc review`. To draw another one, which its statement will say, "
                "add --again.",
            )
        batch = _Batch(ledger)
        last_reading = ledger.last_reading()
        target = in_force(ledger)
        accepted = sum(1 for _ in batch.accepted(ledger))
        if not accepted:
            raise LedgerError(
                f"{folder}: no field is accepted that nobody has looked at: there is nothing to draw from.",
                remedy="Process the batch, or more of it, first.",
            )
        if count is not None and count > accepted:
            raise LedgerError(
                f"{folder}: {count:,} fields cannot be drawn of the {accepted:,} that were accepted unseen.",
                remedy=f"Name fewer. Or have all of them looked at: -n {accepted}.",
            )
        wanted = sample_size(bound) if bound is not None else count or 0
        positions = chosen(seed, accepted, wanted)
        sample = [one for position, one in enumerate(batch.accepted(ledger)) if position in positions]
        drawn = list(batch.pictured(sample, progress))
    add_audit(
        folder,
        drawn,
        after=len(audits),
        seed=seed,
        accepted=accepted,
        bound=bound,
        review_below=None if target is None else target.review_below,
        last_reading=last_reading,
    )
    with read_ledger(folder) as ledger:
        told = statement(ledger)
    assert told is not None
    return told


def chosen(seed: int, accepted: int, wanted: int) -> frozenset[int]:
    """Which of so many are in the sample, from 0: any `wanted` of them are as likely; all, if there are no more."""
    return frozenset(random.Random(seed).sample(range(accepted), min(wanted, accepted)))


_Field = tuple[Record, int]
"""A record without pictures, and the place of a field in it."""


class _Batch:
    """The batch as its last run had it."""

    def __init__(self, ledger: LedgerView) -> None:
        runs = ledger.runs()
        settings = runs[-1].settings if runs else {}
        self._base = Path(settings.get("folder", ""))
        self._whole_image = bool(settings.get("whole_image"))
        self._templates: dict[str, Template] = {template.digest: template for template in templates_of(ledger)}

    def accepted(self, ledger: LedgerView) -> Iterator[_Field]:
        """All fields that are accepted and that nobody has seen, in the batch's order.

        Not the texts of codes: no person reads a barcode.
        """
        templates = tuple(self._templates.values())
        codes = {digest: {place.name for place in one.codes} for digest, one in self._templates.items()}
        outcomes = outcomes_as_they_stand(ledger, templates, Collation(templates), crops=lambda: False)
        for record in known(outcomes, templates):
            if isinstance(record, Record):
                others = codes.get(record.template_digest, set())
                for place, reading in enumerate(record.fields):
                    if is_accepted_unseen(reading) and reading.name not in others:
                        yield record, place

    def pictured(self, sample: Sequence[_Field], progress: Callable[[int, int], None]) -> Iterator[Drawn]:
        """The fields with their pictures, page by page.

        Raises
        ------
        PageError
        """
        pages: dict[PageRef, list[_Field]] = defaultdict(list)
        for record, place in sample:
            pages[record.ref].append((record, place))
        for done, (ref, fields) in enumerate(pages.items(), start=1):
            record = fields[0][0]
            crops = self._crops(record, {record.fields[place].name for _, place in fields})
            for _, place in fields:
                reading = record.fields[place]
                png = crops.get(reading.name) or cut_again(ref, reading.box_px, self._base)
                yield Drawn(ref.source, ref.index, ref.sha256, place, reading.name, reading.text, png)
            progress(done, len(pages))

    def _crops(self, record: Record, names: set[str]) -> dict[str, bytes]:
        """As reading keeps them; without the template's reference image, none."""
        page = load_page(as_read(record.ref, self._base))
        own = self._templates.get(record.template_digest)
        try:
            return pictures_of(page, () if own is None else (own,), names, whole_image=self._whole_image)
        except TemplateError:
            return {}
