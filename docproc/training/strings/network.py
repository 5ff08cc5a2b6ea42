"""The network that reads whole lines: convolutions over the line, and a label for every four columns of pixels [1]_.

Written against Keras alone. Shapes stand beside the lines.

References
----------
.. [1] A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist temporal classification: labelling
   unsegmented sequence data with recurrent neural networks", ICML 2006.
.. [2] J. Puigcerver, "Are multidimensional recurrent layers really necessary for handwritten text recognition?",
   ICDAR 2017: without recurrent layers a line is read in parallel.
.. [3] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016.
"""

from __future__ import annotations

from typing import Any

from docproc.field.line import HEIGHT_PX
from docproc.field.transcript import LABELS
from docproc.training.settings import Settings

ALONG = (1, 2, 4)  #: Steps of four columns between what each of the last layers looks at.


def build_line_network(
    *,
    batch_size: int | None = None,
    columns: int | None = None,
    settings: Settings = Settings(),  # noqa: B008 - frozen
) -> Any:
    """A Keras model from (N, 32, W, 2) floats, 0 to 1, to (N, W / 4, 11) logits: blank first, then "0" to "9".

    About 960,000 weights and 120 million multiply-adds for a line of 160 columns. The last layers look farther and
    farther along the line, 100 columns in all, five digits: what a stroke is, its neighbors tell. What a layer adds
    to what it was given is learned where both have one shape [3]_.
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
        spread: int = 1,
        padding: str = "same",
        adds: bool = False,
    ) -> Any:
        given = x
        if spread > 1:
            # Padded here, to a multiple of the spread: TensorFlow's own way of it fails where widths vary.
            x, padding = layers.ZeroPadding2D(((0, 0), (spread, spread)), name=f"{name}_around")(x), "valid"
        x = layers.Conv2D(
            filters(count),
            side,
            strides=stride,
            dilation_rate=(1, spread),
            padding=padding,
            use_bias=False,
            name=name,
        )(x)
        x = layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
        x = layers.Add(name=f"{name}_add")([x, given]) if adds else x
        return layers.ReLU(name=f"{name}_relu")(x)

    image = Input(batch_shape=(batch_size, HEIGHT_PX, columns, 2), name="lines")  # (N, 32, W, 2)
    x = convolve(image, "conv1", 24, side=(5, 5), stride=(2, 2))  # (N, 16, W / 2, 24)
    x = convolve(x, "conv2", 48)
    x = convolve(x, "conv3", 96, stride=(2, 2))  # (N, 8, W / 4, 96)
    x = convolve(x, "conv4", 96, adds=True)
    x = convolve(x, "conv5", 160, stride=(2, 1))  # (N, 4, W / 4, 160)
    x = convolve(x, "conv6", 160, adds=True)
    # One row from here on.
    x = convolve(x, "fold", 192, side=(4, 1), padding="valid")  # (N, 1, W / 4, 192)
    x = layers.SpatialDropout2D(settings.dropout / 2, name="dropout1")(x)
    for number, steps in enumerate(ALONG, start=1):
        x = convolve(x, f"along{number}", 192, side=(1, 3), spread=steps, adds=True)
    x = layers.Dropout(settings.dropout, name="dropout2")(x)
    x = layers.Conv2D(len(LABELS) + 1, 1, name="logits")(x)  # (N, 1, W / 4, 11)
    scores = layers.Reshape((-1, len(LABELS) + 1), name="steps")(x)
    return Model(image, scores, name="lines")
