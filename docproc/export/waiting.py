"""Rows that wait on disk until the whole batch is known: memory does not grow with it.

In:  rows, one by one.
Out: the same, as often as needed.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

Row = TypeVar("Row", bound=tuple[Any, ...])


class Waiting(Generic[Row]):
    """Rows in a file, each made anew by `kind` when it is asked for."""

    def __init__(self, path: Path, kind: Callable[..., Row]) -> None:
        self._path = path
        self._kind = kind
        self._file = path.open("wb")

    def append(self, row: Row) -> None:
        """Keep one more."""
        pickle.dump(tuple(row), self._file)

    def extend(self, several: Iterable[Row]) -> None:
        """Keep these."""
        for row in several:
            self.append(row)

    def close(self) -> None:
        """No more will come."""
        self._file.close()

    def delete(self) -> None:
        """None is needed any more."""
        self._path.unlink()

    def __iter__(self) -> Iterator[Row]:
        with self._path.open("rb") as file, suppress(EOFError):
            while True:
                yield self._kind(*pickle.load(file))
