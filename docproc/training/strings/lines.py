"""Painted lines of writing with what is written in them: made on several processes, kept in parts on disk.

In:  digits of all sources, a seed, how many. Out: `Lines`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from docproc.field.line import HEIGHT_PX, Line, line_of
from docproc.training.ahead import made_ahead
from docproc.training.fit import save_arrays
from docproc.training.painting.lines import paint_lines
from docproc.training.painting.numbers import Writers

_SHEETS = 6  #: Made by one process at a time.
_BARE_SHARE = 0.01  #: Of lines: paper alone.
_BARE_PX = (16, 400)  #: Their widths.


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines of different widths, and their texts."""

    images: Sequence[Line]
    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)

    @staticmethod
    def joined(parts: Sequence[Lines]) -> Lines:
        """One after the other."""
        images = [image for part in parts for image in part.images]
        return Lines(images, [text for part in parts for text in part.texts])

    def save(self, path: Path) -> None:
        """Into one .npz, all columns beside one another. OutputError where it cannot be written."""
        columns = np.concatenate([np.zeros((HEIGHT_PX, 0, 2), np.uint8), *self.images], axis=1)
        widths = np.array([image.shape[1] for image in self.images], np.int32)
        save_arrays(path, columns=columns, widths=widths, texts=np.array(self.texts, np.str_))

    @staticmethod
    def load(path: Path) -> Lines:
        """What `save` wrote. OSError, ValueError, KeyError or BadZipFile where that cannot be read."""
        with np.load(path, allow_pickle=False) as file:
            columns, widths, texts = file["columns"], file["widths"], file["texts"]
        return Lines(np.split(columns, np.cumsum(widths)[:-1], axis=1), [str(text) for text in texts])


def lines_in_parts(
    writers: Writers,
    folder: Path,
    name: str,
    *,
    parts: int,
    size: int,
    seed: int,
    workers: int,
    progress: Callable[[float], None] = lambda share: None,
) -> Lines:
    """So many parts of so many painted lines; parts that lie in the folder already are read, the others are made."""
    found: list[Lines] = []
    for part in range(parts):
        path = folder / f"{name}{part:02d}.npz"
        try:
            lines = Lines.load(path)
        except (OSError, ValueError, KeyError, BadZipFile):
            lines = _painted(LineSheets(writers, seed, part), size, workers)
            lines.save(path)
        found.append(lines)
        progress((part + 1) / parts)
    return Lines.joined(found)


@dataclass(frozen=True, eq=False)
class LineSheets:
    """Paints a few sheets by their number; travels to processes."""

    writers: Writers
    seed: int
    part: int

    def __call__(self, number: int) -> tuple[list[Line], list[str]]:
        """Lines with ink, and their texts."""
        rng = np.random.default_rng((self.seed, self.part, number))
        images: list[Line] = []
        texts: list[str] = []
        for _ in range(_SHEETS):
            for written in paint_lines(self.writers, rng):
                proposal = written.proposal
                line = line_of(proposal.image.dark, proposal.parts, proposal.image.box_px)
                if line is not None:
                    images.append(line)
                    texts.append(written.text)
        for _ in range(int(rng.binomial(len(texts), _BARE_SHARE))):
            images.append(_bare(rng))
            texts.append("")
        return images, texts


def _bare(rng: np.random.Generator) -> Line:
    """Paper without writing: even, with what grain it has."""
    width = int(rng.integers(*_BARE_PX))
    paper = rng.normal(rng.uniform(0, 40), rng.uniform(0, 15), (HEIGHT_PX, width))
    return np.stack([np.clip(paper, 0, 255).astype(np.uint8), np.zeros((HEIGHT_PX, width), np.uint8)], axis=2)


def _painted(sheets: LineSheets, size: int, workers: int) -> Lines:
    images: list[npt.NDArray[np.uint8]] = []
    texts: list[str] = []
    with made_ahead(sheets, 0, 2**31, workers=workers + 1) as coming:
        while len(texts) < size:
            more = next(coming)
            images += more[0]
            texts += more[1]
    return Lines(images[:size], texts[:size])
