from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from docproc import evaluation
from docproc.cli import app, main
from docproc.evaluation import EvaluationError, Found, Truth
from docproc.geometry import Box

COLUMNS = ["source", "page", "template", "field", "value", "confidence", "status", "reasons", "alternatives"]
COLUMNS += ["left_px", "top_px", "width_px", "height_px"]


def found(field: str, value: str, confidence: float = 0.9, *, status: str = "accepted", **more: object) -> Found:
    values = {"source": "pages/01.jpg", "page": 1, "template": "form"} | more
    return Found(field=field, value=value, confidence=confidence, status=status, **values)  # type: ignore[arg-type]


def truth(field: str, value: str, **more: object) -> Truth:
    return Truth(**({"source": "pages/01.jpg", "page": 1, "field": field, "value": value} | more))  # type: ignore[arg-type]


def write_csv(path: Path, columns: list[str], *rows: dict[str, object]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def row(field: str, value: str, **more: object) -> dict[str, object]:
    defaults = {"source": "01.jpg", "page": 1, "confidence": 0.9, "status": "accepted"}
    return defaults | {"field": field, "value": value} | more


def truth_row(field: str, value: str) -> dict[str, object]:
    return {"source": "01.jpg", "page": 1, "field": field, "value": value}


def test_right_accepted_and_missed_fields_are_counted():
    judged = evaluation.judge(
        [
            found("a", "12"),
            found("b", "21"),
            found("c", "", 0.95),
            found("d", "07", 0.2, status="review"),
            found("no_truth", "5"),
        ],
        [truth("a", "12"), truth("b", "12"), truth("c", "3"), truth("d", "7"), truth("e", "9"), truth("f", "")],
    )
    figures = evaluation.evaluate(judged)
    assert (figures.fields, figures.right, figures.accuracy) == (6, 2, 2 / 6)
    assert (figures.accepted, figures.accepted_share) == (3, 3 / 6)
    assert (figures.accepted_wrong, figures.accepted_error) == (2, 2 / 3)
    assert figures.missed == 1  # e; f is blank on paper and needs no field
    assert figures.blank_accepted == 1  # c
    # b: two substitutions, c: one digit lost, d: one digit too many, e: one lost; the truth has seven digits
    assert figures.digit_accuracy == pytest.approx(1 - 5 / 7)
    assert [one.truth.field for one in evaluation.wrong_and_accepted(judged)] == ["c", "b"]


def test_leading_zeros_are_part_of_the_value():
    (judged,) = evaluation.judge([found("a", "12")], [truth("a", "012")])
    assert not judged.right


def test_figures_of_nothing_are_none_and_not_a_division_by_zero():
    figures = evaluation.evaluate([])
    assert figures.fields == 0
    shares = (figures.accuracy, figures.accepted_error, figures.acceptable_share, figures.calibration_error)
    assert set(shares) == {None}
    assert set(figures.error_at_reject.values()) == {None}


@pytest.mark.parametrize(
    ("read", "right", "edits"),
    [("", "", 0), ("123", "123", 0), ("12", "123", 1), ("1123", "123", 1), ("", "123", 3), ("321", "123", 2)],
)
def test_edit_distance(read: str, right: str, edits: int):
    assert evaluation.edit_distance(read, right) == edits


digits = st.text("012", max_size=6)


@given(a=digits, b=digits, c=digits)
def test_edit_distance_is_a_metric(a: str, b: str, c: str):
    distance = evaluation.edit_distance
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, c) <= distance(a, b) + distance(b, c)


def test_the_least_confident_fields_are_rejected_first():
    wrong = np.array([True, False, False, True, False, False, False, False, False, False])
    confidence = np.linspace(0.1, 1.0, 10)  # the first is the least confident
    assert evaluation.error_at_reject(wrong, confidence, 0.0) == pytest.approx(2 / 10)
    assert evaluation.error_at_reject(wrong, confidence, 0.1) == pytest.approx(1 / 9)
    assert evaluation.error_at_reject(wrong, confidence, 0.5) == 0.0


