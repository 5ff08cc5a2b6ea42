"""Which files to read, and what results call them.

In:  files, folders and globs as the user gave them, on this machine and, as URLs, in the cloud.
Out: `Source` values in a stable order, each file once. An input without pages is such a value, too: it fails alone.
Whether a file can be read, docproc.page finds out.
"""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import yaml

from docproc import storage
from docproc.decoding.faults import READABLE, one_line, page_error
from docproc.errors import PageError
from docproc.storage import folder_of, folders_above, is_url

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".pdf", ".heic", ".heif")
)
OF_SYSTEMS = frozenset(("thumbs.db", "desktop.ini"))  #: What Windows leaves in folders.
TEMPLATE_NAME = "template.yaml"
PARTIAL_SUFFIX = ".partial"  #: Output that is being written.
RESULTS_NAME = "fields.csv"  #: A folder that holds this, with our heading, is output.
RESULTS_HEADING = b"source,page,template,field,"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
HEADING_BYTES = len(BYTE_ORDER_MARK + RESULTS_HEADING)


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read, or an input that gave none."""

    name: str  #: The path as found under the input, with forward slashes; unique, always writable as UTF-8.
    path: str  #: Where to open it, relative if the input was; the URL of an object in the cloud.
    folder: Path  #: The input folder it was found under; its own folder where it was given by itself.
    fault: PageError | None = None  #: Why there is nothing to read.
    template: str = ""  #: URL of the template.yaml that serves an object; of files, docproc.template finds it.
    tag: str = ""  #: Of an object, what changes with its content; see docproc.storage.


def find_sources(
    inputs: Sequence[str],
    *,
    skip: Path | None = None,
    references: Iterable[Path | str] = (),
    may_be_empty: bool = False,
    passed_over: Counter[str] | None = None,
) -> list[Source]:
    """All files to read, each once, in the order of the inputs, within a folder as a person would sort them.

    Folders are walked to the bottom. What is no page there is passed over without a word: other endings, hidden
    files, results of ours, and the reference images that a template.yaml names. A file given by name is taken
    whatever it is, so that it cannot be lost silently. Names are paths under the input; where two folders give the
    same name, both get as much of their own path in front as tells them apart.

    Parameters
    ----------
    inputs : sequence of str
        Files, folders, globs (`**` crosses folders). A glob is tried where nothing has that very name. A prefix in
        the cloud is a folder.
    skip : Path, optional
        A folder below the inputs that is not walked: the output's.
    references : iterable of paths and URLs
        Images that are not pages, beside those that templates in the folders name.
    may_be_empty : bool
        A folder or glob without images, to which some may still come, is no fault.
    passed_over : Counter, optional
        Is made to say how many files have an ending that is not read, by the ending in small letters: they may be
        pages in a format that docproc does not know.

    Raises
    ------
    PageError
        If nothing at all was found; otherwise an input without images is a Source with a `fault`.
    MissingExtraError
        If a URL is given, and the package for it is not installed.
    """
    walk = _Walk(skip)
    found = [walk.input(given) for given in inputs]
    not_pages = walk.references | {_real(path) for path in references}
    kept: dict[str, _Found] = {}
    for given, files in zip(inputs, found, strict=True):
        pages = [file for file in files if file.by_name or file.real not in not_pages]
        if not pages and not may_be_empty:
            what = "no image is in it" if os.path.isdir(given) else "it matches no image"
            pages = [_nothing(given, what, f"Name a folder that holds {READABLE} files")]
        for file in pages:
            kept.setdefault(file.real, file)
    if not kept and not may_be_empty:
        raise PageError("Nothing to read was given.", remedy="Name files or a folder of scans.")
    if passed_over is not None:
        passed_over.clear()
        others = walk.passed_over - not_pages - kept.keys()
        passed_over.update(one_line(os.path.splitext(path)[1].lower()) for path in others)
    faults = [file.fault for file in kept.values() if file.fault is not None]
    if faults and len(faults) == len(kept):
        raise faults[0]
    return [
        Source(name, file.path, file.folder, file.fault, file.template, file.tag)
        for name, file in zip(_unique_names(list(kept.values())), kept.values(), strict=True)
    ]


class _Found(NamedTuple):
    path: str
    folder: Path
    parts: tuple[str, ...]  #: Of the path under the folder.
    real: str  #: With all symbolic links followed: what makes two spellings one file.
    by_name: bool = False
    fault: PageError | None = None
    template: str = ""
    tag: str = ""


def _real(path: Path | str) -> str:
    return str(path) if is_url(str(path)) else os.path.realpath(path)


def _nothing(given: str, what: str, remedy: str) -> _Found:
    path = Path(given)
    return _Found(
        given,
        path.parent,
        (path.name or given or ".",),
        f"\0{given}",
        True,
        page_error(one_line(given), what, remedy),
    )


class _Walk:
    """Goes through the inputs and gathers, on the way, what templates name as their reference images."""

    def __init__(self, skip: Path | None) -> None:
        self.references: set[str] = set()
        self.passed_over: set[str] = set()  #: Real paths of files that have another ending than pages have.
        self._skip = None if skip is None else os.path.realpath(skip)
        self._looked_for_template: set[str] = set()

    def input(self, given: str) -> list[_Found]:
        """Every file of one input, also one that another input has given already."""
        if is_url(given):
            return self._objects(given)
        path = Path(given)
        try:
            path.lstat()
        except (OSError, ValueError) as error:
            if glob.has_magic(given):
                return list(self._glob(given))
            reason = getattr(error, "strerror", None) or str(error)
            return [_nothing(given, f"it cannot be found ({reason})", "Check the spelling")]
        if not given:
            return [_nothing("''", "the name is empty", "Name files or a folder of scans")]
        if path.is_dir():
            self._note_references_above(path)
            return list(self._folder(path, path, ()))
        return [_Found(str(path), path.parent, (path.name,), os.path.realpath(path), by_name=True)]

    def _glob(self, pattern: str) -> Iterator[_Found]:
        """Files that match, and those in folders that match; named by their path behind the fixed part."""
        fixed: list[str] = []
        for part in Path(pattern).parts:
            if glob.has_magic(part):
                break
            fixed.append(part)
        root = Path(*fixed)
        matches = sorted(glob.glob(pattern, recursive=True), key=lambda match: _natural(*Path(match).parts))
        for match in map(Path, matches):
            parts = match.parts[len(root.parts) :]
            above = [root.joinpath(*parts[:depth]) for depth in range(1, len(parts))]
            if any(self._is_passed_over(folder) for folder in above):
                continue
            self._note_references_above(match)
            if match.is_dir():
                if not self._is_passed_over(match):
                    yield from self._folder(match, root, parts)
            elif match.suffix.lower() in SUFFIXES:
                yield _Found(str(match), root, parts, os.path.realpath(match))
            else:
                self._pass_over(match.name, os.path.realpath(match))

    def _folder(self, start: Path, root: Path, parts: tuple[str, ...]) -> Iterator[_Found]:
        """The pages under `start`, depth first; a folder that cannot be listed is found as a fault."""
        walked: set[str] = set()  # a link may lead back up
        waiting: list[tuple[str, tuple[str, ...], str, bool]] = [(str(start), parts, os.path.realpath(start), True)]
        while waiting:
            path, parts, real, is_folder = waiting.pop()
            if not is_folder:
                yield _Found(path, root, parts, real)
                continue
            if real in walked:
                continue
            walked.add(real)
            self._note_references(Path(path))
            try:
                with os.scandir(path) as listing:
                    entries = sorted(listing, key=lambda entry: _natural(entry.name))
            except OSError as error:
                fault = page_error(
                    one_line(path),
                    f"the folder cannot be listed ({error.strerror})",
                    "Allow yourself to read it, or leave it out",
                )
                yield _Found(path, root, parts or (Path(path).name,), real, by_name=True, fault=fault)
                continue
            above = "" if path == os.curdir else os.path.join(path, "")
            for entry in reversed(entries):
                name, is_link = entry.name, entry.is_symlink()
                is_folder = os.path.isdir(entry) if is_link else entry.is_dir(follow_symlinks=False)
                if name.startswith("."):
                    continue
                child = above + name
                if not (is_folder or os.path.splitext(name)[1].lower() in SUFFIXES):
                    self._pass_over(name, os.path.realpath(child) if is_link else os.path.join(real, name))
                    continue
                if is_folder and self._is_passed_over(Path(child)):
                    continue
                child_real = os.path.realpath(child) if is_link else os.path.join(real, name)
                waiting.append((child, (*parts, name), child_real, is_folder))

    def _pass_over(self, name: str, real: str) -> None:
        """Remember a file that is no page, but for templates and what systems leave in folders."""
        if not name.startswith(".") and name != TEMPLATE_NAME and name.casefold() not in OF_SYSTEMS:
            self.passed_over.add(real)

    def _objects(self, given: str) -> list[_Found]:
        """The object of that URL, or the pages among those below it or of a glob, in the order of a folder's."""
        root = given.rstrip("/")
        is_wanted = None
        try:
            urls = storage.find(root)
            if not urls and glob.has_magic(root):
                is_wanted = storage.matcher(root)
                root = "/".join(takewhile(lambda part: not glob.has_magic(part), root.split("/")))
                urls = storage.find(root) if is_url(root) else {}
            templates, outputs = self._look_into(root, urls)
        except PageError as error:
            return [_Found(given, Path(folder_of(given)), (given,), given, by_name=True, fault=error)]
        by_name = list(urls) == [root]
        if by_name:
            root = folder_of(root)
        found = []
        for url, tag in urls.items():
            parts = tuple(url[len(root) + 1 :].split("/"))
            above = list(folders_above(url))
            passed_over = not outputs.isdisjoint(above) or any(part.endswith(PARTIAL_SUFFIX) for part in parts[:-1])
            passed_over |= any(part.startswith(".") for part in parts)
            if not by_name and (passed_over or (is_wanted is not None and not is_wanted(url))):
                continue
            if not by_name and Path(url).suffix.lower() not in SUFFIXES:
                self._pass_over(parts[-1], url)
            else:
                template = next((templates[folder] for folder in above if folder in templates), "")
                found.append(_Found(url, Path(root), parts, url, by_name=by_name, template=template, tag=tag))
        return sorted(found, key=lambda file: _natural(*file.parts))

    def _look_into(self, root: str, urls: Collection[str]) -> tuple[dict[str, str], set[str]]:
        """Templates below an input and above it, by their own prefix; prefixes below it that hold output of ours."""
        above = (f"{folder}/{TEMPLATE_NAME}" for folder in folders_above(root))
        listed = (url for url in urls if url.endswith(f"/{TEMPLATE_NAME}"))
        templates = {folder_of(url): url for url in (*filter(storage.exists, above), *listed)}
        for url in templates.values():
            reference = reference_in(storage.read(url))
            if reference is not None:
                self.references.add(storage.beside(url, reference))
        tables = (url for url in urls if url.endswith(f"/{RESULTS_NAME}") and folder_of(url) != root)
        return templates, {folder_of(url) for url in tables if _is_output(storage.read(url, HEADING_BYTES))}

    def _is_passed_over(self, folder: Path) -> bool:
        """Whether a folder below an input holds output of ours."""
        if folder.name.endswith(PARTIAL_SUFFIX) or (
            self._skip is not None and os.path.realpath(folder) == self._skip
        ):
            return True
        try:
            with (folder / RESULTS_NAME).open("rb") as results:
                return _is_output(results.read(HEADING_BYTES))
        except OSError:
            return False

    def _note_references_above(self, path: Path) -> None:
        """A template serves the pages below its folder, so one above the input counts, too."""
        for folder in Path(os.path.abspath(path)).parents:
            self._note_references(folder)

    def _note_references(self, folder: Path) -> None:
        """Remember the reference image of the template in this folder; a faulty template is reported elsewhere."""
        real = os.path.realpath(folder)
        if real in self._looked_for_template:
            return
        self._looked_for_template.add(real)
        try:
            reference = reference_in((folder / TEMPLATE_NAME).read_bytes())
        except OSError:
            return
        if reference is not None:
            self.references.add(os.path.realpath(folder / reference))


