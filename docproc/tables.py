"""The tables of a batch, made of its ledger: they can be thrown away and made again.

In:  a ledger.
Out: fields.csv, forms.csv, forms.xlsx and errors.csv in page order, report.html, and a `Summary`.
What only a page's neighbors can say, or all other pages, is said here: see docproc.collation; what people have said
of fields: see docproc.correction; and where the user has named a target, what is accepted: see docproc.target.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from docproc import __version__
from docproc.audit import statement
from docproc.batch_templates import TEMPLATES, kept_templates
from docproc.collation import Collation
from docproc.correction import Doubts, Said, corrected, settled, standing, typed
from docproc.cropping import Pictures
from docproc.export import open_results
from docproc.export.folder import NAMES
from docproc.ledger import Ledger, LedgerView, digest_of, now
from docproc.page import Unreadable
from docproc.reading import Record, sent_to_review
from docproc.report import Tally, render
from docproc.summary import FAILURES_NAMED, Outcome, Summary, counts_of, summary_told
from docproc.target import InForce, decided_by, in_force, target_of
from docproc.template import Template

TABLES_VERSION = 5  #: Raised when tables of the same outcomes come out otherwise than before.
MOST_OPENED = 50  #: Pages that are read again for pictures of what a target sent to review: some five seconds.
AS_OF = "as_of"  #: The key, in what is told of tables, of when that was, with how many words and what last reading.


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
            counts.update(counts_of(outcome, drawn))
        summary = Summary(
            output,
            **counts,
            papers_incomplete=papers.incomplete,
            review_below=review_below,
            target_error=None if target is None else target.target_error,
            expected_error=None if target is None else target.expected_error,
            odds_ratio=None if target is None else target.odds_ratio,
            failures=tuple(tally.failures[:FAILURES_NAMED]),
            passed_over=(),  # who has looked for the files knows
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
    words = ledger.corrections()
    said = {place: standing(fields) for place, fields in words.items()}
    doubts = Doubts.of(ledger, words)
    doubles = _doubles(ledger, templates, said)
    read: dict[tuple[str, int], Record] = {}  # of pages that people have corrected, while they are held back
    outcomes = ledger.outcomes(characters=characters, crops=crops)
    if target is not None:
        below = target.review_below
        outcomes = (decided_by(one, below) if isinstance(one, Record) else one for one in outcomes)
    outcomes = (doubts.put_on(one) if isinstance(one, Record) else one for one in outcomes)
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
