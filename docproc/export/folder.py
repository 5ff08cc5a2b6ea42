"""The results folder: its tables are those of one state of the batch, complete or not there at all.

In:  the folder that the user named.
Out: a sibling `NAME.PID.partial` to write in; when all is written the tables move into the folder, else they vanish.
The ledger in the folder is docproc.ledger's subject: it is never replaced.
"""

from __future__ import annotations

import errno
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from docproc.errors import OutputError
from docproc.export.rows import FIELD_COLUMNS

FIELDS_NAME = "fields.csv"
FORMS_NAME = "forms.csv"
WORKBOOK_NAME = "forms.xlsx"
ERRORS_NAME = "errors.csv"
REPORT_NAME = "report.html"
NAMES = frozenset((FIELDS_NAME, FORMS_NAME, WORKBOOK_NAME, ERRORS_NAME, REPORT_NAME))
LEDGER_NAMES = frozenset(
    ("ledger.lock", "review.lock", *(f"ledger.sqlite{ending}" for ending in ("", "-wal", "-shm", "-journal")))
)


@contextmanager
def written_aside(output: Path) -> Iterator[Path]:
    """A new folder to write in; it becomes `output` when the block ends well, and vanishes when it does not.

    Earlier results of ours are replaced; a folder that holds anything else is never touched.

    Raises
    ------
    OutputError
        Before the block: if `output` is a file, holds other things, or nothing can be written beside it.
        After it: if the disk is full or the name was taken meanwhile.
    """
    place = Path(os.path.realpath(output))
    refuse_others(output)
    with ExitStack() as held:
        with explained(output):
            partial = held.enter_context(partial_beside(place))
        yield partial
        refuse_others(output)
        with explained(output):
            _take_name(partial, place)


@contextmanager
def partial_beside(place: Path) -> Iterator[Path]:
    """A new folder beside `place` to write in, which vanishes with the block unless it has moved.

    Raises
    ------
    OSError
    """
    partial = place.with_name(f"{place.name}.{os.getpid()}.partial")
    for left in place.parent.glob(f"{glob.escape(place.name)}.*.partial"):  # by processes that were killed
        if left.name.split(".")[-2].isdecimal():
            shutil.rmtree(left, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def explained(output: Path) -> Iterator[None]:
    """Put what the operating system says about writing into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{output}: the results cannot be written ({error.strerror or error}).",
            remedy=f"{_remedy(error, output)}; nothing half-written was left.",
        ) from error


def _remedy(error: OSError, output: Path) -> str:
    """What helps against the real cause."""
    place = Path(os.path.realpath(output))
    above = next(path for path in place.parents if os.path.lexists(path))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"Free some space on the disk of {above}, or name a folder on another one with -o"
    if error.errno == errno.ENAMETOOLONG:
        return "Name a folder with a shorter name with -o"
    if not above.is_dir():
        return f"{above} is a file, not a folder: name another folder with -o"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT):
        return f"No folder or file can be made in {above}: name a folder with -o in which you may write"
    return "Name another folder with -o"


def refuse_others(output: Path) -> None:
    """Stop where writing would destroy something that is not ours.

    Raises
    ------
    OutputError
        If `output` is a file, a mount point, or holds other things.
    """
    place = Path(os.path.realpath(output))
    if not os.path.lexists(place):
        return
    if not place.is_dir():
        raise OutputError(f"{output} is a file, not a folder.", remedy="Name another folder with -o.")
    if os.path.ismount(place):
        raise OutputError(f"{output} is a mount point.", remedy="Name a folder inside it with -o.")
    with explained(output):
        held = sorted(entry.name for entry in os.scandir(place))
        others = [name for name in held if name not in NAMES | LEDGER_NAMES]
        if held and not others and not (LEDGER_NAMES & set(held) or _is_ours(place)):
            others = held
    if others:
        raise OutputError(
            f"{output} holds other things than results of docproc ({others[0]!r}), and would be replaced as a whole.",
            remedy="Name a new or empty folder with -o, or move those things away.",
        )


def _is_ours(place: Path) -> bool:
    try:
        with (place / FIELDS_NAME).open(encoding="utf-8", newline="") as fields:
            return fields.readline().rstrip("\r\n") == ",".join(FIELD_COLUMNS)
    except (OSError, UnicodeDecodeError):
        return False


def _take_name(partial: Path, place: Path) -> None:
    """Rename the folder, or, where the batch's ledger has made it already, each file in it."""
    if not os.path.lexists(place):
        partial.rename(place)
        return
    for path in sorted(partial.iterdir()):
        os.replace(path, place / path.name)
