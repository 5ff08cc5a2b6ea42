"""Digits drawn as hands write that MNIST lacks: European 1 and 7, open 4, hooked 9, and what else `shapes` knows.

In:  a count and a random generator or seed.
Out: canvases (N, 64, 64) uint8 ink, longest side 40, their labels and their writers.
A writer is one choice of style for each digit, habits within that style, and a hand: slant, width, pen, wobble. What
varies from digit to digit of one writer is less than what varies between writers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from docproc.character.normalization import normalize_all
from docproc.page import Ink
from docproc.training.digits import shapes
from docproc.training.digits.augmentation import CANVAS_PX
from docproc.training.digits.datasets import Digits
from docproc.training.digits.shapes import Habit
from docproc.training.digits.strokes import Curve, Stroke, smooth, write

Shape = Callable[[Habit], list[Stroke]]

NAME = "drawn styles"
LICENSE = "MIT"  #: The project's own: nothing in these digits comes from anywhere else.

_DIGITS_OF_A_WRITER = (20, 41)  #: Bounds of a draw, the upper one excluded.
_MEASURES = 24  #: More than any style asks for.
_WITHIN = 0.16  #: Of a measure's range: standard deviation from digit to digit of one writer.
_SLANT_WITHIN = 0.04
_STEP = 0.03  #: Of the digit's height: distance of the points that curves are drawn through.
_WAVES = 0.6  #: Waves over a digit's height, in each direction: standard deviation.
_BENT = (0.0, 0.045)  #: Of the height: how far a writer's own form of a digit is bent away from its style's,
_WIDENED = 0.12  #: and the standard deviation of the logarithm of its width.
_MISSED = 0.012  #: Of the height: standard deviation with which a second stroke misses its place.


#: Of each digit, 0 to 9, the styles by name: their weight among hands of Europe, judged by eye, and their shape.
STYLES: Sequence[dict[str, tuple[float, Shape]]] = (
    {
        "oval": (5, lambda h: shapes.zero(h, (350, 372))),
        "slightly open": (1, lambda h: shapes.zero(h, (328, 345))),
        "overlapping": (1.5, lambda h: shapes.zero(h, (385, 440), (0.72, 0.9))),
        "slashed": (0.3, shapes.zero_slashed),
        "looped": (1, shapes.zero_looped),
    },
    {
        "upstroke from the foot": (1.5, lambda h: shapes.one(h, (0.78, 1.0), flatness=(0.35, 0.62))),
        "long upstroke": (5, lambda h: shapes.one(h, (0.36, 0.8))),
        "wide upstroke": (1.5, lambda h: shapes.one(h, (0.55, 0.9), flatness=(0.8, 1.1))),
        "flag": (2, lambda h: shapes.one(h, (0.2, 0.34))),
        "flag and base": (1, lambda h: shapes.one(h, (0.2, 0.32), base=True)),
        "bar": (1.5, shapes.one_bar),
        "arched": (1.5, shapes.one_arched),
        "looped": (1, shapes.one_looped),
    },
    {
        "swan": (4, shapes.two),
        "looped": (2, shapes.two_looped),
        "ringed": (2, shapes.two_ringed),
        "ringed and looped": (1, lambda h: shapes.two_ringed(h, looped=True)),
        "like Z": (1.5, shapes.two_angular),
        "narrow": (2, shapes.two_narrow),
    },
    {
        "round": (4, shapes.three),
        "flat top": (1, shapes.three_flat),
        "looped": (1, shapes.three_looped),
    },
    {
        "open": (4, shapes.four_open),
        "lightning": (2, shapes.four_lightning),
        "like y": (1.5, shapes.four_rounded),
        "cup": (1.5, shapes.four_cup),
        "short": (1, shapes.four_short),
        "closed": (1.5, shapes.four_closed),
    },
    {
        "two strokes": (3, lambda h: shapes.five_two_strokes(h, (0.55, 0.75), (0.0, 0.03))),
        "long bar": (1.5, lambda h: shapes.five_two_strokes(h, (0.78, 1.0), (0.0, 0.04))),
        "bar apart": (1, lambda h: shapes.five_two_strokes(h, (0.6, 0.85), (0.06, 0.14))),
        "one stroke": (2, shapes.five_one_stroke),
        "like S": (2.5, shapes.five_s),
        "angular": (0.7, shapes.five_angular),
        "narrow": (1.5, shapes.five_narrow),
        "ticked": (1, shapes.five_ticked),
    },
    {
        "round": (4, lambda h: shapes.six(h, (0.46, 0.6), 0.0, h(335, 375))),
        "hooked": (1, lambda h: shapes.six(h, (0.44, 0.56), 0.08, h(335, 375))),
        "small bowl": (1, lambda h: shapes.six(h, (0.36, 0.46), 0.0, h(340, 385))),
        "like b": (1.5, shapes.six_straight),
        "like G": (1.5, shapes.six_open),
    },
    {
        "barred": (4, shapes.seven),
        "plain": (1.5, lambda h: shapes.seven(h, barred=False)),
        "hooked and barred": (1.5, lambda h: shapes.seven(h, top="hooked")),
        "hooked": (1, lambda h: shapes.seven(h, top="hooked", barred=False)),
        "hung and barred": (1.5, lambda h: shapes.seven(h, top="hung")),
        "dipped and barred": (3, shapes.seven_dipped),
        "wavy and barred": (2.5, lambda h: shapes.seven(h, top="wavy")),
        "wavy": (0.5, lambda h: shapes.seven(h, top="wavy", barred=False)),
        "short and barred": (1, shapes.seven_short),
    },
    {
        "one stroke": (4, lambda h: shapes.eight(h, h(-0.04, 0.04))),
        "not closed": (1, lambda h: shapes.eight(h, h(0.1, 0.16))),
        "two circles": (2, shapes.eight_circles),
    },
    {
        "straight": (2, shapes.nine),
        "curled": (4, shapes.nine_curled),
        "eared": (1.5, shapes.nine_eared),
        "wavy": (1, shapes.nine_wavy),
        "swept": (1.5, shapes.nine_swept),
        "leaning": (2.5, shapes.nine_leaning),
        "nearly closed": (1, lambda h: shapes.nine_curled(h, (312, 328))),
        "like P": (1.5, shapes.nine_like_p),
        "like R": (1, shapes.nine_like_r),
    },
)


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """How one writer writes; lengths are shares of a digit's height."""

    styles: Sequence[str]  #: Of each digit, 0 to 9.
    measures: npt.NDArray[np.float64]  #: (10, 24) shares, 0 to 1: where each measure of those styles lies.
    slant: float  #: Horizontal shear, to the right.
    tilt_deg: float
    width: float  #: Times the style's own.
    wobble: float  #: Amplitude of waves that differ from digit to digit,
    bend: float  #: and of those that are the writer's own form of a digit:
    waves: npt.NDArray[np.float64]  #: (10, 2, 2, 2), of each digit two waves in x and in y,
    phases: npt.NDArray[np.float64]  #: (10, 2, 2);
    widths: npt.NDArray[np.float64]  #: (10,), and how wide it is, times `width`.
    rounding: float  #: Length along the stroke over which corners are rounded.
    pen_px: float
    pressure: float  #: Share by which the pen's width varies along a stroke.


