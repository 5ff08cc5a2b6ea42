"""Batches of accepted fields whose characters have a place on their page: drawn, and entered as if they were read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from docproc.geometry import Box
from docproc.ledger import Entry, open_ledger
from docproc.page import PageRef
from docproc.reading import CharacterReading, FieldReading, Record, Verdict
from docproc.tables import make_tables

PAGE_PX = (600, 400)
DIGIT_PX = (40, 60)


def tiled(folder: Path, pages: Sequence[Sequence[tuple[str, str, float]]], **settings: float) -> Path:
    """The results of a batch: of each field what is written, what was read, and how sure each of its digits is."""
    scans = folder / "scans"
    scans.mkdir()
    results = folder / "results"
    with open_ledger(results, settings={"folder": str(folder), "templates": [], **settings}) as ledger:
        for number, fields in enumerate(pages, start=1):
            path = scans / f"{number:03}.png"
            _draw([written for written, _, _ in fields], number).save(path)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            ledger.enter([Entry(PageRef(path.name, f"scans/{path.name}", 0, sha256), "read")])
            (page,) = ledger.waiting()
            ledger.started([page.id])
            readings = tuple(_reading(place, read, sure) for place, (_, read, sure) in enumerate(fields))
            ledger.keep(page.id, Record(page.ref, "", "", "", readings, Verdict.ACCEPTED))
        make_tables(ledger, results)
    return results


def _draw(written: Sequence[str], number: int) -> Image.Image:
    page = Image.new("L", PAGE_PX, 255)
    draw = ImageDraw.Draw(page)
    draw.text((500, 380), f"page {number}", fill=20)  # no two pages are equal
    for place, value in enumerate(written):
        for position, digit in enumerate(value):
            left, top = _corner(place, position)
            draw.text((left + 6, top), digit, fill=20, font=ImageFont.load_default(48))
    return page


def _corner(place: int, position: int) -> tuple[int, int]:
    return 60 + 80 * position, 30 + 90 * place


def _reading(place: int, read: str, sure: float) -> FieldReading:
    characters = []
    for position, digit in enumerate(read):
        left, top = _corner(place, position)
        corners = ((left, top), (left + DIGIT_PX[0], top), (left, top + DIGIT_PX[1]))
        characters.append(CharacterReading(digit, sure, corners_px=corners))
    left, top = _corner(place, 0)
    box = Box(left, top, 80 * len(read), DIGIT_PX[1])
    return FieldReading(f"f{place}", read, sure, Verdict.ACCEPTED, characters=tuple(characters), box_px=box)
