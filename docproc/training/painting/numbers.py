"""Whole numbers written on sheets: what the reader of lines learns from, and what both readers are weighed on.

In:  digits of all sources, writers known or not, and chance.
Out: an `Arrangement` and its `Number`s: where each stands, and the digits that a person would read there.
Around the digits stands what stands there on forms: separators, currency signs, fillers, dashes, crosses in boxes
left empty, digits struck out, a whole number struck out with the right one beside it, small zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.page import Ink
from docproc.training.digits.augmentation import CANVAS_PX, GLYPH_PX, bend
from docproc.training.digits.datasets import Digits
from docproc.training.digits.negatives import cross
from docproc.training.digits.strokes import trim
from docproc.training.digits.styles import draw_digit, draw_hand
from docproc.training.painting.arrangement import MARGIN_PX, SHEET_WIDTH_PX, Arrangement, Placed
from docproc.training.painting.rulings import Ruling, draw_cells, draw_line

Rng = np.random.Generator

#: Kinds of fields and how often a row of a sheet has them: combs with shared walls and with gaps, neighboring boxes
#: of a table, one box, over a line, on bare paper; and cut out of the page closely, by somebody else, with a line or
#: box around it or without, or with a comb that nobody knows of.
FAMILIES = ("comb", "gapped", "free_table", "free_boxed", "free_line", "free_bare", "free_cut", "comb_cut")
FAMILY_SHARES = (0.14, 0.05, 0.14, 0.09, 0.08, 0.1, 0.32, 0.08)
_CUT = ("free_cut", "comb_cut")
NUMBERS = (16, 27)  #: On a sheet.

_LENGTHS = (0.1, 0.13, 0.16, 0.16, 0.13, 0.11, 0.07, 0.06, 0.04, 0.04)  #: Shares of numbers of 1, 2, ... 10 digits.
_EMPTY = 0.04  #: Of fields: nothing in them, or marks that are no digits.
_ROUND = 0.2  #: Of numbers: ends in zeros.
_ROOMY = 0.35  #: Of boxes: longer than the number in them needs.
_STRUCK = 0.03  #: Of numbers: a wrong one struck out stands before.
_WORD = 0.12  #: Of numbers of a hand that writes signs: followed by a word, in brackets or not.
_LETTERS = "aAbcCdeEfFGhHkKLmMnNpPrRtTuUvVwWxXyY"  #: None that is written like a digit.
_CURRENCY = ("$", "R$", "EUR", "Rs", "CHF", "Fr", "Kc", "#")
#: Of the digits' height: how far marks stand above or below the line, digits less than fillers; standard deviations.
_WANDERS = {"-": 0.15, "=": 0.12, "~": 0.15, "z": 0.12}
_NEAREST_ROWS = 0.12  #: Of the digits' height: strokes this far above one another count as side by side.
_TOUCHING = -0.05  #: Of the digits' height: touching strokes lie over one another no further.
#: Of the digits' height: how far boxes of neighbors may overlap where they are slanted; half of the narrower one at
#: most, or a 1 is lost in the arms of a 4.
_OVERLAP = 0.4
_BEND = 0.6  #: Times the elastic bend of digits that are learned one by one.


@dataclass(frozen=True, slots=True)
class Number:
    """One field's number."""

    text: str  #: The digits that are read, in order; "" where none is meant.
    placed: Placed
    cut: bool  #: The field is an image of its own, cut out closely.


