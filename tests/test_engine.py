"""Engines: same results in the same order, and a dead worker costs no other task."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from docproc.engine import Engine, Lost, PoolEngine, SerialEngine
from docproc.engine.crew import STARTS_TRIED, TASKS_IN_HAND
from docproc.errors import DocprocError, ModelError

ROOT = Path(__file__).resolve().parent.parent


def _open(work: Callable[..., Any], *arguments: Any) -> Callable[[], Callable[[Any], Any]]:
    """Work that gets `arguments` before its task."""
    return partial(partial, work, *arguments)


def _trace(folder: Path, task: Any) -> Path:
    """A file for each attempt of a task, named after its process too."""
    path = folder / f"{task}-{os.getpid()}"
    path.touch()
    return path


def _attempts(folder: Path, task: Any) -> list[int]:
    """Processes that worked on a task."""
    return [int(path.name.rpartition("-")[2]) for path in folder.glob(f"{task}-*")]


def _square(number: int) -> int:
    return number * number


def _open_square() -> Callable[[int], int]:
    return _square


def _die_on(deadly: int, folder: Path, number: int) -> int:
    """Leaves a trace of every attempt, then kills its process on one task."""
    (folder / f"{number}-{os.getpid()}").touch()
    if number == deadly:
        os._exit(9)
    return number


def _open_deadly(deadly: int, folder: Path) -> Callable[[int], int]:
    return partial(_die_on, deadly, folder)


def _die_once(folder: Path, number: int) -> int:
    marker = folder / "died"
    if number == 3 and not marker.exists():
        marker.touch()
        os._exit(9)
    return number


def _open_die_once(folder: Path) -> Callable[[int], int]:
    return partial(_die_once, folder)


def _fail(number: int) -> int:
    if number == 2:
        raise ModelError("The model is broken.", remedy="Train it again.")
    return number


def _open_fail() -> Callable[[int], int]:
    return _fail


def _open_and_count(folder: Path) -> Callable[[int], int]:
    (folder / str(os.getpid())).touch()
    return _square


def _wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise TimeoutError("waited for a minute")


@pytest.mark.parametrize("engine", [SerialEngine(), PoolEngine(2)], ids=["serial", "pool"])
def test_every_engine_gives_results_in_the_order_of_the_tasks(engine: Engine) -> None:
    assert list(engine.run(range(20), _open_square)) == [(number, number * number) for number in range(20)]


def test_a_task_that_kills_its_worker_twice_is_lost_by_name_and_no_other(tmp_path: Path) -> None:
    outcomes = dict(PoolEngine(2).run(range(12), partial(_open_deadly, 5, tmp_path)))
    assert isinstance(outcomes.pop(5), Lost)
    assert outcomes == {number: number for number in range(12) if number != 5}
    assert list(outcomes) == sorted(outcomes)
    assert len(list(tmp_path.glob("5-*"))) == 2


def test_a_task_whose_worker_died_once_is_done_again(tmp_path: Path) -> None:
    outcomes = list(PoolEngine(2).run(range(6), partial(_open_die_once, tmp_path)))
    assert outcomes == [(number, number) for number in range(6)]
    assert (tmp_path / "died").exists()


def test_an_error_that_concerns_every_task_ends_the_run_as_it_was_raised() -> None:
    with pytest.raises(ModelError, match="The model is broken") as caught:
        list(PoolEngine(2).run(range(20), _open_fail))
    assert caught.value.remedy == "Train it again."


def test_work_is_opened_once_in_each_worker(tmp_path: Path) -> None:
    list(PoolEngine(2).run(range(30), partial(_open_and_count, tmp_path)))
    opened = {int(path.name) for path in tmp_path.iterdir()}
    assert 1 <= len(opened) <= 2
    assert os.getpid() not in opened


def test_no_more_tasks_are_taken_than_there_is_room_for() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    run = PoolEngine(2).run(tasks(), _open_square)
    assert next(run) == (0, 0)
    assert len(taken) == 2 * TASKS_IN_HAND
    run.close()  # type: ignore[attr-defined]
    assert len(taken) == 2 * TASKS_IN_HAND


def test_a_pool_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        PoolEngine(0)


def _end_in_a_way(folder: Path, task: tuple[int, str]) -> int:
    number, how = task
    _trace(folder, number)
    if how.startswith("SIG"):
        os.kill(os.getpid(), signal.Signals[how])
        time.sleep(60)
    elif how:
        os._exit(int(how))
    return number


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("SIGKILL", "the process that worked on it was killed (SIGKILL), twice"),
        ("SIGSEGV", "the process that worked on it crashed (SIGSEGV), twice"),
        ("9", "the process that worked on it ended with exit code 9, twice"),
        ("0", "the process that worked on it ended with exit code 0, twice"),
    ],
)
def test_a_lost_task_says_how_its_processes_ended(tmp_path: Path, how: str, words: str) -> None:
    tasks = [(number, how if number == 4 else "") for number in range(9)]
    outcomes = list(PoolEngine(2).run(tasks, _open(_end_in_a_way, tmp_path)))
    assert outcomes[4] == (tasks[4], Lost(words))
    assert [outcome for _, outcome in outcomes[:4] + outcomes[5:]] == [0, 1, 2, 3, 5, 6, 7, 8]


def _die_while_two_are_at_work(folder: Path, number: int) -> int:
    _trace(folder, number)
    if number == 0:
        _wait_until(lambda: len({path.name.rpartition("-")[2] for path in folder.iterdir()}) == 2)
    elif number == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_when_a_worker_dies_only_its_own_task_is_done_again_and_in_a_fresh_process(tmp_path: Path) -> None:
    list(PoolEngine(2).run(range(30), _open(_die_while_two_are_at_work, tmp_path)))
    attempts = {number: _attempts(tmp_path, number) for number in range(30)}
    assert {number: len(processes) for number, processes in attempts.items() if len(processes) != 1} == {4: 2}
    others = {process for number, processes in attempts.items() if number != 4 for process in processes}
    assert len(set(attempts[4]) - others) == 1  # the first had done others before
    assert len(others | set(attempts[4])) <= 4  # two died; two were there in the end


def test_many_tasks_that_kill_leave_all_others_untouched(tmp_path: Path) -> None:
    tasks = [(number, "SIGKILL" if number % 3 == 0 else "") for number in range(12)]
    outcomes = list(PoolEngine(3).run(tasks, _open(_end_in_a_way, tmp_path)))
    assert [task for task, _ in outcomes] == tasks
    assert [isinstance(outcome, Lost) for _, outcome in outcomes] == [number % 3 == 0 for number in range(12)]


def _sleep(folder: Path, task: tuple[int, float]) -> int:
    number, seconds = task
    _trace(folder, number)
    time.sleep(seconds)
    return number


def test_a_task_that_takes_too_long_twice_is_lost_and_no_other(tmp_path: Path) -> None:
    tasks = [(number, 60.0 if number == 2 else 0.0) for number in range(8)]
    outcomes = list(PoolEngine(2, page_timeout_s=1).run(tasks, _open(_sleep, tmp_path)))
    assert outcomes[2] == (tasks[2], Lost("the process that worked on it took longer than 1 s, twice", is_late=True))
    assert [outcome for _, outcome in outcomes[:2] + outcomes[3:]] == [0, 1, 3, 4, 5, 6, 7]
    assert len(_attempts(tmp_path, 2)) == 2


def test_the_time_limit_is_for_each_task_and_not_for_those_that_wait_behind_it(tmp_path: Path) -> None:
    tasks = [(number, 0.9) for number in range(4)]
    outcomes = list(PoolEngine(1, page_timeout_s=1.5).run(tasks, _open(_sleep, tmp_path)))
    assert [outcome for _, outcome in outcomes] == list(range(4))
    assert len(list(tmp_path.iterdir())) == 4


def test_a_result_that_lay_there_in_time_counts_however_late_it_is_looked_at(tmp_path: Path) -> None:
    run = PoolEngine(1, page_timeout_s=1).run([(number, 0.0) for number in range(4)], _open(_sleep, tmp_path))
    next(run)
    time.sleep(1.5)
    assert [outcome for _, outcome in run] == [1, 2, 3]
    assert len(list(tmp_path.iterdir())) == 4


def _sleep_then_die(folder: Path, number: int) -> int:
    if number == 1:
        if _attempts(folder, number):
            os.kill(os.getpid(), signal.SIGKILL)
        _trace(folder, number)
        time.sleep(60)
    return number


def test_two_ways_to_end_are_both_told(tmp_path: Path) -> None:
    outcomes = dict(PoolEngine(1, page_timeout_s=1).run(range(3), _open(_sleep_then_die, tmp_path)))
    assert outcomes[1] == Lost(
        "the process that worked on it took longer than 1 s; tried again, it was killed (SIGKILL)"
    )


_hoard: list[bytearray] = []


def _hoard_memory(folder: Path, number: int) -> int:
    _trace(folder, number)
    _hoard.append(bytearray(b"x") * 60_000_000)
    return number


def test_a_worker_that_hoards_memory_is_replaced_and_nothing_is_lost_or_done_twice(tmp_path: Path) -> None:
    limit_mb = 400.0
    outcomes = list(PoolEngine(2, memory_limit_mb=limit_mb).run(range(24), _open(_hoard_memory, tmp_path)))
    assert outcomes == [(number, number) for number in range(24)]
    processes = [process for number in range(24) for process in _attempts(tmp_path, number)]
    assert len(processes) == 24
    assert len(set(processes)) > 2
    assert max(processes.count(process) for process in processes) <= limit_mb / 60 + 1


def test_a_worker_that_hoards_memory_is_kept_where_there_is_no_limit(tmp_path: Path) -> None:
    list(PoolEngine(1, memory_limit_mb=None).run(range(6), _open(_hoard_memory, tmp_path)))
    assert len({process for number in range(6) for process in _attempts(tmp_path, number)}) == 1


MEASURED = """
from docproc.engine.worker import resident_mb
before = resident_mb()
hoard = bytearray(b"x") * 100_000_000
print(resident_mb() - before)
"""


def test_the_memory_of_this_process_is_told_in_mb() -> None:
    # In a fresh one: what a long one has given back may not have gone to the system, and comes from there again.
    told = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    assert 90 < float(told.stdout) < 120


def _hold_up(folder: Path, number: int) -> int:
    """The first task waits for the seventh, which another worker does meanwhile."""
    _trace(folder, number)
    if number == 0:
        _wait_until(lambda: bool(_attempts(folder, 6)))
    return number


def test_tasks_behind_a_slow_one_are_done_meanwhile_and_come_out_in_order(tmp_path: Path) -> None:
    assert list(PoolEngine(2).run(range(20), _open(_hold_up, tmp_path))) == [(number, number) for number in range(20)]


def _large(size: int) -> bytes:
    return bytes(size)


def test_large_results_pass() -> None:
    sizes = [10_000_000, 1, 3_000_000, 0] * 3
    assert [len(outcome) for _, outcome in PoolEngine(2).run(sizes, _open(_large))] == sizes


def _length(task: bytes) -> bytes:
    return task[::-1]


def test_large_tasks_with_large_results_do_not_block_each_other() -> None:
    tasks = [bytes([number]) * 3_000_000 for number in range(12)]
    assert list(PoolEngine(2).run(tasks, _open(_length))) == [(task, task) for task in tasks]


def _give_what_cannot_be_pickled(number: int) -> Any:
    return threading.Lock() if number == 2 else number


def test_a_result_that_cannot_be_pickled_is_an_error_that_says_so() -> None:
    run = PoolEngine(2).run(range(9), _open(_give_what_cannot_be_pickled))
    assert [next(run), next(run)] == [(0, 0), (1, 1)]
    with pytest.raises(TypeError, match=r"cannot pickle '_thread\.lock' object"):
        next(run)


class _Stubborn(Exception):
    """Cannot be made again from what it was pickled to."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def _raise_stubborn(number: int) -> int:
    raise _Stubborn("this", "that")


