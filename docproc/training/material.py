"""What a run learns from and is measured on: digits of all sources, writers kept apart, and glyphs painted once.

In:  a plan. Out: `Material`, `Stocks` of painted glyphs, and functions that make the glyphs of an epoch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from docproc.engine import available_cores
from docproc.errors import ModelError
from docproc.training import mixture
from docproc.training.digits.datasets import Digits, hold_out, read_digits, read_mnist
from docproc.training.digits.styles import drawn_styles
from docproc.training.fit import save_arrays
from docproc.training.network import Look
from docproc.training.painting.stock import Painted, paint_stock
from docproc.training.settings import Settings

EPOCHS = 80
HOLD_OUT_SHARE = 0.15  #: Of each source's writers (of its digits, where writers are unknown).
#: Of MNIST's digits, whose writers are unknown: 3,000 digits measure as well as 9,000, and are missed less.
HOLD_OUT_OF_MNIST = 0.05
#: Digits drawn in European styles: with their double weight an eighth of the digits shown. Alone beside MNIST they
#: halve the errors on Swiss writers; beside other Swiss writers they only make the network surer of the right digit.
DRAWN_DIGITS = 6000
_PART = 30_000  #: Painted glyphs between two times that the stock is saved: some minutes of work.
_MNIST = "mnist"

Glyphs = npt.NDArray[np.uint8]
Labeled = tuple[Glyphs, Glyphs]  #: Glyphs (N, 28, 28) and their classes (N,).


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train, on what, for how long."""

    output: Path
    mnist: Path | None = None
    digits: Sequence[Path] = ()
    seed: int = 2026
    epochs: int = EPOCHS
    glyphs_per_epoch: int = 60_000
    painted_glyphs: int = 100_000  #: Cut by the pipeline from sheets painted before the first epoch; 0 for none.
    held_out_glyphs: int = 20_000  #: To calibrate on, and as many again to measure on.
    patience: int = 15  #: Epochs without a better held-out loss after which training stops.
    settings: Settings = field(default_factory=Settings)
    second_look: bool = True  #: Train another network for doubtful glyphs, in half as many epochs.
    workers: int = field(default_factory=available_cores)  #: Cores that paint and that make glyphs.
    resume: bool = False
    #: Weights of trained networks to go on from, as Keras gives them; random ones where there are none.
    start: Mapping[Look, Sequence[npt.NDArray]] = field(default_factory=dict)

    def epochs_of(self, look: Look) -> int:
        """Epochs of one of the networks: the second one only helps where the first is in doubt."""
        return self.epochs if look == "first" else max(self.epochs // 2, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Digits to train on, digits of other writers, and MNIST's test set as it is."""

    train: list[Digits]
    held_out: list[Digits]
    x_test: Glyphs
    y_test: Glyphs


@dataclass(frozen=True, slots=True, eq=False)
class Stocks:
    """Glyphs that the pipeline cut from painted sheets; None where none were wanted."""

    train: Painted | None
    calibration: Painted | None  #: Of the first half of the held-out writers.
    measured: Painted | None  #: Of the second half.
    wall_time_s: float  #: Spent until they were saved, for a resumed run's total.


@dataclass(frozen=True, slots=True, eq=False)
class EpochGlyphs:
    """A function of the epoch's number that travels to another process."""

    sources: list[Digits]
    like: list[Digits]  #: Whose sizes decide how often each source is shown.
    stock: Painted | None
    count: int
    seed: int
    epochs: int

    def __call__(self, epoch: int) -> Labeled:
        """Glyphs and classes, the same for the same epoch."""
        if self.stock is None:
            share = mixture.aged_share(epoch, self.epochs)
            return mixture.aged_glyphs(
                self.sources, count=self.count, seed=self.seed, epoch=epoch, like=self.like, aged_share=share
            )
        return mixture.epoch_glyphs(
            self.sources,
            self.stock,
            count=self.count,
            seed=self.seed,
            epoch=epoch,
            epochs=self.epochs,
            like=self.like,
        )


def gather(plan: Plan) -> Material:
    """Read all sources and keep writers apart."""
    rng = np.random.default_rng((plan.seed, 0))
    sources, x_test, y_test = read_sources(plan)
    parts = [hold_out(source, held_out_share(source), rng) for source in sources]
    drawn = drawn_styles(DRAWN_DIGITS, plan.seed)  # to learn from; what counts is how people's own digits are read
    return Material([*(kept for kept, _ in parts), drawn], [held for _, held in parts], x_test, y_test)


def read_sources(plan: Plan) -> tuple[list[Digits], Glyphs, Glyphs]:
    """All digits of all sources, and MNIST's test images and labels."""
    others = [read_digits(path) for path in plan.digits]  # first: small, and likelier to be wrong
    mnist, x_test, y_test = read_mnist(plan.mnist)
    return [mnist, *others], x_test, y_test


def held_out_share(source: Digits) -> float:
    """Share of a source's writers that are not trained on."""
    return HOLD_OUT_OF_MNIST if source.name == _MNIST else HOLD_OUT_SHARE


def halves(sources: Sequence[Digits], seed: int) -> tuple[list[Digits], list[Digits]]:
    """Held-out digits parted once more, by writers where they are known: to calibrate on, and to measure on."""
    rng = np.random.default_rng((seed, 1))
    parts = [hold_out(source, 0.5, rng) for source in sources]
    return [one for one, _ in parts], [other for _, other in parts]


def training_glyphs(plan: Plan, material: Material, stocks: Stocks, *, look: Look = "first") -> EpochGlyphs:
    """Makes the glyphs of each epoch of a network."""
    epochs = plan.epochs_of(look)
    return EpochGlyphs(material.train, material.train, stocks.train, plan.glyphs_per_epoch, plan.seed, epochs)


def held_out_glyphs(plan: Plan, material: Material, stocks: Stocks) -> tuple[Labeled, Labeled]:
    """Glyphs to calibrate on and glyphs to measure on, of different writers, mixed as the first epochs are.

    As often from each source as in training, however much of it was held out.
    """
    one, other = halves(material.held_out, plan.seed)
    pairs = ((one, stocks.calibration), (other, stocks.measured))
    made = [
        EpochGlyphs(half, material.train, stock, plan.held_out_glyphs, plan.seed, plan.epochs)(0)
        for half, stock in pairs
    ]
    return made[0], made[1]


def paint_stocks(
    plan: Plan, material: Material, *, elapsed: Callable[[], float], progress: Callable[[float], None]
) -> Stocks:
    """Paint what is trained on and what is measured on, or read it where an interrupted run has painted it.

    Saved beside the output after every `_PART` glyphs; read again with `resume` alone.

    Parameters
    ----------
    elapsed : () -> float
        Seconds since the run began.
    progress : (float) -> None
        Is told the share that is done, 0 to 1.
    """
    if plan.painted_glyphs == 0:
        return Stocks(None, None, None, 0.0)
    one, other = halves(material.held_out, plan.seed)
    # An epoch shows painted glyphs beside others: half as many as the glyphs wanted hardly repeat.
    wanted = {
        "calibration": (one, plan.held_out_glyphs // 2),
        "measured": (other, plan.held_out_glyphs // 2),
        "train": (material.train, plan.painted_glyphs),
    }
    path = stock_path(plan.output)
    made_from = digest(plan, material)
    kept, before_s = _kept(path, made_from) if plan.resume else ({}, 0.0)
    total = sum(count for _, count in wanted.values())
    finished = 0

    def tell(before: int, size: int, share: float) -> None:
        progress((before + share * size) / total)

    for name, (sources, count) in wanted.items():
        for part, first in enumerate(range(0, count, _PART)):
            key, size = f"{name}{part}", min(_PART, count - first)
            if key not in kept:
                kept[key] = paint_stock(
                    sources,
                    count=size,
                    seed=_seed(plan.seed, key),
                    negative_share=mixture.NEGATIVE_SHARE,
                    shares=mixture.shares(sources, like=material.train),
                    workers=plan.workers,
                    progress=partial(tell, finished, size),
                )
                _save(path, kept, made_from, before_s + elapsed())
            finished += size
            progress(finished / total)
    joined = {
        name: Painted.joined([kept[key] for key in kept if key.rstrip("0123456789") == name]) for name in wanted
    }
    return Stocks(joined["train"], joined["calibration"], joined["measured"], before_s)


def digest(plan: Plan, material: Material) -> str:
    """Names what a run is made from: two of them with the same digest may share painted glyphs and a checkpoint."""
    whole = hashlib.sha256(f"{plan.seed} {plan.painted_glyphs} {plan.held_out_glyphs}".encode())
    for source in (*material.train, *material.held_out):
        whole.update(f"{source.name} {len(source)}".encode())
        whole.update(source.canvases.tobytes())
        whole.update(source.labels.tobytes())
    return whole.hexdigest()


def stock_path(output: Path) -> Path:
    """Where the painted glyphs of an output folder are kept."""
    return output.with_name(f".{output.name}.stock.npz")


def checkpoint_path(output: Path, name: str | None = None, *, look: Look = "first") -> Path:
    """Where the state of the training for an output folder is kept; of the run `name`, where there are several."""
    which = "" if look == "first" else f".{look}"
    return output.with_name(f".{name or output.name}{which}.checkpoint.npz")


def _seed(seed: int, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {key}".encode()).digest()[:4], "big")


def _save(path: Path, kept: dict[str, Painted], made_from: str, seconds: float) -> None:
    arrays: dict[str, npt.NDArray] = {}
    for key, painted in kept.items():
        arrays |= {
            f"{key} glyphs": painted.glyphs,
            f"{key} labels": painted.labels,
            f"{key} sources": painted.sources,
        }
    facts = {"digest": made_from, "parts": list(kept), "wall_time_s": seconds}
    save_arrays(path, facts=np.array(json.dumps(facts)), **arrays)


def _kept(path: Path, made_from: str) -> tuple[dict[str, Painted], float]:
    """What an interrupted run has painted, and its seconds; nothing where none of it can be read.

    ModelError where it was another run.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            if facts["digest"] != made_from:
                raise ModelError(
                    f"{path} is of a training with other digits, or another --seed or --painted-glyphs.",
                    remedy="Run it with what it was begun with, or without --resume to begin anew.",
                )
            kept = {
                key: Painted(file[f"{key} glyphs"], file[f"{key} labels"], file[f"{key} sources"])
                for key in facts["parts"]
            }
            return kept, facts["wall_time_s"]
    except (OSError, ValueError, KeyError, BadZipFile):
        return {}, 0.0
