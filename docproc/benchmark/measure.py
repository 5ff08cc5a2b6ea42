"""How long a page takes on this machine, against what it costs to decode it; how much more cores bring.

In:  a folder with the pages of docproc.benchmark.pages, or a copy of it with others.
Out: a `Measured`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from docproc.engine import available_cores
from docproc.errors import DocprocError
from docproc.page import find_sources, list_pages, load_page

DECODED = 100  #: Pages, at most, of which decoding is timed.


@dataclass(frozen=True, slots=True)
class BatchRun:
    """One batch, read with some number of processes."""

    jobs: int
    pages: int
    fields: int
    accepted: int
    first_s: float  #: From the program's start to the first record.
    reading_s: float  #: From the first record to the last.
    whole_s: float  #: From the start to the last table.
    cpu_s: float  #: Of all processes, start and tables included.
    early_mb: float  #: Memory of the largest worker during the first tenth of the pages,
    late_mb: float  #: and the last tenth. 0 where it cannot be known.

    @property
    def pages_a_minute(self) -> float:
        """While pages are read."""
        return 60 * (self.pages - 1) / max(self.reading_s, 1e-9)

    @property
    def cpu_ms(self) -> float:
        """Of a page: its share of the whole batch."""
        return 1000 * self.cpu_s / self.pages


@dataclass(frozen=True, slots=True)
class Measured:
    """What a machine does."""

    decoding_ms: float  #: CPU of decoding one page, and nothing else.
    runs: tuple[BatchRun, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        runs = [
            {
                **asdict(run),
                "pages_a_minute": run.pages_a_minute,
                "cpu_ms": run.cpu_ms,
                "cpu_over_decoding": run.cpu_ms / self.decoding_ms,
                "times_as_fast": run.pages_a_minute / self.runs[0].pages_a_minute,
            }
            for run in self.runs
        ]
        return {"cores": available_cores(), "decoding_ms": self.decoding_ms, "runs": runs}


def measure(folder: Path, *, jobs: Sequence[int], progress: Callable[[str], None] = lambda doing: None) -> Measured:
    """Read the pages once for each number of processes.

    Parameters
    ----------
    folder : Path
        Holds `template.yaml` and `pages`.
    jobs : sequence of int
        Numbers of processes, the first of which the others are compared with.
    progress : callable
        Is told what is being done.
    """
    progress("decoding")
    decoding_ms = _decoding_ms(folder)
    runs = []
    for count in jobs:
        progress(f"reading with {count} process{'es' * (count > 1)}")
        runs.append(run_batch(folder, jobs=count))
    return Measured(decoding_ms, tuple(runs))


def _decoding_ms(folder: Path) -> float:
    """CPU of `load_page`, by the mean of some pages."""
    refs = [ref for source in find_sources([os.fspath(folder / "pages")])[:DECODED] for ref in list_pages(source)]
    load_page(refs[0])  # what is imported for the first is not a page's
    began = time.process_time()
    for ref in refs:
        load_page(ref)
    return 1000 * (time.process_time() - began) / len(refs)


def run_batch(folder: Path, *, jobs: int) -> BatchRun:
    """Read the pages in a process by itself, into a folder that is removed again."""
    with tempfile.TemporaryDirectory(prefix="docproc-bench-") as scratch:
        results = Path(scratch) / "results"
        program = [sys.executable, "-m", "docproc.benchmark.run"]
        arguments = [os.fspath(folder), os.fspath(results), str(jobs), repr(time.time())]
        done = subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DocprocError(
            f"The batch of the benchmark ended with exit code {done.returncode}: {done.stderr.strip()[-1000:]}",
            remedy="Remove the folder of its pages, and run it again; see `docproc bench --help`.",
        )
    return BatchRun(**json.loads(done.stdout))