@dataclass(frozen=True, eq=False)
class Writers:
    """Digits by source, writer and label.

    How often a sheet is written with digits of a source grows with the root of its size: a line shows how one hand's
    digits go together, and small sources know most hands.
    """

    sources: Sequence[Digits]
    drawn_share: float = 0.0  #: Of sheets: written by a hand of its own, drawn.

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """How often each source is used, where no hand is drawn: 0 for one that lacks a digit. They add up to 1."""
        roots = np.sqrt([len(source) if len(np.unique(source.labels)) == 10 else 0 for source in self.sources])
        return roots / max(float(roots.sum()), 1.0)

    @cached_property
    def _known(self) -> list[list[list[npt.NDArray[np.intp]]]]:
        """For each source, for each writer with all digits, for each digit: where its canvases are."""
        known = []
        for source in self.sources:
            writers = []
            for writer in np.unique(source.writers):
                own = [np.flatnonzero((source.writers == writer) & (source.labels == digit)) for digit in range(10)]
                if all(len(places) for places in own):
                    writers.append(own)
            if not writers:
                writers.append([np.flatnonzero(source.labels == digit) for digit in range(10)])
            known.append(writers)
        return known

    def drawn(self, rng: Rng) -> Callable[[int], Ink]:
        """Some writer: a function from a digit to a canvas of it, (64, 64) uint8, bent a little each time."""
        if rng.random() < self.drawn_share or not self.shares.any():
            hand = draw_hand(rng)
            return lambda value: draw_digit(value, hand, rng)
        number = int(rng.choice(len(self.sources), p=self.shares))
        writers, canvases = self._known[number], self.sources[number].canvases
        own = writers[int(rng.integers(len(writers)))]
        slant, aspect = float(rng.normal(0, 0.16)), float(np.exp(rng.normal(0, 0.13)))

        def digit(value: int) -> Ink:
            canvas = np.asarray(canvases[own[value][int(rng.integers(len(own[value])))]])
            turn = rng.normal(0, 0.05)
            cos, sin = np.cos(turn), np.sin(turn)
            linear = np.array([[cos, -sin], [sin, cos]]) @ np.array([[0.9 * aspect, -slant], [0, 0.9 / aspect]])
            middle = np.full(2, (CANVAS_PX - 1) / 2)
            matrix = np.column_stack([linear, middle - linear @ middle])
            turned = cv2.warpAffine(canvas, matrix, (CANVAS_PX, CANVAS_PX), flags=cv2.INTER_LINEAR)
            return bend(turned, rng, strength=_BEND)

        return digit


