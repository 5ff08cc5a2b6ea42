"""Find a template's sheet by what tells where it lies whatever is printed on it: ArUco markers, or its own edges.

In:  a gray page, or the page, and what the template declares.
Out: hypotheses, best first, in the form of docproc.form.features.
A marker says which one it is, and its four corners which way up: two of them fix the sheet, and others may be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.features import Hypothesis, is_plausible
from docproc.form.sheet import find_sheet
from docproc.geometry import Points, Transform
from docproc.page import Gray, Page
from docproc.template import Fiducial, PageSize

LEAST_MARKERS = 2  #: One alone, small in a corner, leaves the far side of the sheet to chance.
REACH = 0.01  #: Of the sheet's long side: corners of markers miss the one map by less, on bent paper too.


def by_markers(gray: Gray, fiducials: Sequence[Fiducial], sheet: PageSize) -> tuple[Hypothesis, ...]:
    """The one place of the sheet that its ArUco markers give [1]_; empty where too few are seen.

    References
    ----------
    .. [1] S. Garrido-Jurado et al., "Automatic generation and detection of highly reliable fiducial markers under
       occlusion", Pattern Recognition 47(6), 2014.
    """
    declared = {(one.dictionary, one.id): one.box for one in fiducials if one.kind == "aruco"}
    form: list[Points] = []
    page: list[Points] = []
    for dictionary in dict.fromkeys(dictionary for dictionary, _ in declared):
        for number, corners in _detect(gray, dictionary):
            if (dictionary, number) in declared:
                form.append(declared[dictionary, number].corners())
                page.append(corners)
    if len(form) < LEAST_MARKERS:
        return ()
    at, seen = np.vstack(form), np.vstack(page)
    reach_mm = REACH * max(sheet.width_mm, sheet.height_mm)
    matrix, agreeing = cv2.findHomography(seen, at, cv2.RANSAC, reach_mm)
    if matrix is None or abs(np.linalg.det(matrix)) < 1e-12:
        return ()
    page_from_form = Transform.of(matrix).inverse()
    if not is_plausible(page_from_form, sheet.box.corners(), gray.shape):
        return ()
    return (Hypothesis(page_from_form, int(agreeing.sum()), len(at)),)


def by_edges(page: Page, size: PageSize) -> tuple[Hypothesis, ...]:
    """The sheet's own corners, in the turns in which a sheet of this shape may lie; upright first.

    Nothing agrees with one of them yet: what is printed says which way up the sheet lies.
    """
    found = find_sheet(page)
    if found is None:
        return ()
    lying = found.aspect(page.pixels.shape) > 1
    is_turned = lying != (size.width_mm > size.height_mm)
    hypotheses = []
    for quarter in (1, 3) if is_turned else (0, 2):
        corners = np.roll(found.corners_px, quarter, axis=0)
        matrix = cv2.getPerspectiveTransform(size.box.corners().astype(np.float32), corners.astype(np.float32))
        page_from_form = Transform.of(matrix)
        if is_plausible(page_from_form, size.box.corners(), page.pixels.shape):
            hypotheses.append(Hypothesis(page_from_form, 0, 0))
    return tuple(hypotheses)


def draw_marker(fiducial: Fiducial) -> Gray:
    """An ArUco marker, one pixel a module, its black rim included."""
    if fiducial.id is None:
        raise ValueError("a square is no marker")
    dictionary = _dictionary(fiducial.dictionary)
    marker: Gray = cv2.aruco.generateImageMarker(dictionary, fiducial.id, dictionary.markerSize + 2)
    return marker


def _detect(gray: Gray, dictionary: str) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """(id, (4, 2) corners clockwise from the marker's own top left) of each marker on the page."""
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    corners, ids, _ = cv2.aruco.ArucoDetector(_dictionary(dictionary), parameters).detectMarkers(gray)
    if ids is None:
        return []
    return [(int(number), quad[0].astype(np.float64)) for number, quad in zip(ids.ravel(), corners, strict=True)]


@lru_cache(maxsize=8)
def _dictionary(name: str) -> cv2.aruco.Dictionary:
    return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{name.upper()}"))
