"""How much a score owes to chance: k-fold cross-validation, whole writers in each fold.

In:  a plan and a number of folds.
Out: one row of scores a fold: of its writers, by a network that has seen none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from docproc.training.digits.datasets import Digits
from docproc.training.digits.styles import drawn_styles
from docproc.training.finish import scores_of
from docproc.training.material import DRAWN_DIGITS, Material, Plan, read_sources
from docproc.training.train import Progress, forget, has_begun, learn, not_begun, require_to_train

Row = dict[str, float]


def cross_validate(
    plan: Plan,
    folds: int,
    *,
    progress: Progress = lambda stage, done: None,
    fold_done: Callable[[int, Row], None] = lambda fold, row: None,
) -> list[Row]:
    """Train the first look once for each fold on the digits of all others.

    An interrupted run with `plan.resume` goes on in its fold; a fold that was finished takes the time of its last
    look alone. What is kept for that is deleted after the last fold.

    Raises
    ------
    ValueError
        If there are fewer than two folds.
    """
    if folds < 2:
        raise ValueError(f"cross-validation needs two folds at least, got {folds}")
    require_to_train(plan.output)
    plans = [replace(plan, output=plan.output / f"fold{fold + 1}", second_look=False) for fold in range(folds)]
    if plan.resume and not any(has_begun(own.output) for own in plans):
        raise not_begun(plan.output)
    sources, x_test, y_test = read_sources(plan)
    rng = np.random.default_rng((plan.seed, 2))
    members = [fold_numbers(source, folds, rng) for source in sources]
    drawn = drawn_styles(DRAWN_DIGITS, plan.seed)
    rows = []
    for fold, own in enumerate(plans):
        pairs = list(zip(sources, members, strict=True))
        material = Material(
            [*(source.part(numbers != fold) for source, numbers in pairs), drawn],
            [source.part(numbers == fold) for source, numbers in pairs],
            x_test,
            y_test,
        )
        row = scores_of(learn(own, material, progress=progress))
        rows.append(row)
        fold_done(fold, row)
    for own in plans:
        forget(own.output)
    return rows


def fold_numbers(source: Digits, folds: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each digit, (N,) from 0: that of its writer where writers are known."""
    writers, own = np.unique(source.writers, return_inverse=True)
    if len(writers) < 2:
        return rng.permutation(len(source)) % folds
    return (rng.permutation(len(writers)) % folds)[own]


def mean_and_spread(rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation over the folds of each score that all of them have."""
    keys = [key for key in rows[0] if all(key in row for row in rows)]
    columns = {key: np.array([row[key] for row in rows]) for key in keys}
    return {key: (float(column.mean()), float(column.std(ddof=1))) for key, column in columns.items()}
