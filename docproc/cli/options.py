"""Options that several verbs share, worded once."""

from __future__ import annotations

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
