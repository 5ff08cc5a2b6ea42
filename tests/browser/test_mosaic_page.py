"""The mosaic in a real browser: looked over, and the odd ones sent to review, by keys alone."""

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
from tiled import tiled

pytestmark = pytest.mark.browser

SEVENS = 230
WRONG = 57  #: What is written there is a 1.


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """The review's page; nothing is to be looked at."""
    fields = [("1" if number == WRONG else "7", "7", 0.9 + number / 10_000) for number in range(SEVENS)]
    results = tiled(tmp_path, [fields[first : first + 4] for first in range(0, SEVENS, 4)])
    command = [sys.executable, "-m", "docproc", "review", str(results), "--who", "ana", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        opened = chromium.new_page(viewport={"width": 1300, "height": 850})
        opened.goto(address)
        expect(opened.locator("#done")).to_have_text("Nothing is left to look at.")
        yield opened
        chromium.close()
    process.terminate()
    process.wait()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def titled(page: Page, words: str) -> None:
    expect(page.locator("#title")).to_have_text(words)


def test_an_odd_digit_is_found_sent_to_review_by_keys_and_corrected_there(page: Page, tmp_path: Path) -> None:
    press(page, "m")
    titled(page, "Read as 7: 1 to 100 of 230")
    press(page, "n")
    titled(page, "Read as 7: 101 to 200 of 230")
    press(page, "b")
    titled(page, "Read as 7: 1 to 100 of 230")
    expect(page.locator("#tiles img")).to_have_count(100)
    for _ in range(WRONG):
        press(page, "ArrowRight")
    expect(page.locator("#about")).to_have_text("f1: [7] · 90.5 % · 015.png")
    press(page, "Space")
    odd = page.locator('#tiles button[aria-pressed="true"]')
    expect(odd).to_have_count(1)
    expect(page.locator("#tables")).to_have_text("1 to look at")
    press(page, "Space")
    expect(odd).to_have_count(0)
    expect(page.locator("#tables")).to_have_text("0 to look at")
    press(page, "Space")
    expect(odd).to_have_count(1)
    press(page, "Escape")
    expect(page.locator("#name")).to_have_text("f1")
    expect(page.locator("#reasons")).to_have_text(
        "A person found one of its digits odd among others that were read alike."
    )
    press(page, "1", "Enter", "m")
    expect(page.locator("#tiles button:disabled")).to_have_count(1)
    expect(page.locator("#tables")).to_have_text("")
    page.wait_for_timeout(6_000)  # the tables follow
    with (tmp_path / "results" / "fields.csv").open(encoding="utf-8", newline="") as file:
        changed = [(row["source"], row["field"], row["value"]) for row in csv.DictReader(file) if row["reasons"]]
    assert changed == [("015.png", "f1", "1")]


def test_the_mosaic_has_labels_for_who_cannot_see_it_and_fits_a_narrow_screen(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    press(page, "m")
    titled(page, "Read as 7: 1 to 100 of 230")
    expect(page.get_by_role("button", name="7, 90.0 %, in f0, 7, 001.png", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    expect(page.get_by_role("button", name="0 0")).to_be_disabled()
    box = page.locator("header").bounding_box()
    tiles = page.locator("#tiles").bounding_box()
    assert box is not None
    assert tiles is not None
    assert tiles["x"] + tiles["width"] <= 390
    assert box["height"] < 250
