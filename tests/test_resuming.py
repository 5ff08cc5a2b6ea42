"""A batch goes on where it was stopped, however that was; nothing is read twice, and the tables are the same."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from killing import TABLES, attempts, differing_tables, draw_scans, kill_runs, start, undisturbed
from typer.testing import CliRunner

from docproc.batch import process_batch
from docproc.cli import app
from docproc.engine.crew import TASKS_IN_HAND
from docproc.errors import EXIT_SOME_PAGES_FAILED, LedgerError
from docproc.export.folder import LEDGER_NAMES
from docproc.ledger import LEDGER_NAME, NAMES, read_ledger
from docproc.summary import Summary

PAGES = 24
KILLS = 5


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch") / "scans"
    draw_scans(folder, PAGES)
    return folder


def run(scans: Path, out: Path, **options: object) -> Summary:
    return process_batch([scans], out, whole_image=True, jobs=1, **options)  # type: ignore[arg-type]


def test_a_batch_that_is_read_is_not_read_again_and_its_tables_are_the_same(scans: Path, tmp_path: Path) -> None:
    first = run(scans, tmp_path / "out")
    tables = {name: (tmp_path / "out" / name).read_bytes() for name in TABLES}
    (tmp_path / "out" / "forms.csv").unlink()
    second = run(scans, tmp_path / "out")
    assert (first.read_now, first.read_before) == (PAGES + 1, 0)
    assert (second.read_now, second.read_before, second.pages, second.failed) == (0, PAGES, PAGES, 1)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in TABLES} == tables
    assert attempts(tmp_path / "out") == (PAGES + 1, 0, 0)


def test_what_has_come_since_is_read_and_what_is_gone_is_in_no_table(scans: Path, tmp_path: Path) -> None:
    own = tmp_path / "scans"
    own.mkdir()
    for page in sorted(scans.glob("0*.png")):
        (own / page.name).write_bytes(page.read_bytes())
    run(own, tmp_path / "out")
    (own / "00.png").unlink()
    (own / "20.png").write_bytes((scans / "20.png").read_bytes())
    summary = run(own, tmp_path / "out")
    assert (summary.pages, summary.read_now, summary.read_before, summary.left_out) == (10, 1, 9, 1)
    table = (tmp_path / "out" / "forms.csv").read_text(encoding="utf-8")
    assert "00.png" not in table
    assert "20.png" in table


def test_other_settings_read_all_pages_again(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "out")
    assert run(scans, tmp_path / "out", review_below=0.5).read_now == PAGES + 1
    assert run(scans, tmp_path / "out", review_below=0.5).read_now == 0


def test_failed_pages_are_tried_again_where_that_is_asked_for(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "out")
    summary = run(scans, tmp_path / "out", retry_failed=True)
    assert (summary.read_now, summary.failed) == (1, 1)


def test_all_is_read_again_by_force_and_stays_so(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "out")
    assert run(scans, tmp_path / "out", force=True).read_now == PAGES + 1
    assert run(scans, tmp_path / "out").read_now == 0


def test_runs_that_are_killed_at_any_moment_come_to_the_same_tables(scans: Path, tmp_path: Path) -> None:
    whole = undisturbed(scans, tmp_path / "whole", jobs=2)
    killed = list(kill_runs(whole, tmp_path / "out", random.Random(5), most=KILLS))
    assert start(scans, tmp_path / "out", jobs=2).wait() == EXIT_SOME_PAGES_FAILED
    assert killed
    assert differing_tables(whole.out, tmp_path / "out") == []
    cost = attempts(tmp_path / "out")
    assert (cost.finished, cost.finished_again) == (PAGES + 1, 0)
    assert cost.broken_off <= 2 * TASKS_IN_HAND * len(killed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]
    assert not list(tmp_path.glob("out/*-journal"))


def test_a_ledger_that_was_hardly_begun_when_the_run_was_killed_is_gone_on_with(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LEDGER_NAME).touch()
    assert run(scans, tmp_path / "out").pages == PAGES


def test_what_a_killed_run_half_wrote_into_its_ledger_is_undone_for_whoever_looks_first(
    scans: Path, tmp_path: Path
) -> None:
    run(scans, tmp_path / "out")
    _leave_a_journal(tmp_path / "out", tmp_path / "left")
    with read_ledger(tmp_path / "left") as ledger:
        assert "half" not in [one.host for one in ledger.runs()]
        assert ledger.counts().done == PAGES
    _leave_a_journal(tmp_path / "out", tmp_path / "left anew")
    assert run(scans, tmp_path / "left anew").read_now == 0


def _leave_a_journal(out: Path, left: Path) -> None:
    """What lies in the folder in the middle of a write is what a process that is killed leaves."""
    left.mkdir()
    with closing(sqlite3.connect(out / LEDGER_NAME, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")  # pages: all others are written before the end
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE runs SET host = 'half'")
        db.execute("CREATE TABLE half AS SELECT randomblob(100000)")
        for path in out.glob(f"{LEDGER_NAME}*"):
            shutil.copy(path, left)
        db.execute("ROLLBACK")
    assert len(list(left.iterdir())) == 2


def test_what_a_killed_run_half_wrote_of_its_tables_is_cleared_away_and_nothing_else(
    scans: Path, tmp_path: Path
) -> None:
    for name in ("out.4711.partial", "out.mine.partial", "other.4711.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "fields.csv").touch()
    run(scans, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.4711.partial", "out", "out.mine.partial"]


def test_two_runs_in_one_folder_are_one_too_many(scans: Path, tmp_path: Path) -> None:
    first = start(scans, tmp_path / "out", jobs=1)
    try:
        while first.poll() is None and not _has_run(tmp_path / "out"):
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGSTOP)  # it stays in the middle of its work
        with pytest.raises(LedgerError, match=rf"another run is going on in this folder \(process {first.pid} on"):
            run(scans, tmp_path / "out")
        os.kill(first.pid, signal.SIGCONT)
    finally:
        first.kill()
        first.wait()
    assert run(scans, tmp_path / "out").pages == PAGES


def _has_run(out: Path) -> bool:
    try:
        with read_ledger(out) as ledger:
            return bool(ledger.runs())
    except LedgerError:
        return False


def test_whatever_a_killed_run_leaves_of_its_ledger_is_no_foreign_file() -> None:
    assert LEDGER_NAMES == NAMES


def test_progress_counts_what_is_left_to_read(scans: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    run(scans, tmp_path / "out", progress=lambda so_far: told.append((so_far.read_now, so_far.pages_expected)))
    assert told[-1] == (PAGES + 1, PAGES + 1)
    told.clear()
    run(
        scans,
        tmp_path / "out",
        retry_failed=True,
        progress=lambda so_far: told.append((so_far.read_now, so_far.pages_expected)),
    )
    assert told == [(1, 1)]


def test_status_tells_how_far_a_batch_is(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "out")
    told = CliRunner().invoke(app, ["status", str(tmp_path / "out")]).output
    assert f"{PAGES + 1} pages" in told
    assert "24  read" in told
    assert "1  could not be read: see errors.csv" in told
    counted = CliRunner().invoke(app, ["status", str(tmp_path / "out"), "--json"]).output
    assert '"pages": 25, "done": 24, "pending": 0, "running": 0, "failed": 1, "quarantined": 0, "runs": 1' in counted


def test_a_ledger_that_is_damaged_stops_the_run_before_any_page(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LEDGER_NAME).write_bytes(b"x" * 5000)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite is damaged, or no ledger of docproc"):
        run(scans, tmp_path / "out")
