"""The shipped model is what its card says, and reads."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from docproc.character.calibration import calibrate, softmax
from docproc.character.card import (
    CARD_NAME,
    CLASSES,
    MODEL_NAME,
    SECOND_NAME,
    Calibration,
    CalibrationKnot,
    read_card,
    write_card,
)
from docproc.character.normalization import NORMALIZER_ID, normalize
from docproc.character.recognizer import (
    BATCH,
    LiteRtRecognizer,
    default_model_folder,
    load_recognizer,
    network_of_glyphs,
)
from docproc.errors import ModelError


@pytest.fixture(scope="module")
def recognizer() -> LiteRtRecognizer:
    return load_recognizer()


@pytest.fixture
def model_copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_model_folder(), tmp_path / "digits"))


def drawn(*strokes: list[tuple[int, int]], thickness: int = 5) -> np.ndarray:
    """A glyph of strokes through points of a 60 x 60 box."""
    ink = np.zeros((80, 80), np.uint8)
    for stroke in strokes:
        points = np.array(stroke, np.int32) + 10
        cv2.polylines(ink, [points], False, 255, thickness, cv2.LINE_AA)
    return normalize(ink)


DRAWN = {
    "0": drawn([(20, 0), (8, 14), (4, 32), (10, 50), (22, 60), (36, 50), (42, 30), (36, 10), (20, 0)]),
    "1": drawn([(30, 0), (28, 30), (26, 60)]),
    "4": drawn([(10, 0), (6, 34), (46, 34)], [(36, 4), (34, 60)]),
    "7": drawn([(4, 2), (44, 0), (30, 28), (20, 60)]),
    "cross": drawn([(0, 0), (50, 58)], [(50, 0), (0, 60)]),
    "dash": drawn([(0, 30), (50, 28)]),
}
EUROPEAN = {
    "1": drawn([(4, 30), (30, 0), (30, 60)]),
    "7": drawn([(4, 2), (44, 0), (20, 60)], [(10, 30), (42, 28)]),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_mark_is_read_as_what_it_is(recognizer: LiteRtRecognizer, name: str) -> None:
    chances = recognizer.recognize(DRAWN[name][np.newaxis])[0]
    assert CLASSES[int(chances.argmax())] == name


@pytest.mark.parametrize("name", EUROPEAN)
def test_european_ones_and_sevens_are_read(recognizer: LiteRtRecognizer, name: str) -> None:
    chances = recognizer.recognize(EUROPEAN[name][np.newaxis])[0]
    assert CLASSES[int(chances.argmax())] == name


@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH + 1])
def test_chances_add_up_to_one_for_any_number_of_glyphs(recognizer: LiteRtRecognizer, count: int) -> None:
    glyphs = np.resize(np.stack(list(DRAWN.values())), (count, 28, 28)).astype(np.uint8)
    chances = recognizer.recognize(glyphs)
    assert chances.shape == (count, len(CLASSES))
    assert chances.dtype == np.float64
    assert chances.sum(axis=1) == pytest.approx(np.ones(count))


def test_a_glyph_is_read_the_same_alone_and_among_others(recognizer: LiteRtRecognizer) -> None:
    glyphs = np.stack(list(DRAWN.values()))
    together = recognizer.recognize(np.concatenate([glyphs] * 15))
    alone = np.concatenate([recognizer.recognize(glyph[np.newaxis]) for glyph in glyphs])
    assert np.allclose(together[-len(glyphs) :], alone, atol=1e-5)


@pytest.mark.parametrize(
    "glyphs",
    [np.zeros((2, 20, 20), np.uint8), np.zeros((28, 28), np.uint8), np.zeros((2, 28, 28), np.float32)],
    ids=["size", "one glyph", "floats"],
)
def test_glyphs_of_another_shape_or_type_are_refused(recognizer: LiteRtRecognizer, glyphs: np.ndarray) -> None:
    with pytest.raises(ValueError, match="glyphs must be"):
        recognizer.recognize(glyphs)


def test_a_recognizer_travels_to_a_worker(recognizer: LiteRtRecognizer) -> None:
    glyphs = np.stack(list(DRAWN.values()))
    before = recognizer.recognize(glyphs)
    sent = pickle.loads(pickle.dumps(recognizer))
    assert sent.digest == recognizer.digest
    assert np.array_equal(sent.recognize(glyphs), before)


def test_the_shipped_card_names_classes_licenses_and_scores(recognizer: LiteRtRecognizer) -> None:
    card = recognizer.card
    assert tuple(card.classes) == CLASSES
    assert card.normalizer == NORMALIZER_ID
    assert 0.5 <= card.review_below < 1
    assert card.scores["mnist_test_best_digit_right"] >= 0.995
    assert card.scores["mnist_test_right"] >= 0.995
    assert card.scores["mnist_test_ece"] < 0.01
    assert all(source.license != "not stated" for source in card.data)
    assert sum(source.share for source in card.data) == pytest.approx(1, abs=0.001)


def test_a_card_is_read_as_it_was_written(recognizer: LiteRtRecognizer, tmp_path: Path) -> None:
    write_card(recognizer.card, tmp_path / CARD_NAME)
    assert read_card(tmp_path / CARD_NAME) == recognizer.card


def test_the_calibration_is_part_of_the_digest_and_of_what_is_read(recognizer: LiteRtRecognizer) -> None:
    knots = [CalibrationKnot(score=0.0, right=0.4), CalibrationKnot(score=5.0, right=0.9)]
    calibration = Calibration(
        method="temperature, isotonic", temperature=recognizer.card.calibration.temperature, knots=knots, curve=[]
    )
    bare = recognizer.card.model_copy(update={"second_look": None})
    other = LiteRtRecognizer(bare.model_copy(update={"calibration": calibration}), recognizer.model)
    glyphs = np.stack(list(DRAWN.values()))
    chances = other.recognize(glyphs)
    assert chances.max() < 0.95
    assert chances.sum(axis=1) == pytest.approx(np.ones(len(glyphs)))
    assert np.array_equal(chances.argmax(axis=1), recognizer.recognize(glyphs).argmax(axis=1))
    doubting = calibration.model_copy(update={"method": "temperature", "knots": [], "doubt": 0.25})
    third = LiteRtRecognizer(bare.model_copy(update={"calibration": doubting}), recognizer.model)
    assert len({recognizer.digest, other.digest, third.digest}) == 3


def test_a_card_from_before_there_were_knots_is_read(model_copy: Path) -> None:
    card = yaml.safe_load((model_copy / CARD_NAME).read_text(encoding="utf-8"))
    card["calibration"] = {"method": "temperature", "temperature": 0.8, "curve": []}
    for later in ("cores", "second_look"):
        card.pop(later)
    (model_copy / CARD_NAME).write_text(yaml.safe_dump(card), encoding="utf-8")
    recognizer = load_recognizer(model_copy)
    glyphs = np.stack(list(DRAWN.values()))
    logits = network_of_glyphs(recognizer.model).run(glyphs[..., np.newaxis])
    assert np.array_equal(recognizer.recognize(glyphs), softmax(logits, temperature=0.8))


def test_doubtful_glyphs_alone_are_looked_at_again(recognizer: LiteRtRecognizer) -> None:
    card = recognizer.card
    assert card.second_look is not None
    glyphs = np.stack([*DRAWN.values(), *EUROPEAN.values(), *(glyph // 2 for glyph in DRAWN.values())])
    alone = LiteRtRecognizer(card.model_copy(update={"second_look": None}), recognizer.model)
    first = alone.recognize(glyphs)
    # A glyph whose own chance is the limit is sure enough; the next less sure one is the first that is not.
    limit = float(np.sort(first.max(axis=1))[len(glyphs) // 2])
    doubtful = first.max(axis=1) < limit
    assert 0 < doubtful.sum() < len(glyphs)
    look = card.second_look.model_copy(update={"below": limit})
    chances = replace(recognizer, card=card.model_copy(update={"second_look": look})).recognize(glyphs)
    assert np.array_equal(chances[~doubtful], first[~doubtful])
    logits = [network_of_glyphs(model).run(glyphs[doubtful, ..., np.newaxis])
              for model in (recognizer.model, recognizer.second)]  # fmt: skip
    assert chances[doubtful] == pytest.approx(calibrate((logits[0] + logits[1]) / 2, look.calibration), abs=1e-6)
    assert not np.allclose(chances[doubtful], first[doubtful])


def test_the_second_look_is_part_of_the_digest(recognizer: LiteRtRecognizer) -> None:
    card = recognizer.card
    assert card.second_look is not None
    others = [
        card.second_look.model_copy(update={"below": 0.5}),
        card.second_look.model_copy(update={"sha256": "0" * 64}),
        card.second_look.model_copy(update={"calibration": card.calibration}),
        None,
    ]
    digests = {replace(recognizer, card=card.model_copy(update={"second_look": look})).digest for look in others}
    assert len(digests | {recognizer.digest}) == 5


@pytest.mark.parametrize("name", [MODEL_NAME, SECOND_NAME])
def test_a_damaged_model_is_refused(model_copy: Path, name: str) -> None:
    model = model_copy / name
    damaged = bytearray(model.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    model.write_bytes(damaged)
    with pytest.raises(ModelError, match=r"is not the model that card\.yaml") as caught:
        load_recognizer(model_copy)
    assert "docproc train" in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalizer": "mnist-20-28-v0"}, "normalizer 'mnist-20-28-v0'"),
        ({"classes": list("0123456789")}, "classes or input shape"),
        ({"input_shape": [32, 32, 1]}, "classes or input shape"),
    ],
)
def test_a_model_made_for_another_version_is_refused(model_copy: Path, change: dict, message: str) -> None:
    card = read_card(model_copy / CARD_NAME)
    write_card(card.model_copy(update=change), model_copy / CARD_NAME)
    with pytest.raises(ModelError, match=message):
        load_recognizer(model_copy)


def test_a_missing_model_or_card_is_named(model_copy: Path, tmp_path: Path) -> None:
    (model_copy / SECOND_NAME).unlink()
    with pytest.raises(ModelError, match=r"second\.tflite: the model cannot be read"):
        load_recognizer(model_copy)
    (model_copy / MODEL_NAME).unlink()
    with pytest.raises(ModelError, match=r"model\.tflite: the model cannot be read"):
        load_recognizer(model_copy)
    with pytest.raises(ModelError, match=r"card\.yaml: the model card cannot be read"):
        load_recognizer(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "is no YAML"),
        ("just words", "card: "),
        ("name: digits\nmodel: best\n", "classes: Field required"),
    ],
)
def test_a_wrong_card_says_what_is_wrong(model_copy: Path, text: str, message: str) -> None:
    (model_copy / CARD_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        load_recognizer(model_copy)


def test_a_model_that_litert_cannot_run_is_a_model_error(recognizer: LiteRtRecognizer) -> None:
    broken = LiteRtRecognizer(recognizer.card, b"not a model")
    with pytest.raises(ModelError, match="LiteRT cannot run this model"):
        broken.recognize(np.zeros((1, 28, 28), np.uint8))
