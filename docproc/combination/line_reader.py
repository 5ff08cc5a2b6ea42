"""The second reader: networks that transcribe whole lines of writing, and never see a glyph.

In:  lines, (32, W, 2) uint8, as `field.line` cuts them. Out: values with the networks' own chances, best first.
Several networks, each trained on lines of its own, are sure together only of what none of them doubts [1]_.

References
----------
.. [1] B. Lakshminarayanan, A. Pritzel, C. Blundell, "Simple and scalable predictive uncertainty estimation using deep
   ensembles", NeurIPS 2017.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from docproc.character.recognizer import Recognizer, model_folder
from docproc.combination.card import LINE_CARD_NAME, LINE_ID, LineCard, network_name, read_line_card
from docproc.combination.witness import RapidOcrWitness, require_witness
from docproc.errors import ModelError
from docproc.field.line import HEIGHT_PX, WIDEST_PX, Line
from docproc.field.transcript import Values, agreed, transcribe
from docproc.litert import Network

#: Widths that a network is opened for: a line is put into the narrowest that holds it.
WIDTHS_PX = (48, 64, 96, 128, 192, 256, 320, WIDEST_PX)
STEP_PX = 4  #: Columns to one answer of the network.
#: A line whose best value has less of a chance is looked at again, set wider and set narrower: half of painted lines.
#: Of one network, three looks have an eighth less log loss than one; looking at all lines again gains nothing more.
SURE = 0.95
SETTINGS = (1.12, 0.9)


class LineReader(Protocol):
    """Anything that reads whole lines."""

    @property
    def card(self) -> LineCard:
        """What the reader is, and how much its word counts."""

    @property
    def digest(self) -> str:
        """Names the reader in records."""

    def transcribe(self, lines: Sequence[Line]) -> list[Values]:
        """The likeliest values of each line, best first."""


@dataclass(slots=True)
class LiteRtLineReader:
    """Networks and their card. Not to be shared between threads; each worker opens its own."""

    card: LineCard
    models: Sequence[bytes] = field(repr=False)
    _networks: dict[tuple[int, int], Network] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the networks and of what weighs their word."""
        pools = sorted((name, pool.model_dump_json()) for name, pool in self.card.pools.items())
        return hashlib.sha256(f"{self.card.networks} {self.card.line} {pools!r}".encode()).hexdigest()

    def transcribe(self, lines: Sequence[Line]) -> list[Values]:
        """The likeliest values of each line, best first."""
        return [self._transcribe(line) for line in lines]

    def _transcribe(self, line: Line) -> Values:
        networks = range(len(self.models))
        looks = [self._look(line, number) for number in networks]
        values = agreed(looks)
        if values[0][1] >= SURE:
            return values
        height, width = line.shape[:2]
        for number, factor in enumerate(SETTINGS):  # the networks take turns
            again = cv2.resize(line, (max(round(width * factor), 1), height))
            looks.append(self._look(again, number % len(networks)))
        return agreed(looks)

    def _look(self, line: Line, number: int) -> Values:
        """What one network says."""
        own = min(line.shape[1], WIDEST_PX)
        width = next(width for width in WIDTHS_PX if width >= own)
        image = np.zeros((1, HEIGHT_PX, width, 2), np.uint8)
        image[0, :, :own] = line[:, :own]
        return transcribe(self._opened(number, width).run(image)[0, : -(-own // STEP_PX)])

    def _opened(self, number: int, width: int) -> Network:
        network = self._networks.get((number, width))
        if network is None:
            network = self._networks[number, width] = Network(self.models[number], (1, HEIGHT_PX, width, 2))
        return network

    def __reduce__(self) -> tuple[object, ...]:
        # What is open does not travel to a worker process; the bytes that it was opened from do.
        return (LiteRtLineReader, (self.card, self.models))


def line_reader_beside(recognizer: Recognizer, folder: Path | None = None) -> LiteRtLineReader | None:
    """The reader of lines that was weighed beside a recognizer.

    Parameters
    ----------
    folder : Path, optional
        The shipped reader where None: then None is the answer for any other recognizer than the shipped one, which
        reads alone, since nobody has measured how much either's word counts beside the other's.

    Raises
    ------
    ModelError
        If the reader cannot be loaded, or the one that is named was weighed beside another recognizer.
    """
    reader = load_line_reader(folder)
    if reader.card.recognizer == recognizer.digest:
        return reader
    if folder is None:
        return None
    raise ModelError(
        f"{folder}: this reader of lines was weighed beside another recognizer than the one in use.",
        remedy="Name the recognizer that it was trained beside with --model, or make it anew with "
        "`docproc train-lines --model`.",
    )


def witness_beside(reader: LineReader | None) -> RapidOcrWitness:
    """The third witness, where its word has been weighed beside a reader's.

    Raises
    ------
    MissingExtraError
        If the extra is not installed.
    ModelError
        If there is no such reader, or its card does not know the witness.
    """
    require_witness()
    if reader is None or any(pool.witness is None for pool in reader.card.pools.values()):
        raise ModelError(
            "Nobody has weighed the third witness's word beside this model's readers.",
            remedy="Leave out --ocr, or train the reader of lines anew (`docproc train-lines`) with the extra `ocr` "
            "installed.",
        )
    return RapidOcrWitness()


def load_line_reader(folder: Path | None = None) -> LiteRtLineReader:
    """Load the reader of lines and check that it is what its card says; the shipped one where `folder` is None.

    Raises
    ------
    ModelError
        If a file is missing or not the one that the card describes, or was made for lines cut otherwise.
    """
    folder = model_folder("strings") if folder is None else folder
    card = read_line_card(folder / LINE_CARD_NAME)
    again = f"Train it again with `docproc train-lines -o {folder}`, or install docproc again for the shipped one."
    models = []
    for number, sha256 in enumerate(card.networks):
        path = folder / network_name(number)
        try:
            models.append(path.read_bytes())
        except OSError as error:
            raise ModelError(f"{path}: the model cannot be read ({error.strerror}).", remedy=again) from error
        if hashlib.sha256(models[-1]).hexdigest() != sha256:
            raise ModelError(
                f"{path} is not the model that {LINE_CARD_NAME} beside it describes (sha256).", remedy=again
            )
    if card.line != LINE_ID:
        raise ModelError(f"{folder}: trained on lines {card.line!r}; this version cuts {LINE_ID!r}.", remedy=again)
    return LiteRtLineReader(card, tuple(models))
