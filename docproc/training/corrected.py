"""Digits to learn from that people corrected or confirmed in a review, cut out of their pages as reading cuts them.

In:  folders of results, with their ledgers; the pages' files, where they still are what was read.
Out: `Corrected`: the digits, whose writers are pages, and what was left out, in numbers.
A field is used only where its ink falls into as many glyphs as its value has digits, none of them cut through ink.
One page in five is frozen: what models are compared on, never what they learn. People are shown what the old model
doubts, so on that alone any other model looks better, an equal one too, since its doubts lie elsewhere. On frozen
pages the fields that were accepted unseen count with the rest, as read: a doubt in favor of the old model.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docproc.batch_templates import templates_of
from docproc.character.normalization import normalize
from docproc.correction import standing
from docproc.errors import MissingExtraError, PageError, TemplateError
from docproc.fields import Proposal, propose
from docproc.form.layout import find_fields
from docproc.form.location import LocatedField
from docproc.form.registration import Unregistered, register
from docproc.ledger import read_ledger
from docproc.page import Ink, Page, PageRef, load_page
from docproc.pipeline import WHOLE_IMAGE_FIELD, whole_image_field
from docproc.reading import Record, Verdict
from docproc.storage import at_hand
from docproc.template import Template
from docproc.training.digits.datasets import Digits, to_canvases

NAME = "corrected digits"
FROZEN_ONE_IN = 5  #: Of the pages, by their content: the same ones in every training.
_SHORT_DIGEST = 12
_MARGIN = 0.25  #: Of a glyph's longer side: paper around it, so that a lone stroke is not taken for paper.


@dataclass(frozen=True, slots=True)
class Batch:
    """What one folder gave."""

    digest: str  #: Of what was read and said; no name of anybody is in it.
    pages: int  #: With fields that people corrected or confirmed, and that could be read again.
    glyphs: int  #: Of these fields; duplicates still counted.


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """Digits of reviewed pages, which are their writers; whole pages are in either part."""

    learned: Digits  #: To train on: of fields that people corrected or confirmed.
    frozen: Digits  #: Never trained on: of all fields with a value that stands.
    frozen_unseen: int  #: Of the frozen digits, those that were accepted and that nobody has looked at.
    batches: Sequence[Batch]
    pages_left_out: int  #: Gone, changed since they were read, or no longer found on their template.
    fields_left_out: int  #: Whose ink does not fall into as many glyphs as the value has digits.
    duplicates: int  #: Glyphs that came twice, or with two labels: the former are used once, the latter never.

    @property
    def said(self) -> int:
        """Digits that people corrected or confirmed."""
        return len(self.learned) + len(self.frozen) - self.frozen_unseen


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    ink: Ink
    glyph: npt.NDArray[np.uint8]
    label: int
    writer: int
    is_said: bool  #: By a person; else accepted unseen.

    @property
    def is_frozen(self) -> bool:
        return self.writer % FROZEN_ONE_IN == 0


def read_corrected(folders: Sequence[Path]) -> Corrected:
    """The digits of all fields that people corrected or confirmed in these folders of results.

    Raises
    ------
    LedgerError
        If a folder has no ledger, or a damaged one.
    """
    cuts: list[_Cut] = []
    batches: list[Batch] = []
    left_out: Counter[str] = Counter()
    for folder in folders:
        found, batch = _batch(folder, left_out)
        cuts += found
        batches.append(batch)
    single = _without_duplicates(cuts)
    return Corrected(
        learned=_digits([cut for cut in single if not cut.is_frozen]),
        frozen=_digits([cut for cut in single if cut.is_frozen]),
        frozen_unseen=sum(not cut.is_said for cut in single),
        batches=batches,
        pages_left_out=left_out["pages"],
        fields_left_out=left_out["fields"],
        duplicates=len(cuts) - len(single),
    )


def _batch(folder: Path, left_out: Counter[str]) -> tuple[list[_Cut], Batch]:
    cuts: list[_Cut] = []
    pages = 0
    with read_ledger(folder) as ledger:
        templates = {template.digest: template for template in templates_of(ledger)}
        said = ledger.corrections()
        for record in ledger.outcomes(characters=False, crops=lambda: False):
            if not isinstance(record, Record):
                continue
            words = standing(said.get((record.ref.source, record.ref.index), {}))
            said_values = {
                name: word.new
                for name, word in words.items()
                if word.verdict is Verdict.ACCEPTED and _is_number(word.new)
            }
            if not any(field.name in said_values for field in record.fields):
                continue
            page = _unchanged_page(record.ref)
            located = None if page is None else _located(page, record, templates)
            if page is None or located is None:
                left_out["pages"] += 1
                continue
            pages += 1
            unseen = {
                field.name: field.text
                for field in record.fields
                if field.verdict is Verdict.ACCEPTED and field.name not in words and _is_number(field.text)
            }
            found, unused = _cuts(page, located, said_values, unseen)
            cuts += found
            left_out["fields"] += unused
        return cuts, Batch(ledger.fingerprint()[:_SHORT_DIGEST], pages, sum(cut.is_said for cut in cuts))


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _unchanged_page(ref: PageRef) -> Page | None:
    """The page as it was read; None where its file is gone, or another one by now."""
    try:
        with at_hand(ref.path, None) as path, open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != ref.sha256:
                return None
        return load_page(ref)
    except (OSError, PageError, MissingExtraError):
        return None


def _located(page: Page, record: Record, templates: dict[str, Template]) -> Sequence[LocatedField] | None:
    """Where the page's fields are, found as when it was read."""
    if not record.template_digest:
        if [field.name for field in record.fields] == [WHOLE_IMAGE_FIELD]:
            return (whole_image_field(page),)
        return find_fields(page).located
    template = templates.get(record.template_digest)
    if template is None:
        return None
    try:
        found = register(page, template)
    except TemplateError:
        return None
    return None if isinstance(found, Unregistered) else found.located


