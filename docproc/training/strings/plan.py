"""What a training of the reader of lines is to be, and whose digits it learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from docproc.engine import available_cores
from docproc.training.digits import styles
from docproc.training.material import Material, Plan, gather
from docproc.training.painting.numbers import Writers
from docproc.training.settings import Settings

DRAWN_SHARE = 0.45  #: Of the sheets that are learned from: written by drawn hands, each another one.


@dataclass(frozen=True, slots=True)
class LinePlan:
    """What to train, on what, for how long."""

    output: Path
    mnist: Path | None = None
    digits: Sequence[Path] = ()
    recognizer: Path | None = None  #: Beside which it is to read; the shipped one where None.
    seed: int = 2026
    networks: int = 2  #: Each of its own beginning, on lines of its own.
    reader: Path | None = None  #: One that exists: its networks are weighed anew, none is trained.
    trained: Sequence[Path] = ()  #: Networks as Keras keeps them, trained elsewhere: nothing is trained then.
    epochs: int = 100  #: Of each.
    lines_per_epoch: int = 16_000
    painted_lines: int = 80_000
    held_out_lines: int = 2_000  #: To choose the best epoch by.
    weighed_lines: int = 6_000  #: To weigh both readers on, and as many again to measure them on.
    patience: int = 10
    settings: Settings = field(default_factory=Settings)
    workers: int = field(default_factory=available_cores)
    resume: bool = False


def material_of(plan: LinePlan) -> Material:
    """The recognizer's own digits, the same writers kept apart."""
    return gather(Plan(output=plan.output, mnist=plan.mnist, digits=plan.digits, seed=plan.seed))


def training_writers(material: Material) -> Writers:
    """Who writes what is learned from: people whose digits are trained on, and drawn hands."""
    return Writers([source for source in material.train if source.name != styles.NAME], DRAWN_SHARE)


def lines_folder(output: Path) -> Path:
    """Where the painted lines of an output folder are kept."""
    return output.with_name(f".{output.name}.lines")


def line_checkpoint(output: Path, network: int) -> Path:
    """Where the state of a network's training is kept."""
    return output.with_name(f".{output.name}.checkpoint{network + 1}.npz")
