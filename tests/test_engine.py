"""Engines: same results in the same order, and a dead worker costs no other task."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from docproc.engine import Engine, Lost, PoolEngine, SerialEngine
from docproc.engine.pool import TASKS_IN_HAND
from docproc.errors import ModelError


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
