"""The tables of a batch, made of its ledger: they can be thrown away and made again.

In:  a ledger.
Out: fields.csv, forms.csv, forms.xlsx and errors.csv in page order, report.html, and a `Summary`.
What only a page's neighbors can say, or all other pages, is said here: see docproc.collation; what people have said
of fields: see docproc.correction; and where the user has named a target, what is accepted: see docproc.target.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from docproc import __version__
from docproc.audit import statement
from docproc.batch_templates import TEMPLATES, kept_templates
from docproc.collation import Collation
from docproc.correction import Said, corrected, doubted, settled, standing, typed
from docproc.cropping import Pictures
from docproc.export import open_results
from docproc.export.columns import INCOMPLETE
from docproc.export.folder import NAMES
from docproc.export.rows import is_looked_at_whole, is_unread, page_status
from docproc.form.defects import Kind
from docproc.ledger import Ledger, LedgerView, digest_of, now
from docproc.page import Unreadable
from docproc.reading import Reason, Record, Verdict, is_accepted_unseen, sent_to_review
from docproc.report import Tally, render
from docproc.target import InForce, decided_by, in_force, target_of
from docproc.template import Template

Outcome = Record | Unreadable

TO_TAKE_AGAIN = tuple(f"{Reason.DEFECT}:{kind}" for kind in (Kind.BLUR, Kind.DARKNESS, Kind.GLARE))
TABLES_VERSION = 4  #: Raised when tables of the same outcomes come out otherwise than before.
MOST_OPENED = 50  #: Pages that are read again for pictures of what a target sent to review: some five seconds.
AS_OF = "as_of"  #: The key, in what is told of tables, of when that was, with how many words and what last reading.
FAILURES_NAMED = 20  #: Failures that a summary carries; errors.csv has all.


@dataclass(frozen=True, slots=True)
class Summary:
    """What a batch came to, or has come to so far."""

    output: Path | str  #: The folder of the results, or their URL.
    pages: int = 0  #: With a record.
    failed: int = 0  #: Pages, and files as a whole, without one: in errors.csv.
    pages_expected: int = 0  #: As far as is known: files count as one page until they are opened.
    pages_to_review: int = 0
    unregistered: int = 0  #: Pages that do not lie on their template, or on none of several.
    pages_unread: int = 0  #: Pages of which nothing was read: to review as a whole, not field by field.
    pages_doubted: int = 0  #: Pages that were read, and are to review for a reason that none of their fields has.
    papers_incomplete: int = 0  #: Papers of several pages that lack one.
    pages_foreign: int = 0  #: Pages inside a paper that they are no pages of.
    pages_double: int = 0  #: Pages with a number that another one has, where no two may have the same.
    pages_defective: int = 0  #: Pages whose picture is blurred, dark, or glaring.
    accepted: int = 0  #: Fields.
    review: int = 0  #: Fields.
    rejected: int = 0  #: Fields.
    unreadable: int = 0  #: Of the fields rejected, those that a person has looked at.
    pages_incomplete: int = 0  #: Pages on which nothing is left to look at but that have such fields.
    drawn_left: int = 0  #: Of the fields accepted, those that an audit has drawn and that nobody has looked at.
    fields_unread: int = 0  #: Of the fields to review or rejected, those of pages that count in `pages_unread`.
    review_below: float | None = None  #: The threshold in force; None where none was named.
    target_error: float | None = None  #: Share of wrong values among the accepted that the user allows.
    expected_error: float | None = None  #: Among the accepted that nobody has seen; None where there is no target.
    error_shown: float | None = None  #: Where there is a target: the least that the models' cards can show.
    odds_ratio: float | None = None  #: Of errors, to what confidences say: see docproc.target.
    read_now: int = 0  #: Pages that this run read, or failed to.
    read_before: int = 0  #: Of `pages`, those that an earlier run has read.
    left_out: int = 0  #: Pages that earlier runs have read, and this one did not find among its inputs: in no table.
    seconds: float = 0.0
    failures: tuple[Unreadable, ...] = field(default=(), repr=False)  #: The first `FAILURES_NAMED` of them.

    def place_of(self, name: str) -> str:
        """Where the table of that name is."""
        return f"{self.output}/{name}" if isinstance(self.output, str) else str(self.output / name)

    @property
    def fields(self) -> int:
        """All fields that have a record."""
        return self.accepted + self.review + self.rejected

    @property
    def fields_to_look_at(self) -> int:
        """Fields that stand one by one in the sheet `review`."""
        return self.review + self.rejected - self.unreadable - self.fields_unread

    @property
    def pages_to_look_at(self) -> int:
        """Pages that stand as a whole in the sheet `review`."""
        return self.pages_unread + self.pages_doubted

    @property
    def pages_per_second(self) -> float:
        """Speed of this run, starting included; 0 where no page was read: to refuse a file is no reading."""
        return self.read_now / self.seconds if self.pages and self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "output": str(self.output),
            "pages": self.pages,
            "pages_failed": self.failed,
            "pages_read_before": self.read_before,
            "pages_left_out": self.left_out,
            "pages_to_review": self.pages_to_review,
            "pages_unregistered": self.unregistered,
            "pages_defective": self.pages_defective,
            "papers_incomplete": self.papers_incomplete,
            "pages_foreign": self.pages_foreign,
            "pages_double": self.pages_double,
            "pages_incomplete": self.pages_incomplete,
            "fields": self.fields,
            "fields_accepted": self.accepted,
            "fields_to_review": self.review,
            "fields_rejected": self.rejected,
            "review_below": self.review_below,
            "target_error": self.target_error,
            "expected_error": None if self.expected_error is None else round(self.expected_error, 6),
            "seconds": round(self.seconds, 3),
            "pages_per_second": round(self.pages_per_second, 3),
        }


def make_tables(
    ledger: Ledger, output: Path, *, templates: Iterable[Template] = (), review_below: float | None = None
) -> Summary:
    """As `write_tables`, but tables that are there, untouched and made of the very same, are left as they are."""
    tell = ledger.tell_of_tables
    return make_tables_beside(ledger, output, tell=tell, templates=templates, review_below=review_below)


def make_tables_beside(
    ledger: LedgerView,
    output: Path,
    *,
    tell: Callable[[str, Any], None],
    templates: Iterable[Template] = (),
    review_below: float | None = None,
) -> Summary:
    """As `make_tables`, for one who only looks at the ledger: `tell` keeps in it what is told of them."""
    templates = tuple(templates)
    as_of = {"at": now(), "words": ledger.words(), "reading": ledger.last_reading()}
    made_of = digest_of(
        outcomes=ledger.fingerprint(),
        templates=[template.digest for template in templates],
        review_below=review_below,
        target_error=target_of(ledger),
        version=[__version__, TABLES_VERSION],
    )
    told = ledger.tables_told(made_of)
    if told is not None and told["files"] == _sizes_and_times(output):
        return summary_told(told, output)
    summary = write_tables(ledger, output, templates=templates, review_below=review_below)
    kept = asdict(replace(summary, output=""))
    del kept["output"]
    files = _sizes_and_times(output)
    tell(made_of, {"files": files, "summary": kept, AS_OF: as_of, TEMPLATES: kept_templates(templates)})
    return summary


def are_behind(ledger: LedgerView) -> bool:
    """Whether people have said something that the tables do not have: whatever was to make them was killed."""
    told = ledger.told_of_tables()
    return told is not None and AS_OF in told and ledger.words() > told[AS_OF]["words"]


def summary_told(told: Mapping[str, Any], output: Path | str) -> Summary:
    """The summary in what was told of tables."""
    counts = told["summary"]
    return Summary(output, **{**counts, "failures": tuple(Unreadable(**one) for one in counts["failures"])})


def _sizes_and_times(output: Path) -> dict[str, list[int]]:
    """Of the tables that are there, by their names: bytes, and nanoseconds."""
    paths = {name: output / name for name in sorted(NAMES)}
    told = {name: path.stat() for name, path in paths.items() if path.is_file()}
    return {name: [one.st_size, one.st_mtime_ns] for name, one in told.items()}


def write_tables(
    ledger: LedgerView, output: Path, *, templates: Iterable[Template] = (), review_below: float | None = None
) -> Summary:
    """Write the tables of the pages that have an outcome, and count them.

    Parameters
    ----------
    ledger : LedgerView
    output : Path
        The folder of the results; tables in it are replaced.
    templates : iterable of Template
        Those that pages were read with.
    review_below : float, optional
        The threshold that pages were read with. The legend names the one in force, which a target may have moved.

    Raises
    ------
    OutputError
        If they cannot be written.
    LedgerError
        If the ledger is damaged.
    """
    papers = Collation(templates := tuple(templates))
    counts: Counter[str] = Counter()
    target = in_force(ledger)
    if target is not None:
        review_below = target.review_below
    asked = {*ledger.audited(), *ledger.fields_keyed()}
    tally = Tally(review_below, asked, 1.0 if target is None else target.odds_ratio)
    pictures = Pictures(ledger, most_pages=MOST_OPENED)
    drawn = ledger.drawn()
    with open_results(output, templates=templates, review_below=review_below) as results:
        for outcome, read in _as_they_stand(
            ledger, templates, papers, crops=lambda: results.wants_pictures, target=target
        ):
            if isinstance(outcome, Unreadable):
                results.add_failure(outcome)
                tally.add_failure(outcome)
            else:
                shown = pictures.added(outcome) if results.wants_pictures else outcome
                results.add(shown)
                tally.add(shown, read or shown)
            counts.update(_counts(outcome))
            if drawn and isinstance(outcome, Record):
                ref = outcome.ref
                unseen = (one.name for one in outcome.fields if is_accepted_unseen(one))
                counts["drawn_left"] += sum((ref.source, ref.index, name) in drawn for name in unseen)
        summary = Summary(
            output,
            **counts,
            papers_incomplete=papers.incomplete,
            review_below=review_below,
            target_error=None if target is None else target.target_error,
            expected_error=None if target is None else target.expected_error,
            odds_ratio=None if target is None else target.odds_ratio,
            failures=tuple(tally.failures[:FAILURES_NAMED]),
        )
        audit = statement(ledger, target=target)
        results.add_report(render(tally, summary, ledger, statement=None if audit is None else audit.sentence))
    return summary


def outcomes_as_they_stand(
    ledger: LedgerView,
    templates: Sequence[Template],
    papers: Collation,
    *,
    crops: Callable[[], bool] = lambda: True,
    target: InForce | None = None,
    characters: bool = False,
) -> Iterator[Outcome]:
    """What came of the pages: as they were read, as other pages cast doubt on them, as people have corrected them.

    Where the batch has a target, what is accepted is what keeps it.

    Parameters
    ----------
    templates : sequence of Template
        Those that pages were read with.
    papers : Collation
        A new one, of these templates; afterwards it knows how many papers are incomplete.
    crops : () -> bool
        Whether the next page is wanted with its fields' pictures.
    target : InForce, optional
        What `in_force` says of the ledger, where that is known already: it takes a look at all readings.
    characters : bool
        Whether they are wanted with their fields' characters.
    """
    target = target or in_force(ledger)
    for outcome, _ in _as_they_stand(ledger, templates, papers, crops=crops, target=target, characters=characters):
        yield outcome


def _as_they_stand(
    ledger: LedgerView,
    templates: Sequence[Template],
    papers: Collation,
    *,
    crops: Callable[[], bool],
    target: InForce | None,
    characters: bool = False,
) -> Iterator[tuple[Outcome, Record | None]]:
    """Each outcome, and what was read where people have had their say of it."""
    said = {place: standing(fields) for place, fields in ledger.corrections().items()}
    doubts = ledger.doubts()
    doubles = _doubles(ledger, templates, said)
    read: dict[tuple[str, int], Record] = {}  # of pages that people have corrected, while they are held back
    outcomes = ledger.outcomes(characters=characters, crops=crops)
    if target is not None:
        below = target.review_below
        outcomes = (decided_by(one, below) if isinstance(one, Record) else one for one in outcomes)
    if doubts:
        outcomes = (
            doubted(one, doubts.get((one.ref.source, one.ref.index), ())) if isinstance(one, Record) else one
            for one in outcomes
        )
    by_digest = {template.digest: template for template in templates}
    for kept in _collated(outcomes, papers, said, by_digest, read):
        if isinstance(kept, Unreadable):
            yield kept, None
            continue
        later = doubles.get((kept.ref.source, kept.ref.index + 1)) if doubles else None
        record = sent_to_review(kept, later.values(), fields=later) if later else kept
        place = (kept.ref.source, kept.ref.index)
        own = read.pop(place, None)
        yield (record if own is None else settled(record, said[place], own)), own


def _doubles(
    ledger: LedgerView, templates: Sequence[Template], said: Mapping[tuple[str, int], Said]
) -> Mapping[tuple[str, int], Mapping[str, str]]:
    """Reasons of fields whose value a later page has, too, where no two may: by their page."""
    if not any(template.unique_names for template in templates):
        return {}
    papers = Collation(templates)
    by_digest = {template.digest: template for template in templates}
    for _ in _collated(ledger.outcomes(characters=False, crops=lambda: False), papers, said, by_digest, {}):
        pass
    return papers.earlier_doubles()


def _collated(
    outcomes: Iterable[Outcome],
    papers: Collation,
    said: Mapping[tuple[str, int], Said],
    templates: Mapping[str, Template],
    read: dict[tuple[str, int], Record],
) -> Iterator[Outcome]:
    for outcome in outcomes:
        if isinstance(outcome, Record) and said.get(place := (outcome.ref.source, outcome.ref.index)):
            read[place] = typed(outcome, said[place], templates.values())
            yield from papers.take(corrected(read[place], said[place], templates))
        else:
            yield from papers.take(outcome)
    yield from papers.end()


def counted(summary: Summary, outcome: Outcome) -> Summary:
    """The summary with one more page."""
    more = {name: getattr(summary, name) + count for name, count in _counts(outcome).items()}
    named = (*summary.failures, outcome)[:FAILURES_NAMED] if isinstance(outcome, Unreadable) else summary.failures
    return replace(summary, **more, failures=named)


def _counts(outcome: Outcome) -> dict[str, int]:
    """What one page adds to a summary."""
    if isinstance(outcome, Unreadable):
        return {"failed": 1}
    verdicts = [reading.verdict for reading in outcome.fields]
    accepted, review = verdicts.count(Verdict.ACCEPTED), verdicts.count(Verdict.REVIEW)
    counts = {"pages": 1, "accepted": accepted, "review": review, "rejected": len(verdicts) - accepted - review}
    if outcome.verdict is Verdict.ACCEPTED and not outcome.reasons:
        return counts
    unread = is_unread(outcome) and is_looked_at_whole(outcome)
    told = {
        "pages_to_review": outcome.verdict is Verdict.REVIEW,
        "unregistered": any(why in outcome.reasons for why in (Reason.REGISTRATION, Reason.UNKNOWN_FORM)),
        "pages_unread": unread,
        "pages_doubted": is_looked_at_whole(outcome) and not unread,
        "pages_defective": any(why.startswith(TO_TAKE_AGAIN) for why in outcome.reasons),
        "pages_foreign": Reason.FOREIGN_PAGE in outcome.reasons,
        "pages_double": any(why.startswith(f"{Reason.DOUBLE}:") for why in outcome.reasons),
        "unreadable": sum(Reason.UNREADABLE in reading.reasons for reading in outcome.fields),
        "fields_unread": len(verdicts) - accepted if unread else 0,
        "pages_incomplete": page_status(outcome) == INCOMPLETE,
    }
    return counts | {name: int(count) for name, count in told.items()}
