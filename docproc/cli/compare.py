"""`docproc compare`: well-known methods and the shipped model, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.cli.options import ModelFolder
from docproc.cli.quiet import native_messages_muted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from docproc.training.comparison.scores import Result

HELP = """Compare ways to read a digit on MNIST: train four well-known ones, and measure them and the shipped model.

Logistic regression, an SVM, a dense network and a small CNN learn from MNIST's training digits; all, and the shipped
model, are measured on its test digits.

\b
Examples:
  docproc compare --mnist mnist.npz -o comparison
      On all of MNIST; about ten minutes.
  docproc compare --mnist mnist.npz -o comparison --quick
      A look in about a minute, on a part of the digits.

\b
Results in the output folder:
  compare.html   the report: table, plots, mistakes; one file, opens in any browser
  compare.csv    its table, one row a method; passed: reaches the highest figure published for its kind
"""


def compare(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the report.", show_default=False)
    ],
    mnist: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="mnist.npz with x_train, y_train, x_test, y_test; else downloaded by Keras."
        ),
    ] = None,
    model: ModelFolder = None,
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed gives the same figures on one machine, but for times.")
    ] = 2026,
    quick: Annotated[bool, typer.Option("--quick", help="A part of the digits only, and few epochs.")] = False,
) -> None:
    """Train and measure, telling what is being done; then print the table."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from docproc.training.comparison.compare import PAGE_NAME, Plan
    from docproc.training.comparison.compare import compare as compare_methods
    from docproc.training.comparison.tables import percent

    plan = Plan(output=output, mnist=mnist, model=model, seed=seed, quick=quick)
    console = Console()
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
        console=console, transient=True,
    )  # fmt: skip
    with native_messages_muted(), bar:
        task = bar.add_task("reading digits", total=None)

        def begin(name: str) -> None:
            bar.reset(task, description=name, total=None)

        def done(result: Result) -> None:
            console.print(f"{result.method.name}: {percent(result.accuracy)} right")

        results = compare_methods(
            plan, begun=begin, progress=lambda share: bar.update(task, total=1.0, completed=share), done=done
        )
    console.print(_table(results))
    if quick:
        console.print("A quick look, on a part of the digits: not to be compared with published figures.")
    console.print(f"{output / PAGE_NAME}: the report", soft_wrap=True)


def _table(results: Sequence[Result]) -> Table:
    """Narrow enough for a terminal of 80 columns; the rest is in the report."""
    from rich.table import Table

    from docproc.training.comparison.tables import duration, percent, size, speed

    table = Table("", "right", "F1", "trained in", "digits/s", "size", "published")
    for column in table.columns[1:]:
        column.justify = "right"
    for result in results:
        table.add_row(
            result.method.name,
            percent(result.accuracy),
            percent(result.macro[-1]),
            duration(result.method.training_s),
            speed(result.digits_per_s),
            size(result.method.size_bytes),
            "\n".join(percent(one.accuracy) for one in result.published),
        )
    return table
