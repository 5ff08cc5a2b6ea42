"""What it costs to kill runs: many SIGKILLs of whole runs, at moments spread over all of a run's life.

    python -m tests.bench.kills [--kills N] [--jobs N] [--seed N] [FOLDER]

In:  a folder to write in, a temporary one where none is named.
Out: a table, one row a batch: runs that were killed and what they were about, pages that were begun and broken off
(at most those in hand may be), pages that were read twice (none may be), and whether the tables are, byte for byte,
those of a batch that nobody killed. Exit code 1 where anything is not as it has to be.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from docproc.engine.crew import TASKS_IN_HAND
from docproc.errors import EXIT_SOME_PAGES_FAILED
from tests.killing import attempts, differing_tables, draw_scans, kill_runs, start, undisturbed

PAGES = 60
MOST_A_BATCH = 6  #: Kills; then it may end, and the next batch begins with an empty folder.
HEADS = ("batch", "kills", "starting", "reading", "tables", "read", "broken off", "in hand", "read twice", "equal")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        return _kill(Path(name), random.Random(given.seed), kills=given.kills, jobs=given.jobs)


def _kill(folder: Path, moments: random.Random, *, kills: int, jobs: int) -> int:
    draw_scans(folder / "scans", PAGES)
    batch = undisturbed(folder / "scans", folder / "whole", jobs=jobs)
    print(
        f"{batch.pages} pages, {jobs} processes; a run takes {batch.whole_s:.1f} s, a last one {batch.idle_s:.1f} s"
    )
    print("  ".join(f"{head:>10}" for head in HEADS), flush=True)
    total: Counter[str] = Counter()
    while total["kills"] < kills:
        total["batch"] += 1
        out = folder / str(total["batch"])
        struck = Counter(kill_runs(batch, out, moments, most=min(MOST_A_BATCH, kills - total["kills"])))
        has_ended = start(batch.scans, out, jobs=jobs).wait() == EXIT_SOME_PAGES_FAILED
        spent = attempts(out)
        row = Counter(struck, kills=struck.total(), read=spent.finished)
        row["broken off"], row["in hand"] = spent.broken_off, jobs * TASKS_IN_HAND * struck["reading"]
        row["read twice"] = spent.finished_again
        is_equal = has_ended and not differing_tables(batch.out, out)
        row["equal"] = is_equal
        is_clean = sorted(path.name for path in folder.glob(f"{out.name}*")) == [out.name]
        if row["broken off"] > row["in hand"] or row["read twice"] or not is_equal or not is_clean:
            total["wrong"] += 1
        total.update(row)
        print("  ".join(f"{row[head] if head != 'batch' else total['batch']:>10}" for head in HEADS), flush=True)
    print("  ".join(f"{total[head]:>10}" for head in HEADS))
    print(f"{total['wrong']} batches are not as they have to be")
    return bool(total["wrong"])


if __name__ == "__main__":
    sys.exit(main())
