"""Read real amounts, strips and single digits, each image as one field, and print how well: one row a set.

    python -m tests.real.strings [--set NAME]... [-n N] [--keep DIR] [--ocr]

In:  the sets under ../shared/data/strings and ../shared/data/digits.
Out: a table, for orientation: nothing is asserted here. Of each set, N images are taken at even distances.
The images of `digits/not_a_digit` hold no plain digit: right is only what was read as blank, and what counts is how
few of the others were accepted.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from docproc import evaluation
from docproc.cli.evaluate import percent
from docproc.errors import DocprocError
from docproc.evaluation import Judged, Truth
from docproc.pipeline import WHOLE_IMAGE_FIELD

from .designs import DATA
from .measure import process

SETS = ("strings/cheques", "strings/strips", "digits/pen", "digits/ledger", "digits/not_a_digit")
SAMPLE = 200  #: Images of each set unless told.


@dataclass(frozen=True, slots=True)
class Crop:
    """One image and what stands in it."""

    path: Path
    truth: Truth


def crops(name: str, count: int) -> tuple[Crop, ...]:
    """At most `count` images of a set, at even distances."""
    folder = DATA / name
    files = {path.name: path for path in folder.rglob("*") if path.suffix != ".csv"}
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] in files]
    step = max(len(rows) / count, 1.0)
    chosen = [rows[int(number * step)] for number in range(min(count, len(rows)))]
    return tuple(
        Crop(files[row["source"]], Truth(source=row["source"], page=1, field=WHOLE_IMAGE_FIELD, value=_value(row)))
        for row in chosen
    )


def _value(row: dict[str, str]) -> str:
    value = row["value"] if "value" in row else row["label"]
    return value if value.isdigit() else ""


def measure(name: str, count: int, results: Path, *, ocr: bool = False) -> tuple[tuple[Judged, ...], str]:
    """The judged images of a set, and what docproc said where it failed."""
    asked = crops(name, count)
    out = results / name.replace("/", "-")
    failure = process([str(crop.path) for crop in asked], out, whole_image=True, ocr=ocr)
    found = () if failure else evaluation.read_found(out)
    return evaluation.judge(found, [crop.truth for crop in asked]), failure


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure docproc on real strings and digits.")
    parser.add_argument("--set", action="append", choices=SETS, help="only this one; may be given more than once")
    parser.add_argument("-n", type=int, default=SAMPLE, help="images of each set (%(default)s)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the results in this folder")
    parser.add_argument("--ocr", action="store_true", help="with the third witness")
    options = parser.parse_args()
    titles = ("set", "images", "right", "%", "digits right", "accepted %", "wrong accepted", "%", "at 1 % wrong", "s")
    view = Table(*titles)
    for column in view.columns[1:]:
        column.justify = "right"
    console = Console(width=None if sys.stdout.isatty() else 140)
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.set or SETS:
            started = time.perf_counter()
            judged, failure = measure(name, options.n, options.keep or Path(scratch), ocr=options.ocr)
            if failure:
                console.print(f"{name}: {failure}", style="red", markup=False)
            figures = evaluation.evaluate(judged)
            view.add_row(
                name,
                str(figures.fields),
                str(figures.right),
                percent(figures.accuracy),
                percent(figures.digit_accuracy),
                percent(figures.accepted_share),
                str(figures.accepted_wrong),
                percent(figures.accepted_error),
                percent(figures.acceptable_share),
                f"{time.perf_counter() - started:.1f}",
            )
    console.print(view)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DocprocError as error:
        sys.exit(str(error))
