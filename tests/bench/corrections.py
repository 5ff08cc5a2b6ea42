"""Do corrections help? A model that has never seen Swiss hands learns from a review of sheets that such hands filled.

    python -m tests.bench.corrections DATA WORK [--epochs 6] [--glyphs-per-epoch 20000] [--painted-glyphs 10000]

In:  a folder with mnist.npz and train/{semeion,optdigits,swiss}.npz; a folder to work in. What lies there already is
     not made again: the base model in WORK/base may be any that knows no digit of swiss.npz.
Out: the comparison on the frozen pages, and a table: fields of other sheets by the writers who were reviewed (with
     digits that are on no reviewed sheet), and by writers who were not; each with the base model, with one that has
     learned on as long without corrections, and with the new one.
Every doubtful field is answered as the truth says, and an audit of `AUDITED` accepted ones. All but the second model
is done with docproc's commands, as a user would. Not for CI: half an hour on two cores with the numbers above.
Measured with a base of 11 epochs of 60,000 glyphs (and a second look), and 3 of 8,000 after: 100, 101 and 59 of 2,670
fields wrong by the same writers (accepted 90.8, 87.3, 91.2 %; of these wrong 6, 2, 3), by others 53, 50 and 31
(91.6, 88.2, 91.3 %; 0, 3, 0).
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from docproc.ledger import open_corrections, read_ledger
from docproc.reading import Correction, Record, Verdict
from docproc.synthesis.capture import ORDER, Strength
from docproc.synthesis.digits import DigitPool
from docproc.synthesis.folder import draw_page
from docproc.synthesis.form import draw_blank
from docproc.template import load_template
from docproc.training.digits.datasets import Digits, read_digits
from docproc.training.finish import finish
from docproc.training.material import Plan, gather
from docproc.training.relearn import LATER_RATE, going_on
from docproc.training.settings import Settings
from docproc.training.train import learn

FORM = Path(__file__).resolve().parents[2] / "samples" / "mark_sheet" / "template.yaml"
DPI = 200
WRITERS = 6  #: Whose sheets are reviewed; as many others are only measured on.
REVIEWED_SHEETS, MEASURED_SHEETS = 8, 5  #: Of each writer.
AUDITED = 300
SEED = 7
EARLIER = ("semeion", "optdigits")  #: Sources of the base model beside MNIST.


def main() -> None:
    """Make what is not there yet, and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--glyphs-per-epoch", type=int, default=20_000)
    parser.add_argument("--painted-glyphs", type=int, default=10_000)
    given = parser.parse_args()
    work, train = given.work, given.data / "train"
    plan = Plan(
        output=work / "longer",
        mnist=given.data / "mnist.npz",
        digits=tuple(train / f"{name}.npz" for name in EARLIER),
        epochs=given.epochs,
        glyphs_per_epoch=given.glyphs_per_epoch,
        painted_glyphs=given.painted_glyphs,
        second_look=False,
        settings=Settings(rate=LATER_RATE),
    )
    draw_all(train / "swiss.npz", work)
    base, better, results = work / "base", work / "better", work / "results"
    if not base.exists():
        docproc("train", *options_of(plan), "-o", str(base))
    if not plan.output.exists():
        material = gather(plan)
        finish(learn(going_on(plan, material, base), material), plan.output)
    if not results.exists():
        read(work / "reviewed", results, base)
        docproc("audit", str(results), "-n", str(AUDITED))
    answer(results, work / "reviewed" / "truth.csv")
    if not better.exists() and not rejected(better).exists():
        named = ("--corrections", str(results), "--model", str(base), "-o", str(better))
        print(docproc("train", *options_of(plan), *named))
    new = better if better.exists() else rejected(better)
    tell(work, {"base": base, "base, longer": plan.output, "corrections": new})


def options_of(plan: Plan) -> list[str]:
    """Of `docproc train`."""
    named = [("--digits", path) for path in plan.digits]
    named += [("--mnist", plan.mnist), ("--epochs", plan.epochs), ("--glyphs-per-epoch", plan.glyphs_per_epoch)]
    named += [("--painted-glyphs", plan.painted_glyphs)]
    return ["--no-second-look", *(str(part) for pair in named for part in pair)]


def rejected(model: Path) -> Path:
    """Where a model that is not better is laid."""
    return model.with_name(f"{model.name}.rejected")


