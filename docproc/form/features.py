"""Find a template's sheet on a page by the print that both show.

In:  the template's reference image and a gray page of any size, turn, scale and perspective.
Out: hypotheses, best first: maps of the sheet onto the page that agree with many matched features.
They are right to a few pixels, and a form that shares only a heading gives one too: docproc.form.refinement sharpens
them and says how much of the sheet agrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from docproc.errors import TemplateError
from docproc.form.pyramid import Pyramid, pyramid_of
from docproc.geometry import Points, Transform
from docproc.page import Gray, Page
from docproc.template import Template

QUICK_SIDE_PX = 800  #: Long side of page and reference at the first, quick look,
QUICK_CORNERS = 500  #: corners that are compared,
QUICK_LEVELS = 3  #: sizes at which they are sought, each 1.2 times the next: a scan shows the sheet and little more,
QUICK_EDGE_PX = 15  #: how near to the picture's edge, and
QUICK_STEP = 10  #: gray levels by which a corner differs from what is around it: faint print counts.
QUICK_REACH_MM = 1.0  #: Scans agree with one turn, shift and scale to this; curved and slanted sheets do not.
QUICK_SURE = 12  #: Corners that agree: fewer are left to the slow look.
REFERENCE_SIDE_PX = 1200  #: Long side at which the reference's features are taken: print of 2 mm is 8 px high on A4.
REFERENCE_FEATURES = 4000
#: (long side, features) of the page, tried in turn. The first serves scans and photos that the sheet fills; the
#: second, sheets that fill a part of the picture and are small in it.
PAGE_TRIES = ((1200, 4000), (2000, 6000))
CONTRAST_THRESHOLD = 0.02  #: SIFT's own default (0.04) drops a third of the corners of faint print.
STRONGEST = 1000  #: Corners by which a page is compared with many templates, before it is laid on one.
RATIO = 0.8  #: A match is kept where the second best is this much worse (Lowe 2004, section 7.1).
REACH_PX = 3.0  #: Features of one sheet agree within this, in the reference at REFERENCE_SIDE_PX.
ITERATIONS = 5000
CONFIDENCE = 0.9999
LEAST_AGREEING = 8  #: Fewer matched features that agree on a map are chance: four always do.
SEED = 20_19  #: RANSAC draws the same samples for the same page.
SMALLEST_AREA = 0.01  #: Of the image: a sheet that fills less cannot be read.
STEEPEST_RATIO = 4.0  #: Between opposite sides of the sheet in the image, or between its scales across and along.


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Corners of one image and what they look like."""

    points: Points  #: (N, 2) pixels of the full image.
    descriptors: npt.NDArray[np.float32]  #: (N, 128), each of length 1.
    strongest: npt.NDArray[np.intp]  #: Indices of the clearest, at most STRONGEST of them.


@dataclass(frozen=True, slots=True, eq=False)
class Corners:
    """Corners of one image, and bits that say what they look like."""

    points: Points  #: (N, 2) pixels of the full image.
    bits: npt.NDArray[np.uint8] | None  #: (N, 32); None where there is no corner.


