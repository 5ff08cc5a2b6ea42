"""Processes that crash or are killed in the middle of a batch: no other page is lost, and the culprit is named."""

from __future__ import annotations

import csv
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from killing import PROGRAM, TABLES, differing_tables, draw_scans
from PIL import Image

from docproc.batch import process_batch
from docproc.engine.crew import TASKS_IN_HAND
from docproc.errors import EXIT_SOME_PAGES_FAILED
from docproc.ledger import read_ledger
from docproc.summary import Summary

JOBS = 2

#: Stands in the way of the real package, in all processes of a run: it opens every file, and crashes when it decodes.
CODEC_THAT_CRASHES = """
import os, signal
from PIL import ImageFile

class HeifImageFile(ImageFile.ImageFile):
    def _open(self):
        self._size, self._mode = (120, 60), "L"

    def load(self):
        os.kill(os.getpid(), signal.SIGSEGV)
"""


def test_workers_that_are_killed_cost_no_page(tmp_path: Path) -> None:
    draw_scans(tmp_path / "scans", 40)
    process_batch([tmp_path / "scans"], tmp_path / "whole", whole_image=True, jobs=JOBS)
    chance = random.Random(3)
    killed: set[int] = set()

    def kill_one(so_far: Summary) -> None:
        # Of what was in hand at the last kill all is done by now: no page is in a killed process twice.
        if so_far.read_now % (JOBS * TASKS_IN_HAND + 1) == 2:
            worker = chance.choice([child.pid for child in multiprocessing.active_children()])
            assert worker is not None
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)

    summary = process_batch([tmp_path / "scans"], tmp_path / "out", whole_image=True, jobs=JOBS, progress=kill_one)
    assert len(killed) == 5
    assert (summary.pages, summary.failed) == (40, 1)
    assert differing_tables(tmp_path / "whole", tmp_path / "out") == []


@pytest.fixture
def deadly(tmp_path: Path) -> Path:
    """Twelve pages, and among them one on which the codec crashes."""
    scans = tmp_path / "scans"
    draw_scans(scans, 12)
    (scans / "broken.png").unlink()
    pillow_heif.from_pillow(Image.fromarray(np.full((60, 120), 250, np.uint8))).save(scans / "05.heic", quality=50)
    codec = tmp_path / "codec"
    codec.mkdir()
    (codec / "pillow_heif.py").write_text(CODEC_THAT_CRASHES)
    return tmp_path


def docproc(folder: Path, *arguments: str, has_codec: bool = False) -> subprocess.CompletedProcess[str]:
    path = os.environ.get("PYTHONPATH", "")
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env=os.environ if has_codec else {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, ("codec", path)))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_page_that_crashes_its_reader_is_set_aside_by_name_until_it_is_to_be_tried_again(deadly: Path) -> None:
    process = ("process", "scans", "--whole-image", "-o", "out", "-j", "2")
    first = docproc(deadly, *process)
    assert first.returncode == EXIT_SOME_PAGES_FAILED
    crashed = "05.heic: reading this page was given up: the process that worked on it crashed (SIGSEGV), twice."
    assert first.stderr.startswith(f"docproc: {crashed} ")
    assert errors(deadly / "out") == [("05.heic", "1", crashed)]
    assert "12  read\n         1  set aside: they took the program down" in docproc(deadly, "status", "out").stdout
    assert attempts_of(deadly / "out", "05.heic") == 1

    assert docproc(deadly, *process).returncode == EXIT_SOME_PAGES_FAILED
    assert attempts_of(deadly / "out", "05.heic") == 1
    assert docproc(deadly, *process, "--retry", "failed").returncode == EXIT_SOME_PAGES_FAILED
    assert attempts_of(deadly / "out", "05.heic") == 2

    assert docproc(deadly, *process, "--retry", "failed", has_codec=True).returncode == 0
    assert docproc(deadly, *process[:-4], "-o", "whole", has_codec=True).returncode == 0
    assert differing_tables(deadly / "whole", deadly / "out") == []
    assert errors(deadly / "out") == []


def test_where_the_run_itself_crashed_on_a_page_the_next_one_names_the_page_and_reads_all_others(
    deadly: Path,
) -> None:
    process = ("process", "scans", "--whole-image", "-o", "out", "-j", "1")
    assert docproc(deadly, *process).returncode == -signal.SIGSEGV
    assert not any((deadly / "out" / name).exists() for name in TABLES)
    assert docproc(deadly, *process).returncode == EXIT_SOME_PAGES_FAILED
    assert [source for source, *_ in errors(deadly / "out")] == ["05.heic"]
    with read_ledger(deadly / "out") as ledger:
        assert (ledger.counts().done, ledger.counts().quarantined) == (12, 1)


def errors(out: Path) -> list[tuple[str, str, str]]:
    with (out / "errors.csv").open(encoding="utf-8", newline="") as file:
        return [(row["source"], row["page"], row["error"]) for row in csv.DictReader(file)]


def attempts_of(out: Path, source: str) -> int:
    with read_ledger(out) as ledger:
        sql = "SELECT count(*) FROM attempts JOIN pages ON pages.id = attempts.page WHERE source = ?"
        return ledger._rows(sql, (source,))[0][0]
