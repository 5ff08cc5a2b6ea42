"""How long it takes, on one core, so that methods of different libraries can be compared.

In:  something to do. Out: seconds of processor time, digits a second.
Processor time is what a clock shows when one core does nothing else; what else runs on the machine hardly changes it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

BATCH = 16  #: Digits that a network reads at a time: what `docproc process` gives the shipped model.
_TIMED_DIGITS = 2_048  #: Read again and again.
_TIMED_S = 1.0  #: At least: the clocks of some systems tick slowly.


def now_s() -> float:
    """Processor time of this process, all its threads added up."""
    return time.process_time()


@contextmanager
def one_core() -> Iterator[None]:
    """Keep NumPy, scikit-learn and Keras' backend to one core each, as far as the backend lets it be said.

    TensorFlow takes this only before its first computation in a process; torch takes it always; jax not at all.
    """
    import keras
    from threadpoolctl import threadpool_limits

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:  # it has computed before: in a program of someone's own
            pass
    elif backend == "torch":
        sys.modules["torch"].set_num_threads(1)
    with threadpool_limits(1):
        yield


def digits_per_s(
    read: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float64]], images: npt.NDArray[np.uint8]
) -> float:
    """How many of the images, (N, 28, 28), are read in a second, once the method has warmed up."""
    images = images[:_TIMED_DIGITS]
    read(images[:BATCH])
    started, count, spent_s = now_s(), 0, 0.0
    while spent_s < _TIMED_S:
        read(images)
        count += len(images)
        spent_s = now_s() - started
    return count / spent_s