class Reference:
    """A template's reference image, ready to be matched."""

    def __init__(self, gray: Gray, reference_from_form: Transform) -> None:
        self.pyramid = Pyramid(gray)
        self.reference_from_form = reference_from_form  #: Pixels of the image from mm on the sheet.
        self.corners = find_corners(self.pyramid)

    @property
    def gray(self) -> Gray:
        """The image."""
        return self.pyramid.gray

    @cached_property
    def features(self) -> Features:
        """Sought when they are first asked for: flat pages never do."""
        return find_features(self.pyramid, REFERENCE_SIDE_PX, REFERENCE_FEATURES)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A sheet that may lie on the page here."""

    page_from_form: Transform
    agreeing: int  #: Features, or fiducials, that lie where this map puts them.
    matched: int  #: ... of those that found a partner.


def load_reference(template: Template) -> Reference | None:
    """The template's reference image and its features, None if it has none; kept in memory by the template's digest.

    Raises
    ------
    TemplateError
        If the file is not an image.
    """
    path = template.reference_path
    if path is None:
        return None
    return _load(path, template.digest, template.page.width_mm, template.page.height_mm)


@lru_cache(maxsize=32)
def _load(path: Path, digest: str, width_mm: float, height_mm: float) -> Reference:
    try:
        gray = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error):
        gray = None
    if gray is None:
        raise TemplateError(
            f"{path}: the reference image cannot be opened.",
            remedy="Save the blank form as PNG, JPEG or TIFF at 200 to 300 dpi, and name it under `reference`.",
        )
    scale_x, scale_y = gray.shape[1] / width_mm, gray.shape[0] / height_mm
    if max(scale_x, scale_y) > 1.1 * min(scale_x, scale_y):
        raise TemplateError(
            f"{path}: the reference image has {gray.shape[1]} x {gray.shape[0]} pixels, "
            f"but the template's page is {width_mm:g} x {height_mm:g} mm: the proportions differ.",
            remedy="The image must show the whole sheet and nothing around it; or mend `page`.",
        )
    reference_from_form = Transform.translation(-0.5, -0.5) @ Transform.scaling(scale_x, scale_y)
    gray.setflags(write=False)
    return Reference(gray, reference_from_form)


def find_corners(image: Pyramid) -> Corners:
    """The clearest corners of an image, described by ORB [1]_: in a twentieth of the time that SIFT takes.

    References
    ----------
    .. [1] E. Rublee, V. Rabaud, K. Konolige, G. Bradski, "ORB: an efficient alternative to SIFT or SURF", ICCV 2011.
    """
    small, small_from_image = image.reduced(QUICK_SIDE_PX)
    keypoints, bits = cv2.ORB.create(
        QUICK_CORNERS, nlevels=QUICK_LEVELS, edgeThreshold=QUICK_EDGE_PX, fastThreshold=QUICK_STEP
    ).detectAndCompute(small, None)
    if bits is None:
        return Corners(np.zeros((0, 2)), None)
    return Corners(small_from_image.inverse() @ np.array([keypoint.pt for keypoint in keypoints]), bits)


def find_features(image: Pyramid, side_px: int, count: int) -> Features:
    """The `count` strongest SIFT corners [1]_ of an image that is reduced to a long side of `side_px`.

    Descriptors are compared by the Hellinger kernel [2]_: the root of each, divided by its sum.

    References
    ----------
    .. [1] D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004.
    .. [2] R. Arandjelovic and A. Zisserman, "Three things everyone should know to improve object retrieval",
       CVPR 2012.
    """
    small, small_from_image = image.reduced(side_px)
    keypoints, descriptors = cv2.SIFT.create(count, contrastThreshold=CONTRAST_THRESHOLD).detectAndCompute(
        small, None
    )
    if descriptors is None:
        return Features(np.zeros((0, 2)), np.zeros((0, 128), np.float32), np.zeros(0, np.intp))
    points = small_from_image.inverse() @ np.array([keypoint.pt for keypoint in keypoints])
    total = np.maximum(np.abs(descriptors).sum(axis=1, keepdims=True), 1e-6)
    strongest = np.argsort([-keypoint.response for keypoint in keypoints], kind="stable")[:STRONGEST]
    return Features(points, np.sqrt(descriptors / total), strongest)


@lru_cache(maxsize=1)
def _page_corners(page: Page) -> Corners:
    """The page's corners; kept for the other templates that it is compared with."""
    return find_corners(pyramid_of(page))


@lru_cache(maxsize=len(PAGE_TRIES))
def _page_features(page: Page, side_px: int, count: int) -> Features:
    """The page's features; kept for the other templates that it is compared with."""
    return find_features(pyramid_of(page), side_px, count)


def likeness(page: Page, reference: Reference) -> int:
    """How many of the clearest corners of a page and of a reference match, wherever they lie: a quick first look."""
    own, other = _page_features(page, *PAGE_TRIES[0]), reference.features
    return len(_matches(other.descriptors[other.strongest], own.descriptors[own.strongest])[0])


