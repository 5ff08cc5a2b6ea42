"""Fronts and backs, from scans to tables: what is missing, double or foreign goes to review, and why is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openpyxl
import pytest
import yaml
import zxingcpp
from PIL import Image
from typer.testing import CliRunner
from written import table_rows

from docproc.batch import process_batch
from docproc.cli import app
from docproc.errors import TemplateError

PX_PER_MM = 8
SIZE_MM = (100, 70)
FIDUCIALS = [[5, 5, 5, 5], [90, 5, 5, 5], [5, 60, 5, 5], [90, 60, 5, 5]]
FORM_BOX, SERIAL_BOX, VOTES_BOX = [14, 25, 18, 18], [74, 25, 18, 18], [40, 30, 10, 10]


def _template(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "page": {"width_mm": SIZE_MM[0], "height_mm": SIZE_MM[1]},
        "fiducials": [{"box": box} for box in FIDUCIALS],
        "code": name,
        "codes": [{"name": "serial", "box": SERIAL_BOX, "unique": True}],
        "fields": [{"name": "votes", "kind": "cell", "box": VOTES_BOX}],
        **more,
    }


@pytest.fixture
def forms(tmp_path: Path) -> Path:
    """The templates of a ballot's front and back, and of a slip of one page."""
    folder = tmp_path / "forms"
    folder.mkdir()
    front, back = ({"name": "ballot", "page": page, "pages": 2} for page in (1, 2))
    for name, more in (("front", {"paper": front}), ("back", {"paper": back}), ("slip", {})):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(_template(name, **more)))
    return folder


def _scan(path: Path, form: str, serial: str, *, gray: int = 255) -> None:
    """A page with the code of its form, and its serial; other `gray` is another scan of it."""
    path.parent.mkdir(exist_ok=True)
    sheet = np.full((SIZE_MM[1] * PX_PER_MM, SIZE_MM[0] * PX_PER_MM), gray, np.uint8)

    def part(box: list[int]) -> Any:
        left, top, width, height = (PX_PER_MM * side for side in box)
        return sheet[top : top + height, left : left + width]

    for box in FIDUCIALS:
        part(box)[:] = 0
    cv2.rectangle(part(VOTES_BOX), (1, 1), (10 * PX_PER_MM - 2, 10 * PX_PER_MM - 2), 0, 2)
    for box, text in ((FORM_BOX, form), (SERIAL_BOX, serial)):
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=1)
        part(box)[:] = cv2.resize(np.array(code), (18 * PX_PER_MM,) * 2, interpolation=cv2.INTER_NEAREST)
    Image.fromarray(sheet).save(path, dpi=(25.4 * PX_PER_MM,) * 2)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """One sound ballot, one without its back, one with a slip in it, and the first one's front, scanned again."""
    pages = ("front 1", "back 1", "front 2", "front 3", "slip 9", "back 3", "front 1")
    for number, page in enumerate(pages):
        _scan(tmp_path / "scans" / f"{number}.png", *page.split(), gray=255 - number)
    return tmp_path / "scans"


def test_what_is_missing_foreign_or_double_goes_to_review_with_its_reason(
    tmp_path: Path, forms: Path, scans: Path
) -> None:
    summary = process_batch([scans], tmp_path / "out", template_paths=[forms], jobs=1)
    told = {row["source"]: (row["status"], row["reasons"]) for row in table_rows(tmp_path / "out" / "forms.csv")}
    assert told == {
        "0.png": ("review", "double_of:6.png"),
        "1.png": ("accepted", ""),
        "2.png": ("review", "missing_page:2"),
        "3.png": ("accepted", ""),
        "4.png": ("review", "foreign_page"),
        "5.png": ("accepted", ""),
        "6.png": ("review", "missing_page:2;double_of:0.png"),
    }
    fields = {
        (row["source"], row["field"], row["value"]): row["reasons"]
        for row in table_rows(tmp_path / "out" / "fields.csv")
        if row["status"] != "accepted"
    }
    assert fields == {("0.png", "serial", "1"): "double_of:6.png", ("6.png", "serial", "1"): "double_of:0.png"}
    sheet = openpyxl.load_workbook(tmp_path / "out" / "forms.xlsx")["review"]
    rows = [[row[column].value for column in (1, 3, 4, 6, 7)] for row in sheet.iter_rows(min_row=2)]
    assert rows == [
        ["0.png", "serial", "1", "review", "double_of:6.png"],
        ["2.png", "(whole page)", None, "review", "missing_page:2"],
        ["4.png", "(whole page)", None, "review", "foreign_page"],
        ["6.png", "(whole page)", None, "review", "missing_page:2"],
        ["6.png", "serial", "1", "review", "double_of:0.png"],
    ]
    first, second = ([image for image in sheet._images if image.anchor._from.row == row - 1] for row in (2, 6))
    assert (len(first), len(second)) == (1, 1)
    assert (summary.pages, summary.pages_to_review, summary.accepted, summary.review) == (7, 4, 12, 2)
    assert (summary.papers_incomplete, summary.pages_foreign, summary.pages_double) == (2, 1, 2)
    assert (summary.fields_to_look_at, summary.pages_to_look_at) == (2, 3)


def test_the_printed_summary_and_the_one_for_machines_count_them(tmp_path: Path, forms: Path, scans: Path) -> None:
    given = ["process", str(scans), "-t", str(forms), "-o", str(tmp_path / "out"), "-j", "1"]
    printed = CliRunner().invoke(app, given)
    assert printed.exit_code == 0
    told = [" ".join(line.split()) for line in printed.output.splitlines()]
    assert "papers incomplete 2 a page is missing; see sheet review" in told
    assert "foreign pages 1 between the pages of a paper; see sheet review" in told
    assert "double pages 2 their number is that of another page; see sheet review" in told
    assert "(2 fields and 3 whole pages)" in printed.output
    summary = json.loads(CliRunner().invoke(app, [*given, "--json"]).output)
    assert {name: summary[name] for name in ("papers_incomplete", "pages_foreign", "pages_double")} == {
        **{"papers_incomplete": 2, "pages_foreign": 1, "pages_double": 2}
    }


def test_a_paper_without_templates_of_all_its_pages_is_refused_before_any_page_is_read(
    tmp_path: Path, forms: Path, scans: Path
) -> None:
    with pytest.raises(
        TemplateError, match=r"page 1 of 2 of the paper 'ballot', and no template of page 2"
    ) as caught:
        process_batch([scans], tmp_path / "out", template_paths=[forms / "front.yaml"])
    assert "into one folder, and name that with -t" in caught.value.remedy
    (forms / "back.yaml").rename(scans / "template.yaml")
    with pytest.raises(TemplateError, match=r"template\.yaml: it is page 2 of 2"):
        process_batch([scans], tmp_path / "out")
