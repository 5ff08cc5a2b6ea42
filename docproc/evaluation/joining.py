"""Which found field answers which field of the truth.

In:  `Found` and `Truth` of one batch.
Out: a `Judged` for each field of the truth, in its order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from docproc.evaluation.rows import BOX_COLUMNS, EvaluationError, Found, Truth
from docproc.geometry import Box
from docproc.reading import Verdict

Join = Literal["name", "box"]
MOST_NAMED = 4  #: Sources or fields that a message names of each side.


@dataclass(frozen=True, slots=True)
class Judged:
    """One field of the truth, beside what was found for it."""

    truth: Truth
    found: Found | None
    template: str  #: Of the found field, else of its page; "" where the page has no template.

    @property
    def value(self) -> str:
        """What was read; "" where no field was found."""
        return self.found.value if self.found else ""

    @property
    def right(self) -> bool:
        """Whether that is the truth."""
        return self.value == self.truth.value

    @property
    def confidence(self) -> float:
        """The found field's; 0 where there is none."""
        return self.found.confidence if self.found else 0.0

    @property
    def accepted(self) -> bool:
        """Whether nobody would look at it again."""
        return self.found is not None and self.found.status == Verdict.ACCEPTED


def judge(found: Sequence[Found], truth: Sequence[Truth], *, by: Join = "name") -> tuple[Judged, ...]:
    """Lay each field of the truth beside the one that was found for it, in the truth's order.

    Sources are equal where their paths are, or where one path ends in the other (`01.jpg`, `pages/01.jpg`) and no
    second source does so too. On one page, fields are joined by name; or by box, for pages read without a template:
    a pair is possible where one box holds the other's center, pairs are made by falling intersection over union, and
    no field is used twice.

    Raises
    ------
    EvaluationError
        If a source of the truth could be two of the results', if no source of the truth is in the results although
        they have fields, or no name of its fields where names are to be joined, or if boxes are to be joined and a
        row of the truth has none.
    """
    pages: dict[tuple[str, int], list[Found]] = defaultdict(list)
    for field in found:
        pages[field.source, field.page].append(field)
    sources = _matched_sources(sorted({source for source, _ in pages}), {one.source for one in truth})
    if by == "name":
        _require_common_name(found, truth)
    wanted: dict[tuple[str | None, int], list[Truth]] = defaultdict(list)
    for one in truth:
        wanted[sources[one.source], one.page].append(one)
    judged: dict[Truth, Judged] = {}
    for (source, page), asked in wanted.items():
        there = pages.get((source, page), []) if source is not None else []
        pairs = _paired_by_box(there, asked) if by == "box" else _paired_by_name(there, asked)
        page_template = there[0].template if there else ""
        for one in asked:
            field_found = pairs.get(one)
            judged[one] = Judged(one, field_found, field_found.template if field_found else page_template)
    return tuple(judged[one] for one in truth)


def _matched_sources(found: Sequence[str], truth: Iterable[str]) -> dict[str, str | None]:
    """For each source of the truth, the one of the results; None where there is none."""
    matched: dict[str, str | None] = {}
    for source in sorted(truth):
        alike = [one for one in found if one.endswith(f"/{source}") or source.endswith(f"/{one}")]
        if source not in found and len(alike) > 1:
            raise EvaluationError(
                f"The truth's source {source!r} could be {alike[0]!r} or {alike[1]!r} in the results.",
                remedy="Give the truth's sources with their folders, as `source` in fields.csv has them.",
            )
        matched[source] = source if source in found else next(iter(alike), None)
    if found and matched and not any(matched.values()):
        raise EvaluationError(
            f"No source of the truth is in the results: the truth has {_first(matched)}; "
            f"the results have {_first(found)}.",
            remedy="Name the truth file that belongs to these pages, or the results of the truth's pages.",
        )
    return matched


def _require_common_name(found: Iterable[Found], truth: Iterable[Truth]) -> None:
    """Refuse the truth of another form, of which all would count as missed; pages without a field have no names."""
    known = dict.fromkeys(field.field for field in found if field.field)
    asked = dict.fromkeys(one.field for one in truth)
    if known and asked and not known.keys() & asked.keys():
        raise EvaluationError(
            f"No field of the truth is in the results: the truth has {_first(asked)}; "
            f"the results have {_first(known)}.",
            remedy="Name the truth of this form. If it is, and only names differ, as they do where pages were read "
            "without a template, --by box joins fields by their places.",
        )


def _first(names: Collection[str]) -> str:
    """`'a', 'b', 'c', 'd' and 5 more`."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(repr(name) for name in islice(names, MOST_NAMED)) + more


def _paired_by_name(found: Iterable[Found], truth: Iterable[Truth]) -> dict[Truth, Found]:
    named = {field.field: field for field in found}
    return {one: named[one.field] for one in truth if one.field in named}


def _paired_by_box(found: Sequence[Found], truth: Sequence[Truth]) -> dict[Truth, Found]:
    candidates: list[tuple[float, int, int]] = []
    for row, one in enumerate(truth):
        if one.box_px is None:
            raise EvaluationError(
                f"Field {one.field!r} of {one.source} has no box in the truth.",
                remedy=f"Joining by box needs the columns {', '.join(BOX_COLUMNS)}; or join by name.",
            )
        for column, field in enumerate(found):
            box = field.box_px
            if box is not None and (_holds_center(box, one.box_px) or _holds_center(one.box_px, box)):
                candidates.append((-box.iou(one.box_px), row, column))
    pairs: dict[Truth, Found] = {}
    used: set[int] = set()
    for _, row, column in sorted(candidates):
        if truth[row] not in pairs and column not in used:
            pairs[truth[row]] = found[column]
            used.add(column)
    return pairs


def _holds_center(outer: Box, inner: Box) -> bool:
    x, y = inner.center
    return outer.left <= x <= outer.right and outer.top <= y <= outer.bottom
