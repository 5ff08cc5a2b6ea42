"""What training needs before it begins: programs, and a folder that can be written.

In:  a folder. Out: errors that say what is missing, and the versions of what is there.
"""

from __future__ import annotations

import os
import platform
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import docproc
from docproc.errors import MissingExtraError, OutputError


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
