"""What the ledger and its tables cost as a batch grows: time and memory of each thing that is done with it.

    python -m tests.bench.ledger [FOLDER [PAGES ...]]

In:  a folder to write in, a temporary one where none is named (disks differ); numbers of pages.
Out: a table. The pages are tiny files that nobody reads: each has the record of one page of `docproc bench`, of 13
fields and 40 digits, with other values, and two fields of a hundred in review, with their pictures.

`enter` and `keep` are shares of `first`, the first run without its tables; `mosaic` puts all digits in order, which
is done once, and `a screen` lists the first ones; `again` is the same command once more, without tables, and
`no change` with them; `.csv` and so on are exports with a row a field. Each but the shares runs in a process
of its own.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from docproc import batch
from docproc.batch import process_batch
from docproc.benchmark.pages import drawn_folder
from docproc.character.recognizer import load_recognizer
from docproc.combination.line_reader import line_reader_beside
from docproc.decision import Policy
from docproc.export.one_file import ENDINGS
from docproc.ledger import LEDGER_NAME, Ledger, read_ledger
from docproc.page import find_sources, list_pages, load_page
from docproc.pipeline import read_page
from docproc.projection import export_batch
from docproc.reading import FieldReading, Record, Verdict
from docproc.review.mosaic_routes import A_SCREEN
from docproc.review.session import open_session
from docproc.summary import Summary
from docproc.tables import make_tables, write_tables
from docproc.template import FILE_NAME, load_template

SIZES = (100, 1_000, 10_000, 100_000)
FILES_A_FOLDER = 1_000
IN_REVIEW = 50  #: Of so many fields, one is.
PATTERN = Path("record.pickle")


def main() -> None:
    """Print the table."""
    print(f"{'pages':>8}  {'':12}{'seconds':>9}{'CPU s':>9}{'ms a page':>11}{'peak MB':>9}")
    sizes = [int(pages) for pages in sys.argv[2:]] or SIZES
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        _apart("pattern", folder)
        for pages in sizes:
            _draw(folder / "scans", pages)
            for step in ("first", "status", "export", "mosaic", "again", "no change", *ENDINGS):
                for what, cost in _apart(step, folder).items():
                    seconds, cpu, memory = cost
                    ms = 1000 * seconds / pages
                    print(f"{pages:8}  {what:12}{seconds:9.3f}{cpu:9.3f}{ms:11.4f}{memory:9.0f}", flush=True)
            size_mb = (folder / "results" / LEDGER_NAME).stat().st_size / 1e6
            print(f"{pages:8}  the ledger has {size_mb:.1f} MB", flush=True)
            shutil.rmtree(folder / "scans")
            shutil.rmtree(folder / "results")


def _apart(step: str, folder: Path) -> dict[str, tuple[float, float, float]]:
    """Seconds, CPU seconds and the highest memory in MB of one step and of its shares."""
    if step == "status":
        command = [sys.executable, "-m", "docproc", "status", os.fspath(folder / "results")]
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {step: (time.perf_counter() - began, cpu, float("nan"))}
    command = [sys.executable, "-m", "tests.bench.ledger", "--step", step, os.fspath(folder)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def take(step: str, folder: Path) -> dict[str, tuple[float, float, float]]:
    """Do one step in this process."""
    if step == "pattern":
        _write_pattern(folder)
        return {}
    watch = _Watch()
    ones, results = pickle.loads((folder / PATTERN).read_bytes()), folder / "results"
    templates = [load_template(folder / "form" / FILE_NAME)]

    def process(tables: Callable[..., Summary]) -> None:
        with patch.object(batch, "make_tables", tables):
            form = folder / "form" / FILE_NAME
            process_batch([folder / "scans"], results, template_paths=[form], engine=_Copies(ones))

    def no_tables(*_: Any, **__: Any) -> Summary:
        return Summary(results)

    if step == "first":
        with (
            watch.of("enter", Ledger, "enter"),
            watch.of("keep", Ledger, "started"),
            watch.of("keep", Ledger, "keep"),
        ):
            watch.take(step, lambda: process(no_tables))
    elif step == "export":
        with read_ledger(results) as ledger:
            watch.take(step, lambda: write_tables(ledger, results, templates=templates, review_below=0.9))
    elif step == "mosaic":
        with open_session(results, who="ana") as session:
            watch.take("mosaic", session.mosaic.counts)
            watch.take("a screen", lambda: session.screen("7", 0, A_SCREEN))
    elif step in ENDINGS:
        watch.take(step, lambda: export_batch(results, folder / f"batch{step}", by_field=True, replace_file=True))
    elif step == "again":
        watch.take(step, lambda: process(no_tables))
    else:
        process(make_tables)
        watch.take(step, lambda: process(make_tables))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {what: (*spent, peak_mb) for what, spent in watch.spent.items()}


class _Watch:
    """Adds up what things take, in seconds and in CPU seconds."""

    def __init__(self) -> None:
        self.spent: dict[str, tuple[float, float]] = {}

    def take(self, what: str, work: Callable[[], Any]) -> Any:
        began, cpu = time.perf_counter(), time.process_time()
        done = work()
        seconds, cpu_s = self.spent.get(what, (0.0, 0.0))
        self.spent[what] = (seconds + time.perf_counter() - began, cpu_s + time.process_time() - cpu)
        return done

    def of(self, what: str, kind: type, method: str) -> Any:
        whole = getattr(kind, method)
        return patch.object(kind, method, lambda self_, *a, **k: self.take(what, lambda: whole(self_, *a, **k)))


class _Copies:
    """An engine that reads nothing: every page has the one record."""

    def __init__(self, ones: tuple[Record, Record]) -> None:
        self._sure, self._doubted = ones

    def run(self, tasks: Iterable[Any], open_work: Any) -> Iterator[tuple[Any, Record]]:
        for task in tasks:
            number = int(Path(task.ref.source).stem)
            fields = tuple(self._field(number, place) for place in range(len(self._sure.fields)))
            doubtful = any(field.verdict is not Verdict.ACCEPTED for field in fields)
            verdict = Verdict.REVIEW if doubtful else Verdict.ACCEPTED
            yield task, replace(self._sure, ref=task.ref, fields=fields, verdict=verdict)

    def _field(self, number: int, place: int) -> FieldReading:
        in_review = (number * len(self._sure.fields) + place) % IN_REVIEW == 0
        pattern = (self._doubted if in_review else self._sure).fields[place]
        digits = len(pattern.text)
        return replace(pattern, text=f"{(int(pattern.text) + 7919 * number) % 10**digits:0{digits}d}")


def _write_pattern(folder: Path) -> None:
    """The record of a page, accepted as a whole, and with every field in review; its template is in `form`."""
    drawn = drawn_folder(1, folder)
    drawn.rename(folder / "form")
    template = load_template(folder / "form" / FILE_NAME)
    (source,) = find_sources([os.fspath(folder / "form" / "pages")])
    page = load_page(list_pages(source)[0])
    recognizer = load_recognizer()
    lines = line_reader_beside(recognizer, None)
    ones = [read_page(page, [template], recognizer, Policy(below), line_reader=lines) for below in (0.0, 1.01)]
    (folder / PATTERN).write_bytes(pickle.dumps(ones))


def _draw(folder: Path, pages: int) -> None:
    """PNG files of four pixels, no two alike."""
    for number in range(pages):
        path = folder / f"{number // FILES_A_FOLDER:03}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = struct.pack(">IIBBBBB", 4, 1, 8, 0, 0, 0, 0)
        pixels = zlib.compress(b"\0" + struct.pack(">I", number))
        chunks = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        print(json.dumps(take(sys.argv[2], Path(sys.argv[3]))))
    else:
        main()