@dataclass(slots=True)
class Desk:
    """A sheet while numbers are being written on it."""

    sheet: Arrangement
    digit: Callable[[int], Ink]
    pen: Callable[[Ink], Ink]  #: A mark as this sheet's pen writes it.
    ruling: Ruling
    rng: Rng
    digit_px: float
    fill: float  #: Height of digits, of their box.
    pen_px: float  #: Width of its strokes on the sheet.
    spacing: float  #: Paper between digits, of their height; below 0 they touch,
    unevenness: float  #: and its standard deviation.
    joins_zeros: bool  #: By a stroke from the top of one to the top of the next.
    spread: float  #: Of sizes.
    slope: float
    signs: float  #: How often this hand writes separators, fillers and the like.
    numbers: list[Number] = field(default_factory=list)

    def row(self, family: str) -> None:
        """One row of fields of one kind across the sheet."""
        rng, digit = self.rng, self.digit_px
        x = MARGIN_PX + float(rng.uniform(0, 2)) * digit
        lowest = top = self.sheet.bottom + float(rng.uniform(0.3, 1.0)) * digit
        last = self.numbers[-1].placed.family if self.numbers else ""
        if family == last == "free_table" and rng.random() < 0.7:
            top = self.sheet.bottom
            x = self.numbers[-1].placed.box.left if rng.random() < 0.5 else x
        while True:
            room = SHEET_WIDTH_PX - MARGIN_PX - x
            write = self._comb if family in ("comb", "gapped", "comb_cut") else self._free
            box = write(family, x, top, room)
            if box is None:
                break
            x = box.right + (0.0 if family == "free_table" else float(rng.uniform(0.3, 1.5)) * digit)
            lowest = max(lowest, box.bottom)
        self.sheet.bottom = lowest

    def _comb(self, family: str, x: float, top: float, room: float) -> Box | None:
        rng, height = self.rng, self.digit_px / self.fill
        width = height * float(np.clip(rng.normal(0.75, 0.12), 0.5, 1.2))
        gap = height * float(rng.uniform(0.06, 0.4)) if family == "gapped" else 0.0
        cells = min(int(rng.integers(1, 12)), int((room + gap) // (width + gap)))
        if cells < 1:
            return None
        boxes = [Box(x + index * (width + gap), top, width, height) for index in range(cells)]
        for group in [boxes] if gap == 0 else [[box] for box in boxes]:
            draw_cells(self.sheet.print_, group, self.ruling)
        digits = _digits(rng, most=cells) if rng.random() >= _EMPTY else ""
        places = list(range(cells - len(digits), cells)) if rng.random() < 0.7 else list(range(len(digits)))
        unused = float(rng.random())  # crossed out, struck with a dash, or left empty
        for index, box in enumerate(boxes):
            if index in places:
                mark = self._mark(int(digits[places.index(index)]))
            elif unused < 0.25:
                mark = self.pen(cross(rng))
            elif unused < 0.35:
                mark = self._stroke(0.5, 0.1)
            else:
                continue
            piece = self._sized(mark, widest=0.95 * width)
            wander = 0.07 * self.digit_px
            self._put(piece, box.center[0] + rng.normal(0, wander), box.center[1] + rng.normal(0, wander))
        whole = box = Box.union(boxes)
        if family in _CUT:
            box = whole.grown(self.digit_px * float(rng.uniform(-0.06, 0.25)))
        placed = Placed(family, box, cells, gap if cells > 1 else 0.0)
        self.numbers.append(Number(digits, placed, cut=family in _CUT))
        return whole

    def _free(self, family: str, x: float, top: float, room: float) -> Box | None:
        """A number written freely, and the field around it."""
        rng, digit = self.rng, self.digit_px
        bare = rng.random() < _EMPTY
        parts = self._parts("" if bare else _digits(rng))
        wrong = [("x", self._mark(int(value)), 1.0) for value in _digits(rng, most=4)]
        struck = len(wrong) if not bare and rng.random() < _STRUCK else 0
        parts = [*wrong[:struck], *parts]
        text = "".join(name for name, _, _ in parts if name.isdigit())
        images = [self._sized(mark, factor=size) for _, mark, size in parts]
        margin = digit * np.array([rng.uniform(0.05, 0.6), rng.uniform(0.05, 0.45)])
        offsets = self._spaced(parts, images)
        width = max((at + image.shape[1] for at, image in zip(offsets, images, strict=True)), default=2 * digit)
        height = max(digit / self.fill, digit * 1.15)
        if width + 2 * margin[0] > room:
            return None
        left, middle = x + margin[0], top + height / 2 + float(rng.normal(0, 0.04)) * digit
        boxes = []
        for (name, _, _), at, image in zip(parts, offsets, images, strict=True):
            y = middle + self.slope * (at - width / 2) + float(rng.normal(0, _WANDERS.get(name, 0.04))) * digit
            boxes.append(self._put(image, left + at + image.shape[1] / 2, y + _height_of(name) * digit))
        if self.joins_zeros:
            self._join([box for (name, _, _), box in zip(parts, boxes, strict=True) if name == "0"])
        if struck:
            self._strike(Box.union(boxes[:struck]))
        around = Box.union(boxes) if boxes else Box(left, top + height / 4, width, height / 2)
        boxed = family in ("free_boxed", "free_table") or (family == "free_cut" and rng.random() < 0.5)
        room_left = room - width - 2 * margin[0]
        spare = digit * float(rng.uniform(0.2, 2.5)) if boxed and rng.random() < _ROOMY else 0.0
        wide = Box(x, top, width + 2 * margin[0] + min(spare, max(room_left, 0.0)), height)
        if family == "free_line":
            draw_line(
                self.sheet.print_, wide.left, wide.right, around.bottom + rng.uniform(-0.1, 0.2) * digit, self.ruling
            )
        elif boxed:
            draw_cells(self.sheet.print_, [wide], self.ruling)
        elif family == "free_cut" and rng.random() < 0.3:
            level = around.bottom + float(rng.uniform(-0.1, 0.2)) * digit
            draw_line(self.sheet.print_, wide.left - digit, wide.right + digit, level, self.ruling)
        if family == "free_cut" and boxed and rng.random() < 0.5:  # with its box around it, or nearly
            box = wide.grown(digit * float(rng.uniform(-0.06, 0.2)))
        elif family == "free_cut":
            sides = digit * np.where(rng.random(4) < 0.7, rng.uniform(-0.03, 0.15, 4), rng.uniform(0.1, 0.8, 4))
            box = Box(
                around.left - sides[0],
                around.top - sides[1],
                around.width + sides[0] + sides[2],
                around.height + sides[1] + sides[3],
            )
        else:
            box = wide
        ruled = family in ("free_boxed", "free_table", "free_line")
        self.numbers.append(Number(text, Placed(family, box, ruled=ruled), cut=family == "free_cut"))
        return wide

    def _parts(self, digits: str) -> list[tuple[str, Ink, float]]:
        """What is written, left to right: its name ("0" to "9", or the sign), its mark, its size."""
        rng, signs = self.rng, self.signs
        parts: list[tuple[str, Ink, float]] = []
        if rng.random() < 0.5 * signs or (not digits and rng.random() < 0.6):
            parts += [("-", self._stroke(float(rng.uniform(0.3, 2.2)), 0.1), 0.0)] * int(rng.choice((1, 1, 1, 2)))
        if digits and rng.random() < 0.3 * signs:
            parts.append(("$", self._letters(str(rng.choice(_CURRENCY))), float(rng.uniform(0.7, 1.1))))
        grouped = len(digits) > 3 and rng.random() < signs
        group, separator = int(rng.choice((3, 3, 2))), str(rng.choice(list(".,.,.'-/: ")))
        cents = len(digits) > 2 and rng.random() < 0.15 * signs
        small = float(rng.uniform(0.45, 0.9)) if rng.random() < 0.25 else 1.0
        zeros = len(digits.rstrip("0"))
        for place, value in enumerate(digits):
            left = len(digits) - place
            if rng.random() < 0.012:
                parts.append(("x", self._struck(self._mark(int(rng.integers(10)))), 1.0))
            if place and grouped and left % group == 0:
                parts.append((separator, self._sign(separator), 0.0))
            elif place and rng.random() < 0.03 * signs:
                parts.append((" ", self._space(0.2, 0.8), 0.0))
            raised = cents and left <= 2
            size = 0.6 if raised else small if place >= zeros else 1.0
            parts.append((value, self._mark(int(value)), size))
        if digits and rng.random() < 0.8 * signs:
            for sign in str(rng.choice(["-", "-", "-", "~", "=", "=", "z", ".", ".-", ",-", "--", ")"])):
                parts.append((sign, self._sign(sign), 0.0))
        if rng.random() < _WORD * signs:
            word = "".join(rng.choice(list(_LETTERS), size=int(rng.integers(2, 6))))
            word = f"({word})" if rng.random() < 0.5 else word
            parts += [(" ", self._space(0.1, 0.5), 0.0), ("$", self._letters(word), float(rng.uniform(0.7, 1.1)))]
        return parts

    def _spaced(self, parts: Sequence[tuple[str, Ink, float]], images: Sequence[Ink]) -> list[float]:
        """Where each image begins, so that between strokes at the same height there is the hand's paper."""
        offsets: list[float] = []
        edge: npt.NDArray[np.float64] | None = None  # how far right ink reaches, by row around the middle
        rows, reach = round(4 * self.digit_px), max(round(_NEAREST_ROWS * self.digit_px), 1)
        right = 0.0
        for (name, _, _), image in zip(parts, images, strict=True):
            profile = np.full(rows, np.inf)
            start = round(rows / 2 + _height_of(name) * self.digit_px - image.shape[0] / 2)
            solid = image > 60
            first = np.where(solid.any(axis=1), solid.argmax(axis=1), np.inf)
            profile[start : start + len(first)] = first
            gap = self.digit_px * max(float(self.rng.normal(self.spacing, self.unevenness)), _TOUCHING)
            if name == " " or not solid.any():
                at = right + gap
            elif edge is None:
                at = 0.0
            else:
                near = np.min([np.roll(profile, shift) for shift in range(-reach, reach + 1)], axis=0)
                at = float(np.max(edge - near)) + gap
                overlap = min(_OVERLAP * self.digit_px, image.shape[1] / 2)
                at = max(at, right - overlap, offsets[-1] + 0.15 * self.digit_px)
            offsets.append(at)
            last = np.where(solid.any(axis=1), image.shape[1] - solid[:, ::-1].argmax(axis=1), -np.inf)
            edge = np.full(rows, -np.inf) if edge is None else edge
            edge[start : start + len(last)] = np.maximum(edge[start : start + len(last)], at + last)
            right = max(right, at + image.shape[1])
        return offsets

    def _mark(self, value: int) -> Ink:
        return self.pen(self.digit(value))

    def _sized(self, mark: Ink, *, factor: float = 1.0, widest: float | None = None) -> Ink:
        """A mark's ink at the size at which it is written; signs (factor 0) are made at their size."""
        if factor == 0:
            return mark
        piece = trim(mark)
        spread = float(np.clip(self.rng.normal(1, self.spread), 0.7, 1.4))
        scale = self.digit_px / GLYPH_PX / 0.9 * spread * factor
        if widest is not None:
            scale = min(scale, widest / max(piece.shape[1], 1))
        size = max(round(piece.shape[1] * scale), 1), max(round(piece.shape[0] * scale), 1)
        return cv2.resize(piece, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)

    def _width_px(self) -> int:
        """Of one stroke on the sheet."""
        return max(round(self.pen_px * float(self.rng.uniform(0.7, 1.2))), 1)

    def _space(self, least: float, most: float) -> Ink:
        """No ink, as wide as that in digits' heights."""
        return np.zeros((2, max(round(self.digit_px * self.rng.uniform(least, most)), 1)), np.uint8)

    def _stroke(self, length: float, lean: float) -> Ink:
        """A level stroke, its length in digits' heights."""
        pen, width = self._width_px(), max(round(length * self.digit_px), 3)
        rise = round(self.rng.normal(0, lean) * min(width, 2 * self.digit_px))
        piece = np.zeros((abs(rise) + pen + 2, width), np.uint8)
        y0, y1 = (1 + pen // 2, piece.shape[0] - 2 - pen // 2)[:: 1 if rise >= 0 else -1]
        cv2.line(piece, (pen // 2, y0), (width - 1 - pen // 2, y1), 255, pen, cv2.LINE_AA)
        return piece

    def _wave(self, length: float) -> Ink:
        """A filler in one wave, its length in digits' heights."""
        pen, width = self._width_px(), max(round(length * self.digit_px), 6)
        rise = width * float(self.rng.uniform(0.04, 0.12))
        x = np.linspace(pen, width - pen, 12)
        y = pen + rise * (1 + np.sin(np.linspace(0, 2 * np.pi, 12) + self.rng.uniform(-0.6, 0.6)))
        return self._lines(np.column_stack([x, y]), width, pen)

    def _zigzag(self, length: float) -> Ink:
        """Two level strokes and what the pen left between them: a hasty "=", lower than any digit."""
        pen, width = self._width_px(), max(round(length * self.digit_px), 6)
        gap = self.digit_px * float(self.rng.uniform(0.1, 0.22))
        x = np.array([0.1, 0.9, 0.1, 0.95]) + self.rng.normal(0, 0.05, 4)
        y = np.array([0.0, 0.0, 1.0, 1.0]) + self.rng.normal(0, 0.12, 4)
        return self._lines(np.column_stack([x * width, pen + (y + 0.3) * gap]), width, pen)

    def _lines(self, points: npt.NDArray[np.float64], width: int, pen: int) -> Ink:
        piece = np.zeros((round(points[:, 1].max()) + 2 * pen, width + pen), np.uint8)
        cv2.polylines(piece, [np.rint(points).astype(np.int32)], False, 255, pen, cv2.LINE_AA)
        return piece

    def _sign(self, sign: str) -> Ink:
        rng, digit, pen = self.rng, self.digit_px, self._width_px()
        if sign == "-":
            return self._stroke(float(rng.uniform(0.25, 1.1)), 0.08)
        if sign == "~":
            return self._wave(float(rng.uniform(0.4, 1.4)))
        if sign == "z":
            return self._zigzag(float(rng.uniform(0.35, 0.8)))
        if sign == "=":
            one = self._stroke(float(rng.uniform(0.4, 0.9)), 0.08)
            gap = np.zeros((max(round(digit * float(rng.uniform(0.06, 0.2))), 1), one.shape[1]), np.uint8)
            return np.vstack([one, gap, one])
        if sign in ".:":
            radius = max(round(pen * float(rng.uniform(0.5, 0.9))), 1)
            dot = np.zeros((2 * radius + 3, 2 * radius + 3), np.uint8)
            cv2.circle(dot, (radius + 1, radius + 1), radius, 255, -1, cv2.LINE_AA)
            if sign == ".":
                return dot
            return np.vstack([dot, np.zeros((round(0.3 * digit), dot.shape[1]), np.uint8), dot])
        # A stroke between digits is longer than they are, and leans: else it is a 1.
        tall = {",": 0.3, "'": 0.25, "/": 1.45}.get(sign, 1.1) * float(rng.uniform(0.85, 1.15)) * digit
        lean = rng.uniform(0.45, 0.75) if sign == "/" else rng.uniform(0.2, 0.6)
        rows, columns = max(round(tall), 3), max(round(tall * float(lean)), 1) + pen
        piece = np.zeros((rows, columns + 2), np.uint8)
        if sign == ")":
            half = (max(columns - pen, 1), rows // 2)
            cv2.ellipse(piece, (0, rows // 2), half, 0, -75, 75, 255, pen, cv2.LINE_AA)
        elif sign != " ":
            cv2.line(piece, (columns - pen // 2, pen // 2), (pen // 2, rows - 1 - pen // 2), 255, pen, cv2.LINE_AA)
        return piece

    def _letters(self, text: str) -> Ink:
        """A word as this pen would write it, nearly: drawn letters, bent; trimmed on a canvas of their own."""
        font, pen = cv2.FONT_HERSHEY_SIMPLEX, self._width_px()
        scale = self.digit_px / 22
        (width, height), below = cv2.getTextSize(text, font, scale, pen)
        piece = np.zeros((height + below + pen + 2, width + pen + 2), np.uint8)
        cv2.putText(piece, text, (pen // 2 + 1, height + pen // 2), font, scale, 255, pen, cv2.LINE_AA)
        bent = np.array([[1, self.rng.normal(-0.1, 0.15), 0], [self.rng.normal(0, 0.05), 1, 0]])
        bent[0, 2], bent[1, 2] = -bent[0, 1] * piece.shape[0] / 2, -bent[1, 0] * piece.shape[1] / 2
        shown = trim(cv2.warpAffine(piece, bent, piece.shape[::-1]))
        factor = GLYPH_PX / max(shown.shape[0], 1)
        return cv2.resize(shown, (max(round(shown.shape[1] * factor), 1), GLYPH_PX), interpolation=cv2.INTER_LINEAR)

    def _struck(self, mark: Ink) -> Ink:
        """A digit so struck that nobody reads it."""
        rng = self.rng
        pen = max(round(GLYPH_PX * float(rng.uniform(0.06, 0.14))), 2)
        struck = mark.copy()
        left, top, width, height = cv2.boundingRect(mark)
        way = rng.random()
        count = int(rng.integers(4, 8))  # fewer strokes leave a digit that is read
        if way < 0.6:  # to and fro
            y = top + np.sort(rng.uniform(0, 1, count)) * height
            x = np.where(np.arange(count) % 2, left - 3, left + width + 3)
            points = np.column_stack([x, y]) + rng.normal(0, 2, (count, 2))
            cv2.polylines(struck, [np.rint(points).astype(np.int32)], False, 255, pen, cv2.LINE_AA)
        elif way < 0.85:  # a cross
            cv2.line(struck, (left - 3, top), (left + width + 3, top + height), 255, pen, cv2.LINE_AA)
            cv2.line(struck, (left + width + 3, top), (left - 3, top + height), 255, pen, cv2.LINE_AA)
        else:  # blotted
            cv2.ellipse(struck, (left + width // 2, top + height // 2), (width // 2, height // 2), 0, 0, 360, 255, -1)
        return struck

    def _strike(self, box: Box) -> None:
        """Strike out what stands in a box: with one or two strokes, or to and fro."""
        rng, digit = self.rng, self.digit_px
        turns = int(rng.choice((2, 2, 2, 4, 6)))
        x = np.where(np.arange(turns) % 2, box.right + 0.1 * digit, box.left - 0.1 * digit)
        y = box.center[1] + np.linspace(-1, 1, turns) * (0.05 if turns == 2 else 0.3) * digit
        points = np.column_stack([x, y]) + rng.normal(0, 0.08 * digit, (turns, 2))
        pen = self._width_px()
        cv2.polylines(self.sheet.ink, [np.rint(points).astype(np.int32)], False, 255, pen, cv2.LINE_AA)

    def _join(self, zeros: Sequence[Box]) -> None:
        """Link neighboring zeros at their tops."""
        for one, other in pairwise(zeros):
            if 0 < other.left - one.right < 0.5 * self.digit_px:
                start = (round(one.center[0] + 0.2 * one.width), round(one.top + 0.1 * one.height))
                end = (round(other.center[0] - 0.1 * other.width), round(other.top + 0.06 * other.height))
                cv2.line(self.sheet.ink, start, end, 255, self._width_px(), cv2.LINE_AA)

    def _put(self, piece: Ink, x: float, y: float) -> Box:
        """Put ink on the sheet, its middle at (x, y); the box that it takes."""
        left, top = round(x - piece.shape[1] / 2), round(y - piece.shape[0] / 2)
        height, width = self.sheet.ink.shape
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + piece.shape[1], width), min(top + piece.shape[0], height)
        if x0 < x1 and y0 < y1:
            target = self.sheet.ink[y0:y1, x0:x1]
            np.maximum(target, piece[y0 - top : y1 - top, x0 - left : x1 - left], out=target)
        return Box(float(left), float(top), float(piece.shape[1]), float(piece.shape[0]))


def _height_of(name: str) -> float:
    """How far below the middle of the line a sign stands, of the digits' height."""
    return {".": 0.46, ",": 0.5, "'": -0.45}.get(name, 0.0)


def _digits(rng: Rng, *, most: int = 10) -> str:
    shares = np.array(_LENGTHS[:most])
    count = 1 + int(rng.choice(len(shares), p=shares / shares.sum()))
    digits = "".join(str(value) for value in rng.integers(10, size=count))
    if rng.random() < _ROUND:
        kept = int(rng.integers(1, count + 1))
        digits = digits[:kept] + "0" * (count - kept)
    return digits
