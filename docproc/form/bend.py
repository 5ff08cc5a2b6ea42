"""How paper lies off one flat map.

In:  places on a form, and how far each was found from where one map of the whole sheet puts it.
Out: for any place, the affine map of its neighborhood; and how far each measured place misses what the others say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from docproc.geometry import Points, Transform

BEND_REACH_MM = 28.0  #: Paper bends slowly: patches speak for about this neighborhood.
BEND_RIDGE = 0.3  #: Weight that draws the local tilt to zero where few patches speak.


@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """How far the paper lies off one flat map, measured at points of the sheet."""

    at_mm: Points  #: (N, 2) where it was measured.
    by_mm: Points  #: (N, 2) print meant for `at_mm` lies at `at_mm + by_mm`.

    def near(self, x_mm: float, y_mm: float) -> Transform:
        """The best affine map of the neighborhood: bent form mm from form mm."""
        return self._fit(np.array([x_mm, y_mm]), np.ones(len(self.at_mm), bool))

    def misses_mm(self) -> npt.NDArray[np.float64]:
        """(N,) how far each point lies from where the others put it."""
        misses = np.empty(len(self.at_mm))
        for index, (point, shift) in enumerate(zip(self.at_mm, self.by_mm, strict=True)):
            others = np.ones(len(self.at_mm), bool)
            others[index] = False
            expected = self._fit(point, others) @ point[np.newaxis]
            misses[index] = np.hypot(*(expected[0] - point - shift))
        return misses

    def _fit(self, center: npt.NDArray[np.float64], used: npt.NDArray[np.bool_]) -> Transform:
        offset = self.at_mm[used] - center
        distance = np.hypot(offset[:, 0], offset[:, 1])
        if len(distance) < 3:
            return Transform.identity()
        # Where print is scarce, the reach grows until a few patches speak.
        reach = max(BEND_REACH_MM, float(np.sort(distance)[min(3, len(distance) - 1)]))
        weight = np.exp(-0.5 * (distance / (reach / 2)) ** 2) + 1e-9
        design = np.column_stack([np.ones(len(offset)), offset / reach])
        normal = design.T @ (design * weight[:, np.newaxis]) + np.diag([0.0, BEND_RIDGE, BEND_RIDGE])
        shift, *tilt = np.linalg.solve(normal, design.T @ (self.by_mm[used] * weight[:, np.newaxis]))
        linear = np.eye(2) + np.array(tilt).T / reach
        moved = center + shift - linear @ center
        return Transform.of([[*linear[0], moved[0]], [*linear[1], moved[1]], [0, 0, 1]])
