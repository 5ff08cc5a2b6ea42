"""A folder of pages to a folder of results: what `docproc process` and programs call.

In:  files, folders and globs; a template, or those that lie in the folders.
Out: the ledger of the batch, its tables, and a `Summary`.
A page that cannot be read fails alone and is named; the batch goes on. Only this process writes: workers read pages
and hand back records, which are kept as they come. Whatever ends the run, the same call goes on where it ended.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path

from docproc import __version__
from docproc.character.recognizer import load_recognizer
from docproc.combination.line_reader import line_reader_beside, witness_beside
from docproc.decision import Policy
from docproc.download import Downloads
from docproc.engine import FEW_PAGES, Engine, Lost, choose_engine
from docproc.export import refuse_others
from docproc.ledger import Entry, Ledger, digest_of, open_ledger
from docproc.listing import Files, Listing, Served, templates_for
from docproc.page import Source, Unreadable, find_sources
from docproc.pipeline import READING_VERSION
from docproc.reader import OpenReader, PageTask
from docproc.reading import Record
from docproc.summary import Summary, counted
from docproc.tables import make_tables
from docproc.target import least_error_shown
from docproc.template import Template, load_templates
from docproc.watching import PagesOf, watch

ENTERED_AT_A_TIME = 100  #: Pages that are listed before the first of them is read: their content is hashed.
PAGE_TIMEOUT_S = 120.0  #: A page of 20 megapixels among ten templates takes a tenth of it.
LOSSES = 2  #: Processes that an engine lets a page take down before it gives it up.

Progress = Callable[[Summary], None]


def process_batch(
    inputs: Sequence[str | os.PathLike[str]],
    output_dir: Path,
    *,
    template_paths: Sequence[str | os.PathLike[str]] = (),
    whole_image: bool = False,
    review_below: float | None = None,
    target_error: float | None = None,
    model_dir: Path | None = None,
    lines_dir: Path | None = None,
    ocr: bool = False,
    engine: Engine | None = None,
    jobs: int | None = None,
    page_timeout_s: float | None = PAGE_TIMEOUT_S,
    retry_failed: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    watched: Progress | None = None,
) -> Summary:
    """Read pages into tables.

    Programs that call this start with `if __name__ == "__main__"`: pages are read by spawned processes.

    Parameters
    ----------
    inputs : sequence of paths
        Files, folders (walked to the bottom), globs; URLs in the cloud, as docproc.storage knows them.
    output_dir : Path
        With the ledger of the batch. Where that has pages already, what was read with the same templates, models and
        settings is not read again, and tables that would come out the same are not made again. For results in the
        cloud see docproc.upload.
    template_paths : sequence of paths
        Templates, and folders of them, for all pages: each page finds its own. Where there are none, the nearest
        `template.yaml` in a page's folder or above it serves the page; pages without one are searched for fields.
    whole_image : bool
        Every image is one free field named `value`; no template is used.
    review_below : float, optional
        Fields whose confidence is lower go to review; from the model card where None.
    target_error : float, optional
        Share of wrong values among the accepted that is allowed, 0 to 1: decides instead of `review_below` when the
        tables are made, see docproc.target.
    model_dir : Path, optional
        A trained model; the shipped one where None.
    lines_dir : Path, optional
        A reader of lines, trained beside that model; the shipped one beside the shipped model where None.
    ocr : bool
        Ask a third witness of fields in doubt; needs the extra `ocr`.
    engine : Engine, optional
        Where pages are read. Where None, few are read in this process, and many in `jobs` others.
    jobs : int, optional
        Processes; the number of cores where None.
    page_timeout_s : float, optional
        A page that takes longer, twice, is set aside, where pages are read by processes of their own.
    retry_failed : bool
        Pages that failed before are read again, too.
    force : bool
        All pages are read again.
    progress : callable, optional
        Is given a `Summary` of what this run has read after each page.
    watched : callable, optional
        Where there is one, pages are read as they come to the inputs, until KeyboardInterrupt: see docproc.watching.
        It is given a `Summary` of the batch each time that the tables were made anew. Templates are loaded anew with
        each lot of pages.

    Raises
    ------
    OutputError, LedgerError
        If the results cannot be written, before any page is read as far as that can be told then; if another run is
        going on in the same folder.
    MissingExtraError
        If the third witness is wanted, or files in the cloud are, and the package for it is not installed.
    TemplateError, ModelError
        Before any page is read, if a template or the model is at fault.
    PageError
        If nothing to read was found at all.
    """
    recognizer = load_recognizer(model_dir)
    line_reader = line_reader_beside(recognizer, lines_dir)
    witness = witness_beside(line_reader) if ocr else None
    policy = Policy((line_reader or recognizer).card.review_below if review_below is None else review_below)
    refuse_others(output_dir)
    downloads = Downloads()
    given = {} if whole_image else load_templates(downloads.templates(template_paths))
    references = [path for template in given.values() if (path := template.reference_path) is not None]
    passed_over: Counter[str] = Counter()  # is counted anew by each look
    look = partial(
        find_sources,
        [os.fspath(path) for path in inputs],
        skip=output_dir,
        references=[*given, *references, *downloads.references],
        may_be_empty=watched is not None,
        passed_over=passed_over,
    )
    sources = look()
    served, templates = ({}, {}) if whole_image else templates_for(sources, given, downloads)
    started = time.monotonic()
    settings = {
        "folder": os.getcwd(),  # paths of inputs and templates may be relative to it
        "inputs": [os.fspath(path) for path in inputs],
        "templates": sorted(templates),
        "whole_image": whole_image,
        "review_below": policy.review_below,
        "models": [(one.card.name, one.digest) for one in (recognizer, line_reader) if one is not None],
        "target_error": target_error,
        "force": force,
        "reading_version": READING_VERSION,
    }
    with downloads, open_ledger(output_dir, settings=settings) as ledger:
        run = _Run(
            ledger,
            output_dir,
            OpenReader(recognizer, {}, policy, whole_image, line_reader, witness),
            downloads,
            Files(ledger, anew=force),
            partial(read_pages, ledger, engine=engine, jobs=jobs, page_timeout_s=page_timeout_s),
            retry_failed=retry_failed,
            started=started,
            progress=progress,
            passed_over=passed_over,
        )

        def process(sources: Sequence[Source], pages_of: PagesOf, *, reads: bool = True) -> Summary:
            given = load_templates(downloads.templates(template_paths))
            found = ({}, {}) if whole_image else templates_for(sources, given, downloads)
            return run.process(sources, *found, pages_of, reads=reads)

        if watched is None:
            return run.process(sources, served, templates)
        return watch(look, run.files.pages_of, process, watched)


@dataclass(slots=True)
class _Run:
    """A run of a batch, which processes it once, or again and again."""

    ledger: Ledger
    output: Path
    reader: OpenReader  #: Without templates.
    downloads: Downloads
    files: Files
    read_pages: Callable[..., Summary]
    retry_failed: bool  #: With the pages that are processed first.
    started: float
    progress: Progress | None
    passed_over: Counter[str]  #: Files that are not read, by their endings.
    read_now: int = 0

    def process(
        self,
        sources: Sequence[Source],
        served: Served,
        templates: dict[str, Template],
        pages_of: PagesOf | None = None,
        *,
        reads: bool = True,
    ) -> Summary:
        """See `docproc.watching.Process`."""
        listing = Listing(sources, served, partial(self._read_with, templates), self.downloads, self.files, pages_of)
        self.ledger.renew()
        if reads:
            self.read_pages(
                listing,
                open_reader=replace(self.reader, templates=templates),
                retry_failed=self.retry_failed,
                progress=self._advance,
            )
            self.retry_failed = False
        else:
            self.ledger.enter(listing)
        summary = make_tables(
            self.ledger, self.output, templates=templates.values(), review_below=self.reader.policy.review_below
        )
        return replace(
            summary,
            pages_expected=self.ledger.counts().pages,
            read_now=self.read_now,
            read_before=self.ledger.read_before(),
            left_out=self.ledger.left_out(),
            passed_over=tuple(sorted(self.passed_over.items(), key=lambda one: (-one[1], one[0]))),
            error_shown=None if summary.target_error is None else _error_shown(self.reader),
            seconds=time.monotonic() - self.started,
        )

    def _read_with(self, templates: dict[str, Template], paths: tuple[str, ...]) -> str:
        reader = self.reader
        return digest_of(
            templates=[templates[path].digest for path in paths],
            models=[one.digest for one in (reader.recognizer, reader.line_reader, reader.witness) if one is not None],
            whole_image=reader.whole_image,
            review_below=reader.policy.review_below,
            version=[__version__, READING_VERSION],
            # Readings from before the last run that was to read all of the batch again do not count.
            edition=sum(run.settings.get("force", False) for run in self.ledger.runs()),
        )

    def _advance(self, so_far: Summary) -> None:
        self.read_now += 1
        if self.progress is not None:
            self.progress(so_far)


def _error_shown(reader: OpenReader) -> float:
    return least_error_shown(reader.recognizer.card, None if reader.line_reader is None else reader.line_reader.card)


def read_pages(
    ledger: Ledger,
    listing: Listing,
    *,
    open_reader: OpenReader,
    engine: Engine | None = None,
    jobs: int | None = None,
    page_timeout_s: float | None = None,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Read all pages that the ledger has no reading of, and keep what comes back as it comes.

    Parameters
    ----------
    listing : Listing
        The pages of the batch.
    engine : Engine, optional
        Chosen by the number of pages where None.

    Returns
    -------
    Summary
        Of what was read by this call.
    """
    began = time.monotonic()
    waiting = _ToRead(ledger, listing, retry_failed=retry_failed)
    beginning = list(islice(iter(waiting), FEW_PAGES + 1))
    engine = engine or choose_engine(len(beginning), jobs, page_timeout_s, is_watched=ledger.has_suspects())
    tasks = _begun(ledger, chain(beginning, waiting))
    so_far = Summary(output=Path())
    for task, outcome in engine.run(tasks, open_reader):
        if isinstance(outcome, Lost):
            ledger.lost(task.number, outcome.detail, times=LOSSES)
            kept: Record | Unreadable = Unreadable(task.ref.source, task.ref.index + 1, outcome.detail, "")
        else:
            ledger.keep(task.number, outcome)
            kept = outcome
        listing.downloads.settle(task.ref)
        so_far = replace(
            counted(so_far, kept),
            pages_expected=listing.expected - waiting.settled,
            read_now=so_far.read_now + 1,
            seconds=time.monotonic() - began,
        )
        if progress is not None:
            progress(so_far)
    return so_far


