"""Fit the network: epochs of fresh glyphs, cosine learning rate, averaged weights, checkpoints, early stopping.

In:  a function that makes the glyphs of an epoch, held-out glyphs, and a plan.
Out: the network with the averaged weights of its best epoch, and the history.
Written against Keras alone. An interrupted run resumes from its last epoch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import negative_log_likelihood
from docproc.training.network import build_network, predict

Glyphs = npt.NDArray[np.uint8]
EpochGlyphs = Callable[[int], tuple[Glyphs, Glyphs]]
Progress = Callable[[int, float], None]  #: (epoch, share of it done)

BATCH = 128
_PEAK_RATE = 2e-3  #: Of AdamW; the usual rate for networks of this size.
_WARM_UP_SHARE = 0.03  #: Of all steps.
_WEIGHT_DECAY = 4e-3
_LABEL_SMOOTHING = 0.02  #: Some labels are wrong; calibration takes the bias out again.
_AVERAGE_EVERY = 8  #: Steps between two looks at the weights.
_AVERAGE_KEEP = 0.985  #: Share of the old average kept at each look: a memory of about 500 steps.


@dataclass(frozen=True, slots=True)
class EpochScore:
    """How an epoch ended, on held-out glyphs, with the averaged weights."""

    epoch: int
    training_loss: float
    held_out_loss: float  #: Mean negative log likelihood.
    held_out_right: float  #: Share.


@dataclass(slots=True)
class _State:
    epoch: int
    step: int
    average: list[npt.NDArray]
    best: list[npt.NDArray]
    history: list[EpochScore]


def seed_everything(seed: int) -> None:
    """Make a run repeatable on one machine: Python's, NumPy's and the backend's generators, and the kernels."""
    import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def fit(
    epoch_glyphs: EpochGlyphs,
    held_out: tuple[Glyphs, Glyphs],
    *,
    epochs: int,
    glyphs_per_epoch: int,
    seed: int,
    patience: int,
    checkpoint: Path,
    resume: bool,
    progress: Progress,
    epoch_done: Callable[[EpochScore], None],
) -> tuple[Any, Sequence[EpochScore]]:
    """Train, and return (model with the best averaged weights, history).

    Parameters
    ----------
    epoch_glyphs : (epoch) -> (N, 28, 28) uint8, (N,) uint8
        Runs in a thread, one epoch ahead.
    held_out : (M, 28, 28) uint8, (M,) uint8
        Chooses the best epoch; never trained on.
    patience : int
        Epochs without a better held-out loss after which training stops.
    checkpoint : Path
        File that holds all there is to go on from; written after each epoch.
    resume : bool
        Go on from `checkpoint` where it exists.
    """
    import keras

    seed_everything(seed)
    steps = epochs * (glyphs_per_epoch // BATCH)
    model = build_network()
    model.compile(
        optimizer=keras.optimizers.AdamW(_rate(steps), weight_decay=_WEIGHT_DECAY),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=_LABEL_SMOOTHING),
    )
    model.optimizer.build(model.trainable_variables)
    state = _State(0, 0, model.get_weights(), model.get_weights(), [])
    if resume and checkpoint.exists():
        state = _load(checkpoint, model)
    with ThreadPoolExecutor(1) as ahead:
        upcoming = ahead.submit(epoch_glyphs, state.epoch)
        while state.epoch < epochs and not _has_stalled(state.history, patience):
            glyphs, labels = upcoming.result()
            if state.epoch + 1 < epochs:
                upcoming = ahead.submit(epoch_glyphs, state.epoch + 1)
            _seed_dropout(model, seed, state.epoch)
            loss = _one_epoch(model, glyphs, labels, state, progress)
            score = _score_average(model, state, held_out, loss)
            if not state.history or score.held_out_loss < min(s.held_out_loss for s in state.history):
                state.best = state.average
            state.history.append(score)
            state.epoch += 1
            _save(checkpoint, model, state)
            epoch_done(score)
    model.set_weights(state.best)
    return model, state.history


def _seed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Draw dropout from (seed, epoch), so that a resumed run equals one that was never interrupted."""
    for variable in model.variables:
        if variable.name == "seed_generator_state":  # (2,) uint32, Keras' own; no weight, so not in a checkpoint
            variable.assign(np.array([seed, epoch], np.uint32))


def _rate(steps: int) -> Any:
    import keras

    warm_up = max(int(steps * _WARM_UP_SHARE), 1)
    return keras.optimizers.schedules.CosineDecay(
        _PEAK_RATE / 50, max(steps - warm_up, 1), alpha=0.0, warmup_target=_PEAK_RATE, warmup_steps=warm_up
    )


def _one_epoch(model: Any, glyphs: Glyphs, labels: Glyphs, state: _State, progress: Progress) -> float:
    classes = np.eye(model.output_shape[-1], dtype=np.float32)
    losses = []
    batches = len(glyphs) // BATCH
    for batch in range(batches):
        part = slice(batch * BATCH, (batch + 1) * BATCH)
        images = glyphs[part, :, :, None].astype(np.float32) / 255.0
        losses.append(float(model.train_on_batch(images, classes[labels[part]])))
        state.step += 1
        if state.step % _AVERAGE_EVERY == 0:
            # Batch normalization's means and variances are averaged too, or they would not fit the weights.
            # Early on the memory is short, so that the random start is forgotten.
            keep = min(_AVERAGE_KEEP, state.step / (state.step + 10 * _AVERAGE_EVERY))
            pairs = zip(state.average, model.get_weights(), strict=True)
            state.average = [keep * average + (1 - keep) * weight for average, weight in pairs]
            progress(state.epoch, (batch + 1) / batches)
    return losses[-1] if losses else 0.0  # Keras reports the mean since the last reset


def _score_average(model: Any, state: _State, held_out: tuple[Glyphs, Glyphs], loss: float) -> EpochScore:
    own = model.get_weights()
    model.set_weights(state.average)
    logits = predict(model, held_out[0])
    model.set_weights(own)
    model.reset_metrics()
    right = float(np.mean(logits.argmax(axis=1) == held_out[1]))
    return EpochScore(state.epoch, loss, negative_log_likelihood(logits, held_out[1]), right)


def _has_stalled(history: Sequence[EpochScore], patience: int) -> bool:
    if len(history) <= patience:
        return False
    losses = [score.held_out_loss for score in history]
    return min(losses[-patience:]) > min(losses[:-patience])


def _save(path: Path, model: Any, state: _State) -> None:
    """All that a resumed run needs, in one file that is either the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"weight{i}": w for i, w in enumerate(model.get_weights())}
    arrays |= {f"average{i}": w for i, w in enumerate(state.average)}
    arrays |= {f"best{i}": w for i, w in enumerate(state.best)}
    arrays |= {f"optimizer{i}": np.asarray(v) for i, v in enumerate(model.optimizer.variables)}
    facts = {"epoch": state.epoch, "step": state.step, "history": [asdict(score) for score in state.history]}
    aside = path.with_suffix(".part.npz")
    np.savez(aside, facts=np.array(json.dumps(facts)), **arrays)
    os.replace(aside, path)


def _load(path: Path, model: Any) -> _State:
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(str(file["facts"]))
        count = len(model.get_weights())
        model.set_weights([file[f"weight{i}"] for i in range(count)])
        for i, variable in enumerate(model.optimizer.variables):
            variable.assign(file[f"optimizer{i}"])
        average = [file[f"average{i}"] for i in range(count)]
        best = [file[f"best{i}"] for i in range(count)]
    history = [EpochScore(**score) for score in facts["history"]]
    return _State(facts["epoch"], facts["step"], average, best, history)
