"""Uploads are read by processes that stand ready, and each gets what `docproc process` would write of it.

In:  an upload. Out: a record of each of its pages, or why there is none.
No byte of an upload is interpreted in this process: what a decoder crashes on takes down a worker, and one page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from docproc.api.answer import failure
from docproc.api.receiving import Upload
from docproc.api.refusal import Refusal
from docproc.character.recognizer import load_recognizer
from docproc.collation import Collation, require_whole_papers
from docproc.combination.line_reader import line_reader_beside
from docproc.decision import Policy
from docproc.engine import Executor, Lost, PoolEngine, available_cores
from docproc.errors import MissingExtraError, PageError
from docproc.page import PageRef, Source, Unreadable, list_pages
from docproc.reader import FAULT_REMEDY, OpenReader, PageTask
from docproc.reading import Record, sent_to_review
from docproc.template import load_templates

MOST_IN_HAND = 64  #: Requests at a time; each may keep an upload on the disk.
MOST_PAGES = 100  #: Of one request.
MOST_NAMED = 20  #: Templates, where a name is of none.
RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class Failed(Unreadable):
    """A page that could not be read, and whose fault that is."""

    status: int  #: Of HTTP.


Outcome = Record | Failed


def open_service(
    template_paths: Sequence[Path],
    *,
    model_dir: Path | None,
    lines_dir: Path | None,
    review_below: float | None,
    jobs: int | None,
    page_timeout_s: float,
) -> Callable[[Callable[[Exception], None]], Service]:
    """What starts a service, after all is loaded that can be at fault; see `Service` and `process_batch`.

    Raises
    ------
    TemplateError, ModelError
    """
    templates = load_templates(template_paths)
    require_whole_papers(templates)
    recognizer = load_recognizer(model_dir)
    line_reader = line_reader_beside(recognizer, lines_dir)
    policy = Policy((line_reader or recognizer).card.review_below if review_below is None else review_below)
    reader = OpenReader(recognizer, templates, policy, line_reader=line_reader)
    return partial(Service, reader, jobs or available_cores(), page_timeout_s)


class Service:
    """Reads uploads, some at a time.

    Parameters
    ----------
    reader : OpenReader
    jobs : int
        Pages read at a time.
    page_timeout_s : float
        A page that takes longer is given up.
    failed : (error) -> None
        Is told, from another thread, if reading has come to an end for all.
    """

    def __init__(
        self, reader: OpenReader, jobs: int, page_timeout_s: float, failed: Callable[[Exception], None]
    ) -> None:
        self.templates = reader.templates
        self.page_timeout_s = page_timeout_s
        self.in_hand = 0  #: Requests.
        self.executor = Executor(PoolEngine(jobs, page_timeout_s=page_timeout_s), _OpenWork(reader), failed=failed)
        self._jobs = jobs

    def close(self) -> None:
        """End the processes."""
        self.executor.close()

    @property
    def is_ready(self) -> bool:
        """Whether a request would be taken on, and worked on."""
        return self.executor.ready > 0 and self.in_hand < MOST_IN_HAND

    @contextmanager
    def place(self) -> Iterator[None]:
        """A request is in hand during the block.

        Raises
        ------
        Refusal
            503 if there are too many already.
        """
        if self.in_hand >= MOST_IN_HAND:
            raise Refusal(
                503,
                f"{MOST_IN_HAND} requests are in hand already.",
                remedy="Send it once more in some seconds.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        self.in_hand += 1
        try:
            yield
        finally:
            self.in_hand -= 1

    async def read(self, upload: Upload) -> list[Outcome]:
        """The outcome of each page, in order, as it stands beside those of the file's other pages.

        Raises
        ------
        Refusal
            404 if there is no such template, 413 if there are too many pages; if no page could be read, 504 where
            that took too long, 500 where docproc is at fault, else 422.
        """
        paths = self._paths_of(upload.template)
        listed = await self._done(_FileTask(upload.source, upload.path))
        if isinstance(listed, list) and len(listed) > MOST_PAGES:
            raise Refusal(
                413,
                f"{upload.source} has {len(listed):,} pages; at most {MOST_PAGES} are read for one request.",
                remedy="Send it in parts, or read it with `docproc process`.",
            )
        outcomes: list[Outcome]
        if isinstance(listed, list):
            outcomes = await self._read_pages([PageTask(ref, paths, copy=upload.path) for ref in listed])
        else:
            outcomes = [self._failed(listed, upload.source, None)]
        _refuse_where_all_failed(outcomes)
        return self._collated(outcomes, paths, by_name=bool(upload.template))

    def _paths_of(self, name: str) -> tuple[str, ...]:
        """Paths of the templates of which the pages may be."""
        if not name:
            return tuple(self.templates)
        paths = tuple(path for path, template in self.templates.items() if template.name == name)
        if not paths:
            raise Refusal(404, f"There is no template {name[:200]!r}.", remedy=self._named_templates())
        return paths

    def _named_templates(self) -> str:
        names = sorted(template.name for template in self.templates.values())
        if not names:
            return "The server was started without templates: leave the name out."
        more = ", and more, which GET /v1/templates lists" if len(names) > MOST_NAMED else ""
        return f"Name one of {', '.join(names[:MOST_NAMED])}{more}; or leave the name out: each page finds its own."

    async def _read_pages(self, tasks: Sequence[PageTask]) -> list[Outcome]:
        """No more pages than there are processes wait at a time: other requests' come between them."""
        window = asyncio.Semaphore(self._jobs)

        async def read(task: PageTask) -> Outcome:
            async with window:
                outcome = await self._done(task)
            return outcome if isinstance(outcome, Record) else self._failed(outcome, task.ref.source, task.ref)

        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(read(task)) for task in tasks]
        return [one.result() for one in reading]

    async def _done(self, task: Any) -> Any:
        future: Future[Any] = self.executor.submit(task)
        return await asyncio.wrap_future(future)

    def _failed(self, why: Unreadable | Lost, source: str, ref: PageRef | None) -> Failed:
        if isinstance(why, Unreadable):
            return Failed(
                why.source, why.page, why.message, why.remedy, status=500 if why.remedy == FAULT_REMEDY else 422
            )
        page = None if ref is None else ref.index + 1
        where = source if page is None else f"{source}, page {page}"
        if why.is_late:
            return Failed(
                source,
                page,
                f"{where}: reading took longer than {self.page_timeout_s:g} s.",
                "Scan at a lower resolution, or name its template; who runs docproc can raise --page-timeout.",
                status=504,
            )
        return Failed(source, page, f"{where}: {why.detail}.", FAULT_REMEDY, status=422)

    def _collated(self, outcomes: Sequence[Outcome], paths: Sequence[str], *, by_name: bool) -> list[Outcome]:
        """With the reasons that other pages of the file give; who names a template sends no whole papers."""
        templates = [self.templates[path] for path in paths]
        papers = Collation(one for one in templates if not (by_name and one.paper))
        settled = [one for outcome in outcomes for one in papers.take(outcome)] + papers.end()
        doubles = papers.earlier_doubles()
        return [_doubted(one, doubles) for one in settled]


