"""Find a template's sheet on a page by its fiducials: filled black squares at known places.

In:  a gray page of any size and turn, and the template's fiducials in mm.
Out: hypotheses, best first, and more than one where the squares look the same after a turn.
Logos, letters and black bars are dark blobs as well, scribbles touch squares, scanners cut them off: a constellation
of the right sizes at the right distances is sought among all blobs, and a missing square is allowed where three are
left. Which hypothesis is true is told by the printed rules of the fields (docproc.form.snapping).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.features import Hypothesis, is_plausible
from docproc.geometry import Box, Points, Transform
from docproc.page import Gray
from docproc.template import Fiducial, PageSize

WORKING_SIDE_PX = 1600  #: Long side of the image that is searched: a square of 4 mm is 21 px on A4.
#: Sizes at which squares are sought, as shares of that of a sheet whose long side is the image's.
SIZES = (1.15, 0.8, 0.55, 0.38)
OPENING = 0.55  #: Of the square's side: strokes and noise thinner than this are taken off a blob before it is judged.
SMALLEST_SIDE_PX = 5.0  #: Smaller squares cannot be told from letters.
SIDE_TOLERANCE = 1.45  #: Ratio by which a blob's side may differ from a square's: perspective, toner, a cut.
SHORTEST_CUT = 0.35  #: Of a square's side that must be left at the image's edge.
LEAST_FILL = 0.8  #: Share of its smallest rectangle that a blob fills.
MOST_BLOBS = 80  #: The most square-like are kept.
NEAR_OF_SHEET = 0.12  #: A fiducial is sought within this share of the sheet's diagonal: perspective moves it.
LONGEST_BASES = 8  #: Pairs of fiducials, the farthest apart first, that are tried as the base of a constellation.
MOST_HYPOTHESES = 16  #: Where two squares of four are lost, words of the right sizes rank before the true three.
LEAST_FIDUCIALS = 3
UPRIGHT = 0.1  #: Worth of lying upright, in fiducials: four squares look the same upside down, and few pages lie so.
GRAIN = 0.25  #: Of the square's side: averaged before it is judged, as poor toner and bad thresholds leave holes.
LEAST_DARKNESS = 0.5  #: Of the darkest on the page, after that: toner may be gray.
FAINTEST = 0.5  #: Of full black: what the darkest is taken for, at least.


@dataclass(frozen=True, slots=True, eq=False)
class _Blobs:
    """Dark blobs that may be squares, in pixels of the page."""

    centers: Points  #: (N, 2)
    sides: npt.NDArray[np.float64]  #: (N,) root of the area.
    boxes: Points  #: (N, 4) left, top, right, bottom.
    cut: npt.NDArray[np.bool_]  #: (N, 4) whether the image's left, top, right, bottom edge cuts it.


def constellations(gray: Gray, fiducials: Sequence[Fiducial], sheet: PageSize) -> tuple[Hypothesis, ...]:
    """Where the sheet of these fiducials may lie on the page; best first, at most MOST_HYPOTHESES."""
    if len(fiducials) < LEAST_FIDUCIALS:
        return ()
    blobs = _find_blobs(gray, fiducials, sheet)
    if len(blobs.sides) < LEAST_FIDUCIALS:
        return ()
    corners = Box(0, 0, sheet.width_mm, sheet.height_mm).corners()
    found: dict[tuple[int, ...], tuple[float, Hypothesis]] = {}
    for assigned in _assignments(blobs, fiducials):
        if assigned in found:
            continue
        fitted = _fit(blobs, fiducials, assigned)
        if fitted is None:
            continue
        page_from_form, miss = fitted
        count = sum(blob >= 0 for blob in assigned)
        if is_plausible(page_from_form, corners, gray.shape):
            rank = count - miss + UPRIGHT * _uprightness(page_from_form, corners)
            found[assigned] = (rank, Hypothesis(page_from_form, count, len(fiducials)))
    ranked = sorted(found.values(), key=lambda entry: -entry[0])
    return tuple(hypothesis for _, hypothesis in ranked[:MOST_HYPOTHESES])


def _uprightness(page_from_form: Transform, corners: Points) -> float:
    """1 where the sheet's upper edge runs to the right on the page, -1 upside down."""
    along = np.diff(page_from_form @ corners[:2], axis=0)[0]
    return float(along[0] / np.hypot(*along))


