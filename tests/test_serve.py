"""`docproc serve` as it is run: what it answers is what `process` writes, and it ends as services have to."""

from __future__ import annotations

import csv
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from docproc.batch import process_batch
from docproc.cli import main
from docproc.engine.worker import resident_mb

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
PROGRAM = "from docproc.cli import main; main()"
TOKEN = "a-token-of-26-characters-0"
MOST_GROWTH_MB = 30  #: While more than ten times as much is sent.


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The program, run with an empty folder for its temporary files; its port."""
    folder.mkdir()
    run = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", "--port", "0", "--jobs", "1", *options],
        env={**os.environ, "DOCPROC_TOKEN": TOKEN, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stdout is not None
        told = run.stdout.readline()
        assert told.startswith("docproc answers at http://127.0.0.1:"), told
        yield run, int(told.partition(";")[0].rpartition(":")[2])
    finally:
        run.kill()
        run.communicate()


def read(port: int, page: Path) -> tuple[int, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", f"/v1/read?source={page.name}", page.read_bytes(), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_what_is_answered_is_what_process_writes(tmp_path: Path) -> None:
    scan = SAMPLES / "meter_reading/pages/006.tiff"
    process_batch([scan], tmp_path / "out", template_paths=[SAMPLES / "meter_reading"])
    with served(tmp_path / "temporary", "-t", str(SAMPLES / "meter_reading")) as (_, port):
        status, told = read(port, scan)
    pages = told["pages"]
    assert (status, [page["page"] for page in pages]) == (200, [1, 2])
    with (tmp_path / "out" / "fields.csv").open(encoding="utf-8", newline="") as table:
        written = list(csv.DictReader(table))
    assert len(written) > 20
    assert [row for page in pages for row in _rows(page)] == written
    with (tmp_path / "out" / "forms.csv").open(encoding="utf-8", newline="") as table:
        forms = [(row["source"], row["page"], row["status"], row["reasons"]) for row in csv.DictReader(table)]
    assert forms == [(page["source"], str(page["page"]), page["status"], ";".join(page["reasons"])) for page in pages]


def _rows(page: dict[str, Any]) -> Iterator[dict[str, str]]:
    """A page of an answer as the rows of fields.csv."""
    for name, field in page["fields"].items():
        others = [f"{one['value'] or 'blank'}={one['chance']:.4f}" for one in field["alternatives"]]
        yield {
            **{key: str(page[key]) for key in ("source", "page", "template")},
            "field": name,
            **{key: str(field[key]) for key in ("value", "status", "left_px", "top_px", "width_px", "height_px")},
            "confidence": f"{field['confidence']:.6f}",
            "reasons": ";".join(field["reasons"]),
            "alternatives": ";".join(others),
        }


def test_an_upload_that_never_ends_fills_neither_memory_nor_disk(tmp_path: Path) -> None:
    with (
        served(tmp_path / "temporary", "--max-upload", "5MB") as (run, port),
        socket.create_connection(("127.0.0.1", port), timeout=60) as client,
    ):
        head = f"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        client.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        before = resident_mb(run.pid) or 0
        most, sent = before, 0
        try:
            while True:
                client.sendall(b"80000\r\n" + bytes(0x80000) + b"\r\n")
                sent += 0x80000
                most = max(most, resident_mb(run.pid) or 0)
                assert list((tmp_path / "temporary").iterdir()) == []
        except ConnectionError:
            pass
        assert 5e6 < sent < 2e9
        assert most - before < MOST_GROWTH_MB


def test_sigterm_lets_what_is_in_hand_be_answered_and_ends_with_0(tmp_path: Path) -> None:
    with (
        served(tmp_path / "temporary", "-t", str(SAMPLES / "deposit_slip")) as (run, port),
        ThreadPoolExecutor() as client,
    ):
        reading = client.submit(read, port, SAMPLES / "deposit_slip/pages/002.jpg")
        while not _is_in_hand(port):
            time.sleep(0.02)
        run.send_signal(signal.SIGTERM)
        status, told = reading.result()
        assert (status, told["pages"][0]["template"]) == (200, "deposit slip")
        assert run.wait(timeout=60) == 0
        with pytest.raises(ConnectionError):
            read(port, SAMPLES / "deposit_slip/pages/002.jpg")


def _is_in_hand(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        return b"\ndocproc_requests_in_hand 1\n" in connection.getresponse().read()


def test_a_killed_server_leaves_no_upload_behind(tmp_path: Path) -> None:
    with served(tmp_path / "temporary") as (run, port), ThreadPoolExecutor() as client:
        reading = client.submit(read, port, SAMPLES / "deposit_slip/pages/002.jpg")
        while not _is_in_hand(port):
            time.sleep(0.02)
        run.kill()
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            reading.result()
        assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "token", "complaint"),
    [
        (["--host", "0.0.0.0"], None, "DOCPROC_TOKEN"),
        (["--host", "::"], None, "DOCPROC_TOKEN"),
        ([], "too short", "no token"),
        ([], "", "no token"),
        (["--max-upload", "much"], TOKEN, "no size"),
        (["--max-upload", "0MB"], TOKEN, "no size"),
        (["--page-timeout", "1"], TOKEN, "--page-timeout"),
    ],
)
def test_a_server_that_would_not_be_safe_does_not_start(
    options: list[str],
    token: str | None,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("DOCPROC_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("DOCPROC_TOKEN", token)
    monkeypatch.setattr(sys, "argv", ["docproc", "serve", "--port", "0", *options])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err
