"""What is wrong with a page's picture is measured and named; what lies under glare is never accepted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import load

from docproc.batch import process_batch
from docproc.character.recognizer import load_recognizer
from docproc.decision import Policy
from docproc.form.boxes import page_gray
from docproc.form.defects import Defects, Kind, find_defects
from docproc.form.registration import Registration, register
from docproc.page import Gray
from docproc.pipeline import read_page
from docproc.reading import Record, Verdict
from docproc.synthesis import degradation
from docproc.template import load_template

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "meter_reading"


@pytest.fixture(scope="module")
def flat() -> tuple[Gray, Registration]:
    page = load(SAMPLE / "pages" / "001.png")
    found = register(page, load_template(SAMPLE / "template.yaml"))
    assert isinstance(found, Registration)
    return page_gray(page), found


def px_per_mm(found: Registration) -> float:
    return found.page_from_form.scale_at(*found.template.page.box.center)


def measured(gray: Gray, found: Registration) -> Defects:
    return find_defects(gray, found.located, page_from_form=found.page_from_form, sheet=found.template.page.box)


def lamp(gray: Gray, found: Registration, name: str, radius_mm: float) -> Gray:
    """A gray photo of the page with a lamp mirrored in a field."""
    (located,) = (one for one in found.located if one.field.name == name)
    x, y = (located.page_from_form @ np.array([located.field.box.center]))[0]
    rows, columns = np.mgrid[: gray.shape[0], : gray.shape[1]]
    distance = np.hypot(rows - y, columns - x) / (radius_mm * px_per_mm(found))
    light = 255 * np.exp(-(np.maximum(distance - 1, 0) ** 2) / 0.3)
    return np.clip(gray * 0.8 + light, 0, 255).astype(np.uint8)


def read(gray: Gray) -> Record:
    page = replace(load(SAMPLE / "pages" / "001.png"), pixels=gray)
    return read_page(page, [load_template(SAMPLE / "template.yaml")], load_recognizer(), Policy(review_below=0.9))


def test_a_sharp_scan_has_no_defects(flat: tuple[Gray, Registration]) -> None:
    assert measured(*flat) == Defects()


def test_blur_is_named_from_where_fewer_fields_are_accepted(flat: tuple[Gray, Registration]) -> None:
    gray, found = flat
    soft = degradation.blur(gray, sigma_px=0.6 * px_per_mm(found))
    (defect,) = measured(soft, found).found
    assert defect.kind is Kind.BLUR
    assert 0.2 < defect.value < 0.7
    assert str(defect).startswith("blur=0.")
    assert str(defect).endswith(" mm")
    assert not measured(degradation.blur(gray, sigma_px=0.15 * px_per_mm(found)), found).found


def test_darkness_is_named_by_how_bright_the_paper_is(flat: tuple[Gray, Registration]) -> None:
    gray, found = flat
    (defect,) = measured((gray * 0.2).astype(np.uint8), found).found
    assert str(defect) == "darkness=51 of 255"


def test_a_dark_page_is_still_laid_on_its_template(flat: tuple[Gray, Registration]) -> None:
    gray, _ = flat
    record = read((gray * 0.15).astype(np.uint8))
    assert record.template == "meter reading"
    assert record.residual_mm is not None
    assert "defect:darkness=38 of 255" in record.reasons


@pytest.mark.parametrize("radius_mm", [3, 6, 20])
def test_what_lies_under_glare_is_not_trusted(flat: tuple[Gray, Registration], radius_mm: float) -> None:
    gray, found = flat
    name = found.template.fields[3].name
    spoiled = lamp(gray, found, name, radius_mm)
    assert name in measured(spoiled, found).hidden
    record = read(spoiled)
    (reading,) = (one for one in record.fields if one.name == name)
    assert reading.verdict is not Verdict.ACCEPTED
    assert "defect:glare" in reading.reasons
    assert any(reason.startswith("defect:glare=") and reason.endswith(" %") for reason in record.reasons)


@pytest.mark.parametrize("radius_mm", [5, 10, 30])
@pytest.mark.parametrize("softness", [0.05, 0.15, 0.35])
def test_what_soft_glare_bleaches_is_not_trusted(
    flat: tuple[Gray, Registration], radius_mm: float, softness: float
) -> None:
    """A white spot with soft edges over the first digits: they grow pale, and no line may be lost."""
    gray, found = flat
    (located,) = (one for one in found.located if one.field.name == "consumption")
    x, y = (located.page_from_form @ np.array([[located.field.box.left + 8, located.field.box.center[1]]]))[0]
    radius = radius_mm * px_per_mm(found)
    spot = np.zeros(gray.shape, np.float32)
    cv2.circle(spot, (round(x), round(y)), round(radius), 1.0, -1)
    spot = cv2.GaussianBlur(spot, (0, 0), softness * radius)
    spoiled = (gray * 0.8 * (1 - spot) + 255 * spot).astype(np.uint8)
    assert "consumption" in measured(spoiled, found).hidden


def test_a_shadow_across_fields_is_no_glare(flat: tuple[Gray, Registration]) -> None:
    gray, found = flat
    columns = np.arange(gray.shape[1])
    light = 0.85 - 0.5 / (1 + np.exp((columns - gray.shape[1] / 2) / 12))
    assert not measured((gray * light).astype(np.uint8), found).hidden


def test_worse_blur_is_a_larger_number(flat: tuple[Gray, Registration]) -> None:
    gray, found = flat
    noisy = [
        degradation.noise(
            cv2.GaussianBlur(gray, (0, 0), sigma), sigma=2.5, grain_px=0.6, rng=np.random.default_rng(1)
        )
        for sigma in (4, 6, 9, 12, 16, 20)
    ]
    values = [measured(picture, found).found[0].value for picture in noisy]
    assert values == sorted(values)
    assert values[-1] > 3 * values[0]


def test_paper_that_is_lit_brightly_is_no_glare_where_its_print_is_seen(flat: tuple[Gray, Registration]) -> None:
    """A lamp beside the page: paper is white on one side, gray on the other."""
    gray, found = flat
    light = np.linspace(0.7, 1.3, gray.shape[1])
    assert not measured(np.clip(gray * light, 0, 255).astype(np.uint8), found).hidden


def test_a_cut_corner_is_named_with_what_is_missing(flat: tuple[Gray, Registration]) -> None:
    gray, found = flat
    off = round(6 * px_per_mm(found))
    record = read(np.ascontiguousarray(gray[:, off:]))
    (reason,) = (reason for reason in record.reasons if reason.startswith("defect:cut"))
    assert 3.5 < float(reason.removeprefix("defect:cut=").removesuffix(" mm")) < 9


def test_a_page_that_lies_on_no_template_says_that_it_is_blurred(flat: tuple[Gray, Registration]) -> None:
    gray, found = flat
    record = read(cv2.GaussianBlur(gray, (0, 0), 1.6 * px_per_mm(found)))
    assert record.reasons[0] == "registration"
    assert record.reasons[1].startswith("defect:blur=")
    assert record.reasons[1].endswith(" px")


def test_a_doubtful_field_of_a_blurred_page_says_so_and_an_accepted_one_does_not(
    flat: tuple[Gray, Registration],
) -> None:
    gray, found = flat
    record = read(degradation.blur(gray, sigma_px=0.6 * px_per_mm(found)))
    doubtful = [one for one in record.fields if one.verdict is not Verdict.ACCEPTED]
    assert doubtful
    assert all("defect:blur" in one.reasons for one in doubtful)
    assert all("defect:blur" not in one.reasons for one in record.fields if one.verdict is Verdict.ACCEPTED)


def test_a_batch_counts_bad_pictures(flat: tuple[Gray, Registration], tmp_path: Path) -> None:
    gray, _ = flat
    cv2.imwrite(str(tmp_path / "dark.png"), (gray * 0.2).astype(np.uint8))
    summary = process_batch([tmp_path / "dark.png"], tmp_path / "out", template_paths=[SAMPLE / "template.yaml"])
    assert (summary.pages, summary.pages_defective) == (1, 1)
    assert summary.as_dict()["pages_defective"] == 1


def test_a_picture_without_fields_is_measured_as_a_whole() -> None:
    assert find_defects(np.full((400, 300), 20, np.uint8), ()).found[0].kind is Kind.DARKNESS
    assert find_defects(np.full((3, 2), 255, np.uint8), ()) == Defects()


def test_a_page_is_not_changed_by_being_measured(flat: tuple[Gray, Registration]) -> None:
    gray, found = flat
    before = gray.copy()
    measured(gray, found)
    assert np.array_equal(gray, before)


def test_what_has_no_edges_when_it_is_looked_at_roughly_is_not_blurred() -> None:
    checkered = (np.indices((60, 160)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert not [defect for defect in find_defects(checkered, ()).found if defect.kind == "blur"]
