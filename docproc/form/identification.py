"""Which of several templates is a page's own, and which way up does it lie?

In:  a page, and the templates that it may follow.
Out: an `Identification`: the template and its registration, or why there is none; and what the page's codes say.
A page of no known form, or of two that look alike, is never forced onto one: a person looks at it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from docproc.form.codes import Code, read_codes
from docproc.form.features import likeness, load_reference
from docproc.form.registration import Registration, Unregistered, register
from docproc.page import Page
from docproc.template import Template

#: Share of a template's print by which a page shows more of it than of the next best one. A page of another form
#: shows a fifth of a template's print at most; versions of one form differ by little.
LEAST_MARGIN = 0.05
#: Of the likeness to a template on which the page lies: others that are less like it are not tried. Other forms of
#: the same office have up to 0.7 of it, versions of one form nearly all.
LEAST_LIKENESS = 0.5


@dataclass(frozen=True, slots=True)
class Identification:
    """What form a page is."""

    found: Registration | Unregistered  #: The latter where the page is of none, or of two.
    codes: tuple[Code, ...]  #: On the page; read only where a template asks for them.
    told: tuple[str, ...]  #: What was tried, and how it went, in sentences.


def identify(page: Page, templates: Sequence[Template]) -> Identification:
    """Find a page's template among one or more.

    A QR code or barcode that a template names decides, where it is read. Else the template of whose print most is
    found is the page's, not the one that fits best: forms of one office share print.

    Raises
    ------
    TemplateError
        If a reference image cannot be opened.
    """
    codes: tuple[Code, ...] = ()
    told: list[str] = []
    if any(template.codes or (template.code and len(templates) > 1) for template in templates):
        codes = read_codes(page)
        texts = [code.text for code in codes]
        told.append(f"codes on the page: {', '.join(map(repr, texts)) or 'none'}")
        templates = [template for template in templates if template.code in texts] or templates
    tried = _tried(page, templates)
    for found, template in tried:
        what = found.detail if isinstance(found, Unregistered) else f"lies on it to {found.residual_mm:.2f} mm"
        told.append(f"template {template.name}: {what}")
    return Identification(_best([found for found, _ in tried], len(templates)), codes, tuple(told))


def _tried(page: Page, templates: Sequence[Template]) -> list[tuple[Registration | Unregistered, Template]]:
    """The page on each template, the likeliest first; those much less like it than one that fits are left out."""
    if len(templates) == 1:
        return [(register(page, templates[0]), templates[0])]
    looks: list[tuple[float, Template]] = []
    for template in templates:
        reference = load_reference(template)
        looks.append((math.inf if reference is None else likeness(page, reference), template))
    looks.sort(key=lambda look: -look[0])
    tried: list[tuple[Registration | Unregistered, Template]] = []
    least = 0.0
    for look, template in looks:
        if look < least:
            break
        found = register(page, template)
        if isinstance(found, Registration) and math.isfinite(look):
            least = max(least, LEAST_LIKENESS * look)
        tried.append((found, template))
    return tried


def _best(tried: Sequence[Registration | Unregistered], templates: int) -> Registration | Unregistered:
    fitting = sorted((found for found in tried if isinstance(found, Registration)), key=lambda found: -found.share)
    if not fitting and templates > 1:
        return Unregistered(f"it lies on none of the {templates} templates", None)
    if not fitting:
        return tried[0]
    best, *others = fitting
    if others and best.share - others[0].share < LEAST_MARGIN:
        alike = f"it lies as well on {best.template.name!r} as on {others[0].template.name!r}"
        return Unregistered(alike, best.residual_mm)
    return best