def reference_in(template: bytes) -> str | None:
    """The reference image that a template's file names, relative to it; a faulty file is reported elsewhere."""
    try:
        content = yaml.safe_load(template)
    except (ValueError, RecursionError, yaml.YAMLError):
        return None
    reference = content.get("reference") if isinstance(content, dict) else None
    return reference if isinstance(reference, str) else None


def _is_output(heading: bytes) -> bool:
    """Whether a file that begins like this is a table of ours."""
    return heading.removeprefix(BYTE_ORDER_MARK).startswith(RESULTS_HEADING)


def _natural(*names: str) -> list[tuple[list[str | int], str]]:
    """A sort key that puts page2 before page10."""
    return [
        ([int(part) if part.isdecimal() else part for part in re.split("([0-9]+)", name.casefold())], name)
        for name in names
    ]


def _unique_names(found: Sequence[_Found]) -> list[str]:
    """Paths under their folders; folders that share a name with another get more of their own path in front."""
    own_path = {folder: Path(os.path.abspath(folder)).parts[1:] for folder in {file.folder for file in found}}
    depth = dict.fromkeys(own_path, 0)
    while True:
        prefix_of = {folder: path[len(path) - depth[folder] :] for folder, path in own_path.items()}
        names = [one_line("/".join((*prefix_of[file.folder], *file.parts))) for file in found]
        first_of: dict[str, Path] = {}
        clashing: set[Path] = set()
        for name, file in zip(names, found, strict=True):
            first = first_of.setdefault(name, file.folder)
            if first != file.folder:
                clashing |= {first, file.folder}
        clashing = {folder for folder in clashing if depth[folder] < len(own_path[folder])}
        if not clashing:
            return names
        for folder in clashing:
            depth[folder] += 1
