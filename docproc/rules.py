"""What a value must satisfy (length, range, pattern, date, list), and what that says about how it was read.

In:  a field of the template and the value that was read in it, with its alternatives.
Out: the reasons that speak against a value; the chances of all values in the light of the rules.
"""

from __future__ import annotations

import datetime
import importlib
import re
from collections.abc import Mapping, Sequence

from docproc.reading import Reason
from docproc.template import DATE_PART, Field, Template

LEAP_YEAR = 2000  #: Stands for the year of a date without one: February 29 may be.
MOST_UNSEEN = 200  #: Values that a field may hold whose marks tell nothing: beyond, rules single none out.
BROKEN_CHANCE = 0.02  #: Share of the values on paper that break their field's rules: slips of the pen.


def weigh(field: Field, chances: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Chances of values after the field's rules, best first, by Bayes' rule.

    People seldom write what a form does not allow, so a reading that breaks a rule is more likely a misreading.
    What was left to none of the values stays left over.

    Parameters
    ----------
    field : Field
    chances : (value, chance) pairs, adding up to 1 at most
    """
    weights = [
        (value, chance * (BROKEN_CHANCE if value and check(field, value) else 1 - BROKEN_CHANCE))
        for value, chance in chances
    ]
    left_over = max(1 - sum(chance for _, chance in chances), 0.0) * (1 - BROKEN_CHANCE)
    total = sum(weight for _, weight in weights) + left_over
    if total <= 0:
        return list(chances)
    return sorted(((value, weight / total) for value, weight in weights), key=lambda pair: (-pair[1], pair[0]))


def unseen(field: Field) -> list[tuple[str, float]]:
    """What a field may hold by its own rules alone, all alike likely, blank first: where its marks tell nothing.

    Empty where that is too much to choose from.
    """
    fewest, most = field.lengths
    least = max(field.rules.min or 0, 0)
    greatest = min(10**most - 1 if field.rules.max is None else field.rules.max, 10**most - 1)
    if field.rules.values is not None:
        allowed = list(field.rules.values)
    elif greatest - least < MOST_UNSEEN:
        allowed = [str(number).zfill(fewest) for number in range(least, greatest + 1)]
    else:
        return []
    values = ["", *(value for value in allowed if not check(field, value))]
    return [(value, 1 / len(values)) for value in values]


def check(field: Field, text: str) -> tuple[str, ...]:
    """Reasons why `text` cannot stand in `field`: `blank_required`, `length`, `rule:min` and so on.

    A blank breaks no rule but `required`: what is not written cannot be wrong. What a person has typed may be no
    number, of which the other rules say nothing: `not_a_digit`.
    """
    if not text:
        return (Reason.BLANK_REQUIRED,) if field.required else ()
    if not is_number(text):
        return (Reason.NOT_A_DIGIT,)
    broken: list[str] = []
    fewest, most = field.lengths
    if not fewest <= len(text) <= most:
        broken.append(Reason.LENGTH)
    rules = field.rules
    if rules.min is not None and int(text) < rules.min:
        broken.append(f"{Reason.RULE}:min")
    if rules.max is not None and int(text) > rules.max:
        broken.append(f"{Reason.RULE}:max")
    if rules.regex is not None and re.fullmatch(rules.regex, text) is None:
        broken.append(f"{Reason.RULE}:regex")
    if rules.check_digit is not None and not _has_valid_check_digit(rules.check_digit, text):
        broken.append(f"{Reason.RULE}:check_digit")
    if rules.date is not None and not _is_date(rules.date, text):
        broken.append(f"{Reason.RULE}:date")
    if rules.values is not None and text not in rules.values:
        broken.append(f"{Reason.RULE}:values")
    return tuple(broken)


def limit(field: Field, reason: str) -> str:
    """What a rule that `check` names asks of the field, in a few words; "" where its own sentence says it."""
    rules, (fewest, most) = field.rules, field.lengths
    return {
        Reason.LENGTH: f"{most} digits" if fewest == most else f"{fewest} to {most} digits",
        f"{Reason.RULE}:min": f"at least {rules.min}",
        f"{Reason.RULE}:max": f"at most {rules.max}",
        f"{Reason.RULE}:date": rules.date or "",
    }.get(reason, "")


def is_number(text: str) -> bool:
    """Whether all of it are digits."""
    return text.isascii() and text.isdecimal()


def check_named(templates: Mapping[str, Template], digest: str, name: str, text: str) -> tuple[str, ...]:
    """As `check`, for the field of that name on a page that was read with the template of that digest.

    Without a template all that is known of a field is that it holds digits. Codes have no rules, nor has a field of a
    template that is not among `templates`.
    """
    if not digest:
        return (Reason.NOT_A_DIGIT,) if text and not is_number(text) else ()
    fields = templates[digest].fields if digest in templates else ()
    return next((check(field, text) for field in fields if field.name == name), ())


def _has_valid_check_digit(module: str, text: str) -> bool:
    return bool(importlib.import_module(f"stdnum.{module}").is_valid(text))


def _is_date(written: str, text: str) -> bool:
    """Whether `text` is a day of the calendar, as `written`: `DDMMYY`. Of two digits, the year is one of 2000 on."""
    if len(text) != len(written):
        return False
    part = {match.group(): int(text[match.start() : match.end()]) for match in DATE_PART.finditer(written)}
    year = part.get("YYYY", LEAP_YEAR + part.get("YY", 0))
    try:
        datetime.date(year, part["MM"], part["DD"])
    except ValueError:
        return False
    return True
