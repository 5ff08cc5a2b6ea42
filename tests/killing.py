"""A batch whose runs are killed at any moment, and what its ledger says that this has cost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from docproc.errors import EXIT_SOME_PAGES_FAILED, LedgerError
from docproc.ledger import read_ledger

TABLES = ("fields.csv", "forms.csv", "errors.csv")
PROGRAM = "from docproc.cli import main; main()"


def draw_scans(folder: Path, pages: int) -> None:
    """So many pages that are read in a moment, no two of them alike, and one more that cannot be decoded."""
    folder.mkdir()
    for page in range(pages):
        picture = np.full((60, 160), 255, np.uint8)
        picture[12:48, 20 + page : 25 + page] = 0
        Image.fromarray(picture).save(folder / f"{page:02d}.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8)).save(folder / "broken.png")
    whole = (folder / "broken.png").read_bytes()
    torn = len(whole) // 2
    (folder / "broken.png").write_bytes(whole[:torn] + bytes(200) + whole[torn + 200 :])


def command(scans: Path, out: Path, *, jobs: int) -> list[str]:
    """What is run."""
    return [sys.executable, "-c", PROGRAM, "process", str(scans), "--whole-image", "-o", str(out), "-j", str(jobs)]


def start(scans: Path, out: Path, *, jobs: int) -> subprocess.Popen[bytes]:
    """A run of its own process group, as a shell starts it."""
    silent = subprocess.DEVNULL
    return subprocess.Popen(command(scans, out, jobs=jobs), start_new_session=True, stdout=silent, stderr=silent)


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A batch that nobody killed, and how long its runs took."""

    scans: Path
    out: Path
    pages: int
    jobs: int
    whole_s: float  #: From an empty folder.
    idle_s: float  #: With nothing left to read.


def undisturbed(scans: Path, out: Path, *, jobs: int) -> Undisturbed:
    """Read the scans once, and once more."""
    seconds = []
    for _ in range(2):
        began = time.monotonic()
        assert start(scans, out, jobs=jobs).wait() == EXIT_SOME_PAGES_FAILED
        seconds.append(time.monotonic() - began)
    with read_ledger(out) as ledger:
        return Undisturbed(scans, out, ledger.counts().pages, jobs, *seconds)


def kill_runs(batch: Undisturbed, out: Path, moments: random.Random, *, most: int) -> Iterator[str]:
    """Start one run after the other and kill it, until one gets through or `most` were killed.

    Moments are spread evenly over the time that a run has left to live.

    Yields
    ------
    str
        What the run was about when it was killed: "starting", "reading", or "tables".
    """
    settled = 0
    for _ in range(most):
        runs = _told(out)[0]
        left_s = batch.idle_s + (batch.whole_s - batch.idle_s) * (1 - settled / batch.pages)
        run = start(batch.scans, out, jobs=batch.jobs)
        try:
            run.wait(moments.uniform(0, 1.05 * left_s))
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
        if run.wait() != -signal.SIGKILL:
            assert run.returncode == EXIT_SOME_PAGES_FAILED, f"the run ended with {run.returncode}"
            return
        runs_now, settled = _told(out)
        yield "starting" if runs_now == runs else "reading" if settled < batch.pages else "tables"


def _told(out: Path) -> tuple[int, int]:
    """Runs in the ledger, and pages that have an outcome."""
    if not (out / "ledger.sqlite").is_file():
        return 0, 0
    try:
        with read_ledger(out) as ledger:
            return len(ledger.runs()), ledger.counts().settled
    except LedgerError:  # killed while it was made
        return 0, 0


class Attempts(NamedTuple):
    """How often pages were begun, in all runs of a batch."""

    finished: int  #: A record, or the reason why there is none, came back.
    finished_again: int  #: ... although one had come back before.
    broken_off: int  #: The run was killed while the page was in hand.


def attempts(out: Path) -> Attempts:
    """Counted in the ledger."""
    with read_ledger(out) as ledger:
        finished = "event IN ('read', 'refused')"
        ((all_, ended, pages),) = ledger._rows(
            f"SELECT count(*), count(*) FILTER (WHERE {finished}), count(DISTINCT page) FILTER (WHERE {finished})"
            " FROM attempts"
        )
    return Attempts(ended, ended - pages, all_ - ended)


def differing_tables(one: Path, other: Path) -> list[str]:
    """Tables whose bytes are not the same."""
    return [name for name in TABLES if (one / name).read_bytes() != (other / name).read_bytes()]
