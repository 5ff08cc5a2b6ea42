"""Rules between fields, as a template's author writes them."""

from pathlib import Path

import pytest

from docproc.errors import TemplateError
from docproc.expression import parse
from docproc.template import Template, load_template

ROWS = [f"row{row}_{column}" for row in (1, 2) for column in ("a", "b", "total")]


def weights(text: str, names: list[str]) -> list[dict[str, int]]:
    return [dict(one.weights) for one in parse(text, names)]


@pytest.mark.parametrize(
    ("text", "total", "holds"),
    [
        ("x == 7", 7, True),
        ("x == 7", 8, False),
        ("x <= 7", 7, True),
        ("x < 7", 7, False),
        ("x >= 2 + 3 - 1", 4, True),
        ("x > 4", 4, False),
        ("10 - x == 3", -7, True),
    ],
)
def test_a_comparison_holds_or_does_not(text, total, holds):
    [one] = parse(text, ["x"])
    assert one.holds(total) is holds


def test_all_is_brought_to_the_left_side_with_its_sign_and_factor():
    [one] = parse("total - 3 == 2 * a + b - c", ["a", "b", "c", "total"])
    assert (dict(one.weights), one.constant) == ({"total": 1, "a": -2, "b": -1, "c": 1}, -3)


def test_a_field_that_stands_alone_on_its_side_is_told_apart():
    [one] = parse("a + 5 >= b - c", ["a", "b", "c"])
    assert one.alone == {"a"}


def test_a_wildcard_is_a_comparison_for_each_row_that_has_all_the_names():
    assert weights("row*_total == row*_a + row*_b", [*ROWS, "row3_total"]) == [
        {"row1_total": 1, "row1_a": -1, "row1_b": -1},
        {"row2_total": 1, "row2_a": -1, "row2_b": -1},
    ]


def test_inside_sum_a_wildcard_adds_all_fields_of_such_names():
    [column] = weights("all == sum(row*_total)", [*ROWS, "all"])
    assert column == {"all": 1, "row1_total": -1, "row2_total": -1}
    [table] = weights("sum(row*_*) == 100", ROWS)
    assert len(table) == 6


def test_names_with_signs_in_them_stand_in_quotes():
    assert weights("'a-1' == \"b 2\" + 01c", ["a-1", "b 2", "01c"]) == [{"a-1": 1, "b 2": -1, "01c": -1}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("total", "is no comparison of two sums"),
        ("total = a", "is no rule from '= a' on"),
        ("total == a == b", "is no comparison of two sums"),
        ("total == a +", "lacks a field's name"),
        ("total == a b", "is no comparison of two sums"),
        ("total == __import__('os')", "is no rule from"),
        ("total == a * b", "is no comparison of two sums"),
        ("10 == 2 * 3", "lacks a field's name"),
        ("totl == a", r"there is no field 'totl' \(is it 'total'\?\)"),
        ("total == q* + a", r"there is no field like 'q\*'"),
        ("total == sum(q*)", r"there is no field like 'q\*'"),
        ("total == a + a", "the field 'a' stands in it twice"),
        ("total == 0 * a", "a field times 0 says nothing"),
        ("1 == 1", "it names no field"),
        ("*_* == a", "only inside sum"),
        ("x*_a == y*_b", "no text that"),
    ],
)
def test_what_is_no_rule_is_refused_with_a_word_on_what_is_wrong(text, words):
    with pytest.raises(ValueError, match=words):
        parse(text, ["total", "a", "b", "x1_a", "y2_b"])


FORM = """\
name: slip
page: {width_mm: 100, height_mm: 80}
edges: true
fields:
  - {name: a, kind: cell, box: [20, 20, 8, 8]}
  - {name: b, kind: cell, box: [20, 30, 8, 8]}
rules:
  - {name: order, check: a <= b}
  - {name: same, check: a == b}
"""


def loaded(folder: Path, text: str) -> Template:
    (folder / "template.yaml").write_text(text)
    return load_template(folder / "template.yaml")


def test_a_template_has_its_rules_read(tmp_path):
    assert [(rule.name, one.operator) for rule, one in loaded(tmp_path, FORM).comparisons] == [
        ("order", "<="),
        ("same", "=="),
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("a == b", "a == c", "line 9: rule 'same': there is no field 'c'"),
        ("same", "order", "line 9: rule 'order': the name is used twice"),
        ("same", "max", "line 9: rule 'max': a rule of one field has this name"),
        ("a == b", "a == b, trust: 2", "line 9: trust: it must be less than 1, not 2"),
        ("same", "'x;y'", "line 9: name: "),
    ],
)
def test_a_template_with_an_unsound_rule_is_refused_with_its_line(tmp_path, old, new, words):
    with pytest.raises(TemplateError) as caught:
        loaded(tmp_path, FORM.replace(old, new))
    assert words in caught.value.message