def test_an_error_that_cannot_be_pickled_arrives_in_words() -> None:
    with pytest.raises(RuntimeError, match=r"^_Stubborn: this and that$"):
        list(PoolEngine(2).run(range(9), _open(_raise_stubborn)))


def test_an_error_tells_where_in_the_worker_it_was_raised() -> None:
    with pytest.raises(ModelError) as caught:
        list(PoolEngine(2).run(range(20), _open_fail))
    assert "in _fail" in str(caught.value.__cause__)
    assert "test_engine.py" in str(caught.value.__cause__)


def test_results_before_an_error_come_out_first() -> None:
    run = PoolEngine(2).run(range(20), _open_fail)
    assert [next(run), next(run)] == [(0, 0), (1, 1)]
    with pytest.raises(ModelError):
        next(run)


def _refuse_to_open() -> Callable[[int], int]:
    raise ModelError("There is no model.", remedy="Train one.")


def test_an_error_while_the_work_is_opened_ends_the_run_as_it_was_raised() -> None:
    with pytest.raises(ModelError, match="There is no model"):
        list(PoolEngine(2).run(range(20), _refuse_to_open))


def _die_while_opening() -> Callable[[int], int]:
    os.kill(os.getpid(), signal.SIGKILL)
    return _square


def test_workers_that_all_die_before_their_first_task_end_the_run_with_a_remedy() -> None:
    with pytest.raises(DocprocError, match=r"3 in a row ended .* was killed \(SIGKILL\)") as caught:
        list(PoolEngine(2).run(range(20), _die_while_opening))
    assert "--jobs 1" in caught.value.remedy


