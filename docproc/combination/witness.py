"""A third witness, on request: RapidOCR looks at fields that the two readers leave in doubt [1]_.

In:  the picture of a field. Out: the digits that it sees there, and how sure it is. Its word is evidence beside that
of the readers (`pooling`), never a value by itself. Needs the extra `ocr`; its network comes inside its wheel.

References
----------
.. [1] RapidAI, "RapidOCR", Apache-2.0, with PaddleOCR's PP-OCR networks on ONNX Runtime.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from docproc.ocr import in_bgr, open_engine, require_ocr

_NEED = "The third witness"


@dataclass(frozen=True, slots=True)
class WitnessReading:
    """What the witness says of a field."""

    text: str  #: Digits; "" where it saw none, or something beside them that is no separator: then it says nothing.
    score: float  #: Its own sureness, 0 to 1; not calibrated.


class Witness(Protocol):
    """Anything that reads a field's picture by itself."""

    @property
    def digest(self) -> str:
        """Names the witness in records."""

    def testify(self, picture: npt.NDArray[np.uint8]) -> WitnessReading:
        """What stands in a picture, (H, W) or (H, W, 3) uint8 RGB, of one line of writing."""


@dataclass(slots=True)
class RapidOcrWitness:
    """RapidOCR's recognition alone, without its search for text: a field is one line already. Opened by first use."""

    _engine: Any = field(default=None, init=False, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Its name and version."""
        return f"rapidocr {version('rapidocr')}"

    def testify(self, picture: npt.NDArray[np.uint8]) -> WitnessReading:
        """What stands in the picture."""
        if self._engine is None:
            self._engine = open_engine(_NEED, extra="ocr")
        found = self._engine(in_bgr(picture), use_det=False, use_cls=False, use_rec=True)
        texts, scores = found.txts or ("",), found.scores or (0.0,)
        return WitnessReading(digits_in(str(texts[0])), float(scores[0]))

    def __reduce__(self) -> tuple[object, ...]:
        return (RapidOcrWitness, ())  # what is open does not travel to a worker process


def digits_in(text: str) -> str:
    """The digits of a text; "" where there are letters among them: a 5 that was taken for an S is no testimony."""
    plain = unicodedata.normalize("NFKC", text)
    return "" if any(sign.isalpha() for sign in plain) else "".join(sign for sign in plain if sign in "0123456789")


def require_witness() -> None:
    """MissingExtraError where the extra is not installed: said before the first page, not at the first doubt."""
    require_ocr(_NEED, extra="ocr")
