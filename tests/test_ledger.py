"""The memory of a batch, from its first page to its last, and what it takes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from ledgers import entry, record

from docproc.errors import LedgerError
from docproc.ledger import (
    LEDGER_NAME,
    Counts,
    KnownFile,
    State,
    digest_of,
    files,
    open_ledger,
    read_ledger,
    stamp_of,
)
from docproc.ledger.schema import APPLICATION_ID, MIGRATIONS, Migration, migrate, version_of
from docproc.page import Unreadable

ROOT = Path(__file__).resolve().parent.parent


def read_all(ledger, **options):
    """Read what waits, each page with its own number as value; the names of what was read."""
    read = []
    for page in ledger.waiting(**options):
        ledger.started([page.id])
        ledger.keep(page.id, record(page.ref, page.ref.source[:6]))
        read.append(page.ref.source)
    return read


def killed(folder, pages, *, start):
    """A process that enters pages, starts the first of those that wait, and is killed."""
    code = (
        "import os, signal, sys\n"
        "from itertools import islice\n"
        "from pathlib import Path\n"
        "from docproc.ledger import open_ledger\n"
        "from ledgers import entry\n"
        "with open_ledger(Path(sys.argv[1]), settings={}) as ledger:\n"
        "    ledger.enter(map(entry, range(int(sys.argv[2]))))\n"
        "    ledger.started([page.id for page in islice(ledger.waiting(), int(sys.argv[3]))])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    arguments = [sys.executable, "-c", code, str(folder), str(pages), str(start)]
    assert subprocess.run(arguments, cwd=ROOT / "tests", check=False).returncode == -signal.SIGKILL


def test_what_is_kept_comes_back_equal_and_in_the_order_of_the_batch(tmp_path):
    numbers = (3, 1, 200, 2)
    broken = Unreadable("broken.pdf", None, "broken.pdf: the file is no PDF.", "Export it anew.")
    with open_ledger(tmp_path / "new" / "folder", settings={"jobs": 2, "at": tmp_path}) as ledger:
        ledger.enter([entry(3), entry(1), broken, entry(200), entry(2)])
        pages = {page.ref.source: page for page in ledger.waiting()}
        assert list(pages) == [entry(number).ref.source for number in numbers]
        torn = Unreadable("000001.png", 1, "000001.png: torn \udcff.", "Copy it anew.")
        for number in reversed(numbers):
            page = pages[entry(number).ref.source]
            ledger.started([page.id])
            ledger.keep(page.id, torn if number == 1 else record(page.ref, str(number)))
        kept = list(ledger.outcomes())
    torn = replace(torn, message="000001.png: torn \\udcff.")
    expected = [record(entry(3).ref, "3"), torn, broken, record(entry(200).ref, "200"), record(entry(2).ref, "2")]
    assert kept == expected
    with read_ledger(tmp_path / "new" / "folder") as view:
        assert list(view.outcomes()) == expected
        assert view.counts() == Counts(done=3, failed=2)
        (run,) = view.runs()
        assert (run.pid, run.settings) == (os.getpid(), {"jobs": 2, "at": str(tmp_path)})
        assert run.ended_at >= run.started_at


def test_at_rest_a_ledger_is_one_file(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
    with read_ledger(tmp_path) as view:
        assert view.counts().pages == 1
    assert LEDGER_NAME in os.listdir(tmp_path)
    assert not [name for name in os.listdir(tmp_path) if name.startswith(f"{LEDGER_NAME}-")]


def test_a_path_of_foreign_bytes_is_kept(tmp_path):
    ref = replace(entry(1).ref, path=os.fsdecode(b"/scans/\xff.png"))
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([replace(entry(1), ref=ref)])
        assert [page.ref for page in ledger.waiting()] == [ref]
        read_all(ledger)
        assert [outcome.ref for outcome in ledger.outcomes()] == [ref]


def test_a_second_run_reads_nothing_twice_and_only_what_is_new(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(5)))
        assert len(read_all(ledger)) == 5
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(7)))
        assert ledger.counts() == Counts(done=5, pending=2)
        assert read_all(ledger) == ["000005.png", "000006.png"]
        assert [outcome.fields[0].text for outcome in ledger.outcomes()] == [f"{number:06}" for number in range(7)]


def test_changed_content_or_settings_are_read_anew_and_the_old_reading_stays(tmp_path):
    other = digest_of(templates=["other"], models=["m"], version=1)
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(3)))
        read_all(ledger)
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(0), entry(1, content="new"), entry(2, read_with=other)])
        assert read_all(ledger) == ["000001.png", "000002.png"]
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(3)))  # all as it was at first
        assert ledger.counts() == Counts(done=3)
        assert read_all(ledger) == []
    with closing(sqlite3.connect(tmp_path / LEDGER_NAME)) as db:
        assert db.execute("SELECT count(*) FROM readings").fetchone() == (5,)


def test_pages_that_a_run_does_not_have_are_kept_and_no_part_of_it(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(4)))
        read_all(ledger)
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(3), entry(1)])
        assert [outcome.ref for outcome in ledger.outcomes()] == [entry(3).ref, entry(1).ref]
        assert ledger.counts() == Counts(done=2)
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(4)))
        assert read_all(ledger) == []
        assert ledger.counts() == Counts(done=4)


def test_pages_may_be_entered_in_several_parts(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(9)])
        assert read_all(ledger) == ["000009.png"]
        ledger.enter([entry(1)])
        assert read_all(ledger) == ["000001.png"]
        assert [outcome.ref.source for outcome in ledger.outcomes()] == ["000009.png", "000001.png"]


def test_outcomes_come_without_characters_and_crops_where_these_are_not_wanted(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(3)))
        read_all(ledger)
        whole = list(ledger.outcomes())
        wanted = iter([True, False, True])
        some = list(ledger.outcomes(characters=False, crops=lambda: next(wanted)))
    assert [len(one.fields[0].characters) for one in whole] == [2, 2, 2]
    for one, crop in zip(some, (b"\x89PNG", b"", b"\x89PNG"), strict=True):
        assert (one.fields[0].characters, one.fields[0].crop_png) == ((), crop)
    assert [replace(one, fields=()) for one in some] == [replace(one, fields=()) for one in whole]


def test_equal_pages_are_read_once_and_each_has_the_record_under_its_own_name(tmp_path):
    first, copy, later = (
        entry(1, content="same"),
        entry(2, content="same", duplicate_of="000001.png"),
        entry(3, content="same", duplicate_of="000001.png"),
    )
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([first, copy])
        (page,) = ledger.waiting()
        ledger.started([page.id])
        assert list(ledger.waiting()) == []
        assert ledger.keep(page.id, record(page.ref)) == 2
        assert ledger.counts() == Counts(done=2)
        ledger.enter([later])
        assert list(ledger.waiting()) == []
        outcomes = list(ledger.outcomes())
    assert outcomes[0] == record(first.ref)
    assert [outcome.ref for outcome in outcomes] == [first.ref, copy.ref, later.ref]
    assert [outcome.reasons for outcome in outcomes[1:]] == [("clipped", "duplicate_of:000001.png")] * 2
    assert [outcome.fields[0].crop_png for outcome in outcomes] == [b"\x89PNG"] * 3


def test_equal_pages_to_be_read_with_different_settings_are_both_read(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1, content="same"), entry(2, content="same", read_with="other")])
        assert read_all(ledger) == ["000001.png", "000002.png"]


def test_what_cannot_be_read_is_not_tried_with_every_copy(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1, content="same"), entry(2, content="same", duplicate_of="000001.png")])
        (page,) = ledger.waiting()
        assert ledger.keep(page.id, Unreadable("000001.png", 1, "000001.png: torn.", "Copy it anew.")) == 2
        assert list(ledger.outcomes()) == [
            Unreadable("000001.png", 1, "000001.png: torn.", "Copy it anew."),
            Unreadable(
                "000002.png",
                1,
                "000002.png: its content is that of 000001.png, which was not read. 000001.png: torn.",
                "Copy it anew.",
            ),
        ]
        assert read_all(ledger, retry_failed=True) == ["000001.png"]
        assert ledger.counts() == Counts(done=2)


def test_a_page_that_failed_is_read_again_only_where_that_is_asked_for(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1), Unreadable("gone.pdf", None, "gone.pdf: gone.", "Look for it.")])
        (page,) = ledger.waiting()
        ledger.keep(page.id, Unreadable("000001.png", 1, "torn", "mend"))
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
        assert list(ledger.waiting()) == []
        assert read_all(ledger, retry_failed=True) == ["000001.png"]
        assert list(ledger.outcomes()) == [record(entry(1).ref, "000001")]


def test_a_failed_page_whose_copy_was_read_since_is_not_read_again(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1, content="same")])
        ledger.keep(next(ledger.waiting()).id, Unreadable("000001.png", 1, "torn", "mend"))
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1, content="same"), entry(2, content="same")])
        assert read_all(ledger) == ["000002.png"]
        assert list(ledger.waiting(retry_failed=True)) == []
        assert [outcome.fields[0].text for outcome in ledger.outcomes()] == ["000002", "000002"]


def test_a_failed_page_of_new_content_is_read(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
        ledger.keep(next(ledger.waiting()).id, Unreadable("000001.png", 1, "torn", "mend"))
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1, content="mended")])
        assert list(ledger.outcomes()) == []
        assert read_all(ledger) == ["000001.png"]


def test_a_page_that_takes_two_workers_down_is_set_aside_by_name(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1), entry(2)])
        page = next(ledger.waiting())
        ledger.started([page.id])
        assert ledger.lost(page.id, "killed by signal 11") is State.PENDING
        assert next(ledger.waiting()) == page
        ledger.started([page.id])
        assert ledger.lost(page.id, "killed by signal 11") is State.QUARANTINED
        assert read_all(ledger) == ["000002.png"]
        aside, _ = ledger.outcomes()
        assert (aside.source, aside.page) == ("000001.png", 1)
        assert aside.message == "000001.png: reading this page was given up: killed by signal 11."
        assert aside.remedy
        assert read_all(ledger, retry_failed=True) == ["000001.png"]


def test_an_engine_that_tried_twice_itself_has_the_page_set_aside_at_once(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1), entry(2, content="sha-1")])
        page = next(ledger.waiting())
        ledger.started([page.id])
        assert ledger.lost(page.id, "out of memory", times=2) is State.QUARANTINED
        assert ledger.counts() == Counts(quarantined=1, failed=1)


def test_what_cannot_follow_is_refused_and_changes_nothing(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1), entry(2)])
        first, second = ledger.waiting()
        ledger.keep(first.id, record(first.ref))
        with pytest.raises(ValueError, match="a page that is done cannot be started"):
            ledger.started([second.id, first.id])
        with pytest.raises(ValueError, match="a page that is done cannot be read"):
            ledger.keep(first.id, record(first.ref))
        with pytest.raises(ValueError, match="the ledger has no page 77"):
            ledger.started([77])
        assert ledger.counts() == Counts(done=1, pending=1)


def test_a_run_that_was_killed_is_taken_up_where_it_stopped(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(2)))
        read_all(ledger)
    killed(tmp_path, 6, start=3)
    with read_ledger(tmp_path) as view:
        assert view.counts() == Counts(done=2, running=3, pending=1)
        assert not view.is_running()
        assert [run.ended_at is None for run in view.runs()] == [False, True]
    with open_ledger(tmp_path, settings={}) as ledger:  # the lock of the dead is no lock
        ledger.enter(map(entry, range(6)))
        assert ledger.counts() == Counts(done=2, pending=4)
        assert len(read_all(ledger)) == 4


def test_a_page_that_ran_alone_at_deaths_is_a_suspect_until_it_is_read_and_is_not_set_aside(tmp_path):
    for _ in range(3):
        killed(tmp_path, 4, start=1)
    with open_ledger(tmp_path, settings={}) as ledger:
        assert ledger.has_suspects()
        ledger.enter(map(entry, range(4)))
        assert ledger.counts() == Counts(pending=4)
        assert len(read_all(ledger)) == 4
        assert not ledger.has_suspects()


def test_a_suspect_that_takes_down_one_process_more_is_set_aside(tmp_path):
    killed(tmp_path, 4, start=1)
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(4)))
        suspect = next(ledger.waiting())
        ledger.started([suspect.id])
        ledger.lost(suspect.id, "it crashed")
        assert ledger.counts() == Counts(quarantined=1, pending=3)
        assert not ledger.has_suspects()


def test_of_many_pages_that_ran_at_a_death_none_is_blamed(tmp_path):
    for _ in range(3):
        killed(tmp_path, 4, start=3)
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(4)))
        assert ledger.counts() == Counts(pending=4)
        assert not ledger.has_suspects()


def test_a_run_that_is_interrupted_blames_no_page(tmp_path):
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt), open_ledger(tmp_path, settings={}) as ledger:
            ledger.enter([entry(1)])
            ledger.started([page.id for page in ledger.waiting()])
            raise KeyboardInterrupt
    with read_ledger(tmp_path) as view:
        assert view.counts() == Counts(pending=1)
        assert all(run.ended_at for run in view.runs())


def test_a_second_run_in_the_same_folder_is_refused_and_names_the_first(tmp_path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from docproc.errors import LedgerError\n"
        "from docproc.ledger import open_ledger\n"
        "try:\n"
        "    with open_ledger(Path(sys.argv[1]), settings={}):\n"
        "        print('opened')\n"
        "except LedgerError as error:\n"
        "    print(error.exit_code, error.message, error.remedy)\n"
    )

    def second():
        arguments = [sys.executable, "-c", code, str(tmp_path)]
        return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
        told = second()
        assert told.startswith(f"6 {tmp_path}: another run is going on in this folder (process {os.getpid()} on ")
        assert read_all(ledger) == ["000001.png"]
    assert second() == "opened\n"


def test_others_may_look_while_a_run_goes_on(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(3)))
        with read_ledger(tmp_path) as view:
            assert view.is_running()
            for done, page in enumerate(ledger.waiting()):
                assert view.counts() == Counts(done=done, pending=3 - done)
                ledger.keep(page.id, record(page.ref))
            assert len(list(view.outcomes())) == 3
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                view._db.execute("DELETE FROM pages")


def test_a_folder_without_a_ledger_cannot_be_looked_at(tmp_path):
    with pytest.raises(LedgerError, match=r"there is no ledger\.sqlite in it"), read_ledger(tmp_path):
        pass
    assert os.listdir(tmp_path) == []
    with pytest.raises(LedgerError, match="gone: there is no such folder"), read_ledger(tmp_path / "gone"):
        pass
    assert os.listdir(tmp_path) == []


def test_a_ledger_of_a_newer_docproc_is_left_alone(tmp_path):
    with open_ledger(tmp_path, settings={}):
        pass
    with closing(sqlite3.connect(tmp_path / LEDGER_NAME)) as db:
        db.execute("INSERT INTO migrations (number, name) VALUES (99, 'of tomorrow')")
        db.commit()
    before = (tmp_path / LEDGER_NAME).read_bytes()
    for opened in (open_ledger(tmp_path, settings={}), read_ledger(tmp_path)):
        with pytest.raises(LedgerError, match=r"a newer docproc has made this ledger \(schema 99"), opened:
            pass
    assert (tmp_path / LEDGER_NAME).read_bytes() == before


def test_an_older_ledger_is_migrated_step_by_step_and_a_failing_step_leaves_nothing(tmp_path):
    with open_ledger(tmp_path, settings={}):
        pass
    path = tmp_path / LEDGER_NAME
    released = len(MIGRATIONS)
    second = Migration(released + 1, "second", ("CREATE TABLE second (a)",))
    third = Migration(released + 2, "third", ("CREATE TABLE third (a)", "CREATE TABLE second (a)"))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        with pytest.raises(sqlite3.OperationalError, match="table second already exists"):
            migrate(db, path, (*MIGRATIONS, second, third))
        assert version_of(db, path) == released + 1
        assert db.execute("SELECT name FROM sqlite_master WHERE name IN ('second', 'third')").fetchall() == [
            ("second",)
        ]


def test_a_ledger_of_the_first_schema_keeps_its_batch(tmp_path):
    path = tmp_path / LEDGER_NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, path, MIGRATIONS[:1])
        for position, (name, in_batch) in enumerate([("a.png", 1), ("b.png", 1), ("c.png", 0)], start=1):
            db.execute(
                "INSERT INTO pages (position, in_batch, source, page_index, path, sha256, read_with, duplicate_of, "
                "state, losses) VALUES (?, ?, ?, 0, 'x', ?, 'r', '', 'pending', 0)",
                (position, in_batch, name, name),
            )
    with open_ledger(tmp_path, settings={}) as ledger:
        assert ledger.counts() == Counts(pending=2)
        assert [page.ref.source for page in ledger.waiting()] == ["a.png", "b.png"]


def test_nothing_is_written_for_pages_that_stand_where_they_stood(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(9)))
        read_all(ledger)
    with open_ledger(tmp_path, settings={}) as ledger:
        before = ledger._db.total_changes
        ledger.enter(map(entry, range(9)))
        assert ledger._db.total_changes - before == 2  # the batch begins with none of them, and ends with nine
        assert ledger.counts() == Counts(done=9)
    with open_ledger(tmp_path, settings={}) as ledger:
        before = ledger._db.total_changes
        ledger.enter([entry(0), entry(1), entry(9), entry(3)])
        assert ledger._db.total_changes - before == 4  # page 2 is out, page 9 in
        assert ledger.counts() == Counts(done=3, pending=1)


def test_a_file_is_known_by_its_path_while_its_stamp_and_docproc_are_the_same(tmp_path, monkeypatch):
    file = KnownFile(os.fsdecode(b"/scans/\xff.pdf"), "5 1 2 3", "sha", 7)
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.know_files([replace(file, stamp="old"), KnownFile("other.png", "1", "sha", 1)])
        ledger.know_files([file])
    with open_ledger(tmp_path, settings={}) as ledger:
        assert ledger.known_files({file.path: file.stamp, "new.png": "1"}) == {file.path: file}
        assert ledger.known_files({file.path: "old"}) == {}
        monkeypatch.setattr(files, "__version__", "of tomorrow")
        assert ledger.known_files({file.path: file.stamp}) == {}


def test_a_file_has_no_stamp_until_its_last_change_is_so_long_ago_that_another_one_would_show(tmp_path, monkeypatch):
    path = tmp_path / "page.png"
    path.write_bytes(b"page")
    changed_ns = path.stat().st_ctime_ns
    os.utime(path, ns=(0, 0))
    monkeypatch.setattr(time, "time_ns", lambda: changed_ns + 1_999_999_999)
    assert stamp_of(path) == ""
    monkeypatch.setattr(time, "time_ns", lambda: path.stat().st_ctime_ns + 2_000_000_000)
    stamp = stamp_of(path)
    assert stamp.startswith("4 0 ")
    path.with_name("twin.png").write_bytes(b"epag")
    os.utime(path.with_name("twin.png"), ns=(0, 0))
    path.with_name("twin.png").replace(path)
    assert stamp_of(path) not in ("", stamp)
    assert stamp_of(tmp_path / "gone.png") == ""


def test_the_fingerprint_tells_outcomes_apart(tmp_path):
    def after(pages):
        with open_ledger(tmp_path, settings={}) as ledger:
            ledger.enter(pages)
            read_all(ledger)
            return ledger.fingerprint()

    broken = Unreadable("broken.pdf", None, "broken.pdf: the file is no PDF.", "Export it anew.")
    batches = [
        [entry(0), entry(1)],
        [entry(1), entry(0)],
        [entry(0)],
        [entry(0, content="new"), entry(1)],
        [entry(0, read_with="other"), entry(1)],
        [entry(0), entry(1, duplicate_of="000000.png")],
        [entry(0), entry(1), broken],
        [entry(0), entry(1), replace(broken, message="broken.pdf: the file is empty.")],
    ]
    prints = [after(batch) for batch in batches]
    assert len(set(prints)) == len(batches)
    assert [after(batch) for batch in batches] == prints


def test_the_migrations_are_numbered_without_gaps():
    assert [migration.number for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


@pytest.mark.parametrize("content", [b"source,page,template\n" * 400, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path, content):
    (tmp_path / LEDGER_NAME).write_bytes(content)
    for opened in (open_ledger(tmp_path, settings={}), read_ledger(tmp_path)):
        with pytest.raises(LedgerError, match="is damaged, or no ledger of docproc"), opened:
            pass
    assert (tmp_path / LEDGER_NAME).read_bytes() == content


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path):
    with closing(sqlite3.connect(tmp_path / LEDGER_NAME)) as db:
        db.execute("CREATE TABLE pages (title)")
    for opened in (open_ledger(tmp_path, settings={}), read_ledger(tmp_path)):
        with pytest.raises(LedgerError, match="the database of another program"), opened:
            pass


def test_a_ledger_that_was_overwritten_in_part_says_so(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(300)))
        read_all(ledger)
    with (tmp_path / LEDGER_NAME).open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(size // 4)
        file.write(b"\xaa" * (size // 2))
    with pytest.raises(LedgerError, match="is damaged") as caught, read_ledger(tmp_path) as view:
        view.counts()
        list(view.outcomes())
    assert "read anew" in caught.value.remedy


def test_a_record_that_makes_no_sense_is_damage_and_named(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
        ledger._db.execute(
            "INSERT INTO readings (sha256, page_index, read_with, record) SELECT sha256, page_index, read_with, '{' "
            "FROM pages"
        )
        ledger.enter([entry(1)])
        with pytest.raises(LedgerError, match=r"is damaged, or no ledger of docproc \(reading 1: "):
            list(ledger.outcomes())


def test_a_folder_that_cannot_be_made_is_named_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    opened = open_ledger(tmp_path / "file" / "folder", settings={})
    with pytest.raises(LedgerError, match="cannot be opened or written") as caught, opened:
        pass
    assert caught.value.remedy.startswith("Allow yourself to write in ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_where_nothing_may_be_written_is_named_with_a_remedy(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
    tmp_path.chmod(0o500)
    (tmp_path / LEDGER_NAME).chmod(0o400)
    try:
        with read_ledger(tmp_path) as view:
            assert view.counts() == Counts(pending=1)
        with pytest.raises(LedgerError, match="cannot be opened or written"), open_ledger(tmp_path, settings={}):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_stops_the_run_and_what_was_kept_stays(tmp_path):
    big = os.urandom(20_000)
    full = pytest.raises(LedgerError, match="the disk is full")
    with full as caught, open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(100)))
        (size,) = ledger._db.execute("PRAGMA page_count").fetchone()
        ledger._db.execute(f"PRAGMA max_page_count = {size + 60}")
        for page in ledger.waiting():
            ledger.started([page.id])
            ledger.keep(page.id, record(page.ref, page.ref.source[:6], crop_png=big))
    assert caught.value.remedy.startswith("Free some space")
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter(map(entry, range(100)))
        counts = ledger.counts()
        assert counts.done == len(list(ledger.outcomes())) > 5
        assert counts.pending == 100 - counts.done
        read_all(ledger)
        assert [outcome.ref for outcome in ledger.outcomes()] == [entry(number).ref for number in range(100)]


def test_readings_and_corrections_are_never_changed(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
        read_all(ledger)
        db = ledger._db
        db.execute(
            "INSERT INTO corrections (page, field, old, new, who, at) "
            "SELECT id, 'amount', '1', '2', 'me', '' FROM pages"
        )
        for table, column in (("readings", "record"), ("crops", "png"), ("corrections", "new")):
            for sql in (
                f"UPDATE {table} SET {column} = ''",
                f"DELETE FROM {table}",
                f"REPLACE INTO {table} SELECT * FROM {table}",
            ):
                with pytest.raises(sqlite3.IntegrityError, match=f"{table} are never changed"):
                    db.execute(sql)


def test_a_row_that_belongs_to_nothing_is_refused(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger, pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        ledger._db.execute("INSERT INTO failures VALUES (7, 'a', 'b')")


def test_every_attempt_is_remembered_with_its_end(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
        (page,) = ledger.waiting()
        ledger.started([page.id])
        ledger.lost(page.id, "out of memory")
        ledger.started([page.id])
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
        read_all(ledger)
        rows = ledger._db.execute("SELECT run, event, detail FROM attempts WHERE ended IS NOT NULL ORDER BY id")
        assert rows.fetchall() == [(1, "lost", "out of memory"), (1, "released", "the run ended"), (2, "read", "")]


def test_memory_does_not_grow_with_the_batch(tmp_path):
    def peak(work):
        tracemalloc.start()
        try:
            work()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    pages = 20_000
    with open_ledger(tmp_path, settings={}) as ledger:
        entered = peak(lambda: ledger.enter(entry(number, content=str(number % 10)) for number in range(pages)))
        read_all(ledger)
        assert ledger.counts() == Counts(done=pages)
        streamed = peak(lambda: sum(1 for _ in ledger.outcomes()))
    assert entered < 3_000_000
    assert streamed < 3_000_000


def test_counting_and_ordering_use_an_index(tmp_path):
    with open_ledger(tmp_path, settings={}) as ledger:
        plan = ledger._db.execute(
            "EXPLAIN QUERY PLAN SELECT state, count(*) FROM pages_of_batch GROUP BY state"
        ).fetchall()
        assert plan[0][3] == "SEARCH pages USING COVERING INDEX pages_by_state (in_batch=?)"


def test_a_ledger_is_known_by_its_application_id(tmp_path):
    with open_ledger(tmp_path, settings={}):
        pass
    assert int.from_bytes((tmp_path / LEDGER_NAME).read_bytes()[68:72], "big") == APPLICATION_ID
