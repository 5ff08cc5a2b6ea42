"""Results whose home is a URL: made in a folder on this machine, and copied there.

In:  the URL of a prefix, or a folder, as the user named it.
Out: a folder to process into. A folder is itself; for a URL it is one in the user's cache, which begins with the
ledger that lies at the URL. The ledger is copied back after the first page, then every few minutes, and at the end
whatever ends the run; the tables follow when they are made. So a run goes on where it stopped: on this machine at the
very page, even if it was killed, on another one at the last copy of the ledger.

Nothing can lock a prefix. But each run knows the version of the ledger that it began with, or wrote, and stops where
another one lies there: of two machines the one that wrote last goes on.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from docproc import storage
from docproc.errors import LedgerError, OutputError
from docproc.export.folder import NAMES
from docproc.ledger import LEDGER_NAME, read_ledger
from docproc.storage import is_url, user_cache

if TYPE_CHECKING:
    from docproc.summary import Summary

EVERY_S = 300.0  #: Between two copies of the ledger while pages are read.
SHARE = 0.1  #: Of the time, at most, that such copies take: a ledger of many pages has gigabytes.


@contextmanager
def results_at(output: str) -> Iterator[Workplace]:
    """The folder to process into; results that belong elsewhere are there when the block has ended.

    Raises
    ------
    OutputError
        If the URL cannot be reached, holds other things, or another run has written there meanwhile: then what was
        read here is read again.
    LedgerError
        If another run of this user has the same URL.
    MissingExtraError
        If the package for such URLs is not installed.
    """
    if not is_url(output):
        yield Workplace(Path(output))
        return
    url = output.rstrip("/")
    _refuse_others(url)
    cache = user_cache() / hashlib.sha256(url.encode()).hexdigest()[:32]
    with _held(cache.with_suffix(".lock"), url):
        place = _Remote(cache / "results", url)
        place.begin()
        try:
            yield place
        finally:
            place.upload_ledger()
        place.upload_tables()
        shutil.rmtree(cache, ignore_errors=True)


@dataclass(slots=True)
class Workplace:
    """A folder in which results are made."""

    folder: Path

    def watched(self, progress: Callable[[Summary], None] | None) -> Callable[[Summary], None] | None:
        """What to call after each page, beside what the caller wants."""
        return progress


@contextmanager
def ledger_folder(results: str) -> Iterator[Path]:
    """A folder with the ledger of these results, for looking only; of those in the cloud a copy.

    Raises
    ------
    LedgerError
        If there is none, or it cannot be fetched.
    MissingExtraError
    """
    if not is_url(results):
        yield Path(results)
        return
    with TemporaryDirectory(prefix="docproc-") as folder:
        storage.fetch(f"{results.rstrip('/')}/{LEDGER_NAME}", Path(folder, LEDGER_NAME), raises=LedgerError)
        yield Path(folder)


class _Remote(Workplace):
    """The folder in the cache, and the version of the ledger at the URL that its own is, or follows on."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self._url = url
        self._ledger_url = f"{url}/{LEDGER_NAME}"
        self._version_file = folder.with_name("version")
        self._next_s = 0.0

    def begin(self) -> None:
        """Have the ledger of the URL in the folder, unless an earlier run left one that follows on it."""
        there = storage.version(self._ledger_url)
        if there == self._version():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        if there:
            storage.fetch(self._ledger_url, self.folder / LEDGER_NAME, raises=OutputError)
        self._note(there)

    def watched(self, progress: Callable[[Summary], None] | None) -> Callable[[Summary], None]:
        def advance(so_far: Summary) -> None:
            if time.monotonic() >= self._next_s:
                began = time.monotonic()
                self.upload_ledger()
                self._next_s = time.monotonic() + max(EVERY_S, (time.monotonic() - began) / SHARE)
            if progress is not None:
                progress(so_far)

        return advance

    def upload_ledger(self) -> None:
        """Copy the ledger, as it is now, to the URL."""
        if not (self.folder / LEDGER_NAME).is_file():
            return
        if storage.version(self._ledger_url) != self._version():
            raise OutputError(
                f"{self._url}: another run, on another machine, has written there since this one began.",
                remedy="Let one of them go on alone: process again when the other has ended; nothing is lost.",
            )
        copy = self.folder.with_name(LEDGER_NAME)
        with read_ledger(self.folder) as ledger:
            ledger.copy_to(copy)
        storage.put(copy, self._ledger_url)
        copy.unlink()
        self._note(storage.version(self._ledger_url))

    def upload_tables(self) -> None:
        """Copy the tables to the URL."""
        for path in sorted(self.folder.glob("*")):
            if path.name in NAMES:
                storage.put(path, f"{self._url}/{path.name}")

    def _version(self) -> str:
        return self._version_file.read_text(encoding="utf-8") if self._version_file.is_file() else ""

    def _note(self, version: str) -> None:
        self._version_file.parent.mkdir(parents=True, exist_ok=True)
        self._version_file.write_text(version, encoding="utf-8")


def _refuse_others(url: str) -> None:
    """Stop where a prefix holds something that is not ours. In one of ours the ledger was written first."""
    held = storage.names_in(url)
    others = [name for name in held if name not in NAMES | {LEDGER_NAME}]
    if held and LEDGER_NAME not in held:
        others = held
    if others:
        raise OutputError(
            f"{url} holds other things than results of docproc ({others[0]!r}).",
            remedy="Name a new or empty prefix with -o, or move those things away.",
        )


@contextmanager
def _held(path: Path, url: str) -> Iterator[None]:
    """One run at a time; the operating system holds the lock, so none is left of a run that was killed."""
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LedgerError(
            f"{url}: another run on this machine is going on there.",
            remedy="Wait until it has ended, or stop it; or name another prefix with -o.",
        ) from error
    except OSError as error:
        raise OutputError(
            f"{path.parent}: the results cannot be prepared in this folder ({error.strerror or error}).",
            remedy="Have XDG_CACHE_HOME name a folder in which you may write.",
        ) from error
    try:
        yield
    finally:
        lock.release()
