"""The keys that may stand in a template, as its JSON schema has them.

In:  the JSON schema of a template, which pydantic derives from its classes.
Out: the keys with their types in words, group by group; or those at a place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KeyInWords:
    """A key as people are told of it."""

    name: str
    type: str  #: Like `whole number, 1 to 64`.
    default: str  #: `required`, `default 1` or `optional`.
    description: str


@dataclass(frozen=True, slots=True)
class Group:
    """The keys of one mapping in the file."""

    name: str  #: As the types of other keys call it, like `field` in `list of fields`.
    description: str
    keys: tuple[KeyInWords, ...]


def groups_of(schema: Mapping[str, Any]) -> Iterator[Group]:
    """The file's own keys, then those of each mapping in it, in the order in which keys lead there."""
    waiting = [schema]
    while waiting:
        mapping = waiting.pop(0)
        needed = mapping.get("required", ())
        yield Group(
            _name(mapping["title"]),
            mapping["description"],
            tuple(
                KeyInWords(name, _type(key), "required" if name in needed else _default(key), key["description"])
                for name, key in mapping["properties"].items()
            ),
        )
        kinds = [kind for key in mapping["properties"].values() for kind in key.get("anyOf", [key])]
        inner = [_referred(schema, kind.get("items", kind)) for kind in kinds]
        waiting = [one for one in inner if "properties" in one] + waiting


_TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}


def _type(key: Mapping[str, Any]) -> str:
    """A type in words, with its limits."""
    if "anyOf" in key:
        return " or ".join(_type(one) for one in key["anyOf"] if one != {"type": "null"})
    if "$ref" in key:
        return _name(key["$ref"].rpartition("/")[2])
    if "const" in key:
        return str(key["const"])
    if "enum" in key:
        return f"{', '.join(key['enum'][:-1])} or {key['enum'][-1]}"
    if "prefixItems" in key:
        return f"{len(key['prefixItems'])} {_type(key['prefixItems'][0])}s"
    if "items" in key:
        return f"list of {_type(key['items'])}s"
    least, most, above = (key.get(limit) for limit in ("minimum", "maximum", "exclusiveMinimum"))
    limits = f"above {above:g}" if above is not None else "" if least is None else f"{least:g} or more"
    if least is not None and most is not None:
        limits = f"{least:g} to {most:g}" if least < most else f"{least:g}"
    return f"{_TYPES[key['type']]}, {limits}" if limits else _TYPES[key["type"]]


def _name(title: str) -> str:
    """`CodePlace` as `code place`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", title).lower()


def _default(key: Mapping[str, Any]) -> str:
    value = key.get("default")
    if value in (None, []) or isinstance(value, Mapping):
        return "optional"
    return f"default {value:g}" if isinstance(value, float) else f"default {str(value).lower()}"


def keys_at(schema: Mapping[str, Any], where: Iterable[int | str]) -> Collection[str]:
    """The keys of the mapping at a place, like `("fields", 3, "rules")`; none where the schema has no mapping."""
    node: Mapping[str, Any] = schema
    for step in where:
        node = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
        node = _referred(schema, node)
    return node.get("properties", {})


def _referred(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node itself, or what it points to."""
    pointer = node.get("$ref")
    return schema["$defs"][pointer.removeprefix("#/$defs/")] if pointer else node
