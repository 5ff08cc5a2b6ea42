"""What was read, as JSON: the names and numbers of fields.csv, forms.csv and errors.csv.

In:  records and unreadable pages.
Out: dictionaries. Lists take the place of texts joined by `;`, and nothing is made safe for spreadsheets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from docproc.page import Unreadable
from docproc.reading import FieldReading, Record
from docproc.rounding import chance
from docproc.template import Template

Values = dict[str, Any]


def answer(source: str, outcomes: Iterable[Record | Unreadable]) -> Values:
    """What came of the pages of one file."""
    told = tuple(outcomes)
    return {
        "source": source,
        "pages": [_page(one) for one in told if isinstance(one, Record)],
        "errors": [failure(one) for one in told if isinstance(one, Unreadable)],
    }


def failure(unreadable: Unreadable) -> Values:
    """A page, or a file as a whole, that could not be read."""
    return {
        "source": unreadable.source,
        "page": unreadable.page,
        "error": unreadable.message,
        "remedy": unreadable.remedy,
    }


def templates(loaded: Mapping[str, Template]) -> Values:
    """The templates that pages can be read by."""
    return {
        "templates": [
            {
                "name": template.name,
                "width_mm": template.page.width_mm,
                "height_mm": template.page.height_mm,
                "fields": [field.name for field in template.fields] + [place.name for place in template.codes],
            }
            for template in sorted(loaded.values(), key=lambda one: one.name)
        ]
    }


def _page(record: Record) -> Values:
    return {
        "source": record.ref.source,
        "page": record.ref.index + 1,
        "template": record.template,
        "status": record.verdict.value,
        "reasons": list(record.reasons),
        "detail": record.detail,
        "fields": {reading.name: _field(reading) for reading in record.fields},
    }


def _field(reading: FieldReading) -> Values:
    box = reading.box_px
    return {
        "value": reading.text,
        "confidence": float(chance(reading.confidence)),
        "status": reading.verdict.value,
        "reasons": list(reading.reasons),
        "alternatives": [
            {"value": value, "chance": float(chance(probability, places=4))}
            for value, probability in reading.alternatives
        ],
        "left_px": None if box is None else round(box.left),
        "top_px": None if box is None else round(box.top),
        "width_px": None if box is None else round(box.width),
        "height_px": None if box is None else round(box.height),
    }