def draw_hand(rng: np.random.Generator) -> Hand:
    """A new writer."""
    styles = []
    for known in STYLES:
        weights = np.array([weight for weight, _ in known.values()])
        styles.append(list(known)[rng.choice(len(known), p=weights / weights.sum())])
    return Hand(
        styles=styles,
        measures=rng.random((len(STYLES), _MEASURES)),
        slant=float(np.clip(rng.normal(0.12, 0.17), -0.2, 0.45)),
        tilt_deg=float(np.clip(rng.normal(0, 2.0), -4, 4)),
        width=float(np.clip(np.exp(rng.normal(0, 0.15)), 0.8, 1.35)),
        wobble=rng.uniform(0.004, 0.02),
        bend=rng.uniform(*_BENT),
        waves=rng.normal(0, _WAVES, (len(STYLES), 2, 2, 2)),
        phases=rng.uniform(0, 2 * np.pi, (len(STYLES), 2, 2)),
        widths=np.exp(rng.normal(0, _WIDENED, len(STYLES))),
        rounding=rng.uniform(0.0, 0.15),
        pen_px=float(np.clip(np.exp(rng.normal(1.15, 0.35)), 1.6, 5.5)),
        pressure=rng.uniform(0.0, 0.3),
    )


def draw_digit(digit: int, hand: Hand, rng: np.random.Generator) -> Ink:
    """One digit of a hand, on a canvas (64, 64)."""
    given = iter(np.clip(hand.measures[digit] + rng.normal(0, _WITHIN, _MEASURES), 0, 1))

    def habit(low: float, high: float) -> float:
        return low + (high - low) * float(next(given))

    _, shape = STYLES[digit][hand.styles[digit]]
    curves = [_rounded(stroke, hand.rounding) for stroke in shape(habit)]
    curves = [curve + (rng.normal(0, _MISSED, 2) if i else 0.0) for i, curve in enumerate(curves)]
    bent = _by_hand(curves, digit, hand, rng)
    return write(bent, rng, pen_px=hand.pen_px * rng.uniform(0.9, 1.1), pressure=hand.pressure)


