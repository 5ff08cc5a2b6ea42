"""What statuses and reasons mean, in words for the person who looks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docproc.export.columns import INCOMPLETE
from docproc.export.rows import threshold
from docproc.reading import OWN_RULES, FieldReading, Reason, Verdict

STATUS_MEANING = {
    Verdict.ACCEPTED.value: "Read, and surer than the threshold: nobody needs to look.",
    Verdict.REVIEW.value: "A person should look; the value, if any, is the best guess.",
    INCOMPLETE: "Of a page: all is settled, but a field that no person could read either. Its value is missing.",
    Verdict.REJECTED.value: "Nothing usable was read, or a person cannot read it or left it out: the value is empty.",
}

ABSENT = "(gray)"
ABSENT_MEANING = "The page's form has no such field; an empty cell that is not gray is a field with nothing in it."

OVERRULED_MEANING = "A person says that the value stands, though it breaks a rule: fields.csv tells which."

#: By the reason as it stands in the tables: some carry a detail behind a colon.
REASON_MEANING = {
    Reason.LOW_CONFIDENCE.value: "The chance that the whole value is right is below the threshold.",
    Reason.BLANK_REQUIRED.value: "The field is required and nothing is written in it.",
    Reason.CROSSED_OUT.value: "Boxes struck with a cross were read as blank.",
    Reason.STRUCK_OUT.value: "A stroke runs through the writing: the value was struck out.",
    Reason.TWO_LINES.value: "Two lines of writing stand in one field: perhaps a value and its correction.",
    Reason.READERS_DISAGREE.value: "Read digit by digit and read as a whole line, the field has different values.",
    Reason.DASH.value: 'A dash was read as "no value".',
    Reason.NOT_A_DIGIT.value: "There is a mark that is no digit: a letter, a scribble, an overwriting.",
    Reason.GAP.value: "A blank box lies between filled ones.",
    Reason.LENGTH.value: "There are more or fewer digits than the field allows.",
    f"{Reason.RULE}:min": "The value is smaller than the template allows.",
    f"{Reason.RULE}:max": "The value is larger than the template allows.",
    f"{Reason.RULE}:regex": "The value does not have the pattern that the template asks for.",
    f"{Reason.RULE}:check_digit": "The check digit does not fit the others: a digit is misread or miswritten.",
    f"{Reason.RULE}:date": "The value is no date, or not written as the template asks for.",
    f"{Reason.RULE}:values": "The value is none of those that the template lists.",
    f"{Reason.RULE}:NAME": "Fields of rule NAME contradict each other: one of them is misread or miswritten.",
    f"{Reason.RULE}:NAME changed 7 to 1": "Reads 7 by itself, and 1 with the fields that rule NAME ties it to.",
    Reason.CODE_UNREADABLE.value: "No QR code or barcode could be read in its place, or several are there.",
    Reason.LOW_RESOLUTION.value: "There are too few pixels to a digit: scan at 200 dpi or more.",
    Reason.FAINT.value: "The marks are too faint to tell from the paper.",
    Reason.CLIPPED.value: "A part of the field lies outside the picture.",
    f"{Reason.DEFECT}:blur": "The picture is out of focus; sharp edges spread less than 0.2 mm. Take it again.",
    f"{Reason.DEFECT}:darkness": "The picture is dark: bare paper is only so bright. Take it again.",
    f"{Reason.DEFECT}:glare": "A lamp is mirrored, and hides so much of the worst field. Take it again.",
    f"{Reason.DEFECT}:cut": "A corner, or a side, of the sheet lies so far outside the picture.",
    Reason.OUTSIDE.value: "Writing crosses the field's edge, or a box holds a second mark: a digit may be missing.",
    Reason.REGISTRATION.value: "The page does not lie on its template: another form, or too distorted.",
    Reason.UNKNOWN_FORM.value: "The page lies on none of the templates, or on two of them alike.",
    Reason.NO_FIELDS.value: "Nothing that looks like a field was found; a template would say where to look.",
    f"{Reason.DUPLICATE}:FILE": "A file with exactly this content came earlier: FILE.",
    f"{Reason.DOUBLE}:FILE": "FILE has the same number, and no two pages may: scanned twice, or one is misread.",
    f"{Reason.MISSING_PAGE}:N": "Page N of this paper is not there: not scanned, in a wrong place, or not read.",
    Reason.FOREIGN_PAGE.value: "The page lies between the pages of a paper that it does not belong to.",
    Reason.OTHER_PAPER.value: "The page before or behind has another number: two papers, or one number is misread.",
    Reason.DOUBTED.value: "A person found one of its digits odd among others that were read alike.",
    Reason.KEYED_OTHERWISE.value: "Who keyed it without seeing what was read has another value; it is to be decided.",
    Reason.CORRECTED.value: "A person has typed or chosen the value in the review; of a page, all of its values.",
    Reason.CONFIRMED.value: "A person has looked, and says as was read.",
    Reason.UNREADABLE.value: "A person has looked, and cannot read it either.",
    Reason.LEFT_OUT.value: "A person has left out what is on this copy of an earlier page: it counts once.",
}


def value_in_words(reading: FieldReading) -> str:
    """The value, or what there is in its place."""
    if Reason.UNREADABLE in reading.reasons:
        return "unreadable"
    if Reason.LEFT_OUT in reading.reasons:
        return "left out"
    return reading.text or ("nothing usable" if reading.verdict is Verdict.REJECTED else "blank")


def reason_rows(review_below: float | None) -> Iterator[tuple[str, str]]:
    """Reasons and their meanings, with the threshold that was in force where it is known."""
    for name, meaning in REASON_MEANING.items():
        if name == Reason.LOW_CONFIDENCE and review_below is not None:
            yield name, f"That the whole value is right is less sure than {threshold(review_below)}."
        else:
            yield name, meaning


def in_words(reason: str) -> str:
    """One reason as it stands in the tables, in a sentence, with its detail."""
    name, _, detail = reason.partition(":")
    detail = detail.replace("%3B", ";")
    for placeholder in ("FILE", "N"):
        meaning = REASON_MEANING.get(f"{name}:{placeholder}")
        if meaning is not None:
            return re.sub(rf"\b{placeholder}\b", lambda _: detail, meaning)
    if name == Reason.RULE and reason not in REASON_MEANING:
        return _of_rule(detail)
    kind, _, measure = detail.partition("=")
    meaning = REASON_MEANING.get(reason) or REASON_MEANING.get(f"{name}:{kind}") or REASON_MEANING.get(name)
    return reason if meaning is None else f"{meaning} ({measure})" if measure else meaning


def _of_rule(detail: str) -> str:
    """Of a rule between fields: its name, and what it changed where it did."""
    rule, changed, values = detail.partition(" changed ")
    if not changed:
        return REASON_MEANING[f"{Reason.RULE}:NAME"].replace("NAME", rule)
    before, _, after = values.partition(" to ")
    if rule in OWN_RULES:
        broken = REASON_MEANING.get(f"{Reason.RULE}:{rule}") or REASON_MEANING[rule]
        return (
            f"By its ink alone the field reads {before}. {broken} {after} is the likeliest value that keeps the rule."
        )
    return f"Reads {before} by itself, and {after} with the fields that rule {rule} ties it to."
