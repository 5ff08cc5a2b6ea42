"""Files in the cloud, through fsspec: `s3://bucket/key`, `gs://bucket/key`, and what else it has a package for.

In:  URLs.
Out: what lies there, copies of it on this machine, and the way back; what goes wrong is one line with a remedy.
fsspec is loaded by the first URL, never for files on this machine. Who may read and write, its packages find out in
the providers' own ways: AWS_* and ~/.aws, Google's application default credentials.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docproc.decoding.faults import REASON_CHARACTERS, one_line
from docproc.errors import DocprocError, MissingExtraError, OutputError, PageError

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}  #: Of docproc, by the URL's scheme.
TAG_KEYS = ("ETag", "etag")  #: Where providers tell what changes with an object's content: S3, Google.
VERSION_KEYS = (*TAG_KEYS, "mtime", "created")  #: With times, which may stay when an object changes in one moment.


def is_url(given: str) -> bool:
    """Whether it names something in the cloud; a path with a drive letter does not."""
    return "://" in given and re.match(r"[A-Za-z][A-Za-z0-9+.-]+://[^/]", given) is not None


def folder_of(place: str) -> str:
    """The folder of a file, or the prefix of an object."""
    return place.rpartition("/")[0] if is_url(place) else os.path.dirname(place)


def folders_above(url: str) -> Iterator[str]:
    """The prefixes of an object or prefix, the nearest first, the bucket last.

    >>> list(folders_above("s3://bucket/scans/1.png"))
    ['s3://bucket/scans', 's3://bucket']
    """
    while (url := folder_of(url)).partition("://")[2]:
        yield url


def beside(url: str, relative: str) -> str:
    """The URL of what an object calls by a relative path.

    >>> beside("s3://bucket/forms/slip/template.yaml", "../blank.png")
    's3://bucket/forms/blank.png'
    """
    scheme, _, path = url.partition("://")
    return f"{scheme}://{posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))}"


def find(url: str, *, raises: type[DocprocError] = PageError) -> dict[str, str]:
    """The object of that URL, or all objects below it; none where nothing is there.

    With each, what tells its content from any other that it had; "" where the provider has nothing of the kind.

    Raises
    ------
    PageError, or what `raises` says
        If they cannot be listed, or there is no such bucket.
    MissingExtraError
        If the package for such URLs is not installed.
    """
    with _explained(url, raises):
        found: dict[str, Any] = _filesystem(url).find(url, detail=True)
        tags = (next((str(info[key]) for key in TAG_KEYS if info.get(key)), "") for info in found.values())
        return dict(zip(_urls(url, found), tags, strict=True))


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a URL, or a prefix of it, matches a glob; `**` crosses prefixes."""
    from fsspec.utils import glob_translate

    matches = re.compile(glob_translate(pattern)).match
    return lambda url: any(matches(part) is not None for part in (url, *folders_above(url)))


def exists(url: str) -> bool:
    """Whether an object is there, as far as one may know."""
    try:
        with _explained(url, PageError):
            return _filesystem(url).isfile(url)
    except PageError:
        return False


def read(url: str, most: int | None = None) -> bytes:
    """The first `most` bytes of an object; all where None.

    Raises
    ------
    PageError, MissingExtraError
    """
    with _explained(url, PageError):
        return _filesystem(url).cat_file(url, start=0, end=most)


def fetch(url: str, path: Path, *, raises: type[DocprocError] = PageError) -> None:
    """Copy an object to a file on this machine; its folder is made where it is missing.

    Raises
    ------
    PageError, or what `raises` says; MissingExtraError
    """
    with _explained(url, raises):
        path.parent.mkdir(parents=True, exist_ok=True)
        _filesystem(url).get_file(url, str(path))


