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
LEAST_POINTS = 3  #: Fewer say nothing of a bend.


@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """How far the paper lies off one flat map, measured at points of the sheet."""

    at_mm: Points  #: (N, 2) where it was measured.
    by_mm: Points  #: (N, 2) print meant for `at_mm` lies at `at_mm + by_mm`.

    def near(self, x_mm: float, y_mm: float) -> Transform:
        """The best affine map of the neighborhood: bent form mm from form mm."""
        center = np.array([x_mm, y_mm])
        shift, tilt = (part[0] for part in self._fits(center[np.newaxis], apart=False))
        linear = np.eye(2) + tilt
        moved = center + shift - linear @ center
        return Transform.of([[*linear[0], moved[0]], [*linear[1], moved[1]], [0, 0, 1]])

    def misses_mm(self) -> npt.NDArray[np.float64]:
        """(N,) how far each point lies from where the others put it."""
        shifts, _ = self._fits(self.at_mm, apart=True)
        return np.hypot(*(shifts - self.by_mm).T)

    def _fits(self, centers: Points, *, apart: bool) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Shift (M, 2) and tilt (M, 2, 2) at each center, by weighted least squares over the points around it.

        `apart`: the centers are the points, and each is judged without itself.
        """
        if len(self.at_mm) < LEAST_POINTS + apart:
            return np.zeros((len(centers), 2)), np.zeros((len(centers), 2, 2))
        offset = self.at_mm[np.newaxis] - centers[:, np.newaxis]
        distance = np.hypot(offset[..., 0], offset[..., 1])
        # Where print is scarce, the reach grows until a few points speak.
        few = np.partition(distance, LEAST_POINTS - 1 + apart, axis=1)[:, LEAST_POINTS - 1 + apart]
        reach = np.maximum(BEND_REACH_MM, few)[:, np.newaxis]
        weight = np.exp(-0.5 * (2 * distance / reach) ** 2) + 1e-9
        if apart:
            np.fill_diagonal(weight, 0.0)
        design = np.concatenate([np.ones((*distance.shape, 1)), offset / reach[..., np.newaxis]], axis=2)
        weighted = (design * weight[..., np.newaxis]).transpose(0, 2, 1)
        normal = weighted @ design + np.diag([0.0, BEND_RIDGE, BEND_RIDGE])
        solved = np.linalg.solve(normal, weighted @ self.by_mm)
        return solved[:, 0], solved[:, 1:].transpose(0, 2, 1) / reach[..., np.newaxis]
