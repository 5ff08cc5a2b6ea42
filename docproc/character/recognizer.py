"""Say what normalized glyphs are, with chances that can be believed.

In:  (N, 28, 28) uint8, as `character.normalization` makes them.
Out: (N, classes) float64, one row a glyph, calibrated, adding up to 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

import docproc
from docproc.character.calibration import calibrate
from docproc.character.card import (
    CARD_NAME,
    CLASSES,
    MODEL_NAME,
    SECOND_NAME,
    Calibration,
    ModelCard,
    read_card,
)
from docproc.character.normalization import NORMALIZER_ID, SIDE_PX
from docproc.errors import ModelError
from docproc.litert import Network

BATCH = 16  #: Glyphs handed to the interpreter at a time: more gain nothing, and leave more of the last batch empty.

_DEFAULT_MODEL = "digits"


class Recognizer(Protocol):
    """Anything that reads normalized glyphs."""

    @property
    def card(self) -> ModelCard:
        """What the model is and how it was made."""

    @property
    def digest(self) -> str:
        """Names the model in records: equal digests read equally."""

    def recognize(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Chances of each class, (N, 28, 28) uint8 -> (N, len(card.classes)) float64; N may be 0."""


@dataclass(slots=True)
class LiteRtRecognizer:
    """A model and its card. Not to be shared between threads; each worker loads its own.

    Most glyphs are sure at the first look. The others are looked at again, by another network, and the mean of both
    decides: a cascade of an ensemble [1]_, nearly as right as asking both each time, and nearly as fast as one.

    References
    ----------
    .. [1] X. Wang et al., "Wisdom of committees: an overlooked approach to faster and more accurate models",
       ICLR 2022.
    """

    card: ModelCard
    model: bytes = field(repr=False)
    second: bytes = field(default=b"", repr=False)  #: Where the card has a second look.
    _first_look: Network = field(init=False, repr=False, compare=False)
    _second_look: Network = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._first_look = network_of_glyphs(self.model)
        self._second_look = network_of_glyphs(self.second)

    @property
    def digest(self) -> str:
        """SHA-256 of networks and calibration: both decide what a glyph is read as."""
        text = f"{self.card.sha256} {self.card.normalizer} {_named(self.card.calibration)}"
        look = self.card.second_look
        if look is not None:
            text += f" {look.sha256} {look.below!r} {_named(look.calibration)}"
        return hashlib.sha256(text.encode()).hexdigest()

    def recognize(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Chances of each class, (N, 28, 28) uint8 -> (N, 13) float64, rows adding up to 1."""
        if glyphs.ndim != 3 or glyphs.shape[1:] != (SIDE_PX, SIDE_PX) or glyphs.dtype != np.uint8:
            raise ValueError(f"glyphs must be (N, {SIDE_PX}, {SIDE_PX}) uint8, got {glyphs.shape} {glyphs.dtype}")
        glyphs = glyphs[..., np.newaxis]
        first = self._first_look.run(glyphs)
        chances = calibrate(first, self.card.calibration)
        look = self.card.second_look
        if look is not None:
            doubtful = chances.max(axis=1) < look.below
            mean = (first[doubtful] + self._second_look.run(glyphs[doubtful])) / 2
            chances[doubtful] = calibrate(mean, look.calibration)
        return chances

    def __reduce__(self) -> tuple[object, ...]:
        # What is open does not travel to a worker process; the bytes that it was opened from do.
        return (LiteRtRecognizer, (self.card, self.model, self.second))


def network_of_glyphs(model: bytes, *, batch: int = BATCH) -> Network:
    """A network that takes glyphs (N, 28, 28, 1)."""
    return Network(model, (batch, SIDE_PX, SIDE_PX, 1))


def _named(calibration: Calibration) -> str:
    """All of a calibration that changes a chance."""
    text = f"{calibration.temperature!r}"
    if calibration.doubt or calibration.knots:
        text += f" {calibration.doubt!r} {[(knot.score, knot.right) for knot in calibration.knots]!r}"
    if calibration.weights:
        text += f" {calibration.weights!r}"
    return text


def load_recognizer(folder: Path | None = None) -> LiteRtRecognizer:
    """Load a model and check that it is what its card says.

    Parameters
    ----------
    folder : Path, optional
        Holds card.yaml, model.tflite and, where the card names it, second.tflite; the shipped model where None.

    Raises
    ------
    ModelError
        If a file is missing, a model is not the one that the card describes, or the card was made for other
        classes or another normalizer than this version's.
    """
    folder = default_model_folder() if folder is None else folder
    card = read_card(folder / CARD_NAME)
    again = f"Train it again with `docproc train -o {folder}`, or install docproc again for the shipped model."
    model = _read(folder / MODEL_NAME, card.sha256, again)
    second = b"" if card.second_look is None else _read(folder / SECOND_NAME, card.second_look.sha256, again)
    if card.normalizer != NORMALIZER_ID:
        raise ModelError(
            f"{folder}: trained on glyphs of normalizer {card.normalizer!r}; this version makes {NORMALIZER_ID!r}.",
            remedy=again,
        )
    if tuple(card.classes) != CLASSES or card.input_shape != [SIDE_PX, SIDE_PX, 1]:
        raise ModelError(f"{folder}: the card's classes or input shape are not this version's.", remedy=again)
    return LiteRtRecognizer(card, model, second)


def _read(path: Path, sha256: str, again: str) -> bytes:
    try:
        model = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be read ({error.strerror}).", remedy=again) from error
    if hashlib.sha256(model).hexdigest() != sha256:
        raise ModelError(f"{path} is not the model that {CARD_NAME} beside it describes (sha256).", remedy=again)
    return model


def default_model_folder() -> Path:
    """Where the shipped recognizer is."""
    return model_folder(_DEFAULT_MODEL)


def model_folder(name: str) -> Path:
    """Where a shipped model is: inside the installed package, or beside the package in a checkout."""
    package = Path(docproc.__file__).resolve().parent
    installed, checkout = package / "models" / name, package.parent / "models" / name
    return checkout if not installed.is_dir() and checkout.is_dir() else installed
