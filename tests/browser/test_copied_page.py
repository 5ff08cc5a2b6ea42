"""The copy of a page is counted, or left out, by one key in a real browser."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).parents[2] / "samples" / "deposit_slip"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Of a page and its copy."""
    (tmp_path / "scans").mkdir()
    first = next(path for path in sorted((SAMPLE / "pages").iterdir()) if path.suffix in (".png", ".jpg"))
    for name in ("a", "b"):
        shutil.copy(first, tmp_path / "scans" / f"{name}{first.suffix}")
    more = ["-t", str(SAMPLE / "template.yaml"), "-o", str(tmp_path / "results")]
    subprocess.run([sys.executable, "-m", "docproc", "process", str(tmp_path / "scans"), *more], check=True)
    return tmp_path / "results"


@pytest.fixture
def page(results: Path) -> Iterator[Page]:
    command = [sys.executable, "-m", "docproc", "review", str(results), "--who", "ana", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        opened = chromium.new_page(viewport={"width": 1300, "height": 850})
        opened.goto(address)
        opened.wait_for_selector("#item:not([hidden])")
        yield opened
        chromium.close()
    process.terminate()
    assert process.wait() == 0


def rows(results: Path, name: str) -> list[dict[str, str]]:
    with (results / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_copy_is_counted_taken_back_and_left_out_as_a_whole(page: Page, results: Path) -> None:
    expect(page.locator("#name")).to_have_text("The page as a whole")
    expect(page.locator("#reasons")).to_contain_text(
        re.compile(r"A file with exactly this content came earlier: a\.")
    )
    expect(page.locator("#value")).to_have_text("Enter: count it, too · ?: leave it out · p: larger")
    page.keyboard.press("Enter")
    expect(page.locator("#last")).to_have_text("Page: counted, too")
    page.keyboard.press("u")
    expect(page.locator("#value")).to_have_text("Enter: count it, too · ?: leave it out · p: larger")
    expect(page.locator("#standing")).to_have_text("taken back; you had said counted, too")
    page.wait_for_timeout(500)  # keys that are pressed at once where something has just come are not meant for it
    page.keyboard.press("?")
    expect(page.locator("#last")).to_have_text("Page: left out")
    expect(page.locator("#progress")).to_contain_text("1 left of 2")
    page.keyboard.press("Enter")  # a field of the first one
    expect(page.locator("#tables")).to_have_text("Tables: up to date", timeout=20_000)
    first, copy = rows(results, "forms.csv")
    assert (copy["status"], copy["reasons"]) == ("rejected", f"left_out;duplicate_of:{first['source']}")
    fields = [row for row in rows(results, "fields.csv") if row["source"] == copy["source"]]
    assert {(row["value"], row["status"]) for row in fields} == {("", "rejected")}
    assert any(row["value"] for row in rows(results, "fields.csv"))
