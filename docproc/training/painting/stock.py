"""Make many painted glyphs: sheets on several processes, the same whatever their number.

In:  digits of all sources, shares, a seed.
Out: `Painted`, in the order of the sheets.
"""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from docproc.training.digits.augmentation import bend, change_stroke
from docproc.training.digits.datasets import Digits
from docproc.training.digits.negatives import draw_negatives
from docproc.training.painting.sheet import Painted, is_alike, paint_sheet

__all__ = ["Painted", "draw_marks", "paint_stock"]

MARKS = (60, 121)  #: On a sheet.
STROKE_SHARE = 0.25  #: Of digits: written with thinner or thicker strokes, before the sheet has its pen.


def paint_stock(
    sources: Sequence[Digits],
    *,
    count: int,
    seed: int,
    negative_share: float,
    shares: Sequence[float],
    workers: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Painted:
    """Paint sheets until there are `count` glyphs.

    Parameters
    ----------
    sources : sequence of Digits
    count : int
        Glyphs wanted; the last sheet is cut to it.
    seed : int
        With the sources and `count` it decides everything; `workers` decides nothing.
    negative_share : float
        Of the marks written, 0 to 1: crosses, dashes and other drawn marks. What the pipeline makes of empty fields
        and of digits that it joins comes on top.
    shares : sequence of float
        Of the digits, one for each source; only their ratios count.
    workers : int
        Processes.
    progress : callable, optional
        Is told the share that is done, 0 to 1.

    Returns
    -------
    Painted
        `count` glyphs.
    """
    order = _Order(seed, negative_share, tuple(float(share) / sum(shares) for share in shares))
    pools = [(source.canvases, source.labels) for source in sources]
    made: list[Painted] = []
    total = 0
    with _sheets(pools, order, workers) as sheets:
        for sheet in sheets:
            made.append(sheet)
            total += len(sheet)
            if progress is not None:
                progress(min(total / max(count, 1), 1.0))
            if total >= count:
                break
    whole = Painted.joined(made)
    return Painted(whole.glyphs[:count], whole.labels[:count], whole.sources[:count])


Pool = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]  #: Canvases and labels of one source.


@dataclass(frozen=True, slots=True)
class _Order:
    """What all sheets have in common."""

    seed: int
    negative_share: float
    shares: tuple[float, ...]


@contextmanager
def _sheets(pools: list[Pool], order: _Order, workers: int) -> Iterator[Iterator[Painted]]:
    """Sheets without end, in order."""
    numbers = iter(range(2**31))
    if workers <= 1:
        yield (_sheet(pools, order, number) for number in numbers)
        return
    # New processes, since a forked TensorFlow hangs; the digits lie in files that all of them map.
    with tempfile.TemporaryDirectory() as folder:
        for index, (canvases, labels) in enumerate(pools):
            np.save(Path(folder) / f"canvases{index}.npy", canvases)
            np.save(Path(folder) / f"labels{index}.npy", labels)
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, context, initializer=_start, initargs=(folder, len(pools), order))
        try:
            yield _ahead(pool, numbers, workers)
        finally:
            pool.shutdown(cancel_futures=True)


def _ahead(pool: ProcessPoolExecutor, numbers: Iterator[int], workers: int) -> Iterator[Painted]:
    """Results in order, with a few sheets under way: `map` would take all numbers there are."""
    waiting = deque(pool.submit(_numbered, next(numbers)) for _ in range(4 * workers))
    while True:
        sheet = waiting.popleft().result()
        waiting.append(pool.submit(_numbered, next(numbers)))
        yield sheet


_worker: list[tuple[list[Pool], _Order]] = []  #: What a process was started with.


def _start(folder: str, count: int, order: _Order) -> None:
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    pools = [
        (
            np.load(Path(folder) / f"canvases{index}.npy", mmap_mode="r"),
            np.load(Path(folder) / f"labels{index}.npy", mmap_mode="r"),
        )
        for index in range(count)
    ]
    _worker.append((pools, order))


def _numbered(number: int) -> Painted:
    return _sheet(*_worker[0], number)


def _sheet(pools: list[Pool], order: _Order, number: int) -> Painted:
    """The sheet of that number."""
    rng = np.random.default_rng((order.seed, number))
    canvases, labels, origins = draw_marks(pools, order.shares, order.negative_share, rng)
    return paint_sheet(canvases, labels, rng, sources=origins)


def draw_marks(
    pools: Sequence[Pool], shares: Sequence[float], negative_share: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.int16]]:
    """Marks for one sheet: canvases (M, 64, 64), classes (M,) and sources (M,); digits bent, negatives drawn."""
    marks = int(rng.integers(*MARKS))
    negatives = int(rng.binomial(marks, negative_share))
    origins = rng.choice(len(pools), size=marks - negatives, p=shares)
    picks = [(origin, int(rng.integers(len(pools[origin][1])))) for origin in origins]
    digits = np.stack([_written(pools[origin][0][index], rng) for origin, index in picks])
    labels = np.array([pools[origin][1][index] for origin, index in picks], np.uint8)
    drawn, classes = draw_negatives(negatives, digits, labels, rng)
    return (
        np.concatenate([digits, drawn]),
        np.concatenate([labels, classes]),
        np.concatenate([origins.astype(np.int16), np.full(negatives, -1, np.int16)]),
    )


def _written(canvas: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A digit as another hand would write it."""
    bent = bend(np.asarray(canvas), rng)
    changed = change_stroke(bent, rng) if rng.random() < STROKE_SHARE else bent
    return changed if is_alike(changed, bent) else bent
