"""Are all pages of all papers there, each once? Named for what bookbinders do with gathered sheets.

In:  records and unreadable pages, in page order, one at a time.
Out: the same in the same order, with the reasons that only a page's neighbors, or all pages before it, can give.

A paper is the pages whose templates share `paper.name`, in rising order, in one folder, with the same numbers in
fields that are `unique`. Its first page opens it; it is closed by its last one, by a page that cannot belong to it,
by a new folder, and by the end. The pages of the paper that is open are held back, and what lies between them: never
more than `paper.pages` + MOST_BETWEEN. Of all other pages only the values of `unique` fields are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docproc.errors import TemplateError
from docproc.page import Unreadable
from docproc.reading import Reason, Record, is_copy, sent_to_review, with_detail
from docproc.template import Template

MOST_BETWEEN = 4  #: Outcomes inside a paper that are no pages of it; more close it.

Outcome = Record | Unreadable

Place = tuple[str, int]
"""Source, and page from 1."""


class Collation:
    """The state of a batch; see the module."""

    def __init__(self, templates: Iterable[Template] = ()) -> None:
        self.incomplete = 0  #: Papers, so far.
        self._templates = {template.digest: template for template in templates}
        self._numbers_of: dict[str, set[str]] = {}  # names of fields, by the paper's name
        for template in self._templates.values():
            if template.paper is not None:
                self._numbers_of.setdefault(template.paper.name, set()).update(template.unique_names)
        self._open: _OpenPaper | None = None
        self._seen: dict[tuple[str, str], dict[str, Place]] = {}  # by template and field: value, first place
        self._doubles: dict[Place, dict[str, Place]] = {}  # first place: field, second place
        self._of_several_pages: set[str] = set()  # sources

    @property
    def held(self) -> int:
        """How many outcomes wait for what comes next."""
        return 0 if self._open is None else len(self._open.held)

    def take(self, outcome: Outcome) -> list[Outcome]:
        """What is settled now that this outcome has come: earlier ones, this one, or nothing yet."""
        self._note_page(outcome)
        page = self._page_of_paper(outcome)
        settled: list[Outcome] = []
        if self._open is not None and isinstance(outcome, Record) and _folder(outcome) != self._open.folder:
            settled += self._close()
        if self._open is not None and page is not None:
            differing = self._open.differing(page)
            if self._open.precedes(page) and not differing:
                self._open.add(page)
                return settled + (self._close() if page.number == page.of else [])
            if not is_copy(page.record):  # of which all is said: it must not break a paper up
                if self._open.precedes(page):
                    self._open.doubt(differing)
                    page.record = _of_other_paper(page.record, differing)
                settled += self._close()
        if self._open is None and page is not None:
            self._open = _OpenPaper(page)
            return settled + (self._close() if page.number == page.of else [])
        if self._open is None:
            return [*settled, *self._checked([outcome])]
        self._open.held.append(outcome)
        return settled + (self._close() if self._open.between > MOST_BETWEEN else [])

    def end(self) -> list[Outcome]:
        """What was still held back, at the end of the batch."""
        return self._close()

    def earlier_doubles(self) -> dict[Place, dict[str, str]]:
        """Of pages that were settled before another one had the same value: field and reason, by their place."""
        return {
            first: {name: with_detail(Reason.DOUBLE, self._called(second)) for name, second in fields.items()}
            for first, fields in self._doubles.items()
        }

    def _page_of_paper(self, outcome: Outcome) -> _PaperPage | None:
        template = self._templates.get(outcome.template_digest) if isinstance(outcome, Record) else None
        if template is None or template.paper is None or not isinstance(outcome, Record):
            return None
        paper, names = template.paper, self._numbers_of[template.paper.name]
        numbers = {reading.name: reading.text for reading in outcome.fields if reading.name in names and reading.text}
        return _PaperPage(outcome, paper.name, paper.page, paper.pages, numbers)

    def _close(self) -> list[Outcome]:
        """End the paper that is open, if one is."""
        if self._open is None:
            return []
        paper, self._open = self._open, None
        # Copies of earlier files lack no page: nobody scanned them.
        if paper.missing and not all(is_copy(record) for record in paper.records):
            self.incomplete += 1
        return self._checked(paper.closed())

    def _checked(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes, with doubles marked."""
        return [self._without_doubles(outcome) if isinstance(outcome, Record) else outcome for outcome in outcomes]

    def _without_doubles(self, record: Record) -> Record:
        template = self._templates.get(record.template_digest)
        if template is None or not template.unique_names or is_copy(record):
            return record
        place = _place(record)
        reasons: dict[str, str] = {}
        for reading in record.fields:
            if reading.name not in template.unique_names or not reading.text:
                continue
            first = self._seen.setdefault((template.name, reading.name), {}).setdefault(reading.text, place)
            if first != place:
                reasons[reading.name] = with_detail(Reason.DOUBLE, self._called(first))
                self._doubles.setdefault(first, {}).setdefault(reading.name, place)
        return sent_to_review(record, reasons.values(), fields=reasons) if reasons else record

    def _note_page(self, outcome: Outcome) -> None:
        source, page = _place(outcome) if isinstance(outcome, Record) else (outcome.source, outcome.page or 1)
        if page > 1:
            self._of_several_pages.add(source)

    def _called(self, place: Place) -> str:
        """A page as reasons name it; all pages of its source, but for those of the last, have come by then."""
        source, page = place
        return f"{source}, page {page}" if source in self._of_several_pages else source


