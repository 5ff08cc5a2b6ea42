"""A review in a real browser, by keys alone: `pytest -m browser`, with Debian's chromium."""

from __future__ import annotations

import csv
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flagged import flagged, truth_of
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from summed import RULED, summed

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@dataclass
class Review:
    """A review that is open."""

    folder: Path
    address: str
    process: subprocess.Popen[str]

    def opened_in(self, browser: Browser) -> Page:
        page = browser.new_page(viewport={"width": 1300, "height": 850})
        page.goto(self.address)
        page.wait_for_selector("#item:not([hidden])")
        return page

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait() == 0

    def tables(self) -> list[dict[str, str]]:
        self.end()
        with (self.folder / "fields.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def begun(folder: Path, *more: str) -> Review:
    command = [sys.executable, "-m", "docproc", "review", str(folder), "--who", "ana", "--no-browser", *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
    return Review(folder, address, process)


@pytest.fixture
def review(tmp_path: Path) -> Iterator[Review]:
    began = begun(flagged(tmp_path, 10))
    yield began
    if began.process.poll() is None:
        began.process.kill()
        began.process.wait()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def asked(page: Page, field: str) -> None:
    expect(page.locator("#name")).to_have_text(field)


def kept(page: Page, left: int) -> None:
    expect(page.locator("#progress")).to_contain_text(f"{left} left of 10")


def test_fields_are_accepted_chosen_typed_blanked_and_given_up_by_keys_alone(
    browser: Browser, review: Review
) -> None:
    page = review.opened_in(browser)
    asked(page, "field 0")
    press(page, "Shift+Digit2")  # the second of the likely values
    asked(page, "field 1")
    answers = (["Enter"], ["b"], ["?"], [*"00123", "Enter"], [*"12", "Backspace", *"34", "Enter"])
    for number, keys in enumerate(answers, start=1):
        press(page, *keys)
        asked(page, f"field {number + 1}")
        kept(page, 9 - number)
    press(page, "t")
    page.keyboard.type("A-7")
    press(page, "Enter")
    expect(page.locator("#warning")).to_contain_text("There is a mark that is no digit")
    page.wait_for_timeout(500)  # who types on at once has not seen it
    press(page, "Enter")
    kept(page, 3)
    rows = review.tables()
    assert [(row["value"], row["status"], row["reasons"]) for row in rows[:8]] == [
        (truth_of(0), "accepted", "corrected"),
        (truth_of(1), "accepted", "confirmed"),
        ("", "accepted", "corrected"),
        ("", "rejected", "unreadable"),
        ("00123", "accepted", "corrected"),
        ("134", "accepted", "corrected"),
        ("A-7", "accepted", "corrected;not_a_digit"),
        (truth_of(7), "review", "low_confidence"),
    ]


def test_the_last_answers_are_taken_back_one_after_another(browser: Browser, review: Review) -> None:
    page = review.opened_in(browser)
    press(page, "Enter", "b")
    asked(page, "field 2")
    press(page, "u", "u")
    asked(page, "field 0")
    expect(page.locator("#standing")).to_have_text(f"taken back; you had said {truth_of(0)[:-1]}4")
    press(page, "Shift+Digit2", "Enter", "Enter")
    kept(page, 7)
    assert [row["value"] for row in review.tables()[:2]] == [truth_of(0), truth_of(1)]


def test_a_key_that_is_held_answers_one_field(browser: Browser, review: Review) -> None:
    page = review.opened_in(browser)
    for _ in range(3):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    kept(page, 9)
    asked(page, "field 1")


def test_the_page_is_shown_and_hidden_again_with_what_was_typed_kept(browser: Browser, review: Review) -> None:
    page = review.opened_in(browser)
    press(page, *"98", "p")
    expect(page.locator("#page")).to_be_visible()
    press(page, "p")
    expect(page.locator("#page")).to_be_hidden()
    expect(page.locator("#value")).to_have_text("98")


def test_answers_wait_where_docproc_does_not_answer_and_are_kept_when_it_does(
    browser: Browser, review: Review
) -> None:
    page = review.opened_in(browser)
    review.process.send_signal(signal.SIGSTOP)
    press(page, "Enter", "Enter")
    asked(page, "field 2")
    review.process.send_signal(signal.SIGCONT)
    kept(page, 8)
    page.route("**/say", lambda route: route.abort())
    press(page, "Enter")
    expect(page.locator("#trouble")).to_contain_text("Not kept yet: 1.")
    page.unroute("**/say")
    kept(page, 7)
    expect(page.locator("#trouble")).to_be_hidden()


def test_two_reviewers_get_different_fields_and_what_one_leaves_the_other_gets(
    browser: Browser, review: Review
) -> None:
    ana, ben = review.opened_in(browser), review.opened_in(browser)
    asked(ana, "field 0")
    for number in (4, 5, 6, 7, 8, 9):
        asked(ben, f"field {number}")
        press(ben, "Enter")
        kept(ben, 13 - number)
    expect(ben.locator("#done")).to_have_text("Others are looking at the rest.")
    press(ana, "Enter")
    asked(ana, "field 1")
    ana.close(run_before_unload=True)
    for number in (1, 2, 3):
        asked(ben, f"field {number}")
        ben.wait_for_timeout(500)  # keys that are pressed at once would be taken for the rest of earlier ones
        press(ben, "Enter")
    expect(ben.locator("#done")).to_have_text("Nothing is left to look at.")


def test_what_is_typed_while_nothing_is_on_screen_is_not_meant_for_what_comes(
    browser: Browser, review: Review
) -> None:
    page = review.opened_in(browser)
    review.process.send_signal(signal.SIGSTOP)
    press(page, *["Enter"] * 4)
    expect(page.locator("#done")).to_have_text("One moment.")
    press(page, *"12")
    review.process.send_signal(signal.SIGCONT)
    for _ in range(20):
        page.wait_for_timeout(50)
        press(page, "3")
    asked(page, "field 4")
    expect(page.locator("#value")).to_have_text(truth_of(4))


def test_a_review_goes_on_where_another_was_ended_and_after_a_reload(browser: Browser, review: Review) -> None:
    page = review.opened_in(browser)
    press(page, "Enter")
    kept(page, 9)
    page.reload()
    asked(page, "field 1")
    review.end()
    press(page, "Enter")
    expect(page.locator("#trouble")).to_contain_text("Not kept yet: 1.")
    port = re.search(r":(\d+)/", review.address)
    assert port is not None
    again = begun(review.folder, "--port", port[1])
    expect(page.locator("#trouble")).to_contain_text("Start it again, and open the new address")
    asked(again.opened_in(browser), "field 1")
    again.end()


@pytest.mark.parametrize(("width", "height"), [(1300, 850), (640, 420)])  # 1280 x 840 at 200 %
def test_picture_value_and_reasons_are_in_sight_and_told_to_screen_readers(
    browser: Browser, review: Review, width: int, height: int
) -> None:
    page = review.opened_in(browser)
    page.set_viewport_size({"width": width, "height": height})
    for part in ("#crop", "#value", "#reasons"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("#spoken")).to_contain_text("field 0: 0 4 2 7 4, 50 %. The chance that")
    assert page.evaluate("document.activeElement.id") == "screen"


def test_a_sum_is_added_up_with_what_is_typed_and_with_what_was_just_answered(
    browser: Browser, tmp_path: Path
) -> None:
    review = begun(summed(tmp_path))
    page = review.opened_in(browser)
    sums = page.locator("#sums")
    asked(page, "q1")
    expect(sums).to_have_text("adds up: 12 = 3 + 2 × 4 + 1 · fits")
    press(page, "5")
    expect(sums).to_have_text("adds up: 12 = 5 + 2 × 4 + 1 · differs by 2")
    press(page, "Enter")
    asked(page, "q2")
    expect(sums).to_have_text("adds up: 12 = 5 + 2 × 4 + 1 · differs by 2")
    press(page, "3")
    expect(sums).to_have_text("adds up: 12 = 5 + 2 × 3 + 1 · fits")
    press(page, "?")
    asked(page, "total")
    expect(sums).to_have_text("adds up: 12 = 5 + 2 × ? + 1 · open: q2")
    review.end()


def test_a_value_that_breaks_a_rule_is_warned_of_and_kept_by_the_same_enter_once_more(
    browser: Browser, tmp_path: Path
) -> None:
    review = begun(summed(tmp_path, RULED))
    page = review.opened_in(browser)
    warning, value = page.locator("#warning"), page.locator("#value")
    too_large = "The value is larger than the template allows. (at most 9)Enter keeps it all the same."
    asked(page, "q1")
    press(page, *"17", "Enter")
    expect(warning).to_have_text(too_large)
    expect(page.locator("#spoken")).to_contain_text("larger than the template allows")
    page.set_viewport_size({"width": 640, "height": 420})  # 1280 x 840 at 200 %
    box = warning.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 420
    press(page, "Enter", *"5", "Enter")  # at once: who types on has not seen it, and means what comes next
    expect(value).to_have_text("17")
    page.wait_for_timeout(500)
    press(page, "6")  # begins anew
    expect(value).to_have_text("6")
    expect(warning).to_be_hidden()
    press(page, "Backspace", *"18", "Enter")
    expect(warning).to_have_text(too_large)
    page.wait_for_timeout(500)
    press(page, "Enter")
    asked(page, "q2")
    expect(page.locator("#last")).to_have_text("q1: 18")
    press(page, "b")
    expect(warning).to_contain_text("The field is required and nothing is written in it.")
    expect(value).to_have_text("blank")
    page.wait_for_timeout(500)
    press(page, "b")
    asked(page, "total")
    press(page, "t")
    page.keyboard.type("1/2")
    press(page, "Enter")
    expect(warning).to_contain_text("There is a mark that is no digit")
    page.wait_for_timeout(500)
    press(page, "Enter")
    expect(page.locator("#done")).to_have_text("Nothing is left to look at.")
    assert [(row["value"], row["status"], row["reasons"]) for row in review.tables()] == [
        ("18", "accepted", "corrected;rule:max"),
        ("", "accepted", "corrected;blank_required"),
        ("1/2", "accepted", "corrected;not_a_digit"),
    ]


def test_a_value_as_it_was_read_is_confirmed_by_one_enter_whatever_rule_it_breaks(
    browser: Browser, tmp_path: Path
) -> None:
    review = begun(summed(tmp_path, RULED.replace("max: 9", "max: 2")))
    page = review.opened_in(browser)
    press(page, "Enter")
    asked(page, "q2")
    assert review.tables()[0]["reasons"] == "confirmed;rule:max"


def test_a_likely_value_may_be_clicked_and_no_answer_is_nobodys(browser: Browser, review: Review) -> None:
    page = review.opened_in(browser)
    asked(page, "field 0")
    page.locator("#who").fill("")
    press(page, "Tab")
    expect(page.locator("#who")).to_have_value("ana")
    page.locator("#candidates li").nth(1).click()
    asked(page, "field 1")
    kept(page, 9)
    row = review.tables()[0]
    assert (row["value"], row["status"], row["reasons"]) == (truth_of(0), "accepted", "corrected")


def test_keys_that_come_while_a_value_is_checked_are_for_the_next_field(browser: Browser, tmp_path: Path) -> None:
    review = begun(summed(tmp_path, RULED))
    page = review.opened_in(browser)

    def late(route: Route) -> None:
        page.wait_for_timeout(100)
        route.continue_()

    page.route("**/check", late)
    press(page, *"5", "Enter", *"3", "Enter", *"12", "Enter")
    expect(page.locator("#done")).to_have_text("Nothing is left to look at.")
    assert [row["value"] for row in review.tables()] == ["5", "3", "12"]


def test_a_value_is_kept_unchecked_where_docproc_does_not_answer_and_the_tables_have_the_rule(
    browser: Browser, tmp_path: Path
) -> None:
    review = begun(summed(tmp_path, RULED))
    page = review.opened_in(browser)
    review.process.send_signal(signal.SIGSTOP)
    press(page, *"17", "Enter")
    asked(page, "q2")
    review.process.send_signal(signal.SIGCONT)
    expect(page.locator("#progress")).to_contain_text("2 left of 3")
    assert review.tables()[0]["reasons"] == "corrected;rule:max"


def test_who_keys_unseen_is_warned_of_what_he_types_and_told_nothing_else(browser: Browser, tmp_path: Path) -> None:
    review = begun(summed(tmp_path, RULED), "--key-twice", "q1")
    page = review.opened_in(browser)
    press(page, *"17", "Enter")
    expect(page.locator("#warning")).to_contain_text("The value is larger than the template allows. (at most 9)")
    expect(page.locator("#candidates li")).to_have_count(0)
    page.wait_for_timeout(500)
    press(page, "Enter")
    expect(page.locator("#done")).to_have_text("The rest is for another person, under their own name.")
    review.end()


def test_a_page_that_is_closed_leaves_as_json_of_which_every_browser_tells_the_origin(
    browser: Browser, review: Review
) -> None:
    page = review.opened_in(browser)
    with page.expect_request("**/leave") as leaving:
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert leaving.value.headers["content-type"] == "application/json"


def test_two_persons_key_a_field_from_its_picture_alone_and_a_third_look_decides(
    browser: Browser, tmp_path: Path
) -> None:
    review = begun(flagged(tmp_path, 10), "--key-twice", "field 0")
    try:
        page = review.opened_in(browser)
        asked(page, "field 0")
        expect(page.locator("#value")).to_have_text("Type what is written")
        expect(page.locator("#candidates li")).to_have_count(0)
        press(page, "Enter", *"04273", "Enter")
        expect(page.locator("#done")).to_have_text("The rest is for another person, under their own name.")
        page.locator("#who").fill("ben")
        press(page, "Enter")
        page.wait_for_selector("#item:not([hidden])")
        page.wait_for_timeout(500)  # what is typed at once where a field has just come is not meant for it
        press(page, *"04278", "Enter")
        expect(page.locator("#candidates li")).to_have_text(["⇧104274as read", "⇧204273keyed", "⇧304278keyed"])
        expect(page.locator("#value")).to_have_text("Choose, or type what is written")
        page.wait_for_timeout(500)
        press(page, "Enter", "Shift+Digit2")
        expect(page.locator("#done")).to_have_text("Nothing is left to look at.")
        (row,) = [row for row in review.tables() if row["field"] == "field 0"]
        assert (row["value"], row["status"]) == ("04273", "accepted")
    finally:
        if review.process.poll() is None:
            review.process.kill()
            review.process.wait()
