"""Pages: what travels to a worker, and the pixels it finds there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]  #: (H, W): 0 is black, 255 is white paper.
Ink = npt.NDArray[np.uint8]  #: (H, W): 0 is paper, 255 is full ink.
Mask = npt.NDArray[np.bool_]  #: (H, W): True where there is ink.


@dataclass(frozen=True, slots=True)
class PageRef:
    """One page of one file: small and picklable, never pixels."""

    source: str  #: The path as found under the input, with forward slashes; what results call it.
    path: str  #: Where to open it.
    index: int  #: From 0 within the file; results show index + 1.
    sha256: str  #: Of the file's content.


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The pixels of one page, EXIF turn applied, read-only."""

    ref: PageRef
    pixels: npt.NDArray[np.uint8]  #: (H, W) gray, or (H, W, 3) RGB.
    dpi: float | None  #: None where the file does not say: registration gives the scale.

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)
