"""Digits drawn from stroke models: every style is itself and no other digit, and a writer stays one writer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from docproc.training.digits.augmentation import CANVAS_PX, GLYPH_PX
from docproc.training.digits.strokes import Stroke, arc, corner, smooth, write
from docproc.training.digits.styles import NAME, STYLES, Hand, draw_digit, draw_digits, draw_hand, drawn_styles
from docproc.training.mixture import aged_glyphs

ALL_STYLES = [(digit, name) for digit, known in enumerate(STYLES) for name in known]
NO_HOLE = [
    *[(1, name) for name in STYLES[1] if name != "looped"],
    *[(2, "swan"), (2, "like Z"), (3, "round"), (3, "flat top")],
    *[(4, "open"), (4, "lightning"), (4, "like y"), (4, "cup")],
    *[(5, name) for name in STYLES[5]],
    *[(7, "plain"), (7, "hooked"), (7, "wavy"), (7, "barred")],
]
ONE_HOLE = [
    (0, "oval"),
    (4, "closed"),
    (6, "round"),
    (6, "small bowl"),
    (6, "like b"),
    (9, "straight"),
    (9, "curled"),
]


def hand_with(digit: int, style: str, rng: np.random.Generator) -> Hand:
    """A hand that writes one digit in one style."""
    hand = draw_hand(rng)
    styles = [style if known == digit else name for known, name in enumerate(hand.styles)]
    return replace(hand, styles=styles)


def strokes_of(digit: int, style: str, rng: np.random.Generator) -> list[Stroke]:
    return STYLES[digit][style][1](lambda low, high: float(rng.uniform(low, high)))


def holes(ink: np.ndarray) -> int:
    """Patches of paper, of 3 pixels and more, that ink closes in."""
    paper = (ink < 64).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(paper, connectivity=4)
    return int((stats[1:, cv2.CC_STAT_AREA] >= 3).sum()) - 1


@pytest.mark.parametrize(("digit", "style"), ALL_STYLES)
def test_every_style_is_drawn_within_its_canvas_at_forty_pixels(digit, style):
    rng = np.random.default_rng(3)
    for _ in range(10):
        ink = draw_digit(digit, hand_with(digit, style, rng), rng)
        assert ink.shape == (CANVAS_PX, CANVAS_PX)
        assert ink.dtype == np.uint8
        assert abs(max(cv2.boundingRect(ink)[2:]) - GLYPH_PX) <= 4
        assert ink.max() == 255


@pytest.mark.parametrize(("digit", "style"), NO_HOLE)
def test_a_digit_without_a_bowl_stays_open(digit, style):
    rng = np.random.default_rng(4)
    drawn = [draw_digit(digit, replace(hand_with(digit, style, rng), pen_px=2.2), rng) for _ in range(30)]
    assert [holes(ink) for ink in drawn].count(0) >= 28


@pytest.mark.parametrize(("digit", "style"), ONE_HOLE)
def test_a_digit_with_one_bowl_closes_it(digit, style):
    rng = np.random.default_rng(5)
    drawn = [draw_digit(digit, replace(hand_with(digit, style, rng), pen_px=3.5), rng) for _ in range(30)]
    assert [min(holes(ink), 1) for ink in drawn].count(1) >= 26


def test_an_eight_of_two_circles_has_two_holes():
    rng = np.random.default_rng(6)
    drawn = [draw_digit(8, replace(hand_with(8, "two circles", rng), pen_px=3.0), rng) for _ in range(30)]
    assert [holes(ink) for ink in drawn].count(2) >= 26


@pytest.mark.parametrize("style", ["long upstroke", "wide upstroke", "flag", "flag and base"])
def test_the_upstroke_of_a_one_starts_low_at_the_left_and_climbs_even_when_slanted(style):
    rng = np.random.default_rng(7)
    for _ in range(100):
        main = strokes_of(1, style, rng)[0]
        start, top = np.array(main[0]), np.array(main[2])
        run, rise = top[0] - start[0] + 0.45 * (start[1] - top[1]), start[1] - top[1]
        assert run > 0
        assert np.degrees(np.arctan2(rise, run)) > 31


@pytest.mark.parametrize(
    "style", [style for style in STYLES[7] if style not in ("short and barred", "dipped and barred")]
)
def test_the_top_of_a_seven_is_level_where_it_meets_the_stem(style):
    rng = np.random.default_rng(8)
    for _ in range(100):
        main = strokes_of(7, style, rng)[0]
        at = next(i for i in range(len(main) - 1, 0, -1) if main[i] == main[i - 1])
        bend, before = np.array(main[at]), np.array(main[at - 2])
        assert bend[0] - before[0] > 0.12
        assert abs(np.degrees(np.arctan2(before[1] - bend[1], bend[0] - before[0]))) < 33
        assert bend[0] - min(x for x, _ in main[: at - 1]) >= 0.44


def test_a_seven_with_a_short_top_has_a_bar_longer_than_it():
    rng = np.random.default_rng(8)
    for _ in range(100):
        stem, bar = strokes_of(7, "short and barred", rng)
        assert stem[0][0] < stem[1][0]
        assert bar[1][0] - bar[0][0] > 1.5 * (stem[1][0] - stem[0][0])


def test_a_seven_with_a_dipped_top_is_no_four():
    rng = np.random.default_rng(8)
    for _ in range(100):
        top, bar = strokes_of(7, "dipped and barred", rng)
        corner = next(i for i in range(1, len(top)) if top[i] == top[i - 1])
        lowest = max(y for _, y in top[:corner])
        assert min(y for _, y in bar) - lowest > 0.07  # a 4's arm runs into its bar
        assert lowest - top[corner][1] > 0.12
        assert bar[0][0] < top[corner + 1][0] < bar[1][0]


def test_a_writer_keeps_style_and_slant_and_writers_differ():
    rng = np.random.default_rng(9)
    hands = [draw_hand(rng) for _ in range(60)]
    assert {hand.styles[7] for hand in hands} == set(STYLES[7])
    assert np.std([hand.slant for hand in hands]) > 0.08

    def spread(pairs: list[tuple[Hand, Hand]]) -> float:
        return float(np.mean([np.abs(draw_digit(4, a, rng) - 1.0 * draw_digit(4, b, rng)).mean() for a, b in pairs]))

    same = spread([(hand, hand) for hand in hands])
    other = spread(list(pairwise(hands)))
    assert same < 0.7 * other


def test_writers_write_every_digit_and_labels_are_balanced():
    canvases, labels, writers = draw_digits(600, np.random.default_rng(10))
    assert canvases.shape == (600, CANVAS_PX, CANVAS_PX)
    assert (labels.dtype, writers.dtype) == (np.uint8, np.int64)
    assert np.bincount(labels, minlength=10).min() >= 45
    assert np.all(np.diff(writers) >= 0)
    counts = np.bincount(writers)[:-1]
    assert counts.min() >= 20
    assert counts.max() <= 40
    assert set(labels[writers == 0]) == set(range(10))


def test_the_same_seed_draws_the_same_digits_and_another_does_not():
    one, again, other = drawn_styles(50, 1), drawn_styles(50, 1), drawn_styles(50, 2)
    assert np.array_equal(one.canvases, again.canvases)
    assert np.array_equal(one.labels, again.labels)
    assert not np.array_equal(one.canvases, other.canvases)


def test_drawn_styles_are_a_source_that_the_mixture_takes():
    source = drawn_styles(60, 3)
    assert source.name == NAME
    glyphs, classes = aged_glyphs([source], count=40, seed=0, epoch=0)
    assert glyphs.shape[1:] == (28, 28)
    assert len(classes) == len(glyphs)


def test_nothing_drawn_is_also_no_digit():
    canvases, labels, writers = draw_digits(0, np.random.default_rng(0))
    assert (len(canvases), len(labels), len(writers)) == (0, 0, 0)


def test_a_corner_stays_sharp_and_other_points_are_rounded():
    sharp = smooth([(0, 0), *corner(1, 0), (1, 1)])
    round_off = smooth([(0, 0), (1, 0), (1, 1)])
    assert np.hypot(*(sharp - [1, 0]).T).min() < 0.01
    assert np.hypot(*(round_off - [1, 0]).T).min() > 0.15


def test_an_arc_starts_at_its_angle_and_shrinks():
    points = np.array(arc((1, 2), (3, 1), 0, -90, shrink=0.5))
    assert points[0] == pytest.approx((4, 2))
    assert points[-1] == pytest.approx((1, 1.5))


def test_a_broader_pen_leaves_more_ink_at_the_same_size():
    rng = np.random.default_rng(0)
    curve = np.array([[0.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    fine, broad = write([curve], rng, pen_px=2), write([curve], rng, pen_px=5)
    assert broad.sum() > 2 * fine.sum()
    assert abs(cv2.boundingRect(broad)[3] - cv2.boundingRect(fine)[3]) <= 2
