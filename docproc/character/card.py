"""The model card: what a model is, what it was made from, how well it does, and how it is to be used.

In and out: `card.yaml` beside `model.tflite` and, where there is one, `second.tflite`. A card that does not fit its
files, or this version of the program, is an error, because a model read with the wrong classes or normalizer gives
confident rubbish.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from docproc.errors import ModelError

#: Everything a glyph can be: the ten digits, then the marks that stand for no digit.
DIGITS = tuple("0123456789")
CROSS = "cross"  #: X, a plus through the box, a box crossed out.
DASH = "dash"  #: One or two level strokes that mean "no value".
OTHER = "other"  #: Anything else: letter, scribble, overwritten or touching digits, remnants of print, specks.
CLASSES = (*DIGITS, CROSS, DASH, OTHER)

CARD_NAME = "card.yaml"
MODEL_NAME = "model.tflite"
SECOND_NAME = "second.tflite"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CurvePoint(_Strict):
    """One bin of the reliability curve."""

    confidence: Share  #: Mean confidence of the glyphs in the bin.
    right: Share  #: Share of them that were right.
    count: Annotated[int, Field(ge=0)]


class CalibrationKnot(_Strict):
    """One point of the curve from the network's own sureness to a chance."""

    score: float  #: Log odds of the best class after the temperature.
    right: Annotated[float, Field(gt=0, lt=1)]  #: Chance that the best class is right.


class Calibration(_Strict):
    """How scores become chances; `character.calibration.calibrated` does it."""

    #: Guo et al. 2017; then, where it is named, isotonic regression of the best class (Zadrozny and Elkan 2002).
    method: Literal["temperature", "temperature, isotonic"]
    temperature: Annotated[float, Field(gt=0)]  #: Logits are divided by it.
    #: Shared by all classes evenly, whatever the scores say: of n glyphs calibrated on, 1 / (n + 2).
    doubt: Share = 0.0
    #: Of the classes: how many times as often as in training each is met on forms. None: as often.
    weights: list[Annotated[float, Field(gt=0)]] = []
    knots: list[CalibrationKnot] = []  #: Of the isotonic curve, both numbers increasing; none: temperature alone.
    curve: list[CurvePoint]  #: Reliability after calibration, of held-out writers that it was not fitted on.

    @model_validator(mode="after")
    def _rises(self) -> Self:
        pairs = [(knot.score, knot.right) for knot in self.knots]
        if any(a[0] >= b[0] or a[1] >= b[1] for a, b in itertools.pairwise(pairs)):
            raise ValueError("score and right of knots must increase")
        if bool(self.knots) != (self.method == "temperature, isotonic"):
            raise ValueError(f"method {self.method!r} does not fit {len(self.knots)} knots")
        return self


class SecondLook(_Strict):
    """Another network, asked of doubtful glyphs alone: the mean of both networks' logits says what they are."""

    sha256: Sha256  #: Of second.tflite.
    below: Share  #: Glyphs whose best class has a lower chance by the first network alone are looked at again.
    calibration: Calibration  #: Of the mean; its curve is that of the glyphs looked at again.


class DataSource(_Strict):
    """Where a part of the training data came from."""

    name: str
    license: str
    share: Share  #: Of all glyphs seen in training.
    glyphs: Annotated[int, Field(ge=0)]  #: Different originals.


class ModelCard(_Strict):
    """What `card.yaml` says; written by `docproc train`."""

    name: str
    classes: list[str]  #: What each output stands for, in order.
    input_shape: list[int]  #: Of one glyph: height, width, channels.
    normalizer: str  #: `character.normalization.NORMALIZER_ID` at the time of training.
    sha256: Sha256  #: Of model.tflite.
    calibration: Calibration  #: Of the first network alone; its curve is of all glyphs, however often looked at.
    second_look: SecondLook | None = None
    review_below: Share  #: Fields of lower confidence go to review, unless the user says otherwise.
    data: list[DataSource]
    seed: int
    scores: dict[str, float]  #: Measured on held-out data; the key says which.
    wall_time_s: float  #: Painting and training included; the one number that is not the same each time.
    cores: int | None = None  #: That it had; None in cards of old.
    versions: dict[str, str]  #: Of the programs that made it.
    notes: str = ""  #: What a number above does not say.


def read_card(path: Path) -> ModelCard:
    """Read a card. ModelError where it is missing or wrong."""
    retrain = "Train a model with `docproc train`, or install docproc again to get the shipped one back."
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{path}: the model card cannot be read ({error.strerror}).", remedy=retrain) from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: the model card is no UTF-8 text.", remedy=retrain) from error
    try:
        return ModelCard.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        first_line = str(error).splitlines()[0]
        raise ModelError(f"{path}: the model card is no YAML ({first_line}).", remedy=retrain) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "card"
        raise ModelError(f"{path}: {where}: {first['msg']}.", remedy=retrain) from error


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card as YAML, keys in the order of the class."""
    text = yaml.safe_dump(card.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8")
