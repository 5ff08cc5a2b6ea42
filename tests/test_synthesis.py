"""Drawn forms: what is printed, what is written in them, how they come back, and the shipped samples."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

from docproc.cli import app
from docproc.errors import OutputError, PageError, TemplateError
from docproc.geometry import MM_PER_INCH, Box
from docproc.rules import check
from docproc.synthesis import degradation
from docproc.synthesis.capture import Condition, Strength, capture
from docproc.synthesis.digits import DigitPool, draw_digit, load_digits
from docproc.synthesis.filling import Writer, fill_form, paint_field
from docproc.synthesis.folder import TRUTH_COLUMNS, draw_page, write_folder
from docproc.synthesis.form import draw_blank, draw_patch
from docproc.synthesis.table import find_tables, words
from docproc.synthesis.values import draw_value, draw_values
from docproc.template import Field, Rules, Template, load_template

DPI = 100.0
PX_PER_MM = DPI / MM_PER_INCH
SAMPLES = Path(__file__).parent.parent / "samples"
DESIGNS = ("deposit_slip", "mark_sheet", "meter_reading")

FORM = """
name: test form
page: {width_mm: 110, height_mm: 80}
reference: reference.png
fields:
  - {name: account, kind: comb, box: [12, 26, 36, 8], cells: 6, length: 6, required: true, rules: {check_digit: luhn}}
  - {name: amount, kind: comb, box: [60, 26, 36, 8], cells: 6, length: [1, 5], required: true}
  - {name: mark, kind: cell, box: [12, 42, 9, 9], rules: {max: 5}}
  - {name: reading, kind: free, box: [30, 42, 40, 10], length: [3, 6], required: true}
  - {name: seal, kind: free, box: [12, 60, 40, 7], length: [4, 5]}
"""


def template_from(folder: Path, text: str = FORM) -> Template:
    (folder / "template.yaml").write_text(text)
    return load_template(folder / "template.yaml", reference_must_exist=False)


@pytest.fixture
def form(tmp_path):
    return template_from(tmp_path)


@pytest.fixture(scope="module")
def pool():
    """Printed digits in MNIST's layout: 20 px high, centered, three weights, leaning a little."""
    images, labels = [], []
    for digit in range(10):
        for weight in (0, 1):
            for lean in (-0.1, 0.1, 0.3):
                image = Image.new("L", (28, 28))
                ImageDraw.Draw(image).text(
                    (14, 14), str(digit), font=ImageFont.load_default(25), fill=255, anchor="mm", stroke_width=weight
                )
                sheared = cv2.warpAffine(np.array(image), np.array([[1, -lean, 14 * lean], [0, 1, 0]]), (28, 28))
                images.append(sheared)
                labels.append(digit)
    return DigitPool.of(np.array(images, np.uint8), np.array(labels))


def some_writer(seed: int = 0) -> Writer:
    return Writer.drawn(np.random.default_rng(seed))


def rgb(gray):
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)


# --- the blank form


def darkest_across(gray, x_mm, y_mm, *, reach_mm=0.4):
    left, right = round((x_mm - reach_mm) * PX_PER_MM), round((x_mm + reach_mm) * PX_PER_MM)
    top, bottom = round((y_mm - reach_mm) * PX_PER_MM), round((y_mm + reach_mm) * PX_PER_MM)
    return gray[top : bottom + 1, left : right + 1].min()


def test_the_blank_form_has_rules_where_the_cells_are_and_paper_within(form):
    gray = draw_blank(form, dpi=DPI)
    assert gray.shape == (round(80 * PX_PER_MM), round(110 * PX_PER_MM))
    for field in form.fields:
        if field.name == "seal":
            continue
        for cell in field.cell_boxes():
            x, y = cell.center
            for at in ((cell.left, y), (cell.right, y), (x, cell.top), (x, cell.bottom)):
                assert darkest_across(gray, *at) < 140, (field.name, at)
            inner = cell.grown(-1).scaled(PX_PER_MM)
            patch = gray[round(inner.top) : round(inner.bottom), round(inner.left) : round(inner.right)]
            assert patch.min() == 255, field.name


