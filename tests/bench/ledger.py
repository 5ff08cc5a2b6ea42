"""What the ledger costs: seconds to enter, keep, count and stream batches of growing size.

    python -m tests.bench.ledger [FOLDER]

In:  a folder to write in, a temporary one where none is named: disks differ.
Out: a table; `again` is entering the same pages once more, `one` is what one page costs from `started` to `keep`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docproc.ledger import LEDGER_NAME, open_ledger
from tests.ledgers import entry, record

SIZES = (1_000, 10_000, 100_000)


def main() -> None:
    """Print the table."""
    print(f"{'pages':>8}{'enter':>9}{'again':>9}{'keep':>9}{'one, ms':>9}{'counts':>9}{'outcomes':>10}{'MB':>8}")
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        for pages in SIZES:
            print(_row(Path(name) / str(pages), pages), flush=True)


def _row(folder: Path, pages: int) -> str:
    with open_ledger(folder, settings={}) as ledger:
        enter = _seconds(lambda: ledger.enter(map(entry, range(pages))))
        keep = _seconds(lambda: _read(ledger))
        counts = _seconds(ledger.counts)
        outcomes = _seconds(lambda: sum(1 for _ in ledger.outcomes()))
    with open_ledger(folder, settings={}) as ledger:
        again = _seconds(lambda: ledger.enter(map(entry, range(pages))))
    size_mb = (folder / LEDGER_NAME).stat().st_size / 1e6
    one_ms = 1000 * keep / pages
    return f"{pages:8}{enter:9.3f}{again:9.3f}{keep:9.3f}{one_ms:9.3f}{counts:9.4f}{outcomes:10.3f}{size_mb:8.1f}"


def _read(ledger: Any) -> None:
    for page in ledger.waiting():
        ledger.started([page.id])
        ledger.keep(page.id, record(page.ref))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
