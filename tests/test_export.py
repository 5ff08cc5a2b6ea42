"""Results: complete or not at all, text stays text, and what needs eyes is easy to see."""

from __future__ import annotations

import csv
import stat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openpyxl
import pytest

from docproc.errors import OutputError
from docproc.export import open_results
from docproc.export.delimited import safe_cell
from docproc.export.legend import REASON_MEANING, STATUS_MEANING
from docproc.export.rows import FormRow, ReviewRow
from docproc.export.workbook import COLORS, MOST_PICTURES, SheetSize, write_workbook
from docproc.geometry import Box
from docproc.page import PageRef, Unreadable
from docproc.reading import FieldReading, Reason, Record, Verdict

COLUMNS = "source,page,template,field,value,confidence,status,reasons,alternatives,left_px,top_px,width_px,height_px"
NAMES = ["errors.csv", "fields.csv", "forms.csv", "forms.xlsx"]


def _crop(width_px: int = 120, height_px: int = 40) -> bytes:
    return cv2.imencode(".png", np.full((height_px, width_px), 200, np.uint8))[1].tobytes()


def _reading(name: str, text: str, verdict: Verdict = Verdict.ACCEPTED, **more: Any) -> FieldReading:
    crop = b"" if verdict is Verdict.ACCEPTED else _crop()
    return FieldReading(
        **{"name": name, "text": text, "confidence": 0.98765, "verdict": verdict, "crop_png": crop} | more
    )


def _record(source: str, *fields: FieldReading, index: int = 0, reasons: tuple[str, ...] = ()) -> Record:
    doubtful = reasons or any(reading.verdict is not Verdict.ACCEPTED for reading in fields)
    return Record(
        ref=PageRef(source=source, path=source, index=index, sha256="0"),
        template="slip",
        template_digest="t",
        model_digest="m",
        fields=fields,
        verdict=Verdict.REVIEW if doubtful else Verdict.ACCEPTED,
        reasons=reasons,
    )


def _write(output: Path, *records: Record, failures: tuple[Unreadable, ...] = ()) -> None:
    with open_results(output) as results:
        for record in records:
            results.add(record)
        for failure in failures:
            results.add_failure(failure)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_field_has_one_row_with_exactly_the_promised_columns(tmp_path: Path) -> None:
    reading = _reading(
        "amount",
        "0042",
        Verdict.REVIEW,
        confidence=0.81239,
        reasons=(Reason.LOW_CONFIDENCE, "rule:max"),
        alternatives=(("0047", 0.1), ("", 0.05)),
        box_px=Box(10.4, 20.6, 300, 50),
    )
    _write(tmp_path / "out", _record("scans/a.png", reading, index=2))
    lines = (tmp_path / "out" / "fields.csv").read_text(encoding="utf-8").splitlines()
    assert lines == [
        COLUMNS,
        "scans/a.png,3,slip,amount,0042,0.8124,review,low_confidence;rule:max,0047=0.1000;blank=0.0500,10,21,300,50",
    ]


def test_a_page_without_fields_is_not_lost(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("a.png", reasons=(Reason.NO_FIELDS,)))
    (row,) = _rows(tmp_path / "out" / "fields.csv")
    assert (row["source"], row["field"], row["status"], row["reasons"]) == ("a.png", "", "review", "no_fields")


def test_nearly_sure_is_never_shown_as_certain(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("a.png", _reading("x", "1", confidence=0.99999)))
    assert _rows(tmp_path / "out" / "fields.csv")[0]["confidence"] == "0.9999"


