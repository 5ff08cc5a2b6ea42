"""Train with what people corrected, and keep the new model only if it is better than the old one.

In:  a plan, corrected digits, the folder of the old model, which is only read.
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
from docproc.training.improvement import RULE, Comparison, compare, write_comparison
from docproc.training.material import Material, Plan, gather
from docproc.training.programs import require_tensorflow
from docproc.training.train import Progress, forget, has_begun, learn, not_begun, require_to_train
from docproc.training.trained import KEPT_NAME, keep, read_kept

LEAST_GLYPHS = 50


@dataclass(frozen=True, slots=True)
class Relearned:
    """How it went."""

    comparison: Comparison
    folder: Path  #: Of the new model: the plan's output if it is better, else that name with `.rejected`.


def require_enough(corrected: Corrected) -> None:
    """ModelError where too few digits were corrected, or all of them on pages of one side of the split."""
    count = len(corrected.digits)
    told = (
        f"left out: {corrected.pages_left_out} pages that are gone, changed or not found on their template, "
        f"{corrected.fields_left_out} fields whose digits could not be told apart, {corrected.duplicates} duplicates"
    )
    if count < LEAST_GLYPHS:
        raise ModelError(
            f"The corrections give {count} digits; {LEAST_GLYPHS} are needed ({told}).",
            remedy="Review more fields, or name more folders of results with --corrections.",
        )
    kept, frozen = corrected.parted()
    if not len(kept) or not len(frozen):
        side = "to compare on" if len(frozen) else "to learn from"
        raise ModelError(
            f"All {count} corrected digits are on pages {side}: one page in {FROZEN_ONE_IN}, by its "
            "content, is kept to compare the models on.",
            remedy="Review fields of more pages, or name more folders of results with --corrections.",
        )


def starting_point(plan: Plan, old: Path) -> Plan:
    """The plan, going on from the old model's weights where its trained network is beside it."""
    if not (old / KEPT_NAME).is_file():
        return plan
    networks = read_kept(old / KEPT_NAME).networks
    start = {network.look: network.model.get_weights() for network in networks}
    return replace(plan, settings=replace(plan.settings, width=networks[0].settings.width), start=start)


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
    recognizer = load_recognizer(old)
    require_to_train(plan.output)
    require_tensorflow()
    if plan.resume and not has_begun(plan.output):
        raise not_begun(plan.output)
    kept, frozen = corrected.parted()
    progress("reading digits", 0.0)
    material = gather(plan)
    progress("reading digits", 1.0)
    material = Material([*material.train, kept], material.held_out, material.x_test, material.y_test)
    trained = learn(plan, material, progress=progress, epoch_done=epoch_done)
    progress("calibrating", 0.0)
    aside = plan.output.with_name(f"{plan.output.name}.rejected")
    finish(trained, aside)
    keep(trained, aside)
    _tell_of_corrections(aside / CARD_NAME, plan, corrected, len(frozen))
    new = load_recognizer(aside)
    comparison = compare(recognizer, new, (frozen.glyphs, frozen.labels), trained.test)
    write_comparison(comparison, aside)
    forget(plan.output)
    if not comparison.is_better:
        return Relearned(comparison, aside)
    try:
        os.replace(aside, plan.output)  # an empty folder gives way
    except OSError as error:
        raise OutputError(
            f"{plan.output}: the model could not be moved there ({error.strerror}).",
            remedy=f"It is better than the old one, and complete in {aside}: move it yourself.",
        ) from error
    return Relearned(comparison, plan.output)


def _tell_of_corrections(path: Path, plan: Plan, corrected: Corrected, frozen: int) -> None:
    """By digests and counts: names of folders may be names of people."""
    card = read_card(path)
    batches = "; ".join(f"{one.digest}: {one.glyphs} digits of {one.pages} pages" for one in corrected.batches)
    told = (
        f" Corrections: {len(corrected.digits)} digits, {frozen} of them frozen, never trained on, of batches "
        f"{batches}. {RULE}"
    )
    write_card(card.model_copy(update={"name": plan.output.name, "notes": card.notes + told}), path)
