"""Find the boxes that printed rules enclose: table cells, combs' cells, lone boxes.

In:  a page.
Out: its boxes as `PrintedBoxes`: four corners each, in an upright frame and on the page, blank ones included.
Which boxes belong together is docproc.form.grid's subject; whether one is written in, docproc.form.handwriting's.

A box is a connected area of paper that rules close off on all sides, and that is about a rectangle. The edge of the
image closes what it cuts. Areas that writing has cut off from a box inside it (the bowl of a zero is no rule) never
come up; a box that a stroke has cut right through is made whole by docproc.form.mending, and what is missing of a
comb is added by docproc.form.completion.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.columns import with_rows
from docproc.form.completion import completed
from docproc.form.mending import mended
from docproc.form.ruling import Ruling, find_ruling
from docproc.geometry import Box, Points
from docproc.page import Gray, Ink, Page

LEAST_SIDE_PX = 14  #: Of a box in the working image: 2 mm on A4. Smaller ones are check marks' boxes and letters.
LARGEST_SHARE = 1 / 3  #: Of the page's area. Larger areas are the sheet, or a part of it, inside a frame.
LEAST_FILL = 0.8  #: Share of its own four corners' area that a box must fill.
LEAST_UPRIGHT = 0.6  #: Share of the upright rectangle around it that the four corners must cover.
LEAST_PARALLEL = 0.6  #: Shorter of two opposite sides by the longer.
LEAST_RULED = 0.5  #: Share of each side that must be rule, or the edge of the image.
NESTED_HEIGHTS = 3.0  #: A box in another that is lower than this many times its own height may be a digit's bowl ...
ROUND_FILL = 0.88  #: ... where the paper inside fills less of a rectangle: an ellipse fills pi / 4 of it.
PAPER_SHARE = 0.4  #: Paper, inside a box, is paler than this share of what bounds the box.
PRINTED_SHARE = 0.3  #: Printed sides of one box are at least so dark, by their median.
HALF_RULE_PX = 1.0  #: From the paper's last pixel to the middle of the rule.


@dataclass(frozen=True, slots=True, eq=False)
class PrintedBox:
    """One ruled box."""

    corners: Points  #: (4, 2) in the upright frame: top left, top right, bottom right, bottom left.

    @property
    def width(self) -> float:
        """Mean of the upper and lower side, in pixels of the upright frame."""
        top, right, bottom, left = self.corners
        return float(np.hypot(*(right - top)) + np.hypot(*(bottom - left))) / 2

    @property
    def height(self) -> float:
        """Mean of the left and right side, in pixels of the upright frame."""
        top, right, bottom, left = self.corners
        return float(np.hypot(*(left - top)) + np.hypot(*(bottom - right))) / 2

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) of the middle, in the upright frame."""
        x, y = self.corners.mean(axis=0)
        return float(x), float(y)

    @property
    def bounds(self) -> Box:
        """The smallest upright box around it, in pixels of the upright frame."""
        return Box.around(self.corners)


@dataclass(frozen=True, slots=True, eq=False)
class PrintedBoxes:
    """The boxes of a page, and the frame that they are in."""

    ruling: Ruling
    boxes: tuple[PrintedBox, ...]  #: In no order that means anything.

    def on_page(self, box: PrintedBox) -> Points:
        """(4, 2) corners in pixels of the page as read: top left, top right, bottom right, bottom left."""
        return self.ruling.page_from_upright @ box.corners


def find_boxes(page: Page, *, blank: bool = False) -> PrintedBoxes:
    """Find every ruled box of a page, written in or not.

    On a `blank` page nothing is mended or added: what no writing hides is seen.
    """
    ruling = find_ruling(page_gray(page), blank=blank)
    quads = _enclosed(ruling)
    if blank:  # nothing is hidden: a rule that was followed across a gap, from one table to the next, is none there
        dark = cv2.dilate(ruling.depth | ruling.filled, np.ones((5, 5), np.uint8))
        quads = [quad for quad in quads if _printed(quad, dark, ruling.sheet)]
    else:
        quads = completed(mended(quads, ruling), ruling.rules, ruling.filled, ruling.depth)
        quads = with_rows(quads, ruling.depth, ruling.sheet)
    return PrintedBoxes(ruling=ruling, boxes=tuple(PrintedBox(corners=quad) for quad in quads))


def page_gray(page: Page) -> Gray:
    """(H, W) of a page in gray or RGB."""
    return page.pixels if page.pixels.ndim == 2 else cv2.cvtColor(page.pixels, cv2.COLOR_RGB2GRAY)


def _enclosed(ruling: Ruling) -> list[Points]:
    """Corners of the areas that rules close off."""
    barrier = cv2.bitwise_or(ruling.barrier, ruling.filled)
    free = cv2.bitwise_and(cv2.bitwise_not(barrier), ruling.sheet)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(free, connectivity=4, ltype=cv2.CV_32S)
    support = cv2.dilate(barrier | cv2.bitwise_not(ruling.sheet), np.ones((5, 5), np.uint8))
    support[:3] = support[-3:] = 255
    support[:, :3] = support[:, -3:] = 255
    page_area = float(np.count_nonzero(ruling.sheet))
    found: list[Points] = []
    for number in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[number])
        if min(width, height) < LEAST_SIDE_PX or area > LARGEST_SHARE * page_area:
            continue
        if area < LEAST_FILL * LEAST_UPRIGHT * width * height * 0.8:
            continue
        region = (labels[top : top + height, left : left + width] == number).astype(np.uint8)
        corners = _corners(region)
        if corners is None:
            continue
        corners = corners + np.array([left, top])
        if _ruled(corners, support):
            found.append(corners)
    return _without_bowls(found, ruling.depth)


