"""Starting is cheap: help loads nothing heavy, and reading a page never loads TensorFlow."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

#: pydantic is not among them: typer itself loads it to parse a verb's options.
HEAVY = (
    *("cv2", "numpy", "pandas", "PIL", "rich", "xlsxwriter", "ai_edge_litert", "yaml"),
    *("tensorflow", "keras", "sklearn", "matplotlib", "seaborn"),
)

SHOW_MODULES = """
import sys
sys.argv = ["docproc", *sys.argv[1:]]
from docproc.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print("MODULES", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def _draw_number(path: Path, *, shift_px: int = 0) -> None:
    """A 7 and a 1, as a pen draws them."""
    paper = np.full((60, 120), 235, np.uint8)
    seven = np.array([(20 + shift_px, 12), (44 + shift_px, 12), (32 + shift_px, 48)], np.int32)
    cv2.polylines(paper, [seven], False, 30, 4, cv2.LINE_AA)
    cv2.line(paper, (78 + shift_px, 12), (78 + shift_px, 48), 30, 4, cv2.LINE_AA)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), paper)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["process", "--help"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    run = subprocess.run([sys.executable, "-c", SHOW_MODULES, *arguments], capture_output=True, text=True, check=True)
    loaded = run.stdout.rpartition("MODULES")[2].split()
    assert "typer" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_files_on_this_machine_are_read_without_what_talks_to_the_cloud(tmp_path: Path) -> None:
    _draw_number(tmp_path / "scans" / "1.png")
    command = [sys.executable, "-c", SHOW_MODULES, "process", "scans", "--whole-image", "-o", "out"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = run.stdout.rpartition("MODULES")[2].split()
    assert "cv2" in loaded
    assert [name for name in ("fsspec", "s3fs", "gcsfs", "botocore", "aiohttp") if name in loaded] == []


@pytest.mark.parametrize(("pages", "jobs"), [(1, 1), (10, 2)], ids=["in this process", "in workers"])
def test_pages_are_read_where_tensorflow_cannot_be_imported(tmp_path: Path, pages: int, jobs: int) -> None:
    poison = tmp_path / "poison"
    poison.mkdir()
    for name in ("tensorflow", "keras"):
        (poison / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')\n")
    for page in range(pages):
        _draw_number(tmp_path / "scans" / f"{page}.png", shift_px=page)
    path = os.pathsep.join(filter(None, (str(poison), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    poisoned = subprocess.run([sys.executable, "-c", "import tensorflow"], env=environment, check=False)
    assert poisoned.returncode != 0
    run = subprocess.run(
        [sys.executable, "-m", "docproc", "process", "scans", "--whole-image", "-o", "out", "-j", str(jobs)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    with (tmp_path / "out" / "fields.csv").open(encoding="utf-8", newline="") as file:
        values = [row["value"] for row in csv.DictReader(file)]
    assert values == ["71"] * pages
