"""`docproc template edit`: draw and name a template's fields in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Draw and name a template's fields in the browser, on the picture of the form.

Fields are dragged, resized, split into boxes, repeated down a table, renamed, given rules, and tried on filled pages.
It saves the same file with its comments. The page is for this machine alone; Ctrl-C here ends it.

\b
Examples:
  docproc template edit form.yaml
      Edit, and save.
  docproc template edit form.yaml filled/*.jpg
      And see what is read on filled pages.
"""


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
