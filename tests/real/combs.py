"""Draw forms of six-digit combs with MNIST's test digits, read them as a user would, and print how well.

    python -m tests.real.combs [-n PAGES] [--ocr] [--keep DIR]

In:  ../shared/data/mnist.npz. Out: a line of figures for all pages, and one for those that lie on the template.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from docproc import evaluation
from docproc.cli.evaluate import percent
from docproc.reading import Reason

from .designs import DATA, ROOT
from .measure import process

ROWS, COLUMNS = 12, 3
TEMPLATE = {
    "name": "six digits",
    "page": {"width_mm": 210, "height_mm": 297},
    "fiducials": [{"box": box} for box in ([8, 8, 8, 8], [194, 8, 8, 8], [8, 281, 8, 8], [194, 281, 8, 8])],
    "fields": [
        {
            "name": f"r{row:02d}c{column}",
            "kind": "comb",
            "box": [18 + 60 * column, 30 + 20 * row, 48, 9],
            "cells": 6,
            "length": 6,
            "required": True,
        }
        for row in range(ROWS)
        for column in range(COLUMNS)
    ],
}


def main() -> int:
    """Draw, read, print."""
    parser = argparse.ArgumentParser(description="Measure docproc on drawn six-digit combs.")
    parser.add_argument("-n", type=int, default=21, help="pages (%(default)s)")
    parser.add_argument("--ocr", action="store_true", help="with the third witness")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep pages and results in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        template = folder / "template.yaml"
        template.write_text(yaml.safe_dump(TEMPLATE), encoding="utf-8")
        drawn, results = folder / "drawn", folder / "results"
        command = [sys.executable, "-m", "docproc", "synthesize", str(template), "--digits", str(DATA / "mnist.npz")]
        subprocess.run([*command, "-n", str(options.n), "-o", str(drawn)], cwd=ROOT, check=True, capture_output=True)
        failure = process([str(drawn)], results, ocr=options.ocr)
        if failure:
            print(failure, file=sys.stderr)
            return 1
        found, truth = evaluation.read_found(results), evaluation.read_truth(drawn / "truth.csv")
    refused = {(one.source, one.page) for one in found if Reason.REGISTRATION in one.reasons.split(";")}
    on_template = [one for one in truth if (one.source, one.page) not in refused]
    for what, asked in (("all pages", truth), (f"without {len(refused)} that lie on no template", on_template)):
        figures = evaluation.evaluate(evaluation.judge(found, asked))
        print(
            f"{what}: {figures.fields} fields, {percent(figures.accuracy)} right, {percent(figures.accepted_share)} "
            f"accepted ({figures.accepted_wrong} wrong), {percent(figures.acceptable_share)} acceptable at 1 % wrong"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
