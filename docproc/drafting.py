"""What filled pages say about fields proposed from a blank one: which hold digits, which words, which nothing.

In:  a draft of a template and filled pages of its form.
Out: for each field how often it was written in, and with what; and the fields that hold digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from docproc.character.recognizer import Recognizer
from docproc.decision import Policy
from docproc.fields import read_fields
from docproc.form.proposal import Proposed
from docproc.form.registration import Unregistered, register
from docproc.page import Page, Unreadable
from docproc.reading import FieldReading
from docproc.template import Template

ENOUGH = 3  #: Pages after which a field that nobody wrote in is left out; before, it is only doubted.
SURE = 0.8  #: Chance from which a glyph counts as a digit.
LEAST_DIGITS = 0.5  #: Share of a field's marks that are digits; below, words are written in it.


@dataclass(frozen=True, slots=True)
class Use:
    """What was found in one field on all pages."""

    written: int = 0  #: Pages on which it holds ink.
    marks: int = 0  #: On all of them together: digits, letters, crosses, dashes.
    digits: int = 0  #: Of these, what is surely a digit.

    def seen(self, reading: FieldReading) -> Use:
        """With one more page."""
        marks = [one for one in reading.characters if one.digit or one.mark]
        digits = sum(one.digit != "" and one.confidence >= SURE for one in marks)
        return Use(self.written + bool(marks), self.marks + len(marks), self.digits + digits)


@dataclass(frozen=True, slots=True)
class Filled:
    """What filled pages tell."""

    pages: int  #: That lie on the draft.
    uses: dict[str, Use]  #: By the fields' names.
    passed_over: tuple[str, ...]  #: Sentences about pages that could not be used.


def look_at(pages: Iterable[Page | Unreadable], draft: Template, recognizer: Recognizer) -> Filled:
    """Read a draft's fields on filled pages."""
    uses = {field.name: Use() for field in draft.fields}
    count, passed_over = 0, []
    for page in pages:
        if isinstance(page, Unreadable):
            passed_over.append(page.message)
            continue
        found = register(page, draft)
        if isinstance(found, Unregistered):
            passed_over.append(f"{page.ref.source}: {found.detail}")
            continue
        count += 1
        for reading in read_fields(page, found.located, recognizer, Policy(review_below=0.0)):
            uses[reading.name] = uses[reading.name].seen(reading)
    return Filled(count, uses, tuple(passed_over))


def judged(fields: Sequence[Proposed], filled: Filled) -> tuple[tuple[Proposed, ...], tuple[str, ...]]:
    """The fields that people write digits in, with doubts; and sentences about those left out."""
    used = {_likeness(one) for one in fields if filled.uses[one.field.name].written}
    kept: list[Proposed] = []
    words: list[str] = []
    unused: list[str] = []
    for proposed in fields:
        name, use = proposed.field.name, filled.uses[proposed.field.name]
        if use.written == 0 and filled.pages >= ENOUGH and _likeness(proposed) not in used:
            unused.append(name)
        elif use.written == 0:
            kept.append(replace(proposed, doubt=_also(proposed, "nobody wrote in it")))
        elif use.digits >= LEAST_DIGITS * use.marks:
            # People write digits there: what spoke against the place on the blank speaks no longer.
            kept.append(replace(proposed, doubt=""))
        elif filled.pages >= ENOUGH:
            words.append(name)
        else:
            kept.append(replace(proposed, doubt=_also(proposed, "words are written in it")))
    told = [(unused, f"that nobody wrote in on {filled.pages} pages"), (words, "in which words are written")]
    sentences = tuple(f"{len(names)} fields {what}: {', '.join(names)}" for names, what in told if names)
    return tuple(kept), sentences


def _likeness(proposed: Proposed) -> tuple[object, ...]:
    """Equal for fields that are printed alike, like a column's: where people write in one, the others are fields."""
    field = proposed.field
    return field.kind, field.cells, round(field.box.width), round(field.box.height)


def _also(proposed: Proposed, doubt: str) -> str:
    return f"{proposed.doubt}; {doubt}" if proposed.doubt else doubt
