"""The command line: one file a verb group; each parses, calls one function, prints, exits.

Heavy imports stand inside the verbs, and help is plain text (rich alone takes a tenth of a second to load):
`docproc --help` must answer in under 0.3 s.
"""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperGroup

from docproc import __version__
from docproc.cli import (
    audit,
    bench,
    compare,
    evaluate,
    explain,
    export,
    history,
    process,
    review,
    serve,
    status,
    synthesize,
    template,
    train,
    train_lines,
)
from docproc.errors import DocprocError

GUIDE = """Read handwritten numbers off scanned forms.

\b
First steps:
  docproc process scans -o results                        find the boxes on each page and read them
  docproc process scans -t template.yaml -o results       read the fields that a template names
  docproc template check template.yaml scan.png -o x.png  see a template drawn on a scan

Results are tables: results/forms.xlsx for people, results/fields.csv for programs.
Each field is accepted, to review, or rejected, with its reasons.
"""

VERBS = (
    "process", "status", "review", "audit", "export", "history", "serve", "template", "explain", "evaluate",
    "synthesize", "train", "train-lines", "compare", "bench",
)  # fmt: skip
"""In the order in which they are learned."""


class _InOrder(TyperGroup):
    """Help lists the verbs as they are learned; typer by itself puts groups of verbs last."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return sorted(super().list_commands(ctx), key=VERBS.index)


app = typer.Typer(
    name="docproc",
    cls=_InOrder,
    help=GUIDE,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"docproc {__version__}")
        raise typer.Exit


@app.callback()
def _docproc(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


# One line a verb, or group of verbs; VERBS has their order.
app.command("process", help=process.HELP)(process.process)
app.command("status", help=status.HELP)(status.status)
app.command("review", help=review.HELP)(review.review)
app.command("audit", help=audit.HELP)(audit.audit)
app.command("export", help=export.HELP)(export.export)
app.command("history", help=history.HELP)(history.history)
app.command("serve", help=serve.HELP)(serve.serve)
app.add_typer(template.app, name="template")
app.command("explain", help=explain.HELP)(explain.explain)
app.command("evaluate", help=evaluate.HELP)(evaluate.evaluate)
app.command("synthesize", help=synthesize.HELP)(synthesize.synthesize)
app.command("train", help=train.HELP)(train.train)
app.command("train-lines", help=train_lines.HELP)(train_lines.train_lines)
app.command("compare", help=compare.HELP)(compare.compare)
app.command("bench", help=bench.HELP)(bench.bench)


def main() -> None:
    """Run the command line; the one place that turns errors into words and exit codes.

    A fault that is not the user's passes through: Python prints its traceback and exits with 1.
    """
    try:
        app()
    except DocprocError as error:
        typer.secho(f"docproc: {error.message}", fg=typer.colors.RED, err=True)
        typer.echo(f"  {error.remedy}", err=True)
        raise SystemExit(error.exit_code) from error
