"""A field's line of writing is level, of one height, and holds all of its ink."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.field.glyph import connected_parts
from docproc.field.line import HEIGHT_PX, SIDE_PX, WIDEST_PX, WRITING_PX, line_of
from docproc.geometry import Box

FIELD = Box(20, 20, 360, 80)


def written(*digits: tuple[int, int], height: int = 40, level: int = 200) -> np.ndarray:
    """A field of 400 x 120 with upright bars at (x, y of the top)."""
    dark = np.zeros((120, 400), np.uint8)
    for x, y in digits:
        cv2.rectangle(dark, (x, y), (x + 8, y + height - 1), level, -1)
    return dark


def test_a_field_without_ink_has_no_line() -> None:
    dark = written()
    assert line_of(dark, connected_parts(dark > 0), FIELD) is None


@pytest.mark.parametrize("height", [24, 40, 64])
def test_writing_of_any_height_becomes_as_high(height: int) -> None:
    dark = written((60, 30), (120, 30), (180, 30), height=height)
    line = line_of(dark, connected_parts(dark > 0), FIELD)
    assert line is not None
    rows = np.flatnonzero((line[:, :, 1] > 128).any(axis=1))
    assert line.shape[0] == HEIGHT_PX
    assert abs(len(rows) - WRITING_PX) <= 1
    columns = np.flatnonzero((line[:, :, 1] > 128).any(axis=0))
    assert abs(int(columns[0]) - SIDE_PX) <= 1
    assert abs(line.shape[1] - 1 - int(columns[-1]) - SIDE_PX) <= 1


def test_a_line_that_climbs_is_laid_level() -> None:
    dark = written(*((40 + 50 * index, 60 - 5 * index) for index in range(6)))
    line = line_of(dark, connected_parts(dark > 0), FIELD)
    assert line is not None
    tops = [int((line[:, column, 1] > 128).argmax()) for column in np.flatnonzero((line[:, :, 1] > 128).any(axis=0))]
    assert max(tops) - min(tops) <= 3


def test_a_lone_slanted_stroke_is_not_laid_down() -> None:
    dark = np.zeros((120, 400), np.uint8)
    cv2.line(dark, (110, 30), (80, 90), 200, 8)
    line = line_of(dark, connected_parts(dark > 0), FIELD)
    assert line is not None
    top, bottom = (np.flatnonzero(line[row, :, 1] > 128).mean() for row in (8, 24))
    assert top - bottom > 4


def test_pale_writing_is_as_dark_as_bold() -> None:
    pale, bold = (
        line_of(dark, connected_parts(dark > 0), FIELD)
        for dark in (written((90, 30), level=60), written((90, 30), level=240))
    )
    assert pale is not None
    assert bold is not None
    assert abs(int(pale[:, :, 0].max()) - int(bold[:, :, 0].max())) <= 2


def test_what_no_threshold_calls_ink_is_seen_all_the_same() -> None:
    dark = written((60, 30), (180, 30))
    faint = written((120, 30), level=90)
    line = line_of(np.maximum(dark, faint), connected_parts(dark > 0), FIELD)
    assert line is not None
    middle = line[:, line.shape[1] // 2 - 4 : line.shape[1] // 2 + 4]
    assert middle[:, :, 0].max() > 90
    assert middle[:, :, 1].max() == 0


def test_what_a_neighbor_wrote_is_no_ink_of_the_line() -> None:
    dark = written((60, 30), (120, 30))
    dark[90:, 300:340] = 200  # more outside the box than in it
    dark[100:, 200:340] = 200
    line = line_of(dark, connected_parts(dark > 0), FIELD)
    alone = line_of(written((60, 30), (120, 30)), connected_parts(written((60, 30), (120, 30)) > 0), FIELD)
    assert line is not None
    assert alone is not None
    assert line.shape == alone.shape
    assert np.array_equal(line[:, :, 1], alone[:, :, 1])


def test_a_long_line_is_squeezed_to_the_widest() -> None:
    dark = np.zeros((60, 3000), np.uint8)
    for x in range(20, 2900, 40):
        cv2.rectangle(dark, (x, 15), (x + 6, 44), 200, -1)
    line = line_of(dark, connected_parts(dark > 0), Box(5, 5, 2990, 50))
    assert line is not None
    assert line.shape[1] == WIDEST_PX
