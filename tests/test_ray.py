"""Ray: the same records as from every engine, whichever nodes and actors are lost on the way."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import docproc
from docproc.batch import process_batch
from docproc.cli import app
from docproc.engine import Engine, Lost, PoolEngine, RayEngine, SerialEngine
from docproc.engine.actor import Actor, version_here
from docproc.engine.cluster import QUIET
from docproc.engine.crew import TASKS_IN_HAND
from docproc.errors import DocprocError, MissingExtraError, ModelError
from docproc.ledger import read_ledger
from docproc.summary import Summary

ROOT = Path(__file__).resolve().parent.parent
PAGES = 12
TABLES = ("fields.csv", "forms.csv", "errors.csv")
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
#: A node that is lost is known to be, lest the next test waits for it.
SOON_MISSED = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 2,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head with one CPU, quiet, and behind a token of its own; its actors find what is defined here."""
    settings = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        **QUIET,  # before Ray is imported
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": "of-these-tests" * 3,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": SOON_MISSED})
        yield cluster
        cluster.shutdown()


@pytest.fixture
def engine(cluster: Any) -> RayEngine:
    return RayEngine(address=cluster.address)


@pytest.fixture
def second_node(cluster: Any) -> Iterator[Any]:
    node = cluster.add_node(**NODE)
    yield node
    if node in cluster.worker_nodes:
        cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    for page in range(PAGES):
        picture = np.full((60, 160), 255, np.uint8)
        picture[12:48, 20 + 5 * page : 25 + 5 * page] = 0
        Image.fromarray(picture).save(folder / f"{page:02d}.png")
    (folder / "broken.png").write_bytes((folder / "00.png").read_bytes()[:60])
    return folder


def _read(scans: Path, out: Path, engine: Engine) -> Summary:
    return process_batch([scans], out, whole_image=True, engine=engine)


def _records(out: Path) -> list[Any]:
    with read_ledger(out) as ledger:
        return list(ledger.outcomes())