def docproc(*arguments: str) -> str:
    """Run a command; what it prints is shown and returned."""
    print("docproc", *arguments, file=sys.stderr)
    command = [sys.executable, "-m", "docproc", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def draw_all(swiss: Path, work: Path) -> None:
    """Three folders of sheets: to review, by the same writers with other digits, by other writers."""
    digits = read_digits(swiss)
    order = np.random.default_rng(SEED).permutation(np.unique(digits.writers))
    first, second = [], []
    for writer in order[:WRITERS]:
        one, other = _halved(digits.part(digits.writers == writer))
        first += _parted(one, REVIEWED_SHEETS)
        second += [one_pool(other)] * MEASURED_SHEETS
    others = [one_pool(digits.part(digits.writers == writer)) for writer in order[WRITERS : 2 * WRITERS]]
    sheets = {
        "reviewed": first,
        "same writers": second,
        "other writers": [pool for pool in others for _ in range(MEASURED_SHEETS)],
    }
    for number, (name, pools) in enumerate(sheets.items()):
        if not (work / name).exists():
            draw_sheets(work / name, pools, seed=SEED + number)


def _halved(digits: Digits) -> tuple[Digits, Digits]:
    own = np.zeros(len(digits), bool)
    own[np.random.default_rng(SEED).permutation(len(digits))[: len(digits) // 2]] = True
    return digits.part(own), digits.part(~own)


def _parted(digits: Digits, sheets: int) -> list[DigitPool]:
    """Digits of its own for each sheet, so that those of frozen pages are on no page that is learned from."""
    turn = np.empty(len(digits), int)
    turn[np.argsort(digits.labels, kind="stable")] = np.arange(len(digits)) % sheets
    return [one_pool(digits.part(turn == sheet)) for sheet in range(sheets)]


def one_pool(digits: Digits) -> DigitPool:
    """To fill forms with."""
    return DigitPool.of(digits.glyphs, digits.labels)


def draw_sheets(folder: Path, pools: Sequence[DigitPool], *, seed: int) -> None:
    """A sheet for each pool, in all conditions in turn, with their truth; the template lies beside them."""
    template = load_template(FORM)
    paper = cv2.cvtColor(draw_blank(template, dpi=DPI), cv2.COLOR_GRAY2RGB)
    folder.mkdir(parents=True)
    rows = []
    for number, pool in enumerate(pools):
        rng = np.random.default_rng((seed, number))
        condition = ORDER[number % len(ORDER)]
        page = draw_page(
            template, paper, digits=pool, condition=condition, strength=Strength.NORMAL, dpi=DPI, rng=rng
        )
        cv2.imwrite(
            str(folder / f"{number:03}.png"), page.pixels[..., ::-1] if page.pixels.ndim == 3 else page.pixels
        )
        rows += [(f"{number:03}.png", 1, name, value) for name, value in page.values.items()]
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("source", "page", "field", "value"), *rows])


def read(sheets: Path, results: Path, model: Path) -> None:
    """`docproc process`."""
    docproc("process", str(sheets), "-t", str(FORM), "-o", str(results), "--model", str(model))


def answer(results: Path, truth: Path) -> None:
    """Say the truth of each field that a review shows: doubtful ones, and those that the audit has drawn."""
    with truth.open(encoding="utf-8") as file:
        values = {(row["source"], row["field"]): row["value"] for row in csv.DictReader(file)}
    with read_ledger(results) as ledger:
        shown = list(_shown([one for one in ledger.outcomes() if isinstance(one, Record)], set(ledger.audited())))
        said = ledger.corrections()
    with open_corrections(results) as corrections:
        for source, index, name, text in shown:
            if name not in said.get((source, index), {}):
                value = Correction(text, values[source, name], Verdict.ACCEPTED, "Ada")
                corrections.add(source, index, name, value, after=0)


def _shown(records: Sequence[Record], audited: set[tuple[str, int, str]]) -> Iterator[tuple[str, int, str, str]]:
    for record in records:
        source, index = record.ref.source, record.ref.index
        for field in record.fields:
            if field.verdict is not Verdict.ACCEPTED or (source, index, field.name) in audited:
                yield source, index, field.name, field.text


def tell(work: Path, models: dict[str, Path]) -> None:
    """Read the other sheets with each model, and print what it came to."""
    print(f"{'':15}{'':14}{'fields':>7}{'wrong':>7}{'accepted':>10}{'wrong of these':>18}")
    for sheets in ("same writers", "other writers"):
        for name, model in models.items():
            results = work / f"{sheets}, {model.name}"
            if not results.exists():
                read(work / sheets, results, model)
            truth = str(work / sheets / "truth.csv")
            found = json.loads(docproc("evaluate", str(results), "--truth", truth, "--json"))
            print(
                f"{sheets:15}{name:14}{found['fields']:7,}{found['fields'] - found['right']:7,}"
                f"{found['accepted_share']:10.1%}{found['accepted_wrong']:8,} ({found['accepted_error']:.2%})"
            )


if __name__ == "__main__":
    main()
