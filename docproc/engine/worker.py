"""What runs in a worker process.

In:  through its pipe, first the pickled `OpenWork`, then pickled tasks.
Out: through the same pipe, `Message` after `Message`, pickled.
A worker trusts nobody to end it: it goes when the pipe closes, even in the middle of a task, so that a parent that
was killed leaves none behind. How the parent sees a worker is told in docproc.engine.process.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from enum import IntEnum
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import Any, NamedTuple

#: What pickling raises: at what cannot be pickled, and at what cannot be made again from its pickle.
PICKLING_FAULTS = (pickle.PickleError, TypeError, ValueError, AttributeError, ImportError, RecursionError)


class Kind(IntEnum):
    """What a worker says."""

    LISTENING = 0  #: Send the work. Until then nobody reads the pipe, and to write much into it would wait.
    READY = 1  #: The work is open.
    DONE = 2  #: With a result, of the oldest task that was sent.
    FAILED = 3  #: With the exception that opening or doing the work raised, and its traceback. The worker ends.


class Message(NamedTuple):
    """What a worker says, and whether those are its last words."""

    kind: Kind
    content: Any = None
    is_last: bool = False  #: The worker ends itself; tasks that were sent to it are not touched.


def serve(pipe: Connection, memory_limit_mb: float | None) -> None:
    """Do tasks until the pipe closes, the work raises, or a task leaves more than `memory_limit_mb` behind."""
    # Ctrl-C reaches the whole group of processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, inbox), daemon=True).start()
    _say(pipe, ForkingPickler.dumps(Message(Kind.LISTENING)))
    import cv2

    # One page a core: OpenCV's own threads would only fight for the same cores.
    cv2.setNumThreads(1)
    workplace = Workplace(memory_limit_mb)
    _say(pipe, workplace.open(inbox.get()))
    while not workplace.is_closed:
        _say(pipe, workplace.do(inbox.get()))
    os._exit(0)  # all is said; taking down an interpreter and its libraries takes time, and may crash


class Workplace:
    """Where the work is opened, once, and done on one task after the other. Each step gives a pickled `Message`."""

    def __init__(self, memory_limit_mb: float | None) -> None:
        self.is_closed = False  #: The last words are said.
        self._memory_limit_mb = memory_limit_mb

    def open(self, packed_work: bytes) -> bytes:
        """Open the work."""
        return self._said(self._open, packed_work)

    def do(self, packed_task: bytes) -> bytes:
        """Do a task."""
        return self._said(self._do, packed_task)

    def _said(self, step: Callable[[bytes], Message], packed: bytes) -> bytes:
        try:
            message = step(packed)
            answer = ForkingPickler.dumps(message)
        except Exception as error:  # noqa: BLE001 - nothing is swallowed: it is raised in the parent
            message = _failed(error)
            answer = ForkingPickler.dumps(message)
        self.is_closed = message.is_last
        return bytes(answer)

    def _open(self, packed_work: bytes) -> Message:
        self._work: Callable[[Any], Any] = pickle.loads(packed_work)()
        return Message(Kind.READY)

    def _do(self, packed_task: bytes) -> Message:
        result = self._work(pickle.loads(packed_task))
        limit_mb = self._memory_limit_mb
        return Message(Kind.DONE, result, limit_mb is not None and (resident_mb() or 0) > limit_mb)


def _failed(error: Exception) -> Message:
    """The error, or its words where it does not survive the way to another process, and its traceback."""
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(ForkingPickler.dumps(error))
    except PICKLING_FAULTS:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    return Message(Kind.FAILED, (error, text), is_last=True)


def resident_mb(pid: int | None = None) -> float | None:
    """Memory that a process holds, in MB, this one where None; where only its peak is known, that; else None."""
    try:
        with open(f"/proc/{'self' if pid is None else pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        pass
    if pid is not None:
        return None
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def _listen(pipe: Connection, inbox: SimpleQueue[bytes]) -> None:
    """Take in what the parent sends, while the work goes on; so neither of them waits for the other to read."""
    try:
        while True:
            inbox.put(pipe.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def _say(pipe: Connection, packed: bytes | memoryview) -> None:
    try:
        pipe.send_bytes(packed)
    except OSError:
        os._exit(0)  # nobody listens
