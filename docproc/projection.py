"""A batch as one file, for those who go on with it: made of the ledger, as the tables are.

In:  a folder of results.
Out: a file, and a `Summary` of what is in it. Pages come one at a time, so memory does not grow with the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from docproc.batch_templates import known, templates_of
from docproc.collation import Collation
from docproc.correction import Said, standing, words_on
from docproc.cropping import Pictures
from docproc.errors import LedgerError, OutputError
from docproc.export.one_file import Shape, open_file
from docproc.ledger import LedgerView, read_ledger
from docproc.page import Unreadable
from docproc.summary import Summary, counted
from docproc.tables import outcomes_as_they_stand


def export_batch(
    folder: Path,
    to: Path,
    *,
    by_field: bool = False,
    provenance: bool = False,
    partial: bool = False,
    replace_file: bool = False,
) -> Summary:
    """Write a batch as it stands to one file, also while a run or a review goes on.

    Parameters
    ----------
    folder : Path
        With the ledger.
    to : Path
        Its ending says the format: .csv, .xlsx, .json, .jsonl, .parquet or .sqlite.
    by_field : bool
        One row a field, not one a page.
    provenance : bool
        With the digests of file, template and model, and who has given the value and when.
    partial : bool
        Also while pages are still to be read.
    replace_file : bool
        A file that is there already is replaced.

    Raises
    ------
    LedgerError
        If there is no ledger, or pages are still to be read.
    TemplateError
        If pages were read with a template that is no more.
    OutputError
        If the file is there already, has another ending, or cannot be written.
    MissingExtraError
        If a package for the format is not installed.
    """
    _refuse_among_results(folder, to)
    with read_ledger(folder) as ledger:
        if not partial:
            _refuse_unread(folder, ledger)
        templates = templates_of(ledger)
        runs = ledger.runs()
        below = runs[-1].settings.get("review_below") if runs else None
        papers = Collation(templates)
        so_far = Summary(to, review_below=below)
        said = _said(ledger) if provenance else {}
        pictures = Pictures(ledger)
        drawn = ledger.drawn()
        with open_file(to, Shape(by_field, provenance, templates, below), replace=replace_file) as file:
            outcomes = outcomes_as_they_stand(ledger, templates, papers, crops=lambda: file.wants_pictures)
            for outcome in known(outcomes, templates):
                so_far = counted(so_far, outcome, drawn)
                if isinstance(outcome, Unreadable):
                    file.add_failure(outcome)
                else:
                    words = said.get((outcome.ref.source, outcome.ref.index), {})
                    shown = pictures.added(outcome) if file.wants_pictures else outcome
                    file.add(shown, words_on(outcome, words) if provenance else None)
            if not partial:
                _refuse_unread(folder, ledger)  # a run may have begun meanwhile
        expected = ledger.counts().pages
    return replace(so_far, papers_incomplete=papers.incomplete, pages_expected=expected)


def _refuse_unread(folder: Path, ledger: LedgerView) -> None:
    counts = ledger.counts()
    left = counts.pending + counts.running
    if left:
        goes_on = "Wait for the run's end" if ledger.is_running() else "Give the same `docproc process` command again"
        raise LedgerError(
            f"{folder}: {left:,} of {counts.pages:,} pages {'is' if left == 1 else 'are'} still to be read.",
            remedy=f"{goes_on}, or add --partial to export the others.",
        )


def _refuse_among_results(folder: Path, to: Path) -> None:
    """A folder of results that holds anything else is refused by the next run."""
    place = to.resolve()
    if folder.resolve() in place.parents:
        raise OutputError(
            f"{to} would lie in the folder of the results, which is docproc's own.",
            remedy=f"Name a file elsewhere, like --to {to.name}.",
        )


def _said(ledger: LedgerView) -> Mapping[tuple[str, int], Said]:
    return {place: standing(fields) for place, fields in ledger.corrections().items()}
