"""Glyphs painted on paper and cut by the pipeline: their labels can be trusted, and chance is all that differs."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from docproc.character.card import CLASSES, OTHER
from docproc.character.normalization import normalize
from docproc.training.digits.datasets import Digits
from docproc.training.painting import arrangement
from docproc.training.painting import sheet as painting
from docproc.training.painting.attribution import is_stroke
from docproc.training.painting.hands import Hand
from docproc.training.painting.sheet import Painted, make_sheet, paint_sheet, write_with
from docproc.training.painting.stock import paint_stock

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)


def canvas(digit: int, *, font: int = FONTS[0]) -> np.ndarray:
    image = np.zeros((64, 64), np.uint8)
    (width, height), _ = cv2.getTextSize(str(digit), font, 1.85, 4)
    cv2.putText(image, str(digit), ((64 - width) // 2, (64 + height) // 2), font, 1.85, 255, 4, cv2.LINE_AA)
    return image


def canvases(labels: np.ndarray) -> np.ndarray:
    return np.stack([canvas(int(label), font=FONTS[index % 3]) for index, label in enumerate(labels)])


def a_source() -> Digits:
    labels = np.tile(np.arange(10, dtype=np.uint8), 6)
    images = canvases(labels)
    glyphs = np.stack([normalize(image) for image in images])
    return Digits("drawn", images, glyphs, labels, np.full(len(labels), -1, np.int64))


def test_a_stock_is_the_same_whatever_the_number_of_workers() -> None:
    source = a_source()
    told: list[float] = []
    one = paint_stock([source], count=40, seed=4, negative_share=0.2, shares=[1.0], progress=told.append)
    two = paint_stock([source], count=40, seed=4, negative_share=0.2, shares=[0.83], workers=2)
    other = paint_stock([source], count=40, seed=5, negative_share=0.2, shares=[1.0])
    assert np.array_equal(one.glyphs, two.glyphs)
    assert np.array_equal(one.labels, two.labels)
    assert np.array_equal(one.sources, two.sources)
    assert not np.array_equal(one.glyphs, other.glyphs)
    assert one.glyphs.shape == (40, 28, 28) and one.glyphs.dtype == np.uint8
    assert one.labels.shape == (40,) and one.labels.dtype == np.uint8
    assert one.sources.shape == (40,) and one.sources.dtype == np.int16
    assert told == sorted(told) and told[-1] == 1.0


def test_only_digits_have_a_source() -> None:
    stock = paint_stock([a_source(), a_source()], count=80, seed=1, negative_share=0.3, shares=[1.0, 1.0])
    assert set(stock.sources[stock.labels < 10]) == {0, 1}
    assert set(stock.sources[stock.labels >= 10]) == {-1}
    assert (stock.glyphs.reshape(len(stock), -1).max(axis=1) > 200).all()


def write_tidily(monkeypatch: pytest.MonkeyPatch, families: tuple[float, ...], *, spacing: float = 0.25) -> None:
    """Every hand is the same careful one, on forms of these kinds alone."""
    hand = Hand(
        digit_px=36.0,
        fill=0.6,
        wander=0.03,
        size_spread=0.04,
        spacing=spacing,
        empty_share=0.05,
        separator_share=0.0,
    )
    monkeypatch.setattr(Hand, "drawn", lambda rng, digit_px: replace(hand, digit_px=digit_px))
    monkeypatch.setattr(arrangement, "_FAMILY_SHARES", families)


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_tidy_digits_on_a_clean_sheet_keep_their_labels(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tidily(monkeypatch, (0.4, 0.3, 0.3, 0, 0, 0, 0))
    labels = np.tile(np.arange(10, dtype=np.uint8), 6)
    sheet = make_sheet(canvases(labels), labels, np.random.default_rng(seed), paper="plain", way="clean")
    shown = {found.mark for founds in sheet.found for found in founds if found.kind == "mark"}
    assert len(shown) > 0.75 * len(labels)


@pytest.mark.parametrize("seed", [11, 12])
def test_a_labelled_glyph_looks_like_its_digit(seed: int) -> None:
    labels = np.tile(np.array([0, 8, 7], np.uint8), 20)
    painted = paint_sheet(canvases(labels), labels, np.random.default_rng(seed))
    models = [
        cv2.GaussianBlur(normalize(canvas(digit)), (0, 0), 2.5).astype(np.float32).ravel() for digit in (0, 7, 8)
    ]
    for digit in (0, 7, 8):
        own = painted.glyphs[painted.labels == digit]
        if len(own) < 3:
            continue
        mean = cv2.GaussianBlur(own.mean(axis=0).astype(np.float32), (0, 0), 2.5).ravel()
        likeness = [float(mean @ model / np.sqrt((mean @ mean) * (model @ model))) for model in models]
        assert (0, 7, 8)[int(np.argmax(likeness))] == digit


def test_empty_cells_never_give_a_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrangement._Desk, "_write", lambda self, number, piece, x, y: arrangement.Box(x, y, 1, 1))
    labels = np.tile(np.arange(10, dtype=np.uint8), 6)
    images = canvases(labels)
    for seed in range(3):
        painted = paint_sheet(images, labels, np.random.default_rng(seed))
        assert set(painted.labels) <= {CLASSES.index(OTHER)}


def test_digits_that_the_pipeline_joins_are_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    write_tidily(monkeypatch, (0, 0, 0, 0, 0, 0, 1.0), spacing=0.06)
    labels = np.tile(np.array([0, 2, 3, 5, 8], np.uint8), 8)
    narrow = np.stack([np.pad(cv2.resize(image, (36, 64)), ((0, 0), (14, 14))) for image in canvases(labels)])
    sheet = make_sheet(narrow, labels, np.random.default_rng(3), paper="plain", way="clean")
    pairs = [
        (glyph.box_px, found)
        for proposal, founds in zip(sheet.proposals, sheet.found, strict=True)
        for glyph, found in zip(proposal.glyphs, founds, strict=True)
    ]
    merged = [box for box, found in pairs if found.kind == "merged"]
    single = [box for box, found in pairs if found.kind == "mark"]
    assert len(merged) > 5 and len(single) > 20
    assert min(box.width for box in merged) > np.median([box.width for box in single])
    assert all(found.mark == -1 for _, found in pairs if found.kind == "merged")


def test_a_lone_upright_stroke_is_not_called_anything() -> None:
    wall = np.zeros((60, 30), np.uint8)
    wall[5:55, 14:17] = 200
    foot = wall.copy()
    foot[52:55, 10:21] = 200
    corner = np.zeros((60, 60), np.uint8)
    corner[5:9, 10:50] = corner[5:50, 46:50] = 200
    box = np.zeros((60, 60), np.uint8)
    cv2.rectangle(box, (10, 10), (50, 50), 200, 2)
    assert is_stroke(wall) and is_stroke(wall.T.copy()) and is_stroke(foot) and is_stroke(corner)
    assert not is_stroke(box)


def test_a_thin_pen_breaks_nothing_and_a_thick_one_fills_nothing() -> None:
    for digit in range(10):
        plain = canvas(digit)
        for pen_px in (1.6, 3.0, 5.5):
            written = write_with(plain, pen_px)
            assert _pieces(written) == _pieces(plain)
    thin, thick = (write_with(canvas(3), pen_px).sum() for pen_px in (1.6, 5.5))
    assert thick > 1.3 * thin


def test_no_sheets_give_an_empty_stock() -> None:
    empty = Painted.joined([])
    assert len(empty) == 0 and empty.glyphs.shape == (0, 28, 28)


def test_every_paper_can_be_painted_on_in_every_way() -> None:
    labels = np.tile(np.arange(10, dtype=np.uint8), 2)
    images = canvases(labels)
    for index, paper in enumerate(painting.KINDS):
        way = painting.WAYS[index % len(painting.WAYS)]
        sheet = make_sheet(images, labels, np.random.default_rng(index), paper=paper, way=way)
        assert sheet.page.pixels.dtype == np.uint8
        assert (sheet.page.pixels.ndim == 3) == (way in ("color", "photo"))


def _pieces(ink: np.ndarray) -> tuple[int, int]:
    """Parts of ink, and of paper."""
    solid = (ink > 90).astype(np.uint8)
    return cv2.connectedComponents(solid, connectivity=8)[0] - 1, cv2.connectedComponents(1 - solid, connectivity=4)[
        0
    ] - 1