def _find_blobs(gray: Gray, fiducials: Sequence[Fiducial], sheet: PageSize) -> _Blobs:
    factor = min(WORKING_SIDE_PX / max(gray.shape), 1.0)
    small = gray if factor == 1 else cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    # Paper's brightness: the brightest nearby, from a coarse image, so that shadows do not pass for ink.
    coarse = cv2.resize(small, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
    reach = 2 * (max(coarse.shape) // 12) + 1
    paper = cv2.resize(cv2.dilate(coarse, np.ones((reach, reach), np.uint8)), small.shape[::-1])
    darkness = 255 - np.minimum(small / np.maximum(paper, 1) * 255, 255).astype(np.uint8)
    side_mm = float(np.median([np.sqrt(fiducial.box.area) for fiducial in fiducials]))
    px_per_mm = max(small.shape) / max(sheet.width_mm, sheet.height_mm)
    rows: list[tuple[float, tuple[float, ...]]] = []
    for size in SIZES:
        side_px = side_mm * px_per_mm * size
        if side_px >= SMALLEST_SIDE_PX:
            rows += _blobs_of_size(darkness, side_px)
    rows.sort(key=lambda row: -row[0])
    kept: list[tuple[float, ...]] = []
    for _, row in rows:  # the same blob is seen at several sizes: its clearest view is kept
        if all(np.hypot(row[0] - other[0], row[1] - other[1]) > 0.5 * other[2] for other in kept):
            kept.append(row)
    table = np.array(kept[:MOST_BLOBS], np.float64).reshape(-1, 7)
    cut = np.column_stack(
        [table[:, 3] <= 1, table[:, 4] <= 1, table[:, 5] >= small.shape[1] - 1, table[:, 6] >= small.shape[0] - 1]
    )
    zoom = gray.shape[1] / small.shape[1]
    return _Blobs((table[:, :2] + 0.5) * zoom - 0.5, table[:, 2] * zoom, table[:, 3:] * zoom - 0.5, cut)


def _blobs_of_size(darkness: Gray, side_px: float) -> list[tuple[float, tuple[float, ...]]]:
    """Blobs of about that side: how square each is, and (x, y, side, left, top, right, bottom)."""
    reach = round(side_px * OPENING / 2)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    grain = 2 * round(side_px * GRAIN / 2) + 1
    smooth = cv2.blur(darkness, (grain, grain))
    darkest = max(float(smooth.max()), 255 * FAINTEST)
    dark = (smooth > LEAST_DARKNESS * darkest).astype(np.uint8) * 255
    # Beyond the image's edge counts as dark: a square that the edge cuts is still a square.
    padded = cv2.copyMakeBorder(dark, *(4 * (2 * reach,)), cv2.BORDER_CONSTANT, value=255)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel)[2 * reach : -2 * reach, 2 * reach : -2 * reach]
    count, labels, stats, centers = cv2.connectedComponentsWithStats(opened, connectivity=4)
    rows = []
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[label])
        if max(width, height) > 2.2 * side_px or max(width, height) < 0.6 * side_px:
            continue
        mask = (labels[top : top + height, left : left + width] == label).astype(np.uint8)
        _, (across, along), _ = cv2.minAreaRect(cv2.findNonZero(mask))
        fill = area / ((across + 1) * (along + 1))
        ratio = (min(across, along) + 1) / (max(across, along) + 1)
        if fill < LEAST_FILL or ratio < SHORTEST_CUT:
            continue
        side = float(np.sqrt(area))
        rows.append((fill * ratio, (*centers[label], side, left, top, left + width, top + height)))
    return rows


def _assignments(blobs: _Blobs, fiducials: Sequence[Fiducial]) -> list[tuple[int, ...]]:
    """For each constellation found: which blob is each fiducial, -1 for none; fullest first."""
    centers = np.array([fiducial.box.center for fiducial in fiducials])
    sides = np.array([np.sqrt(fiducial.box.area) for fiducial in fiducials])
    points = blobs.centers[:, 0] + 1j * blobs.centers[:, 1]
    marks = centers[:, 0] + 1j * centers[:, 1]
    near_mm = NEAR_OF_SHEET * float(np.ptp(centers[:, 0]) + np.ptp(centers[:, 1]))
    bases = sorted(combinations(range(len(marks)), 2), key=lambda pair: -abs(marks[pair[0]] - marks[pair[1]]))
    scored: dict[tuple[int, ...], tuple[int, float]] = {}
    for first, second in bases[:LONGEST_BASES]:
        span = marks[second] - marks[first]
        # A turn and a scale are one complex number: page = a + turn * (form - first).
        turn = (points[np.newaxis] - points[:, np.newaxis]) / span
        scale = np.abs(turn)
        with np.errstate(divide="ignore", invalid="ignore"):
            fits = _fits(blobs, scale * sides[first])[0] & _fits(blobs, scale * sides[second])[1]
        for a, b in np.argwhere(fits):
            assigned, miss = _complete(points, blobs, marks, sides, points[a], turn[a, b], first, near_mm)
            count = sum(blob >= 0 for blob in assigned)
            if count >= LEAST_FIDUCIALS and (assigned not in scored or scored[assigned][1] > miss):
                scored[assigned] = (count, miss)
    order = sorted(scored, key=lambda assigned: (-scored[assigned][0], scored[assigned][1]))
    return order[: 4 * MOST_HYPOTHESES]


