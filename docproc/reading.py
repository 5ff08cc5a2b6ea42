"""What a page said: readings, their verdicts, and the reasons for them.

All frozen: a reading is never changed, a correction is another value beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from docproc.geometry import Box
from docproc.page import PageRef


class Verdict(StrEnum):
    """What should happen to a field or page."""

    ACCEPTED = "accepted"  #: Straight through: nobody needs to look.
    REVIEW = "review"  #: A person should look.
    REJECTED = "rejected"  #: Nothing usable was read; the value is empty.


class Reason(StrEnum):
    """Why a verdict is not a plain acceptance. In a record a reason may carry a detail: `rule:max`."""

    LOW_CONFIDENCE = "low_confidence"  #: The chance that the whole value is right is below the threshold.
    BLANK_REQUIRED = "blank_required"  #: A required field has nothing in it.
    CROSSED_OUT = "crossed_out"  #: Cells struck with a cross were read as blank.
    STRUCK_OUT = "struck_out"  #: A stroke runs through the writing: the value was struck out.
    TWO_LINES = "two_lines"  #: Digits stand under others in one field.
    DASH = "dash"  #: A dash was read as "no value".
    NOT_A_DIGIT = "not_a_digit"  #: A mark that is no digit (letter, scribble, overwriting).
    GAP = "gap"  #: A blank cell between filled ones.
    LENGTH = "length"  #: More or fewer digits than the field allows.
    RULE = "rule"  #: A value rule failed: `rule:min`, `rule:max` and so on.
    READERS_DISAGREE = "readers_disagree"  #: Digit by digit, and as a whole line, the field reads differently.
    CODE_UNREADABLE = "code_unreadable"  #: No QR code or barcode is read in its place, or several.
    LOW_RESOLUTION = "low_resolution"  #: Too few pixels to a digit.
    FAINT = "faint"  #: There is ink, too small or too broken to read.
    OUTSIDE = "outside"  #: Writing crosses the field's edge, or a cell holds a second mark: a digit may be missing.
    CLIPPED = "clipped"  #: The field leaves the image.
    #: Something is wrong with the page's picture, `defect:blur=0.31 mm`; on a field `defect:glare`.
    DEFECT = "defect"
    REGISTRATION = "registration"  #: The page could not be laid on its template.
    UNKNOWN_FORM = "unknown_form"  #: Of several templates the page lies on none, or on two alike.
    NO_FIELDS = "no_fields"  #: No template was given and nothing that looks like a field was found.
    DUPLICATE = "duplicate_of"  #: A file of equal content came earlier: `duplicate_of:first.png`.
    DOUBLE = "double_of"  #: Another page of the form has the same value where none may: `double_of:first.png`.
    MISSING_PAGE = "missing_page"  #: The paper that the page belongs to lacks a page: `missing_page:2`.
    FOREIGN_PAGE = "foreign_page"  #: The page lies inside a paper that it is no page of.
    DOUBTED = "doubted"  #: A person found one of its digits odd among others that were read alike.
    #: A person who did not see what was read has keyed another value, and nobody has decided yet.
    KEYED_OTHERWISE = "keyed_otherwise"
    CORRECTED = "corrected"  #: A person has typed or chosen the value; of a page, types all of its values.
    CONFIRMED = "confirmed"  #: A person has looked, and says as was read.
    UNREADABLE = "unreadable"  #: A person has looked, and cannot read it either.
    LEFT_OUT = "left_out"  #: A person has looked at a copy of an earlier page, and does not want it counted twice.
    OTHER_PAPER = "other_paper"  #: The number is not that of the paper's page before it, or behind it.


#: Which tell that a person has looked.
SEEN = frozenset((Reason.CORRECTED, Reason.CONFIRMED, Reason.UNREADABLE, Reason.LEFT_OUT))


@dataclass(frozen=True, slots=True)
class CharacterReading:
    """What the recognizer made of one cell, or of one glyph of a free run."""

    digit: str  #: "0" to "9"; "" where the cell is blank, or holds a mark that stands for nothing.
    confidence: float  #: Calibrated chance that `digit` is right, 0 to 1.
    alternatives: tuple[tuple[str, float], ...] = ()  #: Other digits and their chances, best first.
    mark: str = ""  #: "cross", "dash" or "other" where the ink is no digit.
    #: Where it stands on the page image as read, in whole pixels: its top left, top right and bottom left corner as
    #: people read it, however the page lies.
    corners_px: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FieldReading:
    """What was read in one field."""

    name: str
    text: str  #: Digits as written, leading zeros kept; "" where blank.
    confidence: float  #: Calibrated chance that the whole of `text` is right, 0 to 1.
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()  #: Other values and their chances, best first.
    characters: tuple[CharacterReading, ...] = ()
    box_px: Box | None = None  #: Around the field, in pixels of the page image as read.
    #: The field, straightened; b"" where it was accepted and nothing that other pages say can change that.
    crop_png: bytes = field(default=b"", repr=False)

    @property
    def was_read(self) -> bool:
        """Whether it has a place on the page, or a value: of a page that lies on no form, none has."""
        return self.box_px is not None or bool(self.text)


def unread_fields(names: Iterable[str], reason: Reason) -> tuple[FieldReading, ...]:
    """Fields of a page of which nothing was read: nobody knows where they lie on it."""
    return tuple(FieldReading(name, "", 0.0, Verdict.REVIEW, (reason,)) for name in names)


@dataclass(frozen=True, slots=True)
class Record:
    """What was read on one page. Equal inputs give an equal record, whatever the engine."""

    ref: PageRef
    template: str  #: The template's name; "" where there was none.
    template_digest: str
    model_digest: str
    fields: tuple[FieldReading, ...]
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    residual_mm: float | None = None  #: How well the page lies on its template; None without one.
    detail: str = ""  #: A sentence for people about what is wrong with the page as a whole.


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says of a field. The reading stays as it was: this stands beside it."""

    old: str  #: The value before it.
    new: str
    verdict: Verdict  #: Accepted; rejected where nobody can read it; to review where earlier words are taken back.
    who: str
    number: int = 0  #: Later ones have higher numbers; 0 before it is kept.
    at: str = ""  #: UTC, ISO 8601.


