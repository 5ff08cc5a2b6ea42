"""From digits to a model with its card: the whole of `docproc train` on one screen.

In:  a plan. Out: `model.tflite` and `card.yaml` in a folder, both or neither.
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import docproc
from docproc.character import calibration as cal
from docproc.character.card import (
    CARD_NAME,
    CLASSES,
    MODEL_NAME,
    Calibration,
    DataSource,
    ModelCard,
    write_card,
)
from docproc.character.normalization import NORMALIZER_ID, SIDE_PX
from docproc.character.recognizer import LiteRtRecognizer
from docproc.errors import MissingExtraError, OutputError
from docproc.training.assessment import choose_threshold, measure, reliability_points
from docproc.training.datasets import LICENSES, Digits, hold_out, read_digits, read_mnist
from docproc.training.export import check_agreement, export
from docproc.training.fit import EpochScore, fit
from docproc.training.mixture import NEGATIVE_SHARE, aged_glyphs, aged_share, shares
from docproc.training.network import predict

HOLD_OUT_SHARE = 0.15  #: Of each source's writers (of its digits, where writers are unknown).
#: Share wrong among accepted digits that `review_below` aims at, on held-out writers.
WRONG_AMONG_ACCEPTED = 0.01
_HELD_OUT_EPOCH = 1_000_000  #: Numbers of epochs that training never comes to: held-out glyphs are drawn apart.
_CALIBRATION_EPOCH = 1_000_001
_PATIENCE_EPOCHS = 8
_NOTES = (
    "review_below: of held-out writers' digits and drawn marks, aged as in training, at most "
    f"{WRONG_AMONG_ACCEPTED:.1%} of those accepted as digits at that confidence are wrong. Scores named held_out are "
    "of those writers and marks: broken, coarse and dirty on purpose, harder than a clean page. mnist_test is "
    "MNIST's test set as it is, all classes allowed as answers."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train, on what, for how long."""

    output: Path
    mnist: Path | None = None
    digits: Sequence[Path] = ()
    seed: int = 2026
    epochs: int = 30
    glyphs_per_epoch: int = 60_000
    held_out_glyphs: int = 20_000
    resume: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Digits to train on, digits of other writers to measure on, and MNIST's test set as it is."""

    train: list[Digits]
    held_out: list[Digits]
    x_test: npt.NDArray[np.uint8]
    y_test: npt.NDArray[np.uint8]


def train(
    plan: Plan,
    *,
    progress: Callable[[int, float], None] = lambda epoch, share: None,
    epoch_done: Callable[[EpochScore], None] = lambda score: None,
) -> ModelCard:
    """Train, calibrate, export, check and write a model.

    Raises
    ------
    MissingExtraError
        If Keras or TensorFlow is not installed.
    ModelError
        If the export does not agree with what was trained; nothing is written then.
    OutputError
        If the folder cannot be written.
    """
    started = time.monotonic()
    _require_tensorflow()
    _require_writable(plan.output)
    material = gather(plan)
    held_out = aged_glyphs(material.held_out, count=plan.held_out_glyphs // 2, seed=plan.seed, epoch=_HELD_OUT_EPOCH)
    model, history = fit(
        lambda epoch: aged_glyphs(
            material.train,
            count=plan.glyphs_per_epoch,
            seed=plan.seed,
            epoch=epoch,
            aged_share=aged_share(epoch, plan.epochs),
        ),
        held_out,
        epochs=plan.epochs,
        glyphs_per_epoch=plan.glyphs_per_epoch,
        seed=plan.seed,
        patience=_PATIENCE_EPOCHS,
        checkpoint=plan.output.with_name(f".{plan.output.name}.checkpoint.npz"),
        resume=plan.resume,
        progress=progress,
        epoch_done=epoch_done,
    )
    exported = export(model)
    card = _describe(plan, material, model, exported, history)
    card = card.model_copy(update={"wall_time_s": round(time.monotonic() - started, 1)})
    _write(plan.output, exported, card)
    return card


def gather(plan: Plan) -> Material:
    """Read all sources and keep writers apart."""
    rng = np.random.default_rng((plan.seed, 0))
    mnist, x_test, y_test = read_mnist(plan.mnist)
    parts = [hold_out(source, HOLD_OUT_SHARE, rng) for source in (mnist, *map(read_digits, plan.digits))]
    return Material([kept for kept, _ in parts], [held for _, held in parts], x_test, y_test)


def _describe(
    plan: Plan, material: Material, model: Any, exported: bytes, history: Sequence[EpochScore]
) -> ModelCard:
    """Calibrate, check the export, measure, and put it all on a card."""
    glyphs, truth = aged_glyphs(
        material.held_out, count=plan.held_out_glyphs, seed=plan.seed, epoch=_CALIBRATION_EPOCH
    )
    temperature = cal.fit_temperature(predict(model, glyphs), truth)
    card = ModelCard(
        name=plan.output.name,
        classes=list(CLASSES),
        input_shape=[SIDE_PX, SIDE_PX, 1],
        normalizer=NORMALIZER_ID,
        sha256=hashlib.sha256(exported).hexdigest(),
        calibration=Calibration(method="temperature", temperature=temperature, curve=[]),
        review_below=0.0,
        data=_sources(material),
        seed=plan.seed,
        scores={},
        wall_time_s=0.0,
        versions=_versions(),
        notes=_NOTES,
    )
    recognizer = LiteRtRecognizer(card, exported)
    agreement = check_agreement(
        predict(model, material.x_test), recognizer.logits(material.x_test), size_bytes=len(exported)
    )
    chances = recognizer.recognize(glyphs)
    scores = {
        **measure("mnist_test", recognizer.recognize(material.x_test), material.y_test),
        **measure("held_out", chances, truth),
        "export_largest_logit_difference": round(agreement.largest_difference, 4),
        "epochs": float(history[-1].epoch + 1),
    }
    curve = reliability_points(chances, truth)
    return card.model_copy(
        update={
            "calibration": Calibration(method="temperature", temperature=temperature, curve=curve),
            "review_below": choose_threshold(chances, truth, risk=WRONG_AMONG_ACCEPTED),
            "scores": scores,
        }
    )


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


def _versions() -> dict[str, str]:
    found = {"docproc": docproc.__version__, "python": platform.python_version()}
    for name in ("tensorflow", "keras", "numpy", "opencv-python-headless", "ai-edge-litert"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # tensorflow-cpu, opencv-python: the same modules under other names
            continue
    return found


def _require_tensorflow() -> None:
    if find_spec("tensorflow") is None or find_spec("keras") is None:
        raise MissingExtraError(
            "Training needs TensorFlow, which is not installed.", remedy="Run `pip install 'docproc[train]'`."
        )


def _require_writable(folder: Path) -> None:
    """An hour of training must not end at a folder that cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"{folder}: the model's folder cannot be written ({error.strerror}).",
            remedy="Name another folder with -o, or make this one writable.",
        ) from error


def _write(folder: Path, exported: bytes, card: ModelCard) -> None:
    """Model first, card last: until the card is there, the sha256 of the old one betrays a half-written pair."""
    try:
        aside = folder / f".{MODEL_NAME}.part"
        aside.write_bytes(exported)
        card_aside = folder / f".{CARD_NAME}.part"
        write_card(card, card_aside)
        os.replace(aside, folder / MODEL_NAME)
        os.replace(card_aside, folder / CARD_NAME)
    except OSError as error:
        raise OutputError(
            f"{folder}: the model could not be written ({error.strerror}).",
            remedy="Make room or name another folder with -o, then run the same command with --resume.",
        ) from error
