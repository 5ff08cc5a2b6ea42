"""Watching a folder: what comes is read once it is whole, into the tables of a batch that found all at once."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from killing import attempts, differing_tables, draw_scans
from PIL import Image

from docproc import listing, litert, watching
from docproc.batch import process_batch
from docproc.errors import EXIT_INTERRUPTED, EXIT_SOME_PAGES_FAILED, PageError
from docproc.ledger import files, read_ledger
from docproc.summary import Summary

#: A shell that starts jobs in the background has them ignore Ctrl-C, and so would all that they start.
LISTENING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from docproc.cli import main
main()
"""

Step = Callable[[], object]


def nothing() -> None:
    pass


class Inbox:
    """A folder, and a scanner that does one step between two looks; after the last one somebody presses Ctrl-C."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scans, self.out = folder / "inbox", folder / "out"
        self.scans.mkdir()
        self.told: list[tuple[int, int]] = []  #: Pages and failures, each time that tables were made.
        draw_scans(folder / "drawn", 8)
        self.drawn = {path.name: path.read_bytes() for path in (folder / "drawn").iterdir()}
        self._monkeypatch = monkeypatch

    def write(self, name: str, content: bytes | None = None) -> None:
        (self.scans / name).write_bytes(self.drawn[name] if content is None else content)

    def watch(self, steps: Sequence[Step], **options: Any) -> Summary:
        script = iter(steps)

        def sleep(_: float) -> None:
            try:
                step = next(script)
            except StopIteration:
                raise KeyboardInterrupt from None
            step()

        self._monkeypatch.setattr(watching, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
        return process_batch(
            [self.scans],
            self.out,
            jobs=1,
            watched=lambda summary: self.told.append((summary.pages, summary.failed)),
            **{"whole_image": True, **options},
        )

    def names(self, table: str = "fields.csv") -> list[str]:
        with (self.out / table).open(encoding="utf-8", newline="") as file:
            return [row["source"] for row in csv.DictReader(file)]


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    return Inbox(tmp_path, monkeypatch)


def test_pages_are_read_as_they_come_and_the_tables_are_those_of_one_batch(inbox: Inbox, tmp_path: Path) -> None:
    inbox.write("03.png")

    def drop_two() -> None:
        inbox.write("04.png")
        (tmp_path / "half").write_bytes(inbox.drawn["01.png"])
        os.replace(tmp_path / "half", inbox.scans / "01.png")

    def drop_one_in_a_folder() -> None:
        (inbox.scans / "more").mkdir()
        inbox.write("more/00.png", inbox.drawn["00.png"])

    summary = inbox.watch([nothing, drop_two, nothing, drop_one_in_a_folder, nothing, nothing])
    assert inbox.told == [(1, 0), (3, 0), (4, 0)]
    assert (summary.pages, summary.read_now, summary.read_before) == (4, 4, 0)
    assert inbox.names() == ["01.png", "03.png", "04.png", "more/00.png"]
    process_batch([inbox.scans], tmp_path / "whole", whole_image=True, jobs=1)
    assert differing_tables(tmp_path / "whole", inbox.out) == []
    assert attempts(inbox.out) == (4, 0, 0)


def test_a_folder_without_pages_is_waited_for(inbox: Inbox) -> None:
    inbox.watch([nothing, nothing, lambda: inbox.write("00.png"), nothing])
    assert inbox.told == [(0, 0), (1, 0)]


def test_an_input_that_is_not_there_is_an_error_and_not_waited_for(inbox: Inbox) -> None:
    inbox.scans.rmdir()
    with pytest.raises(PageError, match="cannot be found"):
        inbox.watch([])
    assert not inbox.out.exists()


def test_a_page_that_is_written_slowly_is_read_when_it_is_whole(inbox: Inbox) -> None:
    whole = inbox.drawn["00.png"]
    parts = [lambda size=size: inbox.write("00.png", whole[:size]) for size in (0, 40, 80, len(whole))]
    inbox.watch([nothing, *parts, nothing])
    assert inbox.told == [(0, 0), (1, 0)]
    assert attempts(inbox.out) == (1, 0, 0)


def test_a_page_whose_writing_paused_fails_alone_and_is_read_when_it_is_whole(inbox: Inbox) -> None:
    inbox.write("01.png")
    half = inbox.drawn["00.png"][:60]
    seen: list[list[str]] = []
    inbox.watch(
        [
            lambda: inbox.write("00.png", half),
            nothing,
            lambda: seen.append(inbox.names("errors.csv")),
            lambda: inbox.write("00.png"),
            nothing,
        ]
    )
    assert inbox.told == [(1, 0), (1, 1), (2, 0)]
    assert seen == [["00.png"]]
    assert inbox.names("errors.csv") == []
    assert inbox.names() == ["00.png", "01.png"]


def test_a_page_that_is_written_anew_while_another_one_comes_is_read_when_it_is_whole(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "UNSETTLED_NS", 0)
    inbox.write("00.png")
    steps = [
        lambda: inbox.write("01.png"),
        lambda: inbox.write("00.png", inbox.drawn["02.png"]),  # the tables with 01.png still have the old one
        nothing,
    ]
    inbox.watch([nothing, *steps])
    assert inbox.told == [(1, 0), (2, 0), (2, 0)]
    assert attempts(inbox.out) == (3, 1, 0)


def test_what_was_read_before_the_watch_is_neither_opened_nor_read_again(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "UNSETTLED_NS", 0)
    inbox.write("00.png")
    inbox.watch([nothing])
    monkeypatch.setattr(listing, "list_pages", lambda source, copy: pytest.fail(f"{source.name} was opened"))
    inbox.watch([nothing, nothing])
    assert inbox.told == [(1, 0), (1, 0)]
    assert inbox.names() == ["00.png"]


def test_a_page_that_is_written_anew_keeps_its_old_row_until_it_is_whole(inbox: Inbox) -> None:
    inbox.write("00.png")
    inbox.watch([nothing, lambda: inbox.write("00.png", b"\x89PNG"), lambda: inbox.write("00.png", b"\x89PNG\r\n")])
    assert inbox.told == [(1, 0)]
    assert inbox.names() == ["00.png"]


def test_a_page_that_vanishes_before_it_is_read_fails_alone_and_is_forgotten(inbox: Inbox) -> None:
    for name in ("00.png", "01.png", "02.png"):
        inbox.write(name)

    def remove_the_second(so_far: Summary) -> None:
        (inbox.scans / "01.png").unlink(missing_ok=True)

    inbox.watch([nothing, nothing], progress=remove_the_second)
    assert inbox.told == [(2, 1), (2, 0)]
    assert inbox.names() == ["00.png", "02.png"]


def test_while_the_folder_is_gone_nothing_changes(inbox: Inbox, tmp_path: Path) -> None:
    inbox.write("00.png")
    inbox.watch(
        [
            nothing,
            lambda: inbox.scans.rename(tmp_path / "away"),
            lambda: (tmp_path / "away").rename(inbox.scans),
            nothing,
        ]
    )
    assert inbox.told == [(1, 0)]
    assert inbox.names() == ["00.png"]


def test_ctrl_c_in_the_middle_of_a_lot_ends_with_all_that_was_read_in_the_tables(
    inbox: Inbox, tmp_path: Path
) -> None:
    def interrupt(so_far: Summary) -> None:
        if inbox.told and so_far.read_now == 2:
            raise KeyboardInterrupt

    def drop_four() -> None:
        for name in ("01.png", "03.png", "05.png", "07.png"):
            inbox.write(name)

    for name in ("00.png", "06.png"):
        inbox.write(name)
    summary = inbox.watch([nothing, drop_four, nothing], progress=interrupt)
    assert (summary.pages, summary.read_now, summary.pages_expected) == (4, 4, 6)
    assert inbox.names() == ["00.png", "01.png", "03.png", "06.png"]
    rest = process_batch([inbox.scans], inbox.out, whole_image=True, jobs=1)
    assert (rest.pages, rest.read_now) == (6, 2)


def test_ctrl_c_while_the_first_pages_are_read_leaves_no_table_of_half_a_batch(inbox: Inbox) -> None:
    for name in ("00.png", "01.png"):
        inbox.write(name)

    def interrupt(so_far: Summary) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inbox.watch([nothing], progress=interrupt)
    assert not (inbox.out / "fields.csv").exists()
    assert process_batch([inbox.scans], inbox.out, whole_image=True, jobs=1).read_now == 1


def test_models_are_opened_once_for_all_lots(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    interpreter = litert._interpreter

    def open_and_count(model: bytes, shape: tuple[int, int, int, int]) -> Any:
        opened.append(len(inbox.told))
        return interpreter(model, shape)

    monkeypatch.setattr(litert, "_interpreter", open_and_count)
    inbox.write("00.png")
    inbox.watch([nothing, lambda: inbox.write("01.png"), nothing, lambda: inbox.write("02.png"), nothing])
    assert inbox.told == [(1, 0), (2, 0), (3, 0)]
    assert opened
    assert set(opened) == {0}


def test_failed_pages_are_tried_again_once_and_not_with_every_lot(inbox: Inbox) -> None:
    inbox.write("broken.png")
    inbox.watch([nothing])
    inbox.watch([nothing, lambda: inbox.write("01.png"), nothing], retry_failed=True)
    assert inbox.told == [(0, 1), (0, 1), (1, 1)]
    assert attempts(inbox.out) == (3, 1, 0)


TEMPLATE = """
name: {name}
page: {{width_mm: 100, height_mm: 100}}
fiducials: [{{box: [5, 5, 5, 5]}}, {{box: [90, 5, 5, 5]}}, {{box: [5, 90, 5, 5]}}]
fields: [{{name: number, kind: free, box: [20, 20, 40, 10]}}]
"""


def test_a_template_that_was_changed_counts_from_the_next_page_on(inbox: Inbox) -> None:
    Image.new("L", (240, 240), 255).save(inbox.scans / "a.png")
    (inbox.scans / "template.yaml").write_text(TEMPLATE.format(name="old"))

    def change_and_drop() -> None:
        (inbox.scans / "template.yaml").write_text(TEMPLATE.format(name="new"))
        Image.new("L", (240, 240), 250).save(inbox.scans / "b.png")

    inbox.watch([nothing, change_and_drop, nothing], whole_image=False)
    with (inbox.out / "forms.csv").open(encoding="utf-8", newline="") as file:
        assert [row["template"] for row in csv.DictReader(file)] == ["new", "new"]


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", LISTENING, "process", "inbox", "--whole-image", "-o", "out", "--watch", *options]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def read_until(stream: Any, words: str) -> str:
    """What is said until then; the end of the stream, too, is one."""
    said = ""
    while words not in said and (line := stream.readline()):
        said += line
    return said


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_what_came_and_ends_well(inbox: Inbox, tmp_path: Path, ending: signal.Signals) -> None:
    inbox.write("00.png")
    run = started(tmp_path, "--json")
    told = "docproc: pages: 1 read, 1 to review, 0 failed; watching inbox; Ctrl-C ends it\n"
    assert read_until(run.stderr, "watching") == told
    with (inbox.scans / "01.png").open("wb", buffering=0) as slow:
        for byte in inbox.drawn["01.png"]:
            slow.write(bytes([byte]))
    assert read_until(run.stderr, "\n").startswith("docproc: pages: 2 read, ")
    run.send_signal(ending)
    out, err = run.communicate()
    assert (run.returncode, err) == (0, "")
    summary = json.loads(out)
    assert (summary["pages"], summary["pages_read_before"]) == (2, 0)
    assert inbox.names() == ["00.png", "01.png"]


def test_where_pages_are_left_to_read_the_exit_code_says_so_and_the_tables_have_the_others(
    inbox: Inbox, tmp_path: Path
) -> None:
    inbox.write("00.png")
    run = started(tmp_path)
    read_until(run.stderr, "watching")
    (tmp_path / "more").mkdir()
    for page in range(300):
        Image.new("L", (100 + page, 60), 255).save(tmp_path / "more" / f"{page}.png")
    (tmp_path / "more").rename(inbox.scans / "more")  # all at once: they are one lot
    while run.poll() is None and pages_read(inbox.out) < 3:
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate()
    assert run.returncode == EXIT_INTERRUPTED
    assert err == "docproc: interrupted; what was read is kept in out, and the same command goes on with the rest.\n"
    assert "pages read" in out
    assert 2 < len(inbox.names()) == pages_read(inbox.out) < 301


def pages_read(out: Path) -> int:
    with read_ledger(out) as ledger:
        return ledger.counts().done


def test_where_pages_failed_the_exit_code_says_so(inbox: Inbox, tmp_path: Path) -> None:
    inbox.write("broken.png")
    run = started(tmp_path)
    read_until(run.stderr, "watching")
    run.send_signal(signal.SIGINT)
    _, err = run.communicate()
    assert run.returncode == EXIT_SOME_PAGES_FAILED
    assert err.startswith("docproc: inbox/broken.png: ")
