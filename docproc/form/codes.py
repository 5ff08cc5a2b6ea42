"""Read the QR codes and barcodes of a page.

In:  a page, whichever way up. Out: their texts.
"""

from __future__ import annotations

from docproc.form.features import gray_of
from docproc.page import Page


def read_codes(page: Page) -> tuple[str, ...]:
    """The texts of all codes that can be read, in reading order of the decoder."""
    import zxingcpp

    return tuple(found.text for found in zxingcpp.read_barcodes(gray_of(page)))
