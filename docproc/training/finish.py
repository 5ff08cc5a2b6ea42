"""From a trained network to a model in a folder: export, calibrate, measure, write the card.

In:  `Trained`: the network, held-out glyphs and the facts of its training.
Out: `model.tflite` and `card.yaml`, both or neither.
The export needs TensorFlow. A network trained without it is kept with all that the rest needs.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

import docproc
from docproc.character.calibration import calibrate
from docproc.character.card import (
    CARD_NAME,
    CLASSES,
    MODEL_NAME,
    OTHER,
    Calibration,
    DataSource,
    ModelCard,
    write_card,
)
from docproc.character.normalization import NORMALIZER_ID, SIDE_PX
from docproc.character.recognizer import LiteRtRecognizer
from docproc.errors import MissingExtraError, ModelError, OutputError
from docproc.training.assessment import choose_threshold, measure, reliability_points
from docproc.training.confidence import fit_calibration, weights_and_glyphs
from docproc.training.export import check_agreement, export
from docproc.training.fit import save_arrays
from docproc.training.material import Labeled
from docproc.training.network import build_network, predict
from docproc.training.settings import Settings

KEPT_NAME = "trained.keras"
_FACTS_NAME = "trained.npz"  #: Beside KEPT_NAME.
_PAIRS = ("calibration", "measured", "test")  #: Glyphs and labels in it.
#: Share wrong among accepted digits that `review_below` aims at, on held-out writers: what people get wrong who key
#: numbers once (0.29 % of fields).
WRONG_AMONG_ACCEPTED = 0.003
#: Share of marks in the boxes of filled forms that are neither digit, cross nor dash: an assumption, on the safe side
#: of what careful writers do. Training shows several times as many, so that the network knows them.
MET = {CLASSES.index(OTHER): 0.03}
_NOTES = (
    "Calibrated on one half of the held-out writers; the curve, review_below and the scores named held_out are of "
    "the other half: their digits and drawn marks as in training, broken, coarse and dirty on purpose, harder than a "
    "clean page; marks that are neither digit, cross nor dash are as many as assumed of forms, not as in training "
    f"(weights). review_below: at most {WRONG_AMONG_ACCEPTED:.1%} of those accepted as digits at that confidence "
    "are wrong. mnist_test is MNIST's test set as it is, all classes allowed as answers. wall_time_s is of all, "
    "painting and interrupted runs included; all else is the same each time. best_digit_right: where only digits are "
    "allowed as answers. digits_rejected: digits taken for marks. marks_rejected: marks taken for no digit. ece: "
    "expected calibration error, the mean distance between a confidence and the share that is right at it. "
    "accepted_at_0.3_percent: digits that could be accepted, the surest first, with 0.3 % of them wrong. data: "
    "glyphs are originals, 0 where each is drawn anew. calibration.weights are of the classes, in their order."
)


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network and all that its card needs."""

    model: Any
    settings: Settings
    calibration: Labeled  #: Glyphs of the writers to calibrate on.
    measured: Labeled  #: Glyphs of the writers to measure on.
    test: Labeled  #: MNIST's test set.
    data: list[DataSource]
    seed: int
    epochs: int
    wall_time_s: float
    cores: int
    versions: dict[str, str]


def finish(trained: Trained, output: Path) -> ModelCard:
    """Export, calibrate, check, measure and write.

    Raises
    ------
    ModelError
        If the export does not agree with what was trained; nothing is written then.
    OutputError
        If the folder cannot be written.
    """
    exported = export(trained.model, settings=trained.settings)
    card = _describe(trained, exported, name=output.name)
    _write(output, exported, card)
    return card


def scores_of(trained: Trained) -> dict[str, float]:
    """What a card would say of the held-out writers, and their loss; without an export, on any backend.

    held_out_loss: mean negative log likelihood of calibrated chances, of the writers not calibrated on.
    """
    weights, (known, known_truth), (glyphs, truth) = _as_met(trained)
    calibration = fit_calibration(predict(trained.model, known), known_truth, weights=weights)
    chances = calibrate(predict(trained.model, glyphs), calibration)
    loss = -float(np.mean(np.log(chances[np.arange(len(truth)), truth])))
    return {"held_out_loss": round(loss, 5), **measure("held_out", chances, truth), "epochs": float(trained.epochs)}


def can_finish() -> bool:
    """Whether the export can run here."""
    return find_spec("tensorflow") is not None


def require_keras() -> None:
    """Stop before the work where there is nothing to train with."""
    if find_spec("keras") is None:
        raise MissingExtraError(
            "Training needs Keras, which is not installed.", remedy="Run `pip install 'docproc[train]'`."
        )
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if find_spec(backend) is None:
        raise MissingExtraError(
            f"Keras is to train on {backend}, which is not installed.",
            remedy="Run `pip install 'docproc[train]'`, or set KERAS_BACKEND to torch or jax, if installed.",
        )


def require_tensorflow() -> None:
    """Stop before the work where the export cannot run."""
    if not can_finish() or find_spec("keras") is None:
        raise MissingExtraError(
            "The export needs TensorFlow, which is not installed.", remedy="Run `pip install 'docproc[train]'`."
        )


