"""The batch that is reviewed: what is to be looked at in it, its pages' pictures, and its tables made anew.

In:  a folder of results, and its ledger.
Out: items, pictures, tables.
Templates are those that the ledger keeps, or of the last run where they still are; without them nobody can tell which
numbers may be double.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from docproc.batch_templates import templates_of, unknown
from docproc.collation import Collation
from docproc.correction import forms_of
from docproc.cropping import cut_again
from docproc.errors import PageError, TemplateError
from docproc.export.legend import in_words
from docproc.geometry import Box
from docproc.ledger import LedgerView, no_run, read_ledger
from docproc.page import PageRef, as_read, load_page
from docproc.reading import Reason, Record, sent_to_review, unread_fields
from docproc.review.blind import Blind
from docproc.review.queue import Item, Key, items_of, values_of
from docproc.review.sums import Sum, sums_by_field
from docproc.rules import check_named, limit
from docproc.storage import is_url
from docproc.tables import make_tables_beside, outcomes_as_they_stand
from docproc.template import Template

PAGE_SIDE_PX = 1800  #: Of a page that is shown: handwriting can be read, and it is there at once.
FRAME_COLOR = (220, 0, 40)
FRAME_MARGIN_PX = 6


class Batch:
    """See the module."""

    def __init__(self, folder: Path, ledger: LedgerView) -> None:
        self.folder = folder
        runs = ledger.runs()
        settings = runs[-1].settings if runs else {}
        self._base = Path(settings.get("folder", ""))
        self._review_below: float | None = settings.get("review_below")
        self._templates = templates_of(ledger)
        self.fault: TemplateError | None = None  #: Why the tables cannot be made, as far as pages were gone through.

    def items(self, ledger: LedgerView) -> Iterator[Item]:
        """All that nobody has looked at yet: the doubtful in the batch's order, and what an audit drew among it."""
        blind = Blind(ledger)
        unique = {template.digest: template.unique_names for template in self._templates}
        rules = {template.digest: template.comparisons for template in self._templates}
        for record in self.records(ledger):
            sums = sums_by_field(record.fields, rules.get(record.template_digest, ()))
            forms = forms_of(record, self._templates)
            found = items_of(record, unique.get(record.template_digest, ()), forms)
            doubtful = [_with_sums(item, sums) for item in found]
            yield from blind.look(record, doubtful, sums)
        yield from blind.items()

    def doubted(self, ledger: LedgerView, key: Key) -> Item | None:
        """A field as it is to be looked at where a person finds it odd; None where there is no such one."""
        record = ledger.record(*key[:2])
        if record is None:
            return None
        template = next((one for one in self._templates if one.digest == record.template_digest), None)
        odd = sent_to_review(record, (), fields={key[2]: Reason.DOUBTED})
        sums = sums_by_field(record.fields, template.comparisons if template else ())
        items = list(items_of(odd, template.unique_names if template else ()))
        items += [one for whole in items for one in whole.doubtful or ()]
        return next((_with_sums(one, sums) for one in items if one.key == key), None)

    def values(self, page: Item, form: Template) -> list[Item]:
        """All that is to be typed of a page of which nothing was read."""
        fields = unread_fields(form.names, Reason.UNKNOWN_FORM)
        sums = sums_by_field(fields, form.comparisons)
        return [_with_sums(item, sums) for item in values_of(page, fields)]

    def records(self, ledger: LedgerView, *, characters: bool = False) -> Iterator[Record]:
        """The pages as they stand, without pictures, in the batch's order."""
        digests = {template.digest for template in self._templates}
        for outcome in outcomes_as_they_stand(
            ledger, self._templates, Collation(self._templates), crops=lambda: False, characters=characters
        ):
            if isinstance(outcome, Record):
                if outcome.template_digest and outcome.template_digest not in digests and self.fault is None:
                    self.fault = unknown(outcome.template)
                yield outcome

    def check(self, ledger: LedgerView, key: Key, text: str, form: Template | None = None) -> list[str]:
        """Why a value cannot be right in a field by its own rules, in words, as the tables are going to say it.

        `form` is that of the page, where nothing was read on it and a person has named it.
        """
        source, index, name = key
        record = None if form is not None else ledger.record(source, index)
        digest = form.digest if form is not None else "" if record is None else record.template_digest
        templates = {template.digest: template for template in self._templates}
        fields = {field.name: field for field in templates[digest].fields} if digest in templates else {}
        broken = check_named(templates, digest, name, text)
        asked = [limit(fields[name], reason) if name in fields else "" for reason in broken]
        return [
            f"{in_words(reason)} ({most})" if most else in_words(reason)
            for reason, most in zip(broken, asked, strict=True)
        ]

    def make_tables(self, tell: Callable[[str, Any], None]) -> bool:
        """Make the tables anew, with all corrections; False while a run goes on, which makes them at its end.

        `tell` keeps what is told of them: see `docproc.tables.make_tables_beside`.

        Raises
        ------
        DocprocError
            If they cannot be written, or the templates that pages were read with are no more.
        """
        if self.fault is not None:
            raise self.fault
        with no_run(self.folder) as is_free:
            if is_free:
                with read_ledger(self.folder) as ledger:
                    make_tables_beside(
                        ledger,
                        self.folder,
                        tell=tell,
                        templates=self._templates,
                        review_below=self._review_below,
                    )
            return is_free

    def page(self, ref: PageRef, box: Box | None) -> tuple[str, float]:
        """The page's picture as a data URL, a field's box drawn in it, and how far down that is, 0 to 1.

        Raises
        ------
        PageError
            If the file is no more what was read.
        """
        return _framed(self.pixels(ref), box)

    def pixels(self, ref: PageRef) -> npt.NDArray[np.uint8]:
        """The page's picture as it was read, (H, W) or (H, W, 3).

        Raises
        ------
        PageError
            If the file is no more what was read.
        """
        if is_url(ref.path):
            raise PageError(f"{ref.path} lies in the cloud.", remedy="Open it with the provider's own program.")
        return load_page(as_read(ref, self._base)).pixels

    def cut(self, ref: PageRef, box: Box) -> bytes:
        """A field's picture as PNG, where none was kept when it was read; b"" where the page is no more there."""
        return cut_again(ref, box, self._base)


def _with_sums(item: Item, sums: Mapping[str, tuple[Sum, ...]]) -> Item:
    doubtful = item.doubtful and tuple(_with_sums(one, sums) for one in item.doubtful)
    return replace(item, sums=sums.get(item.key[2], ()), doubtful=doubtful)


def _framed(pixels: npt.NDArray[np.uint8], box: Box | None) -> tuple[str, float]:
    picture = Image.fromarray(pixels)
    scale = min(PAGE_SIDE_PX / max(picture.size), 1)
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    picture = picture.resize(size, Image.Resampling.BOX).convert("RGB")
    middle = 0.0
    if box is not None:
        left, top = box.left * scale - FRAME_MARGIN_PX, box.top * scale - FRAME_MARGIN_PX
        right, bottom = (
            left + box.width * scale + 2 * FRAME_MARGIN_PX,
            top + box.height * scale + 2 * FRAME_MARGIN_PX,
        )
        ImageDraw.Draw(picture).rectangle((left, top, right, bottom), outline=FRAME_COLOR, width=3)
        middle = (top + bottom) / 2 / size[1]
    written = io.BytesIO()
    picture.save(written, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}", middle
