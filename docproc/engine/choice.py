"""Which engine reads a batch: the one that a user names, or one that its size suggests.

In:  how many pages there are, or a name; how many processes are allowed.
Out: an `Engine`.
"""

from __future__ import annotations

import os
from typing import Literal

from docproc.engine.cluster import RayEngine
from docproc.engine.pool import PoolEngine
from docproc.engine.protocol import Engine
from docproc.engine.serial import SerialEngine

FEW_PAGES = 8  #: Up to here one process is done before others have started (about a second each).


def choose_engine(
    pages: int, jobs: int | None, page_timeout_s: float | None = None, *, is_watched: bool = False
) -> Engine:
    """Processes where they pay: more than `FEW_PAGES` pages, and more than one core or job.

    And where a page may take down the process that reads it: of a process of its own, how it ended is seen.
    """
    wanted = jobs if jobs is not None else available_cores()
    if is_watched or (wanted > 1 and pages > FEW_PAGES):
        return PoolEngine(wanted, page_timeout_s=page_timeout_s)
    return SerialEngine()


def engine_named(
    name: Literal["serial", "processes", "ray"],
    *,
    jobs: int | None,
    page_timeout_s: float | None,
    address: str | None,
) -> Engine:
    """An engine that the user has chosen; see `RayEngine` for `address`, and for what it raises."""
    if name == "serial":
        return SerialEngine()
    if name == "processes":
        return PoolEngine(jobs or available_cores(), page_timeout_s=page_timeout_s)
    here = None if address else available_cores()
    return RayEngine(jobs or here, address=address, page_timeout_s=page_timeout_s)


def available_cores() -> int:
    """Cores that this process may use: a container or a scheduler may allow fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
