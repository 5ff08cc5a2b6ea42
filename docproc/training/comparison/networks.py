"""Two networks of textbook size: dense, and convolutional.

In:  `Material`. Out: `Trained`, with learning curves.
Written against Keras alone, so that it also runs on its torch and jax backends. Shapes stand beside the lines.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import softmax
from docproc.character.card import DIGITS
from docproc.character.normalization import SIDE_PX
from docproc.training.comparison.material import Labeled, Material
from docproc.training.comparison.method import Chances, Images, LearningCurve, Tell, Trained
from docproc.training.comparison.timing import BATCH, now_s
from docproc.training.fit import seed_everything

_TRAINING_BATCH = 128
_RATE = 1e-3  #: Keras' own for Adam and RMSprop.
_PATIENCE_EPOCHS = 6  #: Without a lower validation loss, three being chance; then the best epoch's weights return.
_DENSE_DROPOUT = 0.3
_CNN_DROPOUT = 0.5
_TELL_EVERY = 20  #: Batches.


def train_dense(material: Material, *, epochs: int, seed: int, tell: Tell) -> Trained:
    """Three dense layers with Adam: no pixel knows which others are its neighbors."""
    import keras
    from keras import Input, Sequential, layers

    seed_everything(seed)
    model = Sequential(
        [
            Input((SIDE_PX, SIDE_PX, 1)),
            layers.Flatten(),  # (N, 784)
            layers.Dense(512, activation="relu"),  # (N, 512)
            layers.Dropout(_DENSE_DROPOUT),
            layers.Dense(256, activation="relu"),  # (N, 256)
            layers.Dropout(_DENSE_DROPOUT),
            layers.Dense(len(DIGITS)),  # (N, 10) logits
        ],
        name="dense",
    )
    how = "Three dense layers (512, 256, 10) with dropout. Keras, Adam, early stopping."
    return _fitted(
        "dense", "Dense network", how, model, keras.optimizers.Adam(_RATE), material, epochs=epochs, tell=tell
    )


def train_cnn(material: Material, *, epochs: int, seed: int, tell: Tell) -> Trained:
    """A small CNN with RMSprop and early stopping."""
    import keras
    from keras import Input, Sequential, layers

    seed_everything(seed)
    model = Sequential(
        [
            Input((SIDE_PX, SIDE_PX, 1)),
            layers.Conv2D(32, 3, activation="relu"),  # (N, 26, 26, 32)
            layers.MaxPooling2D(),  # (N, 13, 13, 32)
            layers.Conv2D(64, 3, activation="relu"),  # (N, 11, 11, 64)
            layers.MaxPooling2D(),  # (N, 5, 5, 64)
            layers.Flatten(),  # (N, 1600)
            layers.Dropout(_CNN_DROPOUT),
            layers.Dense(len(DIGITS)),  # (N, 10) logits
        ],
        name="cnn",
    )
    how = (
        "Two layers of 3 x 3 filters (32, 64), each followed by pooling, then one dense layer, with dropout. "
        "Keras, RMSprop, early stopping."
    )
    return _fitted(
        "cnn", "Small CNN", how, model, keras.optimizers.RMSprop(_RATE), material, epochs=epochs, tell=tell
    )


def _fitted(
    key: str, name: str, how: str, model: Any, optimizer: Any, material: Material, *, epochs: int, tell: Tell
) -> Trained:
    import keras

    started = now_s()
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    stop = keras.callbacks.EarlyStopping("val_loss", patience=_PATIENCE_EPOCHS, restore_best_weights=True)
    history = model.fit(
        *_for_keras(material.train),
        validation_data=_for_keras(material.validation),
        batch_size=_TRAINING_BATCH,
        epochs=epochs,
        callbacks=[stop, _telling(tell, epochs=epochs, batches=-(-len(material.train) // _TRAINING_BATCH))],
        verbose=0,
    ).history
    training_s = now_s() - started
    curve = LearningCurve(
        *(tuple(map(float, history[key])) for key in ("loss", "val_loss", "accuracy", "val_accuracy"))
    )

    def read(images: Images) -> Chances:
        return softmax(_logits(model, images))

    how = f"{how} {model.count_params():,} weights; those kept are of epoch {curve.best_epoch + 1}."
    return Trained(key, name, how, read, training_s, _size_bytes(model), curve)


def _telling(tell: Tell, *, epochs: int, batches: int) -> Any:
    import keras

    epoch_now = [0]

    def begin(epoch: int, logs: Any = None) -> None:
        epoch_now[0] = epoch

    def batch_done(batch: int, logs: Any = None) -> None:
        if batch % _TELL_EVERY == 0:
            tell((epoch_now[0] + batch / batches) / epochs)

    return keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_train_batch_end=batch_done)


def _for_keras(digits: Labeled) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    return _scaled(digits.images), digits.labels.astype(np.int32)


def _scaled(images: Images) -> npt.NDArray[np.float32]:
    """(N, 28, 28) uint8 to (N, 28, 28, 1), 0 to 1."""
    return images[..., None].astype(np.float32) / 255.0


def _logits(model: Any, images: Images) -> npt.NDArray[np.float64]:
    scores = np.empty((len(images), len(DIGITS)), np.float64)
    batch = np.zeros((BATCH, SIDE_PX, SIDE_PX, 1), np.float32)
    for start in range(0, len(images), BATCH):
        part = images[start : start + BATCH]
        # The last batch is padded: another size would be compiled anew.
        batch[: len(part)] = _scaled(part)
        scores[start : start + len(part)] = np.asarray(model.predict_on_batch(batch))[: len(part)]
    return scores


def _size_bytes(model: Any) -> int:
    """What the network takes on disk as a .keras file, without what only training needs."""
    import keras

    bare = keras.Sequential.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        bare.save(path)
        return path.stat().st_size
