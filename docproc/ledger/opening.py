"""The file of a ledger: opened, locked, and its faults put into words.

While a run writes, the file is in SQLite's WAL mode: others may read it meanwhile, and a commit is not worth a sync
of the disk. A process that is killed loses nothing that it committed; a power cut may take the last commits, never
the file. At rest it is one plain file that opens from read-only places, too.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from docproc.errors import LedgerError
from docproc.ledger.schema import MIGRATIONS, migrate, require_current, version_of

LEDGER_NAME = "ledger.sqlite"
LOCK_NAME = "ledger.lock"
REVIEW_LOCK_NAME = "review.lock"
NAMES = frozenset(
    (LEDGER_NAME, LOCK_NAME, REVIEW_LOCK_NAME, f"{LEDGER_NAME}-wal", f"{LEDGER_NAME}-shm", f"{LEDGER_NAME}-journal")
)
"""All files that a ledger may have in its folder."""

LOCK_S = 0.5  #: A run waits that long for the lock: somebody may only be looking whether it is held.
BUSY_S = 10.0  #: A writer waits that long for a reader that happens to look, before it gives up.
LEAST_FREE_BYTES = 1_000_000  #: A disk with less is full: the files of a small ledger take as much.


@contextmanager
def open_to_write(folder: Path) -> Iterator[sqlite3.Connection]:
    """The only writer of the ledger in `folder`, which is made where it is missing.

    Raises
    ------
    LedgerError
        If another process writes it, if it is no ledger or one of a newer docproc, or if it cannot be written.
    """
    path = folder / LEDGER_NAME
    with _locked(folder), explained(path), closing(_connect(f"{_uri(path)}?mode=rwc")) as db:
        migrate(db, path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA recursive_triggers = ON")  # else REPLACE goes round the triggers against deleting
        try:
            yield db
        finally:
            with suppress(sqlite3.Error):  # somebody reads it: it stays in WAL mode till the next run's end
                db.execute("PRAGMA busy_timeout = 0")
                db.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def open_to_correct(folder: Path) -> Iterator[sqlite3.Connection]:
    """The ledger in `folder` for a review, which may last for days, also while runs come and go.

    It holds no lock between its transactions, and each of them is on the disk when it ends: what a person has said
    costs more than what can be read anew. Several threads may share it, one at a time.

    Raises
    ------
    LedgerError
        If there is none, it is no ledger of this docproc, another review is open there, or it cannot be written.
    """
    path = _ledger_in(folder)
    connection = _connect(f"{_uri(path)}?mode=rw", by_threads=True)
    with closing(connection) as db, _locked(folder, review=True), explained(path):
        if version_of(db, path) != len(MIGRATIONS):
            with _locked(folder):
                migrate(db, path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA recursive_triggers = ON")
        try:
            yield db
        finally:
            with suppress(sqlite3.Error):  # a run goes on: it stays in WAL mode till that one's end
                db.execute("PRAGMA busy_timeout = 0")
                db.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def open_to_add(folder: Path) -> Iterator[sqlite3.Connection]:
    """The ledger in `folder` for one short transaction beside a run and a review; it is on the disk when it ends.

    Raises
    ------
    LedgerError
        If there is none, it is no ledger of this docproc, or it cannot be written.
    """
    path = _ledger_in(folder)
    with explained(path), closing(_connect(f"{_uri(path)}?mode=rw")) as db:
        if version_of(db, path) != len(MIGRATIONS):
            with _locked(folder):
                migrate(db, path)
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA recursive_triggers = ON")
        yield db


@contextmanager
def no_run(folder: Path) -> Iterator[bool]:
    """Have no run begin in `folder` till the block ends; False, and nothing is held, where one is going on."""
    with ExitStack() as held:
        try:
            held.enter_context(_locked(folder))
            is_free = True
        except LedgerError:
            is_free = False
        yield is_free


@contextmanager
def open_to_read(folder: Path) -> Iterator[sqlite3.Connection]:
    """The ledger in `folder` for looking only, also while a run goes on.

    Raises
    ------
    LedgerError
        If there is none, or it is no ledger of this docproc.
    """
    path = _ledger_in(folder)
    # A run that was killed may have left a journal: what it half wrote has to be undone before anybody can read.
    mode = "rw" if path.with_name(f"{LEDGER_NAME}-journal").exists() else "ro"
    with explained(path), closing(_connect(f"{_uri(path)}?mode={mode}")) as db:
        require_current(db, path)
        yield db


def _ledger_in(folder: Path) -> Path:
    path = folder / LEDGER_NAME
    if not path.is_file():
        what = f"there is no {LEDGER_NAME} in it" if folder.exists() else "there is no such folder"
        raise LedgerError(
            f"{folder}: {what}.",
            remedy="Name the folder of a batch that was processed, the one given with -o.",
        )
    return path


def is_written(folder: Path) -> bool:
    """Whether a run is going on in `folder`."""
    path = folder / LOCK_NAME
    if not path.is_file():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False  # where no lock can be had, no run can be going on either
    lock.release()
    return False


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Put what SQLite says about the file into a LedgerError; what it says about our SQL stays as it is."""
    try:
        yield
    except sqlite3.Error as error:
        told = _told(error, path)
        if told is None:
            raise
        raise told from error


