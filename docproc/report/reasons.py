"""Reasons, put together by their kind, each in a sentence that holds for all of them.

In:  reasons as they stand in records, `duplicate_of:first.png`.
Out: their kind, `duplicate_of`, and words.
What a kind means in one single case is docproc.export.legend's subject.
"""

from __future__ import annotations

from docproc.export.legend import in_words, reason_rows
from docproc.reading import SEEN, Reason, is_change, is_own_change

PEOPLE = SEEN

_OWN_NAMES = frozenset({Reason.LENGTH.value})  #: Of rules that stand without `rule:` before them.
_CHANGED = f"{Reason.RULE}: changed"
_OF_A_KIND = {
    Reason.DUPLICATE.value: "A file with exactly this content came earlier.",
    Reason.DOUBLE.value: "Another page has the same number, and no two may: scanned twice, or one is misread.",
    Reason.MISSING_PAGE.value: "A page of the paper is not there: not scanned, in a wrong place, or not read.",
    _CHANGED: "By itself the field reads otherwise; fields that a rule ties to it have decided.",
}


def kind_of(reason: str) -> str:
    """Without what belongs to one page or field alone.

    >>> kind_of("defect:blur=0.31 mm"), kind_of("rule:total"), kind_of("missing_page:2")
    ('defect:blur', 'rule:total', 'missing_page')
    """
    name, _, detail = reason.partition(":")
    if is_own_change(reason):
        rule = detail.partition(" changed ")[0]
        return rule if rule in _OWN_NAMES else f"{Reason.RULE}:{rule}"
    if is_change(reason):
        return _CHANGED
    if name == Reason.RULE:
        return reason
    if name == Reason.DEFECT:
        return f"{name}:{detail.partition('=')[0]}"
    return name


def words_of(kind: str, review_below: float | None) -> str:
    """A sentence."""
    if kind == Reason.LOW_CONFIDENCE:
        return dict(reason_rows(review_below))[kind]
    return _OF_A_KIND.get(kind) or in_words(kind)
