"""Find the fields of a template that stand in rows and columns, and what to call those.

In:  the fields of a template.
Out: tables with the titles that their fields' names share: `student01_total` stands in row "Student 01" and
     column "Total".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from docproc.geometry import Box
from docproc.template import Field

SAME_MM = 0.5  #: Edges closer than this are meant to be in line.
FEWEST_ROWS = 3
FEWEST_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    box: Box  #: Around its fields, in mm.
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    top: float
    height: float
    title: str

    @property
    def bottom(self) -> float:
        """Top plus height."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Table:
    """Fields in rows and columns."""

    fields: tuple[Field, ...]
    rows: tuple[Row, ...]  #: Top to bottom.
    columns: tuple[Column, ...]  #: Left to right.


def words(name: str) -> str:
    """What a name says to people: `student_number` is "Student number", `row01` is "Row 01"."""
    spaced = re.sub(r"(?<=[a-z]{2})(?=\d)", " ", re.sub(r"[_\-\s]+", " ", name)).strip()
    return spaced[:1].upper() + spaced[1:]


def find_tables(fields: Sequence[Field]) -> tuple[Table, ...]:
    """Group the fields that share at least FEWEST_ROWS rows and FEWEST_COLUMNS columns."""
    columns = [group for group in _grouped(fields, _column_key) if len(group) >= FEWEST_ROWS]
    by_tops: dict[tuple[int, ...], list[list[Field]]] = {}
    for column in columns:
        tops = tuple(round(field.box.top / SAME_MM) for field in sorted(column, key=lambda field: field.box.top))
        by_tops.setdefault(tops, []).append(column)
    return tuple(_table(group) for group in by_tops.values() if len(group) >= FEWEST_COLUMNS)


def _table(columns: list[list[Field]]) -> Table:
    fields = tuple(field for column in columns for field in column)
    rows = sorted(_grouped(fields, lambda field: (round(field.box.top / SAME_MM),)), key=lambda row: row[0].box.top)
    ordered = sorted(columns, key=lambda column: column[0].box.left)
    return Table(
        fields,
        tuple(Row(row[0].box.top, row[0].box.height, _shared(row)) for row in rows),
        tuple(Column(Box.union(field.box for field in column), _shared(column)) for column in ordered),
    )


def _column_key(field: Field) -> tuple[int, ...]:
    return round(field.box.left / SAME_MM), round(field.box.width / SAME_MM), round(field.box.height / SAME_MM)


def _grouped(fields: Iterable[Field], key: Callable[[Field], tuple[int, ...]]) -> list[list[Field]]:
    groups: dict[tuple[int, ...], list[Field]] = {}
    for field in fields:
        groups.setdefault(key(field), []).append(field)
    return list(groups.values())


def _shared(fields: Sequence[Field]) -> str:
    """The words that all the names have in common, in the order of the first; "" where there is none."""
    split = [re.split(r"[_\-\s]+", field.name) for field in fields]
    return words(" ".join(part for part in split[0] if all(part in other for other in split[1:])))
