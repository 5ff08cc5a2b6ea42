"""The network that reads whole lines: convolutions over the line, and a label for every four columns of pixels [1]_.

Written against Keras alone. Shapes stand beside the lines.

References
----------
.. [1] A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist temporal classification: labelling
   unsegmented sequence data with recurrent neural networks", ICML 2006.
.. [2] J. Puigcerver, "Are multidimensional recurrent layers really necessary for handwritten text recognition?",
   ICDAR 2017: without recurrent layers a line is read in parallel.
"""

from __future__ import annotations

from typing import Any

from docproc.field.line import HEIGHT_PX
from docproc.field.transcript import LABELS
from docproc.training.settings import Settings


def build_line_network(
    *,
    batch_size: int | None = None,
    columns: int | None = None,
    settings: Settings = Settings(),  # noqa: B008 - frozen
) -> Any:
    """A Keras model from (N, 32, W, 2) floats, 0 to 1, to (N, W / 4, 11) logits: blank first, then "0" to "9".

    About 870,000 weights and 100 million multiply-adds for a line of 160 columns. Two layers along the line at the
    end see some 60 columns, three digits: what a stroke is, its neighbors tell.
    """
    from keras import Input, Model, layers

    def filters(count: int) -> int:
        return max(round(count * settings.width / 8) * 8, 8)

    def convolve(
        x: Any,
        name: str,
        count: int,
        *,
        side: tuple[int, int] = (3, 3),
        stride: tuple[int, int] = (1, 1),
        padding: str = "same",
    ) -> Any:
        x = layers.Conv2D(filters(count), side, strides=stride, padding=padding, use_bias=False, name=name)(x)
        x = layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    image = Input(batch_shape=(batch_size, HEIGHT_PX, columns, 2), name="lines")  # (N, 32, W, 2)
    x = convolve(image, "conv1", 24, side=(5, 5), stride=(2, 2))  # (N, 16, W / 2, 24)
    x = convolve(x, "conv2", 40)
    x = convolve(x, "conv3", 80, stride=(2, 2))  # (N, 8, W / 4, 80)
    x = convolve(x, "conv4", 96)
    x = convolve(x, "conv5", 128, stride=(2, 1))  # (N, 4, W / 4, 128)
    x = convolve(x, "conv6", 128)
    # One row from here on.
    x = layers.ZeroPadding2D(((0, 0), (1, 1)), name="around")(x)
    x = convolve(x, "fold", 160, side=(4, 3), padding="valid")  # (N, 1, W / 4, 160)
    x = layers.SpatialDropout2D(settings.dropout / 2, name="dropout1")(x)
    x = convolve(x, "along1", 160, side=(1, 5))
    x = convolve(x, "along2", 160, side=(1, 5))
    x = layers.Dropout(settings.dropout, name="dropout2")(x)
    x = layers.Conv2D(len(LABELS) + 1, 1, name="logits")(x)  # (N, 1, W / 4, 11)
    scores = layers.Reshape((-1, len(LABELS) + 1), name="steps")(x)
    return Model(image, scores, name="lines")