def test_a_low_free_field_is_a_writing_line_and_has_no_sides(form):
    gray, box = draw_blank(form, dpi=DPI), form.field("seal").box
    assert darkest_across(gray, box.center[0], box.bottom) < 140
    assert darkest_across(gray, box.left, box.center[1]) == 255
    assert darkest_across(gray, box.right, box.center[1]) == 255


def test_fiducials_are_printed_solid(tmp_path):
    corners = [[6, 6, 5, 5], [99, 6, 5, 5], [6, 69, 5, 5], [99, 69, 5, 5]]
    listed = "".join(f"  - {{box: {box}}}\n" for box in corners)
    form = template_from(tmp_path, FORM.replace("reference: reference.png", "fiducials:\n" + listed))
    gray = draw_blank(form, dpi=DPI)
    for left, top, width, height in corners:
        inner = Box(left, top, width, height).grown(-0.5).scaled(PX_PER_MM)
        assert gray[round(inner.top) : round(inner.bottom), round(inner.left) : round(inner.right)].max() == 0


def test_names_become_words():
    assert words("student_number") == "Student number"
    assert words("student01") == "Student 01"
    assert words("q3") == "Q3"


def test_rows_and_columns_are_named_by_what_their_fields_share():
    fields = [
        Field(name=f"row{row}_{name}", kind="cell", box=Box(20 + 10 * column, 10 * row, 10, 10))
        for row in (1, 2, 3)
        for column, name in enumerate(("first", "total"))
    ]
    alone = Field(name="date", kind="free", box=Box(60, 60, 30, 8))
    (table,) = find_tables([*fields, alone])
    assert [column.title for column in table.columns] == ["First", "Total"]
    assert [row.title for row in table.rows] == ["Row 1", "Row 2", "Row 3"]
    assert len(table.fields) == 6


def test_a_patch_has_only_the_fields_own_rules():
    field = Field(name="comb", kind="comb", box=Box(50, 50, 20, 8), cells=4)
    patch = draw_patch(field, dpi=254, margin_mm=2)
    assert patch.shape == (120, 240)
    row = patch[60]
    assert [bool(row[20 + 50 * line - 1 : 20 + 50 * line + 1].max() < 100) for line in range(5)] == [True] * 5
    assert row[:17].min() == row[23:67].min() == 255


# --- values


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_values_obey_the_rules_of_the_template(seed):
    fields = (
        Field(name="a", kind="comb", box=Box(0, 0, 60, 8), cells=12, length=12, rules=Rules(check_digit="luhn")),
        Field(name="b", kind="comb", box=Box(0, 20, 20, 8), cells=4, length=(2, 4), rules=Rules(min=7, max=450)),
        Field(name="c", kind="free", box=Box(0, 40, 20, 8), length=4, rules=Rules(regex=r"20[12]\d")),
        Field(name="d", kind="cell", box=Box(0, 60, 20, 8), required=True, rules=Rules(max=5)),
        Field(name="e", kind="free", box=Box(0, 80, 20, 8), required=True),
        Field(name="f", kind="comb", box=Box(0, 90, 60, 8), cells=6, rules=Rules(date="DDMMYY")),
        Field(name="g", kind="comb", box=Box(0, 99, 60, 8), cells=3, rules=Rules(values=("007", "012"))),
    )
    rng = np.random.default_rng(seed)
    for field in fields:
        value = draw_value(field, rng)
        assert check(field, value) == ()
        assert value == "" or value.isdigit()


def test_only_fields_that_may_be_blank_are_left_blank(form):
    rng = np.random.default_rng(5)
    blanks = [name for _ in range(60) for name, value in draw_values(form, rng).items() if not value]
    assert set(blanks) == {"mark", "seal"}


def test_leading_zeros_are_written_in_combs():
    field = Field(
        name="n", kind="comb", box=Box(0, 0, 20, 8), cells=4, length=(1, 4), required=True, rules=Rules(max=50)
    )
    rng = np.random.default_rng(1)
    values = [draw_value(field, rng) for _ in range(40)]
    assert any(value.startswith("0") and len(value) > 1 for value in values)
    assert any(not value.startswith("0") for value in values)


