"""`docproc template detect`: propose a template from a blank form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.cli.template.sheet import open_page
from docproc.errors import OutputError, PageError

if TYPE_CHECKING:
    from docproc.form.proposal import Proposal

MOST_DOUBTS = 8  #: That are listed.

HELP = """Propose a template from a blank form: a field for every place to write.

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
  docproc template detect photo.jpg --paper a4 -o form.yaml
      From a photograph: the sheet, whole, on something darker.
  docproc template detect blank.png filled/*.jpg -o form.yaml
      Three filled pages or more tell which places hold digits, and which words or nothing.

\b
Written beside one another:
  form.yaml         the template, a line a field; what to look at behind it
  form-blank.png    the sheet, straightened: the template's reference image
  form-fields.png   the sheet with all fields and their names: red, orange what to look at; gray what was left out
"""


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
    from docproc.form.paper import PAPERS, Paper, on_its_background, paper_of, parse_paper
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
    page = open_page(blank, page_number)
    pdf_size, own = form_fields(blank, page_number - 1) or (None, ())
    flat = None if own else on_its_background(page, given)
    if flat is not None:
        page, pdf_size = flat.page, None
        typer.echo(f"{blank.name}: the sheet is found on its background, and straightened")
        if given is not None and flat.looks_like and sorted(PAPERS[flat.looks_like]) != sorted(given):
            typer.echo(f"{blank.name}: it has the shape of {flat.looks_like}; is {paper} right?")
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
