"""Whether a batch survives that its disk fills up, wherever it was then: on small disks of many sizes, as root.

    python -m tests.bench.full_disk [SIZES]

In:  how many sizes to try of each kind. Each disk is a tmpfs; its mount needs root on Linux.
Out: a table, one row a disk: how the run on it ended and what it said; how many more of `KILLS` runs were killed on
the full disk before they ended; how the same command ended when the disk had been made larger; pages that were read
twice, and whether the tables are, byte for byte, those of a batch that had room. Exit code 1 where anything is not
as it has to be.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from docproc.errors import EXIT_SOME_PAGES_FAILED, LedgerError, OutputError
from tests.killing import attempts, command, differing_tables, draw_scans

PAGES = 100
JOBS = 2
READING_KB = (40, 4000)  #: From a disk on which no ledger fits to one that just does not hold all that is read.
TABLES_KB = (4200, 5000)  #: The same for the tables.
KILLS = 3
LIFE_S = (0.3, 1.2)  #: A run that finds the disk full lives about as long.
ENOUGH = "40m"
STOPS = (LedgerError.exit_code, OutputError.exit_code)


def main() -> int:
    """Print the table."""
    sizes = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    disks = [*np.geomspace(*READING_KB, sizes), *np.linspace(*TABLES_KB, sizes)]
    moments = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_scans(folder / "scans", PAGES)
        _run(folder, folder / "whole")
        print(f"{'kB':>6}{'ended':>7}{'killed':>8}{'freed':>7}{'read twice':>12}{'equal':>7}  said", flush=True)
        wrong = sum([_try(folder, round(size_kb), moments) for size_kb in disks])
    print(f"{wrong} disks are not as they have to be")
    return bool(wrong)


def _try(folder: Path, size_kb: int, moments: random.Random) -> bool:
    """Whether anything was wrong."""
    out = folder / "disk" / "out"
    with _small_disk(folder / "disk", f"{size_kb}k"):
        ended, said = _run(folder, out)
        more = [_run(folder, out, kill_after_s=moments.uniform(*LIFE_S))[0] for _ in range(KILLS)]
        subprocess.run(["mount", "-o", f"remount,size={ENOUGH}", folder / "disk"], check=True)
        freed, _ = _run(folder, out)
        twice = attempts(out).finished_again
        is_equal = not differing_tables(folder / "whole", out)
        is_clean = os.listdir(folder / "disk") == ["out"]
    killed = more.count(-signal.SIGKILL)
    print(f"{size_kb:6}{ended:7}{killed:8}{freed:7}{twice:12}{is_equal:7}  {said}", flush=True)
    told = ended == EXIT_SOME_PAGES_FAILED or (ended in STOPS and ("full" in said or "space" in said))
    return not (told and freed == EXIT_SOME_PAGES_FAILED and not twice and is_equal and is_clean)


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def _run(folder: Path, out: Path, *, kill_after_s: float | None = None) -> tuple[int, str]:
    """Exit code and what was said; both lines of it, as an error has."""
    run = subprocess.Popen(
        command(folder / "scans", out, jobs=JOBS),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, said = run.communicate(timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        _, said = run.communicate()
    return run.returncode, said.replace(str(out), "OUT").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
