"""Disks that are full, or that nobody may write on: one line that says so, nothing corrupt, and the batch goes on."""

from __future__ import annotations

import ctypes
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from killing import PROGRAM, attempts, command, differing_tables, draw_scans

from docproc.cli import main
from docproc.errors import EXIT_SOME_PAGES_FAILED, LedgerError, OutputError
from docproc.export import results
from docproc.ledger import opening

PAGES = 12
CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24
Run = Callable[[], tuple[int, str]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A batch that had room: its scans, and its results in `out`."""
    folder = tmp_path_factory.mktemp("whole")
    draw_scans(folder / "scans", PAGES)
    assert subprocess.run(command(folder / "scans", folder / "out", jobs=1), check=False).returncode == 10
    return folder


@pytest.fixture
def process(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Read the same scans here: exit code, and what was said."""
    arguments = command(whole / "scans", tmp_path / "out", jobs=1)[3:]

    def call() -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["docproc", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        assert isinstance(stop.value.code, int)
        return stop.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize("missing", [1, 4, 24])
def test_where_the_disk_fills_up_while_pages_are_read_the_same_command_goes_on(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: Run, missing: int
) -> None:
    connect = opening._connect
    with closing(connect((whole / "out" / "ledger.sqlite").as_uri())) as db:
        (blocks,) = db.execute("PRAGMA page_count").fetchone()

    def on_a_small_disk(uri: str) -> sqlite3.Connection:
        db = connect(uri)
        db.execute(f"PRAGMA max_page_count = {blocks - missing}")
        return db

    with monkeypatch.context() as full:
        full.setattr(opening, "_connect", on_a_small_disk)
        for _ in range(2):
            code, said = process()
            assert code == LedgerError.exit_code
            assert said.startswith(f"docproc: {tmp_path / 'out' / 'ledger.sqlite'} cannot grow: the disk is full.\n")
            assert len(said.splitlines()) == 2
            assert os.listdir(tmp_path) == ["out"]
    assert process()[0] == EXIT_SOME_PAGES_FAILED
    assert attempts(tmp_path / "out").finished_again == 0
    assert differing_tables(whole / "out", tmp_path / "out") == []


@pytest.mark.parametrize("table", ["FIELDS_NAME", "FORMS_NAME", "ERRORS_NAME", "REPORT_NAME"])
def test_where_the_disk_fills_up_while_tables_are_written_the_earlier_ones_stay(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: Run, table: str
) -> None:
    shutil.copytree(whole / "out", tmp_path / "out")
    os.utime(tmp_path / "out" / "forms.csv", (0, 0))  # tables that somebody has touched are made anew
    with monkeypatch.context() as full:
        full.setattr(results, table, "/dev/full")  # a device on which the system has no space left
        code, said = process()
    assert code == OutputError.exit_code
    said_first, remedy = said.splitlines()
    assert said_first == f"docproc: {tmp_path / 'out'}: the results cannot be written (No space left on device)."
    assert remedy.startswith("  Free some space on the disk of ")
    assert differing_tables(whole / "out", tmp_path / "out") == []
    assert os.listdir(tmp_path) == ["out"]
    assert process()[0] == EXIT_SOME_PAGES_FAILED
    assert attempts(tmp_path / "out").finished_again == 0


def test_where_nobody_may_write_the_batch_stops_before_any_page_and_status_still_tells(
    whole: Path, tmp_path: Path
) -> None:
    shutil.copytree(whole / "out", tmp_path / "out")
    shutil.copytree(whole / "scans", tmp_path / "scans")
    shutil.copy(tmp_path / "scans" / "00.png", tmp_path / "scans" / "another.png")
    before = attempts(tmp_path / "out")
    for path in (*(tmp_path / "out").iterdir(), tmp_path / "out"):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        process = _without_power_over_files(tmp_path, "process", "scans", "-o", "out")
        status = _without_power_over_files(tmp_path, "status", "out")
        assert attempts(tmp_path / "out") == before
    finally:
        (tmp_path / "out").chmod(0o700)
    assert process.returncode == LedgerError.exit_code
    assert process.stderr.startswith("docproc: out/ledger.sqlite cannot be opened or written (")
    assert "Allow yourself to write in out, or name another folder with -o." in process.stderr
    assert status.returncode == 0
    assert f"out: {PAGES + 1} pages" in status.stdout


def test_a_folder_that_cannot_be_made_stops_the_batch_before_any_page(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    run = _without_power_over_files(tmp_path, "process", str(whole / "scans"), "-o", "locked/out")
    assert run.returncode == LedgerError.exit_code
    assert run.stderr.startswith("docproc: locked/out/ledger.sqlite cannot be opened or written (")
    assert os.listdir(tmp_path / "locked") == []


def test_what_a_killed_run_left_is_told_from_a_folder_where_nobody_may_write(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    shutil.copytree(whole / "out", tmp_path / "out")
    with opening.open_to_write(tmp_path / "out") as db:
        db.execute("UPDATE runs SET host = 'known to the journal alone'")
        for path in (tmp_path / "out").glob("ledger.sqlite*"):  # as it lies there now, a process leaves it
            shutil.copy(path, tmp_path / "left")
    assert len(list((tmp_path / "left").iterdir())) == 3
    for path in (*(tmp_path / "left").iterdir(), tmp_path / "left"):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        status = _without_power_over_files(tmp_path, "status", "left")
    finally:
        (tmp_path / "left").chmod(0o700)
    assert (status.returncode, status.stderr) == (0, "")
    assert f"left: {PAGES + 1} pages" in status.stdout


def _without_power_over_files(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run docproc as one who may do only what the files' modes allow, root or not."""

    def give_up() -> None:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)

    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        preexec_fn=give_up,
        capture_output=True,
        text=True,
        check=False,
    )
