"""Lay a template on a page: where is each field, in pixels?

In:  a page, at any turn, scale and perspective, and a template.
Out: a `Registration`, whose fields are snapped to their printed boxes, or an `Unregistered` that says why not.

Features of the reference image, or fiducials, give hypotheses; patches of print sharpen each and say how much of the
sheet agrees; then each field is moved onto its own rules, since paper bends. A page that lies worse than the
template's tolerance, or shows another form, is never a Registration: fields of another form would be read as rubbish.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from docproc.form.features import hypotheses, load_reference
from docproc.form.location import LocatedField
from docproc.form.refinement import Agreement, refine
from docproc.form.snapping import snap_fields
from docproc.geometry import Transform
from docproc.page import Gray, Page
from docproc.template import Template

#: Of the reference's patches, how many must agree. Pages of the form reach 0.67 to 0.94 in phone photos of bent and
#: filled sheets, pages of other forms with the same headings and marks 0.20 at most.
LEAST_SHARE = 0.4
SEARCH_AFTER_PATCHES_MM = 1.0  #: Patches leave fields right to a few tenths of a mm; the template may add as much.
LEAST_VISIBLE = 0.3  #: Share of the sheet's print that the image must show.


@dataclass(frozen=True, slots=True)
class Registration:
    """A template that lies on a page."""

    page_from_form: Transform  #: The best single map of the sheet: pixels from mm.
    residual_mm: float  #: How far print misses its place; at or below the template's tolerance.
    located: tuple[LocatedField, ...]  #: One a field, in the template's order.
    inliers: int  #: Pieces of evidence that agree: to choose among templates.
    share: float  #: ... of those looked for, 0 to 1.


@dataclass(frozen=True, slots=True)
class Unregistered:
    """A template that does not lie on a page, and why."""

    detail: str  #: A plain sentence for a person.
    residual_mm: float | None  #: How far print misses its place, where a place was found.


def register(page: Page, template: Template) -> Registration | Unregistered:
    """Lay `template` on `page`.

    Parameters
    ----------
    page : Page
        Of any resolution; its dpi is not needed.
    template : Template
        As `load_template` returns it: its reference image is read from beside it, once.

    Returns
    -------
    Registration or Unregistered
        The same for the same input, always.

    Raises
    ------
    TemplateError
        If the reference image cannot be opened.
    """
    gray = gray_of(page)
    return _by_reference(gray, template)


def gray_of(page: Page) -> Gray:
    """The page in shades of gray."""
    return page.pixels if page.pixels.ndim == 2 else cv2.cvtColor(page.pixels, cv2.COLOR_RGB2GRAY)


def _by_reference(gray: Gray, template: Template) -> Registration | Unregistered:
    reference = load_reference(template)
    assert reference is not None
    failure = Unregistered("too little of the page looks like the reference image: is it another form?", None)
    for hypothesis in hypotheses(gray, reference):
        agreement = refine(gray, reference, hypothesis.page_from_form)
        if agreement is None:
            continue
        if agreement.share < LEAST_SHARE:
            failure = Unregistered(
                f"only {agreement.agreeing} of {agreement.patches} pieces of print agree with the reference image: "
                "is it another form?",
                agreement.residual_mm,
            )
        elif agreement.visible < LEAST_VISIBLE:
            failure = Unregistered(
                f"the image shows only {agreement.visible:.0%} of the sheet", agreement.residual_mm
            )
        elif agreement.residual_mm > template.tolerance_mm:
            failure = Unregistered(
                f"print lies {agreement.residual_mm:.2f} mm off its place; {template.tolerance_mm:g} mm are allowed",
                agreement.residual_mm,
            )
        else:
            return _registered(gray, agreement, template)
    return failure


def _registered(gray: Gray, agreement: Agreement, template: Template) -> Registration:
    bent = tuple(
        LocatedField(field, agreement.page_from_form @ agreement.bend.near(*field.box.center))
        for field in template.fields
    )
    located = tuple(snap.located for snap in snap_fields(gray, bent, search_mm=SEARCH_AFTER_PATCHES_MM))
    return Registration(agreement.page_from_form, agreement.residual_mm, located, agreement.agreeing, agreement.share)
