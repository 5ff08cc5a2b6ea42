"""Mix pages of several designs, turned by quarters, and print which template each finds: one row a design.

    python -m tests.real.mixed

In:  the designs of `designs.py` that have a template, and pages of others, which have none.
Out: a table: pages on their own template, on another one (misrouted), and unknown. A page of no known form that is
laid on a template is forced: that, and a misrouted page, must not happen; a page unknown goes to a person.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from docproc import evaluation
from docproc.errors import DocprocError
from docproc.template import load_template

from .designs import Design, designs
from .measure import process

UNKNOWN = "of no template"


def main() -> int:
    """Mix, read, count; 1 where a page was misrouted or forced."""
    chosen = designs()
    templates = [run.template for design in chosen for run in design.runs if run.template is not None]
    turns = random.Random(0)
    with tempfile.TemporaryDirectory() as scratch:
        mixed, owner = Path(scratch) / "mixed", dict[str, str]()
        mixed.mkdir()
        for design in chosen:
            owner |= _put(design, mixed, turns)
        failure = process([str(mixed)], Path(scratch) / "out", templates=templates)
        if failure:
            print(failure, file=sys.stderr)
            return 2
        found = {one.source: one.template for one in evaluation.read_found(Path(scratch) / "out")}
    counts: dict[str, Counter[str]] = {}
    for source, own in owner.items():
        got = found.get(source, "")
        kind = "right" if got == own else "unknown" if not got else "wrong"
        counts.setdefault(own or UNKNOWN, Counter())["right" if not own and not got else kind] += 1
    view = Table("pages", "on their own", "on another", "unknown")
    for name, count in sorted(counts.items()):
        view.add_row(name, *(str(count[kind]) for kind in ("right", "wrong", "unknown")))
    Console(width=None if sys.stdout.isatty() else 140).print(view)
    return 1 if any(count["wrong"] for count in counts.values()) else 0


def _put(design: Design, mixed: Path, turns: random.Random) -> dict[str, str]:
    """Copies of a design's pages, turned, and the template that each belongs to, "" for none."""
    owner = {}
    for run in design.runs:
        name = "" if run.template is None else load_template(run.template).name
        for page in run.pages:
            target = mixed / f"{design.name}-{Path(page).stem}.png"
            with Image.open(design.folder / "pages" / page) as picture:
                picture.convert("RGB").rotate(90 * turns.randrange(4), expand=True).save(target)
            owner[target.name] = name
    return owner


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DocprocError as error:
        sys.exit(str(error))
