"""The work spread over processes on this machine, each of them watched.

Each worker is a fresh interpreter that loads the model once. One that dies (out of memory, a crash in a codec) or
takes too long is replaced alone, and the task that it worked on is tried once more in the fresh one; the others never
notice. One that has grown too big is replaced between two tasks. How a worker is started, heard and ended is told in
docproc.engine.process; what it does, in docproc.engine.worker.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from multiprocessing.connection import wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from docproc.engine.process import GRACE_S, InHand, WorkerProcess, start_worker
from docproc.engine.protocol import Lost, OpenWork, Result, Task
from docproc.engine.worker import Kind, Message
from docproc.errors import DocprocError

#: Tasks in hand for each worker. More hides a slow page among fast ones, and holds more results in memory.
TASKS_IN_HAND = 4

#: Above it a worker is replaced. Reading takes 200 to 300 MB; what goes far beyond has leaked, or hoards.
MEMORY_LIMIT_MB = 1000.0

#: Workers that die, one after the other, before they have opened the work, until no more are started.
STARTS_TRIED = 3

#: Windows waits for 64 handles at once at most, and there are two for each worker.
MOST_JOBS_ON_WINDOWS = 31


class WorkerTraceback(Exception):  # noqa: N818 - it is never raised: it is the cause of what is
    """Where in its worker an exception was raised, as text."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


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
        source = iter(tasks)
        in_hand: deque[InHand] = deque()
        crew = _Crew(self, ForkingPickler.dumps(open_work))
        try:
            while True:
                for task in islice(source, self.jobs * TASKS_IN_HAND - len(in_hand)):
                    in_hand.append(InHand(task))
                    crew.take(in_hand[-1])
                if not in_hand:
                    return
                crew.step(is_patient=not in_hand[0].is_done)
                if in_hand[0].is_done:
                    first = in_hand.popleft()
                    if first.failure is not None:
                        _raise(first.failure)
                    yield first.task, first.outcome
        finally:
            crew.end()


def _raise(failure: tuple[Exception, str]) -> None:
    error, traceback = failure
    raise error from WorkerTraceback(traceback)


class _Crew:
    """The workers of one run, and the tasks that wait for one."""

    def __init__(self, engine: PoolEngine, packed_work: bytes | memoryview) -> None:
        self.timeout_s = engine.page_timeout_s
        self.memory_limit_mb = engine.memory_limit_mb
        self.packed_work = packed_work
        self.places = engine.jobs
        self.workers: list[WorkerProcess] = []
        self.waiting: deque[InHand] = deque()
        self.failed_starts = 0  #: In a row.

    def take(self, item: InHand) -> None:
        """Take on a task; while more are being listed, workers for these start already."""
        self.waiting.append(item)
        self._fill_places()

    def step(self, *, is_patient: bool) -> None:
        """Hand out what waits and take in what is done; a patient one waits until something happens."""
        self._fill_places()
        self._hand_out()
        of: dict[Any, WorkerProcess] = {}
        for worker in self.workers:
            of[worker.pipe] = of[worker.process.sentinel] = worker
        happened = wait(of, self._rest_s() if is_patient else 0)
        for worker in dict.fromkeys(of[source] for source in happened):
            self._hear(worker)
        self._end_late_ones()
        self._hand_out()

    def end(self) -> None:
        """End all workers, in the middle of what they do."""
        for worker in self.workers:
            worker.pipe.close()
        until = time.monotonic() + GRACE_S
        for worker in self.workers:
            worker.end(grace_s=max(0.0, until - time.monotonic()))

    def _fill_places(self) -> None:
        unfinished = len(self.waiting) + sum(len(worker.given) for worker in self.workers)
        while len(self.workers) < min(self.places, unfinished):
            self._start()

    def _start(self, keep: Iterable[InHand] = ()) -> None:
        start_worker(self.memory_limit_mb, keep, self.workers)

    def _hand_out(self) -> None:
        """To each worker a task to work on, and a next one, so that it need not wait.

        The last tasks get no such promise: they would lie behind a slow page while other workers have nothing to do.
        """
        ready = [worker for worker in self.workers if worker.is_ready]
        for worker in ready:
            if not worker.given and self.waiting:
                worker.give(self.waiting.popleft())
        for worker in ready:
            if len(worker.given) == 1 and len(self.waiting) > len(self.workers):
                worker.give(self.waiting.popleft())

    def _hear(self, worker: WorkerProcess) -> None:
        messages, has_ended = worker.hear()
        for message in messages:
            self._take_in(worker, message)
        if messages and messages[-1].is_last:
            self.workers.remove(worker)
            worker.end()
            self._take_back(worker.given)
        elif has_ended:
            self._replace(worker, worker.end_in_words())

    def _take_in(self, worker: WorkerProcess, message: Message) -> None:
        match message.kind:
            case Kind.LISTENING:
                worker.send(self.packed_work)
            case Kind.READY:
                self.failed_starts = 0
                worker.set_ready()
            case Kind.DONE:
                item = worker.hand_over()
                item.is_done, item.outcome = True, message.content
            case Kind.FAILED if worker.is_ready:
                item = worker.hand_over()
                item.is_done, item.failure = True, message.content
            case Kind.FAILED:
                _raise(message.content)  # the work cannot even be opened

    def _replace(self, worker: WorkerProcess, words: str) -> None:
        """A worker died: its task is tried once more in a fresh one, what lay in its pipe goes to any."""
        self.workers.remove(worker)
        if not worker.is_ready:
            self._replace_unready(worker, words)
        elif worker.given:
            item = worker.given.popleft()
            item.ends.append(words)
            self._take_back(worker.given)
            if len(item.ends) == 1:
                self._start([item])
            else:
                item.is_done, item.outcome = True, Lost(_in_words(item.ends))

    def _replace_unready(self, worker: WorkerProcess, words: str) -> None:
        self.failed_starts += 1
        if self.failed_starts < STARTS_TRIED:
            self._start(worker.given)
        elif any(other.is_ready for other in self.workers):
            self.places = len(self.workers)  # memory for one more there is none, it seems; the others go on
            self._take_back(worker.given)
        else:
            raise DocprocError(
                f"Processes that read pages do not start: {self.failed_starts} in a row ended before they had loaded "
                f"the model; the last one {words}.",
                remedy="Read in one process (`--jobs 1`), or with more memory. A program that calls docproc has to "
                'begin with `if __name__ == "__main__":`.',
            )

    def _take_back(self, given: Iterable[InHand]) -> None:
        self.waiting.extendleft(reversed(list(given)))

    def _at_work(self) -> list[WorkerProcess]:
        return [worker for worker in self.workers if worker.is_ready and worker.given]

    def _rest_s(self) -> float | None:
        """Time until the first task will have taken too long."""
        begun = [worker.since for worker in self._at_work()]
        if self.timeout_s is None or not begun:
            return None
        return max(0.0, min(begun) + self.timeout_s - time.monotonic())

    def _end_late_ones(self) -> None:
        if self.timeout_s is None:
            return
        now = time.monotonic()
        for worker in self._at_work():
            # A result that has arrived counts, however late this process comes to look at it.
            if now - worker.since > self.timeout_s and not worker.has_spoken():
                worker.end(grace_s=0)
                self._replace(worker, f"took longer than {self.timeout_s:g} s")


def _in_words(ends: list[str]) -> str:
    first, *others = dict.fromkeys(ends)
    if not others:
        return f"the process that worked on it {first}, twice"
    return f"the process that worked on it {first}; tried again, it {' and '.join(others)}"
