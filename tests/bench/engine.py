"""What an engine costs beside the work itself: tasks a second of `PoolEngine` and of the executor it replaced.

    python -m tests.bench.engine [JOBS]

In:  nothing.
Out: a table with tasks a second for trivial tasks and for results of 100 kB, workers being ready, and the time until
the first result.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Any

from docproc.engine import PoolEngine
from docproc.engine.crew import TASKS_IN_HAND

TASKS = 20_000
RESULT_BYTES = 100_000


class ExecutorEngine:
    """The pool of the standard library, in which one dead worker breaks all."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, tasks: Iterable[Any], open_work: Callable[[], Callable[[Any], Any]]) -> Iterator[tuple[Any, Any]]:
        work = open_work()
        source = iter(tasks)
        in_hand: deque[tuple[Any, Future]] = deque()
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.jobs, mp_context=context, initializer=prepare) as pool:
            while True:
                for task in islice(source, self.jobs * TASKS_IN_HAND - len(in_hand)):
                    in_hand.append((task, pool.submit(work, task)))
                if not in_hand:
                    return
                task, future = in_hand.popleft()
                yield task, future.result()


def prepare() -> None:
    """As every worker does."""
    import cv2

    cv2.setNumThreads(1)


def same(number: int) -> int:
    return number


def large(number: int) -> bytes:
    return bytes(RESULT_BYTES)


def open_same() -> Callable[[int], int]:
    return same


def open_large() -> Callable[[int], bytes]:
    return large


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    print(f"{jobs} processes, {TASKS:,} tasks{'':17}tasks a second   first result, s")
    for open_work, words in ((open_same, "trivial tasks"), (open_large, f"results of {RESULT_BYTES // 1000} kB")):
        for engine in (ExecutorEngine(jobs), PoolEngine(jobs), ExecutorEngine(jobs), PoolEngine(jobs)):
            started = time.perf_counter()
            run = iter(engine.run(range(TASKS), open_work))
            next(run)
            first = time.perf_counter()
            done = sum(1 for _ in run)
            rate = done / (time.perf_counter() - first)
            print(f"{words:20}{type(engine).__name__:20}{rate:12,.0f}{first - started:18.2f}", flush=True)


if __name__ == "__main__":
    main()