def _refuse_where_all_failed(outcomes: Sequence[Outcome]) -> None:
    failures = [one for one in outcomes if isinstance(one, Failed)]
    if len(failures) == len(outcomes):
        first = max(failures, key=lambda one: one.status)
        raise Refusal(first.status, first.message, remedy=first.remedy, errors=[failure(one) for one in failures])


def _doubted(outcome: Any, doubles: Any) -> Outcome:
    why = doubles.get((outcome.ref.source, outcome.ref.index + 1)) if isinstance(outcome, Record) else None
    return sent_to_review(outcome, why.values(), fields=why) if why else outcome


@dataclass(frozen=True, slots=True)
class _FileTask:
    """A file whose pages are to be listed."""

    source: str
    copy: Path


@dataclass(frozen=True, slots=True)
class _OpenWork:
    """Travels to each worker, and gives the function that lists and reads pages there."""

    reader: OpenReader

    def __call__(self) -> Callable[[_FileTask | PageTask], list[PageRef] | Record | Unreadable]:
        return self.do

    def do(self, task: _FileTask | PageTask) -> list[PageRef] | Record | Unreadable:
        if isinstance(task, PageTask):
            return self.reader.outcome_of(task)
        try:
            return list_pages(Source(task.source, task.source, Path()), task.copy)
        except (PageError, MissingExtraError) as error:
            return Unreadable(task.source, None, error.message, error.remedy)
