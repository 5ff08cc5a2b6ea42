"""Tables that are written already, with reasons that only later pages gave: a number that came again.

In:  the rows of a batch on disk, and reasons by page and field.
Out: the same rows in the same order; those fields and pages go to review, and have their rows in the sheet of that.
"""

from __future__ import annotations

import base64
import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from docproc.export.delimited import row_writer, safe_cell
from docproc.export.picture import Picture, compact
from docproc.export.rows import FIELD_COLUMNS, FormRow, ReviewRow
from docproc.geometry import Box
from docproc.reading import Verdict

Late = Mapping[tuple[str, int], Mapping[str, str]]
"""Reasons by field, by source and page."""

Shown = dict[tuple[str, int], list[ReviewRow]]
"""Rows of the review, by source and page."""

PictureOf = Callable[[str, int, Box], bytes]
"""PNG of a box of a page, by source and page; b"" where there is none."""

MOST_LATE_PICTURES = 100  #: Each page is opened once more: in all about half a minute.
NO_PICTURE = Picture(b"", 0, 0)
BOX_COLUMNS = FIELD_COLUMNS[-4:]
ACCEPTED, REVIEW = Verdict.ACCEPTED.value, Verdict.REVIEW.value


def amend_fields(path: Path, late: Late, picture_of: PictureOf) -> tuple[Shown, int]:
    """Write fields.csv anew; give the fields as the review shows them, but for their values.

    The number is how many of them were accepted before.
    """
    of_page = {(safe_cell(source), str(page)): (source, page) for source, page in late}
    shown: Shown = {}
    accepted = 0
    aside = path.with_suffix(".amended")
    with path.open(encoding="utf-8", newline="") as old, aside.open("w", encoding="utf-8", newline="") as new:
        reader, writer = csv.DictReader(old), row_writer(new)
        writer.writerow(FIELD_COLUMNS)
        for row in reader:
            place = of_page.get((row["source"], row["page"]))
            named = {safe_cell(name): name for name in late[place]} if place else {}
            if place and row["field"] in named:
                name = named[row["field"]]
                picture = NO_PICTURE
                if row["status"] == ACCEPTED and accepted < MOST_LATE_PICTURES and row["left_px"]:
                    picture = _picture(place, Box(*(float(row[side]) for side in BOX_COLUMNS)), picture_of)
                accepted += row["status"] == ACCEPTED
                row["status"] = _doubted(row["status"])
                row["reasons"] = _joined(row["reasons"], late[place][name])
                shown.setdefault(place, []).append(_review_row(place, name, row, picture))
            writer.writerow(row.values())
    os.replace(aside, path)
    return shown, accepted


def _review_row(place: tuple[str, int], name: str, row: Mapping[str, str], picture: Picture) -> ReviewRow:
    return ReviewRow(
        *place,
        field=name,
        value="",
        confidence=row["confidence"],
        status=row["status"],
        reasons=row["reasons"],
        alternatives=row["alternatives"],
        crop_base64=base64.b64encode(picture.encoded).decode(),
        crop_width_px=picture.width_px,
        crop_height_px=picture.height_px,
    )


def _picture(place: tuple[str, int], box_px: Box, picture_of: PictureOf) -> Picture:
    png = picture_of(*place, box_px)
    return compact(png) if png else NO_PICTURE


def amend_forms(forms: Iterable[FormRow], late: Late) -> Iterator[FormRow]:
    """The rows of forms.csv."""
    for form in forms:
        why = late.get((form.source, form.page))
        if why is None:
            yield form
            continue
        reasons = form.reasons
        for reason in dict.fromkeys(why.values()):
            reasons = _joined(reasons, reason)
        cells = [(name, value, _doubted(status) if name in why else status) for name, value, status in form.cells]
        yield form._replace(status=_doubted(form.status), reasons=reasons, cells=cells)


def amend_review(review: Iterable[ReviewRow], forms: Iterable[FormRow], shown: Shown) -> Iterator[ReviewRow]:
    """The rows of the sheet `review`, in the order of `forms` and of their fields."""
    there = groupby(review, key=lambda row: (row.source, row.page))
    place, rows = next(there, (None, iter(())))
    for form in forms:
        own: list[ReviewRow] = []
        if place == (form.source, form.page):
            own = list(rows)
            place, rows = next(there, (None, iter(())))
        for new in shown.get((form.source, form.page), ()):
            old = next((row for row in own if row.field == new.field), None)
            if old is None:
                own.append(new._replace(value=next(value for name, value, _ in form.cells if name == new.field)))
            else:
                own[own.index(old)] = old._replace(status=new.status, reasons=new.reasons)
        order = {"": -1} | {name: index for index, (name, _, _) in enumerate(form.cells)}
        yield from sorted(own, key=lambda row: order[row.field])


def _doubted(status: str) -> str:
    return REVIEW if status == ACCEPTED else status


def _joined(reasons: str, reason: str) -> str:
    return f"{reasons};{reason}" if reasons else reason
