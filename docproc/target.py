"""The threshold that keeps the expected share of wrong values among the accepted under what a user names.

In:  the readings of a batch, and what people have said of its fields.
Out: the confidence below which fields go to review, and records decided by it.
It is a property of the batch as it stands, made anew each time that its tables are: readings in the ledger do not
depend on it, so that another target reads no page again, and the order in which pages came changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from docproc.character.card import ModelCard
from docproc.combination.card import LineCard
from docproc.decision import Policy, decide, page_verdict, speaking_against
from docproc.ledger import LedgerView
from docproc.pipeline import EVERYWHERE
from docproc.reading import Correction, FieldReading, Reason, Record, Verdict, tells_of_copy

Floats = npt.NDArray[np.float64]

#: However sure all others are, a value that is wrong more often than once in ten is for a person: whoever signs for
#: 1,000 fields of which 5 may be wrong does not mean five that the program all but guessed.
LEAST_CONFIDENCE = 0.9
NOTHING = 1.0  #: The threshold that no field reaches: none is certain before somebody has looked.
#: So many wrong fields the card's word weighs, against those that people find. The chance of the surest fields rests
#: on one that nobody saw: of n glyphs that were all right, the card says that the next is wrong once in n + 2 (the
#: rule of succession; `training.confidence.isotonic_knots`).
CARD_ERRORS = 1.0
LARGEST_RATIO = 1e6  #: Between odds: beyond it nothing is accepted.


@dataclass(frozen=True, slots=True)
class InForce:
    """What decides on the fields of a batch that has a target."""

    target_error: float  #: Share of wrong values among the accepted that the user allows, 0 to 1.
    review_below: float  #: Fields of lower confidence go to review; `NOTHING` where none can be accepted.
    expected_error: float  #: Among the accepted that nobody has seen, 0 to 1; 0 where there is none.
    least_accepted: float  #: The least confidence of these; 1 where there is none.
    odds_ratio: float  #: How many times as likely errors are as the confidences say, by what people saw.


def in_force(ledger: LedgerView) -> InForce | None:
    """The threshold of the batch as it stands; None where its last run had no target.

    Only fields that have nothing but their confidence against them count: the others are looked at anyway. Those that
    people have looked at are evidence, but for those that they picked because they look wrong; the threshold is that
    of the rest.
    """
    target_error = target_of(ledger)
    if target_error is None:
        return None
    said = ledger.corrections()
    drawn = ledger.audited()
    doubts = ledger.doubts()
    unseen: list[float] = []
    reviewed, audited = _Seen(), _Seen()
    for record in ledger.outcomes(characters=False, crops=lambda: False):
        if not isinstance(record, Record):
            continue
        place = (record.ref.source, record.ref.index)
        words: Mapping[str, Correction] = said.get(place, {})
        odd = doubts.get(place, ())
        for reading in record.fields:
            if reading.name in odd or not _turns_on_confidence(reading, record):
                continue
            word = words.get(reading.name)
            if word is None or word.verdict is Verdict.REVIEW:
                unseen.append(reading.confidence)
            else:
                seen = audited if (*place, reading.name) in drawn else reviewed
                seen.add(reading.confidence, is_wrong=is_wrong(reading.text, word))
    ratio = reviewed.odds_ratio(1.0)
    # Doubtful fields say little about sure ones: they can make the program more careful, never bolder. A sample of
    # the accepted can do both.
    ratio = audited.odds_ratio(max(ratio, 1.0))
    confidences = np.sort(np.array(unseen))[::-1]
    below = threshold_for(target_error, confidences, odds_ratio=ratio)
    accepted = confidences[confidences >= below]
    if not accepted.size:
        return InForce(target_error, below, 0.0, 1.0, ratio)
    return InForce(target_error, below, float(errors_expected(accepted, ratio).mean()), float(accepted[-1]), ratio)


def target_of(ledger: LedgerView) -> float | None:
    """What the last run was told to keep; None where it had a threshold."""
    runs = ledger.runs()
    return runs[-1].settings.get("target_error") if runs else None


def is_wrong(read: str, word: Correction) -> bool:
    """Whether a person's word says so; a value that nobody can confirm counts as wrong."""
    return word.verdict is Verdict.REJECTED or word.new != read


class _Seen:
    """Fields that people have looked at."""

    def __init__(self) -> None:
        self._confidences: list[float] = []
        self._wrong = 0

    def add(self, confidence: float, *, is_wrong: bool) -> None:
        self._confidences.append(confidence)
        self._wrong += is_wrong

    def odds_ratio(self, before: float) -> float:
        return odds_ratio(np.array(self._confidences), self._wrong, before=before)


