"""The shape of the package: who may import whom, and where blind handlers may stand."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_every_module_imports_only_from_the_layers_below_it() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def test_one_blind_handler_fails_a_page_and_one_carries_errors_to_the_parent_process() -> None:
    """One that catches everything, and does not raise it again."""
    holders = [
        path.relative_to(ROOT / "docproc").as_posix()
        for path in sorted((ROOT / "docproc").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
        and not isinstance(node.body[-1], ast.Raise)
    ]
    assert holders == ["engine/worker.py", "reader.py"]
