"""The work spread over processes on this machine, each of them watched.

Each worker is a fresh interpreter that loads the model once. One that dies (out of memory, a crash in a codec) or
takes too long is replaced alone, and the task that it worked on is tried once more in the fresh one; the others never
notice. One that has grown too big is replaced between two tasks. Which worker does which task is told in
docproc.engine.crew; how one is started, heard and ended, in docproc.engine.process; what it does, in
docproc.engine.worker.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from docproc.engine.crew import GRACE_S, Crew, InHand
from docproc.engine.process import WorkerProcess, start_worker
from docproc.engine.protocol import Lost, OpenWork, Result, Task

#: Above it a worker is replaced. Reading takes 200 to 300 MB; what goes far beyond has leaked, or hoards.
MEMORY_LIMIT_MB = 1000.0

#: Windows waits for 64 handles at once at most, and there are two for each worker.
MOST_JOBS_ON_WINDOWS = 31


class PoolEngine:
    """An `Engine` of `jobs` processes.

    The module that starts the program must guard it with `if __name__ == "__main__"`: workers are spawned.

    Parameters
    ----------
    jobs : int
        Processes.
    page_timeout_s : float, optional
        A worker that works longer on one task is killed, which counts as a loss; no limit where None. A worker's
        first task may have to load the model.
    memory_limit_mb : float, optional
        A worker that holds more memory after a task is replaced, and nothing is lost by that; no limit where None.
    """

    def __init__(
        self, jobs: int, *, page_timeout_s: float | None = None, memory_limit_mb: float | None = MEMORY_LIMIT_MB
    ) -> None:
        if jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {jobs}")
        if page_timeout_s is not None and page_timeout_s <= 0:
            raise ValueError(f"page_timeout_s must be above 0, got {page_timeout_s}")
        self.jobs = min(jobs, MOST_JOBS_ON_WINDOWS) if sys.platform == "win32" else jobs
        self.page_timeout_s = page_timeout_s
        self.memory_limit_mb = memory_limit_mb

    def run(self, tasks: Iterable[Task], open_work: OpenWork[Task, Result]) -> Iterator[tuple[Task, Result | Lost]]:
        """See `Engine.run`."""
        return ProcessCrew(self, ForkingPickler.dumps(open_work)).run(tasks)


class ProcessCrew(Crew[WorkerProcess]):
    """Workers that are processes: their pipes, and what tells that they have ended, are waited for together."""

    def __init__(self, engine: PoolEngine, packed_work: bytes | memoryview) -> None:
        super().__init__(engine.jobs, packed_work, engine.page_timeout_s)
        self.memory_limit_mb = engine.memory_limit_mb

    def _start(self, keep: Iterable[InHand] = ()) -> None:
        start_worker(self.memory_limit_mb, keep, self.workers)

    def _try_again(self, item: InHand) -> None:
        """In a fresh process."""
        self._start([item])

    def _wait(self, timeout_s: float | None) -> Iterable[WorkerProcess]:
        of = self._handles()
        return dict.fromkeys(of[source] for source in wait(of, timeout_s))

    def _handles(self) -> dict[Any, WorkerProcess]:
        """The workers, by what to wait for to hear of them."""
        of: dict[Any, WorkerProcess] = {}
        for worker in self.workers:
            of[worker.pipe] = of[worker.process.sentinel] = worker
        return of

    def _end(self) -> None:
        for worker in self.workers:
            worker.pipe.close()
        until = time.monotonic() + GRACE_S
        for worker in self.workers:
            worker.end(grace_s=max(0.0, until - time.monotonic()))
