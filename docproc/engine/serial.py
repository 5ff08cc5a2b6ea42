"""All work in this process, one task after the other: for few pages, and for debugging."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from docproc.engine.protocol import Lost, OpenWork, Result, Task


class SerialEngine:
    """An `Engine` without processes. Work that ends the process ends the batch."""

    def run(self, tasks: Iterable[Task], open_work: OpenWork[Task, Result]) -> Iterator[tuple[Task, Result | Lost]]:
        """See `Engine.run`."""
        work = open_work()
        for task in tasks:
            yield task, work(task)
