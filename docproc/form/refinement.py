"""Sharpen a rough map of a sheet onto a page by comparing patches of print, and say how well the sheet agrees.

In:  a page, a template's reference and a map that is right to a few mm.
Out: an `Agreement`: the sharpened map, the paper's bend that no single map describes, how many patches agree,
     and how far they miss.
Writing hides some patches and other forms share some; so patches are taken all over the sheet and outliers dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.bend import Bend
from docproc.form.features import SEED, Reference
from docproc.form.pyramid import Pyramid
from docproc.geometry import Points, Transform
from docproc.page import Gray


@dataclass(frozen=True, slots=True)
class Pass:
    """One comparison of patches."""

    px_per_mm: float  #: Of the sheet's image that is compared, at most: more detail than the page has helps nothing.
    patch_mm: float  #: Side of a patch.
    grid_mm: float  #: One patch is taken in each square of this side that has print.
    search_mm: float  #: Patches are sought this far around where the map puts them.
    reach_mm: float  #: Patches that miss the one map of the whole sheet by more are outliers to it.
    is_flat: bool = False  #: Seen from straight above: no perspective is sought, which few patches would invent.


#: Rough to fine. The first must catch what features leave (a few mm on bent paper), the last gives the residual.
PASSES = (
    Pass(px_per_mm=3.0, patch_mm=14.0, grid_mm=16.0, search_mm=6.0, reach_mm=2.5),
    Pass(px_per_mm=6.0, patch_mm=9.0, grid_mm=11.0, search_mm=2.0, reach_mm=1.5),
)
#: For a sheet that lies flat, where one map is right to a mm or so: the first makes it right to a tenth.
FLAT_PASSES = (
    Pass(px_per_mm=3.0, patch_mm=9.0, grid_mm=20.0, search_mm=2.0, reach_mm=1.0, is_flat=True),
    Pass(px_per_mm=3.0, patch_mm=9.0, grid_mm=13.0, search_mm=1.0, reach_mm=0.5, is_flat=True),
)
LEAST_CORNER = 0.02  #: A patch's corner measure, as a share of the sheet's 95th percentile: bare paper has none.
LEAST_LIKENESS = 0.5  #: Normalized correlation below which a patch is not the one sought.
LEAST_SPREAD = 6.0  #: Gray levels (standard deviation): a bare part of the page looks like nothing.
NEIGHBORS = 8  #: A patch that misses the median of this many around it ...
NEIGHBOR_MISS_MM = 0.8  #: ... by more is an outlier.
LEAST_PATCHES = 8  #: Fewer tell nothing of a sheet.
RESIDUAL_PERCENTILE = 75.0  #: Of the patches' misses: patches under writing are the quarter that may miss.


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How the reference's print is found on the page."""

    page_from_form: Transform  #: The best single map.
    bend: Bend
    patches: int  #: Compared: those that lie inside the image.
    agreeing: int  #: Found where their neighbors put them.
    residual_mm: float  #: Patches miss the place that the others give them by this (75th percentile).
    visible: float  #: Share of the sheet's patches that lie inside the image.

    @property
    def share(self) -> float:
        """Of the patches compared, how many agree."""
        return self.agreeing / max(self.patches, 1)


def refine(
    page: Pyramid, reference: Reference, page_from_form: Transform, passes: Sequence[Pass] = PASSES
) -> Agreement | None:
    """Compare patches of print, pass after pass; None where too few are found to speak of a sheet."""
    agreement = None
    for step in passes:
        agreement = _compare(page, reference, page_from_form, step)
        if agreement is None:
            return None
        page_from_form = agreement.page_from_form
    return agreement


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """The reference as one pass looks for it."""

    sheet: Gray  #: The sheet, upright.
    sheet_from_form: Transform
    centers: npt.NDArray[np.intp]  #: (N, 2) of patches, (x, y) in `sheet`.
    half_px: int  #: Of a patch.
    search_px: int


@lru_cache(maxsize=64)
def _wanted(reference: Reference, step: Pass) -> _Wanted:
    form_from_reference = reference.reference_from_form.inverse()
    width_mm, height_mm = (form_from_reference @ _far_corner(reference.gray))[0]
    px_per_mm = min(step.px_per_mm, reference.reference_from_form.scale_at(width_mm / 2, height_mm / 2))
    size = (round(width_mm * px_per_mm), round(height_mm * px_per_mm))
    sheet_from_form = Transform.translation(-0.5, -0.5) @ Transform.scaling(px_per_mm)
    sheet = _resampled(reference.pyramid, sheet_from_form @ form_from_reference, size)
    half = round(step.patch_mm * px_per_mm / 2)
    centers = _patch_centers(sheet, round(step.grid_mm * px_per_mm), half)
    return _Wanted(sheet, sheet_from_form, centers, half, round(step.search_mm * px_per_mm))