def test_forms_have_a_row_a_page_and_columns_in_first_seen_order(tmp_path: Path) -> None:
    _write(
        tmp_path / "out",
        _record("a.png", _reading("date", "0107"), _reading("sum", "12", Verdict.REVIEW)),
        _record("b.png", _reading("number", "7"), _reading("sum", "")),
    )
    assert (tmp_path / "out" / "forms.csv").read_text(encoding="utf-8").splitlines() == [
        "source,page,template,status,reasons,date,sum,number",
        "a.png,1,slip,review,,0107,12,",
        "b.png,1,slip,accepted,,,,7",
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_name_that_could_be_a_formula_becomes_text_in_csv(start: str) -> None:
    assert safe_cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


def test_an_ordinary_name_stays_as_it_is_in_csv() -> None:
    assert safe_cell("scans/page=1 + 2.png") == "scans/page=1 + 2.png"


def test_a_negative_number_stays_one_in_csv() -> None:
    assert safe_cell("-12") == "-12"


def test_no_text_of_a_page_becomes_a_formula_a_link_or_a_number(tmp_path: Path) -> None:
    evil = "=HYPERLINK(1)"
    record = _record(f"{evil}.png", _reading(evil, "0012"), _reading("https://x.org", "1e5", Verdict.REVIEW))
    _write(tmp_path / "out", record)
    assert _rows(tmp_path / "out" / "fields.csv")[0]["source"] == f"'{evil}.png"
    assert _rows(tmp_path / "out" / "forms.csv")[0][f"'{evil}"] == "0012"
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["forms"]
    assert [cell.value for cell in sheet[1]][-2:] == [evil, "https://x.org"]
    assert [cell.value for cell in sheet[2]] == [f"{evil}.png", 1, "slip", "review", None, "0012", "1e5"]
    assert {cell.data_type for row in sheet for cell in row} <= {"s", "n", "inlineStr"}
    assert not any(cell.hyperlink for row in sheet for cell in row)
    assert sheet["F2"].number_format == "@"


def test_a_file_name_that_is_no_utf_8_is_written_with_escapes(tmp_path: Path) -> None:
    name = b"scan-\xff.png".decode("utf-8", "surrogateescape")
    _write(tmp_path / "out", _record(name, _reading("x", "1")))
    assert _rows(tmp_path / "out" / "fields.csv")[0]["source"] == "scan-\\udcff.png"


def test_doubtful_cells_are_colored_and_the_legend_says_what_colors_mean(tmp_path: Path) -> None:
    fields = [_reading(verdict.value, "5", verdict) for verdict in Verdict]
    _write(tmp_path / "out", _record("a.png", *fields))
    book = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")
    forms, legend = book["forms"], book["legend"]
    colors = {forms.cell(1, column).value: forms.cell(2, column).fill.fgColor.rgb for column in (6, 7, 8)}
    assert colors["review"] == "FF" + str(COLORS[Verdict.REVIEW])[1:]
    assert colors["rejected"] == "FF" + str(COLORS[Verdict.REJECTED])[1:]
    assert colors["accepted"] == "00000000"
    explained = {row[0].value: row[0].fill.fgColor.rgb for row in legend.iter_rows() if row[0].value in colors}
    assert explained == colors
    assert (forms.freeze_panes, forms.auto_filter.ref) == ("A2", "A1:H2")


def test_a_doubtful_blank_is_colored_too(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("a.png", _reading("x", "", Verdict.REVIEW)))
    cell = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["forms"]["F2"]
    assert (cell.value, cell.fill.fgColor.rgb) == (None, "FF" + str(COLORS[Verdict.REVIEW])[1:])


def test_the_legend_explains_every_status_and_reason() -> None:
    assert set(STATUS_MEANING) == set(Verdict)
    assert set(REASON_MEANING) == set(Reason)


def test_the_review_sheet_shows_each_doubtful_field_with_its_picture(tmp_path: Path) -> None:
    doubtful = _reading(
        "sum", "12", Verdict.REVIEW, reasons=("low_confidence", "gap"), alternatives=(("17", 0.2),), confidence=0.75
    )
    _write(tmp_path / "out", _record("a.png", _reading("date", "0107"), doubtful, index=4))
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert [cell.value for cell in sheet[1]] == [
        *("picture", "source", "page", "field", "value", "confidence", "status", "reasons", "alternatives")
    ]
    assert [cell.value for cell in sheet[2]][1:] == [
        *("a.png", 5, "sum", "12", 0.75, "review", "low_confidence;gap", "17=0.2000")
    ]
    assert sheet.max_row == 2
    (picture,) = sheet._images
    assert (picture.anchor._from.row, picture.anchor._from.col) == (1, 0)


def test_a_page_of_which_nothing_was_read_is_one_line_to_review(tmp_path: Path) -> None:
    fields = [
        FieldReading(name=name, text="", confidence=0.0, verdict=Verdict.REVIEW, reasons=(Reason.REGISTRATION,))
        for name in ("a", "b", "c")
    ]
    _write(tmp_path / "out", _record("other.png", *fields, reasons=(Reason.REGISTRATION,)))
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert [[cell.value for cell in row][1:8] for row in sheet.iter_rows(min_row=2)] == [
        ["other.png", 1, "(whole page)", None, None, "review", "registration"]
    ]
    assert [row["reasons"] for row in _rows(tmp_path / "out" / "fields.csv")] == ["registration"] * 3


def test_pictures_end_where_the_workbook_would_become_too_slow(tmp_path: Path) -> None:
    small = _crop(2, 2)
    with open_results(tmp_path / "out") as results:
        for page in range(MOST_PICTURES // 20 + 1):
            fields = [_reading(f"f{column}", "1", Verdict.REVIEW, crop_png=small) for column in range(20)]
            results.add(_record("a.pdf", *fields, index=page))
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert len(sheet._images) == MOST_PICTURES
    assert sheet.max_row == 1 + MOST_PICTURES + 20
    assert "see fields.csv" in sheet.cell(MOST_PICTURES + 2, 1).value


def test_a_table_larger_than_a_sheet_goes_on_on_further_sheets(tmp_path: Path) -> None:
    names = [f"f{column}" for column in range(4)]
    forms = [
        FormRow(f"{row}.png", 1, "", "accepted", "", [(name, "1", "accepted") for name in names]) for row in range(5)
    ]
    review = [ReviewRow("a.png", row, "f", "1", "0.5", "review", "", "", "") for row in range(9)]
    size = SheetSize(rows=4, columns=8)
    path = tmp_path / "forms.xlsx"
    write_workbook(path, field_names=names, forms=forms, review=review, errors=[], sheet_size=size)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["forms", "forms 2", "forms 3", "forms 4", "review", "errors", "legend"]
    tiles = [(book[name].max_row - 1, [cell.value for cell in book[name][1]][5:]) for name in book.sheetnames[:4]]
    assert tiles == [(3, ["f0", "f1", "f2"]), (2, ["f0", "f1", "f2"]), (3, ["f3"]), (2, ["f3"])]
    assert "fields.csv" in book["review"].cell(4, 1).value


def test_what_could_not_be_read_is_in_errors_and_in_the_workbook(tmp_path: Path) -> None:
    failure = Unreadable("bad.pdf", 2, "bad.pdf, page 2: it is damaged.", "Scan it again.")
    whole = Unreadable("no.png", None, "no.png: the file is empty.", "Copy it again.")
    _write(tmp_path / "out", failures=(failure, whole))
    assert (tmp_path / "out" / "errors.csv").read_text(encoding="utf-8").splitlines() == [
        "source,page,error,remedy",
        'bad.pdf,2,"bad.pdf, page 2: it is damaged.",Scan it again.',
        "no.png,,no.png: the file is empty.,Copy it again.",
    ]
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["errors"]
    assert [cell.value for cell in sheet[2]] == ["bad.pdf", "2", failure.message, failure.remedy]
    assert _rows(tmp_path / "out" / "fields.csv") == []


def test_results_hold_the_four_files_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    _write(tmp_path / "deep" / "out", _record("a.png", _reading("x", "1")))
    assert sorted(path.name for path in (tmp_path / "deep" / "out").iterdir()) == NAMES
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_an_interrupted_batch_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_results(tmp_path / "out") as results:
        results.add(_record("a.png", _reading("x", "1")))
        assert not (tmp_path / "out").exists()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_batch_keeps_the_earlier_results(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("first.png", _reading("x", "1")))
    with pytest.raises(KeyboardInterrupt), open_results(tmp_path / "out") as results:
        results.add(_record("second.png", _reading("x", "1")))
        raise KeyboardInterrupt
    assert [row["source"] for row in _rows(tmp_path / "out" / "fields.csv")] == ["first.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_earlier_results_are_replaced(tmp_path: Path) -> None:
    for source in ("first.png", "second.png"):
        _write(tmp_path / "out", _record(source, _reading("x", "1")))
    assert [row["source"] for row in _rows(tmp_path / "out" / "fields.csv")] == ["second.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    _write(tmp_path / "out", _record("a.png", _reading("x", "1")))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == NAMES


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    _write(tmp_path / "out", _record("a.png", _reading("x", "1")))
    assert (tmp_path / "out").is_symlink()
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == NAMES


@pytest.mark.parametrize("name", ["thesis.docx", "fields.csv"])
def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("years of work")
    with pytest.raises(OutputError, match=f"holds other things .*{name}"), open_results(tmp_path / "out"):
        pytest.fail("no page may be read")
    assert (tmp_path / "out" / name).read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_thing_put_into_the_results_while_the_batch_ran_is_not_destroyed(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("first.png", _reading("x", "1")))
    with pytest.raises(OutputError, match=r"notes\.txt"), open_results(tmp_path / "out"):
        (tmp_path / "out" / "notes.txt").write_text("mine")
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="is a file"), open_results(tmp_path / "out"):
        pytest.fail("no page may be read")


def test_an_output_below_a_file_is_refused_before_any_page_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written") as caught, open_results(tmp_path / "file" / "out"):
        pytest.fail("no page may be read")
    assert caught.value.exit_code == 7


def test_results_can_be_read_by_whoever_may_read_what_the_user_writes(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("a.png", _reading("x", "1")))
    (tmp_path / "plain").touch()
    for name in NAMES:
        assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == stat.S_IMODE(
            (tmp_path / "plain").stat().st_mode
        )
