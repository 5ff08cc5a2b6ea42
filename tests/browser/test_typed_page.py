"""The values of a page that lies on no form are typed in a real browser, by keys alone."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from unread import unread

from docproc.template import load_template

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).parents[2] / "samples" / "meter_reading"
READY_MS = 500  #: Keys that are pressed at once where something has just come are not meant for it.

Open = Callable[[Path], Page]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens the review of a folder in a new window; the second one of it goes to the same address."""
    addresses: dict[Path, str] = {}
    processes: list[subprocess.Popen[str]] = []
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])

        def open_review(folder: Path) -> Page:
            if folder not in addresses:
                command = [sys.executable, "-m", "docproc", "review", str(folder), "--who", "ana", "--no-browser"]
                processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
                told = processes[-1].stdout
                assert told is not None
                addresses[folder] = next(found[0] for line in told if (found := re.search(r"http://\S+", line)))
            page = chromium.new_page(viewport={"width": 1300, "height": 850})
            page.goto(addresses[folder])
            page.wait_for_selector("#item:not([hidden]), #nothing:not([hidden])")
            return page

        yield open_review
        chromium.close()
    for process in processes:
        process.terminate()
        assert process.wait() == 0


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def asked(page: Page, field: str) -> None:
    expect(page.locator("#name")).to_have_text(field)


def begun(page: Page, *keys: str, field: str) -> None:
    """The keys that turn a page into its fields, or back."""
    press(page, *keys)
    asked(page, field)
    page.wait_for_timeout(READY_MS)


