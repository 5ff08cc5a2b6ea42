"""`docproc status`: how far a batch is."""

from __future__ import annotations

import json
from typing import Annotated

import typer

HELP = """Say how far a batch is: pages read, waiting, failed. Also while it runs; of one in the cloud, as of the last
copy of its ledger, some minutes ago.

\b
Examples:
  docproc status results
  docproc status results --json
  docproc status s3://clinic/results
"""


def status(
    results: Annotated[
        str, typer.Argument(metavar="DIR", help="A folder of results, as named with -o.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
) -> None:
    """Count the ledger's pages, tell of its last run."""
    from docproc.ledger import read_ledger
    from docproc.upload import ledger_folder

    with ledger_folder(results) as folder, read_ledger(folder) as ledger:
        counts, runs = ledger.counts(), ledger.runs()
    last = runs[-1] if runs else None
    states = {name: getattr(counts, name) for name in ("done", "pending", "running", "failed", "quarantined")}
    if as_json:
        run = None if last is None else {"started_at": last.started_at, "ended_at": last.ended_at, "pid": last.pid}
        typer.echo(json.dumps({"pages": counts.pages, **states, "runs": len(runs), "last_run": run}))
        return
    words = {
        "done": "read",
        "pending": "to be read",
        "running": "being read, or in hand when a run was killed",
        "failed": "could not be read: see errors.csv",
        "quarantined": "set aside: they took the program down, or too long",
    }
    typer.echo(f"{results}: {counts.pages:,} pages")
    for state, count in states.items():
        if count:
            typer.echo(f"{count:>10,}  {words[state]}")
    if last is not None:
        ended = (
            f"ended {last.ended_at}"
            if last.ended_at
            else f"goes on, or was killed (process {last.pid} on {last.host})"
        )
        typer.echo(f"run {len(runs)} began {last.started_at}, {ended}")
    if counts.pending or counts.running:
        typer.echo("Next: the same `docproc process` command goes on with the rest.")