def _open_in_two_processes_only(folder: Path) -> Callable[[int], int]:
    _trace(folder, "opened")
    if len(_attempts(folder, "opened")) > 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return partial(_die_once_when_two_are_open, folder)


def _die_once_when_two_are_open(folder: Path, number: int) -> int:
    if number == 1 and not _attempts(folder, number):
        _wait_until(lambda: len(_attempts(folder, "opened")) == 2)
        _trace(folder, number)
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_where_no_new_worker_starts_those_that_are_left_do_the_work(tmp_path: Path) -> None:
    run = PoolEngine(2).run(range(20), partial(_open_in_two_processes_only, tmp_path))
    assert list(run) == [(number, number) for number in range(20)]
    assert len(_attempts(tmp_path, "opened")) == 2 + STARTS_TRIED


def _say_how_many_threads(_: int) -> tuple[int, Any]:
    import cv2

    return cv2.getNumThreads(), signal.getsignal(signal.SIGINT)


def test_a_worker_has_one_opencv_thread_and_is_deaf_to_interrupts() -> None:
    [(_, found)] = PoolEngine(2).run([0], _open(_say_how_many_threads))
    assert found == (1, signal.SIG_IGN)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_closing_the_iterator_ends_the_workers_at_once(tmp_path: Path) -> None:
    run = PoolEngine(2).run([(0, 0.0), (1, 60.0), (2, 60.0), (3, 60.0)], _open(_sleep, tmp_path))
    next(run)
    _wait_until(lambda: bool(_attempts(tmp_path, 1)))
    started = time.monotonic()
    run.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 5
    assert not any(_is_alive(process) for number in range(3) for process in _attempts(tmp_path, number))