def kept(page: Page, progress: str) -> None:
    expect(page.locator("#progress")).to_contain_text(progress)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_crumpled_page_is_typed_from_its_picture_and_stands_in_the_tables(opened: Open, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    flat = cv2.imread(str(SAMPLE / "pages" / "001.png"), cv2.IMREAD_GRAYSCALE)
    assert flat is not None
    y, x = np.mgrid[: flat.shape[0], : flat.shape[1]].astype(np.float32)
    waves = cv2.remap(flat, x + 25 * np.sin(y / 90), y + 25 * np.sin(x / 110), cv2.INTER_LINEAR, borderValue=(255,))
    cv2.imwrite(str(scans / "crumpled.png"), waves)
    results = tmp_path / "results"
    template = str(SAMPLE / "template.yaml")
    subprocess.run(
        [sys.executable, "-m", "docproc", "process", str(scans), "-t", template, "-o", str(results)], check=True
    )
    page = opened(results)
    expect(page.locator("#value")).to_contain_text("v: type its values")
    begun(page, "v", field="customer_number")
    names = [field.name for field in load_template(SAMPLE / "template.yaml").fields]
    written = ["88808921", "79662089", "982", "8906", "43828", "22", "5", "2025", "b", "9854", "?"]
    for name, value in zip(names, written, strict=True):
        asked(page, name)
        page.keyboard.type(value)
        if value.isdigit():
            press(page, "Enter")
    kept(page, "0 left of 12")
    expect(page.locator("#tables")).to_have_text("Tables: up to date", timeout=20_000)
    assert [row["value"] for row in rows(results, "fields.csv")] == [value.strip("b?") for value in written]
    (form,) = rows(results, "forms.csv")
    assert (form["status"], form["reasons"]) == ("incomplete", "unreadable;corrected;registration")


def test_a_value_is_typed_blank_or_unreadable_and_taken_back_up_to_the_page_itself(
    opened: Open, tmp_path: Path
) -> None:
    page = opened(unread(tmp_path, "count"))
    asked(page, "The page as a whole")
    expect(page.locator("#key-v")).to_be_visible()
    begun(page, "v", field="q1")
    expect(page.locator("#key-v")).to_be_hidden()
    press(page, "Enter")  # says nothing
    press(page, *"12")
    expect(page.locator("#sums")).to_have_text("adds up: ? = 12 + ? · open: total, q2")
    press(page, "Enter", "b")
    asked(page, "total")
    expect(page.locator("#sums")).to_have_text("adds up: ? = 12 + blank · open: total")
    press(page, "u", "u")
    asked(page, "q1")
    expect(page.locator("#standing")).to_have_text("taken back; you had said 12")
    begun(page, "u", field="The page as a whole")
    kept(page, "1 left of 1")
    begun(page, "v", field="q1")
    press(page, "b", "?", *"42", "Enter")
    expect(page.locator("#done")).to_have_text("Nothing is left to look at.")
    press(page, "u")
    asked(page, "total")
    kept(page, "1 left of 4")


def test_of_several_forms_one_is_chosen_by_its_number(opened: Open, tmp_path: Path) -> None:
    page = opened(unread(tmp_path, "count", "slip"))
    press(page, "v")
    expect(page.locator("#candidates li")).to_have_text(["1count", "2slip"])
    expect(page.locator("#spoken")).to_have_text("Which form is it? Its number: 1 to 2. 1: count. 2: slip")
    press(page, "Enter", "?", "9", "Escape")
    expect(page.locator("#candidates li")).to_have_count(0)
    asked(page, "The page as a whole")
    begun(page, "v", "2", field="number")
    begun(page, "u", field="The page as a whole")
    begun(page, "v", "1", field="q1")
    begun(page, "u", field="The page as a whole")
    page.evaluate("here().forms = [...Array(12).keys()].map((number) => `form ${number}`)")
    press(page, "v", "1")  # it may still become 10, 11 or 12
    expect(page.locator("#value")).to_have_text("1")
    press(page, "Backspace")
    expect(page.locator("#value")).to_have_text("Which form is it? Its number: 1 to 12")


def test_a_page_taken_back_before_its_values_have_come_is_a_page_again(opened: Open, tmp_path: Path) -> None:
    page = opened(unread(tmp_path, "count", pages=2))
    press(page, "v", "u")
    asked(page, "The page as a whole")
    page.wait_for_timeout(READY_MS)
    assert page.evaluate("ahead.map((item) => item.key)") == [["001.png", 0, ""], ["002.png", 0, ""]]


def test_what_is_typed_when_a_window_is_closed_is_kept_and_the_next_one_gets_the_rest(
    opened: Open, tmp_path: Path
) -> None:
    results = unread(tmp_path, "count")
    first = opened(results)
    begun(first, "v", field="q1")
    press(first, *"12", "Enter")
    kept(first, "2 left of 4")
    second = opened(results)
    expect(second.locator("#done")).to_have_text("Others are looking at the rest.")
    first.close(run_before_unload=True)
    asked(second, "q2")
    second.wait_for_timeout(READY_MS)
    begun(second, "u", field="The page as a whole")  # what the first one has typed stays
    begun(second, "v", field="q2")
    press(second, *"30", "Enter", *"42", "Enter")
    expect(second.locator("#done")).to_have_text("Nothing is left to look at.")


def test_the_picture_is_zoomed_moved_and_enlarged_by_keys_and_stays_from_value_to_value(
    opened: Open, tmp_path: Path
) -> None:
    page = opened(unread(tmp_path, "count"))

    def place() -> list[float]:
        script = "[crop.clientWidth / picture.clientWidth, picture.scrollTop, picture.clientHeight]"
        return page.evaluate(f"(() => {{ const picture = $('picture'), crop = $('crop'); return {script}; }})()")

    begun(page, "v", field="q1")
    assert place()[:2] == [pytest.approx(1, abs=0.01), 0]
    press(page, "+", "ArrowDown")
    share, top, height = place()
    assert share == pytest.approx(1.5, abs=0.01)
    assert top > height / 4
    press(page, *"12", "Enter")
    asked(page, "q2")
    assert place()[:2] == [share, top]
    press(page, "p")
    assert place()[2] > height
    press(page, *"30")
    expect(page.locator("#value")).to_have_text("30")
    press(page, "p", "-", "-")
    seen = page.evaluate("$('crop').clientHeight - $('picture').clientHeight")
    assert seen == 0


@pytest.mark.parametrize(("width", "height"), [(1300, 850), (640, 420)])  # 1280 x 840 at 200 %
def test_page_and_value_are_in_sight_and_told_to_screen_readers(
    opened: Open, tmp_path: Path, width: int, height: int
) -> None:
    page = opened(unread(tmp_path, "count"))
    expect(page.locator("#spoken")).to_have_text(
        "Page 1 of 001.png. Enter: seen · ?: unreadable · p: larger · v: type its values. "
        "The page does not lie on its template: another form, or too distorted. A corner is off."
    )
    page.set_viewport_size({"width": width, "height": height})
    begun(page, "v", field="q1")
    expect(page.locator("#spoken")).to_have_text("q1: Type what is written. Value 1 of 3.")
    expect(page.locator("#crop")).to_have_attribute("alt", "The whole page")
    press(page, *"12")
    for part in ("#picture", "#value"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.activeElement.id") == "screen"
