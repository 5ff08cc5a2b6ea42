"""How the value of one field came to be: who read it and with what, what people said of it, what it stands at.

In:  a folder of results, and the names of a page and a field, as the tables have them.
Out: a `History`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from docproc.batch_templates import known, templates_of
from docproc.collation import Collation
from docproc.correction import Doubts, corrected, settled, standing, typed
from docproc.errors import LedgerError, TemplateError
from docproc.ledger import WHOLE_FILE, WHOLE_PAGE, Past, PastView, State, read_past
from docproc.reading import FieldReading, Record
from docproc.tables import outcomes_as_they_stand

MOST_NAMED = 5  #: Names that an error proposes.
FEW = 20  #: Fields that an error lists all.


@dataclass(frozen=True, slots=True)
class Reading:
    """What was once read in the field."""

    record: Record  #: Of the page.
    field: FieldReading | None  #: None where the page had no such field then.


@dataclass(frozen=True, slots=True)
class History:
    """See the module."""

    field: str
    past: (
        Past  #: Of the page; its words are on this field, or on the page as a whole; its keyings and doubts on this.
    )
    readings: tuple[Reading, ...]  #: Of the scan as it is now; the one in force last.
    page: Record | None  #: As it stands; None where nothing was read yet, or can be.
    now: FieldReading | None  #: As it stands in the tables.
    fault: TemplateError | None  #: Why nobody can tell how it stands.


def history_of(folder: Path, source: str, field: str, *, page: int | None = None) -> History:
    """The history of a field.

    Parameters
    ----------
    folder : Path
        With the ledger.
    source : str
        As in the column of that name, or the end of one that no other file has.
    field : str
    page : int, optional
        From 1; may be left out where the file has one page only.

    Raises
    ------
    LedgerError
        If there is no ledger, or it has no such page or field; names that are near are told.
    """
    with read_past(folder) as ledger:
        source = _source(folder, ledger, source)
        index = _index(folder, ledger, source, page)
        past = ledger.past(source, index)
        readings = tuple(Reading(record, _in(record, field)) for record in past.readings)
        words = tuple(word for word in past.words if word.field in (field, WHOLE_PAGE))
        keyings = tuple(one for one in past.keyings if one.field == field)
        doubts = tuple(one for one in past.doubts if one.field == field)
        now, fault = None, None
        if past.state == State.DONE:
            try:
                now = _as_it_stands(ledger, past)
            except TemplateError as error:
                fault = error
        records = [reading.record for reading in readings] + ([] if now is None else [now])
        names = [one.name for record in records for one in record.fields]
        if readings and field not in names:
            told = list(dict.fromkeys(names))
            hint = (
                _proposed(_near(field, told)) if len(told) > FEW else f"Its fields are: {', '.join(told) or 'none'}."
            )
            raise LedgerError(f"{folder}: {source}, page {index + 1}, has no field {field!r}.", remedy=hint)
    past = replace(past, words=words, keyings=keyings, doubts=doubts)
    return History(field, past, readings, now, None if now is None else _in(now, field), fault)


def _source(folder: Path, ledger: PastView, given: str) -> str:
    """The file of that name, whose folders may be left out as long as no other is called so."""
    if ledger.pages(given):
        return given
    names = ledger.sources()
    alike = [name for name in names if name.endswith(f"/{given}")]
    if len(alike) == 1:
        return alike[0]
    near = alike[:MOST_NAMED] or _near(given, names)
    what = f"{len(alike):,} files of the batch are called {given!r}" if alike else f"the batch has no file {given!r}"
    raise LedgerError(f"{folder}: {what}.", remedy=_proposed([_short(name, names) for name in near]))


def _short(name: str, names: Sequence[str]) -> str:
    """The shortest end of it that no other has."""
    folders = name.split("/")
    ends = ("/".join(folders[place:]) for place in range(len(folders) - 1, 0, -1))
    return next((end for end in ends if sum(f"/{one}".endswith(f"/{end}") for one in names) == 1), name)


def _index(folder: Path, ledger: PastView, source: str, page: int | None) -> int:
    pages = ledger.pages(source)
    if pages == [WHOLE_FILE] or (page is None and len(pages) == 1):
        return pages[0]
    if page is None or page - 1 not in pages:
        numbers = ", ".join(str(index + 1) for index in pages[:FEW])
        what = "has several pages" if page is None else f"has no page {page}"
        raise LedgerError(
            f"{folder}: {source} {what}.",
            remedy=f"Add --page with one of {numbers}{', ...' if len(pages) > FEW else ''}.",
        )
    return page - 1


def _near(given: str, names: Sequence[str]) -> list[str]:
    """Those that end alike or have it in them first: people leave folders out, or name one too many."""
    lower = given.lower()
    alike = [name for name in names if name.lower() in lower or lower in name.lower()]
    last = {name.rpartition("/")[2]: name for name in reversed(names)}
    by_last = [last[one] for one in get_close_matches(given.rpartition("/")[2], last, MOST_NAMED)]
    return list(dict.fromkeys([*alike, *get_close_matches(given, names, MOST_NAMED), *by_last]))[:MOST_NAMED]


def _proposed(near: Sequence[str]) -> str:
    if not near:
        return "The tables have the names, in the columns `source` and `field`."
    return f"Did you mean {', '.join(near)}?"


def _in(record: Record, field: str) -> FieldReading | None:
    return next((one for one in record.fields if one.name == field), None)


def _as_it_stands(ledger: PastView, past: Past) -> Record | None:
    """As in the tables. Where no page can cast doubt on another one, the others need not be gone through."""
    templates = templates_of(ledger)
    ref = past.ref
    if not any(template.unique_names or template.paper for template in templates):
        (record,) = known(past.readings[-1:], templates)
        record = Doubts.of(ledger, ledger.corrections()).put_on(record)
        said = standing(ledger.corrections().get((ref.source, ref.index), {}))
        by_digest = {template.digest: template for template in templates}
        record = typed(record, said, templates)
        return settled(corrected(record, said, by_digest), said, record) if said else record
    outcomes = known(outcomes_as_they_stand(ledger, templates, Collation(templates), crops=lambda: False), templates)
    return next((one for one in outcomes if isinstance(one, Record) and one.ref == ref), None)
