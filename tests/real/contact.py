"""Pictures of the fields that were read wrong: failures are looked at, not listed.

In:  a design's judged fields.
Out: contact sheets, a tile a field: the page cut at the truth's box, the found box in blue, truth and reading below.
     Tiles framed red were accepted: nobody would have looked at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from docproc.evaluation import Judged
from docproc.geometry import Box

from .designs import Design

COLUMNS, ROWS = 5, 10  #: Tiles on a sheet.
TILE_PX = (300, 150)  #: Width, height.
PICTURE_HEIGHT_PX = 90  #: Of a tile; the words stand below.
MARGIN = 0.35  #: Of the truth's box height, shown around it.
BLACK, RED, GRAY, BLUE = (0, 0, 0), (0, 0, 230), (190, 190, 190), (220, 120, 0)  #: BGR.


def write_contact_sheets(design: Design, judged: Sequence[Judged], folder: Path) -> list[Path]:
    """Write the wrong fields of a design, the accepted ones first, and return the paths."""
    wrong = sorted((one for one in judged if not one.right), key=lambda one: (not one.accepted, -one.confidence))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{design.name}-*.png"):
        old.unlink()
    paths: list[Path] = []
    for start in range(0, len(wrong), COLUMNS * ROWS):
        tiles = [_tile(design, one) for one in wrong[start : start + COLUMNS * ROWS]]
        blank = np.full_like(tiles[0], 255)
        tiles += [blank] * (-len(tiles) % COLUMNS)
        rows = [np.hstack(tiles[row : row + COLUMNS]) for row in range(0, len(tiles), COLUMNS)]
        paths.append(folder / f"{design.name}-{len(paths) + 1:02d}.png")
        cv2.imwrite(str(paths[-1]), np.vstack(rows))
    return paths


def _tile(design: Design, one: Judged) -> npt.NDArray[np.uint8]:
    width, height = TILE_PX
    tile = np.full((height, width, 3), 255, np.uint8)
    picture = _picture(design, one)
    if picture is not None:
        tile[2 : 2 + picture.shape[0], 2 : 2 + picture.shape[1]] = picture
    said = f"'{one.value}'" if one.found else "not found"
    cells = f" ({one.truth.cells})" if one.truth.cells else ""
    reasons = one.found.reasons if one.found else ""
    lines = [
        (f"{one.truth.source} {one.truth.field}", BLACK),
        (f"'{one.truth.value}'{cells} read {said} {one.confidence:.3f}", RED if one.accepted else BLACK),
        (reasons[:48], BLACK),
    ]
    for number, (text, color) in enumerate(lines):
        cv2.putText(tile, text, (4, PICTURE_HEIGHT_PX + 18 + 16 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.38, color, 1)
    cv2.rectangle(tile, (0, 0), (width - 1, height - 1), RED if one.accepted else GRAY, 2)
    return tile


def _picture(design: Design, one: Judged) -> npt.NDArray[np.uint8] | None:
    box = one.truth.box_px
    page = cv2.imread(str(design.folder / "pages" / Path(one.truth.source).name))
    if page is None or box is None:
        return None
    shown = box.grown(MARGIN * min(box.height, box.width))
    scale = min(PICTURE_HEIGHT_PX / shown.height, (TILE_PX[0] - 4) / shown.width)
    left, top = max(round(shown.left), 0), max(round(shown.top), 0)
    cut = page[top : round(shown.bottom), left : round(shown.right)]
    if not cut.size:
        return None
    if one.found and one.found.box_px:
        _draw(cut := cut.copy(), one.found.box_px.moved(-left, -top))
    return cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)[
        :PICTURE_HEIGHT_PX, : TILE_PX[0] - 4
    ]


def _draw(picture: npt.NDArray[np.uint8], box: Box) -> None:
    corners = [(round(x), round(y)) for x, y in ((box.left, box.top), (box.right, box.bottom))]
    cv2.rectangle(picture, corners[0], corners[1], BLUE, 1)
