"""Spoil the pictures of the samples' pages, more and more, and print what is read, and which defects are named.

    python -m tests.real.spoiled

In:  every page of the samples. Out: a table, one row a defect and degree: pages that lie on their template, pages on
which that defect is named and its median value, fields right, accepted, and accepted though wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from docproc import evaluation
from docproc.character.recognizer import load_recognizer
from docproc.combination.line_reader import line_reader_beside
from docproc.decision import Policy
from docproc.form.registration import Registration, register
from docproc.page import Page, find_sources, list_pages, load_page
from docproc.pipeline import read_page
from docproc.reading import Record, Verdict
from docproc.synthesis import degradation
from docproc.synthesis.degradation import Pixels
from docproc.template import Template, load_template

from .designs import ROOT

SAMPLES = ROOT / "samples"
Spoil = Callable[[Pixels, Registration, float, np.random.Generator], Pixels]


def blurred(pixels: Pixels, on: Registration, sigma_mm: float, rng: np.random.Generator) -> Pixels:
    """Out of focus, then the sensor's noise."""
    soft = degradation.blur(pixels, sigma_px=sigma_mm * _px_per_mm(on)) if sigma_mm else pixels
    return degradation.noise(soft, sigma=2.5, grain_px=0.6, rng=rng)


def moved(pixels: Pixels, on: Registration, length_mm: float, rng: np.random.Generator) -> Pixels:
    """The camera was moved, in any direction."""
    soft = degradation.blur(
        pixels, sigma_px=0.5, motion_px=length_mm * _px_per_mm(on), degrees=float(rng.uniform(0, 180))
    )
    return degradation.noise(soft, sigma=2.5, grain_px=0.6, rng=rng)


def darkened(pixels: Pixels, on: Registration, share: float, rng: np.random.Generator) -> Pixels:
    """A share of the light, the sensor's noise as before, JPEG."""
    dark = degradation.noise((pixels * share).astype(np.uint8), sigma=2.5, grain_px=0.6, rng=rng)
    return degradation.compress(dark, quality=75)


def glaring(pixels: Pixels, on: Registration, radius_mm: float, rng: np.random.Generator) -> Pixels:
    """A lamp mirrored in a field: light falls off around it, and what is under it is white."""
    field = on.located[int(rng.integers(len(on.located)))]
    x, y = (field.page_from_form @ np.array([field.field.box.center]))[0]
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]].astype(np.float32)
    distance = np.hypot(rows - y, columns - x) / (radius_mm * _px_per_mm(on))
    light = (255 * np.exp(-(np.maximum(distance - 1, 0) ** 2) / 0.3)).astype(np.float32)
    lit = pixels * 0.8 + (light[..., np.newaxis] if pixels.ndim == 3 else light)
    return degradation.compress(np.clip(lit, 0, 255).astype(np.uint8), quality=85)


def cut(pixels: Pixels, on: Registration, length_mm: float, rng: np.random.Generator) -> Pixels:
    """A strip of the sheet out of the picture, on the left and above."""
    corners = on.page_from_form @ on.template.page.box.corners()
    left, top = np.maximum(corners.min(axis=0), 0) + length_mm * _px_per_mm(on)
    return np.ascontiguousarray(pixels[round(top) :, round(left) :])


SPOILS: dict[str, tuple[Spoil, str, tuple[float, ...]]] = {
    "blur": (blurred, "mm", (0, 0.2, 0.3, 0.4, 0.5, 0.6)),
    "blur, moved": (moved, "mm", (0.8, 1.2, 1.6, 2.0)),
    "darkness": (darkened, "of the light", (0.5, 0.3, 0.2, 0.12, 0.08)),
    "glare": (glaring, "mm radius", (4, 8, 16, 32)),
    "cut": (cut, "mm", (2, 5, 10)),
}


def pages() -> Iterator[tuple[Page, Template, dict[str, str]]]:
    """The first page of each sample file, its template, and its true values."""
    for path in sorted(SAMPLES.glob("*/template.yaml")):
        truth = evaluation.read_truth(path.parent / "truth.csv")
        for source in find_sources([str(path.parent / "pages")]):
            name = f"pages/{Path(source.path).name}"
            values = {one.field: one.value for one in truth if (one.source, one.page) == (name, 1)}
            yield load_page(list_pages(source)[0]), load_template(path), values


def main() -> int:
    """Spoil, read, count; 1 where more than one accepted value in a hundred is wrong."""
    recognizer = load_recognizer()
    line_reader = line_reader_beside(recognizer)
    policy = Policy((line_reader or recognizer).card.review_below)
    view = Table("defect", "degree", "pages", "on their template", "named", "value", "right %", "accepted %", "wrong")
    for column in view.columns[1:]:
        column.justify = "right"
    flat = [(page, template, values, register(page, template)) for page, template, values in pages()]
    failed = False
    for name, (spoil, unit, degrees) in SPOILS.items():
        for degree in degrees:
            rng = np.random.default_rng(7)
            records: list[tuple[Record, dict[str, str]]] = []
            for page, template, values, on in flat:
                assert isinstance(on, Registration)
                spoiled = replace(page, pixels=spoil(page.pixels, on, degree, rng))
                records.append((read_page(spoiled, [template], recognizer, policy, line_reader=line_reader), values))
            failed |= _add_row(view, name, f"{degree:g} {unit}", records)
        view.add_section()
    Console(width=None if sys.stdout.isatty() else 140).print(view)
    return int(failed)


def _add_row(view: Table, name: str, degree: str, records: list[tuple[Record, dict[str, str]]]) -> bool:
    lying = [
        (record, values) for record, values in records if record.residual_mm is not None and record.fields[0].box_px
    ]
    kind = name.partition(",")[0]
    found = [
        reason.partition("=")[2] for record, _ in records for reason in record.reasons if f"defect:{kind}=" in reason
    ]
    value = sorted(found, key=lambda text: float(text.split()[0]))[len(found) // 2] if found else ""
    fields = [(reading, values[reading.name]) for record, values in lying for reading in record.fields]
    accepted = [(reading, true) for reading, true in fields if reading.verdict is Verdict.ACCEPTED]
    wrong = sum(reading.text != true for reading, true in accepted)
    right = sum(reading.text == true for reading, true in fields)
    view.add_row(
        name, degree, str(len(records)), str(len(lying)), str(len(found)), value,
        f"{right / max(len(fields), 1):.1%}", f"{len(accepted) / max(len(fields), 1):.1%}", str(wrong),
    )  # fmt: skip
    return wrong > 0.01 * len(accepted)


def _px_per_mm(on: Registration) -> float:
    return on.page_from_form.scale_at(*on.template.page.box.center)


if __name__ == "__main__":
    sys.exit(main())
