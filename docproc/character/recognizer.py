"""Say what normalized glyphs are, with chances that can be believed.

In:  (N, 28, 28) uint8, as `character.normalization` makes them.
Out: (N, classes) float64, one row a glyph, calibrated, adding up to 1.
Models run on LiteRT, TensorFlow's runtime for trained models; TensorFlow itself is never imported here.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import docproc
from docproc.character.calibration import calibrate
from docproc.character.card import CARD_NAME, CLASSES, MODEL_NAME, ModelCard, read_card
from docproc.character.normalization import NORMALIZER_ID, SIDE_PX
from docproc.errors import ModelError

#: Glyphs handed to the interpreter at a time: larger gains nothing on one core, smaller pays the call each time.
BATCH = 64

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
    """A model.tflite and its card. Not to be shared between threads; each worker loads its own."""

    card: ModelCard
    model: bytes = field(repr=False)
    _interpreter: Any = field(default=None, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of model and calibration: both decide what a glyph is read as."""
        calibration = self.card.calibration
        text = f"{self.card.sha256} {self.card.normalizer} {calibration.temperature!r}"
        if calibration.doubt or calibration.knots:
            text += f" {calibration.doubt!r} {[(knot.score, knot.right) for knot in calibration.knots]!r}"
        if calibration.weights:
            text += f" {calibration.weights!r}"
        return hashlib.sha256(text.encode()).hexdigest()

    def recognize(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Chances of each class, (N, 28, 28) uint8 -> (N, 13) float64, rows adding up to 1."""
        return calibrate(self.logits(glyphs), self.card.calibration)

    def logits(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """The network's own scores, (N, 28, 28) uint8 -> (N, 13) float64, before calibration."""
        if glyphs.ndim != 3 or glyphs.shape[1:] != (SIDE_PX, SIDE_PX) or glyphs.dtype != np.uint8:
            raise ValueError(f"glyphs must be (N, {SIDE_PX}, {SIDE_PX}) uint8, got {glyphs.shape} {glyphs.dtype}")
        interpreter = self._interpreter
        if interpreter is None:
            interpreter = self._interpreter = _interpreter(self.model)
        source = interpreter.get_input_details()[0]["index"]
        result = interpreter.get_output_details()[0]["index"]
        scores = np.empty((len(glyphs), len(self.card.classes)), np.float64)
        batch = np.zeros((BATCH, SIDE_PX, SIDE_PX, 1), np.float32)
        for start in range(0, len(glyphs), BATCH):
            part = glyphs[start : start + BATCH]
            # The last batch is padded, never resized: a resize would plan the whole network anew.
            batch[: len(part), :, :, 0] = part
            batch[: len(part)] /= 255.0
            batch[len(part) :] = 0.0
            interpreter.set_tensor(source, batch)
            interpreter.invoke()
            scores[start : start + len(part)] = interpreter.get_tensor(result)[: len(part)]
        return scores

    def __reduce__(self) -> tuple[object, ...]:
        # An interpreter does not travel to a worker process; its bytes do.
        return (LiteRtRecognizer, (self.card, self.model))


def load_recognizer(folder: Path | None = None) -> LiteRtRecognizer:
    """Load a model and check that it is what its card says.

    Parameters
    ----------
    folder : Path, optional
        Holds model.tflite and card.yaml; the shipped model where None.

    Raises
    ------
    ModelError
        If a file is missing, the model is not the one that the card describes, or the card was made for other
        classes or another normalizer than this version's.
    """
    folder = default_model_folder() if folder is None else folder
    card = read_card(folder / CARD_NAME)
    path = folder / MODEL_NAME
    again = f"Train it again with `docproc train -o {folder}`, or install docproc again for the shipped model."
    try:
        model = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be read ({error.strerror}).", remedy=again) from error
    if hashlib.sha256(model).hexdigest() != card.sha256:
        raise ModelError(f"{path} is not the model that {CARD_NAME} beside it describes (sha256).", remedy=again)
    if card.normalizer != NORMALIZER_ID:
        raise ModelError(
            f"{folder}: trained on glyphs of normalizer {card.normalizer!r}; this version makes {NORMALIZER_ID!r}.",
            remedy=again,
        )
    if tuple(card.classes) != CLASSES or card.input_shape != [SIDE_PX, SIDE_PX, 1]:
        raise ModelError(f"{folder}: the card's classes or input shape are not this version's.", remedy=again)
    return LiteRtRecognizer(card, model)


def default_model_folder() -> Path:
    """Where the shipped model is: inside the installed package, or beside the package in a checkout."""
    package = Path(docproc.__file__).resolve().parent
    installed, checkout = package / "models" / _DEFAULT_MODEL, package.parent / "models" / _DEFAULT_MODEL
    return checkout if not installed.is_dir() and checkout.is_dir() else installed


def _interpreter(model: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    # One thread: the batch is spread over processes, and threads would fight for the same cores.
    try:
        with _native_stderr_muted():
            interpreter = Interpreter(model_content=model, num_threads=1)
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (BATCH, SIDE_PX, SIDE_PX, 1))
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"LiteRT cannot run this model: {str(error).splitlines()[0]}.",
            remedy="Train it again with `docproc train`, or install docproc again for the shipped model.",
        ) from error
    return interpreter


@contextmanager
def _native_stderr_muted() -> Iterator[None]:
    """LiteRT greets on the process's stderr, among the messages that users read, and has no switch for it."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
