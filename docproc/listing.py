"""Which pages a batch has, and what each is to be read with.

In:  files, folders and globs; templates that the user gave, or those that lie beside the pages.
Out: an entry for the ledger for each page, in the batch's order, listed as they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from docproc.collation import require_whole_papers
from docproc.download import Downloads
from docproc.errors import MissingExtraError, PageError
from docproc.ledger import Entry
from docproc.page import PageRef, Source, Unreadable, list_pages
from docproc.storage import folder_of
from docproc.template import Template, find_template, load_template

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
    folders = {folder_of(str(source.path)): source for source in sources if source.fault is None}
    if given:
        require_whole_papers(given)
        return dict.fromkeys(folders, tuple(given)), given
    served: dict[str, tuple[str, ...]] = {}
    templates: dict[str, Template] = {}
    for folder, source in folders.items():
        if isinstance(source.path, Path):
            nearest = find_template(source.path.parent)
        else:
            nearest = downloads.template(source.template) if source.template else None
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
        pages_of: Callable[[Source, Path | None], list[PageRef]] = list_pages,
    ) -> None:
        self.downloads = downloads  #: Where the pages are, of those in the cloud.
        self.expected = len(sources)  #: Files count as one page until they are opened.
        self._served = served
        self._pages_of = pages_of
        self._read_with = {paths: read_with(paths) for paths in {(), *served.values()}}
        self._entries = self._list(sources)

    def __iter__(self) -> Iterator[Entry | Unreadable]:
        return self._entries

    def templates_of(self, ref: PageRef) -> tuple[str, ...]:
        """Paths of the templates of which a page may be."""
        return self._served.get(folder_of(ref.path), ())

    def _list(self, sources: Sequence[Source]) -> Iterator[Entry | Unreadable]:
        first_of: dict[str, str] = {}
        for source, copy in self.downloads.ahead(sources):
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
