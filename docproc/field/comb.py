"""Cut a comb into its cells: one glyph or a blank a cell.

In:  a field's darkness map and the parts of its ink, rules removed, and the boxes of its cells.
Out: a glyph a cell, None where the cell is blank; and what the recognizer's answer to them means together.
Strokes that leave their cell are followed: a part belongs whole to the cell that holds most of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docproc.field.glyph import OWN, Glyph, Part, Parts, glyph_of, share_inside
from docproc.field.interpretation import Interpretation, Marks
from docproc.geometry import Box
from docproc.page import Ink
from docproc.reading import CharacterReading, Reason

LEAST_CHANCE = 1e-4  #: Of a value to be named as an alternative.
LEAST_EXTENT = 0.13  #: Of the cell's height: ink whose longer side is shorter is a speck. People write small.
SHARED = 0.3  #: A part of which a second cell holds more than this share is cut between them.
EDGE = 0.14  #: Of the cell's height: a thin part that stays this close to a printed edge is a remnant of it.
THIN = 0.10  #: Of the cell's height: what counts as thin.
BLANK_CHANCE = 0.998  #: That a cell without ink is blank: what faint pencil and lost strokes leave of certainty.
MOST_VALUES = 16  #: Values followed.


def cut_cells(dark: Ink, found: Parts, cells_px: Sequence[Box]) -> list[Glyph | None]:
    """One glyph for each cell, left to right; None where it is blank.

    Parameters
    ----------
    dark : (H, W) uint8
    found : Parts
        Of the field's ink, printed rules removed.
    cells_px : sequence of Box
        In the image's pixels, left to right.
    """
    members: list[list[Part]] = [[] for _ in cells_px]
    divided: set[int] = set()
    for part in found.parts:
        shares = [share_inside(found, part, cell) for cell in cells_px]
        if sum(shares) < OWN or _is_remnant(part, cells_px):
            continue
        ranked = sorted(range(len(cells_px)), key=lambda index: -shares[index])
        members[ranked[0]].append(part)
        for index in ranked[1:]:
            if shares[index] > SHARED:
                members[index].append(part)
                divided.add(part.label)
    glyphs: list[Glyph | None] = []
    for cell, chosen in zip(cells_px, members, strict=True):
        if not chosen:
            glyphs.append(None)
            continue
        labels = {part.label for part in chosen}
        bounds = Box.union([part.box_px for part in chosen])
        glyph = glyph_of(dark, found.labels, labels, bounds, within=cell if labels & divided else None)
        extent = max(glyph.box_px.width, glyph.box_px.height)
        glyphs.append(glyph if extent >= LEAST_EXTENT * cell.height else None)
    return glyphs


def read_cells(cells: Sequence[Marks | None]) -> Interpretation:
    """The best value of a comb; its cells are independent of one another.

    A cross or a dash in a cell stands for nothing. A mark that is neither digit, cross nor dash leaves the cell
    with its best digit, at that digit's small chance, and a reason.

    Parameters
    ----------
    cells : one for each cell, left to right; None where the cell is blank.
    """
    beams: list[tuple[str, float]] = [("", 1.0)]
    for marks in cells:
        options = _options(marks)
        grown: dict[str, float] = {}
        for text, chance in beams:
            for digit, share in options:
                grown[text + digit] = grown.get(text + digit, 0.0) + chance * share
        beams = sorted(grown.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_VALUES]
    characters = tuple(_read_cell(marks) for marks in cells)
    reasons: list[str] = []
    digits = [index for index, reading in enumerate(characters) if reading.digit]
    if any(reading.mark == "other" or (reading.digit and reading.mark) for reading in characters):
        reasons.append(Reason.NOT_A_DIGIT)
    if digits and any(not characters[index].digit for index in range(digits[0], digits[-1])):
        reasons.append(Reason.GAP)
    for kind, reason in (("cross", Reason.CROSSED_OUT), ("dash", Reason.DASH)):
        if any(reading.mark == kind for reading in characters):
            reasons.append(reason)
    if any(marks is not None and marks.crowded for marks in cells):
        reasons.append(Reason.OUTSIDE)
    text = "".join(reading.digit for reading in characters)
    chances = dict(beams)
    return Interpretation(
        text=text,
        confidence=chances.get(text, 0.0),
        alternatives=tuple(pair for pair in beams if pair[0] != text and pair[1] >= LEAST_CHANCE),
        characters=characters,
        reasons=tuple(reasons),
        has_ink=any(marks is not None for marks in cells),
    )


def _options(marks: Marks | None) -> list[tuple[str, float]]:
    if marks is None:
        return [("", BLANK_CHANCE)]
    best = np.argsort(marks.digits)[::-1][:3]
    options = [(str(digit), marks.digits[digit]) for digit in best] + [("", marks.cross + marks.dash)]
    return [option for option in options if option[1] > 0]


def _read_cell(marks: Marks | None) -> CharacterReading:
    if marks is None:
        return CharacterReading("", BLANK_CHANCE)
    blank = marks.cross + marks.dash > max(marks.digits)
    return marks.reading("" if blank else str(int(np.argmax(marks.digits))))


def _is_remnant(part: Part, cells_px: Sequence[Box]) -> bool:
    """Whether a part is what a printed line left behind: thin, and close along one edge of a cell."""
    height = cells_px[0].height
    reach, thin = EDGE * height, THIN * height
    box = part.box_px
    if box.height <= thin:
        edges = {edge for cell in cells_px for edge in (cell.top, cell.bottom)}
        if any(abs(box.top + box.height / 2 - edge) <= reach for edge in edges):
            return True
    if box.width <= thin:
        edges = {edge for cell in cells_px for edge in (cell.left, cell.right)}
        if any(abs(box.left + box.width / 2 - edge) <= reach * 0.7 for edge in edges):
            return True
    return max(box.width, box.height) <= thin
