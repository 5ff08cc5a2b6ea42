"""A template's file, opened to be changed and saved again with its comments and its order.

In:  a path; then the template as the page has it. Out: the same YAML file or a copy of it, whole or not at all.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from docproc.errors import OutputError, TemplateError
from docproc.form.draft import write_whole
from docproc.template import FORMAT, Template, checked

WAS = "was"  #: Of a field as the page sends it: the name under which the file has it; none for a new one.
#: Keys of a field that hold what is so by default are not written.
DEFAULTS: Mapping[str, Any] = {
    "cells": 1,
    "cell_gap_mm": 0,
    "groups": [],
    "group_gap_mm": 0,
    "length": None,
    "required": False,
    "unique": False,
    "rules": {},
}


class Changed(Exception):  # noqa: N818 - not an error of the user's, a fact about the file
    """The file is not what the page was opened with."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A template file as it is."""

    data: dict[str, Any]  #: Its keys and values.
    content: bytes
    digest: str  #: SHA-256 of its content.


def read(path: Path) -> Stored:
    """The file's data, which may break a template's rules: the editor is there to mend it.

    Raises
    ------
    TemplateError
        If it cannot be read, is no YAML, or is of a newer docproc's format.
    """
    try:
        content = path.read_bytes()
        data = yaml.safe_load(content)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or getattr(error, "problem", None) or "this is no text"
        mark = getattr(error, "problem_mark", None)
        what += f", line {mark.line + 1}" if mark else ""
        raise TemplateError(
            f"{path}: the template cannot be opened ({what}).",
            remedy="Name a template, or make one: docproc template detect BLANK -o form.yaml",
        ) from error
    if not isinstance(data, dict) or not isinstance(data.get("fields"), list):
        raise TemplateError(
            f"{path}: this is no template: it has no list of fields.",
            remedy="Make one: docproc template detect BLANK -o form.yaml",
        )
    if isinstance(data.get("format"), int) and data["format"] > FORMAT:
        template_of({**data, "fields": []}, path)  # says so
    return Stored(data, content, digest_of(content))


def template_of(data: Mapping[str, Any], path: Path) -> Template:
    """What the page has, as a template in the file's folder. TemplateError where it breaks a rule."""
    plain = {**data, "fields": [{k: v for k, v in field.items() if k != WAS} for field in data["fields"]]}
    return checked(plain, path)


def save(path: Path, data: Mapping[str, Any], digest: str) -> bytes:
    """Write what the page has into the file of that digest, and return the new content.

    Raises
    ------
    Changed
        If somebody else has written the file since.
    TemplateError
        If what the page has is no sound template; nothing is written.
    OutputError
        If the file cannot be written; it is then as it was.
    """
    template_of(data, path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Changed from error
    if digest_of(content) != digest:
        raise Changed
    written = _updated(content, data)
    _write(path, written)
    return written


def save_copy(path: Path, data: Mapping[str, Any], content: bytes) -> Path:
    """Write what the page has beside a file that somebody else has changed, and return where.

    Parameters
    ----------
    content : bytes
        Of the file when the page was opened: the page's fields are put into this.

    Raises
    ------
    TemplateError, OutputError
        As for `save`; nothing is written.
    """
    template_of(data, path)
    written = _updated(content, data)
    copy = _free_name(path)
    try:
        _write(copy, written)
    except OutputError:
        copy.unlink(missing_ok=True)
        raise
    return copy


def digest_of(content: bytes) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def _free_name(path: Path) -> Path:
    """`form-copy.yaml`, or `form-copy-2.yaml`, ...: made, and empty, so that nobody else takes it."""
    number = 0
    while True:
        number += 1
        copy = path.with_name(f"{path.stem}-copy{f'-{number}' if number > 1 else ''}{path.suffix}")
        try:
            copy.touch(exist_ok=False)
        except FileExistsError:
            continue
        except OSError as error:
            raise _not_written(copy, error) from error
        return copy


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, lambda aside: aside.write_bytes(content))
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: cannot be written ({error.strerror}); your changes are still in the page.",
        remedy="Make room or allow yourself to write there, then save again.",
    )


def _updated(content: bytes, data: Mapping[str, Any]) -> bytes:
    """The file's content with what the page has."""
    format_ = YAML()
    format_.preserve_quotes = True
    format_.width = 10_000
    offset = re.search(rb"^fields:[^\n]*\n(?:\s*#[^\n]*\n)*( *)-", content, re.MULTILINE)
    before = len(offset[1]) if offset else 0
    format_.indent(mapping=2, sequence=before + 2, offset=before)
    document = format_.load(content)
    _update(document, data)
    written = io.BytesIO()
    format_.dump(document, written)
    return written.getvalue()


def _update(document: CommentedMap, data: Mapping[str, Any]) -> None:
    """Put the page's values into the file's own tree, which holds its comments."""
    for key, value in data.items():
        if key != "fields" and document.get(key) != value:
            document[key] = value
    old: CommentedSeq = document["fields"]
    places = {str(field.get("name")): place for place, field in enumerate(old) if isinstance(field, Mapping)}
    fields = CommentedSeq()
    for place, given in enumerate(data["fields"]):
        own = places.get(str(given.get(WAS)))
        field = old[own] if own is not None else CommentedMap()
        if own is None:
            field.fa.set_flow_style()
        _update_field(field, given)
        fields.append(field)
        if own in old.ca.items:  # what stands behind a field in its line
            fields.ca.items[place] = old.ca.items[own]
    fields.ca.comment = old.ca.comment
    document["fields"] = fields


def _update_field(field: CommentedMap, given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        if key == WAS:
            continue
        if key in DEFAULTS and value == DEFAULTS[key]:
            field.pop(key, None)
        elif field.get(key) != value:
            field[key] = _flow(value)
    for key in [key for key in field if key not in given]:
        del field[key]


def _flow(value: Any) -> Any:
    """Lists and mappings in one line."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        listed = CommentedSeq(value)
        listed.fa.set_flow_style()
        return listed
    if isinstance(value, Mapping):
        mapped = CommentedMap(value)
        mapped.fa.set_flow_style()
        return mapped
    return value