class _ToRead:
    """The pages of a listing that are to be read, each once, entered as they are asked for."""

    def __init__(self, ledger: Ledger, listing: Listing, *, retry_failed: bool) -> None:
        self.settled = 0  #: Pages of those entered so far that need no reading.
        self._tasks = self._list(ledger, listing, retry_failed)

    def __iter__(self) -> Iterator[PageTask]:
        return self._tasks

    def _list(self, ledger: Ledger, listing: Listing, retry_failed: bool) -> Iterator[PageTask]:
        listed = iter(listing)
        given: set[int] = set()
        count = FEW_PAGES + 1  # so many tell whether others are to read; these start while more is listed
        while some := list(islice(listed, count)):
            count = ENTERED_AT_A_TIME
            ledger.enter(some)
            new = [page for page in ledger.waiting(retry_failed=retry_failed) if page.id not in given]
            retry_failed = False
            self.settled += len(some) - len(new)
            to_read = {page.ref for page in new}
            for entry in some:
                if isinstance(entry, Entry) and entry.ref not in to_read:
                    listing.downloads.settle(entry.ref)
            for page in new:
                given.add(page.id)
                copy = listing.downloads.copy_of(page.ref)
                yield PageTask(page.ref, listing.templates_of(page.ref), page.id, copy)


def _begun(ledger: Ledger, tasks: Iterable[PageTask]) -> Iterator[PageTask]:
    """The same, marked as begun when an engine takes them."""
    for task in tasks:
        ledger.started([task.number])
        yield task
