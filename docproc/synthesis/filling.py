"""Write digits in the fields of a form, in one hand.

In:  paper with printed boxes, a `Writer`, digits to copy, a value for each field.
Out: the paper with ink on it.
Functions return new images; the random generator decides everything that a hand leaves open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.synthesis.digits import DigitPool, copy_digit
from docproc.template import Field, Template

Paper = npt.NDArray[np.uint8]  #: (H, W, 3) RGB.

PEN_MM = {"blue": (0.40, 0.62), "black": (0.40, 0.70), "pencil": (0.45, 0.75)}  #: Widths of strokes.
PEN_RGB = {"blue": (28, 48, 150), "black": (32, 32, 38), "pencil": (88, 88, 94)}
PEN_DEPTH = {"blue": (0.82, 1.0), "black": (0.85, 1.0), "pencil": (0.68, 0.88)}  #: How much of the paper is covered.
TALLEST_MM = 7.0  #: People do not fill a large box.
FREE_ADVANCE = 0.72  #: Width of a written digit with its space, in heights.


@dataclass(frozen=True, slots=True)
class Writer:
    """A hand and its pen: what stays alike over a page."""

    pen: Literal["blue", "black", "pencil"]
    pen_mm: float  #: Width of the stroke.
    depth: float  #: How much of the paper the ink covers, 0 to 1.
    rgb: tuple[int, int, int]
    height: float  #: Height of the digits, in heights of the box.
    slant: float  #: To the right for each unit up.
    drift: float  #: Rise of a free run, in heights for each height of way.
    wander: float  #: Spread of position within a cell, in cell sizes.
    right_aligned: bool  #: Whether short numbers stand in the last boxes of a comb.
    looseness: float  #: Space between digits of a free run, 1 is usual.

    @staticmethod
    def drawn(rng: np.random.Generator) -> Writer:
        """Some writer."""
        pen: Literal["blue", "black", "pencil"] = ("blue", "black", "pencil")[int(rng.choice(3, p=(0.45, 0.4, 0.15)))]
        tint = rng.normal(0, 8, 3)
        red, green, blue = (int(np.clip(value, 0, 200)) for value in np.array(PEN_RGB[pen]) + tint)
        return Writer(
            pen=pen,
            pen_mm=float(rng.uniform(*PEN_MM[pen])),
            depth=float(rng.uniform(*PEN_DEPTH[pen])),
            rgb=(red, green, blue),
            height=float(rng.uniform(0.55, 0.76)),
            slant=float(np.clip(rng.normal(0.12, 0.16), -0.2, 0.45)),
            drift=float(rng.normal(0, 0.012)),
            wander=float(rng.uniform(0.025, 0.055)),
            right_aligned=bool(rng.random() < 0.6),
            looseness=float(rng.uniform(0.95, 1.25)),
        )


def fill_form(
    paper: Paper,
    template: Template,
    values: Mapping[str, str],
    *,
    px_per_mm: float,
    digits: DigitPool,
    writer: Writer,
    rng: np.random.Generator,
) -> Paper:
    """Write `values` in the fields of the form printed on `paper`, (H, W, 3) uint8 from edge to edge of the sheet."""
    written = paper.copy()
    for field in template.fields:
        _write(written, field, values.get(field.name, ""), px_per_mm, digits, writer, rng)
    return written


def paint_field(
    paper: Paper,
    field: Field,
    text: str,
    *,
    px_per_mm: float,
    digits: DigitPool,
    writer: Writer,
    rng: np.random.Generator,
) -> Paper:
    """Write one value where the field's box lies on the paper.

    Parameters
    ----------
    paper : (H, W, 3) uint8
        RGB with the boxes printed on it; its top left corner is the origin of the field's box.
    field : Field
        Kind, box and cells decide where digits stand.
    text : str
        Digits; "" writes nothing.
    px_per_mm : float
        Pixels of the paper to a millimeter.
    digits, writer, rng
        Whose digits, in whose hand, and chance.

    Returns
    -------
    (H, W, 3) uint8
        A new image.
    """
    written = paper.copy()
    _write(written, field, text, px_per_mm, digits, writer, rng)
    return written


def _write(
    paper: Paper,
    field: Field,
    text: str,
    px_per_mm: float,
    digits: DigitPool,
    writer: Writer,
    rng: np.random.Generator,
) -> None:
    """Write on `paper` itself: the one place that changes an image, its caller's own copy."""
    if not text:
        return
    slots = _free_slots(field, text, writer, rng) if field.kind == "free" else _cell_slots(field, text, writer)
    for digit, slot in zip(text, slots, strict=True):
        _write_digit(paper, int(digit), slot, px_per_mm, digits, writer, rng)


@dataclass(frozen=True, slots=True)
class _Slot:
    """Room for one digit, in mm."""

    x: float  #: Its middle.
    y: float
    height: float  #: Of the digit.
    width: float  #: That the digit may take.
    wander: float  #: Spread of the middle.


def _cell_slots(field: Field, text: str, writer: Writer) -> list[_Slot]:
    boxes = field.cell_boxes()
    start = len(boxes) - len(text) if writer.right_aligned else 0
    return [
        _Slot(
            *box.center,
            height=min(writer.height * box.height, TALLEST_MM, 1.25 * box.width),
            width=0.82 * box.width,
            wander=writer.wander * min(box.width, box.height),
        )
        for box in boxes[start : start + len(text)]
    ]


