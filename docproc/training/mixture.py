"""What the network is shown: digits of all sources, drawn negatives, and glyphs cut from painted sheets.

In:  digits on canvases, painted glyphs, a seed and the number of the epoch: the same always give the same glyphs.
Out: glyphs (N, 28, 28) uint8 and classes (N,) uint8, shuffled.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from docproc.character.normalization import normalize, normalize_all
from docproc.training.digits.augmentation import augment, bend
from docproc.training.digits.datasets import Digits
from docproc.training.digits.negatives import draw_negatives
from docproc.training.painting.sheet import Painted

NEGATIVE_SHARE = 0.15  #: Of all glyphs shown.
AGED_SHARE = 0.5  #: Of the glyphs shown: printed, scanned and cut badly.
LAST_AGED_SHARE = 0.25  #: The same in the last epochs, so that clean input ends up easy.
LAST_EPOCHS = 0.3  #: Share of the epochs that are the last in this sense.
BENT_SHARE = 0.8  #: Of the others, only bent, as another hand would write them; the rest is shown as it is.
BENT_STRENGTH = (0.4, 1.3)  #: Of the bend that aged glyphs get: from MNIST's own hands to such as it lacks.
#: A digit of another source is shown as often as two of MNIST's: those sources are small, and they hold the European
#: shapes that MNIST lacks.
EXTRA_WEIGHT = 2.0

PAINTED_SHARE = 0.4  #: Of all glyphs shown, where there are painted ones: what the pipeline cuts from pages.
LAST_PAINTED_SHARE = 0.25  #: The same in the last epochs.
#: Of the others then: a glyph with a piece of its neighbor, a dot or a line beside it gets no label on a painted
#: sheet, because nobody can say there where the digit ends; here it does.
AGED_BESIDE_PAINTED = 0.45
MOVED_SHARE = 0.6  #: Of the painted glyphs: turned, slanted, scaled and moved a little, so that a stock lasts.
_TURN_DEG = 4.0  #: Standard deviations of that,
_SLANT = 0.07
_SCALE = 0.05
_SHIFT_PX = 0.5  #: in pixels of the glyph.

_BASE = "mnist"

Glyphs = npt.NDArray[np.uint8]


def shares(sources: Sequence[Digits], *, like: Sequence[Digits] = ()) -> list[float]:
    """Share of each source among the glyphs shown; with NEGATIVE_SHARE they add up to 1.

    `like` are sources of the same names whose sizes decide, where these are parts of theirs, and not equal ones.
    """
    sizes = {source.name: len(source) for source in like or sources}
    weights = [sizes[source.name] * (1.0 if source.name == _BASE else EXTRA_WEIGHT) for source in sources]
    return [(1 - NEGATIVE_SHARE) * weight / sum(weights) for weight in weights]


def aged_share(epoch: int, epochs: int) -> float:
    """Share of aged glyphs in an epoch, from 0, of so many."""
    return LAST_AGED_SHARE if epoch >= (1 - LAST_EPOCHS) * epochs else AGED_SHARE


def aged_glyphs(
    sources: Sequence[Digits],
    *,
    count: int,
    seed: int,
    epoch: int,
    like: Sequence[Digits] = (),
    aged_share: float = AGED_SHARE,
) -> tuple[Glyphs, Glyphs]:
    """About `count` glyphs and their classes for one epoch, augmented and shuffled; `like` as for `shares`."""
    rng = np.random.default_rng((seed, epoch))
    parts = zip(sources, shares(sources, like=like), strict=True)
    picks = [_pick(len(source), round(count * share), rng) for source, share in parts]
    pairs = list(zip(sources, picks, strict=True))
    digits = np.concatenate([source.canvases[picked] for source, picked in pairs])
    plain = np.concatenate([source.glyphs[picked] for source, picked in pairs])
    labels = np.concatenate([source.labels[picked] for source, picked in pairs])
    marks, mark_labels = draw_negatives(round(count * NEGATIVE_SHARE), digits, labels, rng)
    canvases = np.concatenate([digits, marks])
    plain = np.concatenate([plain, normalize_all(list(marks))])
    order = rng.permutation(len(canvases))
    ways = rng.random(len(canvases))
    neighbors = rng.integers(len(digits), size=len(canvases))

    def shown(index: int) -> Glyphs:
        if ways[index] < aged_share:
            return augment(canvases[index], rng, digits[neighbors[index]])
        if ways[index] < aged_share + (1 - aged_share) * BENT_SHARE:
            return normalize(bend(canvases[index], rng, strength=float(rng.uniform(*BENT_STRENGTH))))
        return plain[index]

    glyphs = np.stack([shown(index) for index in order])
    return glyphs, np.concatenate([labels, mark_labels])[order]


def epoch_glyphs(
    sources: Sequence[Digits],
    stock: Painted,
    *,
    count: int,
    seed: int,
    epoch: int,
    epochs: int,
    like: Sequence[Digits] = (),
) -> tuple[Glyphs, Glyphs]:
    """About `count` glyphs and their classes for one epoch, painted ones among them, shuffled; `like` as above."""
    last = epoch >= (1 - LAST_EPOCHS) * epochs
    painted = round(count * (LAST_PAINTED_SHARE if last else PAINTED_SHARE))
    rng = np.random.default_rng((seed, epoch, 1))
    picked = _pick(len(stock.labels), painted, rng)
    shown = np.stack([_moved(stock.glyphs[index], rng) for index in picked])
    drawn, drawn_labels = aged_glyphs(
        sources,
        count=count - painted,
        seed=seed,
        epoch=epoch,
        like=like,
        aged_share=AGED_BESIDE_PAINTED / (2 if last else 1),
    )
    labels = np.concatenate([stock.labels[picked], drawn_labels])
    order = rng.permutation(len(labels))
    return np.concatenate([shown, drawn])[order], labels[order]


def _moved(glyph: Glyphs, rng: np.random.Generator) -> Glyphs:
    if rng.random() >= MOVED_SHARE:
        return glyph
    angle, slant = np.radians(rng.normal(0, _TURN_DEG)), rng.normal(0, _SLANT)
    cos, sin = np.cos(angle), np.sin(angle)
    scale_x, scale_y = np.exp(rng.normal(0, _SCALE, 2))
    linear = np.array([[cos * scale_x, slant - sin], [sin, cos * scale_y]])
    middle = np.full(2, (glyph.shape[0] - 1) / 2)
    shift = middle - linear @ middle + rng.normal(0, _SHIFT_PX, 2)
    return cv2.warpAffine(glyph, np.column_stack([linear, shift]), glyph.shape[::-1], flags=cv2.INTER_LINEAR)


def _pick(available: int, wanted: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Indices without repetition as far as that goes."""
    rounds = -(-wanted // available)
    return np.concatenate([rng.permutation(available) for _ in range(rounds)])[:wanted]
