"""Files whose content a ledger knows: one that is unchanged is neither opened nor hashed again.

In:  files on this machine, by their path and a stamp of what the operating system says about them; objects in the
     cloud, by their URL and what the provider says.
Out: the digest of their content, and how many pages it has.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from docproc import __version__

UNSETTLED_NS = 2_000_000_000
"""After a change that is more recent, another one may leave the same times: file systems count in up to 2 s."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What a file held when it had that stamp."""

    path: str  #: As in PageRef.
    stamp: str  #: See `stamp_of`; of an object in the cloud, its version.
    sha256: str
    pages: int


def stamp_of(path: str | os.PathLike[str]) -> str:
    """What differs where a file was changed, moved or replaced.

    "" where that cannot be told: the file is not there, or was changed a moment ago and may be changed once more
    without a trace (what Git calls "racily clean").
    """
    try:
        told = os.stat(path)
    except (OSError, ValueError):
        return ""
    if max(told.st_mtime_ns, told.st_ctime_ns) > time.time_ns() - UNSETTLED_NS:
        return ""
    return f"{told.st_size} {told.st_mtime_ns} {told.st_ctime_ns} {told.st_ino}"


class FileRows:
    """The files of a ledger; used inside its transactions."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def known(self, stamps: Mapping[str, str]) -> dict[str, KnownFile]:
        """Of files by path and stamp, those that are known and unchanged; some hundred at a time.

        What another docproc has opened is not known: it may have counted its pages otherwise.
        """
        marks = ", ".join("?" * len(stamps))
        sql = f"SELECT path, stamp, sha256, pages FROM files WHERE path IN ({marks}) AND version = ?"
        rows = self._db.execute(sql, (*map(os.fsencode, stamps), __version__)).fetchall()
        files = (KnownFile(os.fsdecode(path), *values) for path, *values in rows)
        return {file.path: file for file in files if file.stamp == stamps[file.path]}

    def put(self, files: Iterable[KnownFile]) -> None:
        """Know these from now on."""
        self._db.executemany(
            "REPLACE INTO files (path, stamp, sha256, pages, version) VALUES (?, ?, ?, ?, ?)",
            [(os.fsencode(file.path), file.stamp, file.sha256, file.pages, __version__) for file in files],
        )