@pytest.fixture(scope="module")
def serial(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages hold, read in this process."""
    out = tmp_path_factory.mktemp("serial") / "out"
    _read(scans, out, SerialEngine())
    assert len(_records(out)) == PAGES + 1
    return out


def _assert_same(out: Path, serial: Path) -> None:
    assert _records(out) == _records(serial)
    for name in TABLES:
        assert (out / name).read_bytes() == (serial / name).read_bytes(), name


def _wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise TimeoutError("waited for a minute")


def _node() -> str:
    import ray

    return ray.get_runtime_context().get_node_id()


def _nodes(folder: Path) -> set[str]:
    return {path.name.rpartition("-")[2] for path in folder.iterdir()}


def _square(number: int) -> int:
    return number * number


def test_a_pool_gives_the_records_of_one_process(scans: Path, serial: Path, tmp_path: Path) -> None:
    _read(scans, tmp_path / "out", PoolEngine(2))
    _assert_same(tmp_path / "out", serial)


class _Watched:
    """An engine whose work kills its first actor on one node and then never ends there; others wait for that."""

    def __init__(self, engine: Engine, node: str, folder: Path) -> None:
        self.engine, self.node, self.folder = engine, node, folder

    def run(self, tasks: Any, open_work: Any) -> Any:
        return self.engine.run(tasks, partial(_open_watched, open_work, self.node, self.folder))


def _open_watched(open_work: Callable[[], Any], doomed: str, folder: Path) -> Callable[[Any], Any]:
    return partial(_watched, open_work(), doomed, folder)


def _watched(work: Callable[[Any], Any], doomed: str, folder: Path, task: Any) -> Any:
    (folder / f"{task.ref.source}-{os.getpid()}-{_node()}").touch()
    if _node() == doomed:
        if len(_begun(folder, doomed)) == 1:
            os._exit(9)
        time.sleep(600)
    _wait_until(lambda: len(_begun(folder, doomed)) == 2)
    return work(task)


def _begun(folder: Path, node: str) -> list[str]:
    """Pages that a node has begun with, again or for the first time."""
    return [path.name.partition("-")[0] for path in folder.glob(f"*-{node}")]


def test_a_node_that_is_killed_in_the_middle_of_a_batch_costs_no_page_not_even_one_that_killed_an_actor_before(
    cluster: Any,
    second_node: Any,
    engine: RayEngine,
    scans: Path,
    serial: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    traces = tmp_path / "traces"
    traces.mkdir()

    def kill() -> None:
        _wait_until(lambda: len(_begun(traces, second_node.node_id)) == 2)
        cluster.remove_node(second_node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    _read(scans, tmp_path / "out", _Watched(engine, second_node.node_id, traces))
    killer.join()
    _assert_same(tmp_path / "out", serial)
    page, same = _begun(traces, second_node.node_id)
    assert page == same
    assert len(list(traces.glob(f"{page}-*"))) == 3
    assert capfd.readouterr() == ("", "")


def _wait_for_another_node(folder: Path, number: int) -> int:
    """The first task is done at once."""
    (folder / f"{number}-{_node()}").touch()
    _wait_until(lambda: number == 0 or len(_nodes(folder)) == 2)
    return number


def test_a_node_that_joins_in_the_middle_of_a_run_is_put_to_work(
    cluster: Any, engine: RayEngine, tmp_path: Path
) -> None:
    run = engine.run(range(4), partial(partial, _wait_for_another_node, tmp_path))
    assert next(run) == (0, 0)
    joined = cluster.add_node(**NODE)
    assert list(run) == [(1, 1), (2, 2), (3, 3)]
    assert joined.node_id in _nodes(tmp_path)
    cluster.remove_node(joined)


def _die_or_dawdle(folder: Path, task: str) -> str:
    (folder / f"{task}-{os.getpid()}").touch()
    if task == "deadly":
        os._exit(9)
    if task == "slow":
        time.sleep(600)
    return task


def test_a_task_that_kills_its_actor_or_takes_too_long_twice_is_lost_and_no_other(
    cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tasks = ["a", "deadly", "b", "slow", "c"]
    engine = RayEngine(address=cluster.address, page_timeout_s=0.5)
    outcomes = dict(engine.run(tasks, partial(partial, _die_or_dawdle, tmp_path)))
    assert outcomes.pop("deadly") == Lost("the process that worked on it died, twice")
    assert outcomes.pop("slow") == Lost("the process that worked on it took longer than 0.5 s, twice", is_late=True)
    assert outcomes == {"a": "a", "b": "b", "c": "c"}
    assert [len(list(tmp_path.glob(f"{task}-*"))) for task in ("deadly", "slow")] == [2, 2]
    assert capfd.readouterr() == ("", "")


def _trace(folder: Path, number: int) -> int:
    (folder / f"{number}-{os.getpid()}").touch()
    return number


def test_an_actor_that_hoards_memory_is_replaced_and_nothing_is_lost(cluster: Any, tmp_path: Path) -> None:
    engine = RayEngine(address=cluster.address, memory_limit_mb=1)
    assert list(engine.run(range(2), partial(partial, _trace, tmp_path))) == [(0, 0), (1, 1)]
    assert len(_nodes(tmp_path)) == 2


def test_the_program_s_way_to_end_on_sigterm_stays_its_own(engine: RayEngine) -> None:
    earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for _ in engine.run([3], partial(partial, _square)):
            assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, earlier)


def test_where_there_is_nothing_to_do_no_cluster_is_asked_for() -> None:
    assert list(RayEngine(address="localhost:1").run([], partial(partial, _square))) == []


def _fail(number: int) -> int:
    if number == 1:
        raise ModelError("The model is broken.", remedy="Train it again.")
    return number


def test_an_error_that_concerns_every_task_ends_the_run_as_it_was_raised(engine: RayEngine) -> None:
    run = engine.run(range(9), partial(partial, _fail))
    assert next(run) == (0, 0)
    with pytest.raises(ModelError, match="The model is broken") as caught:
        next(run)
    assert "in _fail" in str(caught.value.__cause__)


def test_no_more_tasks_are_taken_than_there_is_room_for_and_closing_ends_the_actors(
    engine: RayEngine, tmp_path: Path
) -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    run = engine.run(tasks(), partial(partial, _trace, tmp_path))
    assert next(run) == (0, 0)
    assert len(taken) == TASKS_IN_HAND
    run.close()  # type: ignore[attr-defined]
    (process,) = {int(path.name.rpartition("-")[2]) for path in tmp_path.iterdir()}
    _wait_until(lambda: not Path(f"/proc/{process}").exists())


def test_another_docproc_on_a_node_is_refused(engine: RayEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    here = version_here()
    monkeypatch.setattr(docproc, "__version__", "99")
    with pytest.raises(DocprocError, match=r"this run is of 99 \(reading") as caught:
        list(engine.run(range(3), partial(partial, _square)))
    assert f"has docproc {here}" in caught.value.message
    assert "on all nodes" in caught.value.remedy


SCRIPT = """
import os, sys, time
from pathlib import Path
from docproc.engine import RayEngine

def open_work():
    return work

def work(number):
    if number == 0:
        os._exit(9)
    Path(sys.path[0], "at-work").touch() if number == 2 else None
    time.sleep(600 if number == 2 else 0)
    return number

def main():
    try:
        for task, outcome in RayEngine(1).run(range(9), open_work):
            print(task, outcome, flush=True)
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_an_interrupt_ends_a_cluster_of_its_own_and_nothing_of_ray_is_told(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.replace("sys.path[0]", repr(str(tmp_path))), encoding="utf-8")
    # Its own process: only there is Ray imported by the engine first, and are its ways the engine's.
    script = subprocess.Popen(
        [sys.executable, "-c", "import script; script.main()"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
    )
    _wait_until((tmp_path / "at-work").exists)
    os.killpg(script.pid, signal.SIGINT)
    told, faults = script.communicate(timeout=30)  # ends when nobody holds the output any more
    lost = Lost("the process that worked on it died, twice")
    assert (told, faults) == (f"0 {lost}\n1 1\ninterrupted\n", "")


def _where(_: int) -> str:
    return os.getcwd()


def test_paths_start_where_the_run_was_started(
    engine: RayEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(engine.run([0], partial(partial, _where))) == [(0, str(tmp_path))]


def test_a_node_without_that_folder_is_refused(tmp_path: Path) -> None:
    error, _ = pickle.loads(Actor(None, version_here(), str(tmp_path / "gone")).open(b"")).content
    assert f"has no folder {tmp_path / 'gone'}" in error.message
    assert "storage that all nodes share" in error.remedy


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="Ray, which is not installed") as caught:
        RayEngine()
    assert caught.value.remedy == "Run `pip install 'docproc[ray]'`."


def test_a_cluster_that_is_not_there_is_an_error_at_once() -> None:
    with pytest.raises(DocprocError, match=r"The Ray cluster at localhost:1 cannot be joined: .*refused") as caught:
        list(RayEngine(address="localhost:1").run(range(3), partial(partial, _square)))
    assert "ray status" in caught.value.remedy


def test_an_address_without_ray_is_wrong_use(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["process", "scans", "-o", str(tmp_path / "out"), "--address", "auto"])
    assert result.exit_code == 2
    assert "add --engine ray" in result.output


@pytest.mark.parametrize(
    ("name", "kind"), [("serial", "SerialEngine"), ("processes", "PoolEngine"), ("ray", "RayEngine")]
)
def test_the_command_line_names_every_engine(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[Any] = []

    def stop(*arguments: Any, engine: Any, **options: Any) -> None:
        chosen.append(engine)
        raise KeyboardInterrupt

    monkeypatch.setattr("docproc.batch.process_batch", stop)
    CliRunner().invoke(app, ["process", "scans", "-o", str(tmp_path / "out"), "--engine", name, "-j", "3"])
    assert [type(engine).__name__ for engine in chosen] == [kind]
    assert getattr(chosen[0], "jobs", 3) == 3