def test_of_equally_confident_fields_an_average_lot_is_rejected():
    wrong = np.array([True, False, False, False])
    confidence = np.full(4, 0.5)
    assert evaluation.error_at_reject(wrong, confidence, 0.5) == pytest.approx(1 / 4)
    assert evaluation.error_at_reject(wrong[::-1], confidence, 0.5) == pytest.approx(1 / 4)


def test_one_in_a_hundred_may_be_wrong_among_the_acceptable():
    wrong = np.zeros(300, bool)
    wrong[[120, 210, 215, 250]] = True  # a second one fits only among 200 or more, a third among 300
    confidence = np.linspace(1.0, 0.1, 300)
    assert evaluation.acceptable_share(wrong, confidence) == pytest.approx(215 / 300)


def test_no_threshold_parts_fields_of_equal_confidence():
    wrong = np.array([False, False, True])
    assert evaluation.acceptable_share(wrong, np.array([0.9, 0.5, 0.5])) == pytest.approx(1 / 3)
    assert evaluation.acceptable_share(wrong, np.array([0.5, 0.5, 0.5])) == 0.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=60))
def test_the_acceptable_share_keeps_its_promise(fields: list[tuple[bool, int]]):
    wrong = np.array([flag for flag, _ in fields])
    confidence = np.array([level / 5 for _, level in fields])
    share = evaluation.acceptable_share(wrong, confidence, target_error=0.1)
    thresholds = [wrong[confidence >= level] for level in set(confidence)]
    assert share * len(fields) == pytest.approx(
        max((one.size for one in thresholds if one.mean() <= 0.1 + 1e-12), default=0)
    )


def test_honest_confidences_have_no_calibration_error():
    right = np.tile([True, True, True, False], 150)
    assert evaluation.calibration_error(right, np.full(600, 0.75)) == pytest.approx(0.0)
    assert evaluation.calibration_error(right, np.full(600, 1.0)) == pytest.approx(0.25)


def test_a_field_that_was_not_found_does_not_count_as_miscalibrated():
    judged = evaluation.judge([found("a", "1", 1.0)], [truth("a", "1"), truth("b", "2"), truth("c", "")])
    assert evaluation.evaluate(judged).calibration_error == pytest.approx(0.0)


def test_a_source_matches_where_one_path_ends_in_the_other():
    (judged,) = evaluation.judge([found("a", "1")], [truth("a", "1", source="01.jpg")])
    assert judged.right
    (judged,) = evaluation.judge([found("a", "1", source="01.jpg")], [truth("a", "1", source="scans/pages/01.jpg")])
    assert judged.right


def test_the_end_of_a_name_is_not_the_end_of_a_path():
    there = [found("a", "1", source="pages/101.jpg"), found("a", "2", source="pages/01.jpg")]
    (judged,) = evaluation.judge(there, [truth("a", "2", source="01.jpg")])
    assert judged.right


def test_a_source_that_could_be_two_is_an_error():
    there = [found("a", "1", source="x/01.jpg"), found("a", "1", source="y/01.jpg")]
    with pytest.raises(EvaluationError, match=r"'01.jpg' could be 'x/01.jpg' or 'y/01.jpg'"):
        evaluation.judge(there, [truth("a", "1", source="01.jpg")])
    assert len(evaluation.judge(there, [truth("a", "1", source="y/01.jpg")])) == 1


def test_a_truth_of_other_pages_is_an_error():
    others = [truth("a", "1", source=f"elsewhere/{number}.png") for number in range(6)]
    with pytest.raises(EvaluationError) as refused:
        evaluation.judge([found("a", "1")], others)
    assert refused.value.message == (
        "No source of the truth is in the results: the truth has 'elsewhere/0.png', 'elsewhere/1.png', "
        "'elsewhere/2.png', 'elsewhere/3.png' and 2 more; the results have 'pages/01.jpg'."
    )


def test_a_truth_of_another_form_is_an_error():
    there, asked = [found("meter", "1"), found("reading", "2")], [truth("roll", "1"), truth("total", "2")]
    with pytest.raises(EvaluationError) as refused:
        evaluation.judge(there, asked)
    assert refused.value.message == (
        "No field of the truth is in the results: the truth has 'roll', 'total'; the results have 'meter', 'reading'."
    )
    assert "--by box" in refused.value.remedy


