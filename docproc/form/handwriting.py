"""Say which printed boxes hold writing.

In:  the boxes of a page.
Out: for each box whether something is written in it.
Doubt counts as writing: a box wrongly kept costs a line of review, a box wrongly left out loses a number.

What is not writing: remains of the box's own rules, specks and dots, a watermark (much paler than the page's ink), a
filled area, and a line of print, whose letters are many and all stand on one straight line.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.boxes import PrintedBox, PrintedBoxes
from docproc.page import Gray, Ink

LEAST_DEPTH = 10.0  #: Gray levels below the paper; JPEG noise stays above.
NOISE_FACTOR = 5.0  #: Threshold in units of the page's own noise.
PALE_SHARE = 0.22  #: Of the page's ink: what is paler is a watermark or the other side's print, pencil is darker.
RULE_MARGIN_PX = 4.0  #: Cut off inside each side: half a rule and its blur ...
RULE_MARGIN_SHARE = 0.05  #: ... and this share of the box's shorter side, since rules bend.
LEAST_MARK_SHARE = 0.2  #: Length of a mark by the box's shorter side: a short dash, a small 1.
LEAST_MARK_PX = 6  #: Length of a mark in the working image: 1 mm on A4.
REMNANT_SHARE = (
    0.12  #: A mark along a side of the box and thinner than this share of the box is a remain of the rule.
)
FILLED_SHARE = 0.6  #: Of a box's inside: a box blacker than this is a printed bar.
PRINT_LETTERS = 5  #: Fewest letters to call a line print: numbers of fewer digits cannot be told from it.
PRINT_OFF_SHARE = 0.06  #: Median distance of print from its base line, by letter height; writing wanders more.
PRINT_LEAN = 0.05  #: Slope of print's base line against the box's lower side, as a tangent.
PRINT_HEIGHT_SHARE = 0.62  #: Of the box's height: letters of print leave room, digits fill the box.


@dataclass(frozen=True, slots=True)
class _Mark:
    left: int
    top: int
    width: int
    height: int


def written_boxes(found: PrintedBoxes) -> tuple[bool, ...]:
    """For each of `found.boxes`: whether something is written in it."""
    if not found.boxes:
        return ()
    ink = clear_ink(found.ruling.depth)
    return tuple(_is_written(ink, box) for box in found.boxes)


def clear_ink(depth: Gray) -> Ink:
    """255 where the page is clearly darker than its paper, by print or by writing."""
    sample = depth[::3, ::3].ravel()
    noise = 1.48 * float(np.median(sample))
    dark = sample[sample > max(2 * LEAST_DEPTH, 2 * NOISE_FACTOR * noise)]
    full = float(np.percentile(dark, 80)) if len(dark) else 0.0
    return (depth > max(LEAST_DEPTH, NOISE_FACTOR * noise, PALE_SHARE * full)).astype(np.uint8) * 255


def _is_written(ink: Ink, box: PrintedBox) -> bool:
    side = min(box.width, box.height)
    margin = RULE_MARGIN_PX + RULE_MARGIN_SHARE * side
    center = np.array(box.center)
    shrink = np.array([max(1 - 2 * margin / box.width, 0.2), max(1 - 2 * margin / box.height, 0.2)])
    inner = np.rint(center + (box.corners - center) * shrink).astype(np.int32)
    left, top = np.maximum(inner.min(axis=0), 0)
    right, bottom = np.minimum(inner.max(axis=0) + 1, (ink.shape[1], ink.shape[0]))
    if right - left < 3 or bottom - top < 3:
        return False
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillConvexPoly(inside, inner - (left, top), 255)
    marks = ink[top:bottom, left:right] & inside
    if np.count_nonzero(marks) > FILLED_SHARE * np.count_nonzero(inside):
        return False
    count, _, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    height, width = marks.shape
    found = [_Mark(*(int(value) for value in stats[n, :4])) for n in range(1, count)]
    found = [mark for mark in found if _is_mark(mark, side, width, height)]
    return bool(found) and not _is_print(found, box)


def _is_mark(mark: _Mark, side: float, width: int, height: int) -> bool:
    """Whether a blot is long enough for a stroke, and no remain of the box's rules."""
    if max(mark.width, mark.height) < max(LEAST_MARK_PX, LEAST_MARK_SHARE * side):
        return False
    at_side = mark.left <= 1 or mark.left + mark.width >= width - 1
    at_end = mark.top <= 1 or mark.top + mark.height >= height - 1
    thin = max(3.0, REMNANT_SHARE * side)
    return not (at_side and mark.width <= thin and mark.height > mark.width) and not (
        at_end and mark.height <= thin and mark.width > mark.height
    )


def _is_print(marks: list[_Mark], box: PrintedBox) -> bool:
    """Whether nearly all marks are letters of print: many, small, and on straight base lines."""
    if len(marks) < PRINT_LETTERS:
        return False
    bottom = np.array([mark.top + mark.height for mark in marks], np.float64)
    height = np.array([mark.height for mark in marks], np.float64)
    middle = np.array([mark.left + mark.width / 2 for mark in marks], np.float64)
    typical = float(np.median(height))
    if typical > PRINT_HEIGHT_SHARE * box.height:
        return False
    run = box.corners[2] - box.corners[3]
    lean = float(run[1] / max(run[0], 1.0))
    on_line = 0
    left = np.ones(len(marks), bool)
    while np.count_nonzero(left) >= PRINT_LETTERS:
        anchor = float(bottom[left].max())
        line = left & (bottom > anchor - typical)
        left &= ~line
        if np.count_nonzero(line) < PRINT_LETTERS:
            continue
        slope, off = _base_line(middle[line], bottom[line])
        if abs(slope - lean) <= PRINT_LEAN and float(np.median(off)) <= max(PRINT_OFF_SHARE * typical, 0.5):
            on_line += int(np.count_nonzero(off <= max(2 * PRINT_OFF_SHARE * typical, 1.01)))
    return on_line >= 0.7 * len(marks)


def _base_line(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
    """Slope of the line that most letters' feet stand on (Theil's median of slopes), and each one's distance."""
    dx = x[:, np.newaxis] - x
    far = np.abs(dx) > 0.3 * np.ptp(x)
    slope = float(np.median((y[:, np.newaxis] - y)[far] / dx[far])) if far.any() else 0.0
    rest = y - slope * x
    return slope, np.abs(rest - np.median(rest))
