"""Values are held against their field's rules."""

import pytest

from docproc.rules import check, check_named, unseen, weigh
from docproc.template import Field, Template


def field(**keys) -> Field:
    return Field(name="x", kind="free", box=(0, 0, 50, 10), **keys)


@pytest.mark.parametrize(
    ("keys", "text", "broken"),
    [
        ({}, "", ()),
        ({"required": True}, "", ("blank_required",)),
        ({"length": 3}, "12", ("length",)),
        ({"length": (2, 3)}, "12", ()),
        ({"rules": {"min": 10}}, "9", ("rule:min",)),
        ({"rules": {"max": 31}}, "32", ("rule:max",)),
        ({"rules": {"max": 31}}, "031", ()),
        ({"rules": {"regex": "20\\d\\d"}}, "1999", ("rule:regex",)),
        ({"rules": {"check_digit": "luhn"}}, "78949", ()),
        ({"rules": {"check_digit": "luhn"}}, "78945", ("rule:check_digit",)),
        ({"rules": {"date": "DDMMYY"}}, "290224", ()),
        ({"rules": {"date": "DDMMYY"}}, "290223", ("rule:date",)),
        ({"rules": {"date": "DDMMYY"}}, "2902", ("rule:date",)),
        ({"rules": {"date": "YYYYMMDD"}}, "19991231", ()),
        ({"rules": {"date": "MMDD"}}, "3112", ("rule:date",)),
        ({"rules": {"date": "DDMM"}}, "2902", ()),
        ({"rules": {"values": ["007", "012"]}}, "012", ()),
        ({"rules": {"values": ["007", "012"]}}, "12", ("rule:values",)),
        ({"length": 2, "rules": {"max": 31}}, "320", ("length", "rule:max")),
        ({"length": 2, "rules": {"max": 31, "date": "DDMM", "check_digit": "luhn"}}, "A-7", ("not_a_digit",)),
        ({"rules": {"min": 1}}, "\u0664", ("not_a_digit",)),
    ],
)
def test_a_value_breaks_the_rules_that_it_breaks(keys, text, broken):
    assert check(field(**keys), text) == broken


def test_of_a_field_is_known_what_its_template_says_and_without_one_that_it_holds_digits():
    told = {"name": "form", "page": {"width_mm": 100, "height_mm": 100}, "edges": True}
    fields = [{"name": "x", "kind": "free", "box": (0, 0, 50, 10), "rules": {"max": 31}}]
    codes = [{"name": "serial", "box": (0, 20, 50, 10)}]
    templates = {"its digest": Template.model_validate({**told, "fields": fields, "codes": codes})}
    assert check_named(templates, "its digest", "x", "32") == ("rule:max",)
    assert check_named(templates, "its digest", "serial", "A-7") == ()
    assert check_named(templates, "another digest", "x", "A-7") == ()
    assert check_named(templates, "", "r02c05", "A-7") == ("not_a_digit",)
    assert check_named(templates, "", "r02c05", "") == ()


def test_a_value_that_breaks_no_rule_gains_on_one_that_does():
    weighed = weigh(field(rules={"max": 31}), [("31", 0.5), ("37", 0.45)])
    assert weighed[0][0] == "31"
    assert weighed[0][1] > 0.89
    assert weighed[1][1] < 0.02


def test_the_check_digit_can_overrule_the_likelier_reading():
    (best, chance), *_ = weigh(field(rules={"check_digit": "luhn"}), [("78945", 0.6), ("78949", 0.3)])
    assert best == "78949"
    assert chance < 0.8


def test_chances_stay_as_they_are_where_no_rule_speaks():
    chances = [("12", 0.7), ("17", 0.2)]
    assert weigh(field(), chances) == [(value, pytest.approx(chance)) for value, chance in chances]


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ({"length": 1}, ["", *"0123456789"]),
        ({"rules": {"min": 8, "max": 11}}, ["", "8", "9", "10", "11"]),
        ({"length": 2, "rules": {"max": 2}}, ["", "00", "01", "02"]),
        ({"rules": {"values": ("007", "012")}}, ["", "007", "012"]),
        ({}, []),
    ],
)
def test_what_an_unseen_field_may_hold_is_what_its_rules_allow(keys, values):
    found = unseen(field(**keys))
    assert [value for value, _ in found] == values
    assert sum(chance for _, chance in found) == pytest.approx(1 if values else 0)
