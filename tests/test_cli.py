"""The command line: what it prints, and what it exits with."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from docproc import __version__
from docproc.cli import main
from docproc.cli.process import print_summary
from docproc.errors import LedgerError
from docproc.ledger import LEDGER_NAME, read_ledger
from docproc.summary import Summary

Run = Callable[..., tuple[int, str, str]]

#: A shell that starts jobs in the background has them ignore Ctrl-C, and so would all that they start.
LISTENING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from docproc.cli import main
main()
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Call the program in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["docproc", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        code = stop.value.code
        assert code is None or isinstance(code, int)
        return code or 0, printed.out, printed.err

    return call


def _blank(path: Path, value: int = 255, side: int = 120) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((60, side), value, np.uint8)).save(path)


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version") == (0, f"docproc {__version__}\n", "")


def test_help_lists_the_verbs_in_the_order_in_which_they_are_learned(run: Run) -> None:
    code, out, _ = run("--help")
    verbs = (
        "process status review audit export history serve template explain evaluate synthesize train train-lines "
        "compare bench"
    )
    commands = [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line.startswith("  ")]
    assert code == 0
    assert commands == verbs.split()


def test_the_main_jobs_help_teaches_by_examples(run: Run) -> None:
    code, out, _ = run("process", "--help")
    assert code == 0
    assert out.count("docproc process ") >= 4
    for word in ("--template", "--whole-image", "--review-below", "--jobs", "--model", "--json", "130 interrupted"):
        assert word in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["process"], "INPUT"),
        (["process", "scans"], "--output"),
        (["process", "scans", "-o", "out", "--jobs", "0"], "--jobs"),
        (["process", "scans", "-o", "out", "--review-below", "2"], "--review-below"),
        (["process", "scans", "-o", "out", "--whole-image", "-t", "t.yaml"], "exclude each other"),
        (["process", "scans", "-o", "out", "--target-error", "0.5"], "0.5% or 0.005"),
        (["process", "scans", "-o", "out", "--target-error", "0%"], "that none is wrong nobody can promise"),
        (["process", "scans", "-o", "out", "--target-error", "1%", "--review-below", "0.9"], "exclude each other"),
        (["audit", "out", "--bound", "none"], "like 0.5%"),
        (["audit", "out", "--bound", "1%", "-n", "5"], "exclude each other"),
        (["audit", "out", "--again"], "add --bound or -n"),
        (["process", "s3://bucket/scans", "-o", "out", "--watch"], "folders of this machine"),
        (["process", "scans", "-o", "out", "--wrong"], "--wrong"),
        (["proces"], "proces"),
    ],
)
def test_a_call_that_cannot_be_meant_exits_with_2_and_says_why(
    run: Run, arguments: list[str], complaint: str
) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert complaint in err


def test_pages_that_are_read_exit_with_0_and_a_summary_that_names_the_next_step(run: Run, tmp_path: Path) -> None:
    _blank(tmp_path / "scans" / "a.png")
    code, out, err = run("process", "scans", "--whole-image", "-o", "out")
    assert (code, err) == (0, "")
    figures = {line[:15].strip(): line[15:].split() for line in out.splitlines()}
    assert figures["pages read"][0] == "1"
    assert figures["fields"][0] == "1"
    assert figures["pages failed"] == ["0"]
    assert "Results: out" in out
    assert "Next: open out/forms.xlsx" in out


def test_one_page_that_fails_exits_with_10_and_one_line_that_says_what_to_do(run: Run, tmp_path: Path) -> None:
    _blank(tmp_path / "scans" / "a.png")
    (tmp_path / "scans" / "b.png").write_text("no image")
    code, out, err = run("process", "scans", "--whole-image", "-o", "out")
    assert code == 10
    (line,) = err.splitlines()
    assert line.startswith("docproc: ")
    assert "b.png" in line
    assert "see errors.csv" in out
    with (tmp_path / "out" / "errors.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert f"docproc: {row['error']} {row['remedy']}" == line


def test_a_batch_of_which_nothing_can_be_read_still_writes_its_errors(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    code, out, _ = run("process", "a.png", "-o", "out")
    assert code == 10
    assert "Next: read out/errors.csv" in out
    assert (tmp_path / "out" / "errors.csv").read_text(encoding="utf-8").count("a.png") >= 1


def test_more_failures_than_a_screen_holds_are_counted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    for page in range(25):
        (tmp_path / "scans" / f"{page:02d}.png").write_text(f"no image {page}")
    code, _, err = run("process", "scans", "-o", "out", "--jobs", "1")
    assert code == 10
    assert len(err.splitlines()) == 21
    assert "5 more failed" in err.splitlines()[-1]


def test_the_summary_names_the_threshold_in_force(run: Run, tmp_path: Path) -> None:
    _blank(tmp_path / "scans" / "a.png")
    _, out, _ = run("process", "scans", "--whole-image", "-o", "out", "--review-below", "0.9")
    assert "less sure than 0.90, or for a reason in fields.csv" in out


def test_where_no_page_was_read_no_rate_is_printed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    _, out, _ = run("process", "a.png", "-o", "out")
    assert "a second" not in out


def test_files_that_are_not_read_are_told_by_their_ending_and_fail_nothing(run: Run, tmp_path: Path) -> None:
    _blank(tmp_path / "scans" / "a.png")
    for name in ("a.dng", "b.dng", "notes.[red]", "list"):
        (tmp_path / "scans" / name).touch()
    code, out, _ = run("process", "scans", "--whole-image", "-o", "out")
    assert code == 0
    assert "files not read    4  unknown endings: .dng 2, no ending 1, .[red] 1" in out
    _, out, _ = run("process", "scans", "--whole-image", "-o", "out", "--json")
    assert json.loads(out)["files_passed_over"] == {".dng": 2, "": 1, ".[red]": 1}


def test_of_many_endings_that_are_not_read_the_most_frequent_are_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    print_summary(Summary(tmp_path, pages=3, passed_over=tuple((f".{number}", 9 - number) for number in range(6))))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "files not read" in line]
    assert " ".join(line.split()) == "files not read 39 unknown endings: .0 9, .1 8, .2 7, .3 6, .4 5, and others"


@pytest.mark.parametrize(("left", "words"), [(0, "0 are left"), (1, "1 is left"), (1200, "1,200 are left")])
def test_at_its_end_the_review_says_how_many_fields_it_leaves(
    run: Run, monkeypatch: pytest.MonkeyPatch, left: int, words: str
) -> None:
    reviewed = SimpleNamespace(left=lambda: left, tables_fault=None)
    monkeypatch.setattr("docproc.review.server.serve", lambda *_, **__: reviewed)
    assert run("review", "results") == (0, f"{words} to look at; the same command goes on.\n", "")


def test_bad_pictures_are_counted_with_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    print_summary(Summary(tmp_path, pages=3, pages_defective=2))
    line = next(line for line in capsys.readouterr().out.splitlines() if "bad pictures" in line)
    assert line.split()[2] == "2"
    assert "take them again" in line
    print_summary(Summary(tmp_path, pages=3))
    assert "bad pictures" not in capsys.readouterr().out


def test_pages_off_their_template_are_named_only_where_there_are_any(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    counts = {"pages": 3, "pages_to_review": 3, "review": 4, "review_below": 0.9}
    print_summary(Summary(tmp_path, **counts, unregistered=1, pages_unread=1, fields_unread=3))
    line = next(line for line in capsys.readouterr().out.splitlines() if "not on a template" in line)
    assert line.split() == [
        "pages",
        "not",
        "on",
        "a",
        "template",
        "1",
        "is",
        "it",
        "another",
        "form?",
        "see",
        "sheet",
        "review",
    ]
    print_summary(Summary(tmp_path, **counts))
    assert "not on a template" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"review": 4}, "(4 fields)."),
        ({"review": 1}, "(1 field)."),
        ({"review": 4, "rejected": 1, "fields_unread": 3, "pages_unread": 1}, "(2 fields and 1 whole page)."),
        ({"review": 6, "fields_unread": 6, "pages_unread": 2}, "(2 whole pages)."),
    ],
)
def test_the_next_step_counts_what_the_sheet_review_shows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, counts: dict[str, int], told: str
) -> None:
    print_summary(Summary(tmp_path, pages=3, pages_to_review=3, **counts))
    assert capsys.readouterr().out.rstrip().endswith(f"the sheet `review` shows what needs eyes {told}")


def test_machines_get_one_json_object(run: Run, tmp_path: Path) -> None:
    _blank(tmp_path / "scans" / "a.png")
    (tmp_path / "scans" / "b.png").write_text("no image")
    code, out, _ = run("process", "scans", "--whole-image", "-o", "out", "--json")
    assert code == 10
    summary = json.loads(out)
    assert (summary["pages"], summary["pages_failed"], summary["fields"], summary["output"]) == (1, 1, 1, "out")


@pytest.mark.parametrize(
    ("extra", "code", "complaint"),
    [
        (["-t", "missing.yaml"], 3, "missing.yaml"),
        (["--model", "missing"], 5, "missing"),
        (["-o", "scans/a.png"], 7, "scans/a.png is a file"),
    ],
    ids=["template", "model", "output"],
)
def test_an_error_of_the_user_is_a_line_and_a_remedy_and_its_exit_code(
    run: Run, tmp_path: Path, extra: list[str], code: int, complaint: str
) -> None:
    _blank(tmp_path / "scans" / "a.png")
    got, _, err = run("process", "scans", "-o", "out", *extra)
    assert got == code
    message, remedy = err.splitlines()
    assert message.startswith("docproc: ")
    assert complaint in message
    assert remedy.startswith("  ")
    assert not (tmp_path / "out").exists()


def test_inputs_without_any_image_exit_with_4(run: Run, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    code, _, err = run("process", "scans", "-o", "out")
    assert code == 4
    assert err.startswith("docproc: scans: ")
    assert list(tmp_path.iterdir()) == [tmp_path / "scans"]


def test_ctrl_c_exits_with_130_and_the_same_command_goes_on(tmp_path: Path) -> None:
    for page in range(400):
        _blank(tmp_path / "scans" / f"{page:03d}.png", side=100 + page % 20, value=100 + page // 20)
    command = [sys.executable, "-c", LISTENING, "process", "scans", "--whole-image", "-o", "out", "-j", "2"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while process.poll() is None and not _pages_read(tmp_path / "out"):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err == "docproc: interrupted; what was read is kept in out, and the same command goes on with the rest.\n"
    assert not list(tmp_path.glob("out/*.csv")), "no table of half a batch"
    read = _pages_read(tmp_path / "out")
    assert 0 < read < 400
    rest = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True, check=True)
    summary = json.loads(rest.stdout)
    assert (summary["pages"], summary["pages_read_before"]) == (400, read)


def _pages_read(results: Path) -> int:
    if not (results / LEDGER_NAME).is_file():
        return 0
    try:
        with read_ledger(results) as ledger:
            return ledger.counts().done
    except LedgerError:  # it is being made
        return 0
