"""`docproc evaluate`: measure results against the truth."""

from __future__ import annotations

from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from docproc.evaluation import Evaluation, Found, Judged


HELP = """Measure results against the truth: how many fields are right, and what the confidences are worth.

\b
Examples:
  docproc evaluate results --truth truth.csv
      truth.csv has the columns source, page, field, value; sources may leave out the folder.
  docproc evaluate results --truth truth.csv --by box
      Where names differ, or pages were read without a template: the truth also has left_px, top_px,
      width_px, height_px, and each field of it is joined to the found field whose box covers it best.

\b
Rows whose column `scored` says `no` are left out. A field of the truth that was not found is wrong,
unless it is blank there. A field is right only if every digit is, leading zeros too.

The last table tells what another threshold would do: with so many of the least sure fields left to people, so
many of the others are wrong. Expected calibration error: how far confidences are from the share that is right.
"""


MOST_NAMES = 6  #: Of those missing that are listed.


class JoinBy(StrEnum):
    """How fields of the truth find theirs in the results."""

    NAME = "name"
    BOX = "box"


def evaluate(
    results: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder written by `docproc process`.")],
    truth: Annotated[
        Path, typer.Option(help="CSV with the columns source, page, field, value; rows with scored=no are left out.")
    ],
    by: Annotated[
        JoinBy, typer.Option(help="Join fields by name, or by box where pages were read without a template.")
    ] = JoinBy.NAME,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Parse, join, measure, print."""
    import json

    from rich.console import Console

    from docproc import evaluation

    found = evaluation.read_found(results)
    judged = evaluation.judge(found, evaluation.read_truth(truth), by=by.value)
    _tell_unread(judged)
    if by is JoinBy.NAME:
        _tell_missing([one for one in judged if not one.found], found)
    total, by_template = evaluation.evaluate(judged), evaluation.evaluate_by_template(judged)
    unseen = evaluation.wrong_and_accepted(judged)
    if as_json:
        report = {
            **total.as_json(),
            "templates": {name: one.as_json() for name, one in by_template.items()},
            "wrong_and_accepted": [_as_json(one) for one in unseen],
        }
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    console = Console()
    console.print(_figures_table(total, by_template))
    console.print(_reject_table(total))
    if unseen:
        console.print(_unseen_table(unseen))


def _tell_unread(judged: Sequence[Judged]) -> None:
    """Which pages of the truth the results have nothing of: their fields count as not found."""
    pages = dict.fromkeys((one.truth.source, one.truth.page) for one in judged)
    unread = [
        page for page in pages if page not in {(one.truth.source, one.truth.page) for one in judged if one.found}
    ]
    if not unread:
        return
    named = ", ".join(f"{source}, page {page}" for source, page in unread[:MOST_NAMES])
    more = f", and {len(unread) - MOST_NAMES} more" if len(unread) > MOST_NAMES else ""
    typer.echo(
        f"Of {len(unread)} of {len(pages)} pages of the truth no field is in the results; all of theirs count as not "
        f"found: {named}{more}.",
        err=True,
    )


def _tell_missing(missing: Sequence[Judged], found: Sequence[Found]) -> None:
    """Which names of the truth the results do not have, and what they may be called there."""
    known = dict.fromkeys(one.field for one in found)
    names = list(dict.fromkeys(one.truth.field for one in missing if one.truth.field not in known))
    if not names:
        return
    told = []
    for name in names[:MOST_NAMES]:
        alike = get_close_matches(name, known, n=1)
        told.append(f"{name} (is it {alike[0]}?)" if alike else name)
    more = f", and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    typer.echo(
        f"{len(names)} names of the truth are not in the results: {', '.join(told)}{more}.\n"
        "Where names differ, or pages were read without a template, --by box joins fields by their places.",
        err=True,
    )


def _as_json(one: Judged) -> dict[str, object]:
    return {
        "source": one.truth.source,
        "page": one.truth.page,
        "field": one.truth.field,
        "truth": one.truth.value,
        "value": one.value,
        "confidence": one.confidence,
    }


def _figures_table(total: Evaluation, by_template: dict[str, Evaluation]) -> Table:
    from rich.table import Table

    columns = {"all": total}
    if len(by_template) > 1:
        columns.update({name or "(no template)": one for name, one in by_template.items()})
    table = Table("", *columns, title="Fields against the truth")
    for column in table.columns[1:]:
        column.justify = "right"
    for title, cells in {
        "fields": [str(one.fields) for one in columns.values()],
        "right": [f"{one.right}, {percent(one.accuracy)}" for one in columns.values()],
        "digits right": [percent(one.digit_accuracy) for one in columns.values()],
        "not found": [str(one.missed) for one in columns.values()],
        "accepted": [f"{one.accepted}, {percent(one.accepted_share)}" for one in columns.values()],
        "wrong among accepted": [f"{one.accepted_wrong}, {percent(one.accepted_error)}" for one in columns.values()],
        "accepted as blank, but not blank": [str(one.blank_accepted) for one in columns.values()],
        "could be accepted at 1 % wrong": [percent(one.acceptable_share) for one in columns.values()],
        "expected calibration error": [percent(one.calibration_error) for one in columns.values()],
    }.items():
        table.add_row(title, *cells)
    return table


def _reject_table(total: Evaluation) -> Table:
    from rich.table import Table

    table = Table("least confident rejected", *(f"{100 * rate:g} %" for rate in total.error_at_reject))
    table.add_row("wrong among the rest", *(percent(error) for error in total.error_at_reject.values()))
    return table


def _unseen_table(unseen: Sequence[Judged]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from docproc.rounding import chance

    table = Table("source", "page", "field", "truth", "read", "confidence", title="Wrong and accepted")
    for one in unseen:
        cells = (one.truth.source, str(one.truth.page), one.truth.field, one.truth.value, one.value)
        # Text, because a file's name in brackets would be taken for markup.
        table.add_row(*(Text(cell) for cell in (*cells, chance(one.confidence, places=3))))
    return table


def percent(share: float | None) -> str:
    """`97.3 %`, or a dash where there is nothing to divide by."""
    return "-" if share is None else f"{100 * share:.1f} %"
