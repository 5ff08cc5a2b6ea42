"""Pictures of doubtful fields that reading kept none of: cut out of their pages again, where those still are."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from flagged import flagged
from PIL import Image

from docproc import cropping
from docproc.ledger import Entry, open_ledger, read_ledger
from docproc.page import PageRef
from docproc.projection import export_batch
from docproc.reading import Record
from docproc.review.batch import Batch
from docproc.tables import write_tables

ELSEWHERE = "docproc review shows it"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A batch of pages with 5, 5 and 2 doubtful fields, as if a target had sent them to review: without pictures."""
    with read_ledger(flagged(tmp_path, 12)) as ledger:
        records = [one for one in ledger.outcomes(crops=lambda: False) if isinstance(one, Record)]
    folder = tmp_path / "bare"
    with open_ledger(folder, settings={"folder": str(tmp_path)}) as ledger:
        ledger.enter(Entry(one.ref, "read") for one in records)
        for page, one in zip(list(ledger.waiting()), records, strict=True):
            ledger.started([page.id])
            ledger.keep(page.id, replace(one, ref=page.ref))
    return folder


def reported(folder: Path) -> Path:
    with read_ledger(folder) as ledger:
        write_tables(ledger, folder)
    return folder / "forms.xlsx"


def told(workbook: Path) -> tuple[int, int]:
    """How many pictures the sheet `review` has, and how many rows that say where else they are seen."""
    sheet = openpyxl.load_workbook(workbook)["review"]
    cells = [row[0].value for row in sheet.iter_rows(min_row=2)]
    assert len(cells) == 12
    return len(sheet._images), cells.count(ELSEWHERE)


def test_the_workbook_has_pictures_of_doubtful_fields_that_reading_had_accepted(results: Path) -> None:
    assert told(reported(results)) == (12, 0)
    report = (results / "report.html").read_text(encoding="utf-8")
    assert report.count('<img alt="" src="data:image/jpeg') == 12


def test_few_pages_are_opened_for_the_tables_and_all_for_an_export(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docproc.tables.MOST_OPENED", 1)
    assert told(reported(results)) == (5, 7)
    export_batch(results, tmp_path / "all.xlsx")
    assert told(tmp_path / "all.xlsx") == (12, 0)


def test_a_page_that_is_gone_or_has_changed_has_no_picture(results: Path, tmp_path: Path) -> None:
    (tmp_path / "scans" / "001.png").unlink()
    (tmp_path / "scans" / "002.png").write_bytes(b"another scan")
    assert told(reported(results)) == (2, 10)


def test_tables_that_are_made_again_open_no_page_again(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    load = cropping.load_page
    monkeypatch.setattr(cropping, "load_page", lambda ref: opened.append(ref.source) or load(ref))
    for _ in range(3):
        assert told(reported(results)) == (12, 0)
    assert opened == ["001.png", "002.png", "003.png"]


def test_a_picture_has_the_size_of_those_that_reading_keeps(results: Path) -> None:
    with read_ledger(results) as ledger:
        batch = Batch(results, ledger)
        ref = ledger.page_ref("001.png", 0)
        record = next(one for one in ledger.outcomes() if isinstance(one, Record))
    box = record.fields[0].box_px
    assert isinstance(ref, PageRef) and box is not None
    picture = Image.open(io.BytesIO(batch.cut(ref, box)))
    # 60 px high with three tenths of that around it, enlarged to 64
    assert picture.size == (round((220 + 36) * 64 / 60), round((60 + 36) * 64 / 60))
    assert picture.getextrema()[0] < 60