def is_accepted_unseen(reading: FieldReading) -> bool:
    """Whether a field is accepted by the program alone."""
    return reading.verdict is Verdict.ACCEPTED and not SEEN.intersection(reading.reasons)


def is_of_a_rule(reason: str) -> bool:
    """Whether a reason is that a value breaks a rule: one of its field's, or one between fields."""
    of_field = (Reason.BLANK_REQUIRED, Reason.LENGTH, Reason.NOT_A_DIGIT)
    return reason in of_field or reason.startswith(f"{Reason.RULE}:")


def overruled(verdict: str, reasons: Collection[str]) -> list[str]:
    """The rules against which a field's value stands, since a person says so; of any other field, none."""
    if not reasons or verdict != Verdict.ACCEPTED or SEEN.isdisjoint(reasons):
        return []
    return [reason for reason in reasons if is_of_a_rule(reason)]


def is_copy(record: Record) -> bool:
    """Whether an earlier file has exactly this content."""
    return any(map(tells_of_copy, record.reasons))


def tells_of_copy(reason: str) -> bool:
    """Whether a reason is that the page is a copy."""
    return reason.startswith(f"{Reason.DUPLICATE}:")


def with_detail(reason: Reason, detail: str) -> str:
    """`duplicate_of:first.png`, with the semicolons escaped that join reasons in the tables."""
    return f"{reason}:{detail.replace(';', '%3B')}"


def changed_by(rule: str, before: str, after: str) -> str:
    """The reason that says that a rule changed a value: `rule:total changed 7 to 1`."""
    return f"{Reason.RULE}:{rule}{_CHANGED}{before or 'blank'} to {after or 'blank'}"


def is_change(reason: str) -> bool:
    """Whether a reason is one that `changed_by` gives."""
    return reason.startswith(f"{Reason.RULE}:") and _CHANGED in reason


def is_own_change(reason: str) -> bool:
    """Whether it is a rule of the field itself that changed its value, not one between fields."""
    return is_change(reason) and reason.partition(":")[2].partition(_CHANGED)[0] in OWN_RULES


_CHANGED = " changed "
#: Of a field, by what `changed_by` calls them; a rule between fields that is called so counts as one of these.
OWN_RULES = frozenset({"min", "max", "regex", "check_digit", "date", "values", Reason.LENGTH.value})


def sent_to_review(record: Record, reasons: Iterable[str], *, fields: Mapping[str, str] | None = None) -> Record:
    """The record with more reasons for which a person should look: of the page, and of fields by their name."""
    why = fields or {}
    readings = tuple(
        replace(reading, verdict=_doubted(reading.verdict), reasons=(*reading.reasons, why[reading.name]))
        if reading.name in why
        else reading
        for reading in record.fields
    )
    told = tuple(dict.fromkeys((*record.reasons, *reasons)))
    return replace(record, fields=readings, verdict=_doubted(record.verdict), reasons=told)


def _doubted(verdict: Verdict) -> Verdict:
    return Verdict.REVIEW if verdict is Verdict.ACCEPTED else verdict