def _cuts(
    page: Page, located: Sequence[LocatedField], said: dict[str, str], unseen: dict[str, str]
) -> tuple[list[_Cut], int]:
    """Glyphs of the fields that people have said the values of, and how many of these fields gave none.

    Of a frozen page glyphs of accepted fields, too. All fields are cut, since how dark the pen is, is told by all.
    """
    writer = page_number(page.ref)
    values = {**unseen, **said} if writer % FROZEN_ONE_IN == 0 else said
    cuts: list[_Cut] = []
    used = 0
    for proposal in propose(page, located):
        name = proposal.image.field.name
        if name not in values:
            continue
        value, inks = values[name], glyph_inks(proposal)
        if len(inks) == len(value):
            used += name in said
            cuts += [
                _Cut(ink, normalize(ink), int(digit), writer, name in said)
                for ink, digit in zip(inks, value, strict=True)
            ]
    return cuts, len(said) - used


def page_number(ref: PageRef) -> int:
    """The writer's number that stands for a page: of its content, wherever it lies and whatever it is called."""
    return int(hashlib.sha256(f"{ref.sha256} {ref.index}".encode()).hexdigest()[:15], 16)


def glyph_inks(proposal: Proposal) -> list[Ink]:
    """One ink for each mark of a field, left to right; none where nobody can say where one ends."""
    lattice = proposal.lattice
    if lattice is None:
        if any(cell.crowded for cell in proposal.cells):
            return []
        return [proposal.glyphs[cell.whole].ink for cell in proposal.cells if cell.whole is not None]
    if lattice.struck_out or lattice.two_lines:
        return []
    single = [one for one in lattice.candidates if one.last - one.first == 1]
    return [] if any(one.is_cut for one in single) else [one.glyph.ink for one in single]


def _without_duplicates(cuts: Sequence[_Cut]) -> list[_Cut]:
    """Each glyph once, of the page with the lowest number, said rather than unseen; none that has two labels."""
    labels: dict[bytes, set[int]] = {}
    first: dict[bytes, _Cut] = {}
    for cut in sorted(cuts, key=lambda cut: (cut.writer, not cut.is_said)):
        key = cut.glyph.tobytes()
        labels.setdefault(key, set()).add(cut.label)
        first.setdefault(key, cut)
    return [cut for key, cut in first.items() if len(labels[key]) == 1]


def _digits(cuts: Sequence[_Cut]) -> Digits:
    canvases = [to_canvases(_with_margin(cut.ink)[np.newaxis])[0] for cut in cuts]
    return Digits(
        NAME,
        np.concatenate(canvases) if canvases else np.zeros((0, 64, 64), np.uint8),
        np.stack([cut.glyph for cut in cuts]) if cuts else np.zeros((0, 28, 28), np.uint8),
        np.array([cut.label for cut in cuts], np.uint8),
        np.array([cut.writer for cut in cuts], np.int64),
    )


def _with_margin(ink: Ink) -> Ink:
    return np.pad(ink, max(round(_MARGIN * max(ink.shape)), 2) + max(ink.shape) // 2)
