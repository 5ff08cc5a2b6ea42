"""`docproc template check`: is a template sound, and where does it lie on a scan?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.cli.template.sheet import open_page, size_in_words
from docproc.errors import OutputError, PageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from docproc.page import Page
    from docproc.template import Template

HELP = """Check a template, and draw it on a scan.

\b
Examples:
  docproc template check template.yaml
      Is the file sound?
  docproc template check template.yaml -o overlay.png
      Draw the fields on the reference image, or on a white sheet.
  docproc template check template.yaml scan.jpg -o overlay.png
      Find the form on a scan and draw the fields there.

\b
In the picture:
  blue    the sheet and its fiducials
  red     each field, its boxes and its name, where docproc will read it
  orange  where the field would be if the paper were flat
"""


def check(
    template: Annotated[Path, typer.Argument(metavar="TEMPLATE", help="A template.yaml.", show_default=False)],
    page: Annotated[
        Path | None, typer.Argument(metavar="PAGE", help="An image or a PDF to find the form on.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the picture here (PNG).", show_default=False),
    ] = None,
    page_number: Annotated[int, typer.Option("--page", min=1, metavar="N", help="Of a PDF or TIFF, from 1.")] = 1,
) -> None:
    """Load the template, lay it on the page if there is one, draw, say how it went."""
    from docproc.template import load_template

    loaded = load_template(template)
    typer.echo(f"{template}: sound, {len(loaded.fields)} fields on {size_in_words(loaded)}")
    picture = _on_itself(loaded) if page is None else _on_page(open_page(page, page_number), loaded)
    if output is not None:
        _write(output, picture)
        typer.echo(f"picture: {output}")


def _on_itself(template: Template) -> npt.NDArray[np.uint8]:
    """The template on its own reference image, or on a white sheet."""
    from docproc.form.features import load_reference
    from docproc.form.location import LocatedField
    from docproc.form.overlay import draw_template, white_sheet

    reference = load_reference(template)
    if reference is None:
        pixels, image_from_form = white_sheet(template)
    else:
        pixels, image_from_form = reference.gray, reference.reference_from_form
    located = [LocatedField(field, image_from_form) for field in template.fields]
    return draw_template(pixels, template, image_from_form, located)


def _on_page(page: Page, template: Template) -> npt.NDArray[np.uint8]:
    """The template where it was found on the page.

    Raises
    ------
    PageError
        If it was not found.
    """
    from docproc.form.overlay import draw_template
    from docproc.form.registration import Unregistered, register

    found = register(page, template)
    if isinstance(found, Unregistered):
        raise PageError(
            f"{page.ref.source}: the form {template.name!r} is not found on this page: {found.detail}.",
            remedy="Check that page and template belong together and that the whole sheet is in the picture, sharp; "
            "`docproc template check TEMPLATE -o FILE` without a page draws the template alone.",
        )
    typer.echo(
        f"{page.ref.source}: found, right to {found.residual_mm:.2f} mm ({template.tolerance_mm:g} mm allowed); "
        f"{found.share:.0%} of the print looked for is there"
    )
    return draw_template(page.pixels, template, found.page_from_form, found.located)


def _write(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    from PIL import Image

    try:
        Image.fromarray(picture).save(path, format="PNG")
    except OSError as error:
        raise OutputError(
            f"{path}: cannot write the picture ({error.strerror or error}).",
            remedy="Name a file in a folder that exists and may be written to.",
        ) from error
