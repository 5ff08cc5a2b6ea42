"""Find the sheet of paper on a photograph by its four sides: a corner may be hidden, folded or out of the picture.

In:  a page's image, paper brighter than what it lies on.
Out: a `Sheet`, or None where the image shows no background: then it is the sheet, as from a scanner.
What is printed on the sheet is not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

from docproc.geometry import Box, Points
from docproc.page import Gray, Mask, Page

WORKING_SIDE_PX = 700  #: Long side at which the sheet is sought: a curled edge stays within a pixel or two.
CLOSING = 0.03  #: Of the working side: print, writing and boxes are thinner, and filled.
MOST_PIECES = 150  #: Of straight edges, the longest.
MOST_EDGES = 14  #: Lines that pieces make; four of them are the sheet's.
NEAR = 0.012  #: Of the working side: pieces of one line lie this near to it,
NEAR_DEG = 4.0  #: and lean no more against it: paper curls.
STEEPEST_DEG = 40.0  #: By which perspective bends a corner of 90 degrees.
FOCAL = 0.85  #: Of the image's long side: a phone's main camera, about 26 mm on film.
RIM = 0.004  #: Of a flattened sheet's long side: a millimeter of A4, where its edge and the desk may show.
FARTHEST = 0.25  #: Of the image's side: how far beyond it a corner may lie.
SMALLEST = 0.15  #: Share of the image that a sheet fills; a smaller one cannot be read.
PROBES = 60  #: Points along a side where inside and outside are compared.
PROBE = 0.008  #: Of the working side: how far from the side they lie,
LEAST_STEP = 12.0  #: and by how many gray levels the inside must be brighter.
LEAST_SUPPORT = 0.7  #: Of a side's probes inside the image that must be so.
LEAST_SHOWN = 0.4  #: Of a side's probes that must be inside the image.
SEARCH = 0.015  #: Of the working side: how far a side is moved onto the strongest edge.


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A sheet of paper on a photograph."""

    corners_px: Points  #: (4, 2) on the page: clockwise, from the one that is nearest to the image's top left.

    def aspect(self, image_shape: tuple[int, ...]) -> float:
        """Its first side's length on paper, by its second's: perspective undone [1]_.

        The camera is taken for a phone's: a picture of a sheet that is seen from above hardly tells its focal length.

        References
        ----------
        .. [1] Z. Zhang and L. He, "Whiteboard scanning and image enhancement", Digital Signal Processing 17(2),
           2007, pp. 414-432, section 3.
        """
        center = np.array([image_shape[1] / 2, image_shape[0] / 2])
        m1, m2, m4, m3 = (np.array([*(corner - center), 1.0]) for corner in self.corners_px)
        k2 = np.dot(np.cross(m1, m4), m3) / np.dot(np.cross(m2, m4), m3)
        k3 = np.dot(np.cross(m1, m4), m2) / np.dot(np.cross(m3, m4), m2)
        focal_px = FOCAL * max(image_shape[:2])
        across, down = (np.hypot(np.hypot(n[0], n[1]) / focal_px, n[2]) for n in (k2 * m2 - m1, k3 * m3 - m1))
        return float(across / down)


