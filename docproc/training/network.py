"""The network: a small convolutional classifier of 28 x 28 glyphs.

Written against Keras alone, so that it also trains on its torch and jax backends. Shapes stand beside the lines.
"""

from __future__ import annotations

from typing import Any

from docproc.character.card import CLASSES
from docproc.character.normalization import SIDE_PX

_DROPOUT = 0.25


def build_network(*, batch_size: int | None = None) -> Any:
    """A Keras model from (N, 28, 28, 1) floats, 0 to 1, to (N, 13) logits.

    About 145,000 weights and 6 million multiply-adds a glyph. `batch_size` fixes N, which the export needs.
    """
    from keras import Input, Model, layers

    # Names are given, not counted up by Keras: they stand in the exported file, and equal models have equal files.
    def convolve(x: Any, name: str, filters: int, *, stride: int = 1) -> Any:
        x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False, name=name)(x)
        x = layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    image = Input(batch_shape=(batch_size, SIDE_PX, SIDE_PX, 1), name="glyphs")  # (N, 28, 28, 1)
    x = convolve(image, "conv1", 24)  # (N, 28, 28, 24)
    x = convolve(x, "conv2", 24, stride=2)  # (N, 14, 14, 24)
    x = convolve(x, "conv3", 40)  # (N, 14, 14, 40)
    x = convolve(x, "conv4", 48, stride=2)  # (N, 7, 7, 48)
    x = convolve(x, "conv5", 72)  # (N, 7, 7, 72)
    x = convolve(x, "conv6", 96, stride=2)  # (N, 4, 4, 96)
    x = layers.Flatten(name="flat")(x)  # (N, 1536)
    x = layers.Dropout(_DROPOUT, name="dropout")(x)
    logits = layers.Dense(len(CLASSES), name="logits")(x)  # (N, 13)
    return Model(image, logits, name="digits")


def predict(model: Any, glyphs: Any, *, batch: int = 500) -> Any:
    """Logits, (N, 28, 28) uint8 -> (N, 13) float64."""
    import numpy as np

    parts = [
        np.asarray(model.predict_on_batch(glyphs[i : i + batch, :, :, None].astype(np.float32) / 255.0))
        for i in range(0, len(glyphs), batch)
    ]
    return np.concatenate(parts).astype(np.float64)
