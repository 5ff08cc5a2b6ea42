"""A pool of processes that stands ready, and is given tasks as they come: what a server needs.

In:  tasks, from any thread. Out: a future of each one's result, in whatever order they are done.
Processes are watched as in docproc.engine.pool, with one difference: who waits for an answer is not made to wait
twice. A task that took too long is lost at once; one whose process died is tried once more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import wait
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import Any

from docproc.engine.crew import InHand, WorkerTraceback
from docproc.engine.pool import PoolEngine, ProcessCrew
from docproc.engine.process import WorkerProcess
from docproc.engine.protocol import Lost, OpenWork
from docproc.errors import DocprocError


class Executor:
    """Like `concurrent.futures.ProcessPoolExecutor`, of processes that may die or take too long.

    Parameters
    ----------
    engine : PoolEngine
        How many processes, and what they are allowed.
    open_work : callable
        Picklable; see `OpenWork`.
    failed : (error) -> None
        Is told, from another thread, if no process can be started any more; tasks fail with that error from then on.
    """

    def __init__(
        self, engine: PoolEngine, open_work: OpenWork[Any, Any], *, failed: Callable[[Exception], None]
    ) -> None:
        self._crew = _StandingCrew(engine, ForkingPickler.dumps(open_work), failed)
        self._thread = threading.Thread(target=self._crew.stand, name="docproc-executor", daemon=True)
        self._thread.start()

    def submit(self, task: Any) -> Future[Any]:
        """The future of a task's result: a `Lost` where it took down its processes, or took too long.

        What the work raises comes out of it. A task whose future is cancelled before a process has it is dropped.
        """
        return self._crew.submit(task)

    @property
    def ready(self) -> int:
        """Processes that can take a task or work on one."""
        return sum(worker.is_ready for worker in list(self._crew.workers))

    @property
    def waiting(self) -> int:
        """Tasks that no process has yet."""
        return len(self._crew.waiting)

    @property
    def lost(self) -> int:
        """Processes that have died, or were ended because they took too long."""
        return self._crew.lost

    def close(self) -> None:
        """End all processes, in the middle of what they do; tasks in hand fail."""
        self._crew.is_closing = True
        self._crew.ring()
        self._thread.join()


@dataclass(eq=False, slots=True)
class _Awaited(InHand):
    future: Future[Any] = field(default_factory=Future)


class _StandingCrew(ProcessCrew):
    """A crew that is always complete, and waits for tasks as well as for its workers."""

    def __init__(
        self, engine: PoolEngine, packed_work: bytes | memoryview, failed: Callable[[Exception], None]
    ) -> None:
        super().__init__(engine, packed_work)
        self.is_closing = False
        self.lost = 0  #: Workers.
        self._failed = failed
        self._fault: Exception | None = None  #: For which the crew has ended.
        self._inbox: SimpleQueue[_Awaited] = SimpleQueue()
        self._in_hand: set[_Awaited] = set()
        self._bell, self._button = Pipe(duplex=False)
        self._lock = threading.Lock()  #: Of the button, and of the end.

    def submit(self, task: Any) -> Future[Any]:
        """See `Executor.submit`; called from other threads, as `ring` is."""
        item = _Awaited(task)
        with self._lock:
            if self._fault is not None:
                item.future.set_exception(self._fault)
                return item.future
            self._inbox.put(item)
            self._button.send_bytes(b"")
        return item.future

    def ring(self) -> None:
        """Have the crew look up from its waiting."""
        with self._lock:
            self._button.send_bytes(b"")

    def stand(self) -> None:
        """Do tasks until told to close, or until no worker starts any more."""
        fault: Exception = RuntimeError("The processes that read pages have ended.")
        try:
            while not self.is_closing:
                self._step(is_patient=True)
                for item in [item for item in self._in_hand if item.is_done]:
                    self._settle(item)
        except DocprocError as error:
            fault = error
        finally:
            self._give_up(fault)
            self._end()
            if not self.is_closing:
                self._failed(fault)

    def _settle(self, item: _Awaited) -> None:
        self._in_hand.remove(item)
        if not item.future.set_running_or_notify_cancel():
            return
        if item.failure is None:
            item.future.set_result(item.outcome)
        else:
            error, traceback = item.failure
            error.__cause__ = WorkerTraceback(traceback)
            item.future.set_exception(error)

    def _give_up(self, error: Exception) -> None:
        with self._lock:
            self._fault = error
            self._take_new()
        for item in self._in_hand:
            if item.future.set_running_or_notify_cancel():
                item.future.set_exception(error)

    def _fill_places(self) -> None:
        while len(self.workers) < self._room():
            self._start()

    def _hand_out(self) -> None:
        self._drop_cancelled()
        super()._hand_out()

    def _drop_cancelled(self) -> None:
        for item in [item for item in self.waiting if isinstance(item, _Awaited) and item.future.cancelled()]:
            self.waiting.remove(item)
            self._in_hand.remove(item)

    def _wait(self, timeout_s: float | None) -> Iterable[WorkerProcess]:
        of = self._handles()
        heard = wait([*of, self._bell], timeout_s)
        if self._bell in heard:
            self._bell.recv_bytes()
            self._take_new()
        return dict.fromkeys(of[source] for source in heard if source in of)

    def _take_new(self) -> None:
        while not self._inbox.empty():
            item = self._inbox.get()
            self._in_hand.add(item)
            self.waiting.append(item)

    def _replace(self, worker: WorkerProcess, words: str, *, is_late: bool = False) -> None:
        self.lost += 1
        super()._replace(worker, words, is_late=is_late)

    def _try_again(self, item: InHand) -> None:
        if item.is_late:
            item.is_done, item.outcome = True, Lost(f"the process that worked on it {item.ends[-1]}", is_late=True)
        else:
            super()._try_again(item)