def test_a_total_is_the_sum_of_its_row_and_a_day_is_in_its_month():
    names = ("row1_q1", "row1_q2", "row1_total", "row2_q1", "read_day", "read_month")
    limits = {"read_day": (1, 31), "read_month": (2, 2)}
    fields = [
        {
            "name": name,
            "kind": "free",
            "box": [10, 10 + 10 * place, 20, 9],
            "length": [1, 2],
            "required": True,
            "rules": dict(zip(("min", "max"), limits.get(name, (0, 40)), strict=True)),
        }
        for place, name in enumerate(names)
    ]
    form = Template.model_validate(
        {"name": "t", "page": {"width_mm": 80, "height_mm": 90}, "reference": "r.png", "fields": fields}
    )
    days = set()
    for seed in range(40):
        values = draw_values(form, np.random.default_rng(seed))
        added = int(values["row1_q1"]) + int(values["row1_q2"])
        if added <= 40:
            assert int(values["row1_total"]) == added
        days.add(int(values["read_day"]))
    assert max(days) == 28


def test_rules_that_no_number_keeps_are_an_error_that_names_the_field():
    field = Field(
        name="odd", kind="free", box=Box(0, 0, 20, 8), length=3, required=True, rules=Rules(regex=r"[a-z]+")
    )
    with pytest.raises(TemplateError, match="'odd'"):
        draw_value(field, np.random.default_rng(0))


# --- writing


def test_ink_stays_in_the_fields_and_blank_fields_stay_blank(form, pool):
    paper = rgb(draw_blank(form, dpi=DPI))
    for seed in range(4):
        rng = np.random.default_rng(seed)
        values = {**draw_values(form, rng), "mark": ""}
        written = fill_form(paper, form, values, px_per_mm=PX_PER_MM, digits=pool, writer=Writer.drawn(rng), rng=rng)
        changed = (written != paper).any(axis=2)
        for field in form.fields:
            inner = field.box.scaled(PX_PER_MM)
            inside = changed[round(inner.top) : round(inner.bottom), round(inner.left) : round(inner.right)]
            assert inside.any() == bool(values[field.name]), field.name
        allowed = np.zeros_like(changed)
        for field in form.fields:
            grown = field.box.grown(0.8).scaled(PX_PER_MM)
            allowed[round(grown.top) : round(grown.bottom), round(grown.left) : round(grown.right)] = True
        assert not (changed & ~allowed).any()


@pytest.mark.parametrize("right_aligned", [False, True])
def test_a_short_number_stands_at_its_side_of_the_comb(pool, right_aligned):
    field = Field(name="n", kind="comb", box=Box(2, 2, 36, 8), cells=6, length=(1, 6))
    paper = np.full((120, 400, 3), 255, np.uint8)
    writer = replace(some_writer(), right_aligned=right_aligned)
    rng = np.random.default_rng(0)
    written = paint_field(paper, field, "47", px_per_mm=10, digits=pool, writer=writer, rng=rng)
    columns = np.flatnonzero((written < 200).any(axis=(0, 2))) / 10
    expected = (26, 38) if right_aligned else (2, 14)
    assert expected[0] < columns.min() < columns.max() < expected[1]
    assert paper.min() == 255, "the paper that was handed in is not written on"


def test_a_digit_drawn_large_keeps_its_loop_at_every_width_of_the_pen():
    ring = np.zeros((28, 28), np.uint8)
    cv2.circle(ring, (14, 14), 8, 255, 2, cv2.LINE_AA)
    for stroke_px in (2.0, 6.0, 12.0):
        drawn = draw_digit(ring, body_px=80, stroke_px=stroke_px, source_stroke_px=2.0)
        assert drawn.dtype == np.float32
        assert drawn.min() >= 0
        assert drawn.max() == pytest.approx(1, abs=0.05)
        assert cv2.connectedComponents((drawn < 0.5).astype(np.uint8))[0] == 3, "paper outside and inside"
        assert cv2.connectedComponents((drawn > 0.5).astype(np.uint8))[0] == 2, "one stroke"


