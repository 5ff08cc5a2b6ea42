"""Which worker does which task, and what becomes of the tasks of one that dies.

The same for every kind of worker: a process of this machine (docproc.engine.pool), an actor somewhere in a cluster
(docproc.engine.cluster). What a worker says is told in docproc.engine.worker.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, TypeVar

from docproc.engine.protocol import Lost
from docproc.engine.worker import Kind, Message
from docproc.errors import DocprocError

#: Tasks in hand for each worker. More hides a slow page among fast ones, and holds more results in memory.
TASKS_IN_HAND = 4

#: Workers that die, one after the other, before they have opened the work, until no more are started.
STARTS_TRIED = 3

#: For so long a process is waited for that was told to end, or was killed: one that hangs in a dead disk cannot die.
GRACE_S = 2.0


class WorkerTraceback(Exception):  # noqa: N818 - it is never raised: it is the cause of what is
    """Where in its worker an exception was raised, as text."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


@dataclass(eq=False, slots=True)
class InHand:
    """A task that was taken and not yet handed out again."""

    task: Any
    ends: list[str] = field(default_factory=list)  #: How the workers ended that worked on it.
    spared: int = 0  #: How often one ended that worked on it, and it was not to blame.
    is_late: bool = False  #: The last of them was ended because it took too long.
    is_done: bool = False
    outcome: Any = None
    failure: tuple[Exception, str] | None = None  #: In place of an outcome: what the work raised, and its traceback.


@dataclass(eq=False, slots=True)
class Worker(ABC):
    """A worker as this process sees it, and what it was given: the first of that is being worked on."""

    given: deque[InHand]
    is_ready: bool = field(default=False, init=False)  #: The work is open there.
    since: float = field(default=0.0, init=False)  #: When it began with the first of `given`, by `time.monotonic`.

    def give(self, item: InHand) -> None:
        """Send a task. One that cannot be sent stays in `given`, as if the worker had died a moment later."""
        if not self.given:
            self.since = time.monotonic()
        self.given.append(item)
        self.send(ForkingPickler.dumps(item.task))

    def set_ready(self) -> None:
        """Send what was kept for it from its beginning."""
        self.is_ready = True
        kept = list(self.given)
        self.given.clear()
        for item in kept:
            self.give(item)

    def hand_over(self) -> InHand:
        """The task that it has done; it is at work on the next one already."""
        self.since = time.monotonic()
        return self.given.popleft()

    @abstractmethod
    def send(self, packed: bytes | memoryview) -> None:
        """Send something to a worker that may have died; whether it has, `hear` tells."""

    @abstractmethod
    def hear(self) -> tuple[list[Message], bool]:
        """What it has said since, and whether it has ended."""

    @abstractmethod
    def has_spoken(self) -> bool:
        """Whether there is something to hear, if only that it has ended."""

    @abstractmethod
    def end(self, *, grace_s: float = GRACE_S) -> None:
        """Have it end, and kill it if it does not; nothing that it says is heard any more."""

    @abstractmethod
    def end_in_words(self) -> str:
        """How it ended by itself: "was killed (SIGKILL)"."""


AnyWorker = TypeVar("AnyWorker", bound=Worker)


