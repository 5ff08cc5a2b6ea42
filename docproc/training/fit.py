"""Fit a network: epochs of fresh material, cosine learning rate, averaged weights, checkpoints, early stopping.

In:  what is learned (`Task`), a function that makes the material of an epoch, held-out material and a duration.
Out: the network with the averaged weights of its best epoch, the history, and the time that it took.
Written against Keras alone. An interrupted run resumes from its last epoch.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from docproc.errors import ModelError, OutputError
from docproc.training.ahead import made_ahead
from docproc.training.settings import Settings

Progress = Callable[[int, float], None]  #: (epoch, share of it done)
Made_contra = TypeVar("Made_contra", contravariant=True)  #: The material of an epoch.

_WARM_UP_SHARE = 0.03  #: Of all steps.
_AVERAGE_EVERY = 8  #: Steps between two looks at the weights.
_AVERAGE_KEEP = 0.985  #: Share of the old average kept at each look: a memory of about 500 steps.


class Task(Protocol[Made_contra]):
    """What is learned: a network, its loss, and how its material comes in batches."""

    @property
    def settings(self) -> Settings:
        """Of the network and its training."""

    @property
    def batches_per_epoch(self) -> int:
        """Steps of training."""

    @property
    def facts(self) -> dict[str, Any]:
        """What names the run besides its settings: a checkpoint of other facts is refused."""

    def build(self) -> Any:
        """The Keras model, untrained."""

    def loss(self) -> Any:
        """The Keras loss."""

    def batches(self, made: Made_contra) -> Iterator[tuple[npt.NDArray, npt.NDArray]]:
        """Inputs, float32, and targets."""

    def score(self, model: Any, held_out: Made_contra) -> tuple[float, float]:
        """Mean negative log likelihood of held-out material, and the share of it that is right."""


@dataclass(frozen=True, slots=True)
class EpochScore:
    """How an epoch ended, on held-out glyphs, with the averaged weights."""

    epoch: int
    training_loss: float
    held_out_loss: float  #: Mean negative log likelihood.
    held_out_right: float  #: Share.


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained network, and how it came about."""

    model: Any  #: With the averaged weights of its best epoch.
    history: Sequence[EpochScore]
    wall_time_s: float  #: Of a resumed run, with the time before it was interrupted.


@dataclass(slots=True)
class _State:
    epoch: int
    step: int
    average: list[npt.NDArray]
    best: list[npt.NDArray]
    history: list[EpochScore]
    wall_time_s: float  #: Until this run was resumed.


def seed_everything(seed: int) -> None:
    """Make a run repeatable on one machine: Python's, NumPy's and the backend's generators, and the kernels."""
    import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def fit(
    task: Task[Made_contra],
    make_epoch: Callable[[int], Made_contra],
    held_out: Made_contra,
    *,
    epochs: int,
    seed: int,
    patience: int,
    checkpoint: Path | None,
    resume: bool = False,
    made_from: str = "",
    workers: int = 1,
    started: float | None = None,
    earlier_s: float = 0.0,
    progress: Progress = lambda epoch, share: None,
    epoch_done: Callable[[EpochScore], None] = lambda score: None,
) -> Fitted:
    """Train until the last epoch, or until the held-out loss has stopped falling.

    Parameters
    ----------
    make_epoch : (epoch) -> Made_contra
        Runs ahead, in a thread or, with several `workers`, in processes: then it must be picklable.
    held_out : Made_contra
        Chooses the best epoch; never trained on.
    patience : int
        Epochs without a better held-out loss after which training stops.
    checkpoint : Path, optional
        File that holds all there is to go on from; written after each epoch.
    resume : bool
        Go on from `checkpoint` where it exists.
    made_from : str
        Names the material; a checkpoint of other material, settings or duration is refused.
    started : float, optional
        `time.monotonic()` at which the run's time begins; now where None.
    earlier_s : float
        Seconds that an interrupted run has spent before its first epoch.

    Raises
    ------
    ModelError
        If the checkpoint is damaged or of another run.
    OutputError
        If the checkpoint cannot be written.
    """
    import keras

    started = time.monotonic() if started is None else started
    seed_everything(seed)
    model, settings = task.build(), task.settings
    model.compile(
        optimizer=keras.optimizers.AdamW(
            _rate(epochs * task.batches_per_epoch, settings.rate), weight_decay=settings.weight_decay
        ),
        loss=task.loss(),
    )
    model.optimizer.build(model.trainable_variables)
    run = {"epochs": epochs, "seed": seed, "material": made_from, **task.facts, **asdict(settings)}
    state = _State(0, 0, model.get_weights(), model.get_weights(), [], 0.0)
    if resume and checkpoint is not None and checkpoint.exists():
        state = _load(checkpoint, model, run)
    state.wall_time_s = max(state.wall_time_s, earlier_s)  # the checkpoint's has that in it
    progress(state.epoch, 0.0)
    with made_ahead(make_epoch, state.epoch, epochs, workers=workers) as coming:
        while state.epoch < epochs and not _has_stalled(state.history, patience):
            made = next(coming)
            _seed_dropout(model, seed, state.epoch)
            loss = _one_epoch(task, model, made, state, progress)
            score = _score_average(task, model, state, held_out, loss)
            if not state.history or score.held_out_loss < min(s.held_out_loss for s in state.history):
                state.best = state.average
            state.history.append(score)
            state.epoch += 1
            if checkpoint is not None:
                _save(checkpoint, model, state, run, time.monotonic() - started)
            epoch_done(score)
    model.set_weights(state.best)
    return Fitted(model, state.history, state.wall_time_s + time.monotonic() - started)


