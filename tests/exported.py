"""Batches that tests export, and what stands in the files."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledgers import entry

from docproc.ledger import open_ledger
from docproc.page import Unreadable
from docproc.reading import Record
from docproc.tables import make_tables
from docproc.template import Template, restored

SLIP = restored(
    {
        "name": "slip",
        "page": {"width_mm": 210, "height_mm": 148},
        "edges": True,
        "codes": [{"name": "serial", "box": [150, 8, 40, 20]}],
        "fields": [
            {"name": "account", "kind": "comb", "cells": 4, "length": 4, "required": True, "box": [20, 30, 40, 10]},
            {"name": "amount", "kind": "free", "box": [20, 50, 60, 12], "rules": {"min": 5, "max": 999}},
            {"name": "tax", "kind": "cell", "box": [20, 70, 8, 8], "rules": {"values": ["7"]}},
            {"name": "sum", "kind": "free", "length": [1, 4], "box": [20, 90, 60, 12]},
        ],
        "rules": [{"name": "added", "check": "sum == amount + tax"}],
    },
    "t",
)
"""The template of what tests/written.py calls so."""


def a_batch(folder: Path, *outcomes: Record | Unreadable, templates: Sequence[Template] = (SLIP,)) -> Path:
    """A ledger with a page for each of them, named 000001.png and so on, and the tables."""
    with open_ledger(folder, settings={"review_below": 0.9}) as ledger:
        ledger.enter(entry(number) for number in range(1, len(outcomes) + 1))
        for page, outcome in zip(list(ledger.waiting()), outcomes, strict=True):
            ledger.started([page.id])
            ledger.keep(page.id, replace(outcome, ref=page.ref) if isinstance(outcome, Record) else outcome)
        make_tables(ledger, folder, templates=templates, review_below=0.9)
    return folder


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, whatever its format; of a database, those of its fields with their pages."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".parquet":
        from pyarrow.parquet import read_table

        return read_table(path).to_pylist()
    return query(path, "SELECT source, page, template, fields.* FROM fields JOIN pages ON pages.id = page_id")


def query(path: Path, sql: str) -> list[dict[str, Any]]:
    db = sqlite3.connect(path)
    try:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(sql)]
    finally:
        db.close()
