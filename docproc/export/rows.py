"""What stands in the tables, whatever file they end up in.

In:  records and unreadable pages.
Out: rows of text. How a row is made safe for CSV or a workbook is those modules' subject.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from docproc.export.columns import FAILED, INCOMPLETE
from docproc.page import Unreadable
from docproc.reading import SEEN, Correction, FieldReading, Reason, Record, Verdict, is_copy, overruled
from docproc.rounding import chance

Words = Mapping[str, Correction]
"""By the field's name, the word of a person that it owes its value to; under "" one on the page as a whole."""

FIELD_COLUMNS = (
    "source",
    "page",
    "template",
    "field",
    "value",
    "confidence",
    "status",
    "reasons",
    "alternatives",
    "left_px",
    "top_px",
    "width_px",
    "height_px",
)
FORM_COLUMNS = ("source", "page", "template", "status", "reasons")
ERROR_COLUMNS = ("source", "page", "error", "remedy")
NO_BOX = ("", "", "", "")
OVERRULED = "(blue)"  #: In place of a field's status, where a person has its value stand against a rule.
BLANK = "blank"  #: How "nothing is written there" is called among the alternatives.


class FormRow(NamedTuple):
    """One page."""

    source: str
    page: int | str  #: From 1; "" where the file as a whole could not be read.
    template: str
    status: str
    reasons: str  #: Of the page as a whole.
    cells: list[tuple[str, str, str]]  #: Field, value, status as `status_of` tells it.
    provenance: tuple[str, ...] = ()  #: Empty where nobody asks for it.


class ReviewRow(NamedTuple):
    """One thing to look at: a field, or a page as a whole."""

    source: str
    page: int
    field: str  #: "" for a page as a whole.
    value: str
    confidence: str
    status: str
    reasons: str
    alternatives: str
    crop: bytes  #: PNG or JPEG; b"" where there is none.
    crop_width_px: int = 0
    crop_height_px: int = 0


class ErrorRow(NamedTuple):
    """One page, or one whole file, that could not be read."""

    source: str
    page: str  #: From 1; "" where the file as a whole is at fault.
    error: str
    remedy: str


def field_rows(
    record: Record, text: Callable[[str], str], words: Words | None = None
) -> Iterator[tuple[str | int, ...]]:
    """The page's rows of fields.csv. A page without fields has one row, without a field, so that it is not lost.

    Parameters
    ----------
    record : Record
    text : callable
        What becomes of text that is not our own.
    words : mapping, optional
        With them, each row ends with its provenance.
    """
    head = (text(record.ref.source), record.ref.index + 1, text(record.template))
    for reading in record.fields:
        box = reading.box_px
        yield (
            *head,
            text(reading.name),
            text(reading.text),
            chance(reading.confidence),
            reading.verdict,
            text(";".join(reading.reasons)),
            text(alternatives(reading)),
            *(NO_BOX if box is None else (round(box.left), round(box.top), round(box.width), round(box.height))),
            *(() if words is None else map(text, provenance(record, words, reading.name))),
        )
    if not record.fields:
        end = () if words is None else map(text, provenance(record, words, ""))
        yield (*head, "", "", "", record.verdict, text(";".join(record.reasons)), "", *NO_BOX, *end)


def form_row(record: Record, words: Words | None = None) -> FormRow:
    """The page's row of forms.csv; with `words`, its provenance, too."""
    return FormRow(
        source=record.ref.source,
        page=record.ref.index + 1,
        template=record.template,
        status=page_status(record),
        reasons=";".join(record.reasons),
        cells=[
            (reading.name, reading.text, status_of(reading.verdict, reading.reasons)) for reading in record.fields
        ],
        provenance=() if words is None else provenance(record, words),
    )


def status_of(verdict: str, reasons: Collection[str]) -> str:
    """A field's verdict; of one that is accepted against a rule, since a person says so, that."""
    return OVERRULED if overruled(verdict, reasons) else str(verdict)


def page_status(record: Record) -> str:
    """The page's verdict; where nobody needs to look any more, also whether a field is one that nobody could read."""
    lacks = record.verdict is Verdict.ACCEPTED and any(one.verdict is Verdict.REJECTED for one in record.fields)
    return INCOMPLETE if lacks else record.verdict.value


