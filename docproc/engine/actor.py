"""What an actor of Ray does, on whichever node it is.

In:  the pickled `OpenWork`, then pickled tasks.
Out: for each a pickled `Message`, as from a worker process (docproc.engine.worker).
How this process sees an actor is told in docproc.engine.cluster, which also makes the class an actor: Ray is not
imported here.
"""

from __future__ import annotations

import os
import platform

from docproc.engine.worker import Message, Workplace
from docproc.errors import DocprocError

SAME_DOCPROC = "Install the same docproc, with all that it needs, on all nodes of the cluster."


class Actor(Workplace):
    """A workplace on a node that reads as the caller does, and finds what the caller finds.

    Parameters
    ----------
    memory_limit_mb : float, optional
        As for `PoolEngine`.
    version : str
        The caller's `version_here`: another docproc may read otherwise.
    folder : str
        The caller's current one: paths in tasks may start from there.
    """

    def __init__(self, memory_limit_mb: float | None, version: str, folder: str) -> None:
        super().__init__(memory_limit_mb)
        self._version = version
        self._folder = folder

    def _open(self, packed_work: bytes) -> Message:
        _require(self._version)
        _go_to(self._folder)
        import cv2

        cv2.setNumThreads(1)  # as in a worker process; of the others' threads Ray sees to that
        return super()._open(packed_work)


def version_here() -> str:
    """What must be equal on all nodes, for the records to be."""
    from docproc import __version__
    from docproc.pipeline import READING_VERSION

    return f"{__version__} (reading {READING_VERSION})"


def _require(version: str) -> None:
    if version_here() != version:
        raise DocprocError(
            f"The Ray node {platform.node()} has docproc {version_here()}; this run is of {version}.",
            remedy=SAME_DOCPROC,
        )


def _go_to(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise DocprocError(
            f"The Ray node {platform.node()} has no folder {folder} ({error.strerror}).",
            remedy="Start docproc in a folder on storage that all nodes share, where the pages are, too.",
        ) from error
