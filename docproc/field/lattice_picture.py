"""Draw a lattice for people: the ink with its cuts, every candidate with what it was read as, and the path that won.

In:  a field's darkness map, its lattice, what the recognizer made of each candidate, and the path.
Out: an RGB picture. The pieces stand above; below is a bar for each candidate, from its first piece to its last.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from docproc.field.interpretation import Marks
from docproc.field.segmentation import Candidate, Lattice
from docproc.field.string import Path
from docproc.geometry import Box
from docproc.page import Ink

WON = (30, 140, 60)  #: Candidates that were read as the value's digits,
SKIPPED = (230, 140, 0)  #: those that were passed over as marks,
OTHER = (170, 170, 170)  #: and the rest.
CUT = (200, 30, 30)  #: Where ink was cut.
GAP = (120, 160, 220)  #: Where pieces were apart anyway.

LABEL_PX = 46  #: Room for "7 .98".
ROW_PX = 30
WIDEST_PX = 2600
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.42


def draw_lattice(dark: Ink, lattice: Lattice, marks: Sequence[Marks], path: Path) -> npt.NDArray[np.uint8]:
    """The picture, (H, W, 3) uint8.

    Parameters
    ----------
    dark : (H, W) uint8
    lattice : Lattice
        With one piece at least.
    marks : one for each of `lattice.candidates`
    path : Path
        The one that won.
    """
    around = Box.union(lattice.pieces).grown(0.2 * lattice.digit_height_px)
    narrowest = float(np.median([piece.width for piece in lattice.pieces]))
    scale = float(np.clip(LABEL_PX / narrowest, 2.0, max(WIDEST_PX / around.width, 1.0)))
    left, top = max(round(around.left), 0), max(round(around.top), 0)
    ink = 255 - dark[top : max(round(around.bottom), top + 1), left : max(round(around.right), left + 1)]
    shown = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    rows = sorted({_row(candidate) for candidate in lattice.candidates})
    height = shown.shape[0]
    picture = np.full((height + ROW_PX * (len(rows) + 1), shown.shape[1], 3), 255, np.uint8)
    picture[:height] = shown[:, :, np.newaxis]

    def column(x: float) -> int:
        return round((x - left) * scale)

    for candidate in lattice.candidates:
        if candidate.last - candidate.first == 1:
            x = column(lattice.pieces[candidate.first].left)
            cv2.line(picture, (x, 0), (x, height - 1), CUT if candidate.cut_chance < 1 else GAP, 1)
    skipped = dict(path.skipped)
    for index, (candidate, mark) in enumerate(zip(lattice.candidates, marks, strict=True)):
        span = Box.union(lattice.pieces[candidate.first : candidate.last])
        y = height + ROW_PX * (rows.index(_row(candidate)) + 1)
        won = index in path.candidates
        color = WON if won else SKIPPED if index in skipped else OTHER
        digit = path.value[path.candidates.index(index)] if won else str(int(np.argmax(mark.digits)))
        label = skipped.get(index) or f"{digit} {mark.digits[int(digit)]:.2f}".replace("0.", ".")
        cv2.line(picture, (column(span.left) + 2, y - 3), (column(span.right) - 2, y - 3), color, 4 if won else 2)
        _write(picture, label, (column(span.center[0]), y - 10), color if color != OTHER else (90, 90, 90))
    return picture


def _row(candidate: Candidate) -> tuple[int, int]:
    """Candidates of one row do not overlap: those of as many pieces, every so many places."""
    pieces = candidate.last - candidate.first
    return pieces, candidate.first % pieces


def _write(picture: npt.NDArray[np.uint8], text: str, middle: tuple[int, int], color: tuple[int, int, int]) -> None:
    """Text around a place, moved in where it would leave the picture."""
    (width, _), _ = cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)
    x = min(max(middle[0] - width // 2, 0), max(picture.shape[1] - width, 0))
    cv2.putText(picture, text, (x, middle[1]), _FONT, _FONT_SCALE, color, 1, cv2.LINE_AA)