def test_a_zero_that_is_not_closed_is_not_plain(pool):
    alone = DigitPool.of(pool.images[:1], pool.labels[:1])
    closed = draw_digit(alone.images[0], body_px=40, stroke_px=4, source_stroke_px=2.5)
    opened = closed.copy()
    opened[: len(closed) // 2, len(closed) // 2 - 4 : len(closed) // 2 + 5] = 0
    assert alone.is_plain(closed, 0)
    assert not alone.is_plain(opened, 0)


def test_a_digit_whose_neighbors_have_other_names_is_not_plain(pool):
    images, labels = np.repeat(pool.images, 6, axis=0), np.repeat(pool.labels, 6)
    odd = int(np.flatnonzero(labels == 7)[0])
    drawn = draw_digit(images[odd], body_px=40, stroke_px=4, source_stroke_px=2.5)
    assert DigitPool.of(images, labels).is_plain(drawn, odd)
    labels[(labels == 7) & (np.arange(len(labels)) != odd)] = 1
    assert not DigitPool.of(images, labels).is_plain(drawn, odd)


def test_a_writer_gets_digits_that_lean_as_the_writer_does(pool):
    rng = np.random.default_rng(0)
    leaning = pool.candidates(1, slant=0.5, stroke_px=3, rng=rng)
    upright = pool.candidates(1, slant=-0.2, stroke_px=3, rng=rng)
    assert pool.slant[leaning[0]] > pool.slant[upright[0]] + 0.2


# --- digits from a file


def test_test_digits_are_read_unless_others_are_asked_for(tmp_path, pool):
    train = np.zeros((3, 28, 28), np.uint8)
    np.savez(tmp_path / "m.npz", x_train=train, y_train=np.zeros(3), x_test=pool.images, y_test=pool.labels)
    assert np.array_equal(load_digits(tmp_path / "m.npz").images, pool.images)
    assert len(load_digits(tmp_path / "m.npz", split="train").images) == 3


def test_a_file_that_holds_no_digits_is_a_clear_error(tmp_path):
    with pytest.raises(PageError, match=r"none\.npz: cannot read"):
        load_digits(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(PageError, match=r"text\.npz: this is no \.npz"):
        load_digits(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", pictures=np.zeros(3))
    with pytest.raises(PageError, match="no array x_test"):
        load_digits(tmp_path / "other.npz")
    np.savez(tmp_path / "flat.npz", x_test=np.zeros((4, 784), np.uint8), y_test=np.zeros(4))
    with pytest.raises(PageError, match="shape"):
        load_digits(tmp_path / "flat.npz")


# --- degradation and capture

DEFECTS = {
    "faint_toner": lambda page, rng: degradation.faint_toner(page, strength=0.6, rng=rng),
    "bleed_through": lambda page, rng: degradation.bleed_through(page, 255 - page, strength=0.1),
    "tone": lambda page, rng: degradation.tone(page, paper=230, ink=30),
    "blur": lambda page, rng: degradation.blur(page, sigma_px=1, motion_px=4, degrees=30),
    "noise": lambda page, rng: degradation.noise(page, sigma=6, grain_px=0.7, rng=rng),
    "specks": lambda page, rng: degradation.specks(page, per_megapixel=900, largest_px=5, rng=rng),
    "uneven_light": lambda page, rng: degradation.uneven_light(page, depth=0.3, rng=rng),
    "shadow": lambda page, rng: degradation.shadow(page, depth=0.4, rng=rng),
    "compress": lambda page, rng: degradation.compress(page, quality=60),
}


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("color", [False, True])
def test_a_defect_keeps_shape_and_type_and_leaves_its_argument_alone(defect, color):
    page = np.full((120, 161), 250, np.uint8)
    page[40:60, 30:120] = 10
    page = rgb(page) if color else page
    before = page.copy()
    worse = DEFECTS[defect](page, np.random.default_rng(3))
    assert (worse.shape, worse.dtype) == (page.shape, page.dtype)
    assert np.array_equal(page, before)
    assert not np.array_equal(worse, page)
    assert np.array_equal(worse, DEFECTS[defect](page, np.random.default_rng(3)))


def test_faint_toner_makes_print_lighter_and_leaves_the_paper_white():
    page = np.full((100, 100), 255, np.uint8)
    page[30:70, 30:70] = 20
    faint = degradation.faint_toner(page, strength=0.6, rng=np.random.default_rng(0))
    assert faint[30:70, 30:70].mean() > 80
    assert faint[:30].min() == 255


@pytest.mark.parametrize("condition", Condition)
@pytest.mark.parametrize("strength", [Strength.MILD, Strength.HARSH])
def test_a_captured_mark_lies_where_the_capture_says(condition, strength):
    marks_mm = np.array([(20.0, 20.0), (90.0, 18.0), (85.0, 60.0), (25.0, 62.0)])
    sheet = np.full((80 * 6, 110 * 6, 3), 255, np.uint8)
    for x, y in marks_mm:
        cv2.circle(sheet, (round(x * 6 - 0.5), round(y * 6 - 0.5)), 9, (0, 0, 0), -1, cv2.LINE_AA)
    for seed in range(3):
        taken = capture(
            sheet,
            condition=condition,
            strength=strength,
            px_per_mm=6,
            back=np.full_like(sheet, 255),
            rng=np.random.default_rng(seed),
        )
        gray = taken.pixels if taken.pixels.ndim == 2 else cv2.cvtColor(taken.pixels, cv2.COLOR_RGB2GRAY)
        for x, y in taken.page_from_form @ marks_mm:
            left, top = round(x) - 20, round(y) - 20
            patch = gray[top : top + 41, left : left + 41].astype(float)
            dark = patch < (patch.min() + np.median(patch)) / 2
            rows, columns = np.nonzero(cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5))))
            assert left + columns.mean() == pytest.approx(x, abs=1.2)
            assert top + rows.mean() == pytest.approx(y, abs=1.2)


