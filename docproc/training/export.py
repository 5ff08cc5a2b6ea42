"""Turn the trained network into the file that LiteRT runs, and prove that both say the same.

In:  a Keras model and the settings that it was built with. Out: the bytes of model.tflite.
Conversion needs TensorFlow, whatever backend trained the network.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from docproc.character.recognizer import BATCH
from docproc.errors import ModelError
from docproc.training.network import build_network
from docproc.training.settings import Settings

#: Largest difference of two logits that is rounding: logits reach about 20, floats have seven digits.
LARGEST_DIFFERENCE = 1e-3
LARGEST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the exported model is from the one it was made from."""

    largest_difference: float  #: Of any logit.
    different_answers: int  #: Glyphs with another best class.
    glyphs: int


def export(model: Any, *, settings: Settings = Settings()) -> bytes:  # noqa: B008 - frozen
    """Convert to LiteRT in 32-bit floats, the batch fixed so that LiteRT can plan its fast kernels.

    16-bit weights halve the file but are widened again at loading, and moved one of MNIST's 10,000 answers.
    """
    import tensorflow as tf

    fixed = build_network(batch_size=BATCH, settings=settings)
    fixed.set_weights(model.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        fixed.export(folder, format="tf_saved_model", verbose=False)
        return tf.lite.TFLiteConverter.from_saved_model(folder).convert()


def check_agreement(
    keras_logits: npt.NDArray[np.float64], exported_logits: npt.NDArray[np.float64], *, size_bytes: int
) -> Agreement:
    """Refuse an export that is not the network it was made from.

    Raises
    ------
    ModelError
        If any logit differs by more than `LARGEST_DIFFERENCE`, any answer differs, or the file is too large.
    """
    agreement = Agreement(
        largest_difference=float(np.abs(keras_logits - exported_logits).max()),
        different_answers=int(np.sum(keras_logits.argmax(axis=1) != exported_logits.argmax(axis=1))),
        glyphs=len(keras_logits),
    )
    if agreement.largest_difference > LARGEST_DIFFERENCE or agreement.different_answers:
        raise ModelError(
            f"The exported model disagrees with the trained one: logits differ by up to "
            f"{agreement.largest_difference:.3g}, and {agreement.different_answers} of {agreement.glyphs} answers.",
            remedy="Nothing was written. Install the TensorFlow that the extra `train` names, and use --resume.",
        )
    if size_bytes > LARGEST_BYTES:
        raise ModelError(
            f"The exported model has {size_bytes:,} bytes; at most {LARGEST_BYTES:,} are allowed.",
            remedy="Nothing was written. Take filters out of docproc.training.network.",
        )
    return agreement