def by_corners(page: Page, reference: Reference) -> Hypothesis | None:
    """Where a flat sheet lies that is seen from above: its turn, its shift and one scale, by few corners."""
    there, sought = _page_corners(page), reference.corners
    if there.bits is None or sought.bits is None or len(sought.bits) < 2:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(there.bits, sought.bits, k=2)
    # What looks like two corners of the reference, as cells of one comb do, tells of neither.
    matches = [best for best, second in pairs if best.distance < RATIO * second.distance]
    if len(matches) < QUICK_SURE:
        return None
    on_page = there.points[[match.queryIdx for match in matches]]
    form_from_reference = reference.reference_from_form.inverse()
    on_form = form_from_reference @ sought.points[[match.trainIdx for match in matches]]
    cv2.setRNGSeed(SEED)
    found, mask = cv2.estimateAffinePartial2D(on_page, on_form, ransacReprojThreshold=QUICK_REACH_MM)
    if found is None or mask.sum() < QUICK_SURE or np.linalg.det(found[:, :2]) < 1e-12:
        return None
    page_from_form = Transform.of([*found, [0, 0, 1]]).inverse()
    if not is_plausible(page_from_form, form_from_reference @ _corners(reference.gray.shape), page.pixels.shape):
        return None
    return Hypothesis(page_from_form, int(mask.sum()), len(matches))


def hypotheses(page: Page, reference: Reference) -> Iterator[Hypothesis]:
    """Where the reference's sheet may lie on the page, one for each of PAGE_TRIES that finds any."""
    form_from_reference = reference.reference_from_form.inverse()
    side = max(reference.gray.shape)
    for number, (side_px, count) in enumerate(PAGE_TRIES):
        if number and side_px > 1.5 * max(page.pixels.shape[:2]):
            return  # the page has no more detail than the try before has seen
        features = _page_features(page, side_px, count)
        first, second = _matches(reference.features.descriptors, features.descriptors)
        if len(first) < LEAST_AGREEING:
            continue
        source, target = reference.features.points[first], features.points[second]
        # The reach is meant on the sheet, so the map sought leads from the page, whose scale is unknown, to it.
        cv2.setRNGSeed(SEED)
        matrix, mask = cv2.findHomography(
            target,
            source,
            cv2.USAC_MAGSAC,
            REACH_PX * max(side / REFERENCE_SIDE_PX, 1.0),
            maxIters=ITERATIONS,
            confidence=CONFIDENCE,
        )
        if matrix is None or mask.sum() < LEAST_AGREEING or abs(np.linalg.det(matrix)) < 1e-12:
            continue
        page_from_form = (form_from_reference @ Transform.of(matrix)).inverse()
        corners = form_from_reference @ _corners(reference.gray.shape)
        if is_plausible(page_from_form, corners, page.pixels.shape):
            yield Hypothesis(page_from_form, int(mask.sum()), len(first))


def _corners(shape: tuple[int, ...]) -> Points:
    height, width = shape[:2]
    return np.array([(-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)])


def _matches(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indices of descriptors that are each other's nearest, and much nearer than the second."""
    if len(first) < 2 or len(second) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    likeness = first @ second.T
    nearest = likeness.argmax(axis=1)
    rows = np.arange(len(first))
    best = likeness[rows, nearest]
    likeness[rows, nearest] = -1
    # Both have length 1, so the squared distance is 2 - 2 * likeness.
    distinct = np.flatnonzero((1 - best) < RATIO**2 * (1 - likeness.max(axis=1)))
    back = (second[nearest[distinct]] @ first.T).argmax(axis=1)
    kept = distinct[back == distinct]
    return kept, nearest[kept]


def is_plausible(page_from_form: Transform, corners_mm: Points, image_shape: tuple[int, ...]) -> bool:
    """Whether a camera could have seen the sheet so: not mirrored, not folded, not tiny, not edge on."""
    homogeneous = np.column_stack([corners_mm, np.ones(len(corners_mm))]) @ page_from_form.matrix.T
    if np.any(homogeneous[:, 2] * homogeneous[0, 2] <= 0):
        return False  # the horizon crosses the sheet
    quad = (homogeneous[:, :2] / homogeneous[:, 2:]).astype(np.float64)
    sides = np.roll(quad, -1, axis=0) - quad
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    if np.any(turns <= 0):
        return False  # mirrored, or not convex
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    area = cv2.contourArea(quad.astype(np.float32))
    if area < SMALLEST_AREA * image_shape[0] * image_shape[1]:
        return False
    form_sides = np.hypot(*(np.roll(corners_mm, -1, axis=0) - corners_mm).T)
    scales = lengths / form_sides
    return bool(
        max(scales[0], scales[2]) < STEEPEST_RATIO * min(scales[0], scales[2])
        and max(scales[1], scales[3]) < STEEPEST_RATIO * min(scales[1], scales[3])
        and max(scales) < STEEPEST_RATIO * min(scales)
    )
