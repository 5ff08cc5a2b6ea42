"""One run of a batch, watched: the program that `docproc.benchmark.measure` starts for each number of processes.

In:  a folder with a template and pages, a folder for results, a number of processes, when the program was started.
Out: what was measured, as JSON on stdout.
A process by itself, so that it begins as `docproc process` does, with nothing loaded.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docproc.summary import Summary


class _Watch:
    """Looks at the clock, and at the memory of whoever reads, after each page."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.memory_mb: list[float] = []  #: Of the largest worker.

    def __call__(self, so_far: Summary) -> None:
        from docproc.engine.worker import resident_mb

        self.times.append(time.time())
        workers = [child.pid for child in multiprocessing.active_children() if child.pid is not None]
        known = [held for pid in workers or [os.getpid()] if (held := resident_mb(pid)) is not None]
        self.memory_mb.append(max(known, default=0.0))


def watched(folder: Path, output: Path, *, jobs: int, started_s: float) -> dict[str, Any]:
    """Read the pages of a folder as `docproc process` does, and measure."""
    from docproc.batch import process_batch
    from docproc.template import FILE_NAME

    watch = _Watch()
    templates = [folder / FILE_NAME]
    summary = process_batch([folder / "pages"], output, template_paths=templates, jobs=jobs, progress=watch)
    times, held = watch.times, watch.memory_mb
    cpu = os.times()
    return {
        "jobs": jobs,
        "pages": summary.pages,
        "fields": summary.fields,
        "accepted": summary.accepted,
        "first_s": times[0] - started_s,
        "reading_s": times[-1] - times[0],
        "whole_s": time.time() - started_s,
        "cpu_s": cpu.user + cpu.system + cpu.children_user + cpu.children_system,
        "early_mb": max(held[: max(len(held) // 10, 1)]),
        "late_mb": max(held[-max(len(held) // 10, 1) :]),
    }


if __name__ == "__main__":
    _, pages, results, processes, started = sys.argv
    print(json.dumps(watched(Path(pages), Path(results), jobs=int(processes), started_s=float(started))))
