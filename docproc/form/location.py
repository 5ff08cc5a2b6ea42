"""Where a field lies on one page: what registration and layout hand to the field level."""

from __future__ import annotations

from dataclasses import dataclass

from docproc.geometry import Transform
from docproc.template import Field


@dataclass(frozen=True, slots=True)
class LocatedField:
    """A field, and the map that is right in its neighborhood (paper bends, so fields differ)."""

    field: Field
    page_from_form: Transform  #: Page pixels from form mm, snapped to this field's printed box.
    ruled: bool = True  #: Whether lines may be printed along its box: not where the image's edge is the box.
