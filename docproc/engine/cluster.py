"""The work spread over the nodes of a Ray cluster [1]_: one that runs already, or one started on this machine.

Each CPU gets an actor that opens the work once. An actor that dies or takes too long is replaced, and its task tried
once more, as in docproc.engine.pool; the tasks of a node that is lost go to the others and are not blamed for it.
Which worker does which task is told in docproc.engine.crew; what an actor does, in docproc.engine.actor.

References
----------
.. [1] P. Moritz et al., "Ray: a distributed framework for emerging AI applications", OSDI 2018.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain, islice
from multiprocessing.reduction import ForkingPickler
from typing import Any

from docproc.engine.actor import SAME_DOCPROC, Actor, version_here
from docproc.engine.crew import GRACE_S, Crew, InHand, Worker
from docproc.engine.pool import MEMORY_LIMIT_MB
from docproc.engine.protocol import Lost, OpenWork, Result, Task
from docproc.engine.worker import Message
from docproc.errors import DocprocError, MissingExtraError

#: How often the cluster is asked for its CPUs: nodes come and go.
LOOK_AROUND_S = 1.0

#: Nodes that may be lost under a task before it is held to be the cause.
NODES_SPARED = 3

#: For so long an address may take to answer.
KNOCK_S = 10.0

#: What a cluster of our own keeps for objects that travel: the models, and a few results for each CPU.
OBJECT_STORE_BYTES = 200_000_000

#: Nothing is told to Ray's makers, and nothing of Ray's own talk to the user: it goes to stdout, where results are.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "^", "RAY_SCHEDULER_EVENTS": "0"}


class RayEngine:
    """An `Engine` of actors, one a CPU of the cluster. Nodes that join while it runs get actors, too.

    Parameters
    ----------
    jobs : int, optional
        Actors at most; as many as there are CPUs where None.
    address : str, optional
        Of a cluster that runs already, `auto` for the one that this machine belongs to. Where None, a cluster is
        started on this machine, from the main thread only, and ended with the run.
    page_timeout_s, memory_limit_mb : float, optional
        As for `PoolEngine`.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    """

    def __init__(
        self,
        jobs: int | None = None,
        *,
        address: str | None = None,
        page_timeout_s: float | None = None,
        memory_limit_mb: float | None = MEMORY_LIMIT_MB,
    ) -> None:
        if find_spec("ray") is None:
            raise MissingExtraError(
                "Reading on a cluster needs Ray, which is not installed.", remedy="Run `pip install 'docproc[ray]'`."
            )
        self.jobs = jobs
        self.address = address
        self.page_timeout_s = page_timeout_s
        self.memory_limit_mb = memory_limit_mb

    def run(self, tasks: Iterable[Task], open_work: OpenWork[Task, Result]) -> Iterator[tuple[Task, Result | Lost]]:
        """See `Engine.run`. DocprocError where the cluster cannot be reached, or has no node left."""
        source = iter(tasks)
        first = list(islice(source, 1))
        if not first:
            return  # a cluster takes seconds to start
        with _connected(self.address, self.jobs):
            yield from _ActorCrew(self, ForkingPickler.dumps(open_work)).run(chain(first, source))


@contextmanager
def _connected(address: str | None, jobs: int | None) -> Iterator[None]:
    os.environ.update(QUIET)
    import ray
    from ray.exceptions import RayError

    own = {"num_cpus": jobs, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    try:
        if address is not None:
            _knock(address)
        earlier = signal.getsignal(signal.SIGTERM)
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **({} if address else own))
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, earlier)  # Ray has put its own in its place
    except (OSError, RuntimeError, ValueError, RayError) as error:
        what = f"The Ray cluster at {address} cannot be joined" if address else "Ray does not start"
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DocprocError(
            f"{what}: {reason}.",
            remedy="`ray status` tells whether one runs, `ray start --head` starts one. Without a cluster, "
            "`--engine processes` uses all of this machine.",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()  # which leaves alone a cluster that it has not started


def _knock(address: str) -> None:
    """OSError where nobody listens there: Ray would try for minutes, and say so again and again."""
    host, _, port = address.rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


@dataclass(eq=False, slots=True)
class _ActorWorker(Worker):
    """An actor, and what it has yet to answer."""

    actor: Any
    answers: deque[Any]
    is_felled: bool = False  #: It ended with its node, or is out of reach: by nothing that it did.

    def send(self, packed: bytes | memoryview) -> None:
        self.answers.append(self.actor.do.remote(bytes(packed)))

    def hear(self) -> tuple[list[Message], bool]:
        import ray
        from ray.exceptions import ActorDiedError, RayError

        messages: list[Message] = []
        while self.has_spoken():
            try:
                messages.append(pickle.loads(ray.get(self.answers[0])))
            except RayError as error:
                if isinstance(error, ActorDiedError) and error.actor_init_failed:
                    raise DocprocError(
                        f"docproc does not load on a node of the Ray cluster: {str(error).splitlines()[-1]}",
                        remedy=SAME_DOCPROC,
                    ) from error
                self.is_felled = not isinstance(error, ActorDiedError) or "its node has died" in str(error)
                return messages, True
            self.answers.popleft()
        return messages, False

    def has_spoken(self) -> bool:
        import ray

        return bool(self.answers) and bool(ray.wait([self.answers[0]], timeout=0)[0])

    def end(self, *, grace_s: float = GRACE_S) -> None:
        import ray

        ray.kill(self.actor)

    def end_in_words(self) -> str:
        self.end()
        return "died"


class _ActorCrew(Crew[_ActorWorker]):
    """Workers that are actors, as many as the cluster has CPUs for."""

    def __init__(self, engine: RayEngine, packed_work: bytes | memoryview) -> None:
        import ray

        super().__init__(engine.jobs or sys.maxsize, packed_work, engine.page_timeout_s)
        self.cpus = 0
        self.looked_around = 0.0
        self._look_around()
        self.actor_class = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Actor)
        self.settings = (engine.memory_limit_mb, version_here(), os.getcwd())
        self.shared_work = ray.put(bytes(packed_work))

    def _look_around(self) -> None:
        import ray

        if time.monotonic() - self.looked_around < LOOK_AROUND_S:
            return
        self.looked_around = time.monotonic()
        self.cpus = int(ray.cluster_resources().get("CPU", 0))
        if self.cpus < 1:
            raise DocprocError(
                "The Ray cluster has no CPU, or none any more.",
                remedy="Add nodes to it; the same command goes on with the pages that are left.",
            )

    def _room(self) -> int:
        return min(self.places, self.cpus)

    def _start(self, keep: Iterable[InHand] = ()) -> None:
        actor = self.actor_class.remote(*self.settings)
        self.workers.append(_ActorWorker(deque(keep), actor, deque([actor.open.remote(self.shared_work)])))

    def _try_again(self, item: InHand) -> None:
        """In any other actor: there may be no room for a fresh one any more."""
        self._take_back([item])

    def _replace(self, worker: _ActorWorker, words: str, *, is_late: bool = False) -> None:
        """One that was felled is not held against its task, until that has been under too many."""
        at_work = worker.given[0] if worker.given else None
        if not worker.is_felled or (at_work is not None and at_work.spared == NODES_SPARED):
            super()._replace(worker, words, is_late=is_late)
            return
        if at_work is not None:
            at_work.spared += 1
        self.workers.remove(worker)
        self._take_back(worker.given)

    def _wait(self, timeout_s: float | None) -> Iterable[_ActorWorker]:
        import ray

        self._look_around()
        of = {worker.answers[0]: worker for worker in self.workers if worker.answers}
        if not of:
            return []
        rest_s = LOOK_AROUND_S if timeout_s is None else min(LOOK_AROUND_S, timeout_s)
        ready, others = ray.wait(list(of), timeout=rest_s)
        if ready and others:
            ready += ray.wait(others, num_returns=len(others), timeout=0)[0]
        return [of[answer] for answer in ready]

    def _end(self) -> None:
        for worker in self.workers:
            worker.end()
