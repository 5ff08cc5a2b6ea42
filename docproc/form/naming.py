"""Name proposed fields by the print beside them, as a person would: the label to the left, the heading above.

In:  proposed fields, and the page's lines of print in mm. Out: the same fields with names of letters, digits and `_`.
A field that has its line to itself is named by what stands to its left, else above it. Fields in one line that share
their label are a table's row: the row's label and each column's heading make their names. What has no print near
keeps its row and column.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from docproc.form.proposal import Proposed
from docproc.geometry import Box, Transform
from docproc.ocr import read_text

LONGEST = 40  #: Letters of a name.
LEFT_MM = 60.0  #: How far to the left of a field its label may end, without the other fields in between.
BESIDE_MM = 3.0  #: Words of a heading that stand so far beside a field are another field's.
ABOVE_MM = 6.0  #: How far above a field its label may stand.
BELOW_MM = 2.5  #: How far below a line its label may stand, where it has none before or above it.
EDGE_MM = 1.5  #: Fields of a column have their sides within this.
MOST_WORDS = 5  #: Of a heading; longer print is a sentence.
SAME_LINE = 0.4  #: Share of the lower one's height by which label and field must stand side by side.
OVER = 0.3  #: Share of the narrower one's width by which a heading must stand over its field.


@dataclass(frozen=True, slots=True)
class Label:
    """A line of print."""

    text: str
    box: Box


def read_labels(sheet: npt.NDArray[np.uint8], size_mm: tuple[float, float]) -> list[Label]:
    """The lines of print on the picture of a sheet.

    Raises
    ------
    MissingExtraError
        If RapidOCR is not installed.
    """
    height, width = sheet.shape[:2]
    form_from_sheet = Transform.scaling(size_mm[0] / width, size_mm[1] / height)
    return [Label(line.text, form_from_sheet.box(line.box_px)) for line in read_text(sheet)]


def with_names(fields: Sequence[Proposed], labels: Sequence[Label]) -> tuple[Proposed, ...]:
    """The fields, named by their labels; no two alike."""
    named = [label for label in labels if _slug(label.text)]
    boxes = [proposed.field.box for proposed in fields]
    rows = [_left_of(box, named, boxes) for box in boxes]
    shared = Counter(id(row) for row in rows if row is not None)
    names: list[str] = []
    for proposed, row in zip(fields, rows, strict=True):
        box = proposed.field.box
        near = _above(box, named, boxes, far=False)
        if row is None and near is None:
            near = _above(box, named, boxes, far=True)
        if row is None and near is None:
            near = _below(box, named)
        if row is not None and shared[id(row)] > 1:
            heading = near or _above(box, named, boxes, far=True)
            name = _joined(row, heading)
        else:
            name = _joined(near if row is None or _is_nearer(near, row, box) else row)
        names.append(name or proposed.field.name)
    return tuple(
        replace(proposed, field=proposed.field.model_copy(update={"name": name}))
        for proposed, name in zip(fields, _told_apart(names), strict=True)
    )


def _joined(label: Label | None, heading: Label | None = None) -> str:
    """One name of a label and a heading; a long label leaves room for the heading."""
    last = "" if heading is None else _slug(heading.text)[: LONGEST // 2]
    first = "" if label is None else _slug(label.text)[: LONGEST - len(last) - 1]
    return "_".join(part.strip("_") for part in (first, last) if part)


def _is_nearer(above: Label | None, left: Label, box: Box) -> bool:
    """Whether what stands above a field is its label, and not what stands to its left."""
    return above is not None and box.top - above.box.bottom < box.left - left.box.right


def _left_of(box: Box, labels: Sequence[Label], fields: Sequence[Box]) -> Label | None:
    """The nearest print that ends to the left of a field, side by side with it."""
    before = [label for label in labels if _is_level(label.box, box) and label.box.right <= box.left + BESIDE_MM]
    if not before:
        return None
    best = max(before, key=lambda label: label.box.right)
    between = [one for one in fields if _is_level(one, box) and best.box.right <= one.center[0] < box.left]
    gap = box.left - best.box.right - sum(one.width for one in between)
    return best if gap <= LEFT_MM else None


def _is_level(one: Box, other: Box) -> bool:
    level = min(one.bottom, other.bottom) - max(one.top, other.top)
    return level >= SAME_LINE * min(one.height, other.height)


def _above(box: Box, labels: Sequence[Label], fields: Sequence[Box], *, far: bool) -> Label | None:
    """The nearest print over a field; `far` over other fields of its column, too."""
    best: Label | None = None
    for label in labels:
        over = min(box.right, label.box.right) - max(box.left, label.box.left)
        gap = box.top - label.box.bottom
        if (
            len(_over(label, box).text.split()) > MOST_WORDS
            or over < OVER * min(box.width, label.box.width)
            or gap < -0.5 * label.box.height
        ):
            continue
        if not far and gap > ABOVE_MM:
            continue
        if best is None or label.box.bottom > best.box.bottom:
            best = label
    if best is None:
        return None
    best = _over(best, box)
    if not far:
        return best
    # Between a column's heading and its lower fields stand its upper ones, edge to edge, and nothing else.
    column = [
        other
        for other in fields
        if abs(other.left - box.left) <= EDGE_MM and abs(other.right - box.right) <= EDGE_MM and other.top < box.top
    ]
    covered = sum(other.height for other in column if other.top >= best.box.top)
    nearest = max((other.bottom for other in column), default=-np.inf)
    is_column = box.top - nearest <= ABOVE_MM and covered >= 0.6 * (box.top - best.box.bottom) - ABOVE_MM
    return best if is_column else None


def _below(box: Box, labels: Sequence[Label]) -> Label | None:
    """The print right under a field: what is to be signed or filled in on the line above it."""
    for label in labels:
        over = min(box.right, label.box.right) - max(box.left, label.box.left)
        gap = label.box.top - box.bottom
        if -0.5 * label.box.height <= gap <= BELOW_MM and over >= OVER * min(box.width, label.box.width):
            return label
    return None


def _over(label: Label, box: Box) -> Label:
    """Of a heading that goes on over other fields, the words over this one; letters are taken as equally wide."""
    width = label.box.width / max(len(label.text), 1)
    words = [
        match
        for match in re.finditer(r"\S+", label.text)
        if box.left - BESIDE_MM <= label.box.left + (match.start() + match.end()) / 2 * width <= box.right + BESIDE_MM
    ]
    goes_on = max(box.left - label.box.left, label.box.right - box.right) > 2 * BESIDE_MM
    return Label(" ".join(match[0] for match in words), label.box) if words and goes_on else label


def _slug(text: str) -> str:
    """Small letters, digits and `_`; "" for a text without a letter."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign)).lower()
    slug = re.sub(r"[^\w]+", "_", plain).strip("_")
    return slug if re.search(r"[^\W\d_]", slug) else ""


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names that occur more than once are counted."""
    count, met = Counter(names), Counter[str]()
    taken = {name for name in names if count[name] == 1}
    told = []
    for name in names:
        own = name
        while count[name] > 1 and (own == name or own in taken):
            met[name] += 1
            own = f"{name}_{met[name]}"
        taken.add(own)
        told.append(own)
    return told
