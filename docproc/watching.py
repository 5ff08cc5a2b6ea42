"""Pages are read as a scanner drops them: the inputs are looked at again and again.

In:  ways to look for files on this machine and to process them, which are docproc.batch's.
Out: the same results as of a batch that had found all of the files at once.
A file counts when two looks have found it of the same size and age: until then somebody may still be writing it. One
that is written anew keeps its old content until then. As long as a file stays as it is, its pages are listed once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from docproc.errors import DocprocError, MissingExtraError, PageError
from docproc.page import PageRef, Source
from docproc.summary import Summary

LOOK_S = 1.0  #: Rest between two looks.
LONGEST_REST_S = (
    10.0  #: To look through a large batch, and to make its tables, takes long: so long is the rest, then.
)

Stamp = tuple[int, int]
"""Bytes, and the time of the last change in ns: what tells that a file has stayed as it was."""

PagesOf = Callable[[Source, Path | None], list[PageRef]]
"""As `list_pages`."""


class Process(Protocol):
    """Has these files for its batch, reads those of their pages that were not read, and makes the tables anew."""

    def __call__(self, sources: Sequence[Source], pages_of: PagesOf, *, reads: bool = True) -> Summary:
        """Where `reads` is false, no page is read."""


def watch(
    look: Callable[[], Sequence[Source]], list_pages: PagesOf, process: Process, told: Callable[[Summary], None]
) -> Summary:
    """Process the files that there are, and whatever comes, until KeyboardInterrupt.

    Parameters
    ----------
    look : callable
        All files that there are now; a PageError where the inputs themselves are gone, which may come back.
    list_pages : callable
        What `list_pages` does; a file is listed when it has stayed as it was.
    process : Process
    told : callable
        Is given a `Summary` of the batch each time that its tables were made.

    Returns
    -------
    Summary
        Of the batch; every page that was read is in its tables.

    Raises
    ------
    KeyboardInterrupt
        If it comes while the first files are read: there is no table of half a batch.
    """
    files = _Files(list_pages)
    sources = files.settled(look())
    summary: Summary | None = None
    in_tables: list[tuple[str, Stamp]] = []
    rest_s = LOOK_S
    try:
        while True:
            time.sleep(rest_s)
            began = time.monotonic()
            with suppress(PageError):
                sources = files.settled(look())
            if summary is None or files.state != in_tables:
                summary, in_tables = process(sources, files.pages_of), files.state
                told(summary)
            rest_s = min(max(time.monotonic() - began, LOOK_S), LONGEST_REST_S)
    except KeyboardInterrupt:
        if summary is None:
            raise
        if files.state == in_tables:
            return summary
        return process([source for source in sources if files.is_listed(source)], files.pages_of, reads=False)


class _Files:
    """What is known of each file."""

    def __init__(self, list_pages: PagesOf) -> None:
        self._list_pages = list_pages
        self.state: list[tuple[str, Stamp]] = []  #: Names and stamps of those that count.
        self._seen: dict[str, Stamp | None] = {}  # by the last look
        self._counted: dict[str, Stamp] = {}
        self._listed: dict[str, tuple[Stamp, list[PageRef] | DocprocError]] = {}

    def settled(self, sources: Sequence[Source]) -> list[Source]:
        """Those that count, after one more look."""
        seen = {source.path: _stamp(source) for source in sources}
        stayed = {path: stamp for path, stamp in seen.items() if stamp is not None and stamp == self._seen.get(path)}
        counted = {path: stamp for path, stamp in self._counted.items() if path in seen} | stayed
        self._seen, self._counted = seen, counted
        self._listed = {path: pages for path, pages in self._listed.items() if path in counted}
        settled = [source for source in sources if source.path in counted]
        self.state = [(source.name, counted[source.path]) for source in settled]
        return settled

    def is_listed(self, source: Source) -> bool:
        """Whether its pages are known, so that nothing has to be opened for them."""
        return source.path in self._listed and self._listed[source.path][0] == self._counted[source.path]

    def pages_of(self, source: Source, copy: Path | None = None) -> list[PageRef]:
        """Its pages, listed anew where the file is another one than it was; see `list_pages` for what is raised."""
        if not self.is_listed(source):
            pages: list[PageRef] | DocprocError
            try:
                pages = self._list_pages(source, copy)
            except (PageError, MissingExtraError) as error:
                pages = error
            self._listed[source.path] = self._counted[source.path], pages
        _, pages = self._listed[source.path]
        if isinstance(pages, DocprocError):
            raise pages.with_traceback(None)
        return [replace(page, source=source.name) for page in pages]  # its name may depend on the other files'


def _stamp(source: Source) -> Stamp | None:
    """None where the file is gone since the look."""
    if source.fault is not None:
        return 0, 0
    with suppress(OSError):
        status = Path(source.path).stat()
        return status.st_size, status.st_mtime_ns
    return None
