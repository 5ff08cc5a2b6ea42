"""What an engine is: it does the same work on many tasks and gives the results in the tasks' order.

An engine knows nothing of pages. It keeps no more than a bounded number of tasks in hand, so a batch of any length
fits in memory; it remembers nothing: what was done is the caller's to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

#: Called once where the work is done (in each worker); loads what the work needs and returns the work itself.
OpenWork = Callable[[], Callable[[Task], Result]]


@dataclass(frozen=True, slots=True)
class Lost:
    """In place of a result: the task twice took down the process that worked on it."""

    detail: str  #: How the processes ended, for people: "the process that worked on it was killed (SIGKILL), twice".
    is_late: bool = False  #: The last of them was ended because it took too long.


class Engine(Protocol):
    """Does work on tasks."""

    def run(self, tasks: Iterable[Task], open_work: OpenWork[Task, Result]) -> Iterator[tuple[Task, Result | Lost]]:
        """Each task with its result, in the order of `tasks`, which is read only as far as there is room.

        An exception that the work raises comes out of the iterator, after the results of earlier tasks, and ends
        the run. Closing the iterator ends it, too; what is being worked on is dropped.

        Parameters
        ----------
        tasks : iterable
            Picklable.
        open_work : callable
            Picklable; see `OpenWork`.
        """
