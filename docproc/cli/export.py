"""`docproc export`: a batch as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docproc.errors import EXIT_SOME_PAGES_FAILED

HELP = """Write a batch to one file, for the program that goes on with it.

It is made of the ledger, as it stands, with all that was said in the review; so make it anew whenever you like.

\b
Examples:
  docproc export results --to marks.xlsx
      For Excel and people: doubtful cells colored, pictures of doubtful fields, what each column means.
  docproc export results --to marks.csv
      One row a page, one column a field.
  docproc export results --to slips.csv --long --provenance
      One row a field, with the digests of page, template and model, and who has given the value.
  docproc export results --to fields.parquet --long
      Typed columns, for data frames and query engines (pip install 'docproc[parquet]').
  docproc export results --to batch.sqlite
      A database: sqlite3 batch.sqlite "SELECT field, sum(number) FROM fields GROUP BY field"
  docproc export results --to today.json --partial
      While pages are still to be read.

\b
The ending says the format:
  .csv      UTF-8, comma; text that a spreadsheet program would run gets an apostrophe in front
  .xlsx     sheets forms (or fields), review, errors, columns, legend; digits stay text
  .json     an array with one object a page, its fields in it, or one object a field
  .jsonl    the same, one object a line and no array: for large batches
  .parquet  values as text, numbers, lists
  .sqlite   tables pages, fields, errors, columns, and the view forms

\b
What is refused, in one line that says what to do:
  pages that are still to be read     unless --partial
  a file that is there already        unless --replace
  a file in the folder of the results, which docproc keeps for itself

A page that could not be read has a row of status failed (in .xlsx and .sqlite one in errors); the exit code is 10.
"""


def export(
    results: Annotated[
        str, typer.Argument(metavar="DIR", help="A folder of results, as named with -o.", show_default=False)
    ],
    to: Annotated[
        str, typer.Option(metavar="FILE", help="Its ending says the format, see above.", show_default=False)
    ],
    long: Annotated[bool, typer.Option("--long", help="One row a field, not one a page.")] = False,
    provenance: Annotated[
        bool,
        typer.Option(
            "--provenance", help="More columns: sha256, template_digest, model_digest, reviewer, reviewed_at."
        ),
    ] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Also while pages are still to be read.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="A file that is there already may be lost.")] = False,
) -> None:
    """Write the file, say what is in it."""
    from docproc.projection import export_batch
    from docproc.storage import is_url
    from docproc.upload import ledger_folder

    if is_url(to):
        raise typer.BadParameter("--to is a file on this machine.")
    with ledger_folder(results) as folder:
        summary = export_batch(
            folder, Path(to), by_field=long, provenance=provenance, partial=partial, replace_file=replace
        )
    typer.echo(f"{to}: {summary.pages:,} page{'s' * (summary.pages != 1)}, {summary.fields:,} fields")
    fields = summary.fields_to_look_at + summary.drawn_left
    if fields or summary.pages_to_look_at:
        left = [
            f"{count:,} {what}{'s' * (count != 1)}"
            for count, what in ((fields, "field"), (summary.pages_to_look_at, "whole page"))
            if count
        ]
        typer.echo(f"Still to be looked at: {' and '.join(left)}; see `docproc review --help`.")
    unread = summary.pages_expected - summary.pages - summary.failed
    if unread > 0:
        typer.echo(f"Not in it: {unread:,} page{'s' * (unread != 1)} still to be read.")
    if summary.failed:
        typer.echo(f"Could not be read: {summary.failed:,}. See errors.csv in {results}.", err=True)
        raise typer.Exit(EXIT_SOME_PAGES_FAILED)
