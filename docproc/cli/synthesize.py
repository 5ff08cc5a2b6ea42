"""`docproc synthesize`: filled forms with a known truth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

HELP = """Draw filled forms with a known truth, for samples, tests and trials.

The form is drawn from TEMPLATE, or its reference image is used as paper where there is one. Fields are filled with
handwritten digits by their rules, and the pages come back as scanners, copiers and phones give them.

\b
Example:
  docproc synthesize template.yaml --digits mnist.npz -n 20 -o drawn
  docproc process drawn -o results
  docproc evaluate results --truth drawn/truth.csv

\b
Written to the output folder:
  pages/         PNG, JPEG, PDF and TIFF files
  truth.csv      what was written, and where on the page: source, page, field, value, box in pixels
  template.yaml  and its reference image
"""


class _Strength(StrEnum):
    MILD = "mild"
    NORMAL = "normal"
    HARSH = "harsh"


class _Split(StrEnum):
    TEST = "test"
    TRAIN = "train"


def synthesize(
    template: Annotated[Path, typer.Argument(metavar="TEMPLATE", help="A template.yaml.", show_default=False)],
    digits: Annotated[
        Path,
        typer.Option(
            metavar="FILE.npz", help="MNIST as keras.datasets stores it, or digits in its layout.", show_default=False
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the pages.", show_default=False)
    ],
    count: Annotated[int, typer.Option("--count", "-n", min=1, metavar="N", help="Pages to draw.")] = 7,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds draw equal pages.")] = 0,
    dpi: Annotated[float, typer.Option(min=72, max=600, help="Pixels to an inch.")] = 200,
    strength: Annotated[_Strength, typer.Option(help="How badly pages are printed and scanned.")] = _Strength.NORMAL,
    split: Annotated[
        _Split, typer.Option(help="Which half of the digits: test digits were not trained on.")
    ] = _Split.TEST,
) -> None:
    """Parse, call `write_folder`, say what was written."""
    from docproc.synthesis.capture import Strength
    from docproc.synthesis.digits import load_digits
    from docproc.synthesis.folder import write_folder
    from docproc.template import load_template

    files = write_folder(
        load_template(template, reference_must_exist=False),
        template,
        output,
        digits=load_digits(digits, split=split.value),
        count=count,
        seed=seed,
        dpi=dpi,
        strength=Strength(strength.value),
    )
    typer.echo(f"{count} page{'s' * (count != 1)} in {files} file{'s' * (files != 1)} below {output}")