def find_sheet(page: Page) -> Sheet | None:
    """The sheet on the image, if it shows one on a background."""
    height, width = page.pixels.shape[:2]
    factor = min(WORKING_SIDE_PX / max(height, width), 1.0)
    small = cv2.resize(page.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    light = _paperness(small)
    best: tuple[float, Points] | None = None
    for quad in _candidates(light):
        moved = _onto_edges(light, quad)
        supports = [_support(light, moved, side) for side in range(4)]
        if min(supports) < LEAST_SUPPORT:
            continue
        score = float(np.mean(supports)) * float(np.sqrt(cv2.contourArea(moved.astype(np.float32))))
        if best is None or score > best[0]:
            best = score, moved
    if best is None:
        return None
    zoom = np.array([width / small.shape[1], height / small.shape[0]])
    return Sheet((best[1] + 0.5) * zoom - 0.5)


def _paperness(pixels: npt.NDArray[np.uint8]) -> Gray:
    """How bright and colorless a place is, print and writing filled: wood is as bright as shaded paper, and brown."""
    if pixels.ndim == 3:
        darkest = pixels.min(axis=2)
        spread = pixels.max(axis=2) - darkest
        light = np.clip(darkest.astype(np.int16) - spread // 2, 0, 255).astype(np.uint8)
    else:
        light = pixels
    reach = 2 * round(CLOSING * max(light.shape) / 2) + 1
    closed = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    return cv2.GaussianBlur(closed, (0, 0), 1.0)


def _candidates(light: Gray) -> Iterator[Points]:
    """Four-sided figures that long edges make, each brighter inside; clockwise from the top left.

    Edges, and no threshold: half of a sheet may lie in a shadow that is darker than the desk.
    """
    sides = _edges(light)
    angles = np.array([np.arctan2(*edge.run[::-1]) for edge in sides])
    for chosen in combinations(np.argsort(angles, kind="stable"), 4):
        turns = np.diff([*angles[list(chosen)], angles[chosen[0]] + 2 * np.pi])
        if np.any(np.abs(turns - np.pi / 2) > np.radians(STEEPEST_DEG)):
            continue
        quad = _corners_of([_line(sides[side].start, sides[side].start + sides[side].run) for side in chosen])
        if quad is not None and _is_large(quad, light):
            yield quad


@dataclass(frozen=True, slots=True, eq=False)
class _Edge:
    """A long straight step from dark to bright."""

    start: Points  #: (2,) a point on it.
    run: Points  #: (2,) unit vector along it, the bright side on its right hand as the image is seen.
    length: float


def _edges(light: Gray) -> list[_Edge]:
    """The longest straight edges, pieces of one line joined."""
    found = cv2.createLineSegmentDetector().detect(light)[0]
    if found is None:
        return []
    ends = found.reshape(-1, 2, 2).astype(np.float64)
    lengths = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    pieces = []
    for piece in np.argsort(-lengths, kind="stable")[:MOST_PIECES]:
        start, end = ends[piece]
        along = np.linspace(0.1, 0.9, 9)[:, np.newaxis]
        spots, away = start + along * (end - start), PROBE * max(light.shape) * _inward(start, end)
        step = float(np.median(_at(light, spots + away) - _at(light, spots - away)))
        if abs(step) >= LEAST_STEP:
            pieces.append((start, end) if step > 0 else (end, start))
    joined: list[list[tuple[Points, Points]]] = []
    near = NEAR * max(light.shape)
    for start, end in pieces:
        run = (end - start) / np.hypot(*(end - start))
        for group in joined:
            first, last = group[0]
            way = (last - first) / np.hypot(*(last - first))
            off = np.abs([_cross(way, start - first), _cross(way, end - first)])
            if way @ run > np.cos(np.radians(NEAR_DEG)) and off.max() < near:
                group.append((start, end))
                break
        else:
            joined.append([(start, end)])
    edges = []
    for group in joined:
        points = np.array(group).reshape(-1, 2)
        x, y, x0, y0 = cv2.fitLine(points.astype(np.float32), cv2.DIST_L2, 0, 0.01, 0.01).ravel().astype(float)
        run = np.array([x, y]) * np.sign(np.dot([x, y], group[0][1] - group[0][0]))
        edges.append(_Edge(np.array([x0, y0]), run, float(sum(np.hypot(*(end - start)) for start, end in group))))
    edges.sort(key=lambda edge: -edge.length)
    return edges[:MOST_EDGES]


def _cross(first: Points, second: Points) -> float:
    return float(first[0] * second[1] - first[1] * second[0])


def _is_large(quad: Points, light: Gray) -> bool:
    height, width = light.shape
    shown = np.clip(quad, (0, 0), (width - 1, height - 1))
    beyond = np.abs(quad - shown).max() / max(height, width)
    return cv2.contourArea(shown.astype(np.float32)) >= SMALLEST * light.size and beyond < FARTHEST


def _line(first: Points, second: Points) -> npt.NDArray[np.float64]:
    """(3,) the line through two points."""
    return np.cross([*first, 1.0], [*second, 1.0])


def _corners_of(lines: list[npt.NDArray[np.float64]]) -> Points | None:
    """Where neighboring lines meet, clockwise from the top left; None where two do not."""
    corners = []
    for before, line in zip([lines[-1], *lines[:-1]], lines, strict=True):
        x, y, w = np.cross(before, line)
        if abs(w) < 1e-9 * max(abs(x), abs(y), 1.0):
            return None
        corners.append((x / w, y / w))
    points = np.array(corners, np.float64)
    if not cv2.isContourConvex(points.astype(np.float32)):
        return None
    if cv2.contourArea(points.astype(np.float32), oriented=True) < 0:
        points = points[::-1]
    return np.roll(points, -int(points.sum(axis=1).argmin()), axis=0)


def _onto_edges(light: Gray, quad: Points) -> Points:
    """The figure with each side moved onto the strongest edge beside it."""
    reach = SEARCH * max(light.shape)
    lines = []
    for side in range(4):
        start, end = quad[side], quad[(side + 1) % 4]
        along = np.linspace(0.06, 0.94, PROBES)[:, np.newaxis]
        inward = _inward(start, end)
        steps = np.arange(-reach, reach + 0.5, 0.5)
        spots = (start + along * (end - start))[:, np.newaxis] + steps[:, np.newaxis] * inward
        values = _at(light, spots.reshape(-1, 2)).reshape(PROBES, len(steps))
        rise = values[:, 4:] - values[:, :-4]
        best = rise.argmax(axis=1)
        strong = rise[np.arange(PROBES), best] >= LEAST_STEP
        if strong.sum() < 8:
            lines.append(_line(start, end))
            continue
        edge = spots[np.arange(PROBES), best + 2][strong]
        x, y, x0, y0 = cv2.fitLine(edge.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel().astype(float)
        lines.append(_line(np.array([x0, y0]), np.array([x0 + x, y0 + y])))
    moved = _corners_of(lines)
    return quad if moved is None else moved


def _support(light: Gray, quad: Points, side: int) -> float:
    """Share of a side, where the image shows it, along which it is brighter inside; 0 for one hardly shown."""
    start, end = quad[side], quad[(side + 1) % 4]
    along = np.linspace(0.04, 0.96, PROBES)[:, np.newaxis]
    spots = start + along * (end - start)
    away = PROBE * max(light.shape) * _inward(start, end)
    inside, outside = spots + away, spots - away
    shown = _within(light, inside) & _within(light, outside)
    if shown.mean() < LEAST_SHOWN:
        return 0.0
    return float((_at(light, inside[shown]) - _at(light, outside[shown]) >= LEAST_STEP).mean())


def _inward(start: Points, end: Points) -> Points:
    """Unit vector to the right of a side: inside, for a figure that is gone around clockwise, y pointing down."""
    run = (end - start) / np.hypot(*(end - start))
    return np.array([-run[1], run[0]])


def _within(light: Gray, spots: Points) -> Mask:
    height, width = light.shape
    x, y = spots.T
    return (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)


def _at(light: Gray, spots: Points) -> npt.NDArray[np.float64]:
    """Brightness at points, between pixels too; beyond the image that of its edge."""
    x, y = spots.astype(np.float32).T
    found = cv2.remap(light, x[:, np.newaxis], y[:, np.newaxis], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found[:, 0].astype(np.float64)


def rectified(page: Page, sheet: Sheet, aspect: float) -> Page:
    """The sheet alone, at about the resolution of the photograph: width by height is `aspect`."""
    sides = np.hypot(*(np.roll(sheet.corners_px, -1, axis=0) - sheet.corners_px).T)
    width = max(sides[0], sides[2], aspect * max(sides[1], sides[3]))
    size = round(width), round(width / aspect)
    target = Box(-0.5, -0.5, *size).corners()
    flat_from_page = cv2.getPerspectiveTransform(sheet.corners_px.astype(np.float32), target.astype(np.float32))
    flat = cv2.warpPerspective(page.pixels, flat_from_page, size, flags=cv2.INTER_CUBIC)
    # The sheet's edge is no line on it: its rim is painted over with what lies inside.
    rim = math.ceil(RIM * max(size))
    inner = flat[rim:-rim, rim:-rim]
    return Page(page.ref, cv2.copyMakeBorder(inner, rim, rim, rim, rim, cv2.BORDER_REPLICATE), None)
