"""A folder of pages to a folder of results: what `docproc process` and programs call.

In:  files, folders and globs; a template, or those that lie in the folders.
Out: fields.csv, forms.csv, forms.xlsx and errors.csv in page order, and a `Summary`.
A page that cannot be read fails alone and is named; the batch goes on. Only this process writes: workers read pages
and hand back records.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from docproc.character.recognizer import load_recognizer
from docproc.collation import Collation, require_whole_papers
from docproc.combination.line_reader import line_reader_beside, witness_beside
from docproc.decision import Policy
from docproc.engine import Engine, Lost, OpenWork, PoolEngine, SerialEngine
from docproc.errors import MissingExtraError, PageError
from docproc.export import Results, open_results
from docproc.export.rows import is_looked_at_whole, is_unread
from docproc.form.cutting import as_png, crop
from docproc.form.defects import Kind
from docproc.geometry import Box
from docproc.page import PageRef, Source, Unreadable, find_sources, list_pages, load_page
from docproc.reader import OpenReader, Outcome, PageTask, Task
from docproc.reading import Reason, Verdict
from docproc.template import Template, find_template, load_template, load_templates

TO_TAKE_AGAIN = tuple(f"{Reason.DEFECT}:{kind}" for kind in (Kind.BLUR, Kind.DARKNESS, Kind.GLARE))
MARGIN_OF_HEIGHT = 0.2  #: Of a field's, around its picture.
FEW_PAGES = 8  #: Up to here one process is done before others have started (about a second each).


@dataclass(frozen=True, slots=True)
class Summary:
    """What a batch came to, or has come to so far."""

    output: Path
    pages: int = 0  #: With a record.
    failed: int = 0  #: Pages, and files as a whole, without one: in errors.csv.
    pages_expected: int = 0  #: As far as is known: files count as one page until they are opened.
    pages_to_review: int = 0  #: With a verdict other than accepted.
    unregistered: int = 0  #: Pages that do not lie on their template, or on none of several.
    pages_unread: int = 0  #: Pages of which nothing was read: to review as a whole, not field by field.
    pages_doubted: int = 0  #: Pages that were read, and are to review for a reason that none of their fields has.
    papers_incomplete: int = 0  #: Papers of several pages that lack one.
    pages_foreign: int = 0  #: Pages inside a paper that they are no pages of.
    pages_double: int = 0  #: Pages with a number that an earlier one has, where no two may have the same.
    pages_defective: int = 0  #: Pages whose picture is blurred, dark, or glaring.
    accepted: int = 0  #: Fields.
    review: int = 0  #: Fields.
    rejected: int = 0  #: Fields.
    fields_unread: int = 0  #: Of the fields to review or rejected, those of pages that count in `pages_unread`.
    review_below: float | None = None  #: The threshold in force; None where none was named.
    seconds: float = 0.0
    failures: tuple[Unreadable, ...] = field(default=(), repr=False)  #: The first `FAILURES_NAMED` of them.

    @property
    def fields(self) -> int:
        """All fields that have a record."""
        return self.accepted + self.review + self.rejected

    @property
    def fields_to_look_at(self) -> int:
        """Fields that stand one by one in the sheet `review`."""
        return self.review + self.rejected - self.fields_unread

    @property
    def pages_to_look_at(self) -> int:
        """Pages that stand as a whole in the sheet `review`."""
        return self.pages_unread + self.pages_doubted

    @property
    def pages_per_second(self) -> float:
        """Speed over the whole batch, starting included; 0 where no page was read: to refuse a file is no reading."""
        return (self.pages + self.failed) / self.seconds if self.pages and self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "output": str(self.output),
            "pages": self.pages,
            "pages_failed": self.failed,
            "pages_to_review": self.pages_to_review,
            "pages_unregistered": self.unregistered,
            "pages_defective": self.pages_defective,
            "papers_incomplete": self.papers_incomplete,
            "pages_foreign": self.pages_foreign,
            "pages_double": self.pages_double,
            "fields": self.fields,
            "fields_accepted": self.accepted,
            "fields_to_review": self.review,
            "fields_rejected": self.rejected,
            "review_below": self.review_below,
            "seconds": round(self.seconds, 3),
            "pages_per_second": round(self.pages_per_second, 3),
        }


FAILURES_NAMED = 20  #: Failures that a summary carries; errors.csv has all.

Progress = Callable[[Summary], None]


def process_batch(
    inputs: Sequence[str | os.PathLike[str]],
    output_dir: Path,
    *,
    template_paths: Sequence[Path] = (),
    whole_image: bool = False,
    review_below: float | None = None,
    model_dir: Path | None = None,
    lines_dir: Path | None = None,
    ocr: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Read pages into tables.

    Programs that call this start with `if __name__ == "__main__"`: pages are read by spawned processes.

    Parameters
    ----------
    inputs : sequence of paths
        Files, folders (walked to the bottom), globs.
    output_dir : Path
        Written complete or not at all; earlier results in it are replaced.
    template_paths : sequence of Path
        Templates, and folders of them, for all pages: each page finds its own. Where there are none, the nearest
        `template.yaml` in a page's folder or above it serves the page; pages without one are searched for fields.
    whole_image : bool
        Every image is one free field named `value`; no template is used.
    review_below : float, optional
        Fields whose confidence is lower go to review; from the model card where None.
    model_dir : Path, optional
        A trained model; the shipped one where None.
    lines_dir : Path, optional
        A reader of lines, trained beside that model; the shipped one beside the shipped model where None.
    ocr : bool
        Ask a third witness of fields in doubt; needs the extra `ocr`.
    jobs : int, optional
        Processes; the number of cores where None. Few pages are read in this process.
    progress : callable, optional
        Is given a `Summary` after each page.

    Raises
    ------
    OutputError
        Before any page is read, if the results cannot be written.
    MissingExtraError
        If the third witness is wanted and not installed.
    TemplateError, ModelError
        Before any page is read, if a template or the model is at fault.
    PageError
        If nothing to read was found at all.
    """
    recognizer = load_recognizer(model_dir)
    line_reader = line_reader_beside(recognizer, lines_dir)
    witness = witness_beside(line_reader) if ocr else None
    policy = Policy((line_reader or recognizer).card.review_below if review_below is None else review_below)
    with open_results(output_dir, review_below=policy.review_below) as results:
        given = {} if whole_image else load_templates(template_paths)
        references = [path for template in given.values() if (path := template.reference_path) is not None]
        sources = find_sources([os.fspath(path) for path in inputs], skip=output_dir, references=references)
        served, templates = ({}, {}) if whole_image else _templates_for(sources, given)
        listed = _Listing(sources, served)
        beginning = list(islice(listed, FEW_PAGES + 1))
        engine = choose_engine(len(beginning), jobs)
        return keep_outcomes(
            chain(beginning, listed),
            engine=engine,
            open_reader=OpenReader(recognizer, templates, policy, whole_image, line_reader, witness),
            results=results,
            summary=Summary(output=output_dir, review_below=policy.review_below),
            expected=lambda: listed.expected,
            collation=Collation(templates.values()),
            picture_of=_Scissors({source.name: source.path for source in sources}),
            progress=progress,
        )


