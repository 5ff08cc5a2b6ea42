"""One worker process as its parent sees it: started, given tasks, heard, ended, and how it ended in words.

The other end of the pipe is docproc.engine.worker. Which task goes to which worker is decided in docproc.engine.crew.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from docproc.engine.crew import GRACE_S, InHand, Worker
from docproc.engine.worker import Message, serve

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")  #: Variables that say how many.

#: Signals by which a process falls, rather than is felled.
CRASHES = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS")


@dataclass(eq=False, slots=True)
class WorkerProcess(Worker):
    """A process; of what it was given, the tasks behind the first lie in its pipe."""

    process: SpawnProcess
    pipe: Connection

    def send(self, packed: bytes | memoryview) -> None:
        """See `Worker.send`."""
        with suppress(OSError):
            self.pipe.send_bytes(packed)

    def hear(self) -> tuple[list[Message], bool]:
        """See `Worker.hear`."""
        has_ended = not self.process.is_alive()  # asked first: its last words may come until then
        said: list[bytes] = []
        try:
            while self.has_spoken():
                said.append(self.pipe.recv_bytes())
        except (EOFError, OSError):
            has_ended = True
        return [pickle.loads(packed) for packed in said], has_ended

    def has_spoken(self) -> bool:
        """See `Worker.has_spoken`."""
        try:
            return self.pipe.poll()
        except OSError:  # so it is on Windows
            return True

    def end(self, *, grace_s: float = GRACE_S) -> None:
        """See `Worker.end`."""
        self.pipe.close()
        self.process.join(grace_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(GRACE_S)

    def end_in_words(self) -> str:
        """See `Worker.end_in_words`."""
        self.end()
        code = self.process.exitcode
        if code is None:
            return "does not end"
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:  # SIGRTMIN + n has no name
            name = f"signal {-code}"
        return f"{'crashed' if name in CRASHES else 'was killed'} ({name})"


def start_worker(memory_limit_mb: float | None, keep: Iterable[InHand], crew: list[WorkerProcess]) -> None:
    """Start a worker that will be given the tasks in `keep` once it is ready, and add it to `crew`.

    It is spawned: a fork would copy the locks of threads that it does not copy.
    """
    context = multiprocessing.get_context("spawn")
    pipe, its_pipe = context.Pipe()
    process = context.Process(target=serve, args=(its_pipe, memory_limit_mb), daemon=True)
    with its_pipe, _interrupts_held_back(), _one_thread_each():
        process.start()
        crew.append(WorkerProcess(deque(keep), process, pipe))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started within get one thread each from NumPy: more would fight for the same cores.

    They read it when they start, so it cannot be said later. What the user has set stays.
    """
    added = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes that are started within never hear Ctrl-C, which would end them noisily while they still import.

    This process hears it at the end. On Windows, where signals cannot be held back, it is not.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # the first process would start it, and that lets signals through again
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)
