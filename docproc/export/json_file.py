"""A batch as JSON: for programs.

In:  records and unreadable pages, in page order, one at a time.
Out: one object a page with its fields in it, or one a field; either way one a line. `.json` is an array of them,
which is what programs expect of that name; `.jsonl` is the lines alone, which can be read without holding all.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from docproc.export.one_file import Shape
from docproc.export.rows import Words
from docproc.export.typed import Values, failed_page_values, field_values, long_values, page_values, word_values
from docproc.page import Unreadable
from docproc.reading import Record


class JsonFile:
    """See the module, and `docproc.export.one_file.Writer`."""

    wants_pictures = False

    def __init__(self, path: Path, shape: Shape) -> None:
        self._by_field = shape.by_field
        self._is_array = path.suffix == ".json"
        self._file = path.open("w", encoding="utf-8", newline="")
        self._between = "[\n"  # what comes before the next line of an array

    def add(self, record: Record, words: Words | None) -> None:
        """Keep one page's record."""
        for values in long_values(record, words) if self._by_field else (_page(record, words),):
            self._put(values)

    def add_failure(self, failure: Unreadable) -> None:
        """Keep a page that could not be read."""
        self._put(failed_page_values(failure))

    def finish(self) -> None:
        """Write the rest."""
        with self._file:
            if self._is_array:
                self._file.write("[]\n" if self._between == "[\n" else "\n]\n")

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):
            self._file.close()

    def _put(self, values: Values) -> None:
        line = json.dumps(values, ensure_ascii=False)
        self._file.write(f"{self._between}{line}" if self._is_array else f"{line}\n")
        self._between = ",\n"


def _page(record: Record, words: Words | None) -> dict[str, Any]:
    """A page, its fields by their name."""
    fields = {}
    for reading in record.fields:
        values = field_values(reading)
        name = values.pop("field")
        fields[name] = values if words is None else values | word_values(record, words, name)
    return {**page_values(record, words), "fields": fields}
