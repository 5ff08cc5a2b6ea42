"""The shipped reader of lines is what its card says, and reads."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.character.recognizer import load_recognizer, model_folder
from docproc.combination.card import LINE_CARD_NAME, network_name, read_line_card, write_line_card
from docproc.combination.line_reader import LiteRtLineReader, line_reader_beside, load_line_reader
from docproc.errors import ModelError
from docproc.field.glyph import connected_parts
from docproc.field.line import HEIGHT_PX, WIDEST_PX, line_of
from docproc.geometry import Box


@pytest.fixture(scope="module")
def reader() -> LiteRtLineReader:
    return load_line_reader()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder("strings"), tmp_path / "strings"))


def test_it_is_small(reader: LiteRtLineReader) -> None:
    assert sum(map(len, reader.models)) <= 4_000_000


def test_it_was_weighed_beside_the_shipped_recognizer(reader: LiteRtLineReader) -> None:
    assert line_reader_beside(load_recognizer()) is not None
    assert set(reader.card.pools) == {"cells", "free"}


@pytest.mark.parametrize("width", [16, 64, 65, 200, WIDEST_PX])
def test_a_line_of_bare_paper_is_blank(reader: LiteRtLineReader, width: int) -> None:
    (((value, chance), *_),) = reader.transcribe([np.zeros((HEIGHT_PX, width, 2), np.uint8)])
    assert value == ""
    assert chance > 0.5


@pytest.mark.parametrize("width", [1, 20, 64, 65, 200, WIDEST_PX, WIDEST_PX + 50])
def test_a_line_of_any_width_has_values_with_chances(reader: LiteRtLineReader, width: int) -> None:
    (values,) = reader.transcribe([np.zeros((HEIGHT_PX, width, 2), np.uint8)])
    chances = [chance for _, chance in values]
    assert chances == sorted(chances, reverse=True)
    assert 0 < sum(chances) <= 1 + 1e-9


def test_it_reads_a_drawn_number(reader: LiteRtLineReader) -> None:
    ink = np.zeros((80, 240), np.uint8)
    cv2.putText(ink, "2047", (40, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.7, 255, 4, cv2.LINE_AA)
    line = line_of(ink, connected_parts(ink > 100), Box(10, 5, 220, 70))
    assert line is not None
    (((value, chance), *_),) = reader.transcribe([line])
    assert value == "2047"
    assert chance > 0.5


def test_a_copy_in_another_process_reads_alike(reader: LiteRtLineReader) -> None:
    line = np.random.default_rng(0).integers(0, 255, (HEIGHT_PX, 90, 2), dtype=np.uint8)
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.digest == reader.digest
    assert copy.transcribe([line]) == reader.transcribe([line])


def test_its_digest_names_the_network_and_what_weighs_its_word(reader: LiteRtLineReader) -> None:
    pools = dict(reader.card.pools)
    pools["free"] = pools["free"].model_copy(update={"line": 9.0})
    heavier = replace(reader, card=reader.card.model_copy(update={"pools": pools}))
    renamed = replace(reader, card=reader.card.model_copy(update={"notes": "other"}))
    assert heavier.digest != reader.digest
    assert renamed.digest == reader.digest


def test_another_recognizer_reads_alone_unless_a_reader_is_named(folder: Path) -> None:
    recognizer = load_recognizer()
    other = replace(recognizer, card=recognizer.card.model_copy(update={"normalizer": "another"}))
    assert line_reader_beside(other) is None
    with pytest.raises(ModelError, match="weighed beside another recognizer") as caught:
        line_reader_beside(other, folder)
    assert "train-lines" in caught.value.remedy


def test_a_network_that_is_not_the_cards_is_refused(folder: Path) -> None:
    with (folder / network_name(0)).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="sha256"):
        load_line_reader(folder)


def test_lines_cut_otherwise_are_refused(folder: Path) -> None:
    card = read_line_card(folder / LINE_CARD_NAME)
    write_line_card(card.model_copy(update={"line": "line 0"}), folder / LINE_CARD_NAME)
    with pytest.raises(ModelError, match="line 0"):
        load_line_reader(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (network_name(0), None, "cannot be read"),
        (LINE_CARD_NAME, None, "cannot be read"),
        (LINE_CARD_NAME, b"name: [", "no YAML"),
        (LINE_CARD_NAME, b"name: x", "line: Field required"),
    ],
)
def test_what_is_missing_or_broken_is_named(folder: Path, name: str, content: bytes | None, message: str) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        load_line_reader(folder)
    assert str(folder / name) in caught.value.message
