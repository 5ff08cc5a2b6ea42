"""`docproc template`: propose one from a blank form, say what may stand in it, and see how it lies on a scan."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.errors import OutputError, PageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from docproc.form.proposal import Proposal
    from docproc.page import Page
    from docproc.template import Template

app = typer.Typer(
    help="Make a template from a blank form, check one, or see what may stand in one.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

PRINTED_DPI = 300  #: Of a form that is drawn to be printed.
MOST_DOUBTS = 8  #: That are listed.

CHECK_HELP = """Check a template, and draw it on a scan.

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


DETECT_HELP = """Propose a template from a blank form: a field for every place to write.

Combs, boxes, table cells, and lines to write on are found and measured. Where RapidOCR is installed (pip install
'docproc[labels]'), fields are named by the print beside them, else by row and column. What is in doubt says so. Then
open the picture, delete what holds no digits, and set the names right.

\b
Examples:
  docproc template detect blank.png -o form.yaml
      From a scan of the whole sheet; its paper is told by its size.
  docproc template detect blank.pdf -o form.yaml
      From a PDF, which knows its size; from a PDF form, with the form's own fields and names.
  docproc template detect slip.jpg --paper 150x85 -o slip.yaml
      A sheet of 150 by 85 mm.
  docproc template detect blank.png filled/*.jpg -o form.yaml
      Three filled pages or more tell which places hold digits, and which words or nothing.

\b
Written beside one another:
  form.yaml         the template, a line a field; what to look at behind it
  form-blank.png    the sheet, straightened: the template's reference image
  form-fields.png   the sheet with all fields and their names: red, orange what to look at; gray what was left out
"""


@app.command("detect", help=DETECT_HELP)
def detect(
    blank: Annotated[
        Path, typer.Argument(metavar="BLANK", help="A blank form: an image or a PDF.", show_default=False)
    ],
    filled: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILLED]...",
            help="Filled pages of it, or folders of them: places for words, and unused ones, are left out.",
            show_default=False,
        ),
    ] = None,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Write the template here.", show_default=False)
    ],
    paper: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="a4, letter, ..., or WxH in mm.  [default: told by the image]"),
    ] = None,
    page_number: Annotated[int, typer.Option("--page", min=1, metavar="N", help="Of a PDF or TIFF, from 1.")] = 1,
    labels: Annotated[
        bool | None,
        typer.Option("--labels/--no-labels", help="Name fields by the print beside them.  [default: where possible]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a template that exists.")] = False,
) -> None:
    """Find the places, write the draft, say what to look at."""
    import numpy as np

    from docproc.decoding import form_fields
    from docproc.form.draft import draft_paths, write_draft
    from docproc.form.naming import read_labels, with_names
    from docproc.form.paper import Paper, paper_of, parse_paper
    from docproc.form.proposal import from_form, propose_fields
    from docproc.ocr import is_installed, require_ocr, upright_turn

    try:
        given = None if paper is None else parse_paper(paper)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--paper") from error
    kept = [path for path in (output, draft_paths(output).reference) if path.exists()]
    if kept and not force:
        raise OutputError(
            f"{kept[0]} exists, and may hold your own work.", remedy="Name another file with -o, or use --force."
        )
    if labels:
        require_ocr("Naming fields by their labels", extra="labels")
    labels = is_installed() if labels is None else labels
    page = _opened(blank, page_number)
    pdf_size, own = form_fields(blank, page_number - 1) or (None, ())
    with _busy("Which way up is it? Reading its print ..."):
        turn = upright_turn(page.pixels) if labels and not own else 0
    if turn:
        page = replace(page, pixels=np.ascontiguousarray(np.rot90(page.pixels, turn)))
        typer.echo(f"{blank.name}: turned by {90 * turn} degrees, so that its print is upright")
    if own and given is not None:
        raise typer.BadParameter("a PDF form knows its size: leave it out.", param_hint="--paper")
    paper_seen = Paper(pdf_size, "as the PDF says") if own and pdf_size else paper_of(page, given, in_file=pdf_size)
    size = paper_seen.size_mm
    with _busy("Looking for places to write ..."):
        proposal = propose_fields(page, size)
    if own:  # it says itself where its fields are, and their names
        proposal = replace(proposal, fields=from_form(own), left_out=(), boxes_left_out=())
    if not proposal.fields:
        raise PageError(
            f"{page.ref.source}: no place to write is found on this page.",
            remedy="Is it a form, whole, sharp, the right way up? What has neither boxes nor lines is for you to "
            "measure: `docproc template schema` says how a field is written.",
        )
    if labels and not own:
        with _busy("Reading the print beside them ..."):
            proposal = replace(proposal, fields=with_names(proposal.fields, read_labels(proposal.sheet, size)))
    draft = write_draft(proposal, size, output, blank=blank.name)
    if filled:
        with _busy("Reading filled pages ..."):
            proposal = _tried(proposal, draft.template, filled)
        draft = write_draft(proposal, size, output, blank=blank.name)
    doubtful = [proposed for proposed in proposal.fields if proposed.doubt]
    typer.echo(
        f"{draft.template}: {len(proposal.fields)} fields, {len(doubtful)} to look at\n"
        f"paper: {size[0]:g} x {size[1]:g} mm, {paper_seen.told}"
    )
    for proposed in doubtful[:MOST_DOUBTS]:
        typer.echo(f"  {proposed.field.name}: {proposed.doubt}")
    if len(doubtful) > MOST_DOUBTS:
        typer.echo(f"  and {len(doubtful) - MOST_DOUBTS} more, marked in the file")
    for sentence in proposal.left_out:
        typer.echo(f"left out: {sentence}")
    typer.echo(f"picture: {draft.picture}")
    typer.echo(
        "Next: set the names right, delete what you do not need, and see what is read:\n"
        f"  docproc template edit {draft.template} A_FILLED_PAGE"
    )