def failed_form_row(failure: Unreadable) -> FormRow:
    """The row of a page that could not be read, where a table has no other place for it."""
    return FormRow(failure.source, failure.page or "", "", FAILED, failure.message, [])


def provenance(record: Record, words: Words, field: str | None = None) -> tuple[str, str, str, str, str]:
    """What a field, or all that is on the page, was read from and with, and by whom and when it was looked at."""
    told = [word for name, word in words.items() if field is None or name == field]
    reviewers = ";".join(sorted({word.who for word in told}))
    at = max((word.at for word in told), default="")
    return record.ref.sha256, record.template_digest, record.model_digest, reviewers, at


def error_row(failure: Unreadable) -> ErrorRow:
    """The row of errors.csv."""
    page = "" if failure.page is None else str(failure.page)
    return ErrorRow(failure.source, page, failure.message, failure.remedy)


def to_look_at(record: Record) -> Iterable[FieldReading]:
    """The fields that need eyes, one by one: none of a copy, until a person wants it counted, too."""
    if is_unseen_copy(record):
        return ()
    return (one for one in record.fields if one.verdict is not Verdict.ACCEPTED and not is_given_up(one))


def is_given_up(reading: FieldReading) -> bool:
    """Of a field that is not accepted: whether a person has found it unreadable, its page of no form, or a copy."""
    return not {Reason.UNREADABLE, Reason.CONFIRMED, Reason.LEFT_OUT}.isdisjoint(reading.reasons)


def is_unseen_copy(record: Record) -> bool:
    """Whether an earlier file has the page's content, and nobody has said yet whether it counts, too."""
    return is_copy(record) and SEEN.isdisjoint(record.reasons) and not is_unread(record)


def is_unread(record: Record) -> bool:
    """Whether the page went to review or was rejected as a whole: there is nothing to see field by field.

    What people say of its fields does not change that, until one of them has begun to type the page's values.
    """
    if record.verdict is Verdict.ACCEPTED or Reason.CORRECTED in record.reasons:
        return False
    return not any(
        reading.box_px is not None or (reading.text and Reason.CORRECTED not in reading.reasons)
        for reading in record.fields
    )


def page_reasons(record: Record) -> str:
    """The reasons for which a page as a whole goes to review, in words where there are any.

    Of a page that was read, those are left out that stand beside one of its fields.
    """
    told = [
        f"{reason}: {record.detail}"
        if reason in (Reason.REGISTRATION, Reason.UNKNOWN_FORM) and record.detail
        else reason
        for reason in _of_the_page_alone(record)
    ]
    return ";".join(told)


def is_looked_at_whole(record: Record) -> bool:
    """Whether the page has a row of its own in the review: for a picture's defects by themselves, it has none.

    Nor has one that a person has seen, or whose values a person types.
    """
    if not SEEN.isdisjoint(record.reasons):
        return False
    return is_unread(record) or not all(
        reason.startswith(f"{Reason.DEFECT}:") for reason in _of_the_page_alone(record)
    )


def _of_the_page_alone(record: Record) -> list[str]:
    """The page's reasons, without those that a field tells which is doubtful, or which a person has seen."""
    if not record.reasons:
        return []
    is_whole = is_unread(record) or is_unseen_copy(record)
    told = () if is_whole else (one for one in record.fields if _is_doubtful_or_seen(one))
    by_fields = {reason for field in told for reason in field.reasons}
    return [reason for reason in record.reasons if reason not in by_fields]


def _is_doubtful_or_seen(reading: FieldReading) -> bool:
    return reading.verdict is not Verdict.ACCEPTED or not SEEN.isdisjoint(reading.reasons)


def alternatives(reading: FieldReading) -> str:
    """`value=probability`, joined by `;`, best first."""
    return ";".join(f"{text or BLANK}={chance(probability, places=4)}" for text, probability in reading.alternatives)


def threshold(review_below: float) -> str:
    """A threshold as people write it: two digits, more only where it has more."""
    short = f"{review_below:.2f}"
    return short if float(short) == review_below else f"{review_below:.6g}"
