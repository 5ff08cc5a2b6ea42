"""Tables that are written already, with reasons that only later pages gave: a number that came again.

In:  the rows of a batch on disk, and reasons by page and field.
Out: the same rows in the same order; those fields and pages go to review, and have their rows in the sheet of that.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from docproc.export.delimited import row_writer, safe_cell
from docproc.export.rows import FIELD_COLUMNS, FormRow, ReviewRow
from docproc.reading import Verdict

Late = Mapping[tuple[str, int], Mapping[str, str]]
"""Reasons by field, by source and page."""

ACCEPTED, REVIEW = Verdict.ACCEPTED.value, Verdict.REVIEW.value


def amend_fields(path: Path, late: Late) -> tuple[dict[tuple[str, int], list[ReviewRow]], int]:
    """Write fields.csv anew; give the fields as the review shows them, but for their values.

    The number is how many of them were accepted before.
    """
    of_page = {(safe_cell(source), str(page)): (source, page) for source, page in late}
    source_at, page_at, field_at, status_at, reasons_at = (
        FIELD_COLUMNS.index(name) for name in ("source", "page", "field", "status", "reasons")
    )
    shown: dict[tuple[str, int], list[ReviewRow]] = {}
    accepted = 0
    aside = path.with_suffix(".amended")
    with path.open(encoding="utf-8", newline="") as old, aside.open("w", encoding="utf-8", newline="") as new:
        writer = row_writer(new)
        for row in csv.reader(old):
            place = of_page.get((row[source_at], row[page_at]))
            reasons = {safe_cell(name): (name, reason) for name, reason in late[place].items()} if place else {}
            if place and row[field_at] in reasons:
                name, reason = reasons[row[field_at]]
                accepted += row[status_at] == ACCEPTED
                row[status_at] = _doubted(row[status_at])
                row[reasons_at] = _joined(row[reasons_at], reason)
                _, confidence, status, why, others = row[field_at + 1 : field_at + 6]
                shown.setdefault(place, []).append(
                    ReviewRow(*place, name, "", confidence, status, why, others, crop_base64="")
                )
            writer.writerow(row)
    os.replace(aside, path)
    return shown, accepted


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


def amend_review(
    review: Iterable[ReviewRow], forms: Iterable[FormRow], shown: Mapping[tuple[str, int], list[ReviewRow]]
) -> Iterator[ReviewRow]:
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
