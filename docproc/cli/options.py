"""Options that several verbs share, worded once."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

ReviewBelow = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        metavar="X",
        help="Fields less sure than this go to review.  [default: from the model card]",
    ),
]


def share(text: str) -> float:
    """`0.5%`, or 0.005, as a share; typer.BadParameter where it is none, 0, or so large that % seems forgotten."""
    number, percent = text.strip().removesuffix("%").strip(), text.strip().endswith("%")
    try:
        value = float(number) / (100 if percent else 1)
    except ValueError:
        value = math.nan
    if value == 0:
        raise typer.BadParameter(
            f"{text!r}: that none is wrong nobody can promise, short of looking at every field. Write the share that "
            "you can bear, like 0.5% or 0.1%."
        )
    if not 0 < value <= LARGEST_SHARE:
        raise typer.BadParameter(f"{text!r}: write a share of up to {LARGEST_SHARE:.0%}, like 0.5% or 0.005.")
    return value


LARGEST_SHARE = 0.1  #: Of wrong values among the accepted: `docproc.target` accepts no field that is more doubtful.

TargetError = Annotated[
    float | None,
    typer.Option(
        parser=share,
        metavar="X%",
        help="Accept what keeps the share of wrong values among the accepted under this, by what the models know of "
        "themselves and by what review and audit of this batch have shown. Instead of --review-below.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, metavar="N", help="Pages read at a time.  [default: one a core]"),
]
ModelFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of a trained model.  [default: the one shipped]")
]
Ocr = Annotated[
    bool,
    typer.Option(
        "--ocr", help="Ask RapidOCR, too, of fields in doubt (pip install 'docproc[ocr]'): fewer to review, slower."
    ),
]
LinesFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder of a trained reader of whole lines.  [default: the one shipped, beside the shipped model]",
    ),
]
