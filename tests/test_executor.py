"""Processes that stand ready: each task has its own future, whatever becomes of the others."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from docproc.engine import Executor, Lost, PoolEngine
from docproc.engine.crew import STARTS_TRIED
from docproc.errors import DocprocError

LONG_S = 60.0


def _work(folder: Path, task: str) -> str:
    """Leaves a trace of each attempt, and does what its task says."""
    (folder / f"{task}-{os.getpid()}").touch()
    if task == "die":
        os._exit(9)
    if task == "die once" and len(list(folder.glob("die once-*"))) == 1:
        os._exit(9)
    if task == "sleep":
        time.sleep(LONG_S)
    if task == "raise":
        raise ValueError("no such page")
    if task == "gate":
        while not (folder / "open").exists():
            time.sleep(0.01)
    return task.upper()


def _open(folder: Path) -> Callable[[str], str]:
    return partial(_work, folder)


def _open_deadly() -> Callable[[Any], Any]:
    os._exit(7)


@contextmanager
def _executor(folder: Path, *, jobs: int, page_timeout_s: float | None = None) -> Iterator[Executor]:
    executor = Executor(PoolEngine(jobs, page_timeout_s=page_timeout_s), partial(_open, folder), failed=print)
    try:
        yield executor
    finally:
        executor.close()


def _given(future: Future[Any]) -> Any:
    return future.result(timeout=LONG_S)


def _attempts(folder: Path, task: str) -> int:
    return len(list(folder.glob(f"{task}-*")))


def test_a_task_that_is_done_is_not_held_back_by_an_earlier_one(tmp_path: Path) -> None:
    with _executor(tmp_path, jobs=2) as executor:
        slow, fast = executor.submit("gate"), executor.submit("fast")
        assert _given(fast) == "FAST"
        assert not slow.done()
        (tmp_path / "open").touch()
        assert _given(slow) == "GATE"


def test_a_process_that_dies_costs_a_second_try_or_its_own_task_and_no_other(tmp_path: Path) -> None:
    with _executor(tmp_path, jobs=1) as executor:
        deadly, unlucky, other = [executor.submit(task) for task in ("die", "die once", "other")]
        assert _given(deadly) == Lost("the process that worked on it ended with exit code 9, twice")
        assert _given(unlucky) == "DIE ONCE"
        assert _given(other) == "OTHER"
        assert executor.lost == 3
    assert (_attempts(tmp_path, "die"), _attempts(tmp_path, "die once")) == (2, 2)


def test_a_task_that_takes_too_long_is_lost_at_once(tmp_path: Path) -> None:
    with _executor(tmp_path, jobs=1, page_timeout_s=0.5) as executor:
        assert _given(executor.submit("sleep")) == Lost(
            "the process that worked on it took longer than 0.5 s", is_late=True
        )
        assert _given(executor.submit("next")) == "NEXT"
    assert _attempts(tmp_path, "sleep") == 1


def test_a_task_that_nobody_waits_for_any_more_is_not_done(tmp_path: Path) -> None:
    with _executor(tmp_path, jobs=1) as executor:
        first, dropped, last = executor.submit("gate"), executor.submit("dropped"), executor.submit("last")
        assert dropped.cancel()
        (tmp_path / "open").touch()
        assert (_given(first), _given(last)) == ("GATE", "LAST")
        assert executor.waiting == 0
    assert _attempts(tmp_path, "dropped") == 0


def test_what_the_work_raises_comes_out_of_its_future_alone(tmp_path: Path) -> None:
    with _executor(tmp_path, jobs=1) as executor:
        raising, other = executor.submit("raise"), executor.submit("other")
        with pytest.raises(ValueError, match="no such page"):
            _given(raising)
        assert _given(other) == "OTHER"


def test_the_end_leaves_no_task_waiting_and_takes_no_other(tmp_path: Path) -> None:
    with _executor(tmp_path, jobs=1) as executor:
        waiting = [executor.submit("sleep"), executor.submit("behind")]
    for future in (*waiting, executor.submit("late")):
        with pytest.raises(RuntimeError, match="have ended"):
            _given(future)


def test_where_no_process_starts_any_more_that_is_told_and_tasks_fail() -> None:
    faults: list[Exception] = []
    heard = threading.Event()

    def failed(error: Exception) -> None:
        faults.append(error)
        heard.set()

    executor = Executor(PoolEngine(1), _open_deadly, failed=failed)
    assert heard.wait(LONG_S)
    assert f"{STARTS_TRIED} in a row" in str(faults[0])
    with pytest.raises(DocprocError, match="do not start"):
        _given(executor.submit("anything"))
    executor.close()