def choose_engine(pages: int, jobs: int | None) -> Engine:
    """Processes where they pay: more than `FEW_PAGES` pages, and more than one core or job."""
    wanted = jobs if jobs is not None else _cores()
    return PoolEngine(wanted) if wanted > 1 and pages > FEW_PAGES else SerialEngine()


def _cores() -> int:
    """Cores that this process may use: a container or a scheduler may allow fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_outcomes(
    tasks: Iterable[Task],
    *,
    engine: Engine,
    open_reader: OpenWork[Task, Outcome],
    results: Results,
    summary: Summary,
    expected: Callable[[], int],
    collation: Collation | None = None,
    picture_of: Callable[[str, int, Box], bytes] = lambda source, page, box_px: b"",
    progress: Progress | None = None,
) -> Summary:
    """Have the engine read all tasks, keep what comes back in order, and count it.

    `collation` puts pages together to papers and may hold some back for that. `picture_of` cuts a box, in pixels, out
    of a page, by its source and number: of a field that turned out doubtful when its page was written already.
    """
    started = time.monotonic()
    papers = collation or Collation()
    for kept in _collated(engine.run(tasks, open_reader), papers):
        if isinstance(kept, Unreadable):
            results.add_failure(kept)
        else:
            results.add(kept)
        summary = replace(
            _counted(summary, kept),
            papers_incomplete=papers.incomplete,
            pages_expected=expected(),
            seconds=time.monotonic() - started,
        )
        if progress is not None:
            progress(summary)
    fields, pages = results.amend(papers.earlier_doubles(), picture_of)
    return replace(
        summary,
        pages_to_review=summary.pages_to_review + pages,
        accepted=summary.accepted - fields,
        review=summary.review + fields,
    )


@dataclass(frozen=True, slots=True)
class _Scissors:
    """Opens pages once more to cut pictures out of them."""

    path_of: Mapping[str, Path]  #: By the source's name.

    def __call__(self, source: str, page: int, box_px: Box) -> bytes:
        try:
            pixels = load_page(PageRef(source, str(self.path_of[source]), page - 1, "")).pixels
        except (PageError, MissingExtraError):
            return b""  # it could be read before: it was moved, or its disk taken away
        return as_png(crop(pixels, box_px.grown(MARGIN_OF_HEIGHT * box_px.height)))


def _collated(outcomes: Iterable[tuple[Task, Outcome | Lost]], papers: Collation) -> Iterator[Outcome]:
    for task, outcome in outcomes:
        yield from papers.take(_lost(task, outcome) if isinstance(outcome, Lost) else outcome)
    yield from papers.end()


def _lost(task: Task, lost: Lost) -> Unreadable:
    if isinstance(task, Unreadable):
        return task
    return Unreadable(
        source=task.ref.source,
        page=task.ref.index + 1,
        message=f"{task.ref.source}: reading this page takes the program down ({lost.detail}).",
        remedy="Open and save it anew in an image program, or scan it again; with less memory in use it may be read.",
    )


def _counted(summary: Summary, outcome: Outcome) -> Summary:
    if isinstance(outcome, Unreadable):
        named = (*summary.failures, outcome)[:FAILURES_NAMED]
        return replace(summary, failed=summary.failed + 1, failures=named)
    verdicts = [reading.verdict for reading in outcome.fields]
    doubtful = len(verdicts) - verdicts.count(Verdict.ACCEPTED)
    unread = is_unread(outcome)
    return replace(
        summary,
        pages=summary.pages + 1,
        pages_to_review=summary.pages_to_review + (outcome.verdict is not Verdict.ACCEPTED),
        unregistered=summary.unregistered
        + any(reason in outcome.reasons for reason in (Reason.REGISTRATION, Reason.UNKNOWN_FORM)),
        pages_unread=summary.pages_unread + unread,
        pages_doubted=summary.pages_doubted + (is_looked_at_whole(outcome) and not unread),
        pages_defective=summary.pages_defective + any(why.startswith(TO_TAKE_AGAIN) for why in outcome.reasons),
        pages_foreign=summary.pages_foreign + (Reason.FOREIGN_PAGE in outcome.reasons),
        pages_double=summary.pages_double + any(why.startswith(f"{Reason.DOUBLE}:") for why in outcome.reasons),
        fields_unread=summary.fields_unread + (doubtful if unread else 0),
        accepted=summary.accepted + verdicts.count(Verdict.ACCEPTED),
        review=summary.review + verdicts.count(Verdict.REVIEW),
        rejected=summary.rejected + verdicts.count(Verdict.REJECTED),
    )


def _templates_for(
    sources: Sequence[Source], given: dict[str, Template]
) -> tuple[dict[Path, tuple[str, ...]], dict[str, Template]]:
    """Which templates serve each folder, and the templates by their path."""
    folders = dict.fromkeys(source.path.parent for source in sources)
    if given:
        require_whole_papers(given)
        return dict.fromkeys(folders, tuple(given)), given
    served: dict[Path, tuple[str, ...]] = {}
    templates: dict[str, Template] = {}
    for folder in folders:
        nearest = find_template(folder)
        if nearest is not None:
            served[folder] = (str(nearest),)
            if str(nearest) not in templates:
                templates[str(nearest)] = load_template(nearest)
                require_whole_papers({str(nearest): templates[str(nearest)]})
    return served, templates


class _Listing:
    """The tasks of a batch, listed as they are asked for, and how many there are as far as is known."""

    def __init__(self, sources: Sequence[Source], served: Mapping[Path, tuple[str, ...]]) -> None:
        self.expected = len(sources)
        self._tasks = self._list(sources, served)

    def __iter__(self) -> Iterator[Task]:
        return self._tasks

    def _list(self, sources: Sequence[Source], served: Mapping[Path, tuple[str, ...]]) -> Iterator[Task]:
        first_of: dict[str, str] = {}
        for source in sources:
            try:
                refs = list_pages(source)
            except (PageError, MissingExtraError) as error:
                yield Unreadable(source=source.name, page=None, message=error.message, remedy=error.remedy)
                continue
            self.expected += len(refs) - 1
            for ref in refs:
                first = first_of.setdefault(ref.sha256, source.name)
                yield PageTask(ref, served.get(source.path.parent, ()), "" if first == source.name else first)
