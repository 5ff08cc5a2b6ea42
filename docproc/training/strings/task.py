"""Learning to transcribe lines: how painted lines come in batches, the loss, and the score. See `fit.Task`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from docproc.combination.line_reader import STEP_PX
from docproc.field.transcript import transcribe
from docproc.training.settings import Settings
from docproc.training.strings.augmentation import vary
from docproc.training.strings.batches import batches, stacked
from docproc.training.strings.lines import Lines
from docproc.training.strings.network import build_line_network

BATCH = 64
_SCORE_BATCH = 50
_LEAST_CHANCE = 1e-4  #: Given to what is not among the values followed.


@dataclass(frozen=True, slots=True)
class LineTask:
    """Learning what stands in whole lines."""

    lines_per_epoch: int
    settings: Settings = Settings()  # noqa: RUF009 - frozen

    @property
    def batches_per_epoch(self) -> int:
        """Steps of training."""
        return self.lines_per_epoch // BATCH

    @property
    def facts(self) -> dict[str, Any]:
        """What names the run."""
        return {"lines_per_epoch": self.lines_per_epoch}

    def build(self) -> Any:
        """The network."""
        return build_line_network(settings=self.settings)

    def loss(self) -> Any:
        """Connectionist temporal classification; label 0 is no digit."""
        import keras

        return keras.losses.CTC()

    def batches(self, made: Lines) -> Iterator[tuple[npt.NDArray, npt.NDArray]]:
        """Lines of like width, 0 to 1, and their labels."""
        rng = np.random.default_rng(len(made))
        for images, labels in batches(made.images, made.texts, size=BATCH, rng=rng):
            yield images.astype(np.float32) / 255.0, labels

    def score(self, model: Any, held_out: Lines) -> tuple[float, float]:
        """Mean loss of a line, and the share read right as a whole."""
        loss, right = 0.0, 0
        for start in range(0, len(held_out), _SCORE_BATCH):
            part = slice(start, start + _SCORE_BATCH)
            images = stacked(held_out.images[part]).astype(np.float32) / 255.0
            scores = np.asarray(model.predict_on_batch(images)).astype(np.float64)
            for own, line, text in zip(scores, held_out.images[part], held_out.texts[part], strict=True):
                found = transcribe(own[: -(-line.shape[1] // STEP_PX)])  # as it is read: not what fills up the batch
                loss -= float(np.log(max(dict(found).get(text, 0.0), _LEAST_CHANCE)))
                right += found[0][0] == text
        return loss / len(held_out), right / len(held_out)


@dataclass(frozen=True, slots=True, eq=False)
class EpochLines:
    """Makes the lines of an epoch from the stock, each varied anew; travels to a process."""

    stock: Lines
    count: int
    seed: int

    def __call__(self, epoch: int) -> Lines:
        """Lines and texts, the same for the same epoch."""
        rng = np.random.default_rng((self.seed, epoch))
        chosen = rng.permutation(len(self.stock))[: self.count]
        return Lines([vary(self.stock.images[i], rng) for i in chosen], [self.stock.texts[i] for i in chosen])
