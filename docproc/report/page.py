"""The counts of a batch put on one page that needs nothing else: for a screen, a phone, or paper.

In:  a tally, the summary, the ledger.
Out: HTML. Whatever is not our own in it (names, values, messages) is escaped by the template engine, and the page
forbids the browser to load, run or send anything.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docproc.export.legend import in_words, value_in_words
from docproc.ledger import LedgerView, Run, Stint, people_of
from docproc.reading import Reason
from docproc.report import wording
from docproc.report.histogram import histogram
from docproc.report.people import reviewers_of, seconds_a_field
from docproc.report.reasons import PEOPLE, words_of
from docproc.report.tally import MOST_NAMED, FieldCounts, Tally
from docproc.report.worst import (
    MOST_BYTES,
    MOST_FIELDS,
    MOST_OUTLINED,
    Doubted,
    Picture,
    WorstPage,
    shown_field,
    shown_page,
)
from docproc.rounding import percent_up, sure

if TYPE_CHECKING:
    from jinja2 import Template

    from docproc.summary import Summary

ASSUMED_S = 5.0  #: That a person takes for a field, until some have been reviewed.
MOST_ROWS = 30  #: Of a table; the worst ones lead.
FEWEST_ROWS = 5  #: Of fields, also where none of them was doubtful.
MOST_INPUTS = 3  #: That are named: a glob may have thousands.
DEVIATIONS = 2.0  #: Standard deviations above what is expected: by chance alone more come once in forty times.


def render(tally: Tally, summary: Summary, ledger: LedgerView, *, statement: str | None = None) -> str:
    """The whole page.

    Parameters
    ----------
    tally : Tally
        Of all pages.
    summary : Summary
        Of the same.
    ledger : LedgerView
        Of the batch: runs, corrections, pictures.
    statement : str, optional
        What an audit has found: a sentence. Where there is none, the page says that there was none.
    """
    runs, stints = ledger.runs(), ledger.stints()
    settings = runs[-1].settings if runs else {}
    words = [word for said in ledger.corrections().values() for word in said.values()]
    people, pace = reviewers_of(words), seconds_a_field(words)
    to_look_at = summary.fields_to_look_at + summary.pages_to_look_at
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    html = _template().render(
        style=style,
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        inputs=_inputs(settings),
        tally=tally,
        summary=summary,
        all=tally.all,
        to_look_at=to_look_at,
        pace_s=pace or ASSUMED_S,
        is_measured=pace is not None,
        people=people,
        names=list(dict.fromkeys(name for one in people for name in people_of(one.who))),
        corrected=sum(one.corrected for one in people),
        confirmed=sum(one.confirmed for one in people),
        unreadable=sum(one.unreadable for one in people),
        checked=tally.all.straight - tally.all.unseen,
        most_rows=MOST_ROWS,
        most_named=MOST_NAMED,
        bound=math.ceil(tally.wrong + DEVIATIONS * math.sqrt(tally.variance)),
        statement=statement,
        target=wording.target(summary.target_error, summary.review_below, summary.expected_error),
        evidence=wording.evidence(summary.odds_ratio),
        histogram=histogram(tally),
        reasons=_reasons(tally),
        forms=sorted(tally.forms.items()),
        fields=_worst_fields(tally.fields),
        fields_in_all=len(tally.fields),
        defects=sorted(tally.defects.items(), key=lambda one: -one[1].pages),
        words_of=words_of,
        worst=_worst_pages(tally.worst.pages(), ledger, Path(settings.get("folder", ""))),
        origin=_origin(tally, runs, settings),
        times=_times(stints),
    )
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", html)


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that are not seen, some of which turn text around: a name would pass for another one."""


