"""`docproc bench`: how fast is docproc on this machine?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from docproc.benchmark.measure import Measured

HELP = """Measure how fast docproc is on this machine, with one process and with one for each core.

Draws A4 pages of 300 dpi with 40 handwritten digits each, once, and keeps them; then reads them as `process` does.

\b
Examples:
  docproc bench
      200 pages; some minutes, the first time with their drawing.
  docproc bench -n 40 --json
      A quick look, for programs.

\b
What it prints, for each number of processes:
  pages a minute     while they are read: how long a folder of yours will take
  CPU a page         of all processes together, start and tables included
  over decoding      the same, times the CPU of only decoding such a page: the least that anything can take is 1
  memory             of the largest process that reads, during the first and the last tenth of the pages
  first record       from the start of the program
  all of it          to the last table
"""


def bench(
    count: Annotated[int, typer.Option("--count", "-n", min=10, metavar="N", help="Pages to read.")] = 200,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Most processes; one for each core, unless told.")
    ] = None,
    pages: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where pages are kept; in your folder of caches, unless told (0.8 MB each)."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
) -> None:
    """Draw what is missing, read, print."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from docproc.benchmark.measure import measure
    from docproc.benchmark.pages import drawn_folder
    from docproc.engine import available_cores

    most = jobs or available_cores()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    with bar:
        drawing = bar.add_task("drawing pages", total=count)
        folder = drawn_folder(count, pages, on_page=lambda done: bar.update(drawing, completed=done))
        bar.remove_task(drawing)
        reading = bar.add_task("", total=None)
        measured = measure(
            folder,
            jobs=sorted({1, most}),
            progress=lambda doing: bar.update(reading, description=doing),
        )
    if as_json:
        typer.echo(json.dumps(measured.as_dict()))
        return
    console = Console()
    console.print(_table(measured))
    console.print(f"Decoding a page, and nothing else, takes {measured.decoding_ms:.0f} ms of CPU.")


def _table(measured: Measured) -> Table:
    from rich.table import Table

    runs = measured.runs
    one = runs[0]
    rows = {
        "pages a minute": [f"{run.pages_a_minute:,.0f}" for run in runs],
        "times one process": [f"{run.pages_a_minute / one.pages_a_minute:.2f}" for run in runs],
        "CPU a page": [f"{run.cpu_ms:.0f} ms" for run in runs],
        "over decoding": [f"{run.cpu_ms / measured.decoding_ms:.1f}" for run in runs],
        "memory": [f"{run.early_mb:.0f}, {run.late_mb:.0f} MB" if run.late_mb else "-" for run in runs],
        "first record": [f"{run.first_s:.1f} s" for run in runs],
        "all of it": [f"{run.whole_s:.1f} s" for run in runs],
    }
    table = Table("", *(f"{run.jobs} process{'es' * (run.jobs > 1)}" for run in runs))
    for column in table.columns[1:]:
        column.justify = "right"
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table
