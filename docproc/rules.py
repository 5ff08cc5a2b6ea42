"""What a value must satisfy: length, range, pattern, check digit.

In:  a field of the template and the value that was read in it.
Out: the reasons that speak against the value; none where it satisfies all rules.
"""

from __future__ import annotations

import importlib
import re

from docproc.reading import Reason
from docproc.template import Field


def check(field: Field, text: str) -> tuple[str, ...]:
    """Reasons why `text` cannot stand in `field`: `blank_required`, `length`, `rule:min` and so on.

    A blank breaks no rule but `required`: what is not written cannot be wrong.
    """
    if not text:
        return (Reason.BLANK_REQUIRED,) if field.required else ()
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
    return tuple(broken)


def _has_valid_check_digit(module: str, text: str) -> bool:
    return bool(importlib.import_module(f"stdnum.{module}").is_valid(text))
