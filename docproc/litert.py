"""Run trained networks on LiteRT, TensorFlow's runtime for them. TensorFlow itself is never imported here.

In:  the bytes of a .tflite file and images, uint8.
Out: the network's own scores, float64.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from docproc.errors import ModelError


@dataclass(slots=True)
class Network:
    """A model for images of one shape. Not to be shared between threads; opened by its first use."""

    model: bytes = field(repr=False)
    shape: tuple[int, int, int, int]  #: Images at a time, rows, columns, channels.
    _interpreter: Any = field(default=None, repr=False, compare=False)

    def run(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Scores of images (N, rows, columns, channels) uint8, divided by 255; N may be 0.

        ModelError where LiteRT cannot run the model.
        """
        interpreter = self._interpreter
        if interpreter is None:
            interpreter = self._interpreter = _interpreter(self.model, self.shape)
        source, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]
        scores = [np.empty((0, *result["shape"][1:]), np.float64)] if len(images) == 0 else []
        batch = np.zeros(self.shape, np.float32)
        for start in range(0, len(images), self.shape[0]):
            part = images[start : start + self.shape[0]]
            # The last batch is padded, never resized: a resize would plan the whole network anew.
            batch[: len(part)] = part
            batch[: len(part)] /= 255.0
            batch[len(part) :] = 0.0
            interpreter.set_tensor(source, batch)
            interpreter.invoke()
            scores.append(interpreter.get_tensor(result["index"])[: len(part)].astype(np.float64))
        return np.concatenate(scores)

    def __reduce__(self) -> tuple[object, ...]:
        # An interpreter does not travel to a worker process; its bytes do.
        return (Network, (self.model, self.shape))


def _interpreter(model: bytes, shape: tuple[int, int, int, int]) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    # One thread: the batch is spread over processes, and threads would fight for the same cores.
    try:
        with _native_stderr_muted():
            interpreter = Interpreter(model_content=model, num_threads=1)
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"LiteRT cannot run this model: {str(error).splitlines()[0]}.",
            remedy="Train it again with `docproc train`, or install docproc again for the shipped model.",
        ) from error
    return interpreter


@contextmanager
def _native_stderr_muted() -> Iterator[None]:
    """LiteRT greets on the process's stderr, among the messages that users read, and has no switch for it."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
