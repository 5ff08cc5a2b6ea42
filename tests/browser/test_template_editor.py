"""The template editor in a real browser, by mouse and by keys: `pytest -m browser`, with Debian's chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from docproc import evaluation
from docproc.template import load_template

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FEW_ACTIONS = 15  #: From a blank form to its first correct CSV.

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium.new_page(viewport={"width": 1400, "height": 900})
        chromium.close()


@dataclass
class Editor:
    """An editor that is open, and how often its user has clicked or typed."""

    page: Page
    template: Path
    process: subprocess.Popen[str]
    actions: int = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.actions += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.actions += 1

    def click(self, selector: str) -> None:
        self.page.click(selector)
        self.actions += 1

    def drag(self, start: tuple[float, float], stop: tuple[float, float]) -> None:
        """From one place on the form to another, in mm."""
        for place, act in ((start, self.page.mouse.down), (stop, self.page.mouse.up)):
            self.page.mouse.move(*self.on_screen(*place), steps=4)
            act()
        self.actions += 1

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        box = self.page.locator("svg").bounding_box()
        assert box is not None
        width = load_template(self.template).page.width_mm
        scale = box["width"] / width
        return box["x"] + x * scale, box["y"] + y * scale

    def says(self, words: str) -> None:
        expect(self.page.locator("#status")).to_contain_text(words, timeout=60_000)

    def saved(self) -> None:
        self.press("Control+s")
        self.says("Saved: ")


@pytest.fixture
def editor(browser: Page, tmp_path: Path) -> Iterator[Editor]:
    folder = tmp_path / "slip"
    shutil.copytree(SAMPLES / "deposit_slip", folder)
    yield from opened(browser, folder / "template.yaml", folder / "pages" / "001.png")


def opened(browser: Page, template: Path, *filled: Path) -> Iterator[Editor]:
    command = [sys.executable, "-m", "docproc", "template", "edit", str(template), *map(str, filled), "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
    browser.goto(address)
    browser.wait_for_selector("g.field")
    yield Editor(browser, template, process)
    browser.evaluate("() => { template = null; }")  # or it would ask whether to leave what was not saved
    process.terminate()
    process.wait()


def test_by_keys_alone_a_field_is_renamed_moved_given_a_rule_and_saved(editor: Editor) -> None:
    before = load_template(editor.template).fields[0]
    editor.press("Tab", "Enter")
    editor.type("account")
    editor.press("Enter", "ArrowRight", "ArrowRight", "Shift+ArrowDown", "Alt+ArrowLeft")
    editor.saved()
    after = load_template(editor.template).fields[0]
    assert after.name == "account"
    assert after.box.left == pytest.approx(before.box.left + 0.4)
    assert after.box.top == pytest.approx(before.box.top + 2)
    assert after.box.width == pytest.approx(before.box.width - 0.2)
    assert after.rules == before.rules


def test_a_field_that_no_page_may_leave_blank_or_share_is_marked_so(editor: Editor) -> None:
    editor.press("Tab")
    required = load_template(editor.template).fields[0].required
    editor.click("#required")
    editor.click("#unique")
    editor.saved()
    first = load_template(editor.template).fields[0]
    assert (first.required, first.unique) == (not required, True)
    editor.click("#unique")
    editor.saved()
    assert "unique" not in editor.template.read_text(encoding="utf-8")


def test_everything_can_be_undone_and_done_again(editor: Editor) -> None:
    fields = load_template(editor.template).fields
    editor.press("Tab", "Delete", "Delete", "ArrowRight")
    expect(editor.page.locator("g.field")).to_have_count(len(fields) - 2)
    editor.press("Control+z", "Control+z", "Control+z")
    expect(editor.page.locator("g.field")).to_have_count(len(fields))
    editor.says("Saved.")
    editor.press("Control+y")
    expect(editor.page.locator("g.field")).to_have_count(len(fields) - 1)


def test_by_mouse_a_field_is_drawn_split_and_repeated_down(editor: Editor) -> None:
    count = len(load_template(editor.template).fields)
    editor.click("#add")
    editor.drag((100, 62), (130, 68))
    editor.press("c")
    editor.type("5")
    editor.press("Enter", "d")
    editor.type("2")
    editor.press("Enter")
    expect(editor.page.locator("g.field")).to_have_count(count + 3)
    first, second, third = (editor.page.locator("g.field text").nth(count + n).text_content() for n in range(3))
    assert (first, second, third) == ("field1", "field2", "field3")
    editor.press("Delete", "Delete", "Delete")
    expect(editor.page.locator("g.field")).to_have_count(count)


def test_a_corner_is_dragged(editor: Editor) -> None:
    before = load_template(editor.template).field("teller").box
    editor.page.click(
        f"#names li:nth-child({[f.name for f in load_template(editor.template).fields].index('teller') + 1})"
    )
    editor.drag((before.right, before.bottom), (before.right + 1, before.bottom + 0.5))
    editor.saved()
    after = load_template(editor.template).field("teller").box
    assert (after.left, after.top) == (before.left, before.top)
    assert after.width == pytest.approx(before.width + 1, abs=0.3)
    assert after.height == pytest.approx(before.height + 0.5, abs=0.3)


def test_a_field_is_drawn_backwards_and_a_click_draws_none(editor: Editor) -> None:
    count = len(load_template(editor.template).fields)
    editor.click("#add")
    editor.drag((130, 68), (100, 62))
    left, top, width, height = (
        float(editor.page.input_value(f"#{side}")) for side in ("left", "top", "width", "height")
    )
    assert (left, top, width, height) == pytest.approx((100, 62, 30, 6), abs=0.5)
    editor.click("#add")
    editor.drag((60, 62), (60, 62))
    editor.says("Nothing was drawn")
    expect(editor.page.locator("g.field")).to_have_count(count + 1)
    editor.click("#add")
    editor.press("Escape")
    expect(editor.page.locator("svg.drawing")).to_have_count(0)


def test_each_stay_in_an_input_is_undone_by_itself(editor: Editor) -> None:
    names = [field.name for field in load_template(editor.template).fields]
    for word in ("one", "two"):
        editor.press("Tab", "Enter")
        editor.type(word)
        editor.press("Enter")
    expect(editor.page.locator("g.field text").nth(1)).to_have_text("two")
    editor.press("Control+z")
    expect(editor.page.locator("g.field text").nth(1)).to_have_text(names[1])
    expect(editor.page.locator("g.field text").nth(0)).to_have_text("one")


@pytest.mark.parametrize(
    ("box", "typed"), [("#length", "x"), ("#length", "1-"), ("#groups", "1 -2 4"), ("#groups", "0 3")]
)
def test_what_is_typed_wrong_changes_nothing_and_is_told(box: str, typed: str, editor: Editor) -> None:
    text = editor.template.read_text(encoding="utf-8")
    editor.press("Tab")
    editor.page.fill(box, typed)
    editor.says(", like " if box == "#groups" else "a number like 4")
    editor.saved()
    assert editor.template.read_text(encoding="utf-8") == text


def test_what_breaks_a_rule_is_told_and_not_saved(editor: Editor) -> None:
    text = editor.template.read_text(encoding="utf-8")
    editor.press("Tab", "Tab", "Enter")
    editor.type("account_number")
    editor.says("the name is used twice")
    expect(editor.page.locator("g.faulty")).not_to_have_count(0)
    editor.press("Control+s")
    editor.says("the name is used twice")
    assert editor.template.read_text(encoding="utf-8") == text


def test_a_filled_page_is_read_as_the_template_stands(editor: Editor) -> None:
    editor.press("t")
    editor.says("fields are sure")
    expect(editor.page.locator("text.value")).to_have_count(len(load_template(editor.template).fields))


def test_values_that_were_read_hide_no_handwriting(editor: Editor) -> None:
    editor.press("t")
    editor.says("fields are sure")
    values = [one.bounding_box() for one in editor.page.locator("text.value").all()]
    fields = [one.bounding_box() for one in editor.page.locator("rect.body").all()]
    assert len(values) == len(fields)
    for value in values:
        assert value is not None
        top, bottom = value["y"] + 0.2 * value["height"], value["y"] + 0.8 * value["height"]  # of its digits
        for field in fields:
            assert field is not None
            across = value["x"] < field["x"] + field["width"] and field["x"] < value["x"] + value["width"]
            assert not across or bottom <= field["y"] or field["y"] + field["height"] <= top


def test_a_comb_that_was_something_else_for_a_while_has_its_boxes_again(editor: Editor) -> None:
    text, before = editor.template.read_text(encoding="utf-8"), load_template(editor.template).fields[0]
    assert before.groups
    editor.press("Tab")
    for kind in ("free", "cell", "comb"):
        editor.page.select_option("#kind", kind)
    expect(editor.page.locator("#cells")).to_have_value(str(before.cells))
    editor.saved()
    assert editor.template.read_text(encoding="utf-8") == text
    editor.page.select_option("#kind", "free")
    editor.saved()
    free = load_template(editor.template).fields[0]
    assert (free.kind, free.cells, free.groups) == ("free", 1, ())
    assert "kept" not in editor.template.read_text(encoding="utf-8")
    editor.page.focus("#form")
    editor.press("Control+z")
    editor.page.select_option("#kind", "cell")
    editor.page.focus("#form")
    editor.press("Control+z", "Control+y")
    editor.page.select_option("#kind", "comb")
    editor.saved()
    assert load_template(editor.template).fields[0] == before


def test_a_server_that_is_gone_loses_nothing(editor: Editor) -> None:
    editor.press("Tab", "ArrowRight")
    editor.says("Not saved yet.")
    editor.process.terminate()
    editor.process.wait()
    editor.press("Control+s")
    editor.says("docproc no longer answers")
    expect(editor.page.locator("#left")).not_to_have_value("")


def test_a_file_changed_behind_the_page_is_not_overwritten(editor: Editor) -> None:
    editor.press("Tab", "ArrowRight")
    theirs = editor.template.read_text(encoding="utf-8") + "# theirs\n"
    editor.template.write_text(theirs, encoding="utf-8")
    editor.press("Control+s")
    editor.says("was changed by somebody else")
    assert editor.template.read_text(encoding="utf-8") == theirs


def test_what_may_not_overwrite_a_changed_file_is_saved_beside_it_by_keys(editor: Editor) -> None:
    before = load_template(editor.template).fields[0].box
    theirs = editor.template.read_text(encoding="utf-8") + "# theirs\n"
    expect(editor.page.locator("#copy")).to_be_hidden()
    editor.press("Tab", "Shift+ArrowDown")
    editor.template.write_text(theirs, encoding="utf-8")
    editor.press("Control+s")
    editor.says("was changed by somebody else")
    editor.press("Enter")  # the button to save a copy has the focus
    editor.says("Saved as template-copy.yaml.")
    expect(editor.page.locator("#copy")).to_be_hidden()
    copy = editor.template.with_name("template-copy.yaml")
    assert load_template(copy).fields[0].box.top == pytest.approx(before.top + 2)
    assert "# theirs" not in copy.read_text(encoding="utf-8")
    assert editor.template.read_text(encoding="utf-8") == theirs


def test_from_a_blank_form_to_its_first_correct_csv_in_few_actions(browser: Page, tmp_path: Path) -> None:
    """Commands, clicks, keys and words typed: each counts one."""
    sample, form = SAMPLES / "deposit_slip", tmp_path / "form.yaml"

    def run(*arguments: object) -> None:
        subprocess.run([sys.executable, "-m", "docproc", *map(str, arguments)], check=True, capture_output=True)

    run("template", "detect", sample / "reference.png", "-o", form)
    editor = next(opening := opened(browser, form, sample / "pages" / "001.png"))
    editor.actions = 2  # the commands
    editor.click("#names li:last-child")  # the signature
    editor.press("Delete")
    editor.click("#names li:first-child")  # the account, whose last digit is a check digit
    editor.click("#check_digit")
    editor.type("luhn")
    editor.saved()
    editor.click("#try")
    editor.says("fields are sure")
    next(opening, None)
    run("process", sample / "pages" / "001.png", "-t", form, "-o", tmp_path / "out")
    editor.actions += 1
    truth = [one for one in evaluation.read_truth(sample / "truth.csv") if one.source.endswith("001.png")]
    judged = evaluation.judge(evaluation.read_found(tmp_path / "out"), truth, by="box")
    assert all(one.right for one in judged)
    assert len(judged) == len(load_template(form).fields)
    assert editor.actions <= FEW_ACTIONS
