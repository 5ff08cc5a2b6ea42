"""`docproc template detect`: from a sample's blank to a template that reads its pages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docproc import ocr
from docproc.cli import main
from docproc.geometry import Box
from docproc.synthesis.capture import Condition, Strength, capture
from docproc.template import load_template

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call `docproc template detect`: exit code, and all that it said, in one line."""

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["docproc", "template", "detect", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        assert stop.value.code is None or isinstance(stop.value.code, int)
        return stop.value.code or 0, printed.out + printed.err

    return call


@pytest.mark.parametrize("sample", ["deposit_slip", "mark_sheet", "meter_reading"])
def test_all_fields_of_a_sample_are_found_on_its_blank(sample: str, run: Run, tmp_path: Path) -> None:
    own = load_template(SAMPLES / sample / "template.yaml")
    size = f"{own.page.width_mm:g}x{own.page.height_mm:g}"
    blank = SAMPLES / sample / "reference.png"
    code, said = run(blank, "-o", tmp_path / "form.yaml", "--paper", size, "--no-labels")
    assert code == 0, said
    found = load_template(tmp_path / "form.yaml")
    for field in own.fields:
        best = max(found.fields, key=lambda other: other.box.iou(field.box))
        assert best.box.iou(field.box) >= 0.9, field.name
        assert (best.kind, best.cells, best.groups) == (field.kind, field.cells, field.groups), field.name
    assert len(found.fields) <= 1.2 * len(own.fields) + 1
    assert Image.open(tmp_path / "form-fields.png").mode == "RGB"


def test_a_photographed_blank_is_found_on_its_desk(run: Run, tmp_path: Path) -> None:
    own = load_template(SAMPLES / "mark_sheet" / "template.yaml")
    blank = np.array(Image.open(SAMPLES / "mark_sheet" / "reference.png").convert("RGB"))
    photo = capture(
        blank,
        condition=Condition.PHOTO,
        strength=Strength.NORMAL,
        px_per_mm=blank.shape[1] / own.page.width_mm,
        back=np.full_like(blank, 255),
        rng=np.random.default_rng(0),
    )
    Image.fromarray(photo.pixels).save(tmp_path / "photo.png")
    code, said = run(tmp_path / "photo.png", "-o", tmp_path / "form.yaml", "--no-labels", "--paper", "a4")
    assert code == 0, said
    assert "photo.png: the sheet is found on its background, and straightened" in said
    found = load_template(tmp_path / "form.yaml")
    best = [max(other.box.iou(field.box) for other in found.fields) for field in own.fields]
    assert np.mean(np.array(best) >= 0.9) >= 0.95


def test_fields_are_named_by_their_labels(run: Run, tmp_path: Path) -> None:
    code, said = run(SAMPLES / "meter_reading" / "reference.png", "-o", tmp_path / "form.yaml", "--paper", "210x130")
    assert code == 0, said
    names = {field.name for field in load_template(tmp_path / "form.yaml").fields}
    assert "\nformat: 1\n" in (tmp_path / "form.yaml").read_text(encoding="utf-8")
    assert {"customer_number", "serial_number", "previous_reading", "present_reading", "read_on_day"} <= names


def test_labels_that_are_asked_for_need_their_extra(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "find_spec", lambda name: None)
    blank = SAMPLES / "meter_reading" / "reference.png"
    code, said = run(blank, "-o", tmp_path / "form.yaml", "--labels")
    assert code == 8
    assert "docproc[labels]" in said
    assert run(blank, "-o", tmp_path / "form.yaml", "--paper", "210x130")[0] == 0  # by row and column
    assert load_template(tmp_path / "form.yaml").fields[0].name == "r01c01"


def test_filled_pages_leave_the_fields_that_people_use(run: Run, tmp_path: Path) -> None:
    folder = SAMPLES / "deposit_slip"
    pages = [folder / "pages" / name for name in ("001.png", "002.jpg", "003.jpg")]
    code, said = run(
        folder / "reference.png", *pages, "-o", tmp_path / "form.yaml", "--paper", "190x110", "--no-labels"
    )
    assert code == 0, said
    assert "filled pages: 3" in said
    assert "0 to look at" in said
    own = load_template(folder / "template.yaml")
    found = load_template(tmp_path / "form.yaml")
    assert len(found.fields) == len(own.fields)
    assert all(any(one.box.iou(other.box) >= 0.9 for other in found.fields) for one in own.fields)


def pdf_form(*fields: str, rotate: int = 0) -> bytes:
    """A PDF of one page of 420 x 300 points with text fields; each is the inside of its dictionary."""
    first = 5
    kids = " ".join(f"{first + number} 0 R" for number in range(len(fields)))
    bodies = [
        f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{kids}] >> >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 300] /Rotate {rotate} /Contents 4 0 R /Annots [{kids}] >>",
        "<< /Length 0 >> stream\n\nendstream",
        *(f"<< /Type /Annot /Subtype /Widget /P 3 0 R {field} >>" for field in fields),
    ]
    text, places = "%PDF-1.7\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(text))
        text += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(bodies) + 1
    text += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer << /Size {size} /Root 1 0 R >>\n"
    return f"{text}startxref\n{text.index('xref')}\n%%EOF\n".encode()


