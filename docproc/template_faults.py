"""What is wrong with a template, in words a form's author can act on.

In:  the YAML tree of the file, what pydantic found, and the schema that it went by.
Out: a `TemplateError` that names file, line and field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from docproc.errors import TemplateError
from docproc.template_keys import keys_at

REMEDY = "`docproc template schema` lists the keys; `docproc template check` draws the boxes on a scan."


def explain_fault(
    path: Path, root: yaml.Node | None, data: dict, error: ValidationError, schema: Mapping[str, Any]
) -> TemplateError:
    """The first fault in words, with the line that it stands on; the others are counted."""
    # Where a field is at fault, pydantic adds that the list of sound fields is too short.
    everything = error.errors()
    faults = [fault for fault in everything if fault["type"] != "too_short"] or everything
    newer = next((fault for fault in faults if _is_newer_format(fault)), None)
    if newer:  # whatever else is wrong follows from it
        return TemplateError(
            f"{path}, line {line_of(root, newer['loc'])}: this template is of format {newer['input']}, "
            f"and this docproc reads up to {newer['ctx']['le']}.",
            remedy="Update docproc.",
        )
    # A key that nobody knows is mistyped: that a key is missing there follows from it.
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    where, remedy = first["loc"], REMEDY
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message, remedy = _unknown_key(data, where, schema)
    elif first["type"] == "missing":
        message = f"the key {where[-1]!r} is missing"
    elif where and isinstance(where[-1], str) and first["type"] != "value_error":
        message = f"{where[-1]}: {_in_words(first)}"
    name = _field_name(data, where)
    quoted = re.match(r"(field|rule) '([^']+)'", message)
    if quoted:  # a fault between fields is reported on the template; its line is that of the field, or of the rule
        kind = f"{quoted[1]}s"
        where = next(
            (
                (kind, index)
                for index, named in reversed(list(enumerate(data[kind])))
                if isinstance(named, dict) and named.get("name") == quoted[2]
            ),
            where,
        )
    elif name:
        message = f"field {name!r}: {message}"
    count = len(faults) - 1
    more = f" ({count} more {'fault' if count == 1 else 'faults'} beside it)" if count else ""
    return TemplateError(
        f"{path}, line {line_of(root, where)}: {message}.{more}",
        remedy=remedy,
    )


def _is_newer_format(fault: Mapping[str, Any]) -> bool:
    return fault["loc"] == ("format",) and fault["type"] == "less_than_equal"


def _unknown_key(data: dict, where: tuple[int | str, ...], schema: Mapping[str, Any]) -> tuple[str, str]:
    """What is said of a key that nobody knows, and its remedy: it is mistyped, or of a newer docproc."""
    beside: Any = data
    for step in where[:-1]:
        beside = beside[step]
    free = [known for known in keys_at(schema, where[:-1]) if known not in beside]
    alike = get_close_matches(str(where[-1]), free, n=1)
    if alike:
        return (
            f"unknown key {where[-1]!r} (is it {alike[0]!r}?)",
            "`docproc template schema` lists the keys. If a newer docproc made this file, update this one.",
        )
    return (
        f"unknown key {where[-1]!r}",
        "This file may be of a newer docproc: update this one. "
        "Otherwise take the key out; `docproc template schema` lists those that there are.",
    )


def _in_words(fault: Mapping[str, Any]) -> str:
    """What pydantic says of a value, as people say it where that is shorter."""
    kind, limits = fault["type"], fault.get("ctx", {})
    if kind in ("too_short", "string_too_short"):
        return "there must be at least one" if kind == "too_short" else "must not be empty"
    for name, limit, words in (
        ("greater_than_equal", "ge", "{} or more"),
        ("less_than_equal", "le", "{} or less"),
        ("greater_than", "gt", "more than {}"),
        ("less_than", "lt", "less than {}"),
    ):
        if kind == name:
            return f"it must be {words.format(f'{limits[limit]:g}')}, not {fault['input']}"
    message = str(fault["msg"])
    return f"{message[0].lower()}{message[1:]}"


def _field_name(data: dict, where: tuple[int | str, ...]) -> str:
    if len(where) >= 2 and where[0] == "fields" and isinstance(where[1], int):
        field = data["fields"][where[1]]
        if isinstance(field, dict):
            return str(field.get("name", f"number {where[1] + 1}"))
    return ""


def line_of(root: yaml.Node | None, where: Iterable[int | str]) -> int:
    """Line, from 1, of the deepest node on the path `where` that the file has."""
    node, line = root, 1
    for step in where:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    node, line = value, key.start_mark.line + 1
                    break
            else:
                return line
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line
