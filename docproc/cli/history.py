"""`docproc history`: how a value came to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from docproc.history import History, Reading
    from docproc.ledger import Attempt, Word
    from docproc.reading import FieldReading

HELP = """Tell how the value of a field came to be.

That is: when and by which run its page was read, what was read there and how sure, what rules changed, what each
reviewer said, and what it stands at now.

SOURCE and FIELD are named as in the tables, in the columns `source` and `field`.

\b
Examples:
  docproc history results mark_sheet/pages/04.png total
  docproc history results slips.pdf amount --page 3
  docproc history results slips.pdf amount --page 3 --json
"""

DIGITS = 12  #: Of digests, on a screen; --json has all.
DONE = {
    "read": "read",
    "refused": "could not be read",
    "lost": "the process that read it ended",
    "released": "given back unread",
}


def history(
    results: Annotated[
        str, typer.Argument(metavar="DIR", help="A folder of results, as named with -o.", show_default=False)
    ],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The page's file.", show_default=False)],
    field: Annotated[str, typer.Argument(metavar="FIELD", help="The field's name.", show_default=False)],
    page: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The page in the file.  [default: its only one]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
) -> None:
    """Ask the ledger, print what it tells."""
    from docproc.history import history_of
    from docproc.upload import ledger_folder

    with ledger_folder(results) as folder:
        told = history_of(folder, source, field, page=page)
    if as_json:
        typer.echo(json.dumps(_as_dict(told)))
        return
    for line in _lines(told):
        typer.echo(line)


def _lines(told: History) -> Iterator[str]:
    past = told.past
    where = f", page {past.ref.index + 1}" if past.ref.index >= 0 else ""
    yield f"{told.field} of {past.ref.source}{where}"
    yield ""
    yield f"Now: {_stands(told)}"
    if told.now is not None:
        yield from _reasons(told.now)
    if past.duplicate_of:
        yield f"  The file's content is that of {past.duplicate_of}."
    if past.failure is not None:
        yield f"  {past.failure[0]} {past.failure[1]}"
    yield ""
    yield f"Page: SHA-256 {past.ref.sha256[:DIGITS] or 'unknown'}"
    for attempt in past.attempts:
        yield f"  {_time(attempt.began)}  {_attempt(attempt, past.ref.source)}"
    for number, reading in enumerate(told.readings, start=1):
        yield ""
        count = f" {number} of {len(told.readings)}" if len(told.readings) > 1 else ""
        in_force = ", in force" if count and number == len(told.readings) and past.state == "done" else ""
        yield f"Reading{count}{in_force}:"
        yield from _reading(reading)
    yield ""
    yield "Words of reviewers:" if past.words else "No reviewer has said anything of it."
    for word in past.words:
        yield f"  {_time(word.said.at)}  {_word(word)}"


def _time(at: str) -> str:
    """UTC, ISO 8601, for people: to the second."""
    return f"{at[:10]} {at[11:19]} UTC"


def _stands(told: History) -> str:
    if told.fault is not None:
        return f"not known. {told.fault.message} {told.fault.remedy}"
    if told.now is not None:
        return f"{told.now.text or 'blank'}, {told.now.verdict.value}, confidence {_chance(told.now.confidence)}"
    if told.page is not None:
        return "the page has no such field any more"
    waiting = {"pending": "still to be read", "running": "being read, or in hand when a run was stopped"}
    return waiting.get(told.past.state, "the page could not be read")


def _reasons(reading: FieldReading) -> Iterator[str]:
    from docproc.export.legend import in_words

    for reason in reading.reasons:
        yield f"  {reason}: {in_words(reason)}"


def _attempt(attempt: Attempt, source: str) -> str:
    run = attempt.run
    what = "being read, or cut off" if attempt.event is None else DONE.get(attempt.event, attempt.event)
    detail = f" ({attempt.detail})" if attempt.detail else ""
    of = f" as {attempt.source}, of equal content," if attempt.source != source else ""
    rules = run.settings.get("reading_version")
    version = f"docproc {run.version}" + ("" if rules is None else f", reading {rules}")
    return f"{what}{detail}{of} by run {run.number} ({version}, process {run.pid} on {run.host})"


def _reading(reading: Reading) -> Iterator[str]:
    from docproc.export.rows import alternatives

    record, field = reading.record, reading.field
    form = f"template {record.template} ({record.template_digest[:DIGITS]})" if record.template else "no template"
    yield f"  with {form}, model {record.model_digest[:DIGITS]}"
    if field is None:
        yield "  the page had no such field then"
        return
    yield f"  value {field.text or 'blank'}, confidence {_chance(field.confidence)}, {field.verdict.value}"
    if field.alternatives:
        yield f"  or else {alternatives(field).replace(';', ', ')}"
    yield from _reasons(field)


def _word(word: Word) -> str:
    said = word.said
    of = "" if word.field else " of the whole page"
    scan = "" if word.is_of_this_scan else "; on another scan of the page, so it does not count"
    old, new = said.old or "blank", said.new or "blank"
    what = {
        "review": f"takes back: {old} is {new} again, and to be looked at",
        "rejected": f"cannot read it, was {old}",
    }.get(said.verdict.value, f"says that {new} is right" if said.old == said.new else f"changes {old} to {new}")
    if not word.field and said.verdict.value == "accepted":
        what = "has seen it"
    return f"{said.who} {what}{of}{scan}"


def _chance(confidence: float) -> str:
    from docproc.export.rows import chance

    return chance(confidence)


def _as_dict(told: History) -> dict[str, Any]:
    past = told.past
    return {
        "source": past.ref.source,
        "page": past.ref.index + 1 or None,
        "field": told.field,
        "sha256": past.ref.sha256,
        "state": past.state,
        "duplicate_of": past.duplicate_of,
        "failure": None if past.failure is None else {"error": past.failure[0], "remedy": past.failure[1]},
        "now": _values(told.now),
        "attempts": [
            {
                "source": one.source,
                "began": one.began,
                "ended": one.ended,
                "event": one.event,
                "detail": one.detail,
                "run": one.run.number,
                "run_began": one.run.started_at,
                "docproc": one.run.version,
                "reading_version": one.run.settings.get("reading_version"),
                "host": one.run.host,
                "pid": one.run.pid,
            }
            for one in past.attempts
        ],
        "readings": [
            {
                "template": one.record.template,
                "template_digest": one.record.template_digest,
                "model_digest": one.record.model_digest,
                "field": _values(one.field),
            }
            for one in told.readings
        ],
        "words": [
            {
                "field": one.field,
                "at": one.said.at,
                "who": one.said.who,
                "old": one.said.old,
                "new": one.said.new,
                "status": one.said.verdict.value,
                "is_of_this_scan": one.is_of_this_scan,
            }
            for one in past.words
        ],
    }


def _values(reading: FieldReading | None) -> dict[str, Any] | None:
    from docproc.export.typed import field_values

    return None if reading is None else field_values(reading)
