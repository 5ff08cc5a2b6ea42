"""`docproc template`: propose one from a blank form, say what may stand in it, and see how it lies on a scan.

One file a verb; sheet.py has what several of them do with a page and its size.
"""

from __future__ import annotations

import typer

from docproc.cli.template import check, detect, edit, lint, print, schema

app = typer.Typer(
    help="Make a template from a blank form, check one, or see what may stand in one.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

# One line a verb, in the order in which help lists them.
app.command("detect", help=detect.HELP)(detect.detect)
app.command("lint", help=lint.HELP)(lint.lint)
app.command("print", help=print.HELP)(print.print_form)
app.command("edit", help=edit.HELP)(edit.edit)
app.command("schema", help=schema.HELP)(schema.schema)
app.command("check", help=check.HELP)(check.check)
