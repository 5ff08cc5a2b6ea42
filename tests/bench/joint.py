"""What rules between fields are worth: mark sheets so worn that a tenth of their fields is read wrong.

    python -m tests.bench.joint MNIST.npz [PAGES] [LEVEL]

In:  samples/mark_sheet, MNIST's test digits, the shipped models; a level of degradation where it is known.
Out: for fields under the rule of totals, and for all fields: wrong and accepted, read one by one and read jointly.
One total in fifty is wrong on the paper, by 1, 9 or 10: what counts as right is what is written.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from PIL import Image

from docproc.character.recognizer import load_recognizer
from docproc.combination.line_reader import load_line_reader
from docproc.decision import Policy
from docproc.geometry import MM_PER_INCH
from docproc.page import Page, PageRef
from docproc.pipeline import read_page
from docproc.reading import FieldReading, Verdict, is_change
from docproc.synthesis import degradation
from docproc.synthesis.capture import Condition, Strength, capture
from docproc.synthesis.degradation import Pixels
from docproc.synthesis.digits import DigitPool, load_digits
from docproc.synthesis.filling import Writer, fill_form
from docproc.synthesis.values import draw_values
from docproc.template import Template, checked, load_template

FORM = Path(__file__).resolve().parents[2] / "samples" / "mark_sheet"
DPI = 150
PAGES, TRIED = 12, 3
LEVELS = np.arange(0.1, 0.6, 0.05)  #: Share of the ink that is lost,
GRAIN_PX, SMEAR_PX, NOISE = 2.5, 1.0, 6.0  #: in pieces of about this size; what is left is smeared.
WRONG_SHARE = 0.1  #: Of the fields under rules that plain reading is to get wrong.
WRONG_SUMS, OFF_BY = 0.02, (-10, -9, -1, 1, 9, 10)


@dataclass(frozen=True, slots=True)
class _Read:
    """A field read in both ways."""

    truth: str
    alone: FieldReading
    together: FieldReading
    is_ruled: bool


def main() -> None:
    """Find the level at which a tenth is wrong, and print the table."""
    reader = _Reader(load_digits(Path(sys.argv[1])))
    count = int(sys.argv[2]) if len(sys.argv) > 2 else PAGES
    level = float(sys.argv[3]) if len(sys.argv) > 3 else reader.level()
    reads = [read for number in range(count) for read in reader.read(number, level)]
    print(f"level {level:g}, {count} pages, accepted from {reader.policy.review_below:g}")
    print(f"{'':24}{'fields':>8}{'wrong':>7}{'accepted':>10}{'of these wrong':>16}{'changed':>9}{'to the truth':>14}")
    for name, chosen in (("under the rule", [read for read in reads if read.is_ruled]), ("all", reads)):
        _print(f"{name}, one by one", chosen, [read.alone for read in chosen])
        _print(f"{name}, jointly", chosen, [read.together for read in chosen])


def _print(name: str, reads: Sequence[_Read], readings: Sequence[FieldReading]) -> None:
    wrong = [reading.text != read.truth for read, reading in zip(reads, readings, strict=True)]
    accepted = [reading.verdict is Verdict.ACCEPTED for reading in readings]
    slips = sum(one and other for one, other in zip(wrong, accepted, strict=True))
    changed = [any(map(is_change, reading.reasons)) for reading in readings]
    mended = sum(one and not other for one, other in zip(changed, wrong, strict=True))
    total = len(reads)
    print(
        f"{name:24}{total:8}{sum(wrong) / total:7.1%}{sum(accepted) / total:10.1%}{slips:8}"
        f"{slips / max(sum(accepted), 1):8.2%}{sum(changed):9}{mended:14}"
    )


class _Reader:
    """Draws a page, spoils it, and reads it with and without the rules between its fields."""

    def __init__(self, digits: DigitPool) -> None:
        self.template = load_template(FORM / "template.yaml")
        data = yaml.safe_load((FORM / "template.yaml").read_text(encoding="utf-8"))
        self.plain = checked({key: value for key, value in data.items() if key != "rules"}, FORM / "template.yaml")
        self.ruled = {name for _, rule in self.template.comparisons for name, _ in rule.weights}
        reference = Image.open(FORM / "reference.png").convert("RGB")
        width_px = round(self.template.page.width_mm * DPI / MM_PER_INCH)
        height_px = round(self.template.page.height_mm * DPI / MM_PER_INCH)
        self.paper = np.asarray(reference.resize((width_px, height_px), Image.Resampling.LANCZOS))
        self.digits = digits
        self.recognizer, self.lines = load_recognizer(), load_line_reader()
        self.policy = Policy(self.lines.card.review_below)

    def level(self) -> float:
        """The mildest level at which a tenth of the fields under the rule is read wrong."""
        for level in LEVELS:
            wrong = [
                read.truth != read.alone.text
                for number in range(TRIED)
                for read in self.read(1000 + number, level)
                if read.is_ruled
            ]
            print(f"level {level:g}: {np.mean(wrong):.1%} wrong", flush=True)
            if np.mean(wrong) >= WRONG_SHARE:
                return float(level)
        return float(LEVELS[-1])

    def read(self, number: int, level: float) -> list[_Read]:
        """A page's fields in both ways."""
        rng = np.random.default_rng(number)
        values = self._values(rng)
        page = Page(PageRef("page.png", "page.png", 0, "0"), self._drawn(values, level, rng), DPI)
        alone, together = (self._readings(page, template) for template in (self.plain, self.template))
        return [_Read(value, alone[name], together[name], name in self.ruled) for name, value in values.items()]

    def _readings(self, page: Page, template: Template) -> dict[str, FieldReading]:
        record = read_page(page, [template], self.recognizer, self.policy, line_reader=self.lines)
        return {reading.name: reading for reading in record.fields}

    def _values(self, rng: np.random.Generator) -> dict[str, str]:
        """What is written; a few sums are wrong."""
        values = draw_values(self.template, rng)
        for name, value in values.items():
            if name.endswith("total") and value and rng.random() < WRONG_SUMS:
                values[name] = str(max(int(value) + int(rng.choice(OFF_BY)), 0))
        return values

    def _drawn(self, values: dict[str, str], level: float, rng: np.random.Generator) -> Pixels:
        px_per_mm = DPI / MM_PER_INCH
        sheet = fill_form(
            self.paper,
            self.template,
            values,
            px_per_mm=px_per_mm,
            digits=self.digits,
            writer=Writer.drawn(rng),
            rng=rng,
        )
        scan = capture(
            self._worn(sheet, level, rng),
            condition=Condition.CLEAN,
            strength=Strength.NORMAL,
            px_per_mm=px_per_mm,
            back=self.paper,
            rng=rng,
        )
        return degradation.noise(scan.pixels, sigma=NOISE, grain_px=0.8, rng=rng)

    def _worn(self, sheet: Pixels, level: float, rng: np.random.Generator) -> Pixels:
        """A sheet whose writing has lost pieces of its strokes and is smeared; the print stays, to register by."""
        grain = cv2.GaussianBlur(rng.standard_normal(sheet.shape[:2], np.float32), (0, 0), GRAIN_PX)
        there = grain > np.quantile(grain, level)
        ink = (self.paper.astype(np.float32) - sheet) * there[..., np.newaxis]
        left = self.paper - cv2.GaussianBlur(ink, (0, 0), SMEAR_PX)
        return np.clip(np.rint(left), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
