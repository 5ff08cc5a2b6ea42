"""Turn the trained network into the file that LiteRT runs, and prove that both say the same.

In:  a Keras model and what it was built with. Out: the bytes of a .tflite file.
Conversion needs TensorFlow, whatever backend trained the network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from docproc.errors import ModelError
from docproc.training.network import Look, build_network
from docproc.training.settings import Settings

#: Largest difference of two logits that is rounding: logits reach about 10, 16 bits hold three digits. An answer
#: that it changes was a tie.
LARGEST_DIFFERENCE = 2e-2
LARGEST_BYTES = 2_000_000  #: Of all files of a model together.


def export(model: Any, *, batch: int, look: Look, settings: Settings) -> bytes:
    """Convert to LiteRT, the batch fixed so that LiteRT can plan its fast kernels.

    Weights are kept in 16 bits, which halves the file, and widened again at loading: calculation is in 32.
    """
    fixed = build_network(batch_size=batch, look=look, settings=settings)
    fixed.set_weights(model.get_weights())
    return convert(fixed)


def convert(fixed: Any) -> bytes:
    """A Keras model of fixed batch in LiteRT's format, weights in 16 bits."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        fixed.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def check_agreement(keras_logits: npt.NDArray[np.float64], exported_logits: npt.NDArray[np.float64]) -> float:
    """Refuse an export that is not the network it was made from; the largest difference of any logit.

    Raises
    ------
    ModelError
        If that is more than `LARGEST_DIFFERENCE`.
    """
    difference = float(np.abs(keras_logits - exported_logits).max())
    if difference > LARGEST_DIFFERENCE:
        answers = int(np.sum(keras_logits.argmax(axis=1) != exported_logits.argmax(axis=1)))
        raise ModelError(
            f"The exported model disagrees with the trained one: logits differ by up to {difference:.3g}, and "
            f"{answers} of {len(keras_logits)} answers.",
            remedy="Nothing was written. Install the TensorFlow that the extra `train` names, and use --resume.",
        )
    return difference


def check_size(exported: Sequence[bytes]) -> None:
    """ModelError where the files of a model are more than `LARGEST_BYTES` together."""
    size = sum(len(model) for model in exported)
    if size > LARGEST_BYTES:
        raise ModelError(
            f"The exported model has {size:,} bytes; at most {LARGEST_BYTES:,} are allowed.",
            remedy="Nothing was written. Give it fewer filters with --width.",
        )
