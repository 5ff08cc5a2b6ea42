"""Where things are.

Points are (x, y): x to the right, y down. Boxes are (left, top, width, height). Arrays are (row, column).
A form's own frame is in millimeters from the sheet's top left corner; a page's frame is in pixels of the image as
read, pixel centers at whole numbers. A `Box` is in millimeters unless its name ends in `_px`.
A transform is named destination_from_source, so that `page_from_form @ form_points` reads as it works.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, overload

import cv2
import numpy as np
import numpy.typing as npt

MM_PER_INCH = 25.4

Points = npt.NDArray[np.float64]  #: (N, 2), each row (x, y).


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle: (left, top, width, height), in mm unless the variable's name ends in `_px`."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Left plus width."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Top plus height."""
        return self.top + self.height

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) of the middle."""
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def area(self) -> float:
        """Width times height."""
        return self.width * self.height

    def corners(self) -> Points:
        """(4, 2): top left, top right, bottom right, bottom left."""
        return np.array(
            [
                (self.left, self.top),
                (self.right, self.top),
                (self.right, self.bottom),
                (self.left, self.bottom),
            ],
            np.float64,
        )

    def grown(self, margin: float) -> Box:
        """The box with `margin` added on every side (taken away where negative)."""
        return Box(self.left - margin, self.top - margin, self.width + 2 * margin, self.height + 2 * margin)

    def moved(self, dx: float, dy: float) -> Box:
        """The box moved by (dx, dy)."""
        return Box(self.left + dx, self.top + dy, self.width, self.height)

    def scaled(self, factor: float) -> Box:
        """The box with every number times `factor`."""
        return Box(self.left * factor, self.top * factor, self.width * factor, self.height * factor)

    def intersection(self, other: Box) -> float:
        """Area that the two boxes share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        shared = self.intersection(other)
        union = self.area + other.area - shared
        return shared / union if union else 0.0

    def contains(self, other: Box, *, slack: float = 0.0) -> bool:
        """Whether `other` lies inside, give or take `slack`."""
        return (
            other.left >= self.left - slack
            and other.top >= self.top - slack
            and other.right <= self.right + slack
            and other.bottom <= self.bottom + slack
        )

    @staticmethod
    def around(points: npt.ArrayLike) -> Box:
        """The smallest box around (N, 2) points."""
        array = np.asarray(points, np.float64)
        (left, top), (right, bottom) = array.min(axis=0), array.max(axis=0)
        return Box(float(left), float(top), float(right - left), float(bottom - top))

    @staticmethod
    def union(boxes: Iterable[Box]) -> Box:
        """The smallest box around all of `boxes`."""
        return Box.around(np.vstack([box.corners() for box in boxes]))


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """A projective map of the plane; name it destination_from_source.

    `a_from_b @ b_from_c` is a_from_c; `a_from_b @ points` maps (N, 2) points of b to a.
    """

    matrix: npt.NDArray[np.float64]  #: (3, 3), last element 1.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transform) and bool(np.array_equal(self.matrix, other.matrix))

    def __hash__(self) -> int:
        return hash(self.matrix.tobytes())

    @overload
    def __matmul__(self, other: Transform) -> Transform: ...
    @overload
    def __matmul__(self, other: Points) -> Points: ...
    def __matmul__(self, other: Transform | Points) -> Transform | Points:
        if isinstance(other, Transform):
            return Transform.of(self.matrix @ other.matrix)
        points = np.asarray(other, np.float64).reshape(-1, 1, 2)
        return cv2.perspectiveTransform(points, self.matrix).reshape(-1, 2).astype(np.float64)

    def inverse(self) -> Transform:
        """source_from_destination."""
        return Transform.of(np.linalg.inv(self.matrix))

    def box(self, box: Box) -> Box:
        """The smallest upright box, in the destination, around a box of the source."""
        return Box.around(self @ box.corners())

    def scale_at(self, x: float, y: float) -> float:
        """Length in the destination of one unit of the source at (x, y): the root of the local area ratio."""
        mapped = self @ np.array([(x, y), (x + 1e-3, y), (x, y + 1e-3)], np.float64)
        along_x, along_y = (mapped[1] - mapped[0]) / 1e-3, (mapped[2] - mapped[0]) / 1e-3
        return float(np.sqrt(abs(along_x[0] * along_y[1] - along_x[1] * along_y[0])))

    @staticmethod
    def of(matrix: Any) -> Transform:
        """From anything like a (3, 3) array."""
        array = np.asarray(matrix, np.float64)
        array = array / array[2, 2]
        array.setflags(write=False)
        return Transform(array)

    @staticmethod
    def identity() -> Transform:
        """The map that changes nothing."""
        return Transform.of(np.eye(3))

    @staticmethod
    def scaling(factor_x: float, factor_y: float | None = None) -> Transform:
        """Stretch by `factor_x` (and `factor_y` where they differ) about the origin."""
        return Transform.of(np.diag([factor_x, factor_x if factor_y is None else factor_y, 1.0]))

    @staticmethod
    def translation(dx: float, dy: float) -> Transform:
        """Move by (dx, dy)."""
        return Transform.of([[1, 0, dx], [0, 1, dy], [0, 0, 1]])