def odds_ratio(confidences: Floats, wrong: int, *, before: float = 1.0) -> float:
    """How many times the odds of an error are what the confidences say, by fields of which `wrong` were wrong.

    Errors are Bernoulli with odds r (1 - c) / c; r has a gamma prior of the mean `before` that weighs as much as
    `CARD_ERRORS` errors. What is returned is the mode of the posterior of log r: where

        CARD_ERRORS r + sum of r (1 - c) / (c + r (1 - c)) = CARD_ERRORS before + wrong

    With no evidence it is `before`; with much, that at which as many are expected as were found. For rare errors
    this is the posterior mean of a Poisson rate under its gamma prior.

    Parameters
    ----------
    confidences : (N,) float
        Of the fields, 0 to 1.
    wrong : int
    before : float
        What was believed before, more than 0.
    """
    if not confidences.size:
        return before
    low, high = 0.0, LARGEST_RATIO
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        if CARD_ERRORS * middle + errors_expected(confidences, middle).sum() < CARD_ERRORS * before + wrong:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def errors_expected(confidences: Floats, odds_ratio: float) -> Floats:
    """The chance of each field to be wrong, (N,), where errors have so many times the odds that confidences say."""
    doubt = 1 - confidences
    scaled = odds_ratio * doubt
    return scaled / np.maximum(confidences + scaled, np.finfo(np.float64).tiny)


def threshold_for(target_error: float, confidences: Floats, *, odds_ratio: float = 1.0) -> float:
    """The lowest confidence at which fields may be accepted: on average, at most the target of them are wrong.

    The surest are accepted first, as many as keep the mean chance to be wrong at the target; fields of equal
    confidence together. No field is accepted that is wrong more often than `1 - LEAST_CONFIDENCE`.

    Parameters
    ----------
    target_error : float
    confidences : (N,) float
        Of the fields that are accepted or not by it, falling.

    Returns
    -------
    float
        Where all that may be accepted are, the least at which they may; `NOTHING` where none can be.
    """
    errors = errors_expected(confidences, odds_ratio)
    least = odds_ratio * LEAST_CONFIDENCE / (1 - LEAST_CONFIDENCE + odds_ratio * LEAST_CONFIDENCE)
    allowed = int(np.searchsorted(-confidences, -least, side="right"))
    if not confidences.size:
        return least
    means = np.cumsum(errors) / np.arange(1, errors.size + 1)
    falls = np.append(np.diff(confidences) < 0, True)
    good = np.flatnonzero(falls[:allowed] & (means[:allowed] <= target_error)) if allowed else np.array([], int)
    if not good.size:
        return NOTHING
    return least if good[-1] + 1 == allowed else float(confidences[good[-1]])


def decided_by(record: Record, review_below: float) -> Record:
    """The record as if it had been read with that threshold, but for pictures; what else speaks against it stays."""
    defects = _everywhere(record)
    fields = tuple(_decided(reading, review_below, defects) for reading in record.fields)
    if fields == record.fields:
        return record
    of_the_page = [reason for reason in record.reasons if not reason.startswith(f"{Reason.DEFECT}:")]
    return replace(record, fields=fields, verdict=page_verdict(fields, of_the_page))


def _decided(reading: FieldReading, review_below: float, defects: Sequence[str]) -> FieldReading:
    is_accepted = reading.verdict is Verdict.ACCEPTED and reading.confidence >= review_below
    if is_accepted or reading.verdict is Verdict.REJECTED:
        return reading
    own = [reason for reason in reading.reasons if reason != Reason.LOW_CONFIDENCE and reason not in defects]
    verdict, reasons = decide(
        text=reading.text,
        confidence=reading.confidence,
        has_ink=False,  # what has ink that says nothing was rejected when it was read
        reasons=own,
        policy=Policy(review_below),
    )
    is_doubtful = not all(map(tells_of_copy, speaking_against(reasons)))  # by itself
    return replace(reading, verdict=verdict, reasons=(*reasons, *defects) if is_doubtful else reasons)


def _everywhere(record: Record) -> list[str]:
    """What `pipeline` says of each doubtful field where the page's picture is at fault everywhere."""
    names = [f"{Reason.DEFECT}:{kind}" for kind in EVERYWHERE]
    return [name for why in record.reasons for name in names if why.startswith(f"{name}=")]


def _turns_on_confidence(reading: FieldReading, record: Record) -> bool:
    """Whether nothing else speaks against the field."""
    if reading.verdict is Verdict.ACCEPTED:
        return True
    defects = _everywhere(record)
    others = [why for why in speaking_against(reading.reasons) if why != Reason.LOW_CONFIDENCE and why not in defects]
    return reading.verdict is Verdict.REVIEW and not others


def least_error_shown(card: ModelCard, line_card: LineCard | None) -> float:
    """The chance to be wrong of the surest field that the calibration of the models knows, 0 to 1.

    Parameters
    ----------
    card : ModelCard
        Of the recognizer.
    line_card : LineCard, optional
        Of the reader of lines beside it.
    """
    calibrations = [card.calibration] + ([card.second_look.calibration] if card.second_look else [])
    knots = [knot for calibration in calibrations for knot in calibration.knots]
    knots += [knot for pool in line_card.pools.values() for knot in pool.knots] if line_card else []
    if not knots:
        return max(calibration.doubt for calibration in calibrations)
    return 1 - max(knot.right for knot in knots)
