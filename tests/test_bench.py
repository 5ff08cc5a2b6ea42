"""`docproc bench`: pages are drawn once, read, and their cost is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from docproc.benchmark.measure import BatchRun, Measured
from docproc.benchmark.pages import DPI, drawn_folder
from docproc.cli import app
from docproc.template import load_template

PAGES = 10


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    drawn_folder(PAGES, folder)
    return folder


def test_a_page_is_a4_with_40_digits_and_gray(kept: Path) -> None:
    folder = drawn_folder(PAGES, kept)
    template = load_template(folder / "template.yaml")
    assert sum(field.lengths[0] for field in template.fields) == 40
    with Image.open(folder / "pages" / "00001.jpg") as page:
        assert page.mode == "L"
        assert page.size[1] == pytest.approx(297 / 25.4 * DPI, rel=0.1)


def test_pages_are_drawn_once(kept: Path) -> None:
    pages = sorted((drawn_folder(PAGES, kept) / "pages").iterdir())
    before = [(page.name, page.stat().st_mtime_ns) for page in pages]
    drawn_folder(PAGES, kept)
    assert len(pages) == PAGES
    assert [(page.name, page.stat().st_mtime_ns) for page in pages] == before


def test_the_verb_reads_all_pages_and_tells_what_one_costs(kept: Path) -> None:
    result = CliRunner().invoke(app, ["bench", "-n", str(PAGES), "-j", "1", "--pages", str(kept), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    (run,) = told["runs"]
    assert (run["jobs"], run["pages"], run["fields"]) == (1, PAGES, 13 * PAGES)
    assert run["accepted"] > 0.9 * run["fields"]
    assert run["cpu_over_decoding"] > 1
    assert run["times_as_fast"] == 1


def test_figures_of_a_run_are_what_it_took() -> None:
    one, two = (BatchRun(jobs, 101, 0, 0, 1.0, 60.0 / jobs, 70.0, 10.1, 0, 0) for jobs in (1, 2))
    measured = Measured(20.0, (one, two)).as_dict()["runs"]
    assert isinstance(measured, list)
    assert [run["pages_a_minute"] for run in measured] == [100, 200]
    assert [run["times_as_fast"] for run in measured] == [1, 2]
    assert [run["cpu_over_decoding"] for run in measured] == [5, 5]
