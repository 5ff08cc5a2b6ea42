"""The one place that opens RapidOCR [1]_, which the extras `ocr` and `labels` bring, its networks inside its wheel.

In:  pictures. Out: lines of text and where they are.

References
----------
.. [1] RapidAI, "RapidOCR", Apache-2.0, with PaddleOCR's PP-OCR networks on ONNX Runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from docproc.errors import MissingExtraError
from docproc.geometry import Box

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


def read_text(picture: npt.NDArray[np.uint8]) -> list[TextLine]:
    """All lines of print in a picture, (H, W) or (H, W, 3) uint8 RGB.

    Raises
    ------
    MissingExtraError
        If RapidOCR is not installed.
    """
    engine = open_engine("Reading print", extra="labels")
    found = engine(in_bgr(picture))
    if found.boxes is None:
        return []
    lines = zip(found.boxes, found.txts, found.scores, strict=True)
    return [TextLine(str(text), Box.around(corners), float(score)) for corners, text, score in lines]


def in_bgr(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """As OpenCV, and RapidOCR with it, takes pictures."""
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_RGB2BGR).astype(np.uint8)
