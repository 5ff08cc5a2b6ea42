"""What a training has made, and how it is kept until it is exported somewhere else.

In:  networks, held-out glyphs and the facts of their training. Out: the same, from files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from docproc.character.card import DataSource
from docproc.errors import ModelError, OutputError
from docproc.training.fit import save_arrays
from docproc.training.material import Labeled
from docproc.training.network import Look, build_network
from docproc.training.settings import Settings

KEPT_NAME = "trained.keras"
_SECOND_KEPT_NAME = "second.keras"  #: Beside KEPT_NAME, like the next.
_FACTS_NAME = "trained.npz"
_PAIRS = ("calibration", "measured", "test")  #: Glyphs and labels in it.


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNetwork:
    """A network, and what it was built with."""

    model: Any
    look: Look
    settings: Settings
    epochs: int


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """Networks and all that their card needs."""

    networks: Sequence[TrainedNetwork]  #: Of the first look; of the second one, where there is one.
    calibration: Labeled  #: Glyphs of the writers to calibrate on.
    measured: Labeled  #: Glyphs of the writers to measure on.
    test: Labeled  #: MNIST's test set.
    data: list[DataSource]
    seed: int
    wall_time_s: float
    cores: int
    versions: dict[str, str]


def keep(trained: Trained, output: Path) -> Path:
    """Write the networks and all that `finish` needs, and return the first network's path."""
    facts = {
        "networks": [
            {"look": network.look, "settings": asdict(network.settings), "epochs": network.epochs}
            for network in trained.networks
        ],
        "data": [source.model_dump() for source in trained.data],
        **{key: getattr(trained, key) for key in ("seed", "wall_time_s", "cores", "versions")},
    }
    pairs = {name: getattr(trained, name) for name in _PAIRS}
    arrays = {f"{name} glyphs": glyphs for name, (glyphs, _) in pairs.items()}
    arrays |= {f"{name} labels": labels for name, (_, labels) in pairs.items()}
    first = output / KEPT_NAME
    save_arrays(first.with_name(_FACTS_NAME), facts=np.array(json.dumps(facts)), **arrays)
    for network in trained.networks:
        path = _kept_path(first, network.look)
        try:
            network.model.save(path)
        except OSError as error:
            raise OutputError(
                f"{path}: the network could not be written ({error.strerror}).",
                remedy="Make room, then run the same command with --resume.",
            ) from error
    return first


def read_kept(path: Path) -> Trained:
    """Read what `keep` has written. ModelError where a file is missing or damaged."""
    beside = path.with_name(_FACTS_NAME)
    take = f"Take {KEPT_NAME}, {_SECOND_KEPT_NAME} and {_FACTS_NAME} from the folder that `docproc train` wrote."
    for file in (path, beside):
        if not file.is_file():
            raise ModelError(f"{file}: there is no such file.", remedy=take)
    try:
        with np.load(beside, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            glyphs = {name: file[f"{name} glyphs"] for name in _PAIRS}
            labels = {name: file[f"{name} labels"] for name in _PAIRS}
        return Trained(
            networks=[_read_network(path, **network) for network in facts["networks"]],
            calibration=(glyphs["calibration"], labels["calibration"]),
            measured=(glyphs["measured"], labels["measured"]),
            test=(glyphs["test"], labels["test"]),
            data=[DataSource(**source) for source in facts["data"]],
            seed=facts["seed"],
            wall_time_s=facts["wall_time_s"],
            cores=facts["cores"],
            versions=facts["versions"],
        )
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise ModelError(
            f"{path}: the trained network cannot be read, or a file beside it ({error}).",
            remedy=take,
        ) from error


def _read_network(first: Path, *, look: Look, settings: dict[str, float], epochs: int) -> TrainedNetwork:
    own = Settings(**settings)
    model = build_network(look=look, settings=own)
    model.load_weights(_kept_path(first, look))
    return TrainedNetwork(model, look, own, epochs)


def _kept_path(first: Path, look: Look) -> Path:
    return first if look == "first" else first.with_name(_SECOND_KEPT_NAME)
