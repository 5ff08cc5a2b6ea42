"""The one place that opens RapidOCR [1]_, which the extras `ocr` and `labels` bring, its networks inside its wheel.

In:  pictures. Out: lines of text and where they are.

References
----------
.. [1] RapidAI, "RapidOCR", Apache-2.0, with PaddleOCR's PP-OCR networks on ONNX Runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from docproc.errors import MissingExtraError
from docproc.geometry import Box

TURN_SIDE_PX = 1000  #: Size at which the way up is told.
SURE = 0.9  #: Of a line of print: upside down, many are read, but not surely.
CLEARLY_MORE = 1.15  #: Times as many letters, or the page stays as it lies.

_QUIET_ON_ONE_CORE = {
    "Global.log_level": "critical",
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of print."""

    text: str
    box_px: Box
    score: float  #: RapidOCR's own sureness, 0 to 1; not calibrated.


def is_installed() -> bool:
    """Whether it is there; what it brings is not loaded."""
    return all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def open_engine(need: str, *, extra: str) -> Any:
    """RapidOCR, quiet and on one core.

    Parameters
    ----------
    need : str
        What needs it, to begin the error with.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    require_ocr(need, extra=extra)
    from rapidocr import RapidOCR

    return RapidOCR(params=dict(_QUIET_ON_ONE_CORE))


def require_ocr(need: str, *, extra: str) -> None:
    """MissingExtraError where it is not installed."""
    if not is_installed():
        raise MissingExtraError(
            f"{need} needs RapidOCR, which is not installed.", remedy=f"Run `pip install 'docproc[{extra}]'`."
        )


@cache
def _text_engine() -> Any:
    return open_engine("Reading print", extra="labels")


def read_text(picture: npt.NDArray[np.uint8]) -> list[TextLine]:
    """All lines of print in a picture, (H, W) or (H, W, 3) uint8 RGB.

    Raises
    ------
    MissingExtraError
        If RapidOCR is not installed.
    """
    engine = _text_engine()
    found = engine(in_bgr(picture))
    if found.boxes is None:
        return []
    lines = zip(found.boxes, found.txts, found.scores, strict=True)
    return [TextLine(str(text), Box.around(corners), float(score)) for corners, text, score in lines]


def upright_turn(picture: npt.NDArray[np.uint8]) -> int:
    """Quarter turns, counterclockwise as `np.rot90` makes them, that bring a page's print upright; 0 in doubt.

    The way up in which most letters are read in level lines; half of all ways are only tried where lines stand.

    Raises
    ------
    MissingExtraError
        If RapidOCR is not installed.
    """
    reduction = TURN_SIDE_PX / max(picture.shape[:2])
    if reduction < 1:
        picture = cv2.resize(picture, None, fx=reduction, fy=reduction, interpolation=cv2.INTER_AREA).astype(np.uint8)
    level, standing = _letters(picture)
    turns = (1, 3) if standing > level else (2,)
    letters = {turn: _letters(np.rot90(picture, turn))[0] for turn in turns}
    best = max(turns, key=lambda turn: letters[turn])
    return best if letters[best] > CLEARLY_MORE * level else 0


def _letters(picture: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Letters that are read surely, in level lines and in standing ones."""
    counts = [0, 0]
    for line in read_text(np.ascontiguousarray(picture)):
        if line.score >= SURE and len(line.text) > 1:
            counts[line.box_px.height > line.box_px.width] += len(line.text)
    return counts[0], counts[1]


def in_bgr(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """As OpenCV, and RapidOCR with it, takes pictures."""
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_RGB2BGR).astype(np.uint8)
