"""Percentiles by counting are NumPy's own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from docproc.histogram import percentile, percentile_of_sorted

LEVELS = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))
SHARES = st.floats(0, 100)


@given(levels=LEVELS, share=SHARES)
def test_a_percentile_of_levels_is_numpys(levels: npt.NDArray[np.uint8], share: float) -> None:
    assert percentile(levels, share) == pytest.approx(np.percentile(levels, share), abs=1e-9)


@given(levels=LEVELS, share=SHARES)
def test_a_percentile_of_what_is_sorted_is_numpys(levels: npt.NDArray[np.uint8], share: float) -> None:
    ordered = np.sort(levels.ravel())
    assert percentile_of_sorted(ordered, share) == pytest.approx(np.percentile(ordered, share), abs=1e-9)


def test_a_part_of_a_picture_counts_alone() -> None:
    picture = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert percentile(picture[2:4, 3:5], 100) == 34.0
