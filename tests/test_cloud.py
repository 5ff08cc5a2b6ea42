"""Batches from and to a real S3 server, which runs in a thread of the test."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image
from typer.testing import CliRunner

from docproc import storage, upload
from docproc.batch import process_batch
from docproc.cli import app
from docproc.download import Downloads
from docproc.errors import LedgerError, OutputError, PageError
from docproc.page import Page, Unreadable, find_sources, read_pages
from docproc.summary import Summary
from docproc.upload import ledger_folder, results_at

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "meter_reading"
TABLES = ("fields.csv", "forms.csv", "errors.csv")
SCANS = "s3://clinic/scans"
PAGES = 12


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pages in files of their own, two of them equal, and two in a TIFF."""
    folder = tmp_path_factory.mktemp("scans")
    pictures = []
    for page in range(PAGES):
        picture = np.full((60, 160), 255, np.uint8)
        picture[12:48, 20 + 5 * page : 25 + 5 * page] = 0
        pictures.append(Image.fromarray(picture))
    (folder / "ward 2").mkdir()
    for page, picture in enumerate(pictures[:9]):
        picture.save(folder / ("ward 2" if page > 5 else "") / f"{page}.png")
    pictures[3].save(folder / "again.png")
    pictures[10].save(folder / "last.tif", save_all=True, append_images=pictures[11:])
    return folder


