"""Train and measure all methods: the whole of `docproc compare` on one screen.

In:  a plan. Out: `compare.html` and `compare.csv` in a folder, both or neither.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import docproc
from docproc.character.recognizer import load_recognizer
from docproc.errors import MissingExtraError
from docproc.export.delimited import row_writer
from docproc.export.folder import explained
from docproc.training.comparison import tables
from docproc.training.comparison.baselines import shipped, train_logistic, train_svm
from docproc.training.comparison.material import ALL, FEW, Material, read_material
from docproc.training.comparison.method import Tell, Trained
from docproc.training.comparison.networks import train_cnn, train_dense
from docproc.training.comparison.page import render
from docproc.training.comparison.scores import Result, measure
from docproc.training.comparison.timing import one_core

PAGE_NAME = "compare.html"
TABLE_NAME = "compare.csv"

EPOCHS = 20  #: At most: networks of this size stop earlier by themselves.
EPOCHS_QUICK = 5  #: With `Plan.quick`.


@dataclass(frozen=True, slots=True)
class Plan:
    """What to compare, on what, and where to write about it."""

    output: Path
    mnist: Path | None = None  #: mnist.npz; downloaded by Keras where None.
    model: Path | None = None  #: Folder of the model to compare with; the shipped one where None.
    seed: int = 2026
    quick: bool = False  #: A part of the digits and few epochs.


def compare(
    plan: Plan,
    *,
    begun: Callable[[str], None] = lambda name: None,
    progress: Tell = lambda share: None,
    done: Callable[[Result], None] = lambda result: None,
) -> tuple[Result, ...]:
    """Train, measure, and write the report and the table.

    Parameters
    ----------
    begun, progress, done
        Told what is being trained or measured, how much of it is done (networks only), and its figures.

    Raises
    ------
    MissingExtraError
        If what training needs is not installed.
    OutputError
        If the folder cannot be written; found out before anything is trained.
    PageError
        If the file with the digits cannot be read.
    ModelError
        If the model to compare with is missing or damaged.
    """
    _require_extra()
    recognizer = load_recognizer(plan.model)
    material = read_material(plan.mnist, amounts=FEW if plan.quick else ALL, seed=plan.seed)
    _require_writable(plan.output)
    epochs = EPOCHS_QUICK if plan.quick else EPOCHS
    methods: Sequence[tuple[str, Callable[[], Trained]]] = (
        ("logistic regression", lambda: train_logistic(material)),
        ("SVM", lambda: train_svm(material)),
        ("dense network", lambda: train_dense(material, epochs=epochs, seed=plan.seed, tell=progress)),
        ("small CNN", lambda: train_cnn(material, epochs=epochs, seed=plan.seed, tell=progress)),
        ("docproc's CNN", lambda: shipped(recognizer)),
    )
    results = []
    with one_core():
        for name, train in methods:
            begun(name)
            results.append(measure(train(), material.test))
            done(results[-1])
    begun("report")
    _write(plan, results, material)
    return tuple(results)


def _require_extra() -> None:
    missing = [name for name in ("keras", "sklearn", "matplotlib") if find_spec(name) is None]
    try:
        if not missing:
            import keras  # noqa: F401 - Keras imports the backend that it is set to
    except ImportError as error:
        missing = [error.name or str(error)]
    if missing:
        raise MissingExtraError(
            f"Comparing needs {', '.join(missing)}, which is not installed.",
            remedy="Run `pip install 'docproc[train]'`.",
        )


def _require_writable(folder: Path) -> None:
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def _write(plan: Plan, results: Sequence[Result], material: Material) -> None:
    """Both files aside, then both renamed."""
    page = render(results, material, seed=plan.seed, quick=plan.quick, versions=_versions())
    with explained(plan.output), ExitStack() as leftovers:
        aside = {plan.output / name: plan.output / f".{name}.{os.getpid()}.part" for name in (PAGE_NAME, TABLE_NAME)}
        for path in aside.values():
            leftovers.callback(path.unlink, missing_ok=True)
        aside[plan.output / PAGE_NAME].write_text(page, encoding="utf-8")
        with aside[plan.output / TABLE_NAME].open("w", encoding="utf-8", newline="") as file:
            row_writer(file).writerows(tables.csv_rows(results))
        for place, path in aside.items():
            os.replace(path, place)


def _versions() -> dict[str, str]:
    import keras

    found = {"docproc": docproc.__version__}
    for name in ("numpy", "scikit-learn", "keras", keras.backend.backend(), "ai-edge-litert"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # tensorflow-cpu and the like: the same modules under other names
            continue
    return found
