"""A faulty template is refused with file, line and field; a sound one is found again as it was written."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from docproc.cli import app
from docproc.collation import require_whole_papers
from docproc.errors import OutputError, PageError, TemplateError
from docproc.geometry import Box
from docproc.template import Field, Paper, Rules, Template, json_schema, load_template, load_templates
from docproc.template_keys import groups_of

SOUND = """\
name: slip
page: {width_mm: 100, height_mm: 80}
fiducials:
  - {box: [5, 5, 4, 4]}
  - {box: [91, 5, 4, 4]}
  - {box: [5, 71, 4, 4]}
  - {box: [91, 71, 4, 4]}
fields:
  - name: account
    kind: comb
    box: [20, 20, 40, 8]
    cells: 5
    length: [3, 5]
    required: true
  - name: amount
    kind: free
    box: [20, 40, 40, 8]
    rules: {min: 0, max: 500}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "template.yaml"
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        load_template(written(folder, text))
    assert str(folder / "template.yaml") in caught.value.message
    assert caught.value.remedy
    return caught.value


def changed(old: str, new: str) -> str:
    assert SOUND.count(old) >= 1
    return SOUND.replace(old, new, 1)


def test_a_sound_template_is_read_as_it_is_written(tmp_path: Path) -> None:
    template = load_template(written(tmp_path, SOUND))
    assert [field.name for field in template.fields] == ["account", "amount"]
    assert template.field("account").box == Box(20, 20, 40, 8)
    assert template.field("account").lengths == (3, 5)
    assert template.field("amount").rules.max == 500
    assert template.reference_path is None


def test_an_unknown_key_is_named_with_its_line_and_field(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("required: true", "requird: true"))
    assert "line 14" in error.message
    assert "field 'account': unknown key 'requird'" in error.message


def test_a_mistyped_key_is_answered_with_the_nearest_that_is_not_there_yet(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("required: true", "requird: true"))
    assert "unknown key 'requird' (is it 'required'?)." in error.message
    error = refused(tmp_path, changed("{min: 0, max: 500}", "{min: 0, maxi: 500}"))
    assert "unknown key 'maxi' (is it 'max'?)." in error.message
    error = refused(tmp_path, changed("cells: 5", "cells: 5\n    cellss: 5"))
    assert "unknown key 'cellss'." in error.message


def test_a_key_like_none_may_be_of_a_newer_docproc(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("    kind: free", "    kind: free\n    handwriting: cursive"))
    assert "field 'amount': unknown key 'handwriting'." in error.message
    assert "may be of a newer docproc: update this one" in error.remedy


def test_a_newer_format_is_told_before_the_keys_that_it_brings(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("name: slip", "name: slip\nformat: 2\ncolour: red"))
    assert error.message.endswith("line 2: this template is of format 2, and this docproc reads up to 1.")
    assert error.remedy == "Update docproc."
    assert load_template(written(tmp_path, "format: 1\n" + SOUND)).format == 1


def test_an_unknown_key_of_the_template_itself_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("name: slip", "name: slip\ncolour: red"))
    assert "line 2" in error.message
    assert "unknown key 'colour'" in error.message


def test_an_unknown_rule_is_named_with_its_line(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("max: 500", "maximum: 500"))
    assert "line 18" in error.message
    assert "field 'amount': unknown key 'maximum'" in error.message


def test_a_missing_key_is_named_with_the_field_that_lacks_it(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("    box: [20, 40, 40, 8]\n", ""))
    assert "line 15" in error.message
    assert "field 'amount': the key 'box' is missing" in error.message


def test_overlapping_fields_are_named_with_the_later_ones_line(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("[20, 40, 40, 8]", "[30, 25, 40, 8]"))
    assert "line 15" in error.message
    assert "field 'amount': its box overlaps that of 'account'" in error.message


def test_fields_may_share_a_printed_rule(tmp_path: Path) -> None:
    template = load_template(written(tmp_path, changed("[20, 40, 40, 8]", "[20, 27.8, 40, 8]")))
    assert len(template.fields) == 2


def test_a_field_that_leaves_the_sheet_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("[20, 40, 40, 8]", "[70, 40, 40, 8]"))
    assert "line 15" in error.message
    assert "field 'amount': its box leaves the sheet of 100 x 80 mm" in error.message


