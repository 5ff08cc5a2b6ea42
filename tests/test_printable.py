"""Forms drawn to be printed: of the right size, under their template, with a code that is read and pale boxes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from drawn import load

from docproc.character.recognizer import load_recognizer
from docproc.cli import main
from docproc.decision import Policy
from docproc.errors import TemplateError
from docproc.form.codes import read_codes
from docproc.form.registration import Registration, register
from docproc.page import Page
from docproc.pipeline import read_page
from docproc.reading import Reason, Verdict
from docproc.template import Template, load_template

FORM = """\
name: meter card
page: {width_mm: 148, height_mm: 105}
reference: card.png
code: meter card 7
fields:
  - {name: meter, kind: comb, box: [20, 30, 48, 8], cells: 8}
  - {name: reading, kind: free, box: [80, 30, 45, 10]}
  - {name: class, kind: cell, box: [20, 60, 8, 8]}
"""


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template and its printed form, in one folder."""
    path = tmp_path / "card.yaml"
    path.write_text(FORM, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["docproc", "template", "print", str(path), "-o", str(tmp_path / "card.pdf")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    return path


def test_the_template_lies_on_its_own_print(card: Path) -> None:
    page = load(card.with_suffix(".pdf"))
    assert page.dpi == pytest.approx(300, abs=1)
    assert page.pixels.shape[1] / page.dpi * 25.4 == pytest.approx(148, abs=0.2)
    found = register(page, load_template(card))
    assert isinstance(found, Registration)
    assert found.residual_mm < 0.2


def test_its_code_is_read_whichever_way_up(card: Path) -> None:
    page = load(card.with_suffix(".pdf"))
    for turns in range(4):
        turned = Page(page.ref, np.ascontiguousarray(np.rot90(page.pixels, turns)), page.dpi)
        assert [code.text for code in read_codes(turned)] == ["meter card 7"]


def test_boxes_are_pale_and_red(card: Path) -> None:
    pixels = load(card.with_suffix(".png")).pixels.astype(int)
    scale = pixels.shape[1] / 148
    x, y = round(20 * scale), round(34 * scale)
    side = pixels[y, x - 2 : x + 3]
    red, green, _ = side[side.sum(axis=1).argmin()]
    assert red > 200
    assert green < 190


def twins(card: Path) -> list[Template]:
    """Two forms that look alike, and have codes of their own."""
    template = load_template(card)
    return [template.model_copy(update={"name": "other", "code": "meter card 8"}), template]


def test_among_forms_that_look_alike_the_code_tells(card: Path) -> None:
    policy, page = Policy(review_below=0.9), load(card.with_suffix(".pdf"))
    record = read_page(page, twins(card), load_recognizer(), policy)
    assert record.template == "meter card"
    unnamed = [template.model_copy(update={"code": None}) for template in twins(card)]
    assert read_page(page, unnamed, load_recognizer(), policy).reasons == (Reason.UNKNOWN_FORM,)


@pytest.mark.parametrize(
    ("box", "text", "verdict", "reasons"),
    [
        ([100, 70, 45, 32], "meter card 7", Verdict.ACCEPTED, ()),
        ([5, 70, 45, 30], "", Verdict.REVIEW, (Reason.CODE_UNREADABLE,)),
    ],
)
def test_the_text_of_a_code_becomes_a_column(
    box: list[float], text: str, verdict: Verdict, reasons: tuple[str, ...], card: Path
) -> None:
    template = card.read_text(encoding="utf-8") + f"codes: [{{name: serial, box: {box}}}]\n"
    card.write_text(template, encoding="utf-8")
    page = load(card.with_suffix(".pdf"))
    turned = Page(page.ref, np.ascontiguousarray(np.rot90(page.pixels, 2)), page.dpi)
    record = read_page(turned, [load_template(card)], load_recognizer(), Policy(review_below=0.9))
    reading = record.fields[-1]
    assert (reading.name, reading.text, reading.verdict, reading.reasons) == ("serial", text, verdict, reasons)
    assert bool(reading.crop_png) == (verdict is Verdict.REVIEW)


@pytest.mark.parametrize(("place", "fault"), [("meter", "is used twice"), ("x", "its box leaves the sheet")])
def test_a_place_for_a_code_needs_its_own_name_and_room(place: str, fault: str, card: Path) -> None:
    box = [10, 10, 20, 20] if place == "meter" else [140, 10, 20, 20]
    card.write_text(f"{FORM}codes: [{{name: {place}, box: {box}}}]\n", encoding="utf-8")
    with pytest.raises(TemplateError, match=fault):
        load_template(card)


def test_an_output_that_is_no_pdf_is_refused(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["docproc", "template", "print", str(card), "-o", "form.docx"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
