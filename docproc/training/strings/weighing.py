"""How much the word of each reader counts: fitted on painted numbers of writers that neither has learned from.

In:  what both readers say of fields whose numbers are known. Out: the `Pool`s of a card, and scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import expected_calibration_error, log_odds, threshold_for_risk
from docproc.character.normalization import normalize_all
from docproc.character.recognizer import Recognizer
from docproc.combination.card import Layout, Pool
from docproc.combination.line_reader import LineReader, Values
from docproc.combination.pooling import evidence, mixed, pool
from docproc.field.interpretation import marks_from
from docproc.field.line import line_of
from docproc.pipeline import interpret
from docproc.training.ahead import made_ahead
from docproc.training.confidence import isotonic_knots
from docproc.training.painting.lines import Written, paint_lines
from docproc.training.painting.numbers import Writers

Floats = npt.NDArray[np.float64]
_START = (0.5, 0.5, 0.5, -3.0)
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Heard:
    """What both readers say of one field, and what stands in it."""

    layout: Layout
    glyphs: Values
    line: Values
    text: str


def hear(written: Sequence[Written], recognizer: Recognizer, reader: LineReader) -> list[Heard]:
    """Ask both readers of painted fields, as the pipeline asks them; fields without ink are left out."""
    proposals = [one.proposal for one in written]
    glyphs = normalize_all([glyph.ink for proposal in proposals for glyph in proposal.glyphs])
    marks = marks_from(recognizer.recognize(glyphs), recognizer.card.classes)
    heard: list[Heard] = []
    taken = 0
    for one in written:
        own = slice(taken, taken + len(one.proposal.glyphs))
        taken = own.stop
        meaning = interpret(one.proposal, marks[own])
        line = line_of(one.proposal.image.dark, one.proposal.mask, one.proposal.image.box_px)
        if meaning.has_ink and line is not None:
            (values,) = reader.transcribe([line])
            said = [(meaning.text, meaning.confidence), *meaning.alternatives]
            heard.append(Heard("cells" if one.proposal.lattice is None else "free", said, values, one.text))
    return heard


def fit_pool(heard: Sequence[Heard]) -> Pool:
    """The weights under which what was written is likeliest, and the knots that make the best value's chance honest.

    The mean log likelihood of the written value, or of "none of these" where neither reader names it, is concave in
    the four numbers: a conditional logit [1]_.

    References
    ----------
    .. [1] D. McFadden, "Conditional logit analysis of qualitative choice behavior", Frontiers in Econometrics,
       1974.
    """
    from scipy.optimize import minimize

    cases = [(*evidence(one.glyphs, one.line), one.text) for one in heard]
    indexed = [(features, values.index(text) if text in values else -1) for values, features, text in cases]

    def loss(weights: Floats) -> float:
        trial = _pool(weights)
        total = 0.0
        for features, truth in indexed:
            chances = mixed(features, trial)
            total -= float(np.log(max(chances[truth] if truth >= 0 else 1 - chances.sum(), _TINY)))
        return total / len(indexed)

    found = minimize(loss, np.array(_START), method="Nelder-Mead", options={"maxiter": 400, "xatol": 1e-3})
    fitted = _pool(found.x)
    best = [mixed(features, fitted) for features, _ in indexed]
    right = np.array([int(np.argmax(chances)) == truth for chances, (_, truth) in zip(best, indexed, strict=True)])
    top = np.clip([float(chances.max()) for chances in best], 1e-9, 1 - 1e-9)
    return fitted.model_copy(update={"knots": isotonic_knots(log_odds(top), right)})


def _pool(weights: Floats) -> Pool:
    glyphs, line, both, neither = (round(float(weight), 4) for weight in weights)
    return Pool(glyphs=glyphs, line=line, both=both, neither=neither, knots=[])


def judge(heard: Sequence[Heard], pools: dict[Layout, Pool], *, risk: float) -> tuple[dict[str, float], float]:
    """Scores of fields that the pools were not fitted on, and the confidence at which so few accepted are wrong."""
    scores: dict[str, float] = {}
    for layout in pools:
        own = [one for one in heard if one.layout == layout]
        if not own:
            continue
        pooled = [pool(one.glyphs, one.line, pools[layout])[0] for one in own]
        for name, said in (
            ("glyphs", [one.glyphs[0] for one in own]),
            ("line", [one.line[0] for one in own]),
            ("both", pooled),
        ):
            right = np.array([value == one.text for (value, _), one in zip(said, own, strict=True)])
            chance = np.array([chance for _, chance in said])
            scores[f"{layout}_{name}_right"] = round(float(right.mean()), 5)
            scores[f"{layout}_{name}_ece"] = round(expected_calibration_error(chance, right), 5)
            least = threshold_for_risk(chance, right, risk=0.01)
            scores[f"{layout}_{name}_at_1_percent_wrong"] = round(float((chance >= least).mean()), 5)
    pooled = [pool(one.glyphs, one.line, pools[one.layout])[0] for one in heard]
    agreed = np.array([one.glyphs[0][0] == one.line[0][0] for one in heard])
    right = np.array([value == one.text for (value, _), one in zip(pooled, heard, strict=True)])
    chance = np.array([chance for _, chance in pooled])
    threshold = threshold_for_risk(chance[agreed], right[agreed], risk=risk)
    scores["readers_agree"] = round(float(agreed.mean()), 5)
    scores["accepted"] = round(float((agreed & (chance >= threshold)).mean()), 5)
    return scores, float(min(np.ceil(threshold * 100) / 100, 0.99))


@dataclass(frozen=True, eq=False)
class HeardSheets:
    """Paints sheets by their number and asks both readers; travels to processes."""

    writers: Writers
    seed: int
    recognizer: Recognizer
    reader: LineReader

    def __call__(self, number: int) -> list[Heard]:
        """What both readers say of one sheet."""
        rng = np.random.default_rng((self.seed, number))
        return hear(paint_lines(self.writers, rng), self.recognizer, self.reader)


def hear_many(sheets: HeardSheets, count: int, *, workers: int) -> list[Heard]:
    """So many fields."""
    heard: list[Heard] = []
    with made_ahead(sheets, 0, 2**31, workers=workers + 1) as coming:
        while len(heard) < count:
            heard += next(coming)
    return heard[:count]
