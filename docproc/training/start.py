"""Go on from a model as it lies in its folder: the weights of its networks, out of the files that LiteRT runs.

In:  the folder of a model; glyphs such as it is going to learn from.
Out: the width of its networks, and their weights as Keras takes them.
The export has rounded weights to 8 bits, and has merged batch normalization into the convolution before it. Here each
gets one back that changes nothing: it takes from its channels the mean and the spread that they have on these glyphs,
and gives them both again. So the network learns on from what it knows, and not from a jolt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from docproc.character.card import MODEL_NAME, SECOND_NAME
from docproc.errors import ModelError
from docproc.training.network import Look, build_network
from docproc.training.settings import Settings

Floats = npt.NDArray[np.float32]
Layers = list[tuple[Floats, Floats]]  #: Kernel and bias of each layer in turn; of a kernel's axes the filters first.

_FILES: dict[Look, str] = {"first": MODEL_NAME, "second": SECOND_NAME}
_LAYERS = ("CONV_2D", "FULLY_CONNECTED")  #: What LiteRT calls those that have weights.


def weights_of(folder: Path, glyphs: npt.NDArray[np.uint8]) -> tuple[float, dict[Look, list[Floats]]]:
    """Width and weights of the networks in a model's folder, which `load_recognizer` has read; glyphs (N, 28, 28).

    Raises
    ------
    ModelError
        If they are built otherwise than this version builds them.
    """
    files = {look: (folder / name).read_bytes() for look, name in _FILES.items() if (folder / name).exists()}
    layers = {look: _layers(model) for look, model in files.items()}
    try:
        settings = Settings(width=len(layers["first"][-2][0]) / _layers_of(build_network())[-2].filters)
        return settings.width, {look: _weights(own, glyphs, look, settings) for look, own in layers.items()}
    except ValueError as error:
        raise ModelError(
            f"{folder}: its networks are not built as this version builds them ({error}).",
            remedy="Name a model that this version of `docproc train` has made, with --model.",
        ) from error


def _layers(model: bytes) -> Layers:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # Without delegates, which may pack weights in a way of their own.
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    layers: Layers = []
    # Names of tensors would be public, but equal biases share one tensor, and some are named after none.
    for op in interpreter._get_ops_details():
        if op["op_name"] in _LAYERS:
            _, kernel, bias = (int(index) for index in op["inputs"])
            weights = _as_floats(interpreter, tensors[kernel])
            none = np.zeros(len(weights), np.float32)
            layers.append((weights, none if bias < 0 else _as_floats(interpreter, tensors[bias])))
    return layers


def _as_floats(interpreter: Any, tensor: dict[str, Any]) -> Floats:
    values = interpreter.get_tensor(tensor["index"]).astype(np.float32)
    scales = tensor["quantization_parameters"]["scales"]  # none, or one a filter
    return values * scales.reshape(-1, *[1] * (values.ndim - 1)) if len(scales) else values


def _layers_of(network: Any) -> list[Any]:
    return [layer for layer in network.layers if hasattr(layer, "kernel")]


def _weights(layers: Layers, glyphs: npt.NDArray[np.uint8], look: Look, settings: Settings) -> list[Floats]:
    from keras import Model, ops

    network = build_network(look=look, settings=settings)
    images = glyphs[..., np.newaxis].astype(np.float32) / 255.0
    *convolutions, logits = _layers_of(network)
    for layer, (kernel, bias) in zip(convolutions, layers[:-1], strict=True):
        layer.set_weights([kernel.transpose(1, 2, 3, 0)])
        made = ops.convert_to_numpy(Model(network.input, layer.output)(images))  # (N, H, W, filters)
        mean, variance = made.mean((0, 1, 2)), made.var((0, 1, 2))
        norm = network.get_layer(f"{layer.name}_norm")
        norm.set_weights([np.sqrt(variance + norm.epsilon), bias + mean, mean, variance])
    kernel, bias = layers[-1]
    logits.set_weights([kernel.T, bias])
    return network.get_weights()
