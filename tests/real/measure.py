"""Read the real forms as a user would, and print how well: one row a design.

    python -m tests.real.measure [--design NAME]... [--samples] [--keep DIR] [--contact DIR] [--ocr]

In:  the designs of `designs.py`, and the installed or checked-out docproc.
Out: a table, with rows of what `--target-error` makes of the same readings; with --keep the results folders; with
     --contact a picture of every field that was read wrong.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from docproc import evaluation
from docproc.cli.evaluate import percent
from docproc.errors import EXIT_OK, EXIT_SOME_PAGES_FAILED, DocprocError
from docproc.evaluation import Judged
from docproc.reading import Reason

from .contact import write_contact_sheets
from .designs import ROOT, Design, designs, samples

RIGHT_MARK = 0.85  #: The issue's first marks: of all fields right at least,
ACCEPTED_ERROR_MARK = 0.02  #: and of the accepted ones wrong, less than.
TARGETS = ("0.5%", "0.1%")  #: Of wrong values among the accepted.


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one design."""

    design: Design
    judged: tuple[Judged, ...]
    pages: int
    unregistered: int  #: Files with a page that lies on no template, or has no field at all.
    seconds: float
    failures: tuple[str, ...] = ()  #: What docproc said where a run of it failed.


def measure(design: Design, results: Path, *, ocr: bool = False, target_error: str = "") -> Measured:
    """Read one design into the folder `results` and lay it beside its truth; a run that fails has read nothing."""
    started = time.perf_counter()
    judged: list[Judged] = []
    failures: list[str] = []
    unregistered = 0
    truth = evaluation.read_truth(design.truth)
    for number, run in enumerate(design.runs):
        out = results / f"{design.name}-{number}"
        failure = process(
            [str(design.folder / "pages" / name) for name in run.pages],
            out,
            templates=[] if run.template is None else [run.template],
            ocr=ocr,
            target_error=target_error,
        )
        found: tuple[evaluation.Found, ...] = ()
        if failure:
            failures.append(f"{design.name}: {failure}")
        else:
            found = evaluation.read_found(out)
        asked = [one for one in truth if Path(one.source).name in run.pages]
        judged += evaluation.judge(found, asked, by=run.by)
        unregistered += len(run.pages) - len(_registered(found))
    pages = sum(len(run.pages) for run in design.runs)
    return Measured(design, tuple(judged), pages, unregistered, time.perf_counter() - started, tuple(failures))


def process(
    inputs: Sequence[str],
    out: Path,
    *,
    templates: Sequence[Path] = (),
    whole_image: bool = False,
    ocr: bool = False,
    target_error: str = "",
) -> str:
    """Run `docproc process`; what it said where it failed, else ""."""
    options = [part for template in templates for part in ("--template", str(template))]
    options += ["--whole-image"] if whole_image else []
    options += ["--ocr"] if ocr else []
    options += ["--target-error", target_error] if target_error else []
    command = [sys.executable, "-m", "docproc", "process", *inputs, "-o", str(out), "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode in (EXIT_OK, EXIT_SOME_PAGES_FAILED):
        return ""
    return f"exit code {done.returncode}: {done.stderr.strip()[-2000:]}"


def _registered(found: Sequence[evaluation.Found]) -> set[str]:
    """Files of which every page lies on its template."""
    others = {one.source for one in found if Reason.REGISTRATION in one.reasons.split(";")}
    return {one.source for one in found} - others


def table(measured: Sequence[Measured], by_target: Mapping[str, Sequence[Measured]]) -> Table:
    """One row a design, and one over all; one over all by each target."""
    titles = ("design", "fields", "right", "%", "accepted %", "wrong accepted", "%", "at 1 % wrong")
    view = Table(*titles, "not found", "files unregistered", "seconds")
    for column in view.columns[1:]:
        column.justify = "right"
    for one in measured:
        _add_row(view, one.design.name, one.judged, one.pages, one.unregistered, one.seconds)
    view.add_section()
    for name, some in {"all": measured, **by_target}.items():
        everything = tuple(field for one in some for field in one.judged)
        sums = (sum(one.pages for one in some), sum(one.unregistered for one in some))
        _add_row(view, name, everything, *sums, sum(one.seconds for one in some))
    return view


def _add_row(view: Table, name: str, judged: Sequence[Judged], pages: int, unregistered: int, seconds: float) -> None:
    figures = evaluation.evaluate(judged)
    view.add_row(
        name,
        str(figures.fields),
        str(figures.right),
        percent(figures.accuracy),
        percent(figures.accepted_share),
        str(figures.accepted_wrong),
        percent(figures.accepted_error),
        percent(figures.acceptable_share),
        str(figures.missed),
        f"{unregistered} of {pages}",
        f"{seconds:.1f}",
    )


def main() -> int:
    """Measure, print, and say by the exit code whether the issue's marks are met."""
    parser = argparse.ArgumentParser(description="Measure docproc on the real forms.")
    parser.add_argument("--design", action="append", help="only this one; may be given more than once")
    parser.add_argument("--samples", action="store_true", help="the samples that come with docproc instead")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the results in this folder")
    parser.add_argument("--contact", type=Path, metavar="DIR", help="write pictures of the wrong fields there")
    parser.add_argument("--ocr", action="store_true", help="with the third witness")
    options = parser.parse_args()
    chosen = [
        one
        for one in (samples() if options.samples else designs())
        if not options.design or one.name in options.design
    ]
    if not chosen:
        print("No such design, or no ../shared/data/forms beside the checkout.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        results = options.keep or Path(scratch)
        measured = [measure(design, results, ocr=options.ocr) for design in chosen]
        by_target = {
            f"all, target {target}": [
                measure(design, results, ocr=options.ocr, target_error=target) for design in chosen
            ]
            for target in TARGETS
        }
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table(measured, by_target))
    for one in measured:
        for failure in one.failures:
            console.print(failure, style="red", markup=False)
    if options.contact:
        for one in measured:
            for path in write_contact_sheets(one.design, one.judged, options.contact):
                console.print(path, markup=False)
    figures = evaluation.evaluate([field for one in measured for field in one.judged])
    right, wrong = figures.accuracy or 0.0, figures.accepted_error or 0.0
    met = right >= RIGHT_MARK and wrong < ACCEPTED_ERROR_MARK
    console.print(
        f"First marks: {percent(right)} right (at least {percent(RIGHT_MARK)}), {percent(wrong)} wrong among the "
        f"accepted (under {percent(ACCEPTED_ERROR_MARK)}): {'met' if met else 'not met'}."
    )
    return 0 if met else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DocprocError as error:
        sys.exit(str(error))
