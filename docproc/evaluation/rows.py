"""The two files that are compared, row by row.

In:  fields.csv of a results folder, and a truth CSV.
Out: `Found` and `Truth`, one for each field, or an `EvaluationError` that names file, line and column.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from docproc.errors import EXIT_USAGE, DocprocError
from docproc.export.delimited import FORMULA_STARTS
from docproc.geometry import Box

FIELDS_FILE = "fields.csv"
BOX_COLUMNS = ("left_px", "top_px", "width_px", "height_px")
FOUND_COLUMNS = ("source", "page", "template", "field", "value", "confidence", "status", *BOX_COLUMNS)
TRUTH_COLUMNS = ("source", "page", "field", "value")

Row = TypeVar("Row")


class EvaluationError(DocprocError):
    """The results or the truth cannot be measured: a file or column is missing, or they do not belong together."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True, slots=True)
class Found:
    """One row of fields.csv."""

    source: str
    page: int  #: From 1.
    template: str
    field: str
    value: str
    confidence: float  #: 0 to 1.
    status: str
    reasons: str = ""
    box_px: Box | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """One row of a truth file."""

    source: str
    page: int  #: From 1.
    field: str
    value: str
    cells: str = ""  #: One character a box: a digit, X crossed out, _ empty, ? unreadable; "" where unknown.
    box_px: Box | None = None


def read_found(results: Path) -> tuple[Found, ...]:
    """The fields of a results folder.

    Raises
    ------
    EvaluationError
        If there is no fields.csv, or a column or number in it is missing.
    """
    remedy = "Name a folder that `docproc process -o` has written."
    return _read(results / FIELDS_FILE, FOUND_COLUMNS, remedy, _found)


def read_truth(path: Path) -> tuple[Truth, ...]:
    """The scored fields of a truth file: rows whose column `scored` says `no` are left out.

    Raises
    ------
    EvaluationError
        If the file, a column or a number is missing, or a field stands in it twice.
    """
    remedy = f"A truth file is a CSV with the columns {', '.join(TRUTH_COLUMNS)}."
    rows = _read(path, TRUTH_COLUMNS, remedy, lambda row: None if row.get("scored") == "no" else _truth(row))
    seen: set[tuple[str, int, str]] = set()
    for truth in rows:
        key = (truth.source, truth.page, truth.field)
        if key in seen:
            raise EvaluationError(
                f"{path}: field {truth.field!r} of {truth.source}, page {truth.page}, stands there twice.",
                remedy="Keep one row for each field of a page.",
            )
        seen.add(key)
    return rows


def _read(path: Path, columns: Sequence[str], remedy: str, build: Callable[[Any], Row | None]) -> tuple[Row, ...]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise EvaluationError(f"{path}: there is no column {', '.join(missing)}.", remedy=remedy)
            built: list[Row] = []
            for row in reader:
                try:
                    item = build(row)
                except ValueError as error:
                    raise EvaluationError(f"{path}, line {reader.line_num}: {error}.", remedy=remedy) from error
                if item is not None:
                    built.append(item)
            return tuple(built)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no CSV in UTF-8"
        raise EvaluationError(f"{path}: cannot be read ({reason}).", remedy=remedy) from error


def _found(guarded: Mapping[str, str]) -> Found:
    row = {column: _unguarded(cell or "") for column, cell in guarded.items()}
    return Found(
        source=_normalized(row["source"]),
        page=int(row["page"]),
        template=row["template"],
        field=row["field"],
        value=row["value"],
        confidence=float(row["confidence"] or 0),
        status=row["status"],
        reasons=row.get("reasons") or "",
        box_px=_box(row),
    )


def _unguarded(cell: str) -> str:
    """The cell without the apostrophe that keeps spreadsheet programs from running it as a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA_STARTS else cell


def _truth(row: Mapping[str, str]) -> Truth:
    return Truth(
        source=_normalized(row["source"]),
        page=int(row["page"]),
        field=row["field"],
        value=row["value"].strip(),
        cells=row.get("cells") or "",
        box_px=_box(row),
    )


def _box(row: Mapping[str, str]) -> Box | None:
    numbers = [row.get(column) for column in BOX_COLUMNS]
    return Box(*(float(number or 0) for number in numbers)) if all(numbers) else None


def _normalized(source: str) -> str:
    return source.strip().replace("\\", "/").removeprefix("./")
