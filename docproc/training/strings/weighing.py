"""How much the word of each reader counts: fitted on painted numbers of writers that neither has learned from.

In:  what both readers say of fields whose numbers are known. Out: the `Pool`s of a card, and scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import expected_calibration_error, threshold_for_risk
from docproc.character.card import CalibrationKnot
from docproc.character.normalization import normalize_all
from docproc.character.recognizer import Recognizer
from docproc.combination.card import Layout, Pool, Sureness, WitnessPool
from docproc.combination.line_reader import LineReader
from docproc.combination.pooling import added_by, evidence, pool, signs, sureness
from docproc.combination.witness import Witness, WitnessReading
from docproc.field.interpretation import marks_from
from docproc.field.line import line_of
from docproc.field.transcript import Values
from docproc.fields import interpret
from docproc.form.cutting import crop
from docproc.training.ahead import made_ahead
from docproc.training.confidence import isotonic_knots
from docproc.training.painting.lines import Written, paint_lines
from docproc.training.painting.numbers import Writers

Floats = npt.NDArray[np.float64]
_START = (0.5, 0.5, 0.5, 0.1, -3.0)  #: Where the search for weights begins,
_WORD = (0.3, 0.1)  #: and that for the witness's.
_UNHEARD = np.zeros(2)
_WHOLE_WORD = WitnessPool(named=1.0, unnamed=1.0, knots=[])
_LEAST_DOUBTFUL = 200  #: Fields, to weigh a witness on.
_SURE = 0.97  #: A witness is weighed on fields that are less sure, or on which readers disagree.
_RIDGE = 1e-4  #: Times the squares of a sureness' weights: without it, signs that were never wrong would decide.
_DECIMALS = 4
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Heard:
    """What both readers say of one field, and what stands in it."""

    layout: Layout
    glyphs: Values
    line: Values
    text: str
    testimony: WitnessReading | None = None


def hear(
    written: Sequence[Written], recognizer: Recognizer, reader: LineReader, witness: Witness | None = None
) -> list[Heard]:
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
        line = line_of(one.proposal.image.dark, one.proposal.parts, one.proposal.image.box_px)
        if meaning.has_ink and line is not None:
            (values,) = reader.transcribe([line])
            said = [(meaning.text, meaning.confidence), *meaning.alternatives]
            layout: Layout = "cells" if one.proposal.lattice is None else "free"
            image = one.proposal.image
            testimony = None if witness is None else witness.testify(crop(image.picture, image.box_px))
            heard.append(Heard(layout, said, values, one.text, testimony))
    return heard


def fit_pool(heard: Sequence[Heard]) -> Pool:
    """The weights under which what was written is likeliest, and what makes the best value's chance honest.

    The mean log likelihood of the written value, or of "none of these" where neither reader names it, is concave in
    the weights: a conditional logit [1]_. Then a logistic regression says how sure the best value is, and isotonic
    knots make that honest. Where a witness was heard, its weights are fitted after the readers', on the fields of
    which it would be asked.

    References
    ----------
    .. [1] D. McFadden, "Conditional logit analysis of qualitative choice behavior", Frontiers in Econometrics,
       1974.
    """
    cases = _Cases.of(heard)
    weights = _likeliest(lambda trial: cases.loss(trial, _UNHEARD), _START)
    fitted = Pool(
        glyphs=weights[0],
        line=weights[1],
        both=weights[2],
        length=weights[3],
        neither=weights[4],
        knots=[],
    )
    sure, knots = _fit_sureness(heard, fitted)
    fitted = fitted.model_copy(update={"sure": sure, "knots": knots})
    doubtful = [one for one in heard if one.testimony is not None and _is_doubtful(one, fitted)]
    if len(doubtful) < _LEAST_DOUBTFUL:
        return fitted
    asked = _Cases.of(doubtful)
    named, unnamed = _likeliest(lambda trial: asked.loss(weights, trial), _WORD)
    witness = WitnessPool(named=named, unnamed=unnamed, knots=[])
    sure, knots = _fit_sureness(doubtful, fitted.model_copy(update={"witness": witness}), witness=True)
    return fitted.model_copy(update={"witness": witness.model_copy(update={"sure": sure, "knots": knots})})


def _fit_sureness(
    heard: Sequence[Heard], weights: Pool, *, witness: bool = False
) -> tuple[Sureness, list[CalibrationKnot]]:
    """How sure the value is that wins under these weights."""
    from scipy.optimize import minimize

    said, right = [], []
    for one in heard:
        testimony = one.testimony if witness else None
        value, _ = pool(one.glyphs, one.line, weights, testimony)[0]
        said.append(signs(value, one.glyphs, one.line, testimony))
        right.append(value == one.text)
    x, hit = np.array(said), np.array(right)

    def loss(trial: Floats) -> float:
        return float(np.mean(np.logaddexp(0, np.where(hit, -1, 1) * (x @ trial)))) + _RIDGE * float(trial @ trial)

    found = np.round(minimize(loss, np.zeros(x.shape[1]), method="BFGS").x, _DECIMALS)
    base, line, agree, glyphs, length, named, unnamed = found.tolist()
    sure = Sureness(base=base, line=line, agree=agree, glyphs=glyphs, length=length, named=named, unnamed=unnamed)
    return sure, isotonic_knots(np.array([sureness(own, sure) for own in said]), hit)


def _is_doubtful(one: Heard, weights: Pool) -> bool:
    """Whether a field would go to review without a witness."""
    return one.glyphs[0][0] != one.line[0][0] or pool(one.glyphs, one.line, weights)[0][1] < _SURE


def _likeliest(loss: Callable[[Floats], float], start: Sequence[float]) -> Floats:
    from scipy.optimize import minimize

    return np.round(minimize(loss, np.array(start), method="Nelder-Mead").x, _DECIMALS)


@dataclass(frozen=True, slots=True, eq=False)
class _Cases:
    """Fields side by side, each with up to P values; what `pooling` does of one, of all at once."""

    features: Floats  #: (N, P, 4).
    missing: Floats  #: (N, P): 0 where there is a value, minus infinity where there is none.
    truth: npt.NDArray[np.intp]  #: (N,): which value was written; P where none of them.
    named: Floats  #: (N, P): log odds of the testimony, for the value that it names.
    unnamed: Floats  #: (N,): the same where it names none of them.

    @staticmethod
    def of(heard: Sequence[Heard]) -> _Cases:
        found = [evidence(one.glyphs, one.line) for one in heard]
        most = max((len(values) for values, _ in found), default=1)
        cases = _Cases(
            np.zeros((len(heard), most, 4)),
            np.full((len(heard), most), -np.inf),
            np.full(len(heard), most, np.intp),
            np.zeros((len(heard), most)),
            np.zeros(len(heard)),
        )
        for row, (one, (values, features)) in enumerate(zip(heard, found, strict=True)):
            cases.features[row, : len(values)] = features
            cases.missing[row, : len(values)] = 0
            if one.text in values:
                cases.truth[row] = values.index(one.text)
            if one.testimony is not None:
                cases.named[row, : len(values)], cases.unnamed[row] = added_by(values, one.testimony, _WHOLE_WORD)
        return cases

    def chances(self, weights: Floats, word: Floats) -> Floats:
        """Of each value, and of none of them last, (N, P + 1)."""
        scores = self.features @ weights[:4] + word[0] * self.named + self.missing
        neither = weights[4] + word[1] * self.unnamed
        scores = np.column_stack([scores, neither])
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def loss(self, weights: Floats, word: Floats) -> float:
        own = self.chances(weights, word)[np.arange(len(self.truth)), self.truth]
        return -float(np.mean(np.log(np.maximum(own, _TINY))))


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
            scores |= _scores(f"{layout}_{name}", said, own)
    pooled = [pool(one.glyphs, one.line, pools[one.layout])[0] for one in heard]
    agreed = np.array([one.glyphs[0][0] == one.line[0][0] for one in heard])
    right = np.array([value == one.text for (value, _), one in zip(pooled, heard, strict=True)])
    chance = np.array([chance for _, chance in pooled])
    threshold = threshold_for_risk(chance[agreed], right[agreed], risk=risk)
    if all(weights.witness is not None for weights in pools.values()) and all(one.testimony for one in heard):
        scores |= _with_witness(heard, pools)
    scores["readers_agree"] = round(float(agreed.mean()), 5)
    scores["accepted"] = round(float((agreed & (chance >= threshold)).mean()), 5)
    return scores, float(min(np.ceil(threshold * 100) / 100, 0.99))


def _with_witness(heard: Sequence[Heard], pools: dict[Layout, Pool]) -> dict[str, float]:
    """The scores of all fields, the witness asked of the doubtful ones, and how many those are."""
    doubtful = [_is_doubtful(one, pools[one.layout]) for one in heard]
    said = [
        pool(one.glyphs, one.line, pools[one.layout], one.testimony if asked else None)[0]
        for one, asked in zip(heard, doubtful, strict=True)
    ]
    return {"witness_asked": round(float(np.mean(doubtful)), 5)} | _scores("witness", said, heard)


def _scores(name: str, said: Sequence[tuple[str, float]], heard: Sequence[Heard]) -> dict[str, float]:
    """Of values said with their chances: share right, calibration error, share that could be accepted."""
    right = np.array([value == one.text for (value, _), one in zip(said, heard, strict=True)])
    chance = np.array([chance for _, chance in said])
    least = threshold_for_risk(chance, right, risk=0.01)
    return {
        f"{name}_right": round(float(right.mean()), 5),
        f"{name}_ece": round(expected_calibration_error(chance, right), 5),
        f"{name}_at_1_percent_wrong": round(float((chance >= least).mean()), 5),
    }


@dataclass(frozen=True, eq=False)
class HeardSheets:
    """Paints sheets by their number and asks both readers; travels to processes."""

    writers: Writers
    seed: int
    recognizer: Recognizer
    reader: LineReader
    witness: Witness | None = None

    def __call__(self, number: int) -> list[Heard]:
        """What both readers say of one sheet."""
        rng = np.random.default_rng((self.seed, number))
        return hear(paint_lines(self.writers, rng), self.recognizer, self.reader, self.witness)


def hear_many(sheets: HeardSheets, count: int, *, workers: int) -> list[Heard]:
    """So many fields."""
    heard: list[Heard] = []
    with made_ahead(sheets, 0, 2**31, workers=workers + 1) as coming:
        while len(heard) < count:
            heard += next(coming)
    return heard[:count]
