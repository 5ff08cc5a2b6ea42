"""Train with what people corrected, and keep the new model only if it is better than the old one.

In:  a plan, corrected digits, the folder of the old model, which is only read: its networks learn on.
Out: a `Relearned`: the comparison, and where the new model is, in its folder or, if it is not better, beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from docproc.character.card import CARD_NAME, read_card, write_card
from docproc.character.recognizer import load_recognizer
from docproc.errors import ModelError, OutputError
from docproc.training.corrected import FROZEN_ONE_IN, Corrected
from docproc.training.finish import finish
from docproc.training.fit import EpochScore
from docproc.training.improvement import LEAST_PAGES, RULE, Comparison, compare, write_comparison
from docproc.training.material import Material, Plan, gather
from docproc.training.mixture import aged_glyphs
from docproc.training.programs import require_tensorflow
from docproc.training.start import weights_of
from docproc.training.train import Progress, forget, has_begun, learn, not_begun, require_to_train
from docproc.training.trained import Trained

LEAST_GLYPHS = 50
#: For networks that have learned before: at four times the rate they forget three times as much of MNIST meanwhile.
LATER_RATE = 5e-4
LATER_EPOCHS = 10
_GLYPHS_TO_START = 1000  #: That tell what the old model's layers give.


@dataclass(frozen=True, slots=True)
class Relearned:
    """How it went."""

    comparison: Comparison
    folder: Path  #: Of the new model: the plan's output if it is better, else that name with `.rejected`.


def require_enough(corrected: Corrected) -> None:
    """ModelError where too few digits were corrected to learn from, or on too few frozen pages to compare models."""
    count, pages = len(corrected.learned), len(set(corrected.frozen.writers.tolist()))
    if count >= LEAST_GLYPHS and pages >= LEAST_PAGES:
        return
    raise ModelError(
        f"The corrections give {count} digits to learn from, and {pages} frozen pages to compare models on; "
        f"{LEAST_GLYPHS} and {LEAST_PAGES} are needed. {left_out(corrected)}",
        remedy=f"Review more fields, on about {FROZEN_ONE_IN * LEAST_PAGES} pages at least, since one page in "
        f"{FROZEN_ONE_IN} is frozen (by its content); or name more folders of results with --corrections.",
    )


def left_out(corrected: Corrected) -> str:
    """What of the review could not be used, in a sentence."""
    return (
        f"Left out: {corrected.pages_left_out:,} pages (gone, changed, or not found on their template), "
        f"{corrected.fields_left_out:,} fields (their digits could not be told apart), "
        f"{corrected.duplicates:,} digits (there twice)."
    )


def relearn(
    plan: Plan,
    corrected: Corrected,
    old: Path,
    *,
    progress: Progress = lambda stage, done: None,
    epoch_done: Callable[[EpochScore], None] = lambda score: None,
) -> Relearned:
    """Train, compare, and keep by `RULE`.

    Raises
    ------
    ModelError
        As `require_enough` and `docproc.training.train.train`, or if the old model cannot be read.
    OutputError
        If the folder of the new model has something in it, or cannot be written.
    MissingExtraError
        If TensorFlow is not installed: without the export there is nothing to compare.
    """
    require_enough(corrected)
    if plan.output.exists() and any(plan.output.iterdir()):
        raise OutputError(
            f"{plan.output}: there is something in it, and no model is replaced.", remedy="Name a new folder with -o."
        )
    load_recognizer(old)
    require_to_train(plan.output)
    require_tensorflow()
    if plan.resume and not has_begun(plan.output):
        raise not_begun(plan.output)
    progress("reading digits", 0.0)
    material = gather(plan)
    progress("reading digits", 1.0)
    material = Material([*material.train, corrected.learned], material.held_out, material.x_test, material.y_test)
    trained = learn(going_on(plan, material, old), material, progress=progress, epoch_done=epoch_done)
    progress("calibrating", 0.0)
    result = decide(plan.output, trained, corrected, old)
    forget(plan.output)
    return result


def going_on(plan: Plan, material: Material, old: Path) -> Plan:
    """The plan, beginning with the old model's weights."""
    glyphs, _ = aged_glyphs(material.train, count=_GLYPHS_TO_START, seed=plan.seed, epoch=0)
    width, start = weights_of(old, glyphs)
    return replace(plan, settings=replace(plan.settings, width=width), start=start)


def decide(output: Path, trained: Trained, corrected: Corrected, old: Path) -> Relearned:
    """Export what was trained, compare it with the old model, and put it in its place by `RULE`."""
    aside = output.with_name(f"{output.name}.rejected")
    finish(trained, aside)
    _tell_of_corrections(aside / CARD_NAME, output.name, corrected)
    comparison = compare(load_recognizer(old), load_recognizer(aside), corrected.frozen, trained.test)
    write_comparison(comparison, aside)
    if not comparison.is_better:
        return Relearned(comparison, aside)
    try:
        os.replace(aside, output)  # an empty folder gives way
    except OSError as error:
        raise OutputError(
            f"{output}: the model could not be moved there ({error.strerror}).",
            remedy=f"It is better than the old one, and complete in {aside}: move it yourself.",
        ) from error
    return Relearned(comparison, output)


def _tell_of_corrections(path: Path, name: str, corrected: Corrected) -> None:
    """By digests and counts: names of folders may be names of people."""
    card = read_card(path)
    batches = "; ".join(f"{one.digest}: {one.glyphs} digits of {one.pages} pages" for one in corrected.batches)
    told = (
        f" Corrections: {len(corrected.learned)} digits learned from, {len(corrected.frozen)} frozen, never trained "
        f"on ({corrected.frozen_unseen} of them accepted unseen), of batches {batches}. {RULE}"
    )
    write_card(card.model_copy(update={"name": name, "notes": card.notes + told}), path)