@cache
def _template() -> Template:
    """Ours, with all that is put into it escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    engine = Environment(
        loader=PackageLoader("docproc", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("percent", "limit", "about", "duration", "moment", "counted")
    engine.filters |= {name: getattr(wording, name) for name in names} | {"sure": sure, "percent_up": percent_up}
    engine.filters["in_words"] = value_in_words
    return engine.get_template("report.html")


def _inputs(settings: Mapping[str, Any]) -> str:
    """What was read, as the user named it."""
    given: list[str] = settings.get("inputs", [])
    more = f" and {len(given) - MOST_INPUTS:,} more" if len(given) > MOST_INPUTS else ""
    return ", ".join(given[:MOST_INPUTS]) + more


def _reasons(tally: Tally) -> list[tuple[str, str, int, int]]:
    """Words, kind, fields, pages: the most frequent first."""
    kinds = {*tally.field_reasons, *tally.page_reasons}
    rows = [
        (words_of(kind, tally.review_below), kind, tally.field_reasons[kind], tally.page_reasons[kind])
        for kind in kinds
    ]
    return sorted(rows, key=lambda row: (-row[2], -row[3], row[1]))[:MOST_ROWS]


def _worst_fields(fields: Mapping[tuple[str, str], FieldCounts]) -> list[tuple[str, str, FieldCounts]]:
    """Template, field, counts: those that people have to look at oftenest first."""
    rows = [(template, name, counts) for (template, name), counts in fields.items()]
    rows.sort(key=lambda row: (-row[2].looked_at, row[2].confidence or 0.0))  # stable: then as on the form
    return [row for place, row in enumerate(rows[:MOST_ROWS]) if place < FEWEST_ROWS or row[2].looked_at]


def _worst_pages(pages: Sequence[WorstPage], ledger: LedgerView, base: Path) -> list[dict[str, Any]]:
    """What the page shows of each; pictures until there are too many bytes of them."""
    left, told = MOST_BYTES, []

    def url(picture: Picture | None) -> str:
        nonlocal left
        if picture is None or len(picture.jpeg) > left:
            return ""
        left -= len(picture.jpeg)
        return f"data:image/jpeg;base64,{base64.b64encode(picture.jpeg).decode()}"

    for page in pages:
        picture = shown_page(page.ref, base)
        source, index = page.ref.source, page.ref.index
        fields = []
        for number, one in enumerate(page.fields[:MOST_FIELDS], start=1):
            crop = shown_field(one.then.crop_png or ledger.crop(source, index, one.then.name))
            fields.append({"number": number, "field": one, "words": _words(one), "crop": crop, "url": url(crop)})
        told.append(
            {
                "page": page,
                "picture": picture,
                "url": url(picture),
                "boxes": [] if picture is None else _boxes(page, picture.scale),
                "fields": fields,
                "more": len(page.fields) - len(fields),
                "words": [in_words(reason) for reason in page.reasons if reason not in PEOPLE],
                "is_settled": not PEOPLE.isdisjoint(page.reasons),
            }
        )
    return told


def _words(one: Doubted) -> list[str]:
    """Why a field is doubtful, but for its confidence, which stands beside it."""
    reasons = dict.fromkeys((*one.then.reasons, *one.now.reasons))
    return [in_words(reason) for reason in reasons if reason not in PEOPLE and reason != Reason.LOW_CONFIDENCE]


def _boxes(page: WorstPage, scale: float) -> list[dict[str, Any]]:
    """Doubtful fields, in pixels of the picture; the first ones with the numbers by which they are told."""
    boxes = [(number, one, one.then.box_px) for number, one in enumerate(page.fields[:MOST_OUTLINED], start=1)]
    return [
        {
            "number": number if number <= MOST_FIELDS else None,
            "is_settled": one.is_settled,
            "name": one.then.name,
            "x": round(box.left * scale),
            "y": round(box.top * scale),
            "width": max(round(box.width * scale), 1),
            "height": max(round(box.height * scale), 1),
        }
        for number, one, box in boxes
        if box is not None
    ]


def _origin(tally: Tally, runs: Sequence[Run], settings: Mapping[str, Any]) -> dict[str, Any]:
    """By whom it was read."""
    named = {digest: name for name, digest in settings.get("models", ())}
    digests = dict.fromkeys(digest for several in tally.models for digest in several.split("+") if digest)
    return {
        "version": runs[-1].version if runs else "",
        "models": [(named.get(digest, ""), digest) for digest in digests],
    }


def _times(stints: Sequence[Stint]) -> dict[str, Any]:
    """When, how long, how fast; of the runs that read something."""
    rows = [(stint, wording.seconds_between(stint.began, stint.ended)) for stint in stints]
    seconds, pages = sum(took for _, took in rows), sum(stint.pages for stint in stints)
    return {"rows": rows[-MOST_ROWS:], "seconds": seconds, "pages": pages, "rate": pages / max(seconds, 1e-3)}
