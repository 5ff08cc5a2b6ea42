"""What the network is shown: digits of all sources and drawn negatives, aged, in fixed shares.

In:  digits on canvases, a seed and the number of the epoch: the same three always give the same glyphs.
Out: glyphs (N, 28, 28) uint8 and classes (N,) uint8, shuffled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from docproc.character.normalization import normalize, normalize_all
from docproc.training.augmentation import augment, bend
from docproc.training.datasets import Digits
from docproc.training.negatives import draw_negatives

NEGATIVE_SHARE = 0.17  #: Of all glyphs shown.
AGED_SHARE = 0.5  #: Of the glyphs shown: printed, scanned and cut badly.
LAST_AGED_SHARE = 0.25  #: The same in the last epochs, so that clean input ends up easy.
LAST_EPOCHS = 0.2  #: Share of the epochs that are the last in this sense.
BENT_SHARE = 0.8  #: Of the others, only bent, as another hand would write them; the rest is shown as it is.
BENT_STRENGTH = 0.7  #: Of the bend that aged glyphs get.
#: A digit of another source is shown as often as two of MNIST's: those sources are small, and they hold the European
#: shapes that MNIST lacks.
EXTRA_WEIGHT = 2.0

_BASE = "mnist"

Glyphs = npt.NDArray[np.uint8]


def shares(sources: Sequence[Digits]) -> list[float]:
    """Share of each source among the glyphs shown; with NEGATIVE_SHARE they add up to 1."""
    weights = [len(source) * (1.0 if source.name == _BASE else EXTRA_WEIGHT) for source in sources]
    return [(1 - NEGATIVE_SHARE) * weight / sum(weights) for weight in weights]


def aged_share(epoch: int, epochs: int) -> float:
    """Share of aged glyphs in an epoch, from 0, of so many."""
    return LAST_AGED_SHARE if epoch >= (1 - LAST_EPOCHS) * epochs else AGED_SHARE


def aged_glyphs(
    sources: Sequence[Digits], *, count: int, seed: int, epoch: int, aged_share: float = AGED_SHARE
) -> tuple[Glyphs, Glyphs]:
    """About `count` glyphs and their classes for one epoch, augmented and shuffled."""
    rng = np.random.default_rng((seed, epoch))
    picks = [
        _pick(len(source), round(count * share), rng) for source, share in zip(sources, shares(sources), strict=True)
    ]
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
            return normalize(bend(canvases[index], rng, strength=BENT_STRENGTH))
        return plain[index]

    glyphs = np.stack([shown(index) for index in order])
    return glyphs, np.concatenate([labels, mark_labels])[order]


def _pick(available: int, wanted: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Indices without repetition as far as that goes."""
    rounds = -(-wanted // available)
    return np.concatenate([rng.permutation(available) for _ in range(rounds)])[:wanted]
