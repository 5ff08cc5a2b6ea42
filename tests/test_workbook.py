"""The workbook: text stays text, and what needs eyes is easy to see."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pytest
from written import a_reading, a_record, gray_crop, table_rows, write_results

from docproc.export import open_results
from docproc.export.columns import INCOMPLETE
from docproc.export.legend import OVERRULED_MEANING, REASON_MEANING, STATUS_MEANING
from docproc.export.one_file import Shape, open_file
from docproc.export.picture import compact
from docproc.export.review import MOST_PICTURES
from docproc.export.rows import OVERRULED, FormRow, ReviewRow, threshold
from docproc.export.sheet import ABSENT_COLOR, COLORS, Styles, Table
from docproc.export.workbook import SheetSize, write_workbook
from docproc.page import Unreadable
from docproc.reading import FieldReading, Reason, Verdict


def test_no_text_of_a_page_becomes_a_formula_a_link_or_a_number(tmp_path: Path) -> None:
    evil = "=HYPERLINK(1)"
    record = a_record(f"{evil}.png", a_reading(evil, "0012"), a_reading("https://x.org", "1e5", Verdict.REVIEW))
    write_results(tmp_path / "out", record)
    assert table_rows(tmp_path / "out" / "fields.csv")[0]["source"] == f"'{evil}.png"
    assert table_rows(tmp_path / "out" / "forms.csv")[0][f"'{evil}"] == "0012"
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["forms"]
    assert [cell.value for cell in sheet[1]][-2:] == [evil, "https://x.org"]
    assert [cell.value for cell in sheet[2]] == [f"{evil}.png", 1, "slip", "review", None, "0012", "1e5"]
    assert {cell.data_type for row in sheet for cell in row} <= {"s", "n", "inlineStr"}
    assert not any(cell.hyperlink for row in sheet for cell in row)
    assert sheet["F2"].number_format == "@"


def test_doubtful_cells_are_colored_and_the_legend_says_what_colors_mean(tmp_path: Path) -> None:
    fields = [a_reading(verdict.value, "5", verdict) for verdict in Verdict]
    write_results(tmp_path / "out", a_record("a.png", *fields))
    book = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")
    forms, legend = book["forms"], book["legend"]
    colors = {forms.cell(1, column).value: forms.cell(2, column).fill.fgColor.rgb for column in (6, 7, 8)}
    assert colors["review"] == "FF" + str(COLORS[Verdict.REVIEW])[1:]
    assert colors["rejected"] == "FF" + str(COLORS[Verdict.REJECTED])[1:]
    assert colors["accepted"] == "00000000"
    explained = {row[0].value: row[0].fill.fgColor.rgb for row in legend.iter_rows() if row[0].value in colors}
    assert explained == colors
    assert (forms.freeze_panes, forms.auto_filter.ref) == ("C2", "A1:H2")


@pytest.mark.parametrize("by_field", [False, True])
def test_a_value_that_stands_against_a_rule_has_a_color_of_its_own_that_the_legend_explains(
    tmp_path: Path, by_field: bool
) -> None:
    fields = [
        a_reading("kept", "41", reasons=(Reason.CORRECTED, "rule:total")),
        a_reading("right", "42", reasons=(Reason.CONFIRMED,)),
        a_reading("blank", "", reasons=(Reason.CONFIRMED, Reason.BLANK_REQUIRED)),
        a_reading("doubtful", "43", Verdict.REVIEW, reasons=(Reason.CORRECTED, "rule:total")),
        a_reading("solved", "7", reasons=("rule:total changed 1 to 7",)),
    ]
    with open_file(tmp_path / "a.xlsx", Shape(by_field)) as file:
        file.add(a_record("a.png", *fields))
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    cells = [row[4] for row in book["fields"].iter_rows(min_row=2)] if by_field else book["forms"][2][5:]
    blue, yellow = (f"FF{str(COLORS[status])[1:]}" for status in (OVERRULED, Verdict.REVIEW))
    assert [cell.fill.fgColor.rgb for cell in cells] == [blue, "00000000", blue, yellow, "00000000"]
    (explained,) = [row for row in book["legend"].iter_rows() if row[0].fill.fgColor.rgb == blue]
    assert [cell.value for cell in explained] == ["(blue)", OVERRULED_MEANING]


def test_a_doubtful_blank_is_colored_too(tmp_path: Path) -> None:
    write_results(tmp_path / "out", a_record("a.png", a_reading("x", "", Verdict.REVIEW)))
    cell = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["forms"]["F2"]
    assert (cell.value, cell.fill.fgColor.rgb) == (None, "FF" + str(COLORS[Verdict.REVIEW])[1:])


def test_the_legend_explains_every_status_and_reason() -> None:
    assert set(STATUS_MEANING) == {*Verdict, INCOMPLETE}
    assert {name.partition(":")[0] for name in REASON_MEANING} == set(Reason)


def test_the_legend_has_headings_and_names_the_threshold_in_force(tmp_path: Path) -> None:
    with open_results(tmp_path / "out", review_below=0.9) as results:
        results.add(a_record("a.png", a_reading("x", "1")))
    legend = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["legend"]
    rows = [(row[0].value, row[1].value) for row in legend.iter_rows()]
    assert rows[0] == ("status", "meaning")
    assert ("reason", "meaning") in rows
    meaning = dict(rows)
    assert "less sure than 0.90" in str(meaning["low_confidence"])
    assert {"rule:min", "rule:max", "rule:regex", "rule:check_digit", "rule:NAME", "duplicate_of:FILE"} <= set(
        meaning
    )


@pytest.mark.parametrize(("value", "shown"), [(0.9, "0.90"), (0.0, "0.00"), (1.0, "1.00"), (0.999, "0.999")])
def test_a_threshold_is_never_rounded_to_another_one(value: float, shown: str) -> None:
    assert threshold(value) == shown


def test_a_cell_of_a_field_that_the_form_does_not_have_is_gray_and_a_blank_one_is_not(tmp_path: Path) -> None:
    write_results(tmp_path / "out", a_record("a.png", a_reading("x", "")), a_record("b.png", a_reading("y", "7")))
    forms = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["forms"]
    fills = {cell: forms[cell].fill.fgColor.rgb for cell in ("F2", "G2", "F3", "G3")}
    gray = "FF" + ABSENT_COLOR[1:]
    assert fills == {"F2": "00000000", "G2": gray, "F3": gray, "G3": "00000000"}


def test_every_column_holds_its_longest_text_and_the_pictures_theirs(tmp_path: Path) -> None:
    name, value = "number_of_the_account_of_the_payer", "123456789012"
    write_results(
        tmp_path / "out", a_record("a.png", a_reading(name, value, Verdict.REVIEW, crop_png=gray_crop(200, 48)))
    )
    book = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")
    widths = {letter: book["review"].column_dimensions[letter].width for letter in "ABDE"}
    assert widths["D"] > len(name)
    assert widths["E"] > len(value)
    assert 200 <= 7 * widths["A"] + 5 <= 220, "a digit is 7 px wide, and a column has 5 px more"
    assert book["forms"].column_dimensions["F"].width > len(name)


def test_a_very_long_text_does_not_push_all_others_off_the_screen(tmp_path: Path) -> None:
    write_results(tmp_path / "out", a_record("a/" * 200 + "a.png", a_reading("x", "1", Verdict.REVIEW)))
    review = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert review.column_dimensions["B"].width < 60
    assert review["B2"].alignment.wrap_text
    assert review.row_dimensions[2].height > 7 * 15, "points, eight lines"


def test_a_row_to_review_has_one_alignment_one_rule_below_and_one_number_format(tmp_path: Path) -> None:
    record = a_record(
        "a.png", a_reading("x", "1", Verdict.REVIEW, confidence=0.99999), a_reading("y", "2", Verdict.REJECTED)
    )
    whole = a_record("b.png", reasons=(Reason.NO_FIELDS,))
    write_results(tmp_path / "out", record, whole)
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    assert len(cells) == 3 * 9
    assert {(cell.alignment.vertical, cell.border.bottom.style) for cell in cells} == {("center", "thin")}
    assert {sheet[f"F{row}"].number_format for row in (2, 3, 4)} == {"0.000"}
    assert [sheet[f"F{row}"].value for row in (2, 3)] == [0.999, 0.987], "cut: never shown as certain"


def test_sheets_are_printed_lying_and_one_page_wide(tmp_path: Path) -> None:
    write_results(tmp_path / "out", a_record("a.png", a_reading("x", "1")))
    book = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")
    for sheet in (book["forms"], book["review"]):
        assert sheet.page_setup.orientation == "landscape"
        assert (sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage) == (0, True)
        assert sheet.print_title_rows == "$1:$1"


def test_a_page_off_its_template_says_why_in_the_sheet_and_only_there(tmp_path: Path) -> None:
    field = FieldReading("x", "", 0.0, Verdict.REVIEW, (Reason.REGISTRATION,))
    detail = "only 17 of 138 points were found again."
    write_results(tmp_path / "out", a_record("a.png", field, reasons=(Reason.REGISTRATION,), detail=detail))
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert sheet["H2"].value == f"registration: {detail}"
    assert table_rows(tmp_path / "out" / "forms.csv")[0]["reasons"] == "registration"


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
    assert compact(gray_crop(4, 4)).encoded == gray_crop(4, 4)


def test_the_review_sheet_shows_each_doubtful_field_with_its_picture(tmp_path: Path) -> None:
    doubtful = a_reading(
        "sum", "12", Verdict.REVIEW, reasons=("low_confidence", "gap"), alternatives=(("17", 0.2),), confidence=0.75
    )
    write_results(tmp_path / "out", a_record("a.png", a_reading("date", "0107"), doubtful, index=4))
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
    write_results(tmp_path / "out", a_record("other.png", *fields, reasons=(Reason.REGISTRATION,)))
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert [[cell.value for cell in row][1:8] for row in sheet.iter_rows(min_row=2)] == [
        ["other.png", 1, "(whole page)", None, None, "review", "registration"]
    ]
    assert [row["reasons"] for row in table_rows(tmp_path / "out" / "fields.csv")] == ["registration"] * 3


def test_a_page_that_was_read_has_a_row_as_a_whole_for_what_no_field_says(tmp_path: Path) -> None:
    number = a_reading("number", "12", Verdict.REVIEW, reasons=("double_of:x.png",))
    both = a_record("a.png", number, reasons=("missing_page:2", "double_of:x.png"))
    page_alone = a_record("b.png", a_reading("number", "13"), reasons=("foreign_page",))
    field_alone = a_record("c.png", number, reasons=("double_of:x.png",))
    write_results(tmp_path / "out", both, page_alone, field_alone)
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert [[row[column].value for column in (1, 3, 4, 6, 7)] for row in sheet.iter_rows(min_row=2)] == [
        ["a.png", "(whole page)", None, "review", "missing_page:2"],
        ["a.png", "number", "12", "review", "double_of:x.png"],
        ["b.png", "(whole page)", None, "review", "foreign_page"],
        ["c.png", "number", "12", "review", "double_of:x.png"],
    ]


def test_a_defect_of_a_pages_picture_alone_makes_no_row_to_review(tmp_path: Path) -> None:
    defect = "defect:blur, 0.4 mm"
    sound = replace(a_record("a.png", a_reading("number", "12")), reasons=(defect,))
    doubtful = a_record("b.png", a_reading("number", "12", Verdict.REVIEW, reasons=("gap",)), reasons=(defect,))
    alone = a_record("c.png", a_reading("number", "13"), reasons=("foreign_page", defect))
    write_results(tmp_path / "out", sound, doubtful, alone)
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert [[row[column].value for column in (1, 3, 7)] for row in sheet.iter_rows(min_row=2)] == [
        ["b.png", "number", "gap"],
        ["c.png", "(whole page)", f"foreign_page;{defect}"],
    ]


def test_pictures_end_where_the_workbook_would_become_too_slow(tmp_path: Path) -> None:
    small = gray_crop(2, 2)
    with open_results(tmp_path / "out") as results:
        for page in range(MOST_PICTURES // 20 + 1):
            fields = [a_reading(f"f{column}", "1", Verdict.REVIEW, crop_png=small) for column in range(20)]
            results.add(a_record("a.pdf", *fields, index=page))
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    assert len(sheet._images) == MOST_PICTURES
    assert sheet.max_row == 1 + MOST_PICTURES + 20
    notices = [sheet.cell(row, 1).value for row in range(2, sheet.max_row + 1)]
    assert notices == [None] * MOST_PICTURES + ["docproc review shows it"] * 20


SPECIAL = [
    "",
    "a b",
    "1e5",
    "=1",
    "a|b",
    'a"b',
    "a&b",
    "a<b",
    "a>b",
    "_x0041_",
    "_x",
    " a",
    "a ",
    " ",
    "a\nb",
    "\x01",
    "é",
]


@pytest.mark.parametrize("text", [*SPECIAL, "\udcff", "x" * 40_000])
def test_a_line_is_the_same_as_its_cells_one_by_one(text: str) -> None:
    import xlsxwriter

    sheets = []
    for by_line in (True, False):
        made = io.BytesIO()
        workbook = xlsxwriter.Workbook(made, {"constant_memory": True})
        styles = Styles(workbook)
        plain, count = styles.single.plain, styles.single.count
        table = Table(workbook, styles, "forms", ["a", "b", "page", "c"])
        for row, (first, second, last) in enumerate(permutations([text, "07/a.png", "8"]), start=1):
            if by_line:
                table.line(row, [(first, plain), (second, plain), (row, count), (last, plain)])
                continue
            for column, cell in ((0, first), (1, second), (3, last)):
                table.text(row, column, cell, plain)
            table.number(row, 2, row, count)
        table.close(6)
        workbook.close()
        sheets.append(zipfile.ZipFile(made).read("xl/worksheets/sheet1.xml"))
    assert sheets[0] == sheets[1]


def test_a_table_larger_than_a_sheet_goes_on_on_further_sheets(tmp_path: Path) -> None:
    names = [f"f{column}" for column in range(4)]
    forms = [
        FormRow(f"{row}.png", 1, "", "accepted", "", [(name, "1", "accepted") for name in names]) for row in range(5)
    ]
    review = [ReviewRow("a.png", row, "f", "1", "0.5", "review", "", "", b"") for row in range(9)]
    size = SheetSize(rows=4, columns=8)
    path = tmp_path / "forms.xlsx"
    write_workbook(path, field_names=names, forms=forms, review=review, errors=[], sheet_size=size)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["forms", "forms 2", "forms 3", "forms 4", "review", "errors", "columns", "legend"]
    tiles = [(book[name].max_row - 1, [cell.value for cell in book[name][1]][5:]) for name in book.sheetnames[:4]]
    assert tiles == [(3, ["f0", "f1", "f2"]), (2, ["f0", "f1", "f2"]), (3, ["f3"]), (2, ["f3"])]
    assert "fields.csv" in book["review"].cell(4, 1).value


def test_what_could_not_be_read_is_in_errors_and_in_the_workbook(tmp_path: Path) -> None:
    failure = Unreadable("bad.pdf", 2, "bad.pdf, page 2: it is damaged.", "Scan it again.")
    whole = Unreadable("no.png", None, "no.png: the file is empty.", "Copy it again.")
    write_results(tmp_path / "out", failures=(failure, whole))
    assert (tmp_path / "out" / "errors.csv").read_text(encoding="utf-8").splitlines() == [
        "source,page,error,remedy",
        'bad.pdf,2,"bad.pdf, page 2: it is damaged.",Scan it again.',
        "no.png,,no.png: the file is empty.,Copy it again.",
    ]
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["errors"]
    assert [cell.value for cell in sheet[2]] == ["bad.pdf", "2", failure.message, failure.remedy]
    assert table_rows(tmp_path / "out" / "fields.csv") == []
