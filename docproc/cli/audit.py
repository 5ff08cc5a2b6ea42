"""`docproc audit`: how sure one may be of the accepted fields."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from docproc.cli.options import share

HELP = """How sure may you be of the fields that were accepted and that nobody has looked at? Draw a random sample,
have people look at it, and sign what it shows.

With --bound or -n a sample is drawn, once. Its fields come up in `docproc review` among the doubtful ones, and
nothing tells them apart: draw it before the review, or while it goes on. What people find wrong is corrected like
anything else. When all have been looked at, `docproc audit DIR` and `docproc status DIR` print the sentence:

\b
  Of 12,345 fields that were accepted unseen, 598 drawn at random were looked at by 2 people between 2026-03-01 and
  2026-03-02; 0 were wrong. With 95 % confidence at most 0.50 % of the accepted fields are wrong.

The bound is Clopper and Pearson's, one-sided. It is for the fields that were accepted when the sample was drawn.

\b
Examples:
  docproc audit results --bound 0.5%
      So many fields that, if none is found wrong, at most 0.5 % of all accepted ones are: 598, or all if there are
      fewer. Where some may be wrong, take more: -n 947 shows the same with one wrong field.
  docproc audit results
      What it shows, or how many are still to be looked at.
"""


def audit(
    results: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of results, as named with -o.", show_default=False)
    ],
    bound: Annotated[
        float | None,
        typer.Option(parser=share, metavar="X%", help="Draw as many as show this, if none of them is wrong."),
    ] = None,
    count: Annotated[int | None, typer.Option("-n", min=1, metavar="COUNT", help="Draw so many.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Draw another sample beside an earlier one, of which the sentence tells.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
) -> None:
    """Draw a sample, or say what the last one shows."""
    if bound is not None and count is not None:
        raise typer.BadParameter("--bound and -n exclude each other: name one.")
    if again and bound is None and count is None:
        raise typer.BadParameter("--again draws a sample: add --bound or -n.")
    from docproc.audit import statement
    from docproc.bound import sample_size, upper_bound
    from docproc.ledger import read_ledger
    from docproc.rounding import percent_up
    from docproc.sampling import draw_audit

    is_drawn = bound is not None or count is not None
    if is_drawn:
        with _progress(sys.stderr.isatty() and not as_json) as progress:
            told = draw_audit(results, bound=bound, count=count, again=again, progress=progress)
    else:
        with read_ledger(results) as ledger:
            found = statement(ledger)
        if found is None:
            _say_none(results, as_json)
            return
        told = found
    if as_json:
        typer.echo(json.dumps(told.as_dict()))
        return
    if not is_drawn:
        typer.echo(told.sentence)
    elif told.drawn == told.accepted:
        why = ": fewer would not show as much" if count is None else ""
        typer.echo(f"All {told.accepted:,} fields that were accepted unseen are drawn{why}.")
    else:
        typer.echo(f"{told.drawn:,} of {told.accepted:,} fields that were accepted unseen are drawn.")
        shown = [percent_up(upper_bound(wrong, told.drawn)) for wrong in (0, 1) if wrong < told.drawn]
        typer.echo(f"If none of them is wrong, at most {shown[0]} of all are; if one is, {shown[-1]}.")
        more = 0 if bound is None else sample_size(bound, wrong=1)
        if bound is not None and more < told.accepted:
            typer.echo(
                f"To show {percent_up(bound)} with one wrong field, {more:,} would have to be drawn: -n {more}."
            )
    if told.left:
        typer.echo(f"Next: docproc review {results}; they come among the doubtful fields, unmarked.")


def _say_none(results: Path, as_json: bool) -> None:
    none = f"No audit of {results} has been drawn.\nNext: docproc audit {results} --bound 0.5%"
    typer.echo("null" if as_json else none)


@contextmanager
def _progress(shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, of the pages that fields are cut out of."""
    if not shown:
        yield lambda done, pages: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("drawing", total=None)
        yield lambda done, pages: bar.update(task, completed=done, total=pages)