@contextmanager
def at_hand(place: str, copy: Path | None = None) -> Iterator[Path]:
    """A file on this machine with that content: `copy` where there is one, else fetched for the block.

    Raises
    ------
    PageError, MissingExtraError
    """
    if copy is not None or not is_url(place):
        yield copy or Path(place)
        return
    with tempfile.TemporaryDirectory(prefix="docproc-") as folder:
        fetched = Path(folder, "object")
        fetch(place, fetched)
        yield fetched


def names_in(url: str) -> list[str]:
    """Names of the objects and prefixes right below a prefix; none where nothing is there yet.

    Raises
    ------
    OutputError
        If there is no such bucket, or nobody may look.
    MissingExtraError
    """
    with _explained(url, OutputError):
        filesystem = _filesystem(url)
        try:
            listed = filesystem.ls(url, detail=False)
        except FileNotFoundError:
            *_, bucket = (url, *folders_above(url))
            if not filesystem.exists(bucket):
                raise
            return []
    names = {found[len(url) :].strip("/") for found in _urls(url, listed)}
    return sorted(names - {""})  # an empty one is the prefix itself, made by a console


def put(path: Path, url: str) -> None:
    """Copy a file to an object, which is there as a whole or not at all.

    Raises
    ------
    OutputError, MissingExtraError
    """
    with _explained(url, OutputError):
        _filesystem(url).put_file(str(path), url)


def version(url: str) -> str:
    """What tells the content of an object from what it was before; "" where there is none.

    Raises
    ------
    OutputError, MissingExtraError
    """
    with _explained(url, OutputError):
        try:
            info = _filesystem(url).info(url)
        except FileNotFoundError:
            return ""
    return next((str(info[key]) for key in VERSION_KEYS if info.get(key)), "unknown")


def _filesystem(url: str) -> Any:
    """What fsspec has for such URLs; it lists anew each time."""
    scheme, _, path = url.partition("://")
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(f"{scheme}://{path.partition('/')[0]}", use_listings_cache=False)[0]
    except (ImportError, ValueError) as error:  # fsspec does not know the scheme, or has no package for it
        extra = EXTRAS.get(scheme)
        raise MissingExtraError(
            f"{one_line(url)}: {scheme}:// is read and written with a package that is not installed.",
            remedy=f"Run `pip install 'docproc[{extra}]'`."
            if extra
            else f"Install fsspec and its package for {scheme}://, or copy the files to this machine.",
        ) from error


def _urls(url: str, found: Iterable[str]) -> list[str]:
    """What fsspec found, with the scheme in front."""
    scheme = url.partition("://")[0]
    return [f"{scheme}://{path.lstrip('/')}" for path in found]


@contextmanager
def _explained(url: str, raises: type[DocprocError]) -> Iterator[None]:
    """Put what fsspec's packages raise, each its own, into one of our errors."""
    try:
        yield
    except DocprocError:
        raise
    except Exception as error:
        words = textwrap.shorten(str(error), REASON_CHARACTERS, placeholder="...").rstrip(". ")
        what, remedy = _told(error, words)
        raise raises(f"{one_line(url)}: {what}.", remedy=remedy) from error


def _told(error: Exception, words: str) -> tuple[str, str]:
    kind = type(error).__name__
    if isinstance(error, FileNotFoundError):
        return f"it cannot be found ({words})", "Check the spelling, of the bucket, too."
    if isinstance(error, PermissionError) or "Credentials" in kind:
        return (
            f"access is refused ({words})",
            "Give the credentials in the provider's own way (AWS_PROFILE or AWS_ACCESS_KEY_ID and so on; for Google "
            "`gcloud auth application-default login`), and allow them to list, read and write there.",
        )
    return (
        f"it cannot be reached or copied ({kind}: {words})",
        "Check the network, AWS_ENDPOINT_URL where the storage is not Amazon's own, and the space for temporary "
        "files; then the same command goes on where this one stopped.",
    )


def user_cache() -> Path:
    """The folder on this machine where docproc keeps, for this user, what can be made again."""
    if sys.platform == "win32":
        caches = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        caches = Path.home() / "Library" / "Caches"
    else:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "docproc"
