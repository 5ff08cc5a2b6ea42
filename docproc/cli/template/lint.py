"""`docproc template lint`: what in a form will cost accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MOST_FIELDS = 8  #: That are listed with an advice.

HELP = """Say what in a form will cost accuracy, before a thousand of it are printed.

\b
Examples:
  docproc template lint form.yaml
"""


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
            more = f" and {len(one.fields) - MOST_FIELDS} more" if len(one.fields) > MOST_FIELDS else ""
            typer.echo(f"  {', '.join(one.fields[:MOST_FIELDS])}{more}")
    if not advice:
        typer.echo(f"{template}: nothing to wish for.")
