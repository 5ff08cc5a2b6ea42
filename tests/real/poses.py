"""Turn, scale and photograph the samples' flat scans, and print how much is read of each: one row a pose.

    python -m tests.real.poses

In:  page 001 of each sample, a flat scan. Out: a table: fields right by their own template, found among all three.
Photographs are drawn (`synthesis.capture`): perspective, a desk around the sheet, shadow, blur, noise, JPEG.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from docproc import evaluation
from docproc.character.recognizer import load_recognizer
from docproc.combination.line_reader import line_reader_beside
from docproc.decision import Policy
from docproc.page import Page, find_sources, list_pages, load_page
from docproc.pipeline import read_page
from docproc.reading import Verdict
from docproc.synthesis.capture import Condition, Strength, capture
from docproc.synthesis.degradation import Pixels
from docproc.template import load_templates

from .designs import ROOT

SCALES = (0.85, 1.0, 1.15)
PHOTOS = 3  #: Of each pose.
SAMPLES = ROOT / "samples"


def poses(flat: Page, px_per_mm: float) -> Iterator[tuple[str, Pixels]]:
    """The page in each pose, and what it is called."""
    yield "flat", flat.pixels
    for scale, turns in product(SCALES, range(4)):
        size = (round(flat.pixels.shape[1] * scale), round(flat.pixels.shape[0] * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        scaled = cv2.resize(flat.pixels, size, interpolation=method)
        yield f"{scale:.0%}, turned by {90 * turns}", np.rot90(scaled, turns)
        sheet = cv2.cvtColor(scaled, cv2.COLOR_GRAY2RGB) if scaled.ndim == 2 else scaled
        for number in range(PHOTOS):
            photo = capture(
                sheet.astype(np.uint8),
                condition=Condition.PHOTO,
                strength=Strength.NORMAL,
                px_per_mm=px_per_mm * scale,
                back=np.full_like(sheet, 255, dtype=np.uint8),
                rng=np.random.default_rng((number, turns, round(100 * scale))),
            )
            yield f"{scale:.0%}, photographed, turned by {90 * turns}", np.rot90(photo.pixels, turns)


def main() -> int:
    """Measure and print; 1 where a pose is more than two points worse than the flat scan."""
    templates = list(load_templates([SAMPLES]).values())
    recognizer = load_recognizer()
    line_reader = line_reader_beside(recognizer)
    policy = Policy((line_reader or recognizer).card.review_below)
    counts: dict[str, np.ndarray] = {}
    for folder in sorted(path.parent for path in SAMPLES.glob("*/template.yaml")):
        (source,) = find_sources([str(folder / "pages" / "001.png")])
        flat = load_page(list_pages(source)[0])
        own = next(template for template in templates if str(template.reference_path).startswith(str(folder)))
        truth = {
            one.field: one.value
            for one in evaluation.read_truth(folder / "truth.csv")
            if one.source == "pages/001.png"
        }
        for name, pixels in poses(flat, flat.pixels.shape[1] / own.page.width_mm):
            record = read_page(
                Page(flat.ref, np.ascontiguousarray(pixels), None),
                templates,
                recognizer,
                policy,
                line_reader=line_reader,
            )
            fields = {reading.name: reading for reading in record.fields} if record.template == own.name else {}
            right = sum(field in fields and fields[field].text == value for field, value in truth.items())
            accepted = [one for one in fields.values() if one.verdict is Verdict.ACCEPTED]
            wrong = sum(one.text != truth[one.name] for one in accepted)
            row = np.array([1, record.template == own.name, len(truth), right, len(accepted), wrong])
            counts[name] = counts.get(name, 0) + row
    view = Table("pose", "pages", "on their template", "fields", "right %", "accepted %", "wrong accepted")
    for column in view.columns[1:]:
        column.justify = "right"
    for name, (pages, found, asked, right, accepted, wrong) in counts.items():
        view.add_row(
            name, str(pages), str(found), str(asked), f"{right / asked:.1%}", f"{accepted / asked:.1%}", str(wrong)
        )
    Console(width=None if sys.stdout.isatty() else 140).print(view)
    least = counts["flat"][3] / counts["flat"][2] - 0.02
    return int(any(row[3] / row[2] < least for row in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
