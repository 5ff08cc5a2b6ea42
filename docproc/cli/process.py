"""`docproc process`: the main job."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.cli.options import Jobs, LinesFolder, ModelFolder, Ocr, ReviewBelow, TargetError
from docproc.errors import EXIT_INTERRUPTED, EXIT_SOME_PAGES_FAILED

if TYPE_CHECKING:
    from docproc.summary import Summary

HELP = """Read scanned forms into a spreadsheet.

INPUT is any number of images, PDFs, folders (with all that is below them) and globs. Inputs, templates and results
may be in the cloud, as s3://BUCKET/PREFIX (pip install 'docproc[s3]') or gs://BUCKET/PREFIX ('docproc[gcs]').

\b
Examples:
  docproc process scans -o results
      Find ruled boxes, combs and table cells on each page and read them.
      A template.yaml in a folder serves the pages below that folder.
  docproc process scans/*.tif more.pdf -t form.yaml -o results
      Read the fields that form.yaml names.
  docproc process mixed -t forms -o results
      Pages of several forms, mixed and turned: each finds its template in the folder forms.
      Fronts and backs of one paper, too: their templates say so, and what is missing is told.
  docproc process crops --whole-image -o results
      Each image is one number, cut out elsewhere.
  docproc process inbox -o results --watch
      Go on with what a scanner drops into the folder, and keep the results up to date, until Ctrl-C.
  docproc process s3://clinic/scans -o s3://clinic/results
      The same from and to the cloud. Credentials and endpoint are the provider's own: AWS_PROFILE and so on.
  docproc process scans -o results --review-below 0.99
      Accept less unseen: more fields to review, fewer wrong ones among the rest.
  docproc process scans -o results --target-error 0.5%
      Accept as much as keeps the wrong values among the accepted under 0.5 %. The threshold follows from the batch,
      and moves with what people find in `docproc review`. Another target reads no page again. `docproc audit` shows
      by a sample whether it is kept.

The same command goes on where it was interrupted, or reads what has come to the folder since: pages that were read
with the same template and settings are not read again.

\b
Results in the output folder:
  forms.xlsx   one row a page, one column a field; doubtful cells are colored,
               and the sheet `review` shows their pictures
  forms.csv    the same table, plain
  fields.csv   one row a field: value, confidence, status, reasons, place
  errors.csv   what could not be read, and why
  report.html  one page to print or mail: what was read, how much needs eyes,
               how sure, the worst pages
  ledger.sqlite  the batch's memory: `docproc status` tells what is in it

\b
Exit codes:
  0 every page has a record      10 done, but some pages failed (errors.csv)
  2 usage  3 template  4 nothing to read  5 model  6 ledger  7 output  8 an extra is needed
  130 interrupted  1 a fault in docproc
"""


LEFT_OUT = "of earlier runs: name them, too, to have them in the tables"
MOST_ENDINGS = 5  #: Of files that are not read, by name; --json has all.


class _Retry(StrEnum):
    FAILED = "failed"


class _Engine(StrEnum):
    SERIAL = "serial"
    PROCESSES = "processes"
    RAY = "ray"


def process(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", show_default=False)],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.", show_default=False)
    ],
    template: Annotated[
        list[str] | None,
        typer.Option(
            "--template",
            "-t",
            metavar="PATH",
            help="A template, or a folder of them; may be repeated. Of several, each page finds its own.",
        ),
    ] = None,
    whole_image: Annotated[
        bool, typer.Option("--whole-image", help="Every image is one number; its field is called value.")
    ] = False,
    review_below: ReviewBelow = None,
    target_error: TargetError = None,
    jobs: Jobs = None,
    engine: Annotated[
        _Engine | None,
        typer.Option(
            help="Where pages are read: in this process, in processes of this machine, or on the nodes of a Ray "
            "cluster (pip install 'docproc[ray]').  [default: by the number of pages]"
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="A Ray cluster that runs already; `auto` is the one this machine belongs to. All nodes have to see "
            "the pages, and the folder that docproc is started in, under the same paths.  [default: one is started "
            "on this machine]",
        ),
    ] = None,
    page_timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="A page that takes longer, twice, is set aside by name.")
    ] = 120,
    model: ModelFolder = None,
    lines: LinesFolder = None,
    ocr: Ocr = False,
    retry: Annotated[
        _Retry | None, typer.Option(help="Read pages again that failed in an earlier run.", show_choices=True)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Read all pages again.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: read pages as they come to INPUT. Ctrl-C ends it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Parse, call `process_batch`, print its summary, exit."""
    if whole_image and template:
        raise typer.BadParameter("--whole-image and --template exclude each other: name one.")
    if target_error is not None and review_below is not None:
        raise typer.BadParameter("--target-error and --review-below exclude each other: name one.")
    if address and engine is not _Engine.RAY:
        raise typer.BadParameter("--address is that of a Ray cluster: add --engine ray.")
    from docproc.batch import process_batch
    from docproc.engine import engine_named
    from docproc.storage import is_url
    from docproc.upload import results_at

    if watch and any(map(is_url, (*inputs, output))):
        raise typer.BadParameter("--watch is for folders of this machine.")
    chosen = None
    if engine is not None:
        chosen = engine_named(engine.value, jobs=jobs, page_timeout_s=page_timeout, address=address)
    try:
        with (
            _terminable(watch),
            results_at(output) as place,
            _progress_bar(sys.stderr.isatty() and not as_json) as progress,
        ):
            summary = process_batch(
                inputs,
                place.folder,
                template_paths=template or (),
                whole_image=whole_image,
                review_below=review_below,
                target_error=target_error,
                model_dir=model,
                lines_dir=lines,
                ocr=ocr,
                engine=chosen,
                jobs=jobs,
                page_timeout_s=page_timeout,
                retry_failed=retry is not None,
                force=force,
                progress=place.watched(progress),
                watched=partial(_say_what_came, inputs) if watch else None,
            )
    except KeyboardInterrupt:
        raise _interrupted(output) from None
    if is_url(output):
        summary = replace(summary, output=output.rstrip("/"))
    _print_failures(summary)
    if as_json:
        typer.echo(json.dumps(summary.as_dict(), ensure_ascii=True))
    else:
        print_summary(summary)
    if summary.pages + summary.failed < summary.pages_expected:
        raise _interrupted(output)
    if summary.failed:
        raise typer.Exit(EXIT_SOME_PAGES_FAILED)


def _interrupted(output: str) -> typer.Exit:
    typer.echo(
        f"docproc: interrupted; what was read is kept in {output}, and the same command goes on with the rest.",
        err=True,
    )
    return typer.Exit(EXIT_INTERRUPTED)


@contextmanager
def _terminable(watch: bool) -> Iterator[None]:
    """While pages are watched for, SIGTERM, by which services are stopped, is as good as Ctrl-C."""
    if not watch:
        yield
        return
    earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _say_what_came(inputs: list[str], summary: Summary) -> None:
    """One line each time that the tables were made."""
    told = f"{summary.pages:,} read, {summary.pages_to_review:,} to review, {summary.failed:,} failed"
    typer.echo(f"docproc: pages: {told}; watching {', '.join(inputs)}; Ctrl-C ends it", err=True)


@contextmanager
def _progress_bar(shown: bool) -> Iterator[Callable[[Summary], None] | None]:
    """A bar with pages, pages a second and pages to review, on stderr; None where nobody watches."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pages  {task.fields[rate]:.1f} a second  {task.fields[review]} to review"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("pages", total=None, rate=0.0, review=0)

        def advance(so_far: Summary) -> None:
            bar.update(
                task,
                completed=so_far.pages + so_far.failed,
                total=so_far.pages_expected,
                rate=so_far.pages_per_second,
                review=so_far.pages_to_review,
                visible=so_far.pages + so_far.failed < so_far.pages_expected,
            )

        yield advance


def _print_failures(summary: Summary) -> None:
    """One line a page that failed, up to a screenful."""
    for failure in summary.failures:
        typer.secho(f"docproc: {failure.message} {failure.remedy}", fg=typer.colors.RED, err=True)
    if summary.failed > len(summary.failures):
        more = summary.failed - len(summary.failures)
        typer.echo(f"docproc: {more:,} more failed: {summary.place_of('errors.csv')} names them all.", err=True)


def print_summary(summary: Summary) -> None:
    """What the batch came to, and what to do next."""
    from rich.console import Console
    from rich.table import Table

    from docproc.report.wording import percent

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    share = percent(summary.accepted, summary.fields) if summary.fields else ""
    unregistered = [("pages not on a template", summary.unregistered, "is it another form? see sheet review")]
    told = [
        ("papers incomplete", summary.papers_incomplete, "a page is missing; see sheet review"),
        ("foreign pages", summary.pages_foreign, "between the pages of a paper; see sheet review"),
        ("double pages", summary.pages_double, "their number is that of another page; see sheet review"),
        ("pages incomplete", summary.pages_incomplete, "no person could read a field; see sheet forms"),
        ("bad pictures", summary.pages_defective, "blurred, dark or glaring: take them again; see sheet forms"),
    ]
    rows = [
        ("pages read", summary.pages, f"{summary.pages_to_review:,} to review"),
        *([("  read before", summary.read_before, "and not again")] if summary.read_before else ()),
        *([("  left out", summary.left_out, LEFT_OUT)] if summary.left_out else ()),
        *(unregistered if summary.unregistered else ()),
        *(row for row in told if row[1]),
        ("fields", summary.fields, ""),
        ("  accepted", summary.accepted, f"{share}{_expected(summary)}"),
        ("  to review", summary.review, _why_to_review(summary)),
        ("  rejected", summary.rejected, ""),
        ("pages failed", summary.failed, "see errors.csv" if summary.failed else ""),
        *_passed_over(summary),
    ]
    for name, number, note in rows:
        table.add_row(name, f"{number:,}", note)
    rate = f"{summary.pages_per_second:.1f} pages a second" if summary.read_now else ""
    table.add_row("seconds", f"{summary.seconds:.1f}", rate)
    console = Console()
    console.print(table)
    # Paths go out plain: a table would break long ones.
    typer.echo(f"\nResults: {summary.output}")
    for sentence in _of_the_target(summary):
        typer.echo(sentence)
    typer.echo(f"Next: {_next_step(summary)}")


def _passed_over(summary: Summary) -> Iterator[tuple[str, int, str]]:
    """Files that may be pages in a format that docproc does not know."""
    from rich.markup import escape

    told = [f"{ending or 'no ending'} {count:,}" for ending, count in summary.passed_over]
    if told:
        more = ["and others"] if len(told) > MOST_ENDINGS else []
        yield (
            "files not read",
            sum(count for _, count in summary.passed_over),
            escape(f"unknown endings: {', '.join([*told[:MOST_ENDINGS], *more])}"),
        )


def _expected(summary: Summary) -> str:
    if summary.target_error is None or summary.expected_error is None:
        return ""
    from docproc.rounding import percent_up

    expected = percent_up(summary.expected_error)
    return f", {expected} of them expected wrong (target {100 * summary.target_error:g} %)"


def _of_the_target(summary: Summary) -> Iterator[str]:
    """What is to be known of a target, beside what it came to."""
    from docproc.report.wording import evidence

    target, shown = summary.target_error, summary.error_shown
    if target is None:
        return
    if shown is not None and target < shown:
        yield (
            f"The models' cards know no fields of which fewer than 1 in {1 / shown:,.0f} are wrong: they cannot show "
            f"{100 * target:g}%. Name a larger target; an audit of what that accepts can show less (`docproc audit`)."
        )
    if told := evidence(summary.odds_ratio):
        yield told


def _why_to_review(summary: Summary) -> str:
    from docproc.export.rows import threshold

    if summary.review_below is None:
        return ""
    return f"less sure than {threshold(summary.review_below)}, or for a reason in fields.csv"


def _next_step(summary: Summary) -> str:
    if not summary.pages:
        return f"read {summary.place_of('errors.csv')}: it says for each input why it could not be read."
    if summary.pages_to_review:
        shown = _counted(summary)
        first = "" if isinstance(summary.output, str) else f"docproc review {summary.output}, or "
        return f"{first}open {summary.place_of('forms.xlsx')}; the sheet `review` shows what needs eyes ({shown})."
    if summary.failed:
        return f"read {summary.place_of('errors.csv')}: it says what to do about the pages that failed."
    return f"open {summary.place_of('forms.xlsx')}; nothing needs review."


def _counted(summary: Summary) -> str:
    """What the sheet `review` has a row for: fields, and pages as a whole."""
    fields, pages = summary.fields_to_look_at, summary.pages_to_look_at
    told = [f"{fields:,} field{'s' * (fields != 1)}"] if fields or not pages else []
    told += [f"{pages:,} whole page{'s' * (pages != 1)}"] if pages else []
    return " and ".join(told)
