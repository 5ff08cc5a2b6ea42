"""The figures over a set of judged fields.

In:  `Judged` fields, of one batch or several.
Out: an `Evaluation`, and the fields that went through unseen and are wrong.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from docproc.evaluation.joining import Judged

REJECT_RATES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)  #: Shares of the fields left to people.
TARGET_ERROR = 0.01  #: Share of wrong values that careful typing has too: what may pass unseen.
CALIBRATION_BINS = 15  #: Of equal mass; the usual number since Guo et al., ICML 2017.


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures over a set of fields; shares are 0 to 1, and None where there is nothing to divide by."""

    fields: int
    right: int
    accuracy: float | None
    digit_accuracy: float | None  #: 1 - sum of edit distances / digits of the truth, not below 0.
    missed: int  #: Fields of the truth, not blank there, for which none was found.
    accepted: int
    accepted_share: float | None  #: The straight-through rate.
    accepted_wrong: int
    accepted_error: float | None
    blank_accepted: int  #: Accepted as blank while the truth is not: a value lost in silence.
    error_at_reject: dict[float, float | None]  #: Error among the rest, by share of least confident fields rejected.
    acceptable_share: float | None  #: Largest share, most confident first, at most `TARGET_ERROR` of it wrong.
    calibration_error: float | None  #: Expected calibration error over the found fields.

    def as_json(self) -> dict[str, Any]:
        """Plain values for `json`; reject rates become percentages like "5"."""
        rates = {f"{100 * rate:g}": error for rate, error in self.error_at_reject.items()}
        return {**dataclasses.asdict(self), "error_at_reject": rates}


def evaluate(judged: Sequence[Judged]) -> Evaluation:
    """The figures over `judged`, which may come from one batch or several."""
    wrong = np.array([not one.right for one in judged], bool)
    accepted = np.array([one.accepted for one in judged], bool)
    confidence = np.array([one.confidence for one in judged], np.float64)
    proposed = np.array([one.found is not None for one in judged], bool)
    digits = sum(len(one.truth.value) for one in judged)
    edits = sum(edit_distance(one.value, one.truth.value) for one in judged)
    return Evaluation(
        fields=len(judged),
        right=int((~wrong).sum()),
        accuracy=_share(~wrong),
        digit_accuracy=max(0.0, 1 - edits / digits) if digits else None,
        missed=sum(one.found is None and one.truth.value != "" for one in judged),
        accepted=int(accepted.sum()),
        accepted_share=_share(accepted),
        accepted_wrong=int((wrong & accepted).sum()),
        accepted_error=_share(wrong[accepted]),
        blank_accepted=sum(one.accepted and not one.value and bool(one.truth.value) for one in judged),
        error_at_reject={rate: error_at_reject(wrong, confidence, rate) for rate in REJECT_RATES},
        acceptable_share=acceptable_share(wrong, confidence),
        calibration_error=calibration_error(~wrong[proposed], confidence[proposed]),
    )


def evaluate_by_template(judged: Sequence[Judged]) -> dict[str, Evaluation]:
    """The figures of each template, by name; "" stands for pages without one."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.template].append(one)
    return {name: evaluate(groups[name]) for name in sorted(groups)}


def wrong_and_accepted(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """What would have reached the spreadsheet unseen, the most confident first."""
    return tuple(sorted((one for one in judged if one.accepted and not one.right), key=lambda one: -one.confidence))


def edit_distance(read: str, truth: str) -> int:
    """Fewest insertions, deletions and substitutions that turn `read` into `truth` (Levenshtein)."""
    row = list(range(len(truth) + 1))
    for done, digit in enumerate(read, start=1):
        diagonal, row[0] = row[0], done
        for column, wanted in enumerate(truth, start=1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (digit != wanted)),
            )
    return row[-1]


def error_at_reject(wrong: npt.NDArray[np.bool_], confidence: npt.NDArray[np.float64], rate: float) -> float | None:
    """Share of wrong fields among those that stay when the `rate` least confident ones are taken away.

    Of fields with equal confidence, of which only some have to go, an average lot goes.
    """
    order = np.argsort(-confidence, kind="stable")
    kept = wrong.size - int(rate * wrong.size + 1e-9)
    if not kept:
        return None
    _, group, sizes = np.unique(confidence, return_inverse=True, return_counts=True)
    expected = np.bincount(group, weights=wrong)[group] / sizes[group]
    return float(expected[order][:kept].mean())


def acceptable_share(
    wrong: npt.NDArray[np.bool_], confidence: npt.NDArray[np.float64], *, target_error: float = TARGET_ERROR
) -> float | None:
    """Largest share of the fields, most confident first, at most `target_error` of it wrong.

    Only thresholds that exist count: fields of equal confidence pass together or not at all. With fewer than
    1 / `target_error` fields none may be wrong.
    """
    if not wrong.size:
        return None
    order = np.argsort(-confidence, kind="stable")
    passed = np.arange(1, wrong.size + 1)
    falls = np.append(np.diff(confidence[order]) < 0, True)
    good = falls & (np.cumsum(wrong[order]) <= target_error * passed)
    return float(passed[good].max() / wrong.size) if good.any() else 0.0


def calibration_error(right: npt.NDArray[np.bool_], confidence: npt.NDArray[np.float64]) -> float | None:
    """Expected calibration error [1]_: the mean distance of confidence from accuracy, over bins of equal mass.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    if not right.size:
        return None
    bins = np.array_split(np.argsort(confidence, kind="stable"), min(CALIBRATION_BINS, right.size))
    return float(sum(abs(confidence[one].mean() - right[one].mean()) * one.size for one in bins) / right.size)


def _share(flags: npt.NDArray[np.bool_]) -> float | None:
    return float(flags.mean()) if flags.size else None
