"""Write a proposed template for people: YAML that they go on with, its reference image, and a picture to look at.

In:  a `Proposal`, the paper's size, where to write. Out: `form.yaml`, `form-blank.png`, `form-fields.png`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image

from docproc.errors import OutputError
from docproc.form.location import LocatedField
from docproc.form.overlay import draw_template
from docproc.form.proposal import Proposal, Proposed
from docproc.geometry import Box, Transform
from docproc.template import FORMAT, Field, Template, load_template

LEFT_OUT_COLOR = (150, 150, 150)


@dataclass(frozen=True, slots=True)
class Draft:
    """The files that were written."""

    template: Path
    reference: Path
    picture: Path


def draft_paths(output: Path) -> Draft:
    """What `write_draft` writes for `form.yaml`."""
    return Draft(output, output.with_name(f"{output.stem}-blank.png"), output.with_name(f"{output.stem}-fields.png"))


def write_draft(proposal: Proposal, size_mm: tuple[float, float], output: Path, *, blank: str) -> Draft:
    """Write the template, checked by reading it back, and both pictures; each is there whole or not at all.

    Parameters
    ----------
    blank : str
        What the template was proposed from, for its first line.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    draft = draft_paths(output)
    text = "\n".join(_lines(proposal.fields, size_mm, draft, blank))
    try:
        write_whole(
            draft.reference, lambda path: Image.fromarray(proposal.sheet).save(path, format="PNG", optimize=True)
        )
        write_whole(draft.template, lambda path: path.write_text(text + "\n", encoding="utf-8"))
        template = load_template(draft.template)
        doubtful = {proposed.field.name for proposed in proposal.fields if proposed.doubt}
        picture = draw_fields(proposal.sheet, template, doubtful=doubtful, left_out=proposal.boxes_left_out)
        write_whole(draft.picture, lambda path: Image.fromarray(picture).save(path, format="PNG"))
    except OSError as error:
        raise OutputError(
            f"{output}: the template cannot be written ({error.strerror or error}).",
            remedy="Name a file in a folder that exists and may be written to.",
        ) from error
    return draft


def draw_fields(
    sheet: npt.NDArray[np.uint8],
    template: Template,
    *,
    doubtful: Collection[str] = (),
    left_out: Sequence[Box] = (),
) -> npt.NDArray[np.uint8]:
    """The template on its reference image, for people; boxes that were left out are gray."""
    height, width = sheet.shape[:2]
    sheet_from_form = Transform.translation(-0.5, -0.5) @ Transform.scaling(
        width / template.page.width_mm, height / template.page.height_mm
    )
    located = [LocatedField(field, sheet_from_form) for field in template.fields]
    boxes = [sheet_from_form.box(box) for box in left_out]
    marked = np.ascontiguousarray(sheet if sheet.ndim == 3 else cv2.cvtColor(sheet, cv2.COLOR_GRAY2RGB))
    for box in boxes:
        corners = (round(box.left), round(box.top)), (round(box.right), round(box.bottom))
        cv2.rectangle(marked, *corners, LEFT_OUT_COLOR, 2)
    return draw_template(marked, template, sheet_from_form, located, doubtful=doubtful, names_inside=True)


def _lines(fields: Sequence[Proposed], size_mm: tuple[float, float], draft: Draft, blank: str) -> Iterator[str]:
    """The YAML, one field a line, with what to look at behind it."""
    yield f"# Proposed by `docproc template detect` from {blank}. Name the fields as your results should call them,"
    yield "# delete what holds no digits, say what may stand in each; `docproc template schema` lists every key."
    yield f"format: {FORMAT}"
    yield from yaml.safe_dump({"name": draft.template.stem}, allow_unicode=True).splitlines()
    yield f"page: {{width_mm: {size_mm[0]:g}, height_mm: {size_mm[1]:g}}}"
    yield from yaml.safe_dump({"reference": draft.reference.name}, allow_unicode=True).splitlines()
    yield "fields:"
    for proposed in fields:
        remark = f"  # look: {proposed.doubt}" if proposed.doubt else ""
        yield f"  - {_flow(proposed.field)}{remark}"


def _flow(field: Field) -> str:
    """A field as one line of YAML, without what is so by default."""
    box = [round(float(value), 2) for value in (field.box.left, field.box.top, field.box.width, field.box.height)]
    given: dict[str, object] = {"name": field.name, "kind": field.kind, "box": box}
    if field.kind == "comb":
        given["cells"] = field.cells
    for key in ("cell_gap_mm", "groups", "group_gap_mm"):
        value = getattr(field, key)
        if value:
            given[key] = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(given, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    return text.strip()


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file aside, then give it its name: it is the old one or the new one, and never half of it."""
    aside = path.with_name(f".{path.name}.part")
    try:
        write(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
