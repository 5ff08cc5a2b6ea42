"""Write marks in rows of printed fields, one hand and one form to a sheet.

In:  marks on canvases, (64, 64) uint8 ink, and chance.
Out: layers of ink and of print, whose ink is where, and the fields as a template would describe them.
A sheet's own frame is in its pixels, boxes on pixel edges; a field's millimeter is `PX_PER_MM` of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.page import Ink
from docproc.training.digits.augmentation import GLYPH_PX
from docproc.training.digits.strokes import trim
from docproc.training.painting.hands import Hand
from docproc.training.painting.rulings import Ruling, draw_cells, draw_line

PX_PER_MM = 8.0  #: Any number would do: only ratios matter to the pipeline.
SHEET_WIDTH_PX = 860
MARGIN_PX = 24

#: Kinds of fields and how often a sheet has them: combs with shared walls, with gaps, cells of a table, digits of a
#: run in tight boxes, free runs in a printed box, over a line, and on bare paper.
FAMILIES = ("comb", "gapped", "table", "tight", "free_boxed", "free_line", "free_bare")
_FAMILY_SHARES = (0.26, 0.1, 0.17, 0.22, 0.07, 0.08, 0.1)
SEPARATOR = -1  #: What stands for the label of a dot, a comma or a stroke between digits.

_ROW_SHARE = 0.6  #: Of the rows of a table: one field for all cells, since a field costs as much as its cells.
_OWNER_LEVEL = 45  #: Ink of a mark from which a pixel is its own.

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Placed:
    """A field on the sheet."""

    family: str
    box: Box  #: Sheet pixels, on pixel edges.
    cells: int = 1
    gap: float = 0.0  #: Between cells, sheet pixels.
    ruled: bool = True
    marks: tuple[int, ...] = ()  #: What was written in it, from 0.


@dataclass(slots=True)
class Arrangement:
    """A sheet while it is being written on."""

    ink: Ink
    print_: Ink
    owner: npt.NDArray[np.int16]  #: Number of the mark, from 1, that each pixel of ink belongs to; 0 is none.
    fields: list[Placed] = field(default_factory=list)
    bottom: float = MARGIN_PX
    separators: int = 0

    def cropped(self, height: int) -> Arrangement:
        """Its upper part."""
        return Arrangement(self.ink[:height], self.print_[:height], self.owner[:height], self.fields, self.bottom)


def arrange(marks: Sequence[Ink], is_digit: npt.NDArray[np.bool_], rng: Rng, *, digit_px: float) -> Arrangement:
    """Write all marks on one sheet.

    Parameters
    ----------
    marks : (64, 64) uint8 each
    is_digit : (M,) bool
        Free runs are written of digits alone.
    digit_px : float
        Height of a digit on the sheet.
    """
    hand, ruling = Hand.drawn(rng, digit_px=digit_px), Ruling.drawn(rng, digit_px=digit_px)
    chosen = rng.choice(len(FAMILIES), size=int(rng.integers(1, 4)), p=_FAMILY_SHARES)
    height = round(len(marks) * (digit_px * 2.2 / hand.fill) ** 2 / SHEET_WIDTH_PX * 3 + digit_px * 40)
    size = (height, SHEET_WIDTH_PX)
    sheet = Arrangement(np.zeros(size, np.uint8), np.zeros(size, np.uint8), np.zeros(size, np.int16))
    queues = ([*rng.permutation(np.flatnonzero(is_digit))], [*rng.permutation(np.flatnonzero(~is_digit))])
    desk = _Desk(sheet, [trim(mark) for mark in marks], queues, hand, ruling, rng)
    while desk.left() and sheet.bottom + 5 * desk.cell_height < height:
        desk.row(FAMILIES[int(rng.choice(chosen))])
    used = min(round(sheet.bottom + MARGIN_PX), height)
    return sheet.cropped(used)


@dataclass(slots=True)
class _Desk:
    """Marks not yet written, and where the next goes."""

    sheet: Arrangement
    crops: list[Ink]
    queues: tuple[list[np.intp], list[np.intp]]  #: Digits, and other marks.
    hand: Hand
    ruling: Ruling
    rng: Rng

    @property
    def cell_height(self) -> float:
        return self.hand.digit_px / self.hand.fill

    def left(self) -> int:
        return len(self.queues[0]) + len(self.queues[1])

    def row(self, family: str) -> None:
        """One row of fields of one kind across the sheet."""
        x = MARGIN_PX + float(self.rng.uniform(0, 2)) * self.hand.digit_px
        lowest = top = self.sheet.bottom + float(self.rng.uniform(0.3, 1.0)) * self.hand.digit_px
        shared = family == "table" and self.rng.random() < 0.6  # rows of a table touch
        if shared and self.sheet.fields and self.sheet.fields[-1].family == "table":
            top, x = self.sheet.bottom, self.sheet.fields[0].box.left
        while self.left():
            room = SHEET_WIDTH_PX - MARGIN_PX - x
            if family.startswith("free") or family == "tight":
                box = self._run(family, x, top, room)
            elif family == "table":
                box = self._table(x, top, room)
            else:
                box = self._comb(family, x, top, room)
            if box is None:
                break
            x = box.right + float(self.rng.uniform(0.5, 2.0)) * self.hand.digit_px
            lowest = max(lowest, box.bottom)
        self.sheet.bottom = lowest if lowest > top else top + self.cell_height

    def _comb(self, family: str, x: float, top: float, room: float) -> Box | None:
        height = self.cell_height
        width = height * float(np.clip(0.62 / self.hand.fill * self.hand.fill + self.rng.normal(0.12, 0.1), 0.5, 1.2))
        gap = height * float(self.rng.uniform(0.06, 0.4)) if family == "gapped" else 0.0
        cells = min(int(self.rng.integers(2, 12)), int((room + gap) // (width + gap)))
        if cells < 2:
            return None
        boxes = [Box(x + index * (width + gap), top, width, height) for index in range(cells)]
        for group in [boxes] if gap == 0 else [[box] for box in boxes]:
            draw_cells(self.sheet.print_, group, self.ruling)
        marks = sum((self._fill(box) for box in boxes), ())
        whole = Box.union(boxes)
        self.sheet.fields.append(Placed(family, whole, cells, gap, marks=marks))
        return whole

    def _table(self, x: float, top: float, room: float) -> Box | None:
        height = self.cell_height
        width = height * float(self.rng.uniform(0.9, 2.2))
        cells = int(room // width)
        if cells < 1:
            return None
        boxes = [Box(x + index * width, top, width, height) for index in range(cells)]
        draw_cells(self.sheet.print_, boxes, self.ruling)
        filled = [self._fill(box) for box in boxes]
        whole = Box.union(boxes)
        if self.rng.random() < _ROW_SHARE:
            self.sheet.fields.append(Placed("table", whole, cells, marks=sum(filled, ())))
        else:
            self.sheet.fields.extend(Placed("table", box, marks=one) for box, one in zip(boxes, filled, strict=True))
        return whole

    def _fill(self, cell: Box) -> tuple[int, ...]:
        """Write in a cell, or leave it empty."""
        if self.rng.random() < self.hand.empty_share or not self.left():
            return ()
        number = self._next(digits_only=False)
        x, y = cell.center
        wander = self.hand.wander * self.hand.digit_px
        piece = self._sized(number, widest=1.05 * cell.width if self.rng.random() < 0.85 else None)
        if self.rng.random() < 0.25:  # written on the line, or hung at the top
            y += float(self.rng.choice((-1, 1))) * max(cell.height - piece.shape[0], 0) / 2
        self._write(number, piece, x + float(self.rng.normal(0, wander)), y + float(self.rng.normal(0, wander)))
        return (number,)

    def _run(self, family: str, x: float, top: float, room: float) -> Box | None:
        """Digits beside one another: one free field, or a tight cell for each."""
        digit, rng = self.hand.digit_px, self.rng
        if not self.queues[0]:
            if family != "tight" and not any(placed.family == "tight" for placed in self.sheet.fields):
                return self._table(x, top, room)
            self.queues[0].append(self.queues[1].pop())  # what is left stands among the digits
        count = int(rng.integers(2, 7))
        if room < (count + 1.5) * digit:
            return None
        start, baseline = x + digit * float(rng.uniform(0.1, 0.6)), top + digit * float(rng.uniform(0.2, 0.45))
        pen_x, slope = start, float(rng.normal(0, 0.02))
        boxes: list[Box] = []
        numbers: list[int] = []
        if rng.random() < self.hand.separator_share * 0.6:
            pen_x = self._separator(pen_x, baseline, "-")
        for place in range(count):
            if not self.queues[0]:
                break
            number = self._next(digits_only=True)
            piece = self._sized(number, widest=None)
            y = baseline + digit / 2 + slope * (pen_x - start) + float(rng.normal(0, 0.04)) * digit
            box = self._write(number, piece, pen_x + piece.shape[1] / 2, y)
            boxes.append(box)
            numbers.append(number)
            pen_x = box.right + digit * float(rng.normal(self.hand.spacing, 0.06))
            if place < count - 1 and rng.random() < self.hand.separator_share:
                pen_x = self._separator(pen_x, baseline, str(rng.choice([".", ",", ",", "-", "/"])))
        if rng.random() < self.hand.separator_share:
            pen_x = self._separator(pen_x + 0.1 * digit, baseline, str(rng.choice([".", "-", "-"])))
        around = Box.union(boxes)
        margin = digit * float(rng.uniform(0.08, 0.4))
        whole = Box.around(
            [(start - margin, around.top - margin), (max(pen_x, around.right) + margin, around.bottom + margin)]
        )
        if family == "tight":
            loose = float(rng.uniform(0, 0.04) if rng.random() < 0.6 else rng.uniform(0.04, 0.28)) * digit
            for box, number in zip(boxes, numbers, strict=True):
                error = rng.normal(0, 0.03 * digit, 4)
                tight = Box(box.left + error[0], box.top + error[1], box.width + error[2], box.height + error[3])
                if tight.width > 0 and tight.height > 0:
                    self.sheet.fields.append(
                        Placed("tight", tight.grown(loose), ruled=rng.random() < 0.2, marks=(number,))
                    )
            if rng.random() < 0.3:
                draw_line(
                    self.sheet.print_,
                    whole.left,
                    whole.right,
                    around.bottom + digit * rng.uniform(-0.15, 0.15),
                    self.ruling,
                )
            return whole
        if family == "free_boxed":
            draw_cells(self.sheet.print_, [whole], self.ruling)
        elif family == "free_line":
            draw_line(self.sheet.print_, whole.left, whole.right, whole.bottom, self.ruling)
        ruled = family != "free_bare" or rng.random() < 0.5
        self.sheet.fields.append(Placed(family, whole, ruled=ruled, marks=tuple(numbers)))
        return whole

    def _next(self, *, digits_only: bool) -> int:
        digits, others = self.queues
        from_others = not digits or (not digits_only and self.rng.random() < len(others) / max(self.left(), 1))
        return int((others if from_others and others else digits).pop())

    def _sized(self, number: int, *, widest: float | None) -> Ink:
        """A mark at the size at which it is to be written."""
        crop = self.crops[number]
        spread = float(np.clip(self.rng.normal(1, self.hand.size_spread), 0.7, 1.35))
        factor = self.hand.digit_px / GLYPH_PX * spread
        if widest is not None:
            factor = min(factor, widest / max(crop.shape[1], 1))
        size = max(round(crop.shape[1] * factor), 1), max(round(crop.shape[0] * factor), 1)
        return cv2.resize(crop, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)

    def _separator(self, pen_x: float, baseline: float, kind: str) -> float:
        digit, rng = self.hand.digit_px, self.rng
        self.sheet.separators += 1
        number = len(self.crops) + self.sheet.separators
        pen = max(round(digit * float(rng.uniform(0.06, 0.14))), 1)
        side = max(round(digit * float(rng.uniform(0.3, 0.6))), 4)
        piece = np.zeros(
            (max(side if kind in "/," else pen + 2, 3), max(side if kind in "-/" else pen + 2, 3)), np.uint8
        )
        rows, columns = piece.shape
        if kind == ".":
            cv2.circle(piece, (columns // 2, rows // 2), pen // 2, 255, -1, cv2.LINE_AA)
            y = baseline + digit
        elif kind == ",":
            piece = piece[: max(rows // 2, 3)]
            cv2.line(piece, (columns - 1, 0), (0, piece.shape[0] - 1), 255, pen, cv2.LINE_AA)
            y = baseline + digit
        elif kind == "-":
            cv2.line(piece, (0, rows // 2), (columns - 1, rows // 2), 255, pen, cv2.LINE_AA)
            y = baseline + digit * float(rng.uniform(0.4, 0.65))
        else:
            cv2.line(piece, (columns - 1, 0), (0, rows - 1), 255, pen, cv2.LINE_AA)
            y = baseline + digit / 2
        box = self._write(number - 1, piece, pen_x + columns / 2, y)
        return box.right + digit * float(rng.uniform(0.02, 0.15))

    def _write(self, number: int, piece: Ink, x: float, y: float) -> Box:
        """Put ink on the sheet, its middle at (x, y) on pixel edges; the box that it takes."""
        left, top = round(x - piece.shape[1] / 2), round(y - piece.shape[0] / 2)
        height, width = self.sheet.ink.shape
        x0, y0, x1, y1 = (
            max(left, 0),
            max(top, 0),
            min(left + piece.shape[1], width),
            min(top + piece.shape[0], height),
        )
        box = Box(float(left), float(top), float(piece.shape[1]), float(piece.shape[0]))
        if x0 >= x1 or y0 >= y1:
            return box
        part = piece[y0 - top : y1 - top, x0 - left : x1 - left]
        target, owner = self.sheet.ink[y0:y1, x0:x1], self.sheet.owner[y0:y1, x0:x1]
        owner[(part > target) & (part >= _OWNER_LEVEL)] = number + 1
        np.maximum(target, part, out=target)
        return box
