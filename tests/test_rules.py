"""Values are held against their field's rules."""

import pytest

from docproc.rules import check
from docproc.template import Field


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
        ({"length": 2, "rules": {"max": 31}}, "320", ("length", "rule:max")),
    ],
)
def test_a_value_breaks_the_rules_that_it_breaks(keys, text, broken):
    assert check(field(**keys), text) == broken
