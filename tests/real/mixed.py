"""Mix pages of several designs, turned by quarters, and print which template each finds: one row a design.

    python -m tests.real.mixed [--drawn N]

In:  the designs of `designs.py` that have a template, and pages of others, which have none; and N drawn pages (20) of
each sample, scanned, copied, turned and photographed, of which one, like the others in print, has no template here.
Out: a table: pages on their own template, on another one (misrouted), and unknown. A page of no known form that is
laid on a template is forced: that, and a misrouted page, must not happen; a page unknown goes to a person.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from docproc import evaluation
from docproc.errors import DocprocError
from docproc.geometry import MM_PER_INCH
from docproc.synthesis.capture import ORDER, Strength
from docproc.synthesis.digits import load_digits
from docproc.synthesis.folder import draw_page
from docproc.template import load_template

from .designs import DATA, ROOT, Design, designs
from .measure import process

UNKNOWN = "of no template"
LEFT_OUT = "mark_sheet"  #: The sample whose drawn pages have no template here.


def main() -> int:
    """Mix, read, count; 1 where a page was misrouted or forced."""
    parser = argparse.ArgumentParser(description="Count pages that find a template which is not theirs.")
    parser.add_argument("--drawn", type=int, default=20, metavar="N", help="pages drawn of each sample")
    options = parser.parse_args()
    chosen = designs()
    samples = sorted(ROOT.glob("samples/*/template.yaml"))
    templates = [run.template for design in chosen for run in design.runs if run.template is not None]
    templates += [path for path in samples if path.parent.name != LEFT_OUT]
    turns = random.Random(0)
    with tempfile.TemporaryDirectory() as scratch:
        mixed, owner = Path(scratch) / "mixed", dict[str, str]()
        mixed.mkdir()
        for design in chosen:
            owner |= _put(design, mixed, turns)
        for path in samples:
            owner |= _draw(path, mixed, options.drawn)
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


def _draw(path: Path, mixed: Path, count: int) -> dict[str, str]:
    """Drawn pages of a sample, in all conditions, and each condition in all turns."""
    template = load_template(path)
    with Image.open(path.parent / (template.reference or "")) as picture:
        paper = np.array(picture.convert("RGB"))
    digits = load_digits(DATA / "mnist.npz")
    rng = np.random.default_rng(len(path.parent.name))
    owner = {}
    for number in range(count):
        dpi = paper.shape[1] / template.page.width_mm * MM_PER_INCH
        condition = ORDER[number % len(ORDER)]
        page = draw_page(
            template, paper, digits=digits, condition=condition, strength=Strength.NORMAL, dpi=dpi, rng=rng
        )
        target = mixed / f"{path.parent.name}-{number:03d}.png"
        Image.fromarray(np.rot90(page.pixels, number // len(ORDER) % 4)).save(target, compress_level=1)
        owner[target.name] = "" if path.parent.name == LEFT_OUT else template.name
    return owner


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