SCRIPT = """
import os, sys, time
from pathlib import Path
from docproc.engine import PoolEngine

def work(number):
    Path(sys.argv[1], f"task-{number}").touch()
    time.sleep(120)

def open_work():
    return work

if __name__ != "__main__":
    Path(sys.argv[1], f"importing-{os.getpid()}").touch()  # in a worker that starts
    time.sleep(1)

if __name__ == "__main__":
    try:
        for _ in PoolEngine(2).run(range(9), open_work):
            pass
    except KeyboardInterrupt:
        print("interrupted")
"""


def _start_script(folder: Path, *, wait_for: str, count: int) -> subprocess.Popen[str]:
    """Start the script and wait until there are so many files of that name."""
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    script = subprocess.Popen(
        [sys.executable, str(folder / "script.py"), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    _wait_until(lambda: len(list(folder.glob(wait_for))) == count)
    return script


def test_a_parent_that_is_killed_leaves_no_worker_behind(tmp_path: Path) -> None:
    script = _start_script(tmp_path, wait_for="task-*", count=2)
    script.kill()
    script.communicate(timeout=10)  # ends when nobody holds the output any more: no worker lives


@pytest.mark.parametrize(("wait_for", "count"), [("importing-*", 2), ("task-*", 2)])
def test_an_interrupt_from_the_keyboard_ends_all_quickly_and_quietly(
    tmp_path: Path, wait_for: str, count: int
) -> None:
    script = _start_script(tmp_path, wait_for=wait_for, count=count)
    os.killpg(script.pid, signal.SIGINT)
    assert script.communicate(timeout=10) == ("interrupted\n", "")
    assert script.returncode == 0


def test_a_time_limit_is_above_0() -> None:
    with pytest.raises(ValueError, match="above 0"):
        PoolEngine(2, page_timeout_s=0)
