"""Copies on this machine of what a batch reads in the cloud.

In:  sources and templates, some of them URLs.
Out: files here. An object is fetched once, some time ahead, and its copy is deleted when its last page is settled; a
template's copy, and that of its reference image, stays while the batch lasts.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from docproc import storage
from docproc.errors import PageError, TemplateError
from docproc.page import PageRef, Source
from docproc.sources import reference_in
from docproc.storage import is_url

FETCHED_AT_A_TIME = 8  #: Objects; most of the time that a scan takes is waiting for its first byte.
FETCHED_AHEAD = 32  #: Objects that are here, or on their way, before they are asked for.

Fetched = tuple[Source, Path | None]
"""A source, and the copy of what it names in the cloud."""


class Downloads:
    """The copies of one batch, in a folder for temporary files; they vanish with the block."""

    def __init__(self) -> None:
        self.references: set[str] = set()  #: URLs of the reference images of templates.
        self._folder: TemporaryDirectory[str] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._numbers = count()
        self._copies: dict[str, Path] = {}
        self._unsettled: dict[str, int] = {}  # pages of each object that has a copy

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if self._folder is not None:
            self._folder.cleanup()

    def templates(self, given: Sequence[str | os.PathLike[str]]) -> list[Path]:
        """Templates, and folders of them, as paths: those in the cloud are copied, each of a folder by itself.

        Raises
        ------
        TemplateError
            If one cannot be fetched, or none is there.
        MissingExtraError
        """
        paths: list[Path] = []
        for place in (os.fspath(path) for path in given):
            if not is_url(place):
                paths.append(Path(place))
                continue
            root = place.rstrip("/")
            found = [url for url in storage.find(root, raises=TemplateError) if url == root or url.endswith(".yaml")]
            if not found:
                raise TemplateError(f"{place}: no template is there.", remedy="Name one, or a prefix of .yaml files.")
            paths += map(self.template, found)
        return paths

    def template(self, url: str) -> Path:
        """The copy of a template, with that of its reference image beside it.

        Raises
        ------
        TemplateError
            If one of them cannot be fetched.
        MissingExtraError
        """
        path = self._mirrored(url)
        reference = reference_in(path.read_bytes())
        if reference is not None:
            self.references.add(storage.beside(url, reference))
            self._mirrored(storage.beside(url, reference))
        return path

    def _mirrored(self, url: str) -> Path:
        """A copy that lies among others as the object among others: a template names its image by a relative path."""
        mirror = self._root() / "templates"
        path = Path(os.path.abspath(mirror / url.replace("://", "/", 1)))
        if mirror not in path.parents:
            raise TemplateError(f"{url}: this leads out of the bucket.", remedy="Move the file into the bucket.")
        if not path.exists():
            storage.fetch(url, path, raises=TemplateError)
        return path

    def ahead(
        self, sources: Iterable[Source], *, is_needed: Callable[[Source], bool] = lambda source: True
    ) -> Iterator[Fetched]:
        """Each source with its copy; the next ones are fetched meanwhile. What cannot be fetched has a fault.

        Files on this machine have no copy, nor have objects that are not needed.
        """
        waiting: deque[Fetched | Future[Fetched]] = deque()
        for source in sources:
            if is_url(source.path) and source.fault is None and is_needed(source):
                waiting.append(self._threads().submit(self._fetched, source))
            else:
                waiting.append((source, None))
            if len(waiting) > FETCHED_AHEAD:
                yield _result(waiting.popleft())
        yield from map(_result, waiting)

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._root()
            self._pool = ThreadPoolExecutor(FETCHED_AT_A_TIME)
        return self._pool

    def _fetched(self, source: Source) -> Fetched:
        copy = self._root() / str(next(self._numbers))
        try:
            storage.fetch(source.path, copy)
        except PageError as error:
            copy.unlink(missing_ok=True)
            return replace(source, fault=error), None
        return source, copy

    def keep(self, copy: Path | None, refs: Sequence[PageRef]) -> None:
        """Have a copy until these, the pages in it, are settled."""
        if copy is None:
            return
        if not refs:
            copy.unlink()
            return
        self._copies[refs[0].path] = copy
        self._unsettled[refs[0].path] = len(refs)

    def copy_of(self, ref: PageRef) -> Path | None:
        """The file with that page's content; None where it is the page's own, or has to be fetched."""
        return self._copies.get(ref.path)

    def settle(self, ref: PageRef) -> None:
        """Of a page that is read, or need not be read; each is settled once."""
        if ref.path in self._copies:
            self._unsettled[ref.path] -= 1
            if not self._unsettled[ref.path]:
                del self._unsettled[ref.path]
                self._copies.pop(ref.path).unlink()

    def _root(self) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="docproc-")
        return Path(self._folder.name)


def _result(one: Fetched | Future[Fetched]) -> Fetched:
    return one.result() if isinstance(one, Future) else one
