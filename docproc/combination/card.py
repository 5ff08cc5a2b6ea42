"""The card of a reader of whole lines: what it is, and how much its word counts beside the recognizer's.

In and out: `card.yaml` beside `lines1.tflite`, `lines2.tflite`, ...
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from docproc.character.card import CalibrationKnot, DataSource, Sha256, Share
from docproc.errors import ModelError

LINE_CARD_NAME = "card.yaml"
LINE_ID = "line 1"  #: Of `field.line`: a network reads lines that are cut as those were that it learned from.

Layout = Literal["cells", "free"]  #: One box a digit, or digits written freely.


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Sureness(_Strict):
    """How sure the best value is: log odds as a weighted sum of what speaks for it; see `pooling.sureness`."""

    base: float
    line: float  #: Times the log odds by the line.
    agree: float  #: Where both readers have the value first,
    glyphs: float  #: and times the log odds by glyphs there.
    length: float = 0.0  #: Where the value has as many digits as the best one by glyphs.
    named: float = 0.0  #: Times the log odds of a testimony that names the value,
    unnamed: float = 0.0  #: and of one that names another.


class WitnessPool(_Strict):
    """How much the word of the third witness adds, for fields that it was asked of."""

    named: float  #: Times its own log odds: added to the score of the value that it names,
    unnamed: float  #: or to that of "none of these", where it names none of them.
    sure: Sureness | None = None
    knots: list[CalibrationKnot]


class Pool(_Strict):
    """How what two readers say of one value becomes its chance: see `pooling.pool`."""

    glyphs: float  #: Weight of the log chance by glyphs,
    line: float  #: and of that by the line.
    both: float  #: Added where both readers have the value first,
    length: float = (
        0.0  #: and where it has as many digits as the best value by glyphs: in boxes, these can be counted.
    )
    neither: float  #: Score of "none of the values that either has named".
    sure: Sureness | None = None  #: None: the pool's own log odds say how sure the best value is.
    knots: list[CalibrationKnot]  #: From the log odds of the best value to the chance that it is right.
    witness: WitnessPool | None = None  #: None where it was not there to be weighed.


class LineCard(_Strict):
    """What `card.yaml` says."""

    name: str
    line: str  #: `LINE_ID` at the time of training.
    networks: Annotated[list[Sha256], Field(min_length=1)]  #: Of each file, in order; all look at every line.
    recognizer: str  #: Digest of the recognizer beside which the pools were fitted.
    pools: dict[Layout, Pool]
    review_below: Share  #: Fields of lower confidence go to review, unless the user says otherwise.
    data: list[DataSource]
    seed: int
    scores: dict[str, float]
    wall_time_s: float
    versions: dict[str, str]
    notes: str = ""


def network_name(number: int | None) -> str:
    """The file of a reader's network, counted from 0; a pattern of all of them for None."""
    return f"lines{'*' if number is None else number + 1}.tflite"


def read_line_card(path: Path) -> LineCard:
    """Read a card. ModelError where it is missing or wrong."""
    retrain = "Train the reader with `docproc train-lines`, or install docproc again to get the shipped one back."
    try:
        return LineCard.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelError(f"{path}: the card cannot be read ({error.strerror}).", remedy=retrain) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        first_line = str(error).splitlines()[0]
        raise ModelError(f"{path}: the card is no YAML ({first_line}).", remedy=retrain) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "card"
        raise ModelError(f"{path}: {where}: {first['msg']}.", remedy=retrain) from error


def write_line_card(card: LineCard, path: Path) -> None:
    """Write a card as YAML, keys in the order of the class."""
    text = yaml.safe_dump(card.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8")