def _compare(page: Pyramid, reference: Reference, page_from_form: Transform, step: Pass) -> Agreement | None:
    wanted = _wanted(reference, step)
    size = wanted.sheet.shape[1], wanted.sheet.shape[0]
    found = _resampled(page, wanted.sheet_from_form @ page_from_form.inverse(), size)
    centers, form_from_sheet = wanted.centers, wanted.sheet_from_form.inverse()
    if len(centers) < LEAST_PATCHES:
        return None
    on_page = page_from_form @ (form_from_sheet @ centers.astype(np.float64))
    inside = np.all((on_page > 0) & (on_page < np.array(page.gray.shape[::-1]) - 1), axis=1)
    shifts, kept = [], []
    for center in centers[inside]:
        shift = _shift(wanted.sheet, found, center, wanted.half_px, wanted.search_px)
        if shift is not None:
            kept.append(center)
            shifts.append(shift)
    if len(kept) < LEAST_PATCHES:
        return None
    at_mm = form_from_sheet @ np.array(kept, np.float64)
    seen_mm = form_from_sheet @ (np.array(kept, np.float64) + np.array(shifts))
    correction = _one_map(at_mm, seen_mm, step)
    if correction is None:
        return None
    # The bend is what is left, expressed in the sheet's own mm before the one map.
    left_mm = correction.inverse() @ seen_mm - at_mm
    consistent = _agrees_with_neighbors(at_mm, left_mm)
    if consistent.sum() < LEAST_PATCHES:
        return None
    bend = Bend(at_mm[consistent], left_mm[consistent])
    residual_mm = float(np.percentile(bend.misses_mm(), RESIDUAL_PERCENTILE))
    return Agreement(
        page_from_form @ correction,
        bend,
        int(inside.sum()),
        int(consistent.sum()),
        residual_mm,
        float(inside.mean()),
    )


def _one_map(at_mm: Points, seen_mm: Points, step: Pass) -> Transform | None:
    """The single map of the sheet that most patches agree with."""
    cv2.setRNGSeed(SEED)
    if step.is_flat:
        matrix, _ = cv2.estimateAffine2D(at_mm, seen_mm, ransacReprojThreshold=step.reach_mm)
        return None if matrix is None else Transform.of([*matrix, [0, 0, 1]])
    matrix, _ = cv2.findHomography(at_mm, seen_mm, cv2.USAC_MAGSAC, step.reach_mm, maxIters=2000, confidence=0.999)
    return None if matrix is None else Transform.of(matrix)


def _far_corner(gray: Gray) -> Points:
    return np.array([(gray.shape[1] - 0.5, gray.shape[0] - 0.5)])


def _resampled(image: Pyramid, to_from_image: Transform, size: tuple[int, int]) -> Gray:
    """The image in another frame; reduced first where it is much finer, so that thin rules survive."""
    center = to_from_image.inverse() @ np.array([(size[0] / 2, size[1] / 2)])
    near, near_from_image = image.near(to_from_image.scale_at(*center[0]))
    return cv2.warpPerspective(
        near,
        (to_from_image @ near_from_image.inverse()).matrix,
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _patch_centers(gray: Gray, cell_px: int, half_px: int) -> npt.NDArray[np.intp]:
    """(N, 2) the (x, y) of the best corner in each square of the grid that has one: places that fix both axes."""
    corner = cv2.cornerMinEigenVal(cv2.GaussianBlur(gray, (0, 0), 1.0), 2 * max(half_px // 2, 1) + 1, 3)
    inner = np.zeros_like(corner)
    inner[half_px:-half_px, half_px:-half_px] = corner[half_px:-half_px, half_px:-half_px]
    least = LEAST_CORNER * float(np.percentile(inner, 95))
    centers = []
    for top in range(0, gray.shape[0], cell_px):
        for left in range(0, gray.shape[1], cell_px):
            cell = inner[top : top + cell_px, left : left + cell_px]
            row, column = np.unravel_index(int(cell.argmax()), cell.shape)
            if cell[row, column] > max(least, 1e-6):
                centers.append((left + int(column), top + int(row)))
    return np.array(centers, np.intp).reshape(-1, 2)


def _shift(
    wanted: Gray, found: Gray, center: npt.NDArray[np.intp], half: int, search: int
) -> tuple[float, float] | None:
    """How far, in px, the patch around `center` has moved; None where it is not found well inside the search."""
    x, y = int(center[0]), int(center[1])
    patch = wanted[y - half : y + half + 1, x - half : x + half + 1]
    top, left = max(y - half - search, 0), max(x - half - search, 0)
    area = found[top : y + half + search + 1, left : x + half + search + 1]
    if (
        area.shape[0] <= patch.shape[0]
        or area.shape[1] <= patch.shape[1]
        or cv2.meanStdDev(area)[1][0, 0] < LEAST_SPREAD
    ):
        return None
    likeness = cv2.matchTemplate(area, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(likeness)
    rim = not (0 < row < likeness.shape[0] - 1 and 0 < column < likeness.shape[1] - 1)
    if best < LEAST_LIKENESS or rim:
        return None
    dx = column + _peak(*likeness[row, column - 1 : column + 2].tolist()) + left - (x - half)
    dy = row + _peak(*likeness[row - 1 : row + 2, column].tolist()) + top - (y - half)
    return dx, dy


def _peak(before: float, at: float, after: float) -> float:
    """Where, between -0.5 and 0.5, the parabola through three values is highest."""
    curve = before - 2 * at + after
    return 0.0 if curve >= 0 else min(max(0.5 * (before - after) / curve, -0.5), 0.5)


def _agrees_with_neighbors(at_mm: Points, by_mm: Points) -> npt.NDArray[np.bool_]:
    gap = np.hypot(*(at_mm[:, np.newaxis] - at_mm[np.newaxis]).transpose(2, 0, 1))
    nearest = np.argsort(gap, axis=1, kind="stable")[:, 1 : NEIGHBORS + 1]
    median = np.median(by_mm[nearest], axis=1)
    return np.hypot(*(by_mm - median).T) < NEIGHBOR_MISS_MM
