"""Turn the trained network into the file that LiteRT runs, and prove that both say the same.

In:  a Keras model. Out: the bytes of model.tflite.
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

#: Largest difference of two logits that is rounding: weights are kept in 16 bits, logits reach about 20.
LARGEST_DIFFERENCE = 0.2
LARGEST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the exported model is from the one it was made from."""

    largest_difference: float  #: Of any logit.
    different_answers: int  #: Glyphs with another best class.
    glyphs: int


def export(model: Any) -> bytes:
    """Convert to LiteRT, weights in 16-bit floats, the batch fixed: a fixed shape runs about twice as fast."""
    import tensorflow as tf

    fixed = build_network(batch_size=BATCH)
    fixed.set_weights(model.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        fixed.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


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
