"""The glyphs of the next epochs, made by other processes while the network learns from those of this one.

In:  a function of the epoch's number that travels to a process. Out: its results, in order.
Each epoch is made by one process from its number alone: how many there are changes nothing but the time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

Result = TypeVar("Result")

#: Each holds the digits and painted glyphs, about 600 MB; three are faster than any network learns.
_MOST_PROCESSES = 3

_make: Callable[[int], object] | None = None  #: In a worker process, what it was started with.


@contextmanager
def made_ahead(
    make: Callable[[int], Result], first: int, beyond: int, *, workers: int = 1
) -> Iterator[Iterator[Result]]:
    """Open an iterator over make(first), ..., make(beyond - 1).

    Parameters
    ----------
    make : (int) -> Result
        Depends on its argument alone; a picklable value where `workers` is above 1.
    workers : int
        Cores. One: a thread makes the next result. More: up to `_MOST_PROCESSES` processes besides this one.
    """
    processes = min(workers - 1, _MOST_PROCESSES)
    executor: Executor
    held_open: Connection | None = None
    if processes > 0:
        # Spawned, because a fork copies the locks of TensorFlow's threads but not the threads.
        context = multiprocessing.get_context("spawn")
        # A pipe and not an event: setting an event waits for all who wait for it, and one of them may have ended.
        end, held_open = context.Pipe(duplex=False)
        executor = ProcessPoolExecutor(processes, context, initializer=_start, initargs=(make, end))
        call: Callable[[int], Result] = _made  # type: ignore[assignment]
    else:
        executor, call = ThreadPoolExecutor(1), make
    numbers = iter(range(first, beyond))
    waiting: deque[Future[Result]] = deque()

    def results() -> Iterator[Result]:
        while True:
            while len(waiting) < max(processes, 1) and (number := next(numbers, None)) is not None:
                waiting.append(executor.submit(call, number))
            if not waiting:
                return
            result = waiting.popleft().result()
            if (number := next(numbers, None)) is not None:
                waiting.append(executor.submit(call, number))
            yield result

    try:
        yield results()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        if held_open is not None:
            held_open.close()  # an epoch that nobody waits for any more is not made to its end


def _start(make: Callable[[int], object], end: Connection) -> None:
    global _make  # noqa: PLW0603 - the one value of a worker process
    _make = make
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=_end_with, args=(end,), daemon=True).start()
    import cv2

    cv2.setNumThreads(1)  # one epoch a core


def _end_with(end: Connection) -> None:
    """Nothing is ever sent: this waits until the parent closes its side, or is no more."""
    try:
        end.recv()
    except (EOFError, OSError):
        os._exit(1)


def _made(number: int) -> object:
    assert _make is not None
    return _make(number)
