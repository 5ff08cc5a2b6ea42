"""Make the reader of whole lines: paint, fit, export, weigh it beside the recognizer of glyphs, describe it.

In:  a plan. Out: `lines1.tflite`, `lines2.tflite`, ... and `card.yaml` in a folder.
What an interrupted run needs lies beside the folder: painted lines and the state of the training.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docproc.character.recognizer import load_recognizer
from docproc.combination.card import LineCard
from docproc.combination.line_reader import load_line_reader
from docproc.errors import ModelError
from docproc.training.fit import EpochScore, Fitted, fit
from docproc.training.material import Material, halves
from docproc.training.painting.numbers import Writers
from docproc.training.programs import require_keras, require_tensorflow, require_writable
from docproc.training.strings.finish import export_lines, weigh_lines
from docproc.training.strings.lines import Lines, lines_in_parts
from docproc.training.strings.network import build_line_network
from docproc.training.strings.plan import LinePlan, line_checkpoint, lines_folder, material_of, training_writers
from docproc.training.strings.task import EpochLines, LineTask

STAGES = ("reading digits", "painting", "training", "weighing")

_PART = 8_000  #: Painted lines that are saved at a time: about a minute of work.
_SEEDS = 100  #: Between those of one network and those of the next.
_TRAIN, _HELD_OUT = 0, 1  #: Seeds of what is painted to learn from, and to choose the best epoch by.

Progress = Callable[[str, float], None]


def train_lines(
    plan: LinePlan,
    *,
    progress: Progress = lambda stage, done: None,
    epoch_done: Callable[[EpochScore], None] = lambda score: None,
) -> LineCard:
    """Make a reader of lines.

    Parameters
    ----------
    progress : (stage, done) -> None
        One of `STAGES`, and how far it is: networks for "painting", their epochs for "training", else 0 to 1.

    Raises
    ------
    MissingExtraError
        If Keras or TensorFlow is not installed.
    ModelError
        If the recognizer cannot be used, the export does not agree with what was trained, or what is to be resumed is
        damaged or of another run.
    OutputError
        If the folder cannot be written.
    """
    if plan.reader is None:
        require_keras()
        require_tensorflow()
    require_writable(plan.output)
    recognizer = load_recognizer(plan.recognizer)
    progress("reading digits", 0.0)
    material = material_of(plan)
    progress("reading digits", 1.0)
    if plan.reader is not None:
        reader = load_line_reader(plan.reader)
    elif plan.trained:
        reader = export_lines([_trained(path) for path in plan.trained], plan, material, wall_time_s=0.0)
    else:
        fitted = [
            learn_lines(plan, material, network, progress=progress, epoch_done=epoch_done)
            for network in range(plan.networks)
        ]
        spent_s = sum(one.wall_time_s for one in fitted)
        reader = export_lines([one.model for one in fitted], plan, material, wall_time_s=spent_s)
    card = weigh_lines(reader, plan, material, recognizer, progress=lambda share: progress("weighing", share))
    for network in range(plan.networks):
        line_checkpoint(plan.output, network).unlink(missing_ok=True)
    shutil.rmtree(lines_folder(plan.output), ignore_errors=True)
    return card


def learn_lines(
    plan: LinePlan,
    material: Material,
    network: int,
    *,
    progress: Progress = lambda stage, done: None,
    epoch_done: Callable[[EpochScore], None] = lambda score: None,
) -> Fitted:
    """Paint for one network and fit it; only what a resumed run reads is written."""
    started = time.monotonic()
    folder = lines_folder(plan.output) / str(network + 1)
    if not plan.resume:
        shutil.rmtree(folder, ignore_errors=True)
    seed = plan.seed + _SEEDS * network
    part = min(plan.painted_lines, _PART)
    stock = lines_in_parts(
        training_writers(material),
        folder,
        "train",
        parts=-(-plan.painted_lines // part),
        size=part,
        seed=seed + _TRAIN,
        workers=plan.workers,
        progress=lambda share: progress("painting", network + share),
    )
    one, _ = halves(material.held_out, plan.seed)
    held_out = lines_in_parts(
        Writers(one),
        folder,
        "held",
        parts=1,
        size=plan.held_out_lines,
        seed=seed + _HELD_OUT,
        workers=plan.workers,
    )
    return fit(
        LineTask(plan.lines_per_epoch, plan.settings),
        EpochLines(stock, plan.lines_per_epoch, seed),
        held_out,
        epochs=plan.epochs,
        seed=seed,
        patience=plan.patience,
        checkpoint=line_checkpoint(plan.output, network),
        resume=plan.resume,
        made_from=_digest(stock),
        workers=plan.workers,
        started=started,
        progress=lambda epoch, share: progress("training", network * plan.epochs + epoch + share),
        epoch_done=epoch_done,
    )


def _trained(path: Path) -> Any:
    """A network that was trained elsewhere. ModelError where it cannot be read, or is none of ours."""
    import keras

    own = build_line_network()
    try:
        own.set_weights(keras.models.load_model(path, compile=False).get_weights())
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} is no network of lines: {str(error).splitlines()[0]}",
            remedy="Name one that Keras has kept of `training.strings.network`, of the same version of docproc.",
        ) from error
    return own


def _digest(stock: Lines) -> str:
    """Names the painted lines, by all texts and by one picture in many."""
    whole = hashlib.sha256(" ".join(stock.texts).encode())
    for image in stock.images[:: max(len(stock) // 1000, 1)]:
        whole.update(image.tobytes())
    return whole.hexdigest()
