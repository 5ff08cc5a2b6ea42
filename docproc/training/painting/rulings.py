"""Printed boxes, combs and lines around the places where digits are to be written.

In:  a layer of print, (H, W) uint8, and boxes in its pixels.
Out: the layer with lines on it, in place: its maker's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from docproc.geometry import Box
from docproc.page import Ink

Edges = Literal["full", "teeth", "bottom", "level", "none"]
EDGES: tuple[Edges, ...] = ("full", "teeth", "bottom", "level", "none")


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """How one form prints its lines."""

    edges: Edges  #: All sides; a comb's low teeth; the bottom only; top and bottom; nothing.
    thickness_px: int
    tone: float  #: How much the lines cover, 0 to 1.
    period_px: float  #: Of dots or dashes; 0 where the lines are solid.
    drawn_share: float  #: Of a period.
    tooth: float  #: Height of a comb's teeth, of the box's height.
    #: Where of a line something is left, repeated along it: what a scanner that drops colors out, or a copier, leaves
    #: of it. None where all is.
    left: npt.NDArray[np.bool_] | None = None

    @staticmethod
    def drawn(rng: np.random.Generator, *, digit_px: float) -> Ruling:
        """Some form's."""
        broken = rng.random()
        period, share = 0.0, 1.0
        if broken < 0.12:  # dotted
            period, share = digit_px * rng.uniform(0.07, 0.2), rng.uniform(0.3, 0.6)
        elif broken < 0.22:  # dashed
            period, share = digit_px * rng.uniform(0.2, 0.5), rng.uniform(0.5, 0.75)
        return Ruling(
            edges=EDGES[int(rng.choice(len(EDGES), p=(0.52, 0.16, 0.12, 0.1, 0.1)))],
            thickness_px=max(
                round(digit_px * float(rng.choice((0.025, 0.04, 0.06, 0.1), p=(0.3, 0.4, 0.22, 0.08)))), 1
            ),
            tone=float(rng.uniform(0.25, 1.0) if rng.random() < 0.5 else rng.uniform(0.8, 1.0)),
            period_px=period,
            drawn_share=float(share),
            tooth=float(rng.uniform(0.15, 0.65)),
        )

    def worn(self, rng: np.random.Generator, *, digit_px: float) -> Ruling:
        """The same lines, of which pieces are left, here and there."""
        pieces = rng.exponential(digit_px * rng.uniform(0.1, 0.8), 400) + 1
        gaps = rng.exponential(digit_px * rng.uniform(0.2, 3.0), 400) + 1
        runs = np.rint(np.column_stack([pieces, gaps])).astype(np.intp)
        return replace(self, left=np.repeat(np.tile((True, False), 400), runs.ravel()))


def draw_cells(layer: Ink, cells: Sequence[Box], ruling: Ruling) -> None:
    """Print the lines around neighboring cells; shared walls are one line."""
    if ruling.edges == "none":
        return
    top, bottom = cells[0].top, cells[0].bottom
    for cell in cells:
        _level(layer, cell.left, cell.right, bottom, ruling)
        if ruling.edges in ("full", "level"):
            _level(layer, cell.left, cell.right, top, ruling)
    if ruling.edges in ("full", "teeth"):
        upper = top if ruling.edges == "full" else bottom - ruling.tooth * (bottom - top)
        for x in sorted({side for cell in cells for side in (cell.left, cell.right)}):
            _level(layer.T, upper, bottom, x, ruling)


def draw_line(layer: Ink, left: float, right: float, y: float, ruling: Ruling) -> None:
    """Print one level line."""
    _level(layer, left, right, y, ruling)


def _level(layer: npt.NDArray[np.uint8], start: float, stop: float, y: float, ruling: Ruling) -> None:
    """A line along the second axis; pass `layer.T` for an upright one."""
    first = max(round(y - ruling.thickness_px / 2), 0)
    half = ruling.thickness_px // 2
    along = slice(max(round(start) - half, 0), max(round(stop) + ruling.thickness_px - half, 0))
    part = layer[first : first + ruling.thickness_px, along]
    tone = np.uint8(round(255 * ruling.tone))
    x = np.arange(part.shape[1])
    inked = np.ones(len(x), bool)
    if ruling.period_px > 0:
        inked = (x % ruling.period_px) < ruling.drawn_share * ruling.period_px
    if ruling.left is not None:  # each line has lost other pieces
        inked &= ruling.left[(x + 7919 * first + along.start) % len(ruling.left)]
    printed = np.where(inked, tone, 0).astype(np.uint8)
    np.maximum(part, printed[np.newaxis], out=part)