def require_writable(folder: Path) -> None:
    """An hour of training must not end at a folder that cannot be written."""
    try:
        for place in (folder, folder.parent):  # the checkpoint lies beside the folder
            existing = next(path for path in (place, *place.absolute().parents) if path.exists())
            with tempfile.TemporaryFile(dir=existing):
                pass
    except OSError as error:
        raise OutputError(
            f"{folder}: the model's folder cannot be written ({error.strerror}).",
            remedy="Name another folder with -o, or make this one writable.",
        ) from error


def keep(trained: Trained, output: Path) -> Path:
    """Write the network and all that `finish` needs, and return the network's path."""
    facts = {
        "settings": asdict(trained.settings),
        "data": [source.model_dump() for source in trained.data],
        **{key: getattr(trained, key) for key in ("seed", "epochs", "wall_time_s", "cores", "versions")},
    }
    pairs = {name: getattr(trained, name) for name in _PAIRS}
    arrays = {f"{name} glyphs": glyphs for name, (glyphs, _) in pairs.items()}
    arrays |= {f"{name} labels": labels for name, (_, labels) in pairs.items()}
    path = output / KEPT_NAME
    save_arrays(path.with_name(_FACTS_NAME), facts=np.array(json.dumps(facts)), **arrays)
    try:
        trained.model.save(path)
    except OSError as error:
        raise OutputError(
            f"{path}: the network could not be written ({error.strerror}).",
            remedy="Make room, then run the same command with --resume.",
        ) from error
    return path


def read_kept(path: Path) -> Trained:
    """Read what `keep` has written. ModelError where a file is missing or damaged."""
    beside = path.with_name(_FACTS_NAME)
    take = f"Take both {KEPT_NAME} and {_FACTS_NAME} from the folder that `docproc train` wrote."
    for file in (path, beside):
        if not file.is_file():
            raise ModelError(f"{file}: there is no such file.", remedy=take)
    try:
        with np.load(beside, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            glyphs = {name: file[f"{name} glyphs"] for name in _PAIRS}
            labels = {name: file[f"{name} labels"] for name in _PAIRS}
        settings = Settings(**facts["settings"])
        model = build_network(settings=settings)
        model.load_weights(path)
        return Trained(
            model=model,
            settings=settings,
            calibration=(glyphs["calibration"], labels["calibration"]),
            measured=(glyphs["measured"], labels["measured"]),
            test=(glyphs["test"], labels["test"]),
            data=[DataSource(**source) for source in facts["data"]],
            seed=facts["seed"],
            epochs=facts["epochs"],
            wall_time_s=facts["wall_time_s"],
            cores=facts["cores"],
            versions=facts["versions"],
        )
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise ModelError(
            f"{path}: the trained network cannot be read, or {beside.name} beside it ({error}).",
            remedy=take,
        ) from error


def program_versions(backend: str) -> dict[str, str]:
    """Versions of the programs that make a model."""
    found = {"docproc": docproc.__version__, "python": platform.python_version()}
    names = ["tensorflow", "keras", "numpy", "opencv-python-headless", "ai-edge-litert"]
    for name in [*names, backend] if backend not in names else names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # tensorflow-cpu, opencv-python: the same modules under other names
            continue
    return found


def _describe(trained: Trained, exported: bytes, *, name: str) -> ModelCard:
    """Calibrate, check the export, measure, and put it all on a card."""
    card = ModelCard(
        name=name,
        classes=list(CLASSES),
        input_shape=[SIDE_PX, SIDE_PX, 1],
        normalizer=NORMALIZER_ID,
        sha256=hashlib.sha256(exported).hexdigest(),
        calibration=Calibration(method="temperature", temperature=1.0, curve=[]),
        review_below=0.0,
        data=trained.data,
        seed=trained.seed,
        scores={},
        wall_time_s=round(trained.wall_time_s, 1),
        cores=trained.cores,
        versions={**program_versions("tensorflow"), **trained.versions},
        notes=_NOTES,
    )
    bare = LiteRtRecognizer(card, exported)
    test, test_truth = trained.test
    agreement = check_agreement(predict(trained.model, test), bare.logits(test), size_bytes=len(exported))
    weights, (known, known_truth), (glyphs, truth) = _as_met(trained)
    calibration = fit_calibration(bare.logits(known), known_truth, weights=weights)
    recognizer = LiteRtRecognizer(card.model_copy(update={"calibration": calibration}), exported)
    chances = recognizer.recognize(glyphs)
    scores = {
        **measure("mnist_test", recognizer.recognize(test), test_truth),
        **measure("held_out", chances, truth),
        "export_largest_logit_difference": round(agreement.largest_difference, 4),
        "epochs": float(trained.epochs),
    }
    return card.model_copy(
        update={
            "calibration": calibration.model_copy(update={"curve": reliability_points(chances, truth)}),
            "review_below": choose_threshold(chances, truth, risk=WRONG_AMONG_ACCEPTED),
            "scores": scores,
        }
    )


def _as_met(trained: Trained) -> tuple[list[float], Labeled, Labeled]:
    """Weights of the classes, and the glyphs to calibrate and to measure on, as often as they are met on forms."""
    known, truth = trained.calibration
    weights, kept = weights_and_glyphs(truth, MET, len(CLASSES))
    measured, measured_truth = trained.measured
    _, measured_kept = weights_and_glyphs(measured_truth, MET, len(CLASSES))
    return weights, (known[kept], truth[kept]), (measured[measured_kept], measured_truth[measured_kept])


def _write(folder: Path, exported: bytes, card: ModelCard) -> None:
    """Model first, card last: until the card is there, the sha256 of the old one betrays a half-written pair."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
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
