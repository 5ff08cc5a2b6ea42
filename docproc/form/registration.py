"""Lay a template on a page: where is each field, in pixels?

In:  a page, at any turn, scale and perspective, and a template.
Out: a `Registration`, whose fields are snapped to their printed boxes, or an `Unregistered` that says why not.

Features of the reference image, or fiducials, give hypotheses; patches of print sharpen each and say how much of the
sheet agrees; then each field is moved onto its own rules, since paper bends. A page that lies worse than the
template's tolerance, or shows another form, is never a Registration: fields of another form would be read as rubbish.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from docproc.form.bend import Bend
from docproc.form.features import Hypothesis, Reference, by_corners, hypotheses, load_reference
from docproc.form.fiducials import constellations
from docproc.form.location import LocatedField
from docproc.form.markers import by_edges, by_markers
from docproc.form.pyramid import Pyramid, pyramid_of
from docproc.form.refinement import FLAT_PASSES, RESIDUAL_PERCENTILE, Agreement, refine
from docproc.form.snapping import Snap, snap_fields
from docproc.geometry import Transform
from docproc.page import Page
from docproc.template import Fiducial, Template

#: Of the reference's patches, how many must agree. Pages of the form reach 0.67 to 0.94 in phone photos of bent and
#: filled sheets, pages of other forms with the same headings and marks 0.20 at most.
LEAST_SHARE = 0.4
#: ... for a sheet to be flat. Scans reach 0.79 to 1.0, but for one in fifty; photographs 0.73: where paper bends, or
#: is seen aslant, a part of it lies too far off to be found, and what is fitted to the others puts its fields off
#: their place.
FLAT_SHARE = 0.78
SEARCH_AFTER_PATCHES_MM = 1.0  #: Patches leave fields right to a few tenths of a mm; the template may add as much.
SMALLEST_SIDE_PX = 100  #: Of the image: no form is legible in less.
LEAST_VISIBLE = 0.3  #: Share of the sheet's print that the image must show.


#: Of the rules of combs and cells, how many must be found where fiducials put them. Scans of the form show 0.7 and
#: more, other turns of it 0.25 at most.
LEAST_RULES = 0.45
SURE_RULES = 0.7  #: No other hypothesis is tried after one that reaches this.
MOST_REFINED = 6  #: Constellations compared with the reference, after its features have failed.
LEAST_ALONE = 4  #: Fiducials that are believed without any rule to support them.
LEAST_CLEAR = 4  #: Fields with clear rules from which a bend, and how far they miss it, can be told.


@dataclass(frozen=True, slots=True)
class Registration:
    """A template that lies on a page."""

    template: Template
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
    reference = load_reference(template)
    height_px, width_px = page.pixels.shape[:2]
    if min(height_px, width_px) < SMALLEST_SIDE_PX:
        return Unregistered(f"the image has only {width_px} x {height_px} pixels", None)
    if reference is None:
        return _by_rules(page, template)
    return _by_print(page, template, reference)


def _by_print(page: Page, template: Template, reference: Reference) -> Registration | Unregistered:
    """Believe the first hypothesis under which the page shows what the reference shows."""
    flat = _flat(page, reference)
    if flat is not None and _refusal(flat, template) is None:
        return _registered(pyramid_of(page), flat, template)
    failure = Unregistered("too little of the page looks like the reference image, so it may be another form", None)
    agreed = 0
    for hypothesis in _all_hypotheses(page, template, reference):
        agreement = refine(pyramid_of(page), reference, hypothesis.page_from_form)
        if agreement is None:
            continue
        if (refusal := _refusal(agreement, template)) is None:
            return _registered(pyramid_of(page), agreement, template)
        if agreement.agreeing > agreed:
            failure, agreed = refusal, agreement.agreeing
    return failure


def _flat(page: Page, reference: Reference) -> Agreement | None:
    """A flat sheet seen from above, as scanners give it: found in a tenth of the time that any other takes."""
    hypothesis = by_corners(page, reference)
    if hypothesis is None:
        return None
    agreement = refine(pyramid_of(page), reference, hypothesis.page_from_form, FLAT_PASSES)
    return agreement if agreement is not None and agreement.share >= FLAT_SHARE else None


def _all_hypotheses(page: Page, template: Template, reference: Reference) -> Iterator[Hypothesis]:
    yield from by_markers(pyramid_of(page).gray, template.fiducials, template.page)
    yield from hypotheses(page, reference)
    yield from constellations(pyramid_of(page).gray, _squares(template), template.page)[:MOST_REFINED]
    if template.edges:
        yield from by_edges(page, template.page)


def _squares(template: Template) -> list[Fiducial]:
    return [fiducial for fiducial in template.fiducials if fiducial.kind == "square"]


def _refusal(agreement: Agreement, template: Template) -> Unregistered | None:
    residual_mm = agreement.residual_mm
    if agreement.share < LEAST_SHARE:
        return Unregistered(
            f"only {agreement.agreeing} of {agreement.patches} pieces of print agree with the reference image, "
            "so it may be another form",
            residual_mm,
        )
    if agreement.visible < LEAST_VISIBLE:
        return Unregistered(f"the image shows only {agreement.visible:.0%} of the sheet's print", residual_mm)
    return _off_its_place(residual_mm, template)


def _off_its_place(residual_mm: float, template: Template) -> Unregistered | None:
    if residual_mm <= template.tolerance_mm:
        return None
    return Unregistered(
        f"print lies {residual_mm:.2f} mm off its place, and the template allows {template.tolerance_mm:g} mm",
        residual_mm,
    )


def _registered(page: Pyramid, agreement: Agreement, template: Template) -> Registration:
    bent = tuple(
        LocatedField(field, agreement.page_from_form @ agreement.bend.near(*field.box.center))
        for field in template.fields
    )
    located = tuple(snap.located for snap in snap_fields(page, bent, search_mm=SEARCH_AFTER_PATCHES_MM))
    return Registration(
        template, agreement.page_from_form, agreement.residual_mm, located, agreement.agreeing, agreement.share
    )


def _by_rules(page: Page, template: Template) -> Registration | Unregistered:
    """Of the hypotheses, and their turns, the one that puts the fields onto their printed rules."""
    gray = pyramid_of(page).gray
    found = by_markers(gray, template.fiducials, template.page)
    found += constellations(gray, _squares(template), template.page)
    if template.edges:
        found += by_edges(page, template.page)
    if not found:
        sought = f"of the template's {len(template.fiducials)} fiducials, too few are found at their distances"
        edges = "the sheet's edges are not seen"
        what = [*([sought] if template.fiducials else []), *([edges] if template.edges else [])]
        return Unregistered(f"{' and '.join(what)}, so it may be another form", None)
    best: Registration | None = None
    for hypothesis in found:
        at = tuple(LocatedField(field, hypothesis.page_from_form) for field in template.fields)
        snaps = snap_fields(pyramid_of(page), at)
        candidate = _from_snaps(template, hypothesis, snaps)
        if best is None or candidate.share > best.share:
            best = candidate
        if best.share >= SURE_RULES:
            break
    assert best is not None
    if best.share < LEAST_RULES:
        return Unregistered(
            f"only {best.share:.0%} of the fields' printed rules lie where the fiducials put them, "
            "so it may be another form",
            best.residual_mm,
        )
    return _off_its_place(best.residual_mm, template) or best


def _from_snaps(template: Template, hypothesis: Hypothesis, snaps: tuple[Snap, ...]) -> Registration:
    boxed = [snap for snap in snaps if snap.located.field.kind != "free" or snap.is_clear]
    if boxed:
        found, share = sum(snap.found for snap in boxed), 0.0
        share = found / sum(snap.sought for snap in boxed)
    else:  # nothing on the form but fiducials tells where it lies
        found, share = 0, float(hypothesis.agreeing >= LEAST_ALONE)
    clear = [snap for snap in snaps if snap.is_clear]
    return Registration(
        template,
        hypothesis.page_from_form,
        _residual_mm(clear),
        tuple(snap.located for snap in snaps),
        hypothesis.agreeing + found,
        share,
    )


def _residual_mm(clear: list[Snap]) -> float:
    """How far fields miss the place that the others give them; of a few fields, that the fiducials give."""
    if not clear:
        return 0.0
    shifts = np.array([snap.shift_mm for snap in clear])
    if len(clear) < LEAST_CLEAR:
        return float(np.median(np.hypot(*shifts.T)))
    centers = np.array([snap.located.field.box.center for snap in clear])
    return float(np.percentile(Bend(centers, shifts).misses_mm(), RESIDUAL_PERCENTILE))
