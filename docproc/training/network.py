"""The networks of digits: small convolutional classifiers of 28 x 28 glyphs, and how they are taught.

Written against Keras alone, so that it also trains on its torch and jax backends. Shapes stand beside the lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import negative_log_likelihood
from docproc.character.card import CLASSES
from docproc.character.normalization import SIDE_PX
from docproc.training.settings import Settings

Look = Literal["first", "second"]  #: Of all glyphs, or of those that the first leaves in doubt.

Labeled = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]  #: Glyphs (N, 28, 28) and their classes (N,).

BATCH = 128

_LEAST_FILTERS = 8
_SECOND_WIDTH = 1.5  #: Filters of the second look, relative: few glyphs come to it, so it may take its time.
_ROUND_TO = 8  #: Filters come in eights: what the processor takes at once.


def build_network(
    *,
    batch_size: int | None = None,
    look: Look = "first",
    settings: Settings = Settings(),  # noqa: B008 - frozen
) -> Any:
    """A Keras model from (N, 28, 28, 1) floats, 0 to 1, to (N, 13) logits.

    About 260,000 weights and 10 million multiply-adds a glyph at width 1: about 15,000 glyphs a second on one core.
    Its work is at 14 and 7 pixels, in layers of many filters: there one core does twice as many multiply-adds a
    second as in thin ones at 28. The first layer's 32 filters span all that 25 pixels can hold, so that its stride
    loses nothing. The second look has two layers in its place, and more filters: networks that are built differently
    err differently, and a larger one errs less. `batch_size` fixes N, which the export needs.
    """
    from keras import Input, Model, layers

    width = settings.width * (1 if look == "first" else _SECOND_WIDTH)

    def filters(count: int) -> int:
        return max(round(count * width / _ROUND_TO) * _ROUND_TO, _LEAST_FILTERS)

    # Names are given, not counted up by Keras: they stand in the exported file, and equal models have equal files.
    def convolve(x: Any, name: str, count: int, *, side: int = 3, stride: int = 1) -> Any:
        x = layers.Conv2D(filters(count), side, strides=stride, padding="same", use_bias=False, name=name)(x)
        x = layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    image = Input(batch_shape=(batch_size, SIDE_PX, SIDE_PX, 1), name="glyphs")  # (N, 28, 28, 1)
    if look == "first":
        x = convolve(image, "conv1", 32, side=5, stride=2)  # (N, 14, 14, 32)
    else:
        x = convolve(image, "conv0", 16)  # (N, 28, 28, 16)
        x = convolve(x, "conv1", 32, stride=2)  # (N, 14, 14, 32)
    x = convolve(x, "conv2", 48)  # (N, 14, 14, 48)
    x = convolve(x, "conv3", 80, stride=2)  # (N, 7, 7, 80)
    x = convolve(x, "conv4", 96)  # (N, 7, 7, 96)
    x = convolve(x, "conv5", 128, stride=2)  # (N, 4, 4, 128)
    x = layers.Flatten(name="flat")(x)  # (N, 2048)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    logits = layers.Dense(len(CLASSES), name="logits")(x)  # (N, 13)
    return Model(image, logits, name="digits")


def predict(model: Any, glyphs: Any, *, batch: int = 500) -> Any:
    """Logits, (N, 28, 28) uint8 -> (N, 13) float64."""
    parts = [
        np.asarray(model.predict_on_batch(glyphs[i : i + batch, :, :, None].astype(np.float32) / 255.0))
        for i in range(0, len(glyphs), batch)
    ]
    return np.concatenate(parts).astype(np.float64)


@dataclass(frozen=True, slots=True)
class GlyphTask:
    """Learning what single glyphs are; see `fit.Task`."""

    glyphs_per_epoch: int
    look: Look = "first"
    settings: Settings = Settings()  # noqa: RUF009 - frozen
    start: Sequence[npt.NDArray] = ()  #: Weights to go on from; random ones where there are none.

    @property
    def batches_per_epoch(self) -> int:
        """Steps of training."""
        return self.glyphs_per_epoch // BATCH

    @property
    def facts(self) -> dict[str, Any]:
        """What names the run."""
        facts: dict[str, Any] = {"glyphs_per_epoch": self.glyphs_per_epoch, "look": self.look}
        if self.start:
            # Kernels alone: what `start` derives of them by calculation may differ in the last bit.
            kernels = b"".join(weights.tobytes() for weights in self.start if weights.ndim > 1)
            facts["start"] = hashlib.sha256(kernels).hexdigest()
        return facts

    def build(self) -> Any:
        """The network."""
        network = build_network(look=self.look, settings=self.settings)
        if self.start:
            network.set_weights(self.start)
        return network

    def loss(self) -> Any:
        """Cross entropy; some labels are wrong, so it is smoothed."""
        import keras

        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=self.settings.label_smoothing)

    def batches(self, made: Labeled) -> Iterator[tuple[npt.NDArray, npt.NDArray]]:
        """Glyphs, 0 to 1, and one-hot classes."""
        glyphs, labels = made
        classes = np.eye(len(CLASSES), dtype=np.float32)
        for start in range(0, len(glyphs) - BATCH + 1, BATCH):
            part = slice(start, start + BATCH)
            yield glyphs[part, :, :, None].astype(np.float32) / 255.0, classes[labels[part]]

    def score(self, model: Any, held_out: Labeled) -> tuple[float, float]:
        """Loss and share right."""
        logits = predict(model, held_out[0])
        right = float(np.mean(logits.argmax(axis=1) == held_out[1]))
        return negative_log_likelihood(logits, held_out[1]), right
