"""Show how one page was read: every intermediate picture, and the reason for each decision.

In:  a page, through the same `pipeline.read_page` that processing uses.
Out: a folder of PNG pictures, and index.html that shows them in order with what was decided.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from docproc.character.recognizer import Recognizer
from docproc.combination.line_reader import LineReader
from docproc.combination.witness import Witness
from docproc.decision import Policy
from docproc.errors import OutputError
from docproc.page import Page
from docproc.pipeline import read_page
from docproc.reading import FieldReading, Record, Verdict
from docproc.rounding import chance
from docproc.template import Template

OVERVIEW = "page-fields.png"
INDEX = "index.html"
COLORS = {  # RGB, the same as in the spreadsheet: green goes through, amber is looked at, red has no value
    Verdict.ACCEPTED: (30, 140, 60),
    Verdict.REVIEW: (230, 140, 0),
    Verdict.REJECTED: (200, 30, 30),
}
LARGEST_PICTURE_PX = 2400  #: Longest side of the overview: a screen's worth, sharp enough to read a digit.


@dataclass(slots=True)
class _Pictures:
    """A `fields.Trace` that keeps what it is shown, by field; "" is the page's own."""

    only: str | None
    pictures: dict[str, dict[str, npt.NDArray[np.uint8]]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def picture(self, stage: str, image: npt.NDArray[np.uint8], *, field: str = "") -> None:
        if not field or self.only in (None, field):
            self.pictures.setdefault(field, {})[stage] = image

    def note(self, text: str, *, field: str = "") -> None:
        if not field or self.only in (None, field):
            self.notes.setdefault(field, []).append(text)


def explain_page(
    page: Page,
    templates: Sequence[Template],
    recognizer: Recognizer,
    policy: Policy,
    output: Path,
    *,
    only: str | None = None,
    whole_image: bool = False,
    line_reader: LineReader | None = None,
    witness: Witness | None = None,
) -> Record:
    """Read a page and write down all that was seen on the way.

    Parameters
    ----------
    output : Path
        A folder, made if it is not there; pictures in it of the same names are written over.
    only : str, optional
        The one field to explain; all of them where None.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    seen = _Pictures(only)
    record = read_page(
        page,
        templates,
        recognizer,
        policy,
        line_reader=line_reader,
        witness=witness,
        whole_image=whole_image,
        trace=seen,
    )
    try:
        output.mkdir(parents=True, exist_ok=True)
        _write(output / OVERVIEW, _overview(page, record))
        sections = [_section("", "The page", seen, output, extra=[OVERVIEW])]
        for reading in record.fields:
            if only in (None, reading.name):
                sections.append(_section(reading.name, _heading(reading), seen, output, reading=reading))
        (output / INDEX).write_text(_document(record, sections), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{output}: cannot write the pictures ({error.strerror}).", remedy="Name a folder that you may write to."
        ) from error
    return record


def _overview(page: Page, record: Record) -> npt.NDArray[np.uint8]:
    """The page with each field's box in the color of its verdict, and its value beside it."""
    pixels = page.pixels if page.pixels.ndim == 3 else np.dstack([page.pixels] * 3)
    scale = min(LARGEST_PICTURE_PX / max(pixels.shape[:2]), 1.0)
    picture = (
        cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels.copy()
    )
    for reading in record.fields:
        if reading.box_px is None:
            continue
        box, color = reading.box_px.scaled(scale), COLORS[reading.verdict]
        corner, opposite = (round(box.left), round(box.top)), (round(box.right), round(box.bottom))
        cv2.rectangle(picture, corner, opposite, color, 2)
        _label(picture, reading.text or "-", corner, color)
    return picture.astype(np.uint8)


def _label(picture: npt.NDArray[np.uint8], text: str, corner: tuple[int, int], color: tuple[int, int, int]) -> None:
    """A value on a tag of its verdict's color, standing on the box's upper edge."""
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.55, 1)
    left, bottom = corner[0], max(corner[1], height + below + 2)
    cv2.rectangle(picture, (left, bottom - height - below - 2), (left + width + 6, bottom), color, -1)
    place = (left + 3, bottom - below)
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 1, cv2.LINE_AA)


def _section(
    name: str,
    heading: str,
    seen: _Pictures,
    output: Path,
    *,
    extra: Sequence[str] = (),
    reading: FieldReading | None = None,
) -> str:
    """One part of the document: its pictures are written, and shown in the order of their stages."""
    folder = output / _file_name(name) if name else output
    folder.mkdir(exist_ok=True)
    shown: list[tuple[str, str]] = [(file, file.removesuffix(".png")) for file in extra]
    for stage, image in sorted(seen.pictures.get(name, {}).items()):
        if name:  # the page itself is shown with its fields drawn in
            path = folder / f"{_file_name(stage)}.png"
            _write(path, image)
            shown.append((path.relative_to(output).as_posix(), stage))
    images = "".join(
        f'<figure><img src="{html.escape(path)}" alt="{html.escape(stage)}"'
        f' class="{"glyph" if "glyph" in stage else "stage"}"><figcaption>{html.escape(stage)}</figcaption></figure>'
        for path, stage in shown
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in seen.notes.get(name, []))
    kind = reading.verdict.value if reading else "page"
    return f'<section class="{kind}"><h2>{html.escape(heading)}</h2><div>{images}</div><ul>{notes}</ul></section>'


def _heading(reading: FieldReading) -> str:
    others = ", ".join(f"{value or 'blank'} {chance(other, places=3)}" for value, other in reading.alternatives)
    sure = chance(reading.confidence, places=3)
    why = f" ({'; '.join(reading.reasons)})" if reading.reasons else ""
    return f"{reading.name}: {reading.text or 'blank'}, {reading.verdict.value} at {sure}{why}" + (
        f"; or {others}" if others else ""
    )


def _document(record: Record, sections: Sequence[str]) -> str:
    title = f"{record.ref.source}, page {record.ref.index + 1}: {record.verdict.value}"
    under = f"template {record.template}" if record.template else "no template"
    if record.residual_mm is not None:
        under += f", residual {record.residual_mm:.2f} mm"
    if record.reasons:
        under += f"; {'; '.join(record.reasons)}"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>
<style>
 body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; }}
 section {{ border-left: 6px solid #bbb; padding-left: 1rem; margin: 1.5rem 0; }}
 .accepted {{ border-color: rgb{COLORS[Verdict.ACCEPTED]}; }} .review {{ border-color: rgb{COLORS[Verdict.REVIEW]}; }}
 .rejected {{ border-color: rgb{COLORS[Verdict.REJECTED]}; }}
 h2 {{ font-size: 1.05rem; }} figure {{ display: inline-block; margin: 0 1rem .5rem 0; vertical-align: top; }}
 figcaption {{ color: #777; font-size: .8rem; }} img {{ max-width: 90vw; border: 1px solid #ccc; }}
 img.glyph {{ width: 84px; image-rendering: pixelated; }} ul {{ color: #444; font-size: .9rem; }}
</style>
<h1>{html.escape(title)}</h1><p>{html.escape(under)}</p>
{"".join(sections)}
</html>
"""


def _file_name(name: str) -> str:
    """A field's name as a file name that every system takes."""
    return re.sub(r"[^\w.-]+", "_", name).strip(".") or "field"


def _write(path: Path, image: npt.NDArray[np.uint8]) -> None:
    picture = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(".png", picture)
    if not encoded:
        raise OSError(0, "the picture cannot be encoded", str(path))
    path.write_bytes(data.tobytes())