def _free_slots(field: Field, text: str, writer: Writer, rng: np.random.Generator) -> list[_Slot]:
    """Room for a run of digits, shrunk until it fits the box."""
    box = field.box
    height = min(writer.height * box.height, TALLEST_MM)
    advance = height * FREE_ADVANCE * writer.looseness
    room = box.width - 0.16 * box.height
    advance = min(advance, room / len(text))
    height = min(height, 1.55 * advance)
    run = advance * len(text)
    left = box.left + (box.width - run) * float(rng.uniform(0.15, 0.6))
    middle = box.top + box.height * float(rng.uniform(0.46, 0.54))
    sag = float(np.clip(writer.drift * run, -0.08 * box.height, 0.08 * box.height))
    return [
        _Slot(
            x=left + advance * (place + 0.5),
            y=middle - sag * ((place + 0.5) / len(text) - 0.5),
            height=height,
            width=0.97 * advance,
            wander=0.5 * writer.wander * height,
        )
        for place in range(len(text))
    ]


def _write_digit(
    paper: Paper,
    digit: int,
    slot: _Slot,
    px_per_mm: float,
    digits: DigitPool,
    writer: Writer,
    rng: np.random.Generator,
) -> None:
    height_mm = slot.height * float(np.clip(rng.normal(1.0, 0.06), 0.85, 1.15))
    body_px = height_mm * px_per_mm
    glyph, slant = copy_digit(
        digits, digit, body_px=body_px, stroke_px=writer.pen_mm * px_per_mm, slant=writer.slant, rng=rng
    )
    glyph = _posed(
        glyph,
        shear=float(np.clip(0.5 * (writer.slant - slant), -0.2, 0.2)),
        degrees=float(rng.normal(0, 2.5)),
        narrower=min(1.0, slot.width * px_per_mm / max(_ink_width(glyph), 1.0)),
    )
    x = (slot.x + float(np.clip(rng.normal(0, slot.wander), -2 * slot.wander, 2 * slot.wander))) * px_per_mm
    y = (slot.y + float(np.clip(rng.normal(0, slot.wander), -2 * slot.wander, 2 * slot.wander))) * px_per_mm
    _lay(paper, glyph * writer.depth * _texture(glyph.shape, writer, px_per_mm, rng), x, y, writer.rgb)


def _ink_width(glyph: npt.NDArray[np.float32]) -> float:
    columns = np.flatnonzero(glyph.max(axis=0) > 0.3)
    return float(columns[-1] - columns[0] + 1) if len(columns) else 0.0


def _posed(
    glyph: npt.NDArray[np.float32], *, shear: float, degrees: float, narrower: float
) -> npt.NDArray[np.float32]:
    """Lean, turn and narrow a digit about its middle, on a canvas with room for it."""
    side = glyph.shape[0]
    pad = side // 4 + 1
    canvas = cv2.copyMakeBorder(glyph, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0.0)
    middle = (canvas.shape[0] - 1) / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    pose = np.array([[cos, -sin], [sin, cos]]) @ np.array([[narrower, -shear * narrower], [0, 1]])
    shift = np.array([middle, middle]) - pose @ np.array([middle, middle])
    return cv2.warpAffine(canvas, np.column_stack([pose, shift]), canvas.shape[::-1], flags=cv2.INTER_LINEAR)


def _texture(
    shape: tuple[int, ...], writer: Writer, px_per_mm: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """How evenly the pen gives ink, about 1: a ballpoint thins out in patches, a pencil shows the paper's grain."""
    noise = rng.normal(0, 1, shape).astype(np.float32)
    patches = cv2.GaussianBlur(noise, (0, 0), max(0.5 * px_per_mm, 0.8))
    patches /= max(float(patches.std()), 1e-6)
    grain = cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), max(0.07 * px_per_mm, 0.4))
    grain /= max(float(grain.std()), 1e-6)
    rough = {"blue": 0.05, "black": 0.04, "pencil": 0.14}[writer.pen]
    return np.clip(1 - np.abs(0.07 * patches) - np.abs(rough * grain), 0.35, 1).astype(np.float32)


def _lay(paper: Paper, ink: npt.NDArray[np.float32], x: float, y: float, rgb: tuple[int, int, int]) -> None:
    """Cover the paper with ink whose middle of area is at (x, y) pixels; ink over print stays as dark as either."""
    rows, columns = np.nonzero(ink > 0.2)
    if not len(rows):
        return
    body = Box(
        float(columns.min()), float(rows.min()), float(np.ptp(columns)) + 1, float(np.ptp(rows)) + 1
    )  # in pixels of `ink`
    left, top = round(x - body.center[0]), round(y - body.center[1])
    height, width = paper.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + ink.shape[1], width), min(top + ink.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    cover = ink[y0 - top : y1 - top, x0 - left : x1 - left, np.newaxis]
    ground = paper[y0:y1, x0:x1].astype(np.float32)
    passed = np.array(rgb, np.float32) / 255
    paper[y0:y1, x0:x1] = np.rint(ground * (1 - cover * (1 - passed))).astype(np.uint8)
