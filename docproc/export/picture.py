"""Pictures of fields, small enough for a workbook that holds thousands.

In:  a field's picture as the pipeline leaves it, PNG.
Out: the same picture, JPEG where that is much smaller, and its size.
"""

from __future__ import annotations

from typing import NamedTuple

JPEG_QUALITY = 80  #: Of 100; strokes of a pen show no blocks yet.
WORTH = 2.0  #: JPEG loses a little, so it must be at least so many times smaller.


class Picture(NamedTuple):
    """An encoded picture."""

    encoded: bytes  #: PNG or JPEG.
    width_px: int
    height_px: int


def compact(png: bytes) -> Picture:
    """The picture as it is kept in the workbook."""
    import cv2
    import numpy as np

    width_px, height_px = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])  # of the IHDR chunk
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return Picture(png, width_px, height_px)
    _, buffer = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    jpeg = buffer.tobytes()
    return Picture(jpeg if len(jpeg) * WORTH <= len(png) else png, width_px, height_px)
