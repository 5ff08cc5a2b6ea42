"""Results: complete or not at all, and CSV that programs can trust."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import pytest
from written import a_reading, a_record, table_rows, write_results

from docproc.errors import OutputError
from docproc.export import open_results, results
from docproc.export.delimited import safe_cell
from docproc.export.folder import explained
from docproc.geometry import Box
from docproc.reading import Reason, Verdict

COLUMNS = "source,page,template,field,value,confidence,status,reasons,alternatives,left_px,top_px,width_px,height_px"
NAMES = ["errors.csv", "fields.csv", "forms.csv", "forms.xlsx"]


def test_a_field_has_one_row_with_exactly_the_promised_columns(tmp_path: Path) -> None:
    reading = a_reading(
        "amount",
        "0042",
        Verdict.REVIEW,
        confidence=0.81239,
        reasons=(Reason.LOW_CONFIDENCE, "rule:max"),
        alternatives=(("0047", 0.1), ("", 0.05)),
        box_px=Box(10.4, 20.6, 300, 50),
    )
    write_results(tmp_path / "out", a_record("scans/a.png", reading, index=2))
    lines = (tmp_path / "out" / "fields.csv").read_text(encoding="utf-8").splitlines()
    assert lines == [
        COLUMNS,
        "scans/a.png,3,slip,amount,0042,0.812390,review,low_confidence;rule:max,0047=0.1000;blank=0.0500,10,21,300,50",
    ]


def test_a_page_without_fields_is_not_lost(tmp_path: Path) -> None:
    write_results(tmp_path / "out", a_record("a.png", reasons=(Reason.NO_FIELDS,)))
    (row,) = table_rows(tmp_path / "out" / "fields.csv")
    assert (row["source"], row["field"], row["status"], row["reasons"]) == ("a.png", "", "review", "no_fields")


def test_nearly_sure_is_never_shown_as_certain(tmp_path: Path) -> None:
    write_results(tmp_path / "out", a_record("a.png", a_reading("x", "1", confidence=0.9999999)))
    assert table_rows(tmp_path / "out" / "fields.csv")[0]["confidence"] == "0.999999"


def test_forms_have_a_row_a_page_and_columns_in_first_seen_order(tmp_path: Path) -> None:
    write_results(
        tmp_path / "out",
        a_record("a.png", a_reading("date", "0107"), a_reading("sum", "12", Verdict.REVIEW)),
        a_record("b.png", a_reading("number", "7"), a_reading("sum", "")),
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


def test_a_file_name_that_is_no_utf_8_is_written_with_escapes(tmp_path: Path) -> None:
    name = b"scan-\xff.png".decode("utf-8", "surrogateescape")
    write_results(tmp_path / "out", a_record(name, a_reading("x", "1")))
    assert table_rows(tmp_path / "out" / "fields.csv")[0]["source"] == "scan-\\udcff.png"


def test_results_hold_the_four_files_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    write_results(tmp_path / "deep" / "out", a_record("a.png", a_reading("x", "1")))
    assert sorted(path.name for path in (tmp_path / "deep" / "out").iterdir()) == NAMES
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_an_interrupted_batch_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_results(tmp_path / "out") as results:
        results.add(a_record("a.png", a_reading("x", "1")))
        assert not (tmp_path / "out").exists()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_batch_keeps_the_earlier_results(tmp_path: Path) -> None:
    write_results(tmp_path / "out", a_record("first.png", a_reading("x", "1")))
    with pytest.raises(KeyboardInterrupt), open_results(tmp_path / "out") as results:
        results.add(a_record("second.png", a_reading("x", "1")))
        raise KeyboardInterrupt
    assert [row["source"] for row in table_rows(tmp_path / "out" / "fields.csv")] == ["first.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_disk_that_fills_up_in_the_middle_of_a_table_is_an_output_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIELDS_NAME", "ERRORS_NAME"):
        monkeypatch.setattr(results, name, "/dev/full")  # a device on which the system has no space left
    with pytest.raises(OutputError, match="No space left"), open_results(tmp_path / "out") as opened:
        for page in range(1000):  # more than is buffered; the heading of errors.csv is still
            opened.add(a_record(f"{page}.png", a_reading("x", "1")))
    assert list(tmp_path.iterdir()) == []


def test_earlier_results_are_replaced(tmp_path: Path) -> None:
    for source in ("first.png", "second.png"):
        write_results(tmp_path / "out", a_record(source, a_reading("x", "1")))
    assert [row["source"] for row in table_rows(tmp_path / "out" / "fields.csv")] == ["second.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_results(tmp_path / "out", a_record("a.png", a_reading("x", "1")))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == NAMES


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    write_results(tmp_path / "out", a_record("a.png", a_reading("x", "1")))
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
    write_results(tmp_path / "out", a_record("first.png", a_reading("x", "1")))
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
    write_results(tmp_path / "out", a_record("a.png", a_reading("x", "1")))
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