def test_pages_on_which_nothing_was_found_are_missed_and_no_error():
    figures = evaluation.evaluate(evaluation.judge([found("", "", 0.0, status="rejected")], [truth("a", "1")]))
    assert (figures.fields, figures.missed) == (1, 1)


def test_a_page_without_any_result_is_missed():
    judged = evaluation.judge([found("a", "1")], [truth("a", "1"), truth("a", "1", source="pages/02.jpg")])
    assert evaluation.evaluate(judged).missed == 1


def test_results_without_a_field_are_all_missed():
    figures = evaluation.evaluate(evaluation.judge([], [truth("a", "1"), truth("b", "2")]))
    assert (figures.missed, figures.accuracy) == (2, 0.0)


def test_fields_are_joined_by_box_where_names_differ():
    there = [
        found("r01c01", "1", box_px=Box(10, 10, 50, 20)),
        found("r01c02", "2", box_px=Box(60, 10, 50, 20)),
        found("r09c09", "3", box_px=Box(500, 500, 50, 20)),
        found("no_box", "4"),
    ]
    asked = [
        truth("right", "2", box_px=Box(58, 11, 55, 21)),
        truth("left", "1", box_px=Box(5, 11, 58, 18)),
        truth("alone", "5", box_px=Box(300, 300, 10, 10)),
    ]
    judged = evaluation.judge(there, asked, by="box")
    assert [one.truth.field for one in judged] == ["right", "left", "alone"]
    assert [one.value for one in judged] == ["2", "1", ""]


def test_a_found_box_answers_one_field_of_the_truth_only():
    there = [found("wide", "12", box_px=Box(0, 0, 100, 20))]
    asked = [truth("left", "1", box_px=Box(0, 0, 40, 20)), truth("right", "12", box_px=Box(40, 0, 60, 20))]
    assert [one.value for one in evaluation.judge(there, asked, by="box")] == ["", "12"]


def test_joining_by_box_needs_boxes():
    with pytest.raises(EvaluationError, match=r"'a' of pages/01\.jpg has no box"):
        evaluation.judge([found("a", "1")], [truth("a", "1")], by="box")


def test_templates_have_figures_of_their_own():
    judged = evaluation.judge(
        [found("a", "1"), found("a", "2", source="free.png", template="")],
        [truth("a", "1"), truth("missed", "1"), truth("a", "2", source="free.png")],
    )
    by_template = evaluation.evaluate_by_template(judged)
    assert {name: (one.fields, one.right) for name, one in by_template.items()} == {"": (1, 1), "form": (2, 1)}


def test_rows_that_are_not_scored_are_left_out(tmp_path: Path):
    columns = ["source", "page", "field", "value", "scored", "writer"]
    yes, no = {"source": ".\\01.jpg", "scored": "yes", "writer": "x"}, {"scored": "no"}
    rows = [truth_row("a", "01") | yes, truth_row("b", "2") | no]
    path = write_csv(tmp_path / "truth.csv", columns, *rows)
    assert evaluation.read_truth(path) == (Truth(source="01.jpg", page=1, field="a", value="01"),)


def test_a_missing_column_is_named(tmp_path: Path):
    path = write_csv(tmp_path / "truth.csv", ["source", "field", "value"])
    with pytest.raises(EvaluationError, match=r"truth\.csv: there is no column page"):
        evaluation.read_truth(path)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(EvaluationError, match=r"fields\.csv: cannot be read \(No such file"):
        evaluation.read_found(tmp_path)


def test_a_number_that_is_none_is_named_with_its_line(tmp_path: Path):
    write_csv(tmp_path / "fields.csv", COLUMNS, row("a", "1"), row("b", "1", page="one"))
    with pytest.raises(EvaluationError, match=r"fields\.csv, line 3: .*'one'"):
        evaluation.read_found(tmp_path)