@contextmanager
def _busy(words: str) -> Iterator[None]:
    """Say what takes some seconds, where somebody watches."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(words):
        yield


def _tried(proposal: Proposal, draft: Path, filled: Sequence[str]) -> Proposal:
    """The proposal after a look at filled pages; which of them could not be used is said."""
    from docproc.character.recognizer import load_recognizer
    from docproc.drafting import judged, look_at
    from docproc.page import read_pages
    from docproc.template import load_template

    seen = look_at(read_pages(filled), load_template(draft), load_recognizer())
    for sentence in seen.passed_over:
        typer.echo(f"not used: {sentence}")
    if not seen.pages:
        return proposal
    fields, left_out = judged(proposal.fields, seen)
    typer.echo(f"filled pages: {seen.pages}")
    if not fields:
        return proposal
    return replace(proposal, fields=fields, left_out=(*proposal.left_out, *left_out))


LINT_HELP = """Say what in a form will cost accuracy, before a thousand of it are printed.

\b
Examples:
  docproc template lint form.yaml
"""


@app.command("lint", help=LINT_HELP)
def lint(
    template: Annotated[Path, typer.Argument(metavar="TEMPLATE", help="A template.yaml.", show_default=False)],
) -> None:
    """Print each advice with the fields that it is about."""
    from docproc.form.advice import advise
    from docproc.template import load_template

    advice = advise(load_template(template))
    for one in advice:
        typer.echo(one.sentence)
        if one.fields:
            more = f" and {len(one.fields) - MOST_DOUBTS} more" if len(one.fields) > MOST_DOUBTS else ""
            typer.echo(f"  {', '.join(one.fields[:MOST_DOUBTS])}{more}")
    if not advice:
        typer.echo(f"{template}: nothing to wish for.")


PRINT_HELP = """Draw the form that a template describes, to print it and have it filled.

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


@app.command("print", help=PRINT_HELP)
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
    typer.echo(f"{output}: {_size(loaded)}, {len(loaded.fields)} fields; print it at 100 %")
    relative = Path(os.path.relpath(image, template.parent)).as_posix()
    typer.echo(f"Next: put `reference: {relative}` into {template}, if its pages shall be printed from this.")


EDIT_HELP = """Draw and name a template's fields in the browser, on the picture of the form.

Fields are dragged, resized, split into boxes, repeated down a table, renamed, given rules, and tried on filled pages.
It saves the same file with its comments. The page is for this machine alone; Ctrl-C here ends it.

\b
Examples:
  docproc template edit form.yaml
      Edit, and save.
  docproc template edit form.yaml filled/*.jpg
      And see what is read on filled pages.
"""


@app.command("edit", help=EDIT_HELP)
def edit(
    template: Annotated[Path, typer.Argument(metavar="TEMPLATE", help="A template.yaml.", show_default=False)],
    filled: Annotated[
        list[str] | None, typer.Argument(metavar="[FILLED]...", help="Pages to try it on.", show_default=False)
    ] = None,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of 127.0.0.1; 0 for any that is free.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in your browser.")] = True,
) -> None:
    """Serve the editor until Ctrl-C."""
    from docproc.editor.server import serve

    def show(address: str) -> None:
        typer.echo(f"The editor of {template} is at\n  {address}\nCtrl-C ends it.")

    serve(template, filled or [], port=port, show=show, browser=browser)


@app.command("schema", help="Print the JSON schema of a template, for editors and other programs.")
def schema() -> None:
    """Print the JSON schema."""
    from docproc.template import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command("check", help=CHECK_HELP)
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
    typer.echo(f"{template}: sound, {len(loaded.fields)} fields on {_size(loaded)}")
    picture = _on_itself(loaded) if page is None else _on_page(_opened(page, page_number), loaded)
    if output is not None:
        _write(output, picture)
        typer.echo(f"picture: {output}")


def _size(template: Template) -> str:
    return f"{template.page.width_mm:g} x {template.page.height_mm:g} mm"


def _opened(path: Path, number: int) -> Page:
    from docproc.page import list_pages, load_page
    from docproc.sources import find_sources

    if path.is_dir():
        raise PageError(f"{path} is a folder.", remedy="Name one image or PDF in it.")
    refs = list_pages(find_sources([str(path)])[0])
    if number > len(refs):
        raise PageError(f"{path} has {len(refs)} pages, and no page {number}.", remedy="Name one that it has.")
    return load_page(refs[number - 1])


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
