"""Propose fields on blanks whose fields are known, and print how many are found: one row a blank.

    python -m tests.real.boxes [--keep DIR]

In:  the samples' reference images, and the blanks of the real forms that have a template here.
Out: a table; with --keep a picture of each blank with what was proposed. Found: with an IoU of 0.9 and more; kinds:
of these, with the right kind, number of cells and groups. The samples' templates name every place to write. Those of
the real forms name the fields that are scored: what else is proposed there is for eyes to judge, on the pictures.
Then the same blanks photographed (`synthesis.capture`: perspective, a desk around the sheet, shadow, blur, JPEG).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from docproc.form.draft import draw_fields
from docproc.form.paper import on_its_background
from docproc.form.proposal import propose_fields
from docproc.page import find_sources, list_pages, load_page
from docproc.synthesis.capture import Condition, Strength, capture
from docproc.synthesis.degradation import Pixels
from docproc.template import Field, Template, load_template

from .designs import ROOT, designs

LEAST_IOU = 0.9


def blanks() -> list[tuple[str, Template, bool]]:
    """Name, template, and whether it names all places: of every template that has a reference image."""
    samples = [(path.parent.name, load_template(path), True) for path in sorted(ROOT.glob("samples/*/template.yaml"))]
    paths = dict.fromkeys(run.template for design in designs() for run in design.runs if run.template is not None)
    real = [(template.name, template, False) for path in paths if (template := load_template(path))]
    return [one for one in [*samples, *real] if one[1].reference_path is not None]


def proposed(template: Template, *, photographed: bool) -> tuple[tuple[Field, ...], Image.Image]:
    """What is proposed on a template's own blank, and a picture of it."""
    (source,) = find_sources([str(template.reference_path)])
    page = load_page(list_pages(source)[0])
    size = template.page.width_mm, template.page.height_mm
    if photographed:
        photo = on_its_background(replace(page, pixels=photograph(page.pixels, page.pixels.shape[1] / size[0])), size)
        if photo is None:
            return (), Image.fromarray(page.pixels)
        page = photo.page
    proposal = propose_fields(page, size)
    fields = tuple(one.field for one in proposal.fields)
    drawn = draw_fields(proposal.sheet, template.model_copy(update={"fields": fields, "fiducials": ()}))
    return fields, Image.fromarray(drawn)


def photograph(sheet: Pixels, px_per_mm: float) -> Pixels:
    """A phone's picture of a sheet on a desk, always the same."""
    color = sheet if sheet.ndim == 3 else cv2.cvtColor(sheet, cv2.COLOR_GRAY2RGB)
    return capture(
        color.astype(np.uint8),
        condition=Condition.PHOTO,
        strength=Strength.NORMAL,
        px_per_mm=px_per_mm,
        back=np.full_like(color, 255, dtype=np.uint8),
        rng=np.random.default_rng(0),
    ).pixels


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure what docproc proposes on blanks.")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the pictures there")
    options = parser.parse_args()
    view = Table("blank", "fields", "found", "%", "kinds right", "proposed", "others", "others %")
    for column in view.columns[1:]:
        column.justify = "right"
    for photographed in (False, True):
        sums = [0, 0, 0]
        for name, template, is_whole in blanks():
            fields, picture = proposed(template, photographed=photographed)
            best = [max(fields, key=lambda one, own=own: one.box.iou(own.box)) for own in template.fields if fields]
            pairs = [
                pair for pair in zip(template.fields, best, strict=False) if pair[0].box.iou(pair[1].box) >= LEAST_IOU
            ]
            kinds = sum((own.kind, own.cells, own.groups) == (one.kind, one.cells, one.groups) for own, one in pairs)
            others = len(fields) - len({one.name for _, one in pairs})
            sums = [total + more for total, more in zip(sums, (len(template.fields), len(pairs), kinds), strict=True)]
            title = f"{name}, photographed" if photographed else name
            view.add_row(
                title, str(len(template.fields)), str(len(pairs)), f"{len(pairs) / len(template.fields):.1%}",
                str(kinds), str(len(fields)), str(others),
                f"{others / max(len(fields), 1):.1%}" if is_whole else "to be seen",
            )  # fmt: skip
            if options.keep is not None:
                options.keep.mkdir(parents=True, exist_ok=True)
                picture.save(options.keep / f"{title}.png")
        view.add_section()
        view.add_row("all", str(sums[0]), str(sums[1]), f"{sums[1] / sums[0]:.1%}", str(sums[2]), "", "", "")
        view.add_section()
    Console(width=None if sys.stdout.isatty() else 140).print(view)
    return 0


if __name__ == "__main__":
    sys.exit(main())
