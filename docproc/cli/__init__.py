"""The command line: one file a verb group; each parses, calls one function, prints, exits.

Heavy imports stand inside the verbs: `docproc --help` must answer in under 0.3 s.
"""

from __future__ import annotations

import typer

from docproc.cli.evaluate import evaluate
from docproc.errors import DocprocError

app = typer.Typer(
    name="docproc",
    help="Read handwritten numbers off scanned forms.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(evaluate)


def main() -> None:
    """Run the command line; the one place that turns errors into words and exit codes."""
    try:
        app()
    except DocprocError as error:
        typer.secho(f"docproc: {error.message}", fg=typer.colors.RED, err=True)
        typer.echo(f"  {error.remedy}", err=True)
        raise SystemExit(error.exit_code) from error
