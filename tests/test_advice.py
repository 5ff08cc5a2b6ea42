"""Advice about forms: given where it is due, and not where nothing is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from docproc.form.advice import advise
from docproc.template import Template, load_template

GOOD = "{name: a, kind: comb, box: [20, 20, 36, 9], cells: 6, length: 6, required: true, rules: {check_digit: luhn}}"
SQUARES = "[{box: [5, 5, 5, 5]}, {box: [90, 5, 5, 5]}, {box: [5, 50, 5, 5]}, {box: [90, 50, 5, 5]}]"


def form(folder: Path, *fields: str, fiducials: str = SQUARES, rule_gray: int | None = None) -> Template:
    path = folder / "form.yaml"
    lines = "".join(f"  - {field}\n" for field in fields)
    reference = "" if rule_gray is None else "reference: form.png\n"
    if rule_gray is not None:
        blank = Image.new("L", (800, 480), 255)
        for cell in range(7):
            x = (20 + 6 * cell) * 8
            ImageDraw.Draw(blank).line([x, 160, x, 232], fill=rule_gray, width=3)
        blank.save(folder / "form.png")
    path.write_text(
        f"name: form\npage: {{width_mm: 100, height_mm: 60}}\n{reference}fiducials: {fiducials}\nfields:\n{lines}",
        encoding="utf-8",
    )
    return load_template(path)


def test_a_good_form_leaves_nothing_to_wish(tmp_path: Path) -> None:
    assert advise(form(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("{name: x, kind: comb, box: [20, 35, 20, 9], cells: 5, length: 5}", "digits are squeezed"),
        ("{name: x, kind: cell, box: [20, 35, 8, 5]}", "digits are squeezed"),
        ("{name: x, kind: free, box: [20, 35, 30, 9], length: 3}", "a comb, one box a digit, is read better"),
        ("{name: x, kind: free, box: [20, 35, 30, 5], length: 3}", "no room for tails"),
        ("{name: x, kind: comb, box: [1, 35, 18, 9], cells: 3, length: 3}", "printers and scanners cut there"),
        ("{name: x, kind: comb, box: [20, 35, 18, 9], cells: 3}", "No `length`"),
        ("{name: x, kind: comb, box: [20, 35, 48, 9], cells: 8, length: 8}", "A check digit finds it"),
    ],
)
def test_what_costs_accuracy_is_told_with_its_field(field: str, words: str, tmp_path: Path) -> None:
    advice = advise(form(tmp_path, GOOD, field))
    assert any(words in one.sentence and one.fields == ("x",) for one in advice)


def test_a_field_right_above_another_is_told(tmp_path: Path) -> None:
    upper = "{name: upper, kind: free, box: [20, 35, 30, 8], length: 3}"
    lower = "{name: lower, kind: cell, box: [20, 44, 8, 8]}"
    advice = advise(form(tmp_path, GOOD, upper, lower))
    assert any("reach into it" in one.sentence and one.fields == ("upper",) for one in advice)


@pytest.mark.parametrize(("gray", "told"), [(20, True), (170, False)])
def test_dark_print_is_told(gray: int, told: bool, tmp_path: Path) -> None:
    advice = advise(form(tmp_path, GOOD, rule_gray=gray))
    assert any("as dark as a pen" in one.sentence for one in advice) is told


def test_a_form_without_fiducials_and_required_fields_is_told(tmp_path: Path) -> None:
    plain = "{name: a, kind: comb, box: [20, 20, 18, 9], cells: 3, length: 3}"
    sentences = [one.sentence for one in advise(form(tmp_path, plain, fiducials="[]", rule_gray=170))]
    assert len(sentences) == 2