class Crew(ABC, Generic[AnyWorker]):
    """The workers of one run, and the tasks that wait for one.

    Parameters
    ----------
    places : int
        Workers at most.
    packed_work : bytes
        The pickled `OpenWork`.
    timeout_s : float, optional
        A worker that works longer on one task is killed.
    """

    def __init__(self, places: int, packed_work: bytes | memoryview, timeout_s: float | None) -> None:
        self.places = places
        self.packed_work = packed_work
        self.timeout_s = timeout_s
        self.workers: list[AnyWorker] = []
        self.waiting: deque[InHand] = deque()
        self.failed_starts = 0  #: In a row.

    def run(self, tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """See `Engine.run`."""
        source = iter(tasks)
        in_hand: deque[InHand] = deque()
        try:
            while True:
                for task in islice(source, max(0, self._room() * TASKS_IN_HAND - len(in_hand))):
                    in_hand.append(InHand(task))
                    self._take(in_hand[-1])
                if not in_hand:
                    return
                self._step(is_patient=not in_hand[0].is_done)
                if in_hand[0].is_done:
                    first = in_hand.popleft()
                    if first.failure is not None:
                        _raise(first.failure)
                    yield first.task, first.outcome
        finally:
            self._end()

    @abstractmethod
    def _start(self, keep: Iterable[InHand] = ()) -> None:
        """Start a worker that will be given the tasks in `keep` once it is ready, and add it to `workers`."""

    @abstractmethod
    def _wait(self, timeout_s: float | None) -> Iterable[AnyWorker]:
        """Workers that have something to say, waited for so long; without end where None."""

    @abstractmethod
    def _end(self) -> None:
        """End all workers, in the middle of what they do."""

    @abstractmethod
    def _try_again(self, item: InHand) -> None:
        """Have a task done whose worker died."""

    def _room(self) -> int:
        """Places for workers at present."""
        return self.places

    def _take(self, item: InHand) -> None:
        """Take on a task; while more are being listed, workers for these start already."""
        self.waiting.append(item)
        self._fill_places()

    def _step(self, *, is_patient: bool) -> None:
        """Hand out what waits and take in what is done; a patient one waits until something happens."""
        self._fill_places()
        self._hand_out()
        for worker in self._wait(self._rest_s() if is_patient else 0):
            self._hear(worker)
        self._end_late_ones()
        self._hand_out()

    def _fill_places(self) -> None:
        unfinished = len(self.waiting) + sum(len(worker.given) for worker in self.workers)
        while len(self.workers) < min(self._room(), unfinished):
            self._start()

    def _hand_out(self) -> None:
        """To each worker a task to work on, and a next one, so that it need not wait.

        The last tasks get no such promise: they would lie behind a slow page while other workers have nothing to do.
        Behind a task that is tried again nothing waits, either: if the worker dies again, it was that task's doing.
        """
        ready = [worker for worker in self.workers if worker.is_ready]
        for worker in ready:
            if not worker.given and self.waiting:
                worker.give(self.waiting.popleft())
        for worker in ready:
            is_sure = len(worker.given) == 1 and not worker.given[0].ends
            if is_sure and len(self.waiting) > len(self.workers):
                worker.give(self.waiting.popleft())

    def _hear(self, worker: AnyWorker) -> None:
        messages, has_ended = worker.hear()
        for message in messages:
            self._take_in(worker, message)
        if messages and messages[-1].is_last:
            self.workers.remove(worker)
            worker.end()
            self._take_back(worker.given)
        elif has_ended:
            self._replace(worker, worker.end_in_words())

    def _take_in(self, worker: AnyWorker, message: Message) -> None:
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

    def _replace(self, worker: AnyWorker, words: str, *, is_late: bool = False) -> None:
        """A worker died: the task that it worked on is tried once more, what lay behind that goes to any."""
        self.workers.remove(worker)
        if not worker.is_ready:
            self._replace_unready(worker, words)
        elif worker.given:
            item = worker.given.popleft()
            item.ends.append(words)
            item.is_late = is_late
            self._take_back(worker.given)
            if len(item.ends) == 1:
                self._try_again(item)
            else:
                item.is_done, item.outcome = True, Lost(_in_words(item.ends), item.is_late)

    def _replace_unready(self, worker: AnyWorker, words: str) -> None:
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

    def _at_work(self) -> list[AnyWorker]:
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
                self._replace(worker, f"took longer than {self.timeout_s:g} s", is_late=True)


def _raise(failure: tuple[Exception, str]) -> None:
    error, traceback = failure
    raise error from WorkerTraceback(traceback)


def _in_words(ends: list[str]) -> str:
    first, *others = dict.fromkeys(ends)
    if not others:
        return f"the process that worked on it {first}, twice"
    return f"the process that worked on it {first}; tried again, it {' and '.join(others)}"
