"""How cost grows with the batch: time and memory at 100, 1,000 and 10,000 pages.

    python -m tests.bench.growth [FOLDER] [PAGES]...

In:  a folder for the pages, 0.8 MB each; a temporary one where none is named.
Out: a table. The pages are those of `docproc bench`, again and again, each with other bytes behind its picture: so
it is another page to docproc, and is read.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from docproc.benchmark.measure import run_batch
from docproc.benchmark.pages import drawn_folder
from docproc.engine import available_cores
from docproc.template import FILE_NAME

DRAWN = 100
SIZES = (100, 1_000, 10_000)


def main() -> None:
    """Print the table."""
    sizes = tuple(map(int, sys.argv[2:])) or SIZES
    drawn = drawn_folder(DRAWN)
    print(f"{'pages':>7}{'pages/min':>11}{'CPU ms':>8}{'all, s':>8}{'first tenth MB':>16}{'last tenth MB':>15}")
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        for size in sizes:
            folder = Path(name) / str(size)
            _salted(drawn, folder, size)
            run = run_batch(folder, jobs=available_cores())
            shutil.rmtree(folder)
            print(
                f"{run.pages:7}{run.pages_a_minute:11.0f}{run.cpu_ms:8.0f}{run.whole_s:8.1f}{run.early_mb:16.0f}"
                f"{run.late_mb:15.0f}",
                flush=True,
            )


def _salted(drawn: Path, folder: Path, count: int) -> None:
    """`count` pages, none of which has the bytes of another."""
    (folder / "pages").mkdir(parents=True)
    for path in (drawn / FILE_NAME, drawn / "reference.png"):
        shutil.copy(path, folder / path.name)
    pages = sorted((drawn / "pages").iterdir())
    for number in range(count):
        content = pages[number % len(pages)].read_bytes() + number.to_bytes(8)
        (folder / "pages" / f"{number:06d}.jpg").write_bytes(content)


if __name__ == "__main__":
    main()
