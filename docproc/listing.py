"""Which pages a batch has, and what each is to be read with.

In:  files, folders and globs; templates that the user gave, or those that lie beside the pages.
Out: an entry for the ledger for each page, in the batch's order, listed as they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from docproc.collation import require_whole_papers
from docproc.download import Downloads
from docproc.errors import MissingExtraError, PageError
from docproc.ledger import Entry, KnownFile, Ledger, stamp_of
from docproc.page import PageRef, Source, Unreadable, list_pages
from docproc.storage import folder_of, is_url
from docproc.template import Template, find_template, load_template

FILES_AT_A_TIME = 100  #: That are looked up in the ledger.

Served = Mapping[str, tuple[str, ...]]
"""Paths of the templates that serve the pages of each folder."""


def templates_for(
    sources: Sequence[Source], given: dict[str, Template], downloads: Downloads
) -> tuple[Served, dict[str, Template]]:
    """Which templates serve each folder, and the templates by their path, those in the cloud by their copies'.

    Raises
    ------
    TemplateError
        If one cannot be loaded, or a paper lacks the template of one of its pages.
    """
    folders = {folder_of(source.path): source for source in sources if source.fault is None}
    if given:
        require_whole_papers(given)
        return dict.fromkeys(folders, tuple(given)), given
    served: dict[str, tuple[str, ...]] = {}
    templates: dict[str, Template] = {}
    for folder, source in folders.items():
        if is_url(source.path):
            nearest = downloads.template(source.template) if source.template else None
        else:
            nearest = find_template(Path(folder))
        if nearest is not None:
            served[folder] = (str(nearest),)
            if str(nearest) not in templates:
                templates[str(nearest)] = load_template(nearest)
                require_whole_papers({str(nearest): templates[str(nearest)]})
    return served, templates


class Listing:
    """The pages of a batch, listed once, and how many there are as far as is known."""

    def __init__(
        self,
        sources: Sequence[Source],
        served: Served,
        read_with: Callable[[tuple[str, ...]], str],
        downloads: Downloads,
        files: Files,
        pages_of: Callable[[Source, Path | None], list[PageRef]] | None = None,
    ) -> None:
        self.downloads = downloads  #: Where the pages are, of those in the cloud.
        self.expected = len(sources)  #: Files count as one page until they are opened.
        self._served = served
        self._files = files
        self._pages_of = pages_of or files.pages_of
        self._read_with = {paths: read_with(paths) for paths in {(), *served.values()}}
        self._entries = self._list(sources)

    def __iter__(self) -> Iterator[Entry | Unreadable]:
        return self._entries

    def templates_of(self, ref: PageRef) -> tuple[str, ...]:
        """Paths of the templates of which a page may be."""
        return self._served.get(folder_of(ref.path), ())

    def _list(self, sources: Sequence[Source]) -> Iterator[Entry | Unreadable]:
        first_of: dict[str, str] = {}
        for source, copy in self.downloads.ahead(self._files.looked_up(sources), is_needed=self._is_needed):
            try:
                refs = self._pages_of(source, copy)
            except (PageError, MissingExtraError) as error:
                self.downloads.keep(copy, [])
                yield Unreadable(source=source.name, page=None, message=error.message, remedy=error.remedy)
                continue
            self.downloads.keep(copy, refs)
            self.expected += len(refs) - 1
            for ref in refs:
                first = first_of.setdefault(ref.sha256, source.name)
                read_with = self._read_with[self.templates_of(ref)]
                yield Entry(ref, read_with, "" if first == source.name else first)
        self._files.remember()

    def _is_needed(self, source: Source) -> bool:
        """Whether an object in the cloud is to be fetched."""
        pages = self._files.known_pages(source)
        return not pages or not self._files.are_read(pages, self._read_with[self.templates_of(pages[0])])


class Files:
    """The pages of files: one that is unchanged since the ledger knows it is not opened.

    Parameters
    ----------
    ledger : Ledger
    anew : bool
        Every file is opened.
    """

    def __init__(self, ledger: Ledger, *, anew: bool = False) -> None:
        self._ledger = ledger
        self._anew = anew
        self._stamps: dict[str, str] = {}  # by the paths of files that come next
        self._known: dict[str, KnownFile] = {}  # of these
        self._opened: list[KnownFile] = []  # of which the ledger is still to be told

    def looked_up(self, sources: Sequence[Source]) -> Iterator[Source]:
        """The same sources; each is looked up before it comes."""
        self._stamps, self._known = {}, {}
        left = iter(sources)
        while some := list(islice(left, FILES_AT_A_TIME)):
            stamps = {source.path: _stamp(source) for source in some if source.fault is None}
            self._stamps |= stamps
            if not self._anew:
                self._known |= self._ledger.known_files(stamps)
            yield from some

    def known_pages(self, source: Source) -> list[PageRef]:
        """Pages of a file that has been looked up; none where it is to be opened."""
        file = self._known.get(source.path)
        return [] if file is None else _pages(source.name, file)

    def are_read(self, pages: Sequence[PageRef], read_with: str) -> bool:
        """Whether all of these were read with that."""
        return self._ledger.has_readings(pages, read_with)

    def pages_of(self, source: Source, copy: Path | None = None) -> list[PageRef]:
        """See `list_pages`; of a file that has been looked up, once."""
        stamp, file = self._stamps.pop(source.path, ""), self._known.pop(source.path, None)
        if file is not None:
            return _pages(source.name, file)
        pages = list_pages(source, copy)
        if stamp and pages:
            self._opened.append(KnownFile(source.path, stamp, pages[0].sha256, len(pages)))
        if len(self._opened) == FILES_AT_A_TIME:
            self.remember()
        return pages

    def remember(self) -> None:
        """Have the ledger know all files that were opened."""
        self._ledger.know_files(self._opened)
        self._opened = []


def _stamp(source: Source) -> str:
    return source.tag if is_url(source.path) else stamp_of(source.path)


def _pages(name: str, file: KnownFile) -> list[PageRef]:
    return [PageRef(name, file.path, index, file.sha256) for index in range(file.pages)]
