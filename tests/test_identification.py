"""Mixed pages find their own template, whichever way up; a page of no known form is never forced onto one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import load
from PIL import Image
from written import table_rows

from docproc.batch import process_batch
from docproc.character.recognizer import load_recognizer
from docproc.decision import Policy
from docproc.errors import TemplateError
from docproc.page import Page
from docproc.pipeline import read_page
from docproc.reading import Reason, Record, Verdict
from docproc.template import Template, load_templates

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
NAMES = {"deposit_slip": "deposit slip", "mark_sheet": "mark sheet", "meter_reading": "meter reading"}


@pytest.fixture(scope="module")
def templates() -> list[Template]:
    return list(load_templates([SAMPLES]).values())


def read(page: Page, templates: list[Template]) -> Record:
    return read_page(page, templates, load_recognizer(), Policy(review_below=0.9))


@pytest.mark.parametrize("sample", NAMES)
@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_a_page_finds_its_template_whichever_way_up(
    sample: str, quarter_turns: int, templates: list[Template]
) -> None:
    upright = load(SAMPLES / sample / "pages" / "002.jpg")
    turned = Page(upright.ref, np.ascontiguousarray(np.rot90(upright.pixels, quarter_turns)), upright.dpi)
    record = read(turned, templates)
    assert record.template == NAMES[sample]
    truth = {
        row["field"]: row["value"]
        for row in table_rows(SAMPLES / sample / "truth.csv")
        if row["source"].endswith("002.jpg")
    }
    assert np.mean([reading.text == truth[reading.name] for reading in record.fields]) >= 0.9


def test_a_page_of_no_known_form_is_unknown_and_has_no_fields(templates: list[Template]) -> None:
    """The sheet of one form, among the templates of others."""
    others = [template for template in templates if template.name != "mark sheet"]
    record = read(load(SAMPLES / "mark_sheet" / "pages" / "001.png"), others)
    assert (record.template, record.fields, record.verdict) == ("", (), Verdict.REVIEW)
    assert record.reasons == (Reason.UNKNOWN_FORM,)
    assert record.detail == "it lies on none of the 2 templates"


def test_a_page_that_lies_on_two_templates_alike_is_left_to_a_person(templates: list[Template]) -> None:
    slip = next(template for template in templates if template.name == "deposit slip")
    twin = slip.model_copy(update={"name": "slip of 2025"})
    record = read(load(SAMPLES / "deposit_slip" / "pages" / "001.png"), [slip, twin])
    assert record.reasons == (Reason.UNKNOWN_FORM,)
    assert "as well on 'deposit slip' as on 'slip of 2025'" in record.detail


def test_a_batch_sorts_pages_by_their_forms(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for number, sample in enumerate(("meter_reading", "deposit_slip")):
        source = SAMPLES / sample / "pages" / "001.png"
        Image.open(source).rotate(180).save(scans / f"{number}.png")
    Image.effect_noise((800, 600), 60).save(scans / "9.png")
    forms = [SAMPLES / sample / "template.yaml" for sample in ("deposit_slip", "meter_reading")]
    summary = process_batch([scans], tmp_path / "out", template_paths=forms)
    assert (summary.pages, summary.unregistered) == (3, 1)
    rows = table_rows(tmp_path / "out" / "fields.csv")
    found = {(row["source"], row["template"]) for row in rows}
    assert found == {("0.png", "meter reading"), ("1.png", "deposit slip"), ("9.png", "")}
    assert [row["reasons"] for row in rows if row["source"] == "9.png"] == ["unknown_form"]


def test_a_folder_without_templates_and_names_used_twice_are_told(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no template is in this folder"):
        load_templates([tmp_path])
    slip = (SAMPLES / "deposit_slip" / "template.yaml").read_text(encoding="utf-8")
    (tmp_path / "reference.png").write_bytes((SAMPLES / "deposit_slip" / "reference.png").read_bytes())
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(slip, encoding="utf-8")
    with pytest.raises(TemplateError, match=r"b\.yaml: its name 'deposit slip' is that of .*a\.yaml, too"):
        load_templates([tmp_path])


def test_a_template_named_twice_is_one(tmp_path: Path) -> None:
    path = SAMPLES / "deposit_slip" / "template.yaml"
    assert list(load_templates([path, path.parent])) == [str(path)]
