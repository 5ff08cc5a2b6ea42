"""`docproc template print`: draw the form that a template describes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from docproc.cli.template.sheet import size_in_words
from docproc.errors import OutputError

PRINTED_DPI = 300  #: Of a form that is drawn to be printed.

HELP = """Draw the form that a template describes, to print it and have it filled.

Boxes are pale red, which the reader takes away again; titles, labels and fiducials are black. Where the template has
a `code`, a QR code of it is drawn in a free corner, by which pages find the template.

\b
Examples:
  docproc template print form.yaml -o form.pdf
      Print it at 100 %, not fitted to the page.

\b
Written beside one another:
  form.pdf   to print
  form.png   the same as an image: name it as the template's `reference`
"""


def print_form(
    template: Annotated[Path, typer.Argument(metavar="TEMPLATE", help="A template.yaml.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.pdf", help="Write the form here.", show_default=False)
    ],
) -> None:
    """Draw, write PDF and image, say what to do with them."""
    from PIL import Image

    from docproc.synthesis.printable import draw_printable
    from docproc.template import load_template

    if output.suffix.lower() != ".pdf":
        raise typer.BadParameter("name a file that ends in .pdf.", param_hint="--output")
    loaded = load_template(template, reference_must_exist=False)
    picture = Image.fromarray(draw_printable(loaded, dpi=PRINTED_DPI))
    image = output.with_suffix(".png")
    try:
        picture.save(output, resolution=PRINTED_DPI, quality=95, title=loaded.name)
        picture.reduce(2).save(image, dpi=(PRINTED_DPI / 2, PRINTED_DPI / 2))
    except OSError as error:
        raise OutputError(
            f"{output}: cannot write the form ({error.strerror or error}).",
            remedy="Name a file in a folder that exists and may be written to.",
        ) from error
    typer.echo(f"{output}: {size_in_words(loaded)}, {len(loaded.fields)} fields; print it at 100 %")
    relative = Path(os.path.relpath(image, template.parent)).as_posix()
    typer.echo(f"Next: put `reference: {relative}` into {template}, if its pages shall be printed from this.")
