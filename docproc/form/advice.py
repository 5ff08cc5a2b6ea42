"""What in a form will cost accuracy, before a thousand of it are printed.

In:  a template; its reference image where it has one. Out: advice, a sentence each, with the fields that it is about.
Sizes are those of forms that were read best: boxes of 6 x 8 mm leave room for a digit; what can be checked, by its
length, its limits or a check digit, is caught where it was misread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from docproc.form.cutting import crop
from docproc.form.features import load_reference
from docproc.geometry import Box
from docproc.template import Field, Rules, Template

NARROWEST_MM, LOWEST_MM = 5.0, 6.0  #: Of a box for one digit.
LOWEST_FREE_MM = 7.0  #: Of a field that is written freely.
EDGE_MM = 5.0  #: From the sheet's edge: scanners and printers cut there.
NEAREST_MM = 2.0  #: Between fields one above the other: tails of digits reach so far.
LONG = 6  #: Digits from which a number deserves a check digit.
DARK = 0.55  #: Of a printed line, 0 to 1: as dark as a pen.
LINE_MM = 0.6  #: Around a box's side, where its line is looked for.


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to think about."""

    sentence: str
    fields: tuple[str, ...]  #: Their names; none where it is about the form as a whole.


def advise(template: Template) -> list[Advice]:
    """What could be better, the costliest first; an empty list for a form that leaves nothing to wish."""
    found: dict[str, list[str]] = {}
    for field in template.fields:
        for sentence in _of_field(field, template):
            found.setdefault(sentence, []).append(field.name)
    advice = [Advice(sentence, tuple(names)) for sentence, names in found.items()]
    order = {sentence: place for place, sentence in enumerate(_SENTENCES.values())}
    advice.sort(key=lambda one: order[one.sentence])
    return advice + [Advice(sentence, ()) for sentence in _of_form(template)]


_SENTENCES = {
    "small": f"Boxes under {NARROWEST_MM:g} x {LOWEST_MM:g} mm: digits are squeezed and cross lines; 6 x 8 is good.",
    "free": "Written freely: a comb, one box a digit, is read better, and a digit too many is seen.",
    "low": f"Lower than {LOWEST_FREE_MM:g} mm: there is no room for tails of 7 and 9.",
    "close": f"Less than {NEAREST_MM:g} mm above the next field: tails of digits reach into it.",
    "edge": f"Within {EDGE_MM:g} mm of the sheet's edge: printers and scanners cut there.",
    "dark": "Printed lines as dark as a pen: pale ones, as `docproc template print` draws them, can be taken away.",
    "length": "No `length`: a digit that was lost is not noticed.",
    "check": f"{LONG} digits and more without a rule: a misread one looks like any other. A check digit finds it.",
}


def _of_field(field: Field, template: Template) -> Iterator[str]:
    cells = field.cell_boxes()
    if field.kind == "free":
        yield _SENTENCES["free"]
        if field.box.height < LOWEST_FREE_MM:
            yield _SENTENCES["low"]
    elif min(cell.width for cell in cells) < NARROWEST_MM or field.box.height < LOWEST_MM:
        yield _SENTENCES["small"]
    below = [other.box for other in template.fields if _is_under(other.box, field.box)]
    if field.kind == "free" and any(box.top - field.box.bottom < NEAREST_MM for box in below):
        yield _SENTENCES["close"]
    sheet = Box(0, 0, template.page.width_mm, template.page.height_mm)
    if not sheet.grown(-EDGE_MM).contains(field.box):
        yield _SENTENCES["edge"]
    if _is_dark(field, template):
        yield _SENTENCES["dark"]
    if field.kind != "cell" and field.length is None:
        yield _SENTENCES["length"]
    is_ruled = field.rules != Rules()
    if not is_ruled and field.kind != "cell" and field.lengths[1] >= LONG:
        yield _SENTENCES["check"]


def _is_under(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    return across > 0 and one.top >= other.bottom - 0.1


def _is_dark(field: Field, template: Template) -> bool:
    """Whether the lines around a field are printed as dark as a pen writes."""
    reference = load_reference(template)
    if reference is None or field.kind == "free":
        return False
    levels = []
    for cell in field.cell_boxes():
        for x in (cell.left, cell.right):
            side = Box(x - LINE_MM, cell.top + 0.3 * cell.height, 2 * LINE_MM, 0.4 * cell.height)
            part = crop(reference.gray, reference.reference_from_form.box(side))
            levels.append(float(np.median(part.min(axis=1))))
    return bool(levels) and 1 - float(np.median(levels)) / 255 > DARK


def _of_form(template: Template) -> Iterator[str]:
    if template.reference is not None and not template.fiducials:
        yield "No fiducials: with four black squares in the corners, bent and dirty pages are found more surely."
    if not any(field.required for field in template.fields):
        yield "No field is `required`: a page that was left empty, or missed, goes through unseen."