def require_whole_papers(templates: Mapping[str, Template]) -> None:
    """Stop where a page of a paper has no template: every such paper would seem to lack it.

    Parameters
    ----------
    templates : mapping of str to Template
        Those that serve the same pages, by their path.

    Raises
    ------
    TemplateError
        If one is missing.
    """
    papers = [template.paper for template in templates.values() if template.paper is not None]
    for path, template in templates.items():
        paper = template.paper
        if paper is None:
            continue
        there = {other.page for other in papers if other.name == paper.name}
        missing = next((page for page in range(1, paper.pages + 1) if page not in there), None)
        if missing is not None:
            raise TemplateError(
                f"{path}: it is page {paper.page} of {paper.pages} of the paper {paper.name!r}, and no template of "
                f"page {missing} is given.",
                remedy="Put the templates of all its pages into one folder, and name that with -t; or take the key "
                "`paper` out, if only this page is scanned.",
            )


@dataclass(slots=True)
class _PaperPage:
    record: Record
    paper: str
    number: int  #: Of the page, from 1.
    of: int
    numbers: Mapping[str, str]  #: What is written in fields that tell papers apart; blank ones tell nothing.


@dataclass(slots=True)
class _OpenPaper:
    """The paper whose pages are coming in."""

    first: _PaperPage
    held: list[Outcome] = field(default_factory=list)
    own: dict[int, int] = field(default_factory=dict)  #: Number of a page, index in `held`.
    numbers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.add(self.first)

    @property
    def folder(self) -> Path:
        return _folder(self.first.record)

    @property
    def between(self) -> int:
        """How much is held that is no page of it."""
        return len(self.held) - len(self.own)

    @property
    def missing(self) -> list[int]:
        return [number for number in range(1, self.first.of + 1) if number not in self.own]

    @property
    def records(self) -> list[Record]:
        return [outcome for index in self.own.values() if isinstance(outcome := self.held[index], Record)]

    def precedes(self, page: _PaperPage) -> bool:
        """Whether the page could be a later one of it, by what its template says."""
        return page.paper == self.first.paper and page.number > max(self.own)

    def differing(self, page: _PaperPage) -> list[str]:
        """Names of the fields by whose numbers the page is of another paper."""
        return [name for name, number in page.numbers.items() if self.numbers.get(name, number) != number]

    def add(self, page: _PaperPage) -> None:
        self.own[page.number] = len(self.held)
        self.held.append(page.record)
        self.numbers.update(page.numbers)

    def doubt(self, names: list[str]) -> None:
        """One of two numbers that differ may be misread: a person should see both."""
        for index in self.own.values():
            record = self.held[index]
            if isinstance(record, Record) and not is_copy(record):
                self.held[index] = _of_other_paper(record, names)

    def closed(self) -> list[Outcome]:
        """All that is held, with what is wrong with the paper."""
        lacking = [with_detail(Reason.MISSING_PAGE, str(number)) for number in self.missing]
        own, last = set(self.own.values()), max(self.own.values())
        told: list[Outcome] = []
        for index, outcome in enumerate(self.held):
            # What follows its last page may be the missing one, or the next thing on the pile: nobody knows.
            reasons = lacking if index in own else [str(Reason.FOREIGN_PAGE)] if index < last else []
            told.append(_with_reasons(outcome, reasons))
        return told


def _with_reasons(outcome: Outcome, reasons: list[str]) -> Outcome:
    if isinstance(outcome, Unreadable) or is_copy(outcome) or not reasons:
        return outcome
    return sent_to_review(outcome, reasons)


def _of_other_paper(record: Record, names: list[str]) -> Record:
    reasons = {
        reading.name: Reason.OTHER_PAPER for reading in record.fields if reading.name in names and reading.text
    }
    return sent_to_review(record, (), fields=reasons) if reasons else record


def _folder(record: Record) -> Path:
    return Path(record.ref.path).parent


def _place(record: Record) -> Place:
    return record.ref.source, record.ref.index + 1