def test_a_fiducial_that_leaves_the_sheet_is_refused(tmp_path: Path) -> None:
    assert "fiducial's box leaves the sheet" in refused(tmp_path, changed("[91, 71, 4, 4]", "[99, 71, 4, 4]")).message


def test_a_name_used_twice_is_named_with_the_later_ones_line(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("name: amount", "name: account"))
    assert "line 15" in error.message
    assert "field 'account': the name is used twice" in error.message


def test_a_box_of_three_numbers_is_explained(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("[20, 40, 40, 8]", "[20, 40, 40]"))
    assert "line 17" in error.message
    assert "field 'amount': a box is four numbers in mm" in error.message


@pytest.mark.parametrize("box", ["[left, 40, 40, 8]", "[[20], 40, 40, 8]", "[20, true, 40, 8]", "wide", "{left: 3}"])
def test_a_box_of_anything_but_numbers_is_an_error_of_the_template(tmp_path: Path, box: str) -> None:
    error = refused(tmp_path, changed("[20, 40, 40, 8]", box))
    assert "line 17" in error.message
    assert "field 'amount': a box is four numbers in mm" in error.message


@pytest.mark.parametrize("box", ["[20, 40, .nan, 8]", "[20, 40, .inf, 8]", "[20, 40, 0, 8]", "[20, 40, -5, 8]"])
def test_a_box_without_a_size_is_refused(tmp_path: Path, box: str) -> None:
    assert "field 'amount'" in refused(tmp_path, changed("[20, 40, 40, 8]", box)).message


def test_an_unknown_kind_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("kind: free", "kind: freee"))
    assert "line 16" in error.message
    assert "'comb', 'cell' or 'free'" in error.message


def test_cells_belong_to_combs(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("kind: free", "kind: free\n    cells: 4"))
    assert "field 'amount': cells, groups and gaps belong to kind comb, not free" in error.message


def test_groups_must_add_up_to_the_cells(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("cells: 5", "cells: 5\n    groups: [2, 2]"))
    assert "groups [2, 2] add up to 4, not to cells 5" in error.message


def test_a_length_must_fit_the_cells(tmp_path: Path) -> None:
    assert "length 6 does not fit 5 cells" in refused(tmp_path, changed("[3, 5]", "[3, 6]")).message
    assert "has its fewest above its most" in refused(tmp_path, changed("[3, 5]", "[5, 3]")).message


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("{min: 9, max: 3}", "min 9 is above max 3"),
        ("{regex: '['}", "is no regular expression"),
        ("{check_digit: no.such.thing}", "is no module of python-stdnum"),
        ("{date: DDMMJJ}", "is no date of DD, MM and YY or YYYY"),
        ("{values: ['12', 'A4']}", "values are digits"),
        ("{values: []}", "there must be at least one"),
    ],
)
def test_a_rule_that_cannot_be_checked_is_refused(tmp_path: Path, rules: str, words: str) -> None:
    error = refused(tmp_path, changed("{min: 0, max: 500}", rules))
    assert "line 18" in error.message
    assert words in error.message


def test_a_template_needs_something_to_register_by(tmp_path: Path) -> None:
    start, stop = SOUND.index("fiducials"), SOUND.index("fields")
    assert (
        "needs a reference image, or at least 3 squares or 2 ArUco markers"
        in refused(tmp_path, SOUND[:start] + SOUND[stop:]).message
    )


