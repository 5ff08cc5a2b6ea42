"""Batches with doubtful fields to review: drawn, and entered in a ledger as if they had been read."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from docproc.geometry import Box
from docproc.ledger import Entry, open_ledger
from docproc.page import PageRef
from docproc.reading import FieldReading, Reason, Record, Verdict

FIELDS_A_PAGE = 5
PAGE_PX = (800, 600)


def truth_of(number: int) -> str:
    """What is written in the field of that number."""
    return f"{4273 + 617 * number:05}"


def flagged(folder: Path, fields: int) -> Path:
    """The results of a batch of so many doubtful fields, the sure ones last; every tenth is misread by a digit."""
    scans = folder / "scans"
    scans.mkdir()
    results = folder / "results"
    with open_ledger(results, settings={"folder": str(folder), "templates": [], "review_below": 0.9}) as ledger:
        for first in range(0, fields, FIELDS_A_PAGE):
            numbers = range(first, min(first + FIELDS_A_PAGE, fields))
            name = f"{first // FIELDS_A_PAGE + 1:03}.png"
            _draw_page(scans / name, numbers)
            sha256 = hashlib.sha256((scans / name).read_bytes()).hexdigest()
            ledger.enter([Entry(PageRef(name, f"scans/{name}", 0, sha256), "read")])
            (page,) = ledger.waiting()
            ledger.started([page.id])
            readings = tuple(_reading(number, fields) for number in numbers)
            ledger.keep(page.id, Record(page.ref, "", "", "", readings, Verdict.REVIEW))
    return results


def _draw_page(path: Path, numbers: range) -> None:
    page = Image.new("L", PAGE_PX, 255)
    for number in numbers:
        page.paste(_crop(number), _corner(number))
    page.save(path)


def _reading(number: int, fields: int) -> FieldReading:
    truth = truth_of(number)
    misread = truth[:-1] + str((int(truth[-1]) + 1) % 10)
    read, other = (misread, truth) if number % 10 == 0 else (truth, misread)
    picture = io.BytesIO()
    _crop(number).save(picture, format="PNG")
    return FieldReading(
        name=f"field {number}",
        text=read,
        confidence=0.5 + 0.4 * number / fields,
        verdict=Verdict.REVIEW,
        reasons=(Reason.LOW_CONFIDENCE,),
        alternatives=((other, 0.3), (truth[1:], 0.05)),
        box_px=Box(*_corner(number), 220, 60),
        crop_png=picture.getvalue(),
    )


def _crop(number: int) -> Image.Image:
    crop = Image.new("L", (220, 60), 250)
    draw = ImageDraw.Draw(crop)
    draw.rectangle((0, 0, 219, 59), outline=150)
    draw.text((20, 5), truth_of(number), fill=30, font=ImageFont.load_default(48))
    return crop


def _corner(number: int) -> tuple[int, int]:
    return 100, 60 + 100 * (number % FIELDS_A_PAGE)