@pytest.fixture(scope="module")
def s3(scans: Path) -> Iterator[Any]:
    """The server's file system, with the scans in it."""
    import fsspec

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.get_host_and_port()[1]}")
        environment.setenv("AWS_ACCESS_KEY_ID", "anybody")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "anything")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        files = fsspec.filesystem("s3", use_listings_cache=False)
        files.clear_instance_cache()
        files = fsspec.filesystem("s3", use_listings_cache=False)
        files.mkdir("clinic")
        files.put(f"{scans}/", "clinic/scans/", recursive=True)
        yield files
    files.clear_instance_cache()
    server.stop()


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache as of a machine where nothing was processed yet, and a folder for temporary files."""
    on_machine(monkeypatch, tmp_path / "first machine")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def on_machine(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("LOCALAPPDATA", str(cache))
    monkeypatch.setenv("HOME", str(cache))


def process(*arguments: str, code: int = 0) -> dict[str, Any]:
    run = CliRunner().invoke(app, ["process", *arguments, "--whole-image", "--json"])
    assert run.exit_code == code, run.output
    return json.loads(run.stdout)


def to_cloud(url: str, *, stop_after: int | None = None, inputs: str = SCANS) -> Summary:
    """What the verb does, up to an interrupt."""

    def stop(so_far: Summary) -> None:
        if so_far.read_now == stop_after:
            raise KeyboardInterrupt

    with results_at(url) as place:
        return process_batch([inputs], place.folder, whole_image=True, jobs=1, progress=place.watched(stop))


@pytest.mark.parametrize("jobs", ["1", "2"], ids=["in this process", "in workers"])
def test_pages_in_the_cloud_give_the_tables_of_the_same_pages_here(s3: Any, scans: Path, tmp_path: Path, jobs: str):
    here = process(str(scans), "-o", str(tmp_path / "here"), "-j", jobs)
    there = process(SCANS, "-o", str(tmp_path / "there"), "-j", jobs)
    assert (here["pages"], there["pages"], there["pages_failed"]) == (PAGES, PAGES, 0)
    for name in TABLES:
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name
    assert list((tmp_path / "temporary").iterdir()) == []


def test_each_object_is_fetched_once_and_its_copy_goes_when_its_pages_are_read(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    fetch = storage.fetch
    monkeypatch.setattr(
        storage, "fetch", lambda url, path, **options: (fetched.append(url), fetch(url, path, **options))
    )
    copies: list[int] = []

    def count(_: Summary) -> None:
        copies.append(len([*(tmp_path / "temporary").rglob("*")]) - 1)

    process_batch([SCANS], tmp_path / "out", whole_image=True, jobs=1, progress=count)
    assert sorted(fetched) == [f"s3://{path}" for path in s3.find("clinic/scans")]
    assert copies == sorted(copies, reverse=True)
    assert (copies[0], copies[-1]) == (9, 0)  # of eleven the first was read, and that of an equal page dropped


def test_an_object_that_is_unchanged_and_read_is_not_fetched_again(
    s3: Any, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("1.png", "2.png", "last.tif"):
        s3.put_file(scans / name, f"clinic/again/{name}")
    fetched: list[str] = []
    fetch = storage.fetch
    monkeypatch.setattr(
        storage, "fetch", lambda url, path, **options: (fetched.append(Path(url).name), fetch(url, path, **options))
    )

    def run(**options: Any) -> tuple[int, list[str]]:
        fetched.clear()
        batch = process_batch(["s3://clinic/again"], tmp_path / "out", whole_image=True, jobs=1, **options)
        return batch.read_now, sorted(fetched)

    everything = (4, ["1.png", "2.png", "last.tif"])
    assert run() == everything
    assert run() == (0, [])
    s3.put_file(scans / "4.png", "clinic/again/2.png")
    assert run() == (1, ["2.png"])
    assert run(review_below=0.5) == everything
    assert run(review_below=0.5, force=True) == everything


def test_a_template_in_the_cloud_serves_the_pages_below_it(s3: Any, tmp_path: Path) -> None:
    local = tmp_path / "meter"
    for name in ("template.yaml", "reference.png", "pages/001.png"):
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).write_bytes((SAMPLE / name).read_bytes())
        s3.put_file(SAMPLE / name, f"clinic/meter/{name}")
    process_batch([local], tmp_path / "here")
    table = (tmp_path / "here" / "fields.csv").read_bytes()
    assert b"pages/001.png,1,meter reading," in table
    process_batch(["s3://clinic/meter"], tmp_path / "beside")
    process_batch([local], tmp_path / "given", template_paths=["s3://clinic/meter/template.yaml"])
    assert (tmp_path / "beside" / "fields.csv").read_bytes() == table
    assert (tmp_path / "given" / "fields.csv").read_bytes() == table


def test_an_object_that_is_damaged_or_gone_fails_alone_by_its_url(s3: Any, scans: Path) -> None:
    for name in ("1.png", "3.png", "4.png"):
        s3.put_file(scans / name, f"clinic/some/{name}")
    s3.pipe_file("clinic/some/2.png", (scans / "2.png").read_bytes()[:60])
    pages = read_pages(["s3://clinic/some"])
    first = next(pages)
    s3.rm_file("clinic/some/3.png")
    damaged, gone, last = pages
    assert (isinstance(first, Page), isinstance(last, Page)) == (True, True)
    assert isinstance(damaged, Unreadable)
    assert damaged.message == "s3://clinic/some/2.png: the PNG is damaged or cut short (its end is missing)."
    assert isinstance(gone, Unreadable)
    assert gone.message.startswith("s3://clinic/some/3.png: it cannot be found (The specified key does not exist")


def test_an_object_that_goes_while_others_are_fetched_ahead_fails_alone(s3: Any, scans: Path) -> None:
    for name in ("1.png", "2.png"):
        s3.put_file(scans / name, f"clinic/going/{name}")
    sources = find_sources(["s3://clinic/going"])
    s3.rm_file("clinic/going/1.png")
    with Downloads() as downloads:
        (gone, none), (kept, copy) = downloads.ahead(sources)
        assert none is None
        assert gone.fault is not None
        assert gone.fault.message.startswith("s3://clinic/going/1.png: it cannot be found")
        assert kept.fault is None
        assert copy is not None
        assert copy.read_bytes() == (scans / "2.png").read_bytes()


def test_results_in_the_cloud_are_those_of_a_folder_and_go_on_from_any_machine(
    s3: Any, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(str(scans), "-o", str(tmp_path / "here"))
    url = "s3://clinic/results/may"
    first = process(SCANS, "-o", f"{url}/")
    assert (first["output"], first["pages"], first["pages_read_before"]) == (url, PAGES, 0)
    for name in TABLES:
        assert s3.cat_file(f"{url}/{name}") == (tmp_path / "here" / name).read_bytes(), name
    held = storage.names_in(url)
    assert held == ["errors.csv", "fields.csv", "forms.csv", "forms.xlsx", "ledger.sqlite", "report.html"]
    assert [
        path for path in (tmp_path / "first machine").rglob("*") if path.is_file() and path.suffix != ".lock"
    ] == []
    on_machine(monkeypatch, tmp_path / "second machine")
    s3.rm_file(f"{url}/forms.csv")
    assert process(SCANS, "-o", url)["pages_read_before"] == PAGES
    assert storage.names_in(url) == held


def test_the_status_of_a_batch_in_the_cloud_is_told_while_it_runs_and_after(s3: Any) -> None:
    url = "s3://clinic/counted"
    told: list[str] = []

    def look(so_far: Summary) -> None:
        if so_far.read_now == 1:
            told.append(CliRunner().invoke(app, ["status", url]).output)

    with results_at(url) as place:
        process_batch([SCANS], place.folder, whole_image=True, jobs=1, progress=place.watched(look))
    assert told[0].startswith(f"{url}: 12 pages\n         1  read\n        11  to be read\nrun 1 began ")
    after = CliRunner().invoke(app, ["status", url]).output
    assert after.startswith(f"{url}: 12 pages\n        12  read\nrun 1 began ")


def test_a_batch_in_the_cloud_is_exported_without_its_scans_and_templates(s3: Any, tmp_path: Path) -> None:
    for name in ("template.yaml", "reference.png", "pages/001.png"):
        s3.put_file(SAMPLE / name, f"clinic/export/{name}")
    with results_at(url := "s3://clinic/exported") as place:
        process_batch(["s3://clinic/export"], place.folder)
    to = tmp_path / "a.csv"
    run = CliRunner().invoke(app, ["export", url, "--to", str(to), "--long"])
    assert run.exit_code == 0, run.output
    assert to.read_bytes() == s3.cat_file("clinic/exported/fields.csv")
    assert b"pages/001.png,1,meter reading," in to.read_bytes()


def test_results_that_are_not_there_have_no_status(s3: Any) -> None:
    with (
        pytest.raises(LedgerError, match=r"^s3://clinic/nothing/ledger\.sqlite: it cannot be found"),
        ledger_folder("s3://clinic/nothing"),
    ):
        pass


@pytest.mark.parametrize(("every_s", "copies"), [(upload.EVERY_S, 2), (0.0, PAGES)], ids=["some minutes", "no time"])
def test_the_ledger_is_copied_after_the_first_page_and_some_time_later_and_at_the_end(
    s3: Any, monkeypatch: pytest.MonkeyPatch, every_s: float, copies: int
) -> None:
    monkeypatch.setattr(upload, "EVERY_S", every_s)
    monkeypatch.setattr(upload, "SHARE", 1e9)
    put = storage.put
    written: list[str] = []
    monkeypatch.setattr(storage, "put", lambda path, url: (written.append(Path(url).name), put(path, url)))
    to_cloud(f"s3://clinic/copied {copies}")
    assert written.count("ledger.sqlite") == copies  # one of the pages is not read: it is equal to another
    assert written[copies:] == ["errors.csv", "fields.csv", "forms.csv", "forms.xlsx", "report.html"]


def test_an_interrupted_run_goes_on_on_another_machine(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "s3://clinic/interrupted"
    with pytest.raises(KeyboardInterrupt):
        to_cloud(url, stop_after=4)
    assert storage.names_in(url) == ["ledger.sqlite"]
    on_machine(monkeypatch, tmp_path / "second machine")
    summary = to_cloud(url)
    assert (summary.pages, summary.read_before) == (PAGES, 5)  # the fourth, 3.png, was read as again.png


def test_what_could_not_be_copied_to_the_cloud_goes_on_from_this_machine(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "s3://clinic/unreached"
    put = storage.put

    def fail(path: Path, to: str) -> None:
        raise OutputError(f"{to}: it cannot be reached.", remedy="Check the network.")

    monkeypatch.setattr(storage, "put", fail)
    with pytest.raises(OutputError, match=r"ledger\.sqlite: it cannot be reached"):
        to_cloud(url)
    monkeypatch.setattr(storage, "put", put)
    assert storage.names_in(url) == []
    assert to_cloud(url).read_before == 1


def test_a_run_that_another_machine_has_overtaken_stops_and_leaves_what_is_there(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "s3://clinic/contested"
    with pytest.raises(KeyboardInterrupt):
        to_cloud(url, stop_after=2)
    first_machine = tmp_path / "first machine"
    with (
        pytest.raises(OutputError, match=r"contested: another run, on another machine, has written there since"),
        results_at(url) as place,
    ):
        on_machine(monkeypatch, tmp_path / "second machine")
        to_cloud(url)
        process_batch([SCANS], place.folder, whole_image=True, jobs=1)
    on_machine(monkeypatch, first_machine)
    ledger = s3.cat_file(f"{url}/ledger.sqlite")
    with ledger_folder(url) as folder:
        assert (folder / "ledger.sqlite").read_bytes() == ledger
    assert to_cloud(url).read_before == PAGES


def test_two_runs_of_one_machine_to_one_url_are_one_too_many(s3: Any) -> None:
    with (
        results_at("s3://clinic/held"),
        pytest.raises(LedgerError, match=r"^s3://clinic/held: another run on this machine is going on there"),
    ):
        to_cloud("s3://clinic/held/")


@pytest.mark.parametrize("name", ["letter.txt", "fields.csv", "deeper/ledger.sqlite"])
def test_a_prefix_that_holds_other_things_is_left_alone(s3: Any, name: str) -> None:
    url = f"s3://clinic/taken by {name[:3]}"
    s3.pipe_file(f"{url}/{name}", b"mine")
    with pytest.raises(OutputError, match=rf"holds other things than results of docproc \('{Path(name).parts[0]}'\)"):
        to_cloud(url)
    assert [path.partition("/")[2] for path in s3.find(url)] == [f"taken by {name[:3]}/{name}"]


def test_a_bucket_that_is_missing_is_told_before_any_page_is_read(s3: Any, scans: Path, tmp_path: Path) -> None:
    with pytest.raises(
        PageError, match=r"^s3://clinik/scans: it cannot be found \(The specified bucket does not exist"
    ):
        to_cloud(str(tmp_path / "out"), inputs="s3://clinik/scans")
    with pytest.raises(OutputError, match=r"^s3://clinik/out: it cannot be found \(.+\)\. Check the spelling"):
        to_cloud("s3://clinik/out", inputs=str(scans))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:{port}"},
            "it cannot be reached or copied (EndpointConnectionError: ",
        ),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "access is refused (Unable to locate credentials)."),
    ],
)
def test_a_storage_out_of_reach_is_one_line_and_an_exit_code(
    s3: Any, tmp_path: Path, variables: dict[str, str], message: str
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        told = {key: value.format(port=closed.getsockname()[1]) for key, value in variables.items()}
        run = subprocess.run(
            [sys.executable, "-m", "docproc", "process", SCANS, "-o", "out", "--whole-image"],
            cwd=tmp_path,
            env={**os.environ, "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true"} | told,
            capture_output=True,
            text=True,
            check=False,
        )
    first, second = run.stderr.splitlines()
    assert first.startswith(f"docproc: {SCANS}: {message}")
    assert second.startswith(("  Check the network", "  Give the credentials"))
    assert run.returncode == PageError.exit_code
