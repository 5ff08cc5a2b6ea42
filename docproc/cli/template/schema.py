"""`docproc template schema`: what may stand in a template."""

from __future__ import annotations

import json

import typer

HELP = "Print the JSON schema of a template, for editors and other programs."


def schema() -> None:
    """Print the JSON schema."""
    from docproc.template import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
