"""`docproc template schema`: what may stand in a template."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docproc.template_keys import Group

HELP = """List the keys of a template: what each may hold, whether it must be there, what it means.

\b
Examples:
  docproc template schema
      For people, a line a key.
  docproc template schema --json > template.schema.json
      A JSON schema, for editors and other programs.
"""

ENDLESS = 10_000  #: Columns of what is no terminal, so that a key stays one line.


def schema(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON schema, for editors and programs.")] = False,
) -> None:
    """Print the list, or the JSON schema."""
    from docproc.template import json_schema
    from docproc.template_keys import groups_of

    if as_json:
        typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else ENDLESS
    typer.echo("\n\n".join("\n".join(_lines(group, width)) for group in groups_of(json_schema())))


def _lines(group: Group, width: int) -> Iterator[str]:
    yield f"{group.name}: {group.description}"
    indent = max(len(key.name) for key in group.keys) + 4
    for key in group.keys:
        told = f"{'  ' + key.name:{indent}}({key.type}, {key.default}) {key.description}"
        yield textwrap.fill(told, width, subsequent_indent=" " * indent, replace_whitespace=False)