def draw_digits(
    count: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Canvases (N, 64, 64) of digits by as many writers as they need, labels (N,) and writers (N,), 0, 1, ..."""
    canvases = np.zeros((count, CANVAS_PX, CANVAS_PX), np.uint8)
    labels = np.zeros(count, np.uint8)
    writers = np.zeros(count, np.int64)
    first = writer = 0
    while first < count:
        last = min(first + int(rng.integers(*_DIGITS_OF_A_WRITER)), count)
        hand = draw_hand(rng)
        # Each digit once before any comes twice: every writer shows all of a style's set.
        labels[first:last] = np.concatenate([rng.permutation(10) for _ in range(-(-(last - first) // 10))])[
            : last - first
        ]
        writers[first:last] = writer
        for index in range(first, last):
            canvases[index] = draw_digit(int(labels[index]), hand, rng)
        first, writer = last, writer + 1
    return canvases, labels, writers


def drawn_styles(count: int, seed: int) -> Digits:
    """So many drawn digits as a source to train on."""
    canvases, labels, writers = draw_digits(count, np.random.default_rng(seed))
    return Digits(NAME, canvases, normalize_all(list(canvases)), labels, writers)


def _rounded(stroke: Stroke, length: float) -> Curve:
    """The stroke's curve in even steps, its corners rounded by a mean over `length` of it; the ends stay."""
    curve = smooth(stroke)
    path = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    at = np.linspace(0, path[-1], max(round(path[-1] / _STEP), 2) + 1)
    even = np.column_stack([np.interp(at, path, axis) for axis in curve.T])
    reach = round(length / _STEP / 2)
    if reach == 0:
        return even
    # Mirrored through its ends, a curve keeps them under a mean.
    before, after = 2 * even[0] - even[reach:0:-1], 2 * even[-1] - even[-2 : -reach - 2 : -1]
    longer = np.vstack([before, even, after])
    window = np.full(2 * reach + 1, 1 / (2 * reach + 1))
    return np.column_stack([np.convolve(axis, window, "same") for axis in longer.T])[
        len(before) : len(before) + len(even)
    ]


def _by_hand(curves: Sequence[Curve], digit: int, hand: Hand, rng: np.random.Generator) -> list[Curve]:
    """Waves over the whole digit, so that strokes which meet go on meeting; then width, slant and tilt."""
    waves, phases = rng.normal(0, _WAVES, (2, 2, 2)), rng.uniform(0, 2 * np.pi, (2, 2))
    tilt = np.deg2rad(hand.tilt_deg)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    slant = hand.slant + rng.normal(0, _SLANT_WITHIN)
    lean = np.array([[hand.width * hand.widths[digit], -slant], [0, 1]])
    bent = []
    for curve in curves:
        own = _waves(curve, hand.bend, hand.waves[digit], hand.phases[digit])
        bent.append((curve + own + _waves(curve, hand.wobble, waves, phases)) @ (turn @ lean).T)
    return bent


def _waves(curve: Curve, amplitude: float, waves: npt.NDArray[np.float64], phases: npt.NDArray[np.float64]) -> Curve:
    """How far each point of a curve is moved."""
    return amplitude * np.sin(2 * np.pi * np.einsum("nj,kij->kni", curve, waves) + phases[:, np.newaxis]).sum(axis=0)
