"""`docproc history`: how a value came to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from docproc.history import History, Reading
    from docproc.ledger import Attempt, Doubt, Keyed, Past, Word
    from docproc.reading import FieldReading

HELP = """Tell how the value of a field came to be.

That is: when and by which run its page was read, what was read there and how sure, what rules changed, what each
reviewer said, and what it stands at now.

SOURCE and FIELD are named as in the tables, in the columns `source` and `field`. Folders of SOURCE may be left out
where no other file is called so.

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
    from docproc.report.wording import second

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
        yield f"  {second(attempt.ended or attempt.began)}  {_attempt(attempt, past.ref.source)}"
    for number, reading in enumerate(told.readings, start=1):
        yield ""
        count = f" {number} of {len(told.readings)}" if len(told.readings) > 1 else ""
        in_force = ", in force" if count and number == len(told.readings) and past.state == "done" else ""
        yield f"Reading{count}{in_force}:"
        yield from _reading(reading)
    yield ""
    events = [*_doubts(past), *_keyings(past), *_words(told)]
    events.sort(key=lambda event: event[0])  # stable: what is keyed leads
    yield "Words of reviewers:" if events else "No reviewer has said anything of it."
    for at, what in events:
        yield f"  {second(at)}  {what}"
    yield from _of_keyings(past)


def _stands(told: History) -> str:
    if told.fault is not None:
        return f"not known. {told.fault.message} {told.fault.remedy}"
    if told.now is not None:
        return _value(told.now)
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
    yield f"  value {_value(field)}"
    if field.alternatives:
        yield f"  or else {alternatives(field).replace(';', ', ')}"
    yield from _reasons(field)


def _value(reading: FieldReading) -> str:
    from docproc.export.legend import value_in_words
    from docproc.rounding import chance

    return f"{value_in_words(reading)}, {reading.verdict.value}, confidence {chance(reading.confidence)}"


def _words(told: History) -> Iterator[tuple[str, str]]:
    """When, and what was said of the field or the page."""
    from docproc.export.legend import value_in_words
    from docproc.ledger import people_of
    from docproc.reading import Reason

    read = [value_in_words(one.field) for one in told.readings if one.field is not None]
    empty = as_read = read[-1] if read else "blank"
    for word in told.past.words:
        said = word.said
        old, new = said.old or empty, said.new or "blank"
        s = "" if len(people_of(said.who)) > 1 else "s"
        form = "" if word.field else said.new or said.old
        if form:
            types = f"types the values of the page, as of a form {form}"
            what = types if said.new else "takes back what was said of the whole page"
            yield said.at, f"{said.who} {what}{_scan(word)}"
            continue
        if said.verdict.value == "review":
            new = empty = said.new or as_read
            what = f"take{s} back: {old} is {new} again, and to be looked at"
        elif said.verdict.value == "rejected":
            empty = "unreadable"
            is_left_out = not word.field and told.now is not None and Reason.LEFT_OUT in told.now.reasons
            what = "leaves out the values" if is_left_out else f"cannot read it, was {old}"
        elif word.field:
            empty = "blank"
            what = f"say{s} that {new} is right" if old == new else f"change{s} {old} to {new}"
        else:
            what = "has seen it"
        of = "" if word.field else " of the whole page"
        yield said.at, f"{said.who} {what}{of}{_scan(word)}"


def _doubts(past: Past) -> Iterator[tuple[str, str]]:
    """When, and who found it odd."""
    for one in past.doubts:
        what = "finds it odd no more" if one.withdrawn else "finds it odd among others that were read alike"
        yield one.at, f"{one.who} {what}{_scan(one)}"


def _keyings(past: Past) -> Iterator[tuple[str, str]]:
    """When, and what was keyed."""
    for one in past.keyings:
        keying = one.keying
        what = {
            "review": "takes back what was keyed",
            "rejected": "cannot read it, without seeing what was read",
        }.get(keying.verdict.value, f"keys {keying.value or 'blank'}, without seeing what was read")
        yield one.at, f"{keying.who} {what}{_scan(one)}"


def _of_keyings(past: Past) -> Iterator[str]:
    """What is still to come of them; what came of them is told among the words."""
    from docproc.ledger import is_decided, standing_keyings

    keyed = standing_keyings(one.keying for one in past.keyings if one.is_of_this_scan)
    said = [word.said for word in past.words if word.field and word.is_of_this_scan]
    if len(keyed) == 1:
        yield "  Keyed once: another person is to key it, too."
    elif keyed and not is_decided(keyed, said[-1] if said else None):
        yield "  Keyed twice: a third look is to decide."


def _scan(one: Word | Keyed | Doubt) -> str:
    return "" if one.is_of_this_scan else "; on another scan of the page, so it does not count"


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
        "keyings": [
            {
                "field": one.field,
                "at": one.at,
                "who": one.keying.who,
                "value": one.keying.value,
                "status": one.keying.verdict.value,
                "is_of_this_scan": one.is_of_this_scan,
            }
            for one in past.keyings
        ],
        "doubts": [
            {
                "field": one.field,
                "at": one.at,
                "who": one.who,
                "withdrawn": one.withdrawn,
                "is_of_this_scan": one.is_of_this_scan,
            }
            for one in past.doubts
        ],
    }


def _values(reading: FieldReading | None) -> dict[str, Any] | None:
    from docproc.export.typed import field_values

    return None if reading is None else field_values(reading)
