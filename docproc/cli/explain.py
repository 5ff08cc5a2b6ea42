"""`docproc explain`: how one page was read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docproc.cli.options import LinesFolder, ModelFolder, Ocr, ReviewBelow
from docproc.errors import PageError, TemplateError

HELP = """Show how a page was read: every picture on the way, and why each field was decided as it was.

\b
Examples:
  docproc explain scan.png -t template.yaml -o why
      All fields; open why/index.html.
  docproc explain scan.pdf --page 3 -t template.yaml --field total -o why
      One field of the third page.
  docproc explain crop.png --whole-image -o why
      The image is one number.

\b
Written to the output folder:
  page-fields.png  the page with each field's box and value: green accepted, amber to review, red rejected
  FIELD/*.png      the field cut out, its ink, its ink without rules, each glyph as the recognizer saw it
  index.html       all of it on one page, with the reasons
"""


def explain(
    scan: Annotated[Path, typer.Argument(metavar="PAGE", help="An image or a PDF.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the pictures.", show_default=False)
    ],
    template: Annotated[
        Path | None,
        typer.Option(
            "--template",
            "-t",
            metavar="PATH",
            help="The form's template, or a folder of them.  [default: template.yaml in the page's folder or above]",
        ),
    ] = None,
    field: Annotated[str | None, typer.Option(metavar="NAME", help="Explain this field alone.")] = None,
    page_number: Annotated[int, typer.Option("--page", min=1, metavar="N", help="Of a PDF or TIFF, from 1.")] = 1,
    whole_image: Annotated[bool, typer.Option("--whole-image", help="The image is one number.")] = False,
    review_below: ReviewBelow = None,
    model: ModelFolder = None,
    lines: LinesFolder = None,
    ocr: Ocr = False,
) -> None:
    """Parse, call `explain_page`, say what was read and where the pictures are."""
    if whole_image and template is not None:
        raise typer.BadParameter("--whole-image and --template exclude each other: name one.")
    from docproc.character.recognizer import load_recognizer
    from docproc.combination.line_reader import line_reader_beside, witness_beside
    from docproc.decision import Policy
    from docproc.explain import INDEX, explain_page
    from docproc.page import list_pages, load_page
    from docproc.rounding import chance
    from docproc.sources import find_sources
    from docproc.template import find_template, load_templates

    if scan.is_dir():
        raise PageError(f"{scan} is a folder.", remedy="Name one image or PDF in it.")
    refs = list_pages(find_sources([str(scan)])[0])
    if page_number > len(refs):
        raise PageError(f"{scan} has {len(refs)} pages, and no page {page_number}.", remedy="Name one that it has.")
    path = None if whole_image else template or find_template(scan.parent)
    templates = [] if path is None else list(load_templates([path]).values())
    if len(templates) == 1 and field is not None:
        templates[0].field(field)
    recognizer = load_recognizer(model)
    line_reader = line_reader_beside(recognizer, lines)
    policy = Policy((line_reader or recognizer).card.review_below if review_below is None else review_below)
    page = load_page(refs[page_number - 1])
    record = explain_page(
        page,
        templates,
        recognizer,
        policy,
        output,
        only=field,
        whole_image=whole_image,
        line_reader=line_reader,
        witness=witness_beside(line_reader) if ocr else None,
    )
    shown = [reading for reading in record.fields if field in (None, reading.name)]
    if field is not None and not shown:
        raise TemplateError(
            f"No field {field!r} was found on the page.",
            remedy=f"The page has: {', '.join(reading.name for reading in record.fields) or 'none'}.",
        )
    for reading in shown:
        why = f"  ({'; '.join(reading.reasons)})" if reading.reasons else ""
        sure = chance(reading.confidence, places=4)
        typer.echo(f"{reading.name}: {reading.text or 'blank'}  {reading.verdict.value}  {sure}{why}")
    if record.reasons:
        typer.echo(f"page: {record.verdict.value}  ({'; '.join(record.reasons)})")
    typer.echo(f"Pictures: {output / INDEX}")
