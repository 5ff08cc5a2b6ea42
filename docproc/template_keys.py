"""The keys that may stand in a template, as its JSON schema has them.

In:  the JSON schema of a template, which pydantic derives from its classes.
Out: the keys at a place in the file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any


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
