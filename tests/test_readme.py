"""README is true: its commands are the ones that are run, and it explains all that users meet."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from docproc.cli import VERBS
from docproc.export.columns import PROVENANCE_COLUMNS
from docproc.export.one_file import ENDINGS
from docproc.export.rows import ERROR_COLUMNS, FIELD_COLUMNS
from docproc.reading import Reason
from docproc.template import Template

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

USE = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/docproc process samples -o results"
TEST = "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/pytest"


def test_readme_has_the_two_commands_each_on_a_line_of_its_own() -> None:
    assert [line for line in README.splitlines() if line.startswith("python3 -m venv ")] == [USE, TEST]


def test_ci_runs_the_two_commands_as_readme_has_them() -> None:
    take = re.search(r"mapfile -t commands < <\((.+)\)$", CI, re.MULTILINE)
    assert take is not None
    taken = subprocess.run(["bash", "-c", take[1]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert taken.splitlines() == [USE, TEST]
    run = re.findall(r'bash -euo pipefail -c "\$\{commands\[(\d)\]\}"', CI)
    assert run == ["0", "1"]


@pytest.mark.parametrize("reason", list(Reason))
def test_readme_explains_every_reason(reason: Reason) -> None:
    assert re.search(rf"`{reason}[`:]", README)


@pytest.mark.parametrize("column", FIELD_COLUMNS)
def test_readme_explains_every_column(column: str) -> None:
    assert re.search(rf"[`,]{column}[`,]", README)


@pytest.mark.parametrize("name", [column.name for column in PROVENANCE_COLUMNS])
def test_readme_names_every_column_of_provenance(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("ending", ENDINGS)
def test_readme_says_what_is_in_each_export(ending: str) -> None:
    assert f"| `{ending}` |" in README


def test_readme_names_the_columns_of_errors() -> None:
    assert f"`{','.join(ERROR_COLUMNS)}`" in README


@pytest.mark.parametrize("verb", VERBS)
def test_readme_shows_every_verb(verb: str) -> None:
    assert re.search(rf"docproc {verb} ", README)


def test_the_template_in_readme_is_a_template() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    template = Template.model_validate(yaml.safe_load(text))
    assert [field.kind for field in template.fields] == ["comb", "free", "cell"]
