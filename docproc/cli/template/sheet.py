"""A sheet as the verbs of `docproc template` meet it: the one page that is named, and a template's size in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docproc.errors import PageError

if TYPE_CHECKING:
    from docproc.page import Page
    from docproc.template import Template


def open_page(path: Path, number: int) -> Page:
    """Page `number`, from 1, of an image or PDF.

    Raises
    ------
    PageError
        If it cannot be read, or there is no such page.
    """
    from docproc.page import list_pages, load_page
    from docproc.sources import find_sources

    if path.is_dir():
        raise PageError(f"{path} is a folder.", remedy="Name one image or PDF in it.")
    refs = list_pages(find_sources([str(path)])[0])
    if number > len(refs):
        raise PageError(f"{path} has {len(refs)} pages, and no page {number}.", remedy="Name one that it has.")
    return load_page(refs[number - 1])


def size_in_words(template: Template) -> str:
    """`210 x 148 mm`."""
    return f"{template.page.width_mm:g} x {template.page.height_mm:g} mm"