def damaged(path: Path, what: object) -> LedgerError:
    """For a file that SQLite, or the reader of its records, cannot make sense of."""
    return LedgerError(
        f"{path} is damaged, or no ledger of docproc ({what}).",
        remedy="Move it away, or put a copy of it back: without it, the batch is read anew from its first page.",
    )


def _told(error: sqlite3.Error, path: Path) -> LedgerError | None:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return LedgerError(
            f"{path} cannot grow: the disk is full.",
            remedy="Free some space and process the batch again: it goes on where it stopped.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return _not_writable(path, str(error))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerError(
            f"{path} is held by another program ({error}).",
            remedy="Close what has it open, a database browser or a copy that is being made, and process again.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return LedgerError(
            f"{path} cannot be read or written ({error}).",
            remedy="Check the disk, or the network it lies on, and process again: it goes on where it stopped.",
        )
    return None


def _is_full(path: Path) -> bool:
    """Whether it may be for that: where no room is left for one of its files, SQLite says only that I/O failed."""
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < LEAST_FREE_BYTES
    return False


def _not_writable(path: Path, what: str) -> LedgerError:
    return LedgerError(
        f"{path} cannot be opened or written ({what}).",
        remedy=f"Allow yourself to write in {path.parent}, or name another folder with -o.",
    )


@contextmanager
def _locked(folder: Path, *, review: bool = False) -> Iterator[None]:
    """One run, or one review, at a time. The operating system holds the lock: a killed process leaves none."""
    lock = FileLock(folder / (REVIEW_LOCK_NAME if review else LOCK_NAME))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=LOCK_S)
    except Timeout as error:
        if review:
            raise LedgerError(
                f"{folder}: a review of it is open already.",
                remedy="Open the address that it has printed, for each reviewer once; or end it with Ctrl-C.",
            ) from error
        raise LedgerError(
            f"{folder}: another run is going on in this folder{_holder(folder)}.",
            remedy="Wait until it has ended, or stop it; or name another folder with -o.",
        ) from error
    except OSError as error:
        raise _not_writable(folder / LEDGER_NAME, error.strerror or str(error)) from error
    try:
        yield
    finally:
        lock.release()


def _holder(folder: Path) -> str:
    """Who has the lock, as far as it can be known: a run enters itself a moment after it took it."""
    with suppress(LedgerError, sqlite3.Error), open_to_read(folder) as db:
        found = db.execute("SELECT pid, host FROM runs WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1").fetchone()
        if found is not None:
            return f" (process {found[0]} on {found[1]})"
    return ""


def _connect(uri: str, *, by_threads: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=not by_threads)


def _uri(path: Path) -> str:
    return path.absolute().as_uri()
