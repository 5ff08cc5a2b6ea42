"""The rules between fields that a field on screen stands in, with the values as they stand.

In:  a page as it stands, and its template's comparisons.
Out: for each field its sums, as the browser adds them up while somebody types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docproc.expression import Comparison
from docproc.joint import is_satisfied
from docproc.reading import Correction, FieldReading, Verdict
from docproc.rules import is_number
from docproc.template import Relation


@dataclass(frozen=True, slots=True)
class Sum:
    """One rule, and what its fields hold."""

    rule: str
    comparison: Comparison
    values: Mapping[str, str | None]  #: Of all fields of the page, one mapping for all its sums; None: not known.
    doubtful: frozenset[str] = frozenset()  #: Of these the fields that are to be looked at.

    def is_broken_by(self, field: str, text: str, said: Mapping[str, Correction | None]) -> bool:
        """Whether a value of one field breaks the rule for sure: no other one of its fields is in doubt.

        Parameters
        ----------
        said : by field; what people have said last, None where nobody has.
        """
        values: dict[str, str | None] = {}
        for name, _ in self.comparison.weights:
            is_open = name in self.doubtful and not _is_answered(said.get(name))
            value = text if name == field else None if is_open else _standing(self.values.get(name), said.get(name))
            values[name] = value if value is not None and is_number(value or "0") else None
        return is_satisfied(self.comparison, values) is False


def sums_by_field(
    fields: Sequence[FieldReading], rules: Sequence[tuple[Relation, Comparison]]
) -> dict[str, tuple[Sum, ...]]:
    """The sums of each field that a rule speaks of."""
    if not rules:
        return {}
    values = {reading.name: reading.text if _is_known(reading) else None for reading in fields}
    doubtful = frozenset(reading.name for reading in fields if reading.verdict is Verdict.REVIEW)
    found: dict[str, tuple[Sum, ...]] = {}
    for relation, comparison in rules:
        for name, _ in comparison.weights:
            found[name] = (*found.get(name, ()), Sum(relation.name, comparison, values, doubtful))
    return found


def _is_known(reading: FieldReading) -> bool:
    """Not where nobody could read it, or it is still to be typed."""
    return reading.verdict is Verdict.ACCEPTED or (reading.verdict is Verdict.REVIEW and reading.was_read)


def shown(one: Sum, said: Mapping[str, Correction | None]) -> dict[str, Any]:
    """What the browser needs to add it up.

    Parameters
    ----------
    said : by field; what people have said last, None where nobody has. It stands in place of what was read.
    """
    return {
        "rule": one.rule,
        "operator": one.comparison.operator,
        "constant": one.comparison.constant,
        "terms": [
            {
                "field": name,
                "weight": weight,
                "alone": name in one.comparison.alone,
                "value": _standing(one.values.get(name), said.get(name)),
            }
            for name, weight in one.comparison.weights
        ],
    }


def _standing(read: str | None, said: Correction | None) -> str | None:
    if said is None or not _is_answered(said):
        return read
    return None if said.verdict is Verdict.REJECTED else said.new


def _is_answered(said: Correction | None) -> bool:
    return said is not None and said.verdict is not Verdict.REVIEW