def test_what_is_guarded_against_spreadsheets_is_read_as_it_was(tmp_path: Path):
    box = {"left_px": "'-3", "top_px": 2, "width_px": 30, "height_px": 10}
    write_csv(tmp_path / "fields.csv", COLUMNS, row("'-a", "12", source="'=1+1.png", **box))
    (one,) = evaluation.read_found(tmp_path)
    assert (one.source, one.field, one.box_px) == ("=1+1.png", "-a", Box(-3, 2, 30, 10))


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path):
    path = tmp_path / "truth.csv"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(EvaluationError, match="no CSV in UTF-8"):
        evaluation.read_truth(path)


def test_a_truth_that_says_a_field_twice_is_an_error(tmp_path: Path):
    path = write_csv(tmp_path / "truth.csv", ["source", "page", "field", "value"], *[truth_row("a", "1")] * 2)
    with pytest.raises(EvaluationError, match=r"'a' of 01\.jpg, page 1, stands there twice"):
        evaluation.read_truth(path)


def test_the_verb_prints_a_table_and_what_went_through_wrong(tmp_path: Path):
    write_csv(tmp_path / "fields.csv", COLUMNS, row("a", "001"), row("b[red]", "5", confidence=0.75))
    path = write_csv(tmp_path / "t.csv", ["source", "page", "field", "value"], truth_row("a", "001"))
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path), "--truth", str(path)])
    assert result.exit_code == 0
    assert "1, 100.0 %" in result.stdout
    assert "Wrong and accepted" not in result.stdout
    path = write_csv(tmp_path / "t.csv", ["source", "page", "field", "value"], truth_row("b[red]", "6"))
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path), "--truth", str(path)])
    assert "Wrong and accepted" in result.stdout
    assert "b[red]" in result.stdout


def test_the_verb_prints_json(tmp_path: Path):
    box = {"left_px": 1, "top_px": 2, "width_px": 30, "height_px": 10}
    write_csv(tmp_path / "fields.csv", COLUMNS, row("r1c1", "7", template="t", **box))
    path = write_csv(tmp_path / "t.csv", ["source", "page", "field", "value", *box], truth_row("total", "1") | box)
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path), "--truth", str(path), "--by", "box", "--json"])
    report = json.loads(result.stdout)
    assert report["accepted_wrong"] == 1
    assert report["error_at_reject"]["0"] == 1.0
    assert list(report["templates"]) == ["t"]
    assert report["wrong_and_accepted"] == [
        {"source": "01.jpg", "page": 1, "field": "total", "truth": "1", "value": "7", "confidence": 0.9}
    ]


def test_names_that_the_results_lack_are_told_with_what_they_may_be(tmp_path: Path):
    write_csv(tmp_path / "fields.csv", COLUMNS, row("total_sum", "1"), row("day", "2"))
    rows = [truth_row("totalsum", "1"), truth_row("day", "2"), truth_row("xyz", "3")]
    path = write_csv(tmp_path / "t.csv", ["source", "page", "field", "value"], *rows)
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path), "--truth", str(path)])
    assert result.exit_code == 0
    assert "2 names of the truth are not in the results: totalsum (is it total_sum?), xyz." in result.stderr
    assert "--by box" in result.stderr


def test_pages_that_were_not_read_are_told(tmp_path: Path):
    write_csv(tmp_path / "fields.csv", COLUMNS, row("day", "2"))
    rows = [truth_row("day", "2"), truth_row("day", "3") | {"source": "02.jpg"}, truth_row("day", "4") | {"page": 2}]
    path = write_csv(tmp_path / "t.csv", ["source", "page", "field", "value"], *rows)
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path), "--truth", str(path)])
    assert "Of 2 of 3 pages of the truth no field is in the results" in result.stderr
    assert "02.jpg, page 1, 01.jpg, page 2." in result.stderr


def test_the_verb_refuses_the_truth_of_another_form_as_a_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    write_csv(tmp_path / "fields.csv", COLUMNS, row("meter", "1"))
    path = write_csv(tmp_path / "t.csv", ["source", "page", "field", "value"], truth_row("roll", "1"))
    monkeypatch.setattr(sys, "argv", ["docproc", "evaluate", str(tmp_path), "--truth", str(path)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "the truth has 'roll'; the results have 'meter'." in said
    assert "Name the truth of this form." in said
