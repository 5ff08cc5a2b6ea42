"""A batch as one file: all of it or nothing, the same in every format."""

from __future__ import annotations

import errno
import os
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from exported import SLIP, a_batch, query, rows_of
from ledgers import entry
from written import a_reading, a_record

from docproc import projection
from docproc.batch_templates import TEMPLATES
from docproc.errors import LedgerError, MissingExtraError, OutputError, TemplateError
from docproc.export import one_file, parquet_file
from docproc.export.columns import Described
from docproc.export.one_file import ENDINGS, Shape, open_file
from docproc.geometry import Box
from docproc.ledger import WHOLE_PAGE, open_corrections, open_ledger
from docproc.page import Unreadable
from docproc.projection import export_batch
from docproc.reading import Correction, Reason, Verdict
from docproc.tables import outcomes_as_they_stand
from docproc.template import restored

BROKEN = Unreadable("000003.png", 1, "000003.png: it is damaged.", "Scan it again.")
PAGES = (
    a_record(
        "",
        a_reading("account", "0042", box_px=Box(10.4, 20.6, 300, 50)),
        a_reading(
            "amount",
            "12",
            Verdict.REVIEW,
            confidence=0.81239,
            reasons=(Reason.LOW_CONFIDENCE, "rule:max"),
            alternatives=(("72", 0.1), ("", 0.05)),
        ),
    ),
    a_record("", a_reading("account", "0007"), a_reading("sum", "")),
)


def exported(folder: Path, name: str, **how: Any) -> Path:
    export_batch(folder, to := folder.with_name(name), **how)
    return to


@pytest.mark.parametrize(("by_field", "table"), [(False, "forms.csv"), (True, "fields.csv")])
def test_csv_is_the_table_that_a_run_makes(tmp_path: Path, by_field: bool, table: str) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    assert exported(folder, "a.csv", by_field=by_field).read_bytes() == (folder / table).read_bytes()


def test_the_workbook_of_pages_is_the_one_that_a_run_makes(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES, BROKEN)
    assert exported(folder, "a.xlsx").read_bytes() == (folder / "forms.xlsx").read_bytes()