def _seed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Draw dropout from (seed, epoch), so that a resumed run equals one that was never interrupted."""
    for variable in model.variables:
        if variable.name == "seed_generator_state":  # (2,) uint32, Keras' own; no weight, so not in a checkpoint
            variable.assign(np.array([seed, epoch], np.uint32))


def _rate(steps: int, peak: float) -> Any:
    import keras

    warm_up = max(int(steps * _WARM_UP_SHARE), 1)
    return keras.optimizers.schedules.CosineDecay(
        peak / 50, max(steps - warm_up, 1), alpha=0.0, warmup_target=peak, warmup_steps=warm_up
    )


def _one_epoch(task: Task[Made_contra], model: Any, made: Made_contra, state: _State, progress: Progress) -> float:
    loss = 0.0
    for batch, (inputs, targets) in enumerate(task.batches(made)):
        loss = float(model.train_on_batch(inputs, targets))
        state.step += 1
        if state.step % _AVERAGE_EVERY == 0:
            # Batch normalization's means and variances are averaged too, or they would not fit the weights.
            # Early on the memory is short, so that the random start is forgotten.
            keep = min(_AVERAGE_KEEP, state.step / (state.step + 10 * _AVERAGE_EVERY))
            pairs = zip(state.average, model.get_weights(), strict=True)
            state.average = [keep * average + (1 - keep) * weight for average, weight in pairs]
            progress(state.epoch, (batch + 1) / task.batches_per_epoch)
    return loss  # Keras reports the mean since the last reset


def _score_average(
    task: Task[Made_contra], model: Any, state: _State, held_out: Made_contra, loss: float
) -> EpochScore:
    own = model.get_weights()
    model.set_weights(state.average)
    held_out_loss, right = task.score(model, held_out)
    model.set_weights(own)
    model.reset_metrics()
    return EpochScore(state.epoch, loss, held_out_loss, right)


def _has_stalled(history: Sequence[EpochScore], patience: int) -> bool:
    if len(history) <= patience:
        return False
    losses = [score.held_out_loss for score in history]
    return min(losses[-patience:]) > min(losses[:-patience])


def _save(path: Path, model: Any, state: _State, run: dict[str, Any], seconds: float) -> None:
    """All that a resumed run needs, in one file that is either the old or the new one."""
    arrays = {f"weight{i}": w for i, w in enumerate(model.get_weights())}
    arrays |= {f"average{i}": w for i, w in enumerate(state.average)}
    arrays |= {f"best{i}": w for i, w in enumerate(state.best)}
    arrays |= {f"optimizer{i}": np.asarray(v) for i, v in enumerate(model.optimizer.variables)}
    facts = {
        "run": run,
        "epoch": state.epoch,
        "step": state.step,
        "history": [asdict(score) for score in state.history],
        "wall_time_s": state.wall_time_s + seconds,
    }
    save_arrays(path, facts=np.array(json.dumps(facts)), **arrays)


def save_arrays(path: Path, **arrays: npt.NDArray) -> None:
    """Write an .npz that is either the old file or the new one. OutputError where it cannot be written."""
    aside = path.with_suffix(".part.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(aside, allow_pickle=False, **arrays)
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: the state of the training could not be written ({error.strerror}).",
            remedy="Make room, or name another folder with -o; then run the same command with --resume.",
        ) from error


def _load(path: Path, model: Any, run: dict[str, Any]) -> _State:
    anew = "Run it with the options that it was begun with, or without --resume to begin anew."
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        facts = json.loads(str(arrays["facts"]))
        differing = [key for key, value in run.items() if facts["run"].get(key) != value]
        if differing:
            raise ModelError(f"{path} is of a training with other {', '.join(differing)}.", remedy=anew)
        count = len(model.get_weights())
        model.set_weights([arrays[f"weight{i}"] for i in range(count)])
        for i, variable in enumerate(model.optimizer.variables):
            variable.assign(arrays[f"optimizer{i}"])
        average = [arrays[f"average{i}"] for i in range(count)]
        best = [arrays[f"best{i}"] for i in range(count)]
        history = [EpochScore(**score) for score in facts["history"]]
        return _State(facts["epoch"], facts["step"], average, best, history, facts["wall_time_s"])
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise ModelError(f"{path}: training cannot go on from this file ({error}).", remedy=anew) from error