def test_conditions_give_the_kinds_of_image_that_they_promise(form, pool):
    paper = rgb(draw_blank(form, dpi=DPI))
    pages = {
        condition: draw_page(
            form,
            paper,
            digits=pool,
            condition=condition,
            strength=Strength.NORMAL,
            dpi=DPI,
            rng=np.random.default_rng(2),
        )
        for condition in Condition
    }
    assert [condition for condition, page in pages.items() if page.pixels.ndim == 3] == [
        Condition.PHOTO,
        Condition.TURNED,
    ]
    assert set(np.unique(pages[Condition.COPIED].pixels)) == {0, 255}
    assert all(set(page.boxes_px) == set(page.values) for page in pages.values())


def test_the_boxes_of_a_page_hold_its_ink(form, pool):
    blank = rgb(draw_blank(form, dpi=150))
    page = draw_page(
        form,
        blank,
        digits=pool,
        condition=Condition.CLEAN,
        strength=Strength.MILD,
        dpi=150,
        rng=np.random.default_rng(8),
    )
    for name, value in page.values.items():
        box = page.boxes_px[name].grown(-4)
        inside = page.pixels[round(box.top) : round(box.bottom), round(box.left) : round(box.right)]
        cells = form.field(name).cells
        # Rules between the cells are as high as the box; what else is dark is writing.
        written = (inside < 150).mean(axis=0)
        assert ((written > 0.05) & (written < 0.9)).sum() > 2 * cells * bool(value) or not value, name
        if not value:
            assert (inside < 150).mean() < 0.02, name


# --- folders and the command line


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write(form: Template, out: Path, source: Path, pool: DigitPool, *, count: int = 7, seed: int = 3) -> int:
    return write_folder(form, source, out, digits=pool, count=count, seed=seed, dpi=DPI, strength=Strength.NORMAL)


def test_equal_seeds_write_equal_files_and_other_seeds_other_ones(form, pool, tmp_path):
    source = tmp_path / "template.yaml"
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert write(form, tmp_path / name, source, pool, seed=seed) == 6
    a, b, c = (files_below(tmp_path / name) for name in "abc")
    assert sorted(a) == [
        *(f"pages/00{number}{ending}" for number, ending in enumerate((".png", ".jpg", ".jpg", ".jpg", ".pdf"), 1)),
        "pages/006.tiff",
        "reference.png",
        "template.yaml",
        "truth.csv",
    ]
    assert a == b
    assert a["truth.csv"] != c["truth.csv"]
    assert all(a[name] != c[name] for name in a if name.startswith("pages/"))


