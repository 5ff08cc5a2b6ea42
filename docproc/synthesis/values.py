"""Think up what people write in a form.

In:  a template.
Out: a value for each field that keeps the field's rules; "" where it is left blank.
A field whose name ends in `total` gets the sum of the `cell` and `free` fields that share the rest of its name:
`student01_total` adds `student01_q1`, `student01_q2`, ... A `date_day` stays within its `date_month`.
"""

from __future__ import annotations

import calendar
import datetime
import importlib
import re

import numpy as np

from docproc.errors import TemplateError
from docproc.rules import check
from docproc.template import DATE_PART, Field, Template

BLANK_SHARE = 0.12  #: Of the fields that may be blank.
ZEROS_SHARE = 0.4  #: Of the numbers that have room for leading zeros.
MOST_FREE_DIGITS = 8  #: In a free field that sets no length.
MOST_TRIES = 20_000  #: A rule that so many numbers fail is one that guessing does not meet.
DAY = re.compile(r"^(?P<date>.*?)day$", re.IGNORECASE)
SOME_YEAR = 2023  #: No leap year.
TOTAL = re.compile(r"^(?P<row>.*?)[_\-\s]?total$", re.IGNORECASE)


def draw_values(template: Template, rng: np.random.Generator) -> dict[str, str]:
    """Think up a value for every field, in template order.

    Raises
    ------
    TemplateError
        If no number that keeps a field's rules is found.
    """
    values = {field.name: draw_value(field, rng) for field in template.fields}
    for field in template.fields:
        total = _total(field, template, values)
        if total is not None:
            values[field.name] = total
        values[field.name] = _kept_in_month(field, values)
    return values


def draw_value(field: Field, rng: np.random.Generator) -> str:
    """Think up a value for one field.

    Raises
    ------
    TemplateError
        If no number that keeps the field's rules is found.
    """
    if not field.required and rng.random() < BLANK_SHARE:
        return ""
    for _ in range(MOST_TRIES):
        value = _guess(field, rng)
        if not check(field, value):
            return value
    raise TemplateError(
        f"field {field.name!r}: no number of {field.lengths[0]} to {field.lengths[1]} digits that keeps its rules "
        f"was found in {MOST_TRIES} tries.",
        remedy="Check that length and rules can hold together; for `synthesize`, loosen them.",
    )


def _guess(field: Field, rng: np.random.Generator) -> str:
    """A number of a length and in a range that the field allows; regex and other check digits are left to luck."""
    fewest, most = field.lengths
    if field.kind == "free" and field.length is None:
        most = MOST_FREE_DIGITS
    rules = field.rules
    if rules.values is not None:
        return str(rng.choice(rules.values))
    if rules.date is not None:
        day = datetime.date(SOME_YEAR, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 365)))
        part = {"DD": f"{day.day:02}", "MM": f"{day.month:02}", "YYYY": f"{day.year}", "YY": f"{day.year % 100:02}"}
        return DATE_PART.sub(lambda found: part[found.group()], rules.date)
    if rules.min is not None or rules.max is not None:
        low = max(rules.min or 0, 0)
        high = min(rules.max if rules.max is not None else 10**most - 1, 10**most - 1)
        text = str(rng.integers(low, max(high, low) + 1))
        padded = fewest
        if field.kind == "comb" and len(text) < most and rng.random() < ZEROS_SHARE:
            padded = int(rng.integers(max(len(text), fewest), most + 1))
        return text.zfill(padded)
    length = int(rng.integers(fewest, most + 1))
    digits = "".join(str(digit) for digit in rng.integers(0, 10, length))
    module = importlib.import_module(f"stdnum.{rules.check_digit}") if rules.check_digit else None
    if module is not None and hasattr(module, "calc_check_digit") and length > 1:
        last = str(module.calc_check_digit(digits[:-1]))
        digits = digits[:-1] + last if last.isdigit() and len(last) == 1 else digits
    return digits


def _total(field: Field, template: Template, values: dict[str, str]) -> str | None:
    """The sum that a total field should show; None where the field is no total, or a sum would break its rules."""
    match = TOTAL.match(field.name)
    if match is None or not match["row"]:
        return None
    added = [
        values[other.name]
        for other in template.fields
        if other.kind != "comb"
        and other.name != field.name
        and re.match(re.escape(match["row"]) + r"[_\-\s]", other.name)
    ]
    if not any(added):
        return "" if added and not field.required else None
    total = str(sum(int(value) for value in added if value))
    return None if check(field, total) else total


def _kept_in_month(field: Field, values: dict[str, str]) -> str:
    """The field's value, made smaller where it is a day that its month does not have."""
    value = values[field.name]
    match = DAY.match(field.name)
    month = values.get(f"{match['date']}month", "") if match else ""
    if not value or not month or not 1 <= int(month) <= 12:
        return value
    last = str(calendar.monthrange(SOME_YEAR, int(month))[1]).zfill(len(value))
    return last if int(value) > int(last) and not check(field, last) else value
