"""What statuses and reasons mean, in words for the person who looks."""

from __future__ import annotations

from docproc.reading import Reason, Verdict

STATUS_MEANING = {
    Verdict.ACCEPTED: "Read, and surer than the threshold: nobody needs to look.",
    Verdict.REVIEW: "A person should look; the value, if any, is the best guess.",
    Verdict.REJECTED: "Something is written there, but nothing usable was read: the value is empty.",
}

REASON_MEANING = {
    Reason.LOW_CONFIDENCE: "The chance that the whole value is right is below the threshold.",
    Reason.BLANK_REQUIRED: "The field is required and nothing is written in it.",
    Reason.CROSSED_OUT: "Boxes struck with a cross were read as blank.",
    Reason.STRUCK_OUT: "A stroke runs through the writing: the value was struck out.",
    Reason.DASH: 'A dash was read as "no value".',
    Reason.NOT_A_DIGIT: "There is a mark that is no digit: a letter, a scribble, an overwriting.",
    Reason.GAP: "A blank box lies between filled ones.",
    Reason.LENGTH: "There are more or fewer digits than the field allows.",
    Reason.RULE: "The value breaks a rule of the template, which is named: rule:min, rule:max, rule:regex, ...",
    Reason.LOW_RESOLUTION: "There are too few pixels to a digit: scan at 200 dpi or more.",
    Reason.FAINT: "The marks are too faint to tell from the paper.",
    Reason.CLIPPED: "A part of the field lies outside the picture.",
    Reason.OUTSIDE: "Writing crosses the edge of the field and lies mostly outside: a digit may be missing.",
    Reason.REGISTRATION: "The page does not lie on its template: another form, or too distorted.",
    Reason.NO_FIELDS: "Nothing that looks like a field was found; a template would say where to look.",
    Reason.DUPLICATE: "A file with exactly this content came earlier; its name follows the colon.",
}