def _fits(blobs: _Blobs, expected_px: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether blob a (rows), and blob b (columns), has about the expected side; a cut one may be smaller."""
    least = np.where(blobs.cut.any(axis=1), SHORTEST_CUT, 1 / SIDE_TOLERANCE)
    of_first = blobs.sides[:, np.newaxis] / np.maximum(expected_px, 1e-9)
    of_second = blobs.sides[np.newaxis] / np.maximum(expected_px, 1e-9)
    return (
        (of_first < SIDE_TOLERANCE) & (of_first > least[:, np.newaxis]),
        (of_second < SIDE_TOLERANCE) & (of_second > least[np.newaxis]),
    )


def _complete(
    points: npt.NDArray[np.complex128],
    blobs: _Blobs,
    marks: npt.NDArray[np.complex128],
    sides: npt.NDArray[np.float64],
    origin: complex,
    turn: complex,
    first: int,
    near_mm: float,
) -> tuple[tuple[int, ...], float]:
    """Each fiducial's nearest blob of the right size, given two of them; and how far they miss, in near_mm."""
    expected = origin + turn * (marks - marks[first])
    scale = abs(turn)
    gap = np.abs(points[np.newaxis] - expected[:, np.newaxis]) / (scale * near_mm)
    ratio = blobs.sides[np.newaxis] / (scale * sides[:, np.newaxis])
    least = np.where(blobs.cut.any(axis=1), SHORTEST_CUT, 1 / SIDE_TOLERANCE)
    gap = np.where((ratio < SIDE_TOLERANCE) & (ratio > least), gap, np.inf)
    assigned = [-1] * len(marks)
    total = 0.0
    for mark in np.argsort(gap.min(axis=1), kind="stable"):
        blob = int(gap[mark].argmin())
        if gap[mark, blob] <= 1:
            assigned[mark] = blob
            total += float(gap[mark, blob])
            gap[:, blob] = np.inf
    return tuple(assigned), total


def _fit(blobs: _Blobs, fiducials: Sequence[Fiducial], assigned: tuple[int, ...]) -> tuple[Transform, float] | None:
    """The map through the squares' middles, and how far it is from a plain turn and scale (0 to about 1)."""
    pairs = [(number, blob) for number, blob in enumerate(assigned) if blob >= 0]
    form = np.array([fiducials[number].box.center for number, _ in pairs])
    page = blobs.centers[[blob for _, blob in pairs]].copy()
    similarity, _ = cv2.estimateAffinePartial2D(form, page, method=cv2.LMEDS)
    if similarity is None:
        return None
    for row, (number, blob) in enumerate(pairs):
        page[row] = _whole_center(blobs, blob, page[row], fiducials[number].box, similarity)
    whole = [row for row, (_, blob) in enumerate(pairs) if not blobs.cut[blob].any()]
    if len(whole) >= 4:
        form_used, page_used = form[whole], page[whole]
    else:
        form_used, page_used = form, page
    if len(form_used) >= 4:
        matrix, _ = cv2.findHomography(form_used, page_used, 0)
        if matrix is None:
            return None
    else:
        matrix = np.vstack(
            [cv2.getAffineTransform(form_used.astype(np.float32), page_used.astype(np.float32)), (0, 0, 1)]
        )
    if abs(np.linalg.det(matrix[:, :2].T @ matrix[:, :2])) < 1e-12:
        return None
    design = np.column_stack([form, np.ones(len(form))])
    affine, *_ = np.linalg.lstsq(design, page, rcond=None)
    scale = float(np.sqrt(abs(np.linalg.det(affine[:2]))))
    plain = page - (form @ similarity[:, :2].T + similarity[:, 2])
    size = float(np.ptp(form[:, 0]) + np.ptp(form[:, 1])) * max(scale, 1e-9)
    return Transform.of(matrix), float(np.sqrt((plain**2).sum(axis=1).mean()) / size / NEAR_OF_SHEET)


def _whole_center(
    blobs: _Blobs,
    blob: int,
    center: npt.NDArray[np.float64],
    box: Box,
    page_from_form: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """The middle of the whole square, from the sides that the image's edge left."""
    cut_left, cut_top, cut_right, cut_bottom = blobs.cut[blob]
    reach = np.abs(page_from_form[:, :2]) @ np.array([box.width, box.height]) / 2
    left, top, right, bottom = blobs.boxes[blob]
    x = right - reach[0] if cut_left and not cut_right else left + reach[0] if cut_right else center[0]
    y = bottom - reach[1] if cut_top and not cut_bottom else top + reach[1] if cut_bottom else center[1]
    return np.array([x, y])
