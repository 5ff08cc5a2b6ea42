"""Pages that tests draw, and the way from a file to its page."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from docproc.page import Page, find_sources, list_pages, load_page


def sheet(width: int = 150, height: int = 200) -> Image.Image:
    """A gray page that looks different in each of its eight positions."""
    picture = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([10, 12, 60, 40], fill=0)
    draw.line([20, 60, 110, 190], fill=90, width=6)
    draw.ellipse([90, 20, 130, 60], fill=170)
    return picture


def colored(width: int = 150, height: int = 200) -> Image.Image:
    picture = sheet(width, height).convert("RGB")
    ImageDraw.Draw(picture).rectangle([70, 150, 120, 190], fill=(210, 30, 60))
    return picture


def load(path: Path, index: int = 0) -> Page:
    [source] = find_sources([str(path)])
    return load_page(list_pages(source)[index])


def saved(folder: Path, name: str, picture: Image.Image, **options: object) -> Path:
    path = folder / name
    picture.save(path, **options)
    return path
