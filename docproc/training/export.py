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

#: Of logits, relative: the most that is rounding. 8 bits make 0.01 to 0.02, which changes one answer in thousands, a
#: tie; a network of other weights differs by 1 or more.
LARGEST_DIFFERENCE = 0.05
LARGEST_BYTES = 2_000_000  #: Of all files of a model together.


def export(model: Any, *, batch: int, look: Look, settings: Settings) -> bytes:
    """Convert to LiteRT, the batch fixed so that LiteRT can plan its fast kernels."""
    fixed = build_network(batch_size=batch, look=look, settings=settings)
    fixed.set_weights(model.get_weights())
    return convert(fixed)


def convert(fixed: Any) -> bytes:
    """A Keras model of fixed batch in LiteRT's format, weights in 8 bits.

    What comes to a layer is brought to 8 bits when it runs, each image by its own range, so that what else is in a
    batch changes nothing; sums are exact [1]_. That is four to six times as fast as calculation in 32 bits where the
    processor multiplies bytes, and needs no material to find ranges on. Layers of few weights, like the first, stay
    in 32 bits.

    References
    ----------
    .. [1] B. Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
       inference", CVPR 2018.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        fixed.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return converter.convert()


def check_agreement(keras_logits: npt.NDArray[np.float64], exported_logits: npt.NDArray[np.float64]) -> float:
    """Refuse an export that is not the network it was made from; the difference of their logits (..., classes).

    That is the root mean square of all differences over the standard deviation of the logits.

    Raises
    ------
    ModelError
        If that is more than `LARGEST_DIFFERENCE`.
    """
    difference = float(np.sqrt(np.mean((keras_logits - exported_logits) ** 2)) / np.std(keras_logits))
    if difference > LARGEST_DIFFERENCE:
        answers = keras_logits.argmax(axis=-1) != exported_logits.argmax(axis=-1)
        raise ModelError(
            f"The exported model disagrees with the trained one: logits differ by {difference:.1%}, and "
            f"{np.sum(answers)} of {answers.size} answers.",
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
