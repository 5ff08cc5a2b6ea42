"""What a client sends: a file, and by which template it is to be read.

In:  a request, whose body is the file itself or a form with it.
Out: an `Upload`, whose content other processes of this machine can open while it is looked at, and nobody after that.
A body that is too large, or too slow, is refused as soon as that is known: no more of it is kept than is allowed.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from docproc.api.refusal import Refusal
from docproc.decoding.faults import READABLE, one_line

UPLOAD_S = 120.0  #: For a whole upload: 50 MB at 3.4 Mbit/s.
LONGEST_NAME = 200  #: Characters of a file's name that are kept.
DESCRIPTORS = Path(f"/proc/{os.getpid()}/fd")  #: Where open files can be opened once more, by any process.
UNNAMED = "page"  #: What a file is called that came without a name.
KNOWN = ("template", "source")  #: Parameters of the address.
USAGE = (
    f"Send a {READABLE} file as the body, or as the part `file` of a form (multipart/form-data); the template's name "
    "is the parameter, or part, `template`."
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a client has sent."""

    source: str  #: Its name, without folders, as one line.
    template: str  #: Name of the template to read it by; "" where each page is to find its own.
    path: Path  #: Where any process of this user can open it.


@asynccontextmanager
async def received(request: Request, *, most_bytes: int) -> AsyncIterator[Upload]:
    """The file of a request; its content is gone when the block ends.

    Raises
    ------
    Refusal
        400 if the request is not as `USAGE` says, 408 if it takes too long, 413 if its body is larger than
        `most_bytes`, 507 if there is no room for it.
    ClientDisconnect
        If the client went away in the middle.
    """
    _refuse_unknown(request.query_params)
    source, template = (request.query_params.get(name, "") for name in ("source", "template"))
    try:
        async with asyncio.timeout(UPLOAD_S):
            if request.headers.get("content-type", "").startswith("multipart/form-data"):
                file, name, of_form = await _form(request, _bounded(request, most_bytes))
                source, template = source or name, of_form or template
            else:
                file = await _body(_bounded(request, most_bytes))
    except TimeoutError:
        raise Refusal(
            408, f"The upload took longer than {UPLOAD_S:g} s.", remedy="Send smaller files, or over a faster line."
        ) from None
    except OSError as error:
        raise Refusal(
            507, f"The upload cannot be kept ({error.strerror}).", remedy="Tell who runs docproc: its disk is full."
        ) from error
    with file, _openable(file) as path:
        yield Upload(_named(source), template, path)


def _refuse_unknown(given: Iterable[str], known: tuple[str, ...] = KNOWN) -> None:
    for name in given:
        if name not in known:
            raise Refusal(400, f"There is no parameter {one_line(name[:LONGEST_NAME])!r}.", remedy=USAGE)


async def _bounded(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body, as far as it may go."""
    told = request.headers.get("content-length", "0")
    if len(told) > 18 or int(told) > most_bytes:
        raise _too_large(most_bytes)
    taken = 0
    async for some in request.stream():
        taken += len(some)
        if taken > most_bytes:
            raise _too_large(most_bytes)
        yield some


def _too_large(most_bytes: int) -> Refusal:
    return Refusal(
        413,
        f"The upload is larger than {most_bytes / 1e6:,g} MB.",
        remedy="Scan at a lower resolution (300 dpi is enough), or send its pages one by one.",
    )


async def _body(content: AsyncGenerator[bytes, None]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is handed on
    try:
        async for some in content:
            file.write(some)
    except BaseException:
        file.close()
        raise
    return file


async def _form(request: Request, content: AsyncGenerator[bytes, None]) -> tuple[IO[bytes], str, str]:
    """The file of a form, its name, and the template's name."""
    try:
        form = await MultiPartParser(request.headers, content, max_files=1, max_fields=1).parse()
    except MultiPartException as error:
        raise Refusal(400, f"The form cannot be read ({error.message.rstrip('.')}).", remedy=USAGE) from error
    _refuse_unknown(form, ("file", "template"))
    part, template = form.get("file"), form.get("template", "")
    if not isinstance(part, UploadFile) or not isinstance(template, str):
        await form.close()
        raise Refusal(400, "The form has no file in its part `file`.", remedy=USAGE)
    return part.file, part.filename or "", template


@contextmanager
def _openable(file: IO[bytes]) -> Iterator[Path]:
    """A path to the content of a file that has no name.

    Through /proc, since what has no name cannot outlive this process, however that ends; elsewhere in a copy.
    """
    nameless = DESCRIPTORS / str(file.fileno())
    file.flush()
    if nameless.exists():
        yield nameless
        return
    with tempfile.TemporaryDirectory(prefix="docproc-") as folder:
        copy = Path(folder, UNNAMED)
        file.seek(0)
        with copy.open("wb") as written:
            shutil.copyfileobj(file, written)
        yield copy


def _named(given: str) -> str:
    """A file's name as results show it: no folders, no control characters, not too long."""
    name = re.split(r"[/\\]", given.encode("utf-8", "replace").decode())[-1]
    return one_line(name)[:LONGEST_NAME] if name.strip(". ") else UNNAMED