def test_the_truth_names_every_field_of_every_page(form, pool, tmp_path):
    write(form, tmp_path / "out", tmp_path / "template.yaml", pool)
    with (tmp_path / "out" / "truth.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == TRUTH_COLUMNS
    assert len(rows) == 7 * len(form.fields)
    with Image.open(tmp_path / "out" / "pages" / "006.tiff") as copies:
        assert copies.n_frames == 2
        assert copies.mode == "1"
    assert {(row["source"], row["page"]) for row in rows if "006" in row["source"]} == {
        ("pages/006.tiff", "1"),
        ("pages/006.tiff", "2"),
    }
    assert load_template(tmp_path / "out" / "template.yaml").digest != form.digest, "the reference is there now"


def test_a_reference_that_exists_is_the_paper(pool, tmp_path):
    form = template_from(tmp_path)
    paper = np.full((160, 220), 255, np.uint8)
    paper[2:12, 60:160] = 0
    Image.fromarray(paper).save(tmp_path / "reference.png")
    write(form, tmp_path / "out", tmp_path / "template.yaml", pool, count=1)
    assert (tmp_path / "out" / "reference.png").read_bytes() == (tmp_path / "reference.png").read_bytes()
    with Image.open(tmp_path / "out" / "pages" / "001.png") as page:
        gray = np.array(page)
    width = gray.shape[1]
    assert (gray[: gray.shape[0] // 6, width // 3 : 2 * width // 3] < 60).mean() > 0.2


def test_what_is_there_already_is_not_written_over(form, pool, tmp_path):
    (tmp_path / "out" / "pages").mkdir(parents=True)
    with pytest.raises(OutputError, match="pages is there already"):
        write(form, tmp_path / "out", tmp_path / "template.yaml", pool, count=1)


def test_an_output_that_cannot_be_written_is_a_clear_error(form, pool, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write(form, tmp_path / "file" / "out", tmp_path / "template.yaml", pool, count=1)


def test_a_reference_outside_the_templates_folder_is_an_error(pool, tmp_path):
    form = template_from(tmp_path, FORM.replace("reference.png", "../reference.png"))
    with pytest.raises(TemplateError, match="outside the template's folder"):
        write(form, tmp_path / "out", tmp_path / "template.yaml", pool, count=1)


def test_the_command_line_draws_a_folder(pool, tmp_path):
    template_from(tmp_path)
    np.savez(tmp_path / "m.npz", x_test=pool.images, y_test=pool.labels)
    arguments = [str(tmp_path / "template.yaml"), "--digits", str(tmp_path / "m.npz"), "-n", "2", "--dpi", "100"]
    result = CliRunner().invoke(app, ["synthesize", *arguments, "-o", str(tmp_path / "out"), "--strength", "harsh"])
    assert result.exit_code == 0, result.output
    assert "2 pages in 2 files" in result.output
    assert (tmp_path / "out" / "pages" / "002.jpg").exists()


# --- the shipped samples


@pytest.mark.parametrize("design", DESIGNS)
def test_a_samples_truth_fits_its_template_and_its_pages(design):
    template = load_template(SAMPLES / design / "template.yaml")
    with (SAMPLES / design / "truth.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    sources = {row["source"] for row in rows}
    assert sources == {f"pages/{path.name}" for path in (SAMPLES / design / "pages").iterdir()}
    pages = {(row["source"], row["page"]) for row in rows}
    assert len(pages) >= 4
    for page in pages:
        of_page = [row for row in rows if (row["source"], row["page"]) == page]
        assert [row["field"] for row in of_page] == [field.name for field in template.fields]
        for row in of_page:
            assert check(template.field(row["field"]), row["value"]) == (), row
    with Image.open(SAMPLES / design / "reference.png") as reference:
        ratio = reference.width / reference.height
    assert ratio == pytest.approx(template.page.width_mm / template.page.height_mm, rel=0.005)


def test_the_samples_name_origin_and_license_and_are_small():
    for design in DESIGNS:
        readme = (SAMPLES / design / "README.md").read_text()
        assert f"docproc synthesize samples/{design}/template.yaml" in readme
        assert "CC BY-SA 3.0" in readme
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 6_000_000
