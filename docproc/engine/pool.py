"""The work spread over processes on this machine.

Each worker is a fresh interpreter that loads the model once. A worker that dies (out of memory, a crash in a codec)
breaks the whole pool of `concurrent.futures`; the tasks that were in hand are then done one by one in a pool of one,
so that the guilty one is known by name, and the batch goes on with a new pool.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any

from docproc.engine.protocol import Lost, OpenWork, Result, Task

#: Tasks in hand for each worker. More hides a slow page among fast ones, and holds more results in memory.
TASKS_IN_HAND = 4


class PoolEngine:
    """An `Engine` of `jobs` processes.

    The module that starts the program must guard it with `if __name__ == "__main__"`: workers are spawned, because
    a fork copies the locks of threads that it does not copy.
    """

    def __init__(self, jobs: int) -> None:
        if jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {jobs}")
        self.jobs = jobs

    def run(self, tasks: Iterable[Task], open_work: OpenWork[Task, Result]) -> Iterator[tuple[Task, Result | Lost]]:
        """See `Engine.run`."""
        waiting = iter(tasks)
        in_hand: deque[tuple[Task, Future[Result]]] = deque()
        pool = _new_pool(self.jobs, open_work)
        try:
            while True:
                for task in islice(waiting, self.jobs * TASKS_IN_HAND - len(in_hand)):
                    in_hand.append((task, _submit(pool, task)))
                if not in_hand:
                    return
                task, future = in_hand[0]
                try:
                    result = future.result()
                except BrokenProcessPool:
                    pool.shutdown()
                    yield from _one_by_one(in_hand, open_work)
                    pool = _new_pool(self.jobs, open_work)
                    continue
                in_hand.popleft()
                yield task, result
        finally:
            pool.shutdown(cancel_futures=True)


def _one_by_one(
    in_hand: deque[tuple[Task, Future[Result]]], open_work: OpenWork[Task, Result]
) -> Iterator[tuple[Task, Result | Lost]]:
    """Empty `in_hand` after its pool broke: finished results as they are, the others tried once more, each alone."""
    pool = _new_pool(1, open_work)
    try:
        while in_hand:
            task, future = in_hand.popleft()
            if isinstance(future.exception(), BrokenProcessPool):
                future = _submit(pool, task)
            try:
                outcome: Result | Lost = future.result()
            except BrokenProcessPool:
                pool.shutdown()
                outcome = Lost("the process that worked on it ended without a word, twice")
                pool = _new_pool(1, open_work)
            yield task, outcome
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, task: Any) -> Future:
    """As `pool.submit`, but a pool that is broken already gives a future that says so when asked."""
    try:
        return pool.submit(_do, task)
    except BrokenProcessPool as error:
        future: Future = Future()
        future.set_exception(error)
        return future


def _new_pool(jobs: int, open_work: Callable[[], Callable[[Any], Any]]) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_become_worker, initargs=(open_work,)
    )


class _Worker:
    """What one worker process holds between tasks."""

    open_work: Callable[[], Callable[[Any], Any]] | None = None
    work: Callable[[Any], Any] | None = None


def _become_worker(open_work: Callable[[], Callable[[Any], Any]]) -> None:
    # The work is opened by the first task, not here: an error in an initializer would reach nobody.
    _Worker.open_work = open_work
    # Ctrl-C reaches the whole group of processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import cv2

    # One page a core: OpenCV's own threads would only fight for the same cores.
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    """A parent that was killed cannot tell its workers to stop; they would wait for tasks for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(task: Any) -> Any:
    if _Worker.work is None:
        if _Worker.open_work is None:
            raise RuntimeError("this process is no worker")
        _Worker.work = _Worker.open_work()
    return _Worker.work(task)