def _corners(region: Ink) -> Points | None:
    """Four corners of a region that is about a rectangle; None for any other shape."""
    height, width = region.shape
    contours, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=len).reshape(-1, 2).astype(np.float64)
    quad = _extremes(contour)
    sides = _sides(contour, quad)
    if sides is not None:
        quad = sides
    across = np.hypot(*(quad[1] - quad[0])), np.hypot(*(quad[2] - quad[3]))
    down = np.hypot(*(quad[3] - quad[0])), np.hypot(*(quad[2] - quad[1]))
    if min(*across, *down) < LEAST_SIDE_PX * 0.8:
        return None
    if min(across) < LEAST_PARALLEL * max(across) or min(down) < LEAST_PARALLEL * max(down):
        return None
    area = float(cv2.contourArea(quad.astype(np.float32)))
    filled = float(cv2.contourArea(contour.astype(np.float32)))
    if area < LEAST_UPRIGHT * width * height or not LEAST_FILL * area <= filled <= area / LEAST_FILL:
        return None
    return quad


def _extremes(contour: Points) -> Points:
    """The contour's points farthest toward the four corners of the rectangle around it."""
    x, y = contour[:, 0], contour[:, 1]
    # Scaled to a square: in a long box that leans, the plain sums would slide along its long side.
    x, y = x / max(float(np.ptp(x)), 1.0), y / max(float(np.ptp(y)), 1.0)
    return contour[[int((x + y).argmin()), int((x - y).argmax()), int((x + y).argmax()), int((x - y).argmin())]]


def _sides(contour: Points, quad: Points) -> Points | None:
    """Corners where straight lines through the middle parts of the four sides meet, half a rule further out."""
    lines = []
    for before, start, stop in zip(np.roll(quad, 1, axis=0), quad, np.roll(quad, -1, axis=0), strict=True):
        run = stop - start
        length = float(np.hypot(*run))
        if length < 4:
            return None
        # In a long box, the far side is nearer than a twelfth of its length.
        reach = min(max(3.0, 0.08 * length), max(0.3 * float(np.hypot(*(start - before))), 1.5))
        run = run / length
        normal = np.array([run[1], -run[0]])  # outward: the corners go clockwise on the page
        along, off = (contour - start) @ run, (contour - start) @ normal
        near = (along > 0.12 * length) & (along < 0.88 * length) & (np.abs(off) < reach)
        if np.count_nonzero(near) < 5:
            return None
        fitted = cv2.fitLine(contour[near].astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01)
        vx, vy, x, y = (float(value) for value in np.ravel(fitted))
        lines.append((np.array([x, y]) + HALF_RULE_PX * normal, np.array([vx, vy])))
    corners = []
    for (point, run), (other, other_run) in zip([lines[3], *lines[:3]], lines, strict=True):
        matrix = np.stack([run, -other_run], axis=1)
        if abs(np.linalg.det(matrix)) < 0.3:
            return None
        corners.append(point + run * np.linalg.solve(matrix, other - point)[0])
    return np.array(corners)


def _ruled(corners: Points, support: Ink) -> bool:
    """Whether every side lies on rules, or on the image's edge, for its better part."""
    x, y = _along(corners, support)
    return bool(((support[y, x] > 0).mean(axis=1) >= LEAST_RULED).all())


def _printed(quad: Points, dark: Gray, sheet: Ink) -> bool:
    """Whether every side is about as dark as the box's sides are, or the image's edge, for its better part."""
    x, y = _along(quad, dark)
    height, width = dark.shape
    edge = (x < 3) | (y < 3) | (x >= width - 3) | (y >= height - 3) | (sheet[y, x] == 0)
    depth = dark[y, x]
    is_dark = depth >= PRINTED_SHARE * np.median(depth)
    return bool(((is_dark | edge).mean(axis=1) >= LEAST_RULED).all())


def _along(corners: Points, image: Gray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(4, 40) columns and rows of points along the four sides of a box."""
    height, width = image.shape
    share = np.linspace(0.05, 0.95, 40)[:, np.newaxis]
    points = corners[:, np.newaxis] + share * (np.roll(corners, -1, axis=0) - corners)[:, np.newaxis]
    points = np.rint(points).astype(np.int64)
    return np.clip(points[..., 0], 0, width - 1), np.clip(points[..., 1], 0, height - 1)


def _without_bowls(quads: list[Points], depth: Gray) -> list[Points]:
    """Boxes without the round ones inside another box: bowls of digits."""
    bounds = [Box.around(quad) for quad in quads]
    result = []
    for quad, inner in zip(quads, bounds, strict=True):
        nested = any(
            outer.height < NESTED_HEIGHTS * inner.height and outer.area > inner.area and outer.contains(inner)
            for outer in bounds
        )
        if not nested or not _is_round(quad, depth):
            result.append(quad)
    return result


def _is_round(quad: Points, depth: Gray) -> bool:
    """Whether the paper inside a box has no corners; what is written there takes none away."""
    x, y = _along(quad, depth)
    level = PAPER_SHARE * float(np.median(depth[y, x]))
    inside = depth[y.min() : y.max() + 1, x.min() : x.max() + 1]
    count, labels, stats, _ = cv2.connectedComponentsWithStats((inside < level).astype(np.uint8), connectivity=4)
    if count < 2:
        return False
    middle = np.array(inside.shape) // 2
    number = int(labels[middle[0], middle[1]]) or 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    hull = cv2.convexHull(np.argwhere(labels == number).astype(np.float32))
    (_, sides, _) = cv2.minAreaRect(hull)
    return cv2.contourArea(hull) < ROUND_FILL * sides[0] * sides[1]
