"""Results: complete or not at all, text stays text, and what needs eyes is easy to see."""

from __future__ import annotations

import csv
import errno
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
from docproc.export.folder import explained
from docproc.export.legend import REASON_MEANING, STATUS_MEANING
from docproc.export.picture import compact
from docproc.export.review import MOST_PICTURES
from docproc.export.rows import FormRow, ReviewRow, threshold
from docproc.export.sheet import ABSENT_COLOR, COLORS
from docproc.export.workbook import SheetSize, write_workbook
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


def _record(
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
    assert (forms.freeze_panes, forms.auto_filter.ref) == ("C2", "A1:H2")


def test_a_doubtful_blank_is_colored_too(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("a.png", _reading("x", "", Verdict.REVIEW)))
    cell = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["forms"]["F2"]
    assert (cell.value, cell.fill.fgColor.rgb) == (None, "FF" + str(COLORS[Verdict.REVIEW])[1:])


def test_the_legend_explains_every_status_and_reason() -> None:
    assert set(STATUS_MEANING) == set(Verdict)
    assert {name.partition(":")[0] for name in REASON_MEANING} == set(Reason)


def test_the_legend_has_headings_and_names_the_threshold_in_force(tmp_path: Path) -> None:
    with open_results(tmp_path / "out", review_below=0.9) as results:
        results.add(_record("a.png", _reading("x", "1")))
    legend = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["legend"]
    rows = [(row[0].value, row[1].value) for row in legend.iter_rows()]
    assert rows[0] == ("status", "meaning")
    assert ("reason", "meaning") in rows
    meaning = dict(rows)
    assert "less sure than 0.90" in str(meaning["low_confidence"])
    assert {"rule:min", "rule:max", "rule:regex", "rule:check_digit", "duplicate_of:FILE"} <= set(meaning)


@pytest.mark.parametrize(("value", "shown"), [(0.9, "0.90"), (0.0, "0.00"), (1.0, "1.00"), (0.999, "0.999")])
def test_a_threshold_is_never_rounded_to_another_one(value: float, shown: str) -> None:
    assert threshold(value) == shown


def test_a_cell_of_a_field_that_the_form_does_not_have_is_gray_and_a_blank_one_is_not(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("a.png", _reading("x", "")), _record("b.png", _reading("y", "7")))
    forms = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["forms"]
    fills = {cell: forms[cell].fill.fgColor.rgb for cell in ("F2", "G2", "F3", "G3")}
    gray = "FF" + ABSENT_COLOR[1:]
    assert fills == {"F2": "00000000", "G2": gray, "F3": gray, "G3": "00000000"}


def test_every_column_holds_its_longest_text_and_the_pictures_theirs(tmp_path: Path) -> None:
    name, value = "number_of_the_account_of_the_payer", "123456789012"
    _write(tmp_path / "out", _record("a.png", _reading(name, value, Verdict.REVIEW, crop_png=_crop(200, 48))))
    book = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")
    widths = {letter: book["review"].column_dimensions[letter].width for letter in "ABDE"}
    assert widths["D"] > len(name)
    assert widths["E"] > len(value)
    assert 200 <= 7 * widths["A"] + 5 <= 220, "a digit is 7 px wide, and a column has 5 px more"
    assert book["forms"].column_dimensions["F"].width > len(name)


def test_a_very_long_text_does_not_push_all_others_off_the_screen(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("a/" * 200 + "a.png", _reading("x", "1", Verdict.REVIEW)))
    review = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert review.column_dimensions["B"].width < 60
    assert review["B2"].alignment.wrap_text
    assert review.row_dimensions[2].height > 7 * 15, "points, eight lines"


def test_a_row_to_review_has_one_alignment_one_rule_below_and_one_number_format(tmp_path: Path) -> None:
    record = _record(
        "a.png", _reading("x", "1", Verdict.REVIEW, confidence=0.99999), _reading("y", "2", Verdict.REJECTED)
    )
    whole = _record("b.png", reasons=(Reason.NO_FIELDS,))
    _write(tmp_path / "out", record, whole)
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    assert len(cells) == 3 * 9
    assert {(cell.alignment.vertical, cell.border.bottom.style) for cell in cells} == {("center", "thin")}
    assert {sheet[f"F{row}"].number_format for row in (2, 3, 4)} == {"0.000"}
    assert [sheet[f"F{row}"].value for row in (2, 3)] == [0.999, 0.987], "cut: never shown as certain"


def test_sheets_are_printed_lying_and_one_page_wide(tmp_path: Path) -> None:
    _write(tmp_path / "out", _record("a.png", _reading("x", "1")))
    book = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")
    for sheet in (book["forms"], book["review"]):
        assert sheet.page_setup.orientation == "landscape"
        assert (sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage) == (0, True)
        assert sheet.print_title_rows == "$1:$1"


def test_a_page_off_its_template_says_why_in_the_sheet_and_only_there(tmp_path: Path) -> None:
    field = FieldReading("x", "", 0.0, Verdict.REVIEW, (Reason.REGISTRATION,))
    detail = "only 17 of 138 points were found again."
    _write(tmp_path / "out", _record("a.png", field, reasons=(Reason.REGISTRATION,), detail=detail))
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert sheet["H2"].value == f"registration: {detail}"
    assert _rows(tmp_path / "out" / "forms.csv")[0]["reasons"] == "registration"


def test_a_picture_is_kept_as_jpeg_where_that_is_much_smaller() -> None:
    noise = np.random.default_rng(5).normal(200, 8, (100, 300)).astype(np.uint8)
    noise[40:60, 100:120] = 30
    png = cv2.imencode(".png", noise)[1].tobytes()
    kept = compact(png)
    assert kept.encoded[:2] == b"\xff\xd8"
    assert 2 * len(kept.encoded) <= len(png)
    assert (kept.width_px, kept.height_px) == (300, 100)
    again = cv2.imdecode(np.frombuffer(kept.encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.abs(again.astype(int) - noise).mean() < 8


def test_a_picture_that_jpeg_would_not_shrink_stays_as_it_is() -> None:
    assert compact(_crop(4, 4)).encoded == _crop(4, 4)


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


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EACCES, "in which you may write"),
        (errno.ENOENT, "in which you may write"),
        (errno.ENAMETOOLONG, "shorter name"),
        (errno.EIO, "Name another folder"),
    ],
)
def test_the_remedy_fits_the_cause(tmp_path: Path, code: int, remedy: str) -> None:
    with pytest.raises(OutputError) as caught, explained(tmp_path / "out"):
        raise OSError(code, "no")
    assert remedy in caught.value.remedy
    assert ("space" in caught.value.remedy) == (code == errno.ENOSPC)


def test_the_nearest_folder_in_which_nothing_can_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught, explained(tmp_path / "none" / "out"):
        raise OSError(errno.EROFS, "read-only")
    assert f"can be made in {tmp_path}:" in caught.value.remedy
