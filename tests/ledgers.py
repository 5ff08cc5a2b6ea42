"""Pages and records for ledgers: none of them was ever drawn."""

from __future__ import annotations

from docproc.geometry import Box
from docproc.ledger import Entry, digest_of
from docproc.page import PageRef
from docproc.reading import CharacterReading, FieldReading, Record, Verdict

READ_WITH = digest_of(templates=["t"], models=["m"], version=1)


def entry(number: int, *, content: str = "", read_with: str = READ_WITH, duplicate_of: str = "") -> Entry:
    """The page `NUMBER.png`; its content is its own unless it is named."""
    name = f"{number:06}.png"
    return Entry(PageRef(name, f"/scans/{name}", 0, content or f"sha-{number}"), read_with, duplicate_of)


def record(ref: PageRef, text: str = "17", *, crop_png: bytes = b"\x89PNG") -> Record:
    """One field of two digits, to review."""
    reading = FieldReading(
        name="amount",
        text=text,
        confidence=0.875,
        verdict=Verdict.REVIEW,
        reasons=("low_confidence", "rule:max"),
        alternatives=(("11", 0.1),),
        characters=(CharacterReading("1", 0.9, (("7", 0.1),)), CharacterReading("", 0.5, (), "dash")),
        box_px=Box(1.5, 2.0, 30.0, 40.25),
        crop_png=crop_png,
    )
    return Record(ref, "form", "digest", "model", (reading,), Verdict.REVIEW, ("clipped",), 0.125, "A corner is off.")