def test_a_reference_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    error = refused(tmp_path, changed("name: slip", "name: slip\nreference: blank.png"))
    assert "line 2: the reference image 'blank.png' cannot be read" in error.message


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    assert "line 3: this is no YAML" in refused(tmp_path, "name: slip\npage: {width_mm: 1\nfields: []\n").message


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n", "fields: 3\n", "fields: [1, 2]\n"])
def test_what_is_no_template_is_refused(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text).exit_code == 3


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(TemplateError, match="no YAML"):
        load_template(tmp_path / "template.yaml")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="cannot read the template"):
        load_template(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cells: 5", "cells: 0", "cells: it must be 1 or more, not 0"),
        ("cells: 5", "cells: 65", "cells: it must be 64 or less, not 65"),
        ("width_mm: 100", "width_mm: 0", "width_mm: it must be more than 0, not 0"),
        ("name: account", "name: ''", "name: must not be empty"),
    ],
)
def test_limits_are_told_in_plain_words(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert words in refused(tmp_path, changed(old, new)).message


def test_many_faults_are_counted(tmp_path: Path) -> None:
    text = changed("required: true", "requird: true").replace("max: 500", "maximum: 500")
    assert "(1 more fault beside it)" in refused(tmp_path, text).message


def test_the_digest_changes_with_the_file_and_with_the_reference(tmp_path: Path) -> None:
    path = written(tmp_path, changed("name: slip", "name: slip\nreference: blank.png"))
    (tmp_path / "blank.png").write_bytes(b"one")
    first = load_template(path).digest
    (tmp_path / "blank.png").write_bytes(b"two")
    second = load_template(path).digest
    path.write_text(path.read_text() + "# a note\n")
    assert len({first, second, load_template(path).digest}) == 3


def test_grouped_cells_leave_the_gaps_free() -> None:
    template = Template.model_validate(
        {
            "name": "phone",
            "page": {"width_mm": 100, "height_mm": 50},
            "reference": "x.png",
            "fields": [
                {
                    "name": "phone",
                    "kind": "comb",
                    "box": [10, 10, 44, 6],
                    "cells": 4,
                    "cell_gap_mm": 1,
                    "groups": [2, 2],
                    "group_gap_mm": 3,
                }
            ],
        }
    )
    lefts = [(box.left, box.width) for box in template.fields[0].cell_boxes()]
    assert lefts == [(10, 9.5), (20.5, 9.5), (34, 9.5), (44.5, 9.5)]


def test_every_key_is_explained_to_people_in_words() -> None:
    groups = {group.name: {key.name: key for key in group.keys} for group in groups_of(json_schema())}
    assert list(groups) == ["template", "page size", "fiducial", "code place", "paper", "field", "rules", "relation"]
    assert set(groups["template"]) == set(Template.model_fields)
    assert set(groups["field"]) == set(Field.model_fields)
    assert set(groups["rules"]) == set(Rules.model_fields)
    assert all(key.description and key.type for keys in groups.values() for key in keys.values())
    cells, length = groups["field"]["cells"], groups["field"]["length"]
    assert (cells.type, cells.default) == ("whole number, 1 to 64", "default 1")
    assert (length.type, length.default) == ("whole number or 2 whole numbers", "optional")
    assert groups["template"]["fields"].type == "list of fields"
    assert groups["field"]["box"].default == "required"


def test_every_key_of_the_schema_is_explained_or_plain() -> None:
    schema = json_schema()
    assert schema["$defs"]["Field"]["required"] == ["name", "kind", "box"]
    assert schema["additionalProperties"] is False


def drawn_page(template: Template) -> np.ndarray:
    sheet = np.full((800, 1000), 255, np.uint8)
    for fiducial in template.fiducials:
        box = fiducial.box.scaled(10)
        sheet[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = 0
    for field in template.fields:
        for cell in field.cell_boxes():
            box = cell.scaled(10)
            cv2.rectangle(sheet, (int(box.left), int(box.top)), (int(box.right), int(box.bottom)), 0, 3)
    return sheet


def test_the_command_lists_the_keys_one_a_line() -> None:
    result = CliRunner().invoke(app, ["template", "schema"])
    assert result.exit_code == 0
    assert "  cells         (whole number, 1 to 64, default 1) Boxes of a comb.\n" in result.stdout
    assert "\n\nrules: What a value must satisfy" in result.stdout


def test_the_command_prints_the_json_schema_for_programs() -> None:
    result = CliRunner().invoke(app, ["template", "schema", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["properties"]["tolerance_mm"]["default"] == 1.0


def test_the_command_draws_a_template_without_a_page(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["template", "check", str(written(tmp_path, SOUND)), "-o", str(tmp_path / "overlay.png")]
    )
    assert result.exit_code == 0
    assert "sound, 2 fields on 100 x 80 mm" in result.stdout
    picture = np.array(Image.open(tmp_path / "overlay.png"))
    height, width = picture.shape[:2]
    red = (picture[..., 0] > 180) & (picture[..., 1] < 60)
    assert red[round(height * 24 / 80), round(width * 0.2) - 4 : round(width * 0.2) + 5].any()  # account's left rule
    assert not red[round(height * 60 / 80)].any()


def test_the_command_finds_and_draws_the_form_on_a_page(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND)
    Image.fromarray(np.rot90(drawn_page(load_template(path)))).save(tmp_path / "scan.png")
    result = CliRunner().invoke(
        app, ["template", "check", str(path), str(tmp_path / "scan.png"), "-o", str(tmp_path / "overlay.png")]
    )
    assert result.exit_code == 0, result.output
    assert "found, right to 0.0" in result.stdout
    picture = np.array(Image.open(tmp_path / "overlay.png"))
    assert picture.shape == (1600, 1280, 3)
    red = (picture[..., 0] > 180) & (picture[..., 1] < 60)
    assert red.any()


def test_the_command_says_that_a_page_shows_another_form(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND)
    Image.fromarray(np.full((800, 1000), 255, np.uint8)).save(tmp_path / "scan.png")
    result = CliRunner().invoke(app, ["template", "check", str(path), str(tmp_path / "scan.png")])
    assert isinstance(result.exception, PageError)
    assert "the form 'slip' is not found on this page" in result.exception.message
    assert "whole sheet" in result.exception.remedy


def test_the_command_says_where_it_cannot_write(tmp_path: Path) -> None:
    target = tmp_path / "no such folder" / "overlay.png"
    result = CliRunner().invoke(app, ["template", "check", str(written(tmp_path, SOUND)), "-o", str(target)])
    assert isinstance(result.exception, OutputError)
    assert str(target) in result.exception.message


def _page_of_ballot(folder: Path, name: str, paper: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(changed("name: slip", f"name: {name}\npaper: {paper}"))
    return path


def test_a_template_says_which_page_of_a_paper_it_is_and_what_is_unique(tmp_path: Path) -> None:
    _page_of_ballot(tmp_path, "front", "{name: ballot, page: 1, pages: 2}")
    text = changed("name: slip", "name: back\npaper: {name: ballot, page: 2, pages: 2}")
    text = text.replace("required: true", "unique: true", 1)
    (tmp_path / "back.yaml").write_text(f"{text}codes: [{{name: serial, box: [70, 20, 20, 20], unique: true}}]\n")
    back, front = load_templates([tmp_path]).values()
    assert (front.paper, back.paper) == (Paper(name="ballot", page=1, pages=2), Paper(name="ballot", page=2, pages=2))
    assert (front.unique_names, back.unique_names) == ((), ("account", "serial"))


@pytest.mark.parametrize(
    ("paper", "told"),
    [
        ("{name: ballot, page: 3, pages: 2}", "there is no page 3 of 2"),
        ("{name: ballot, page: 1, pages: 1}", "pages: it must be 2 or more, not 1"),
        ("{name: ballot, page: 1}", "the key 'pages' is missing"),
    ],
)
def test_a_paper_that_cannot_be_is_refused_with_its_line(tmp_path: Path, paper: str, told: str) -> None:
    message = refused(tmp_path, changed("name: slip", f"name: slip\npaper: {paper}")).message
    assert "line 2: " in message
    assert told in message


@pytest.mark.parametrize(
    ("paper", "told"),
    [
        ("{name: ballot, page: 2, pages: 3}", "has 3 pages here, and 2 in"),
        ("{name: ballot, page: 1, pages: 2}", "it is page 1 of the paper 'ballot', as .*a.yaml is, too"),
    ],
)
def test_templates_of_one_paper_that_contradict_each_other_are_named(tmp_path: Path, paper: str, told: str) -> None:
    first = _page_of_ballot(tmp_path, "a", "{name: ballot, page: 1, pages: 2}")
    second = _page_of_ballot(tmp_path, "b", paper)
    with pytest.raises(TemplateError, match=rf"b\.yaml: .*{told}") as caught:
        load_templates([first, second])
    assert caught.value.remedy


def test_pages_of_different_papers_do_not_meet(tmp_path: Path) -> None:
    for name, paper in (("a", "ballot"), ("b", "exam")):
        _page_of_ballot(tmp_path, name, f"{{name: {paper}, page: 1, pages: 2}}")
    assert len(load_templates([tmp_path])) == 2


def test_a_paper_wants_templates_of_all_its_pages_where_it_is_put_together(tmp_path: Path) -> None:
    front = _page_of_ballot(tmp_path, "front", "{name: ballot, page: 1, pages: 2}")
    with pytest.raises(TemplateError, match=r"front\.yaml: it is page 1 of 2 .* no template of page 2 is given"):
        require_whole_papers(load_templates([front]))
    _page_of_ballot(tmp_path, "back", "{name: ballot, page: 2, pages: 2}")
    require_whole_papers(load_templates([tmp_path]))