def test_a_field_has_the_same_values_in_every_typed_format(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    amount = {
        "source": "000001.png",
        "page": 1,
        "template": "slip",
        "field": "amount",
        "value": "12",
        "number": 12,
        "confidence": 0.81239,
        "status": "review",
        "reasons": ["low_confidence", "rule:max"],
        "alternatives": [{"value": "72", "chance": 0.1}, {"value": "", "chance": 0.05}],
        "left_px": None,
        "top_px": None,
        "width_px": None,
        "height_px": None,
    }
    for name in ("a.json", "a.jsonl", "a.parquet"):
        rows = rows_of(exported(folder, name, by_field=True))
        assert rows[1] == amount
        assert [(row["value"], row["number"], row["left_px"]) for row in rows] == [
            ("0042", 42, 10), ("12", 12, None), ("0007", 7, None), ("", None, None),
        ]  # fmt: skip
    texts = {"reasons": "low_confidence;rule:max", "alternatives": "72=0.1000;blank=0.0500", "page_id": 1}
    assert rows_of(exported(folder, "a.sqlite"))[1] == amount | texts


def test_json_by_page_has_the_fields_in_their_page(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    first, second = rows_of(exported(folder, "a.json"))
    assert {name: first[name] for name in ("source", "page", "template", "status", "reasons")} == {
        "source": "000001.png", "page": 1, "template": "slip", "status": "review", "reasons": [],
    }  # fmt: skip
    assert list(first["fields"]) == ["account", "amount"]
    assert first["fields"]["amount"]["alternatives"][0] == {"value": "72", "chance": 0.1}
    assert second["fields"]["sum"]["value"] == ""
    assert rows_of(exported(folder, "a.jsonl")) == [first, second]


def test_a_batch_of_no_pages_is_an_empty_table(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out")
    for name in ("a.json", "b.jsonl", "c.parquet", "d.csv", "e.sqlite"):
        assert rows_of(exported(folder, name)) == []


def test_in_parquet_by_page_what_a_form_does_not_have_is_null_and_a_blank_is_not(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    rows = rows_of(exported(folder, "a.parquet"))
    assert [(row["page"], row["account"], row["amount"], row["sum"]) for row in rows] == [
        (1, "0042", "12", None),
        (1, "0007", None, ""),
    ]


def test_the_database_has_a_view_with_a_row_a_page(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    database = exported(folder, "a.sqlite")
    assert query(database, "SELECT source, account, amount, sum FROM forms") == [
        {"source": "000001.png", "account": "0042", "amount": "12", "sum": None},
        {"source": "000002.png", "account": "0007", "amount": None, "sum": ""},
    ]
    assert query(database, "SELECT sum(number) AS total FROM fields") == [{"total": 42 + 12 + 7}]


def test_names_of_fields_are_only_names(tmp_path: Path) -> None:
    names = ["source", "Sum", "sum", 'a"b', "it's", "x); DROP TABLE pages; --"]
    page = a_record("", *(a_reading(name, str(place)) for place, name in enumerate(names)))
    folder = a_batch(tmp_path / "out", page)
    titles = {"source_2": "0", "Sum": "1", "sum_2": "2", 'a"b': "3", "it's": "4", "x); DROP TABLE pages; --": "5"}
    (row,) = query(exported(folder, "a.sqlite"), "SELECT * FROM forms")
    assert {name: row[name] for name in titles} == titles
    (row,) = rows_of(exported(folder, "a.parquet"))
    assert {name: row[name] for name in titles} == titles
    (row,) = rows_of(exported(folder, "a.json"))
    assert list(row["fields"]) == names


def test_more_columns_than_a_database_holds_are_told_and_rows_by_field_have_no_such_limit(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", a_record("", *(a_reading(f"f{place}", "1") for place in range(1996))))
    with pytest.raises(OutputError, match="1,996 different fields") as caught:
        exported(folder, "a.sqlite")
    assert "--long" in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(rows_of(exported(folder, "a.sqlite", by_field=True))) == 1996


def test_a_number_is_never_a_value_that_64_bits_do_not_hold(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", a_record("", a_reading("a", "9" * 18), a_reading("b", "9" * 19)))
    for name in ("a.parquet", "a.sqlite", "a.json"):
        rows = rows_of(exported(folder, name, by_field=True))
        assert [(row["value"], row["number"]) for row in rows] == [("9" * 18, 10**18 - 1), ("9" * 19, None)]


@pytest.mark.parametrize("by_field", [False, True])
def test_what_a_spreadsheet_program_would_run_is_text(tmp_path: Path, by_field: bool) -> None:
    evil = "=HYPERLINK(1)"
    folder = a_batch(tmp_path / "out", a_record("", a_reading(evil, "0012", reasons=("+1",))))
    csv = exported(folder, "a.csv", by_field=by_field).read_text(encoding="utf-8")
    assert f"'{evil}" in csv
    assert f",{evil}" not in csv
    book = openpyxl.load_workbook(exported(folder, "a.xlsx", by_field=by_field))
    assert {cell.data_type for sheet in book for row in sheet for cell in row} <= {"s", "n", "inlineStr"}
    assert "0012" in [cell.value for cell in book.worksheets[0][2]]


def test_a_page_that_could_not_be_read_is_in_every_file(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES, BROKEN)
    for by_field in (False, True):
        row = rows_of(exported(folder, f"{by_field}.csv", by_field=by_field))[-1]
        assert (row["source"], row["page"], row["status"], row["reasons"]) == (
            "000003.png", "1", "failed", BROKEN.message,
        )  # fmt: skip
        for name in ("a.json", "a.parquet"):
            row = rows_of(exported(folder, f"{by_field}-{name}", by_field=by_field))[-1]
            assert (row["source"], row["page"], row["status"], row["reasons"]) == (
                "000003.png", 1, "failed", [BROKEN.message],
            )  # fmt: skip
        book = openpyxl.load_workbook(exported(folder, f"{by_field}.xlsx", by_field=by_field))
        assert book["errors"]["C2"].value == BROKEN.message
    assert query(exported(folder, "a.sqlite"), "SELECT * FROM errors") == [
        {"source": "000003.png", "page": 1, "error": BROKEN.message, "remedy": BROKEN.remedy}
    ]


def test_the_workbook_by_field_has_frozen_headings_colors_pictures_and_numbers(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(exported(a_batch(tmp_path / "out", *PAGES), "a.xlsx", by_field=True))
    assert book.sheetnames == ["fields", "review", "errors", "columns", "legend"]
    sheet = book["fields"]
    assert sheet.freeze_panes == "C2"
    assert [cell.value for cell in sheet[3]][3:7] == ["amount", "12", 0.81239, "review"]
    assert (sheet["E2"].value, sheet["E2"].number_format) == ("0042", "@")
    assert sheet["E2"].fill.fgColor.rgb != sheet["E3"].fill.fgColor.rgb
    assert len(book["review"]._images) == 1


def test_the_data_dictionary_tells_what_the_templates_say_of_each_column(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES, a_record("", a_reading("tax", "7"), a_reading("sum", "19")))
    rows = [Described(**row) for row in query(exported(folder, "a.sqlite"), "SELECT * FROM columns")]
    told = {(row.name, row.form): row for row in rows}
    assert told["account", "slip"] == Described(
        "account", "slip", "Digits in 4 boxes, 20 mm from the left, 30 mm from the top.", "digits", "4", "yes"
    )
    amount, tax = told["amount", "slip"], told["tax", "slip"]
    assert (amount.min, amount.max, amount.rules) == ("5", "999", "added: sum == amount + tax")
    assert tax.rules == "values 7; added: sum == amount + tax"
    assert told["confidence", ""].unit == "chance, 0 to 1"
    assert ("serial", "slip") not in told
    sheet = openpyxl.load_workbook(exported(folder, "a.xlsx"))["columns"]
    assert [cell.value or "" for cell in sheet[1]] == list(Described._fields)
    in_book = {tuple(cell.value or "" for cell in row) for row in sheet.iter_rows(min_row=2)}
    assert {row for row in rows if row.form} <= in_book


def test_fields_of_no_template_are_described_too(tmp_path: Path) -> None:
    page = a_record("", a_reading("r02c05", "7"))
    folder = a_batch(tmp_path / "out", page, templates=[restored(SLIP.model_dump(mode="json"), "t")])
    (row,) = query(exported(folder, "a.sqlite"), "SELECT meaning FROM columns WHERE name = 'r02c05'")
    assert row["meaning"].startswith("Read without a template")


PROVENANCE = ["sha256", "template_digest", "model_digest", "reviewer", "reviewed_at"]


def test_provenance_tells_what_each_row_was_read_from_and_with_and_who_looked(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    with open_corrections(folder) as corrections:
        ana = corrections.add("000001.png", 0, "amount", Correction("12", "72", Verdict.ACCEPTED, "ana"), after=0)
        ben = corrections.add(
            "000001.png", 0, "account", Correction("0042", "0042", Verdict.ACCEPTED, "ben"), after=0
        )
        gone = corrections.add("000002.png", 0, "account", Correction("0007", "1", Verdict.ACCEPTED, "eve"), after=0)
        back = Correction("1", "0007", Verdict.REVIEW, "eve")
        corrections.add("000002.png", 0, "account", back, after=gone.number)
    digests = ["sha-1", "t", "m"]
    for name in ("a.csv", "a.json", "a.parquet"):
        rows = rows_of(exported(folder, f"long-{name}", by_field=True, provenance=True))
        assert [rows[1][column] for column in PROVENANCE] == [*digests, "ana", ana.at]
        assert [rows[2][column] for column in PROVENANCE] == ["sha-2", "t", "m", "", ""]
        row = rows_of(exported(folder, name, provenance=True))[0]
        assert [row[column] for column in PROVENANCE] == [*digests, "ana;ben", ben.at]
    database = exported(folder, "a.sqlite", provenance=True)
    assert [row["reviewer"] for row in query(database, "SELECT reviewer FROM fields")] == ["ben", "ana", "", ""]
    assert query(database, "SELECT reviewer, model_digest, amount FROM forms")[0] == {
        "reviewer": "ana;ben", "model_digest": "m", "amount": "72",
    }  # fmt: skip
    for by_field in (True, False):
        sheet = openpyxl.load_workbook(exported(folder, f"{by_field}.xlsx", by_field=by_field, provenance=True))
        assert [cell.value for cell in sheet.worksheets[0][1]][-5:] == PROVENANCE
        assert [cell.value for cell in sheet.worksheets[0][2]][-5:-2] == digests
        described = [row[0].value for row in sheet["columns"].iter_rows(min_row=2)]
        assert described[-5:] == PROVENANCE


def test_who_has_given_a_page_up_as_a_whole_stands_beside_its_fields(tmp_path: Path) -> None:
    unread = a_record("", a_reading("amount", "", Verdict.REVIEW), reasons=(Reason.REGISTRATION,))
    folder = a_batch(tmp_path / "out", unread)
    with open_corrections(folder) as corrections:
        corrections.add("000001.png", 0, WHOLE_PAGE, Correction("", "", Verdict.REJECTED, "ana"), after=0)
    (row,) = rows_of(exported(folder, "a.json", by_field=True, provenance=True))
    assert (row["status"], row["reviewer"]) == ("rejected", "ana")


def test_pages_that_are_still_to_be_read_are_refused_in_one_line_unless_they_may_lack(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    with open_ledger(folder, settings={}) as ledger:
        ledger.enter(entry(number) for number in range(1, 5))
        with pytest.raises(LedgerError, match="2 of 4 pages are still to be read") as going_on:
            exported(folder, "a.csv")
        summary = export_batch(folder, tmp_path / "b.csv", partial=True)
    with pytest.raises(LedgerError) as stopped:
        exported(folder, "a.csv")
    assert going_on.value.remedy.startswith("Wait for the run's end")
    assert stopped.value.remedy == (
        "Give the same `docproc process` command again, or add --partial to export the others."
    )
    assert not (tmp_path / "a.csv").exists()
    assert [row["source"] for row in rows_of(tmp_path / "b.csv")] == ["000001.png", "000002.png"]
    assert (summary.pages, summary.pages_expected) == (2, 4)


def test_a_page_that_comes_while_the_file_is_written_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)

    def late(*arguments: Any, **more: Any) -> Iterator[Any]:
        yield from outcomes_as_they_stand(*arguments, **more)
        with open_ledger(folder, settings={}) as ledger:
            ledger.enter(entry(number) for number in range(1, 4))

    monkeypatch.setattr(projection, "outcomes_as_they_stand", late)
    with pytest.raises(LedgerError, match="1 of 3 pages is still"):
        exported(folder, "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("by_field", [False, True])
def test_equal_batches_give_equal_files(tmp_path: Path, ending: str, by_field: bool) -> None:
    files = []
    for name in ("first", "second"):
        folder = a_batch(tmp_path / name / "out", *PAGES, BROKEN)
        files.append(exported(folder, f"a{ending}", by_field=by_field).read_bytes())
    assert files[0] == files[1]


def test_a_file_that_is_there_is_replaced_only_where_that_is_said(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    (tmp_path / "a.csv").write_text("years of work")
    with pytest.raises(OutputError, match=r"a\.csv is there already") as caught:
        exported(folder, "a.csv")
    assert "--replace" in caught.value.remedy
    assert (tmp_path / "a.csv").read_text() == "years of work"
    assert len(rows_of(exported(folder, "a.csv", replace_file=True))) == 2


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("out/a.csv", "docproc's own"), ("a.xls", "no format"), ("a", "no format"), ("there.csv", "is a folder")],
)
def test_a_place_that_cannot_be_meant_is_refused(tmp_path: Path, name: str, complaint: str) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    (tmp_path / "there.csv").mkdir()
    with pytest.raises(OutputError, match=complaint):
        export_batch(folder, tmp_path / name, replace_file=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "there.csv"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("by_field", [False, True])
def test_whatever_goes_wrong_no_half_of_a_file_is_left(tmp_path: Path, ending: str, by_field: bool) -> None:
    to = tmp_path / f"a{ending}"
    with pytest.raises(KeyboardInterrupt), open_file(to, Shape(by_field)) as file:
        file.add(PAGES[0])
        assert not to.exists()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_told_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = a_batch(tmp_path / "out", *PAGES)
    monkeypatch.setattr(one_file.os, "replace", full)
    with pytest.raises(OutputError, match="No space left") as caught:
        exported(folder, "a.csv")
    assert caught.value.remedy.startswith("Free some space")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_results_is_enough_wherever_its_templates_are(tmp_path: Path) -> None:
    unique = restored(
        {**SLIP.model_dump(mode="json"), "codes": [{"name": "serial", "box": [150, 8, 40, 20], "unique": True}]}, "t"
    )
    folder = a_batch(
        tmp_path / "out",
        a_record("", a_reading("serial", "A")),
        a_record("", a_reading("serial", "A")),
        templates=[unique],
    )
    rows = rows_of(exported(folder, "a.json", by_field=True))
    assert [row["reasons"] for row in rows] == [["double_of:000002.png"], ["double_of:000001.png"]]


def test_pages_of_a_template_that_nobody_has_any_more_are_not_guessed_at(tmp_path: Path) -> None:
    folder = a_batch(tmp_path / "out", *PAGES, templates=())
    with open_ledger(folder, settings={"folder": str(tmp_path), TEMPLATES: ["gone.yaml"]}):
        pass
    with pytest.raises(TemplateError, match="'slip' is not what pages were read with"):
        exported(folder, "a.csv")


@pytest.mark.parametrize("by_field", [False, True])
def test_parquet_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_field: bool
) -> None:
    folder = a_batch(tmp_path / "out", *PAGES)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError) as caught:
        exported(folder, "a.parquet", by_field=by_field)
    assert "pip install 'docproc[parquet]'" in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".sqlite"])
@pytest.mark.parametrize("by_field", [False, True])
def test_memory_does_not_grow_with_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, by_field: bool
) -> None:
    monkeypatch.setattr(parquet_file, "CELLS_AT_A_TIME", 500)
    peaks = []
    for pages in (200, 1000):
        tracemalloc.start()
        with open_file(tmp_path / f"{pages}{ending}", Shape(by_field)) as file:
            for _ in range(pages):
                file.add(PAGES[0])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000
