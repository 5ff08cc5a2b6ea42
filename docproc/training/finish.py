"""From a trained network to a model in a folder: export, calibrate, measure, write the card.

In:  `Trained`: the networks, held-out glyphs and the facts of their training.
Out: `model.tflite`, `second.tflite` and `card.yaml`, all or none.
The export needs TensorFlow. Networks trained without it are kept with all that the rest needs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import calibrate
from docproc.character.card import (
    CARD_NAME,
    CLASSES,
    MODEL_NAME,
    OTHER,
    SECOND_NAME,
    Calibration,
    ModelCard,
    SecondLook,
    write_card,
)
from docproc.character.normalization import NORMALIZER_ID, SIDE_PX
from docproc.character.recognizer import BATCH, LiteRtRecognizer, network_of_glyphs
from docproc.errors import OutputError
from docproc.training.assessment import choose_threshold, measure, reliability_points
from docproc.training.confidence import fit_calibration, weights_and_glyphs
from docproc.training.export import check_agreement, check_size, export
from docproc.training.material import Labeled
from docproc.training.network import predict
from docproc.training.programs import program_versions
from docproc.training.trained import Trained

#: Share wrong among accepted digits that `review_below` aims at, on held-out writers: what people get wrong who key
#: numbers once (0.29 % of fields).
WRONG_AMONG_ACCEPTED = 0.003
#: Glyphs whose best class has less of a chance get a second look: one in four of those held out, one in seven of
#: MNIST's. A second look at all would make as many of the held-out ones sure, and as few of these wrong.
SURE = 0.995
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
    "glyphs are originals, 0 where each is drawn anew. calibration.weights are of the classes, in their order. "
    "looked_at_again: share that was less sure than second_look.below at the first look. export_logit_difference: by "
    "which rounding to 8 bits changed logits of mnist_test, of their standard deviation; all else is measured with "
    "rounded networks."
)


def finish(trained: Trained, output: Path) -> ModelCard:
    """Export, calibrate, check, measure and write.

    Raises
    ------
    ModelError
        If the export does not agree with what was trained; nothing is written then.
    OutputError
        If the folder cannot be written.
    """
    exported = [
        export(network.model, batch=BATCH, look=network.look, settings=network.settings)
        for network in trained.networks
    ]
    check_size(exported)
    card = _describe(trained, exported, name=output.name)
    _write(output, exported, card)
    return card


def scores_of(trained: Trained) -> dict[str, float]:
    """What a card would say of the first look at held-out writers, and the loss; no export, so on any backend.

    held_out_loss: mean negative log likelihood of calibrated chances, of the writers not calibrated on.
    """
    weights, (known, known_truth), (glyphs, truth) = _as_met(trained)
    network = trained.networks[0]
    calibration = fit_calibration(predict(network.model, known), known_truth, weights=weights)
    chances = calibrate(predict(network.model, glyphs), calibration)
    loss = -float(np.mean(np.log(chances[np.arange(len(truth)), truth])))
    return {"held_out_loss": round(loss, 5), **measure("held_out", chances, truth), "epochs": float(network.epochs)}


def _describe(trained: Trained, exported: Sequence[bytes], *, name: str) -> ModelCard:
    """Check the export, calibrate, measure, and put it all on a card."""
    test, test_truth = trained.test
    looks = [network_of_glyphs(model) for model in exported]
    test_logits = [look.run(test[..., np.newaxis]) for look in looks]
    difference = max(
        check_agreement(predict(network.model, test), own)
        for network, own in zip(trained.networks, test_logits, strict=True)
    )
    weights, (known, known_truth), (glyphs, truth) = _as_met(trained)
    logits = [look.run(known[..., np.newaxis]) for look in looks]
    calibration = fit_calibration(logits[0], known_truth, weights=weights)
    card = ModelCard(
        name=name,
        classes=list(CLASSES),
        input_shape=[SIDE_PX, SIDE_PX, 1],
        normalizer=NORMALIZER_ID,
        sha256=hashlib.sha256(exported[0]).hexdigest(),
        calibration=calibration,
        review_below=0.0,
        data=trained.data,
        seed=trained.seed,
        scores={},
        wall_time_s=round(trained.wall_time_s, 1),
        cores=trained.cores,
        versions={**program_versions("tensorflow"), **trained.versions},
        notes=_NOTES,
    )
    scores = {"export_logit_difference": round(difference, 4), "epochs": float(trained.networks[0].epochs)}
    if len(exported) > 1:
        # Calibrated on what it is asked of: doubtful glyphs, of which more are wrong than of all.
        doubtful = _is_doubtful(calibrate(logits[0], calibration))
        mean = fit_calibration(np.mean(logits, axis=0)[doubtful], known_truth[doubtful], weights=weights)
        look = SecondLook(sha256=hashlib.sha256(exported[1]).hexdigest(), below=SURE, calibration=mean)
        card = card.model_copy(update={"second_look": look})
        again = _is_doubtful(calibrate(looks[0].run(glyphs[..., np.newaxis]), calibration))
        test_again = _is_doubtful(calibrate(test_logits[0], calibration))
        scores["second_look_epochs"] = float(trained.networks[1].epochs)
        scores["held_out_looked_at_again"] = round(float(again.mean()), 5)
        scores["mnist_test_looked_at_again"] = round(float(test_again.mean()), 5)
    recognizer = LiteRtRecognizer(card, *exported)
    chances = recognizer.recognize(glyphs)
    if card.second_look is not None:
        curved = _with_curve(card.second_look.calibration, chances[again], truth[again])
        card = card.model_copy(update={"second_look": card.second_look.model_copy(update={"calibration": curved})})
    return card.model_copy(
        update={
            "calibration": _with_curve(calibration, chances, truth),
            "review_below": choose_threshold(chances, truth, risk=WRONG_AMONG_ACCEPTED),
            "scores": {
                **measure("mnist_test", recognizer.recognize(test), test_truth),
                **measure("held_out", chances, truth),
                **scores,
            },
        }
    )


def _with_curve(
    calibration: Calibration, chances: npt.NDArray[np.float64], truth: npt.NDArray[np.uint8]
) -> Calibration:
    return calibration.model_copy(update={"curve": reliability_points(chances, truth)})


def _is_doubtful(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return chances.max(axis=1) < SURE


def _as_met(trained: Trained) -> tuple[list[float], Labeled, Labeled]:
    """Weights of the classes, and the glyphs to calibrate and to measure on, as often as they are met on forms."""
    known, truth = trained.calibration
    weights, kept = weights_and_glyphs(truth, MET, len(CLASSES))
    measured, measured_truth = trained.measured
    _, measured_kept = weights_and_glyphs(measured_truth, MET, len(CLASSES))
    return weights, (known[kept], truth[kept]), (measured[measured_kept], measured_truth[measured_kept])


def _write(folder: Path, exported: Sequence[bytes], card: ModelCard) -> None:
    """Models first, card last: until the card is there, the sha256 of the old one betrays what is half written."""
    written = dict(zip((MODEL_NAME, SECOND_NAME), exported, strict=False))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, model in written.items():
            (folder / f".{name}.part").write_bytes(model)
        card_aside = folder / f".{CARD_NAME}.part"
        write_card(card, card_aside)
        for name in written:
            os.replace(folder / f".{name}.part", folder / name)
        os.replace(card_aside, folder / CARD_NAME)
        if SECOND_NAME not in written:
            (folder / SECOND_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: the model could not be written ({error.strerror}).",
            remedy="Make room or name another folder with -o, then run the same command with --resume.",
        ) from error
