"""From digits to a model with its card: the whole of `docproc train` on one screen.

In:  a plan. Out: a model and its card in a folder, all or nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from docproc.character.card import DataSource, ModelCard
from docproc.engine import available_cores
from docproc.errors import ModelError
from docproc.training.digits.datasets import LICENSES
from docproc.training.finish import finish
from docproc.training.fit import EpochScore, fit
from docproc.training.material import (
    Material,
    Plan,
    checkpoint_path,
    digest,
    gather,
    held_out_glyphs,
    paint_stocks,
    stock_path,
    training_glyphs,
)
from docproc.training.mixture import NEGATIVE_SHARE, shares
from docproc.training.network import GlyphTask, Look
from docproc.training.programs import (
    can_finish,
    program_versions,
    require_keras,
    require_tensorflow,
    require_writable,
)
from docproc.training.trained import Trained, TrainedNetwork, keep, read_kept

__all__ = ["Material", "Plan", "finish_kept", "gather", "learn", "train"]

#: (stage, how much of it is done), of `STAGES`: looks 0 to all epochs, the others 0 to 1.
Progress = Callable[[str, float], None]
LOOKS: dict[Look, str] = {"first": "first look", "second": "second look"}
STAGES = ("reading digits", "painting", *LOOKS.values(), "calibrating")


def train(
    plan: Plan,
    *,
    progress: Progress = lambda stage, done: None,
    epoch_done: Callable[[EpochScore], None] = lambda score: None,
) -> ModelCard | Path:
    """Paint, train, calibrate, export, check and write a model.

    Returns
    -------
    ModelCard, or Path
        Where TensorFlow is not installed, the path of the trained network for `finish_kept`.

    Raises
    ------
    MissingExtraError
        If Keras, or what it is to train on, is not installed.
    ModelError
        If the export does not agree with what was trained (nothing is written then), what is to be resumed was never
        begun, is damaged, or is of another run.
    OutputError
        If the folder cannot be written.
    """
    require_to_train(plan.output)
    if plan.resume and not has_begun(plan.output):
        raise not_begun(plan.output)
    trained = learn(plan, progress=progress, epoch_done=epoch_done)
    progress("calibrating", 0.0)
    result = finish(trained, plan.output) if can_finish() else keep(trained, plan.output)
    forget(plan.output)
    return result


def learn(
    plan: Plan,
    material: Material | None = None,
    *,
    checkpoint: str | None = None,
    progress: Progress = lambda stage, done: None,
    epoch_done: Callable[[EpochScore], None] = lambda score: None,
) -> Trained:
    """Paint and train: networks with all that their card needs. Only what a resumed run reads is written.

    Parameters
    ----------
    material : Material, optional
        Instead of the plan's.
    checkpoint : str, optional
        Name of this run beside others with the same output.
    """
    started = time.monotonic()
    if material is None:
        progress("reading digits", 0.0)
        material = gather(plan)
        progress("reading digits", 1.0)
    stocks = paint_stocks(
        plan,
        material,
        elapsed=lambda: time.monotonic() - started,
        progress=lambda share: progress("painting", share),
    )
    calibration, measured = held_out_glyphs(plan, material, stocks)
    half = len(calibration[0]) // 2
    made_from = digest(plan, material)

    def told(stage: str) -> Callable[[int, float], None]:
        return lambda epoch, share: progress(stage, epoch + share)

    networks: list[TrainedNetwork] = []
    wall_time_s = 0.0
    looks: tuple[Look, ...] = ("first", "second") if plan.second_look else ("first",)
    for look in looks:
        fitted = fit(
            GlyphTask(plan.glyphs_per_epoch, look, plan.settings, plan.start.get(look, ())),
            training_glyphs(plan, material, stocks, look=look),
            (calibration[0][:half], calibration[1][:half]),
            epochs=plan.epochs_of(look),
            seed=plan.seed,
            patience=plan.patience,
            checkpoint=checkpoint_path(plan.output, checkpoint, look=look),
            resume=plan.resume,
            made_from=made_from,
            workers=plan.workers,
            started=started,
            earlier_s=stocks.wall_time_s if look == "first" else 0.0,
            progress=told(LOOKS[look]),
            epoch_done=epoch_done,
        )
        networks.append(TrainedNetwork(fitted.model, look, plan.settings, len(fitted.history)))
        wall_time_s += fitted.wall_time_s
        started = time.monotonic()
    return Trained(
        networks=networks,
        calibration=calibration,
        measured=measured,
        test=(material.x_test, material.y_test),
        data=_sources(material),
        seed=plan.seed,
        wall_time_s=wall_time_s,
        cores=available_cores(),
        versions=program_versions(_backend()),
    )


def require_to_train(output: Path) -> None:
    """Stop before the work where it cannot be done or written: see `train`."""
    require_keras()
    require_writable(output)


def has_begun(output: Path, *, checkpoint: str | None = None) -> bool:
    """Whether an interrupted run has left something to go on from."""
    return stock_path(output).exists() or checkpoint_path(output, checkpoint).exists()


def not_begun(output: Path) -> ModelError:
    """What to say where it has not."""
    return ModelError(
        f"{output}: there is no interrupted training to go on with.",
        remedy="Name the folder that it was begun with, or leave out --resume to begin.",
    )


def forget(output: Path, *, checkpoint: str | None = None) -> None:
    """Delete what was kept for a run that might have been interrupted."""
    stock_path(output).unlink(missing_ok=True)
    for look in LOOKS:
        checkpoint_path(output, checkpoint, look=look).unlink(missing_ok=True)


def finish_kept(path: Path, output: Path) -> ModelCard:
    """Export, calibrate and describe a network that `train` wrote where TensorFlow is not installed."""
    require_tensorflow()
    require_writable(output)
    return finish(read_kept(path), output)


def _backend() -> str:
    import keras

    return keras.backend.backend()


def _sources(material: Material) -> list[DataSource]:
    sources = [
        DataSource(
            name=source.name,
            license=LICENSES.get(source.name, "not stated"),
            share=round(share, 4),
            glyphs=len(source),
        )
        for source, share in zip(material.train, shares(material.train), strict=True)
    ]
    return [*sources, DataSource(name="drawn marks", license="MIT", share=NEGATIVE_SHARE, glyphs=0)]
