"""What a rule says of several fields, as a template's author writes it: `total == q1 + q2`.

In:  the text of a rule, and the names of all fields.
Out: comparisons of weighted sums of fields; one text with wildcards gives one for each row of a table.
Whether values satisfy them, and what follows for how they are read, is docproc.joint's subject.

    rule    = sum ("==" | "<=" | "<" | ">=" | ">") sum
    sum     = ["-"] term (("+" | "-") term)*
    term    = [number "*"] name | number
    name    = a field's name, in quotes if it has signs in it | "sum(" name ")"

A `*` in a name stands for any text, the same in all names of the rule: `row*_total == row*_a + row*_b` is one
comparison for each row that has all three. Inside `sum()` it stands for all such fields: `total == sum(row*_a)`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_TOKEN = re.compile(
    r"\s*(?:(?P<factor>\d+)\s*\*(?=\s*[^\s)])|(?P<number>\d+)(?![\w.*])|(?P<sum>sum\s*\()|(?P<close>\))"
    r"|(?P<name>[\w.*]+)|(?P<quoted>'[^']*'|\"[^\"]*\")|(?P<sign>[+-])|(?P<operator>==|<=|>=|<|>))"
)
_HELP = "write it like total == q1 + q2"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A weighted sum of fields held against 0: `total == q1 + q2` is 1 total - 1 q1 - 1 q2 == 0."""

    weights: tuple[tuple[str, int], ...]  #: Fields by name, each once, in the order in which they were written.
    constant: int
    operator: str  #: A key of `OPERATORS`.
    #: Fields that stand alone on their side. Blank, they are nothing to compare; among others a blank counts as 0.
    alone: frozenset[str]

    def holds(self, total: int) -> bool:
        """Whether a weighted sum of the fields satisfies it."""
        return OPERATORS[self.operator](total + self.constant, 0)


@dataclass(frozen=True, slots=True)
class _Term:
    weight: int  #: Its sign turned where it stands on the right side.
    name: str  #: "" for a number.
    is_left: bool
    is_sum: bool = False


def parse(text: str, names: Sequence[str]) -> tuple[Comparison, ...]:
    """The comparisons that a rule stands for, one or more.

    Parameters
    ----------
    text : str
    names : of all fields, in template order

    Raises
    ------
    ValueError
        If it is no rule, names a field that there is not, or one twice.

    Examples
    --------
    >>> [rule] = parse("total == 2 * q1 + q2", ["q1", "q2", "total"])
    >>> rule.weights
    (('total', 1), ('q1', -2), ('q2', -1))
    >>> rule.holds(17 - 2 * 5 - 7)
    True
    """
    terms, sign = _terms(text)
    return tuple(_comparison(row, sign) for row in _rows(terms, names))


def _terms(text: str) -> tuple[list[_Term], str]:
    """What is added, all brought to the left side, and how it compares with 0."""
    tokens = [*_tokens(text), ("end", "")]
    terms: list[_Term] = []
    found, at = "", 0
    while True:
        kind, token = tokens[at]
        sign = 1
        if kind == "sign" and (token == "-" or _ends_term(tokens, at)):
            sign, at = (-1 if token == "-" else 1), at + 1
        term, at = _term(tokens, at, text)
        terms.append(replace(term, weight=sign * term.weight * (-1 if found else 1), is_left=not found))
        kind, token = tokens[at]
        if kind == "operator" and not found:
            found, at = token, at + 1
        elif kind == "end" and found:
            return terms, found
        elif kind != "sign":
            raise ValueError(f"{text!r} is no comparison of two sums; {_HELP}")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text!r} is no rule from {text[at:].strip()!r} on; {_HELP}")
        kind = str(match.lastgroup)
        yield kind, match[kind]
        at = match.end()


def _ends_term(tokens: Sequence[tuple[str, str]], at: int) -> bool:
    """Whether a term ends in front of the sign there: only then may it be a plus."""
    return at > 0 and tokens[at - 1][0] != "operator"


def _term(tokens: Sequence[tuple[str, str]], at: int, text: str) -> tuple[_Term, int]:
    """The term that begins there, and where the next token is."""
    weight = 1
    kind, token = tokens[at]
    if kind == "number":
        return _Term(int(token), "", True), at + 1
    if kind == "factor":
        weight, at = int(token), at + 1
        kind, token = tokens[at]
    is_sum = kind == "sum"
    if is_sum:
        at += 1
        kind, token = tokens[at]
    if kind not in ("name", "quoted") or (is_sum and tokens[at + 1][0] != "close"):
        raise ValueError(f"{text!r} lacks a field's name behind {tokens[at - 1][1]!r}; {_HELP}")
    name = token if kind == "name" else token[1:-1]
    return _Term(weight, name, True, is_sum), at + (2 if is_sum else 1)


def _rows(terms: Sequence[_Term], names: Sequence[str]) -> Iterator[list[_Term]]:
    """The terms of each comparison, with the wildcards of its row filled in."""
    fixed: list[_Term] = []
    for term in terms:
        if term.is_sum:
            fixed += [replace(term, name=name) for _, name in _filled(term.name, names)]
        elif term.name and "*" not in term.name and term.name not in names:
            raise ValueError(f"there is no field {term.name!r}{_alike(term.name, names)}")
        else:
            fixed.append(term)
    wild = {term.name: dict(_filled(term.name, names)) for term in fixed if _is_wild(term, names)}
    if not wild:
        yield fixed
        return
    if any(pattern.count("*") > 1 for pattern in wild):
        raise ValueError("only inside sum() may a name have more than one *")
    rows = [row for row in next(iter(wild.values())) if all(row in one for one in wild.values())]
    if not rows:
        raise ValueError("no text that * can stand for gives a field for every name of the rule")
    for row in rows:
        yield [replace(term, name=wild[term.name][row]) if term.name in wild else term for term in fixed]


def _is_wild(term: _Term, names: Collection[str]) -> bool:
    return "*" in term.name and term.name not in names


def _filled(pattern: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """The fields of such names, each behind what the * stands for."""
    expression = "(.*)".join(re.escape(part) for part in pattern.split("*"))
    matches = [(re.fullmatch(expression, name), name) for name in names]
    found = [(match[1] if match.groups() else "", name) for match, name in matches if match]
    if not found:
        raise ValueError(f"there is no field like {pattern!r}{_alike(pattern, names)}")
    return found


def _alike(name: str, names: Sequence[str]) -> str:
    alike = get_close_matches(name, names, n=1)
    return f" (is it {alike[0]!r}?)" if alike else ""


def _comparison(terms: Sequence[_Term], sign: str) -> Comparison:
    written = [term for term in terms if term.name]
    named = [term.name for term in written]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"the field {twice!r} stands in it twice")
    if not written:
        raise ValueError("it names no field")
    sides = [[term.name for term in written if term.is_left is is_left] for is_left in (True, False)]
    if any(term.weight == 0 for term in written):
        raise ValueError("a field times 0 says nothing")
    return Comparison(
        weights=tuple((term.name, term.weight) for term in written),
        constant=sum(term.weight for term in terms if not term.name),
        operator=sign,
        alone=frozenset(side[0] for side in sides if len(side) == 1),
    )
