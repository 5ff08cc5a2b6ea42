"""A number that came again sends the page that had it first to review, too, though that was written long before."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from written import a_reading, a_record, gray_crop, table_rows

from docproc.export import amending, open_results
from docproc.geometry import Box
from docproc.reading import Verdict

BOX = Box(10, 20, 30, 40)
LATE = {("=a.png", 2): {"number": "double_of:c.png"}}


def _reviewed(output: Path) -> list[list[object]]:
    sheet = openpyxl.load_workbook(output / "forms.xlsx")["review"]
    return [[row[column].value for column in (1, 2, 3, 4, 6, 7)] for row in sheet.iter_rows(min_row=2)]


def test_an_accepted_field_and_its_page_go_to_review_in_all_tables(tmp_path: Path) -> None:
    asked: list[tuple[str, int, Box]] = []

    def picture_of(source: str, page: int, box_px: Box) -> bytes:
        asked.append((source, page, box_px))
        return gray_crop()

    with open_results(tmp_path / "out") as results:
        results.add(a_record("=a.png", a_reading("number", "12", box_px=BOX), a_reading("sum", "7", Verdict.REVIEW)))
        page = (a_reading("date", "1"), a_reading("number", "12", box_px=BOX), a_reading("sum", "7", Verdict.REVIEW))
        results.add(a_record("=a.png", *page, index=1))
        results.add(a_record("b.png", a_reading("number", "13", Verdict.REVIEW)))
        assert results.amend(LATE, picture_of) == (1, 0)
    assert asked == [("=a.png", 2, BOX)]
    fields = [(row["source"], row["page"], row["field"], row["status"], row["reasons"]) for row in _fields(tmp_path)]
    assert fields == [
        ("'=a.png", "1", "number", "accepted", ""),
        ("'=a.png", "1", "sum", "review", ""),
        ("'=a.png", "2", "date", "accepted", ""),
        ("'=a.png", "2", "number", "review", "double_of:c.png"),
        ("'=a.png", "2", "sum", "review", ""),
        ("b.png", "1", "number", "review", ""),
    ]
    forms = [(row["status"], row["reasons"]) for row in table_rows(tmp_path / "out" / "forms.csv")]
    assert forms == [("review", ""), ("review", "double_of:c.png"), ("review", "")]
    assert _reviewed(tmp_path / "out") == [
        ["=a.png", 1, "sum", "7", "review", None],
        ["=a.png", 2, "number", "12", "review", "double_of:c.png"],
        ["=a.png", 2, "sum", "7", "review", None],
        ["b.png", 1, "number", "13", "review", None],
    ]
    images = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]._images
    assert [image.anchor._from.row for image in images] == [1, 2, 3, 4]


def _fields(folder: Path) -> list[dict[str, str]]:
    return table_rows(folder / "out" / "fields.csv")


def test_a_doubtful_field_gets_one_more_reason_and_keeps_its_picture(tmp_path: Path) -> None:
    doubtful = a_reading("number", "12", Verdict.REVIEW, reasons=("gap",), box_px=BOX)
    with open_results(tmp_path / "out") as results:
        results.add(a_record("=a.png", doubtful, index=1))
        assert results.amend(LATE, lambda *place: pytest.fail("it has a picture")) == (0, 0)
    assert [row["reasons"] for row in _fields(tmp_path)] == ["gap;double_of:c.png"]
    assert _reviewed(tmp_path / "out") == [["=a.png", 2, "number", "12", "review", "gap;double_of:c.png"]]
    assert len(openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]._images) == 1


def test_an_accepted_page_is_counted_when_it_goes_to_review(tmp_path: Path) -> None:
    with open_results(tmp_path / "out") as results:
        results.add(a_record("=a.png", a_reading("number", "+12"), index=1))
        assert results.amend(LATE) == (1, 1)
    assert _reviewed(tmp_path / "out") == [["=a.png", 2, "number", "+12", "review", "double_of:c.png"]]


def test_not_all_pages_of_a_batch_are_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amending, "MOST_LATE_PICTURES", 2)
    late = {(f"{page}.png", 1): {"number": "double_of:c.png"} for page in range(4)}
    asked: list[str] = []
    with open_results(tmp_path / "out") as results:
        for page in range(4):
            results.add(a_record(f"{page}.png", a_reading("number", "12", box_px=BOX)))
        results.amend(late, lambda source, page, box_px: asked.append(source) or b"")
    assert asked == ["0.png", "1.png"]


def test_tables_without_late_reasons_stay_as_they_are(tmp_path: Path) -> None:
    for name in ("plain", "amended"):
        with open_results(tmp_path / name) as results:
            results.add(a_record("=a.png", a_reading("number", "12"), a_reading("sum", '"7,\n"', Verdict.REVIEW)))
            if name == "amended":
                assert results.amend({}) == (0, 0)
    for name in ("fields.csv", "forms.csv"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "amended" / name).read_bytes()


def test_rows_that_are_not_concerned_stay_byte_for_byte(tmp_path: Path) -> None:
    record = a_record("x,y.png", a_reading("sum", '"7,\n"', Verdict.REVIEW), a_reading("'=z", "-1", box_px=BOX))
    for name in ("plain", "amended"):
        with open_results(tmp_path / name) as results:
            results.add(record)
            results.add(a_record("=a.png", a_reading("number", "12"), index=1))
            if name == "amended":
                results.amend(LATE)
    plain, amended = ((tmp_path / name / "fields.csv").read_bytes() for name in ("plain", "amended"))
    assert amended == plain.replace(b"accepted,,,,,,\n", b"review,double_of:c.png,,,,,\n")
