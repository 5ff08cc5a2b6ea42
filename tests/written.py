"""Records as tests write them to results, and the tables that they read back."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from docproc.export import open_results
from docproc.page import PageRef, Unreadable
from docproc.reading import FieldReading, Record, Verdict


def gray_crop(width_px: int = 120, height_px: int = 40) -> bytes:
    return cv2.imencode(".png", np.full((height_px, width_px), 200, np.uint8))[1].tobytes()


def a_reading(name: str, text: str, verdict: Verdict = Verdict.ACCEPTED, **more: Any) -> FieldReading:
    crop = b"" if verdict is Verdict.ACCEPTED else gray_crop()
    return FieldReading(
        **{"name": name, "text": text, "confidence": 0.98765, "verdict": verdict, "crop_png": crop} | more
    )


def a_record(
    source: str, *fields: FieldReading, index: int = 0, reasons: tuple[str, ...] = (), detail: str = ""
) -> Record:
    doubtful = reasons or any(reading.verdict is not Verdict.ACCEPTED for reading in fields)
    return Record(
        ref=PageRef(source=source, path=source, index=index, sha256="0"),
        template="slip",
        template_digest="t",
        model_digest="m",
        fields=fields,
        verdict=Verdict.REVIEW if doubtful else Verdict.ACCEPTED,
        reasons=reasons,
        detail=detail,
    )


def write_results(output: Path, *records: Record, failures: tuple[Unreadable, ...] = ()) -> None:
    with open_results(output) as results:
        for record in records:
            results.add(record)
        for failure in failures:
            results.add_failure(failure)


def table_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
