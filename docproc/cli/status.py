"""`docproc status`: how far a batch is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from docproc.progress import Progress

HELP = """Say how far a batch is: pages read, waiting, failed; what is left to look at, and what people have done so
far. Also while it runs; of one in the cloud, as of the last copy of its ledger, some minutes ago. What is left is
counted whenever the tables are made, and it is said when that was. Where an audit was drawn, what it shows: see
`docproc audit`.

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
    from docproc.audit import statement
    from docproc.ledger import read_ledger
    from docproc.progress import progress_of
    from docproc.report.wording import second
    from docproc.storage import is_url
    from docproc.upload import ledger_folder

    with ledger_folder(results) as folder, read_ledger(folder) as ledger:
        is_running: bool | None
        counts, runs, is_running = ledger.counts(), ledger.runs(), ledger.is_running()
        audit = statement(ledger)
        progress = progress_of(ledger, audit)
    if is_url(results):
        is_running = None  # nothing there tells
    last = runs[-1] if runs else None
    states = {name: getattr(counts, name) for name in ("done", "pending", "running", "failed", "quarantined")}
    if as_json:
        run = None if last is None else {"started_at": last.started_at, "ended_at": last.ended_at, "pid": last.pid}
        told = {"pages": counts.pages, **states, "runs": len(runs), "is_running": is_running, "last_run": run}
        told["review"] = progress.as_dict()
        told["audit"] = None if audit is None else audit.as_dict()
        typer.echo(json.dumps(told))
        return
    words = {
        "done": "read",
        "pending": "to be read",
        "running": "being read" if is_running else "in hand when a run was stopped: to be read again",
        "failed": "could not be read: see errors.csv",
        "quarantined": "set aside: they took the program down, or too long",
    }
    typer.echo(f"{results}: {counts.pages:,} page{'s' * (counts.pages != 1)}")
    for state, count in states.items():
        if count:
            typer.echo(f"{count:>10,}  {words[state]}")
    if last is not None:
        goes_on = {True: "goes on", False: "was stopped", None: "goes on, or was stopped"}[is_running]
        ended = (
            f"ended {second(last.ended_at)}" if last.ended_at else f"{goes_on} (process {last.pid} on {last.host})"
        )
        typer.echo(f"run {len(runs)} began {second(last.started_at)}, {ended}")
    for line in _of_the_review(progress):
        typer.echo(line)
    if audit is not None:
        typer.echo(audit.sentence)
    if not is_running and (counts.pending or counts.running or (last is not None and not last.ended_at)):
        typer.echo("Next: the same `docproc process` command goes on with the rest.")


def _of_the_review(progress: Progress) -> Iterator[str]:
    from docproc.export.rows import threshold
    from docproc.report.wording import second

    left = progress.to_look_at
    if left is None:
        yield "to look at: known once the tables are made, at the end of a run"
    else:
        things = [(left.fields, "field"), (left.pages, "whole page")]
        told = " and ".join(_counted(count, thing) for count, thing in things if count) or "nothing"
        since = [(left.answers_since, "answer"), (left.pages_since, "page")]
        more = " and ".join(_counted(count, thing) for count, thing in since if count)
        yield f"to look at: {told}, as of {second(left.as_of)}{f'; {more} more since' if more else ''}"
        if left.unreadable:
            yield f"unreadable: {_counted(left.unreadable, 'field')}, given up by people"
        if left.review_below is not None:
            yield f"accepted: fields of a confidence of {threshold(left.review_below)} and more"
    if progress.target_error is not None:
        expected = None if left is None else left.expected_error
        known = "" if expected is None else f"; as far as is known, {expected:.2%} are"
        yield f"target: at most {100 * progress.target_error:g}% of the accepted fields wrong{known}"
    if progress.keyed:
        yield f"keyed unseen: {_counted(progress.keyed, 'field')}, {progress.keyed_twice:,} of them by two persons"
    for one in progress.people:
        done = [(one.corrected, "corrected"), (one.confirmed, "confirmed"), (one.unreadable, "found unreadable")]
        yield f"{one.who}: {', '.join(f'{count:,} {what}' for count, what in done if count)}"


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"