FORM_FIELDS = (
    "/FT /Tx /T (meter_no) /Rect [60 200 260 220] /MaxLen 8 /Ff 16777216",
    "/FT /Tx /T (reading) /Rect [60 150 160 170]",
    "/FT /Btn /T (agree) /Rect [60 100 70 110]",
)


@pytest.mark.parametrize("rotate", [0, 90])
def test_a_pdf_form_gives_its_own_names_and_boxes(rotate: int, run: Run, tmp_path: Path) -> None:
    (tmp_path / "form.pdf").write_bytes(pdf_form(*FORM_FIELDS, rotate=rotate))
    code, said = run(tmp_path / "form.pdf", "-o", tmp_path / "form.yaml")
    assert code == 0, said
    found = load_template(tmp_path / "form.yaml")
    kinds = {field.name: (field.kind, field.cells) for field in found.fields}
    assert kinds == {"meter_no": ("comb", 8), "reading": ("free", 1)}
    box, point = found.field("meter_no").box, 25.4 / 72
    left, top, width, height = (60, 80, 200, 20) if rotate == 0 else (200, 60, 20, 200)
    assert box.iou(Box(left * point, top * point, width * point, height * point)) > 0.98
    assert (found.page.width_mm < found.page.height_mm) == (rotate == 90)


def test_a_pdf_form_needs_no_paper(run: Run, tmp_path: Path) -> None:
    (tmp_path / "form.pdf").write_bytes(pdf_form(*FORM_FIELDS))
    code, said = run(tmp_path / "form.pdf", "-o", tmp_path / "form.yaml", "--paper", "a4")
    assert code == 2
    assert "knows its size" in said
    assert not (tmp_path / "form.yaml").exists()


def test_what_is_in_doubt_is_said_and_stands_in_the_file(run: Run, tmp_path: Path) -> None:
    code, said = run(SAMPLES / "mark_sheet" / "reference.png", "-o", tmp_path / "marks.yaml", "--no-labels")
    assert code == 0
    assert "over a line, without a box" in said
    text = (tmp_path / "marks.yaml").read_text(encoding="utf-8")
    assert "# look: over a line, without a box" in text
    assert "name: marks\n" in text


@pytest.mark.parametrize("turn_deg", [90, 180])
def test_a_blank_that_lies_wrong_is_turned(turn_deg: int, run: Run, tmp_path: Path) -> None:
    with Image.open(SAMPLES / "meter_reading" / "reference.png") as blank:
        blank.rotate(turn_deg, expand=True).save(tmp_path / "turned.png")
    code, said = run(tmp_path / "turned.png", "-o", tmp_path / "form.yaml", "--paper", "210x130")
    assert code == 0, said
    assert f"turned.png: turned by {360 - turn_deg} degrees" in said
    own = load_template(SAMPLES / "meter_reading" / "template.yaml")
    found = load_template(tmp_path / "form.yaml")
    assert all(any(one.box.iou(other.box) >= 0.9 for other in found.fields) for one in own.fields)


def test_a_template_that_exists_is_kept_unless_forced(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "form.yaml"
    output.write_text("mine", encoding="utf-8")
    blank = SAMPLES / "meter_reading" / "reference.png"
    code, said = run(blank, "-o", output)
    assert code == 7
    assert "may hold your own work" in said
    assert output.read_text(encoding="utf-8") == "mine"
    assert run(blank, "-o", output, "--paper", "210x130", "--force")[0] == 0


def test_a_blank_that_is_no_form_is_told_so(run: Run, tmp_path: Path) -> None:
    Image.fromarray(np.full((1754, 1240), 255, np.uint8)).save(tmp_path / "white.png")
    code, said = run(tmp_path / "white.png", "-o", tmp_path / "form.yaml")
    assert code == 4
    assert "no place to write is found" in said
    assert not (tmp_path / "form.yaml").exists()


def test_a_paper_that_nobody_knows_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    code, said = run(SAMPLES / "mark_sheet" / "reference.png", "-o", tmp_path / "form.yaml", "--paper", "a44")
    assert code == 2
    assert "a44" in said


def test_a_folder_that_is_not_there_is_told_so(run: Run, tmp_path: Path) -> None:
    code, said = run(SAMPLES / "mark_sheet" / "reference.png", "-o", tmp_path / "none" / "form.yaml")
    assert code == 7
    assert "cannot be written" in said
