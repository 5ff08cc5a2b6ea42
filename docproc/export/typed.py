"""What stands in formats that know numbers, lists and nothing: JSON, Parquet, SQLite.

In:  records and unreadable pages.
Out: values by the names of docproc.export.columns. Texts are as they were read: no spreadsheet program runs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docproc.export.columns import (
    FAILED,
    FIELD_COLUMNS,
    PAGE_COLUMNS,
    PROVENANCE_COLUMNS,
    WORDS,
    Column,
)
from docproc.export.delimited import writable
from docproc.export.rows import Words, page_status, provenance
from docproc.page import Unreadable
from docproc.reading import FieldReading, Record
from docproc.rounding import chance

MOST_DIGITS = 18  #: Of a number that fits 64 bits.

Values = dict[str, Any]


def page_values(record: Record, words: Words | None = None) -> Values:
    """One page: `PAGE_COLUMNS`, with `words` `PROVENANCE_COLUMNS`, too."""
    page = (
        writable(record.ref.source),
        record.ref.index + 1,
        record.template,
        page_status(record),
        list(map(writable, record.reasons)),
    )
    values = _named(PAGE_COLUMNS, page)
    return values if words is None else values | _named(PROVENANCE_COLUMNS, provenance(record, words))


def failed_page_values(failure: Unreadable) -> Values:
    """One page, or file, that could not be read: with the error for a reason."""
    return _named(PAGE_COLUMNS, (writable(failure.source), failure.page, "", FAILED, [writable(failure.message)]))


def field_values(reading: FieldReading) -> Values:
    """One field: `FIELD_COLUMNS`."""
    box = reading.box_px
    values = (
        reading.name,
        reading.text,
        number(reading.text),
        float(chance(reading.confidence)),
        reading.verdict.value,
        list(map(writable, reading.reasons)),
        [
            {"value": value, "chance": float(chance(probability, places=4))}
            for value, probability in reading.alternatives
        ],
        *((None,) * 4 if box is None else (round(box.left), round(box.top), round(box.width), round(box.height))),
    )
    return _named(FIELD_COLUMNS, values)


def word_values(record: Record, words: Words, field: str) -> Values:
    """Who has looked at one field, and when: `WORDS`."""
    return _named(WORDS, provenance(record, words, field)[-len(WORDS) :])


def long_values(record: Record, words: Words | None = None) -> Iterator[Values]:
    """A row for each field of the page: `LONG_COLUMNS`. A page without fields has one, without a field."""
    page = page_values(record, words)
    if not record.fields:
        yield page
    for reading in record.fields:
        row = page | field_values(reading)
        yield row if words is None else row | word_values(record, words, reading.name)


def number(text: str) -> int | None:
    """The value of digits; None of a blank, of other texts, and of more digits than 64 bits hold."""
    return int(text) if len(text) <= MOST_DIGITS and text.isascii() and text.isdigit() else None


def _named(columns: tuple[Column, ...], values: tuple[Any, ...]) -> Values:
    return {column.name: value for column, value in zip(columns, values, strict=True)}
