"""Read the fields of a page together: which values, of those that each may have, satisfy the rules between them.

In:  for each field its values with their chances, and the rules between fields.
Out: for each field under a rule, its chances in the light of all others, and which rule changed or doubts it.

The chances of readings multiply: how one field is misread says nothing of another. What rules add is Bayes' rule.
That values read blindly satisfy a rule is a matter of luck (`BLIND`); that those on paper do is likely (the rule's
`trust`), not certain: a wrong sum is kept as written, unless the ink itself leaves doubt. What a field may be beside
its named values is carried along as unknown, and speaks neither for nor against a rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from docproc.expression import Comparison
from docproc.template import Relation

Values = Sequence[tuple[str, float]]  #: Values and their chances, best first, adding up to 1 at most.
Rule = tuple[Relation, Comparison]

#: The chance that a rule is satisfied by luck: a wrong sum is one of some thirty near the right one. Of 10 to 73, as
#: many as the marks sheet's totals can be, it made chances of fields most honest in tests/bench/joint.py.
BLIND = {"==": 1 / 30}
BLIND_ORDER = 0.5  #: The same of <, <=, > and >=.
SUREST = 0.999  #: What a rule can raise a chance to: a 1 and a total may both be misread as a 7.
LEAST_CHANCE = 1e-4  #: Of a value to be followed: no rule that leaves room for wrong sums makes less the likeliest.
MOST_STEPS = 200_000  #: Of the search in one group of fields: half a second.


@dataclass(frozen=True, slots=True)
class JointReading:
    """A field in the light of the fields that rules tie it to."""

    chances: Values  #: Of its values, that of the best joint assignment first, then the others, best first.
    group_chance: float  #: That of the best joint assignment as a whole.
    changed_by: str = ""  #: The rule for which its best value is another one than by itself.
    broken: tuple[str, ...] = ()  #: Rules that the best joint assignment breaks.
    is_confirmed: bool = False  #: Rules speak of it, and all that do are satisfied.


def read_jointly(
    chances: Mapping[str, Values], rules: Sequence[Rule], *, unseen: Mapping[str, Values] | None = None
) -> dict[str, JointReading]:
    """Every field that a rule speaks of, by its name, in the light of all others.

    The best joint assignment and the chances are exact [1]_ in each group of fields that rules tie together, over
    values of `LEAST_CHANCE` and more, as far as `MOST_STEPS` allow; see `assign`.

    Parameters
    ----------
    chances : values by field; one without any that has a chance is unknown, and is left out of what comes back.
    rules : of the template
    unseen : of fields without values, all that they may hold, blank first; the only such field of a group is what
        the others leave for it, and says nothing of them

    References
    ----------
    .. [1] U. Bertele, F. Brioschi, "Nonserial Dynamic Programming", 1972: here over the rules' partial sums.
    """
    followed = {
        name: [pair for pair in values if pair[1] >= min(LEAST_CHANCE, values[0][1]) and pair[1] > 0]
        for name, values in chances.items()
    }
    found: dict[str, JointReading] = {}
    for group in _groups(rules):
        names = _ordered([name for name in chances if any(_weight(rule, name) for rule in group)], group)
        own: dict[str, Values] = {name: followed[name] for name in names}
        best = assign(own, group)
        for name in names:
            if own[name]:
                found[name] = _in_its_light(name, best, chances, group)
        unread = [name for name in names if not own[name]]
        if len(unread) == 1 and (guesses := (unseen or {}).get(unread[0])):
            own[unread[0]] = guesses
            found[unread[0]] = _in_its_light(unread[0], assign(own, group), {**chances, **own}, group)
    return found


@dataclass(frozen=True, slots=True)
class Assignment:
    """The best values of a group of fields."""

    values: dict[str, str | None]  #: By field; None where nothing is known of it.
    chance: float  #: Of all of them together, 0 to 1.
    marginals: dict[str, dict[str, float]]  #: By field: each of its values' chance.


def _groups(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Rules that share fields, directly or over others, together."""
    groups: list[list[Rule]] = []
    for rule in rules:
        own = {name for name, _ in rule[1].weights}
        tied = [group for group in groups if any(own & {name for name, _ in one.weights} for _, one in group)]
        groups = [group for group in groups if group not in tied] + [
            [*(one for group in tied for one in group), rule]
        ]
    return groups


def _weight(rule: Rule, name: str) -> int | None:
    """What a field counts in a rule; None where it is not in it."""
    return dict(rule[1].weights).get(name)


def _ordered(names: Sequence[str], rules: Sequence[Rule]) -> list[str]:
    """The fields in an order that leaves few rules open between them: next is always one that leaves the fewest."""
    missing = [{name for name, _ in rule.weights} & set(names) for _, rule in rules]
    opened: set[int] = set()
    left, order = list(names), []
    while left:
        open_after = [
            len({i for i, fields in enumerate(missing) if (i in opened or name in fields) and fields - {name}})
            for name in left
        ]
        name = left.pop(open_after.index(min(open_after)))
        order.append(name)
        for i, fields in enumerate(missing):
            if name in fields:
                opened.add(i)
                fields.discard(name)
    return order


#: What is known between two fields: for each rule the sum so far, None where something in it is unknown.
State = tuple[int | None, ...]


class _Step(NamedTuple):
    """One value of one field, on the way from one state to the next."""

    before: State
    value: str | None  #: None where it is not known.
    weight: float
    after: State


def assign(chances: Mapping[str, Values], rules: Sequence[Rule], *, most_steps: int = MOST_STEPS) -> Assignment:
    """The best values of a group of fields, and the chance of each value.

    Forward and backward sums over the states give chances, forward maxima the best assignment: exactly, unless that
    takes more than about `most_steps`. Then only the likeliest states are followed, and the others count as unknown.
    """
    order = list(chances)
    most_states = max(most_steps // sum(len(values) + 1 for values in chances.values()), 1)
    last = [max(order.index(name) for name, _ in rule.weights) for _, rule in rules]
    start: State = (0,) * len(rules)
    forward = [{start: 1.0}]
    best: list[dict[State, tuple[float, _Step | None]]] = [{start: (1.0, None)}]
    steps: list[list[_Step]] = []
    dropped = 0.0
    for place, name in enumerate(order):
        sums: dict[State, float] = {}
        tops: dict[State, tuple[float, _Step | None]] = {}
        layer: list[_Step] = []
        for step in _steps(
            forward[-1], name, chances[name], rules, [i for i, end in enumerate(last) if end == place]
        ):
            layer.append(step)
            sums[step.after] = sums.get(step.after, 0.0) + forward[-1][step.before] * step.weight
            if step.before in best[-1] and (step.value is not None or not chances[name]):
                weight = best[-1][step.before][0] * step.weight
                if step.after not in tops or weight > tops[step.after][0]:
                    tops[step.after] = (weight, step)
        if len(sums) > most_states:
            likeliest = sorted(sums, key=lambda state: -sums[state])[:most_states]
            kept = {*likeliest, max(tops, key=lambda state: tops[state][0])}
            dropped += sum(weight for state, weight in sums.items() if state not in kept)
            sums = {state: weight for state, weight in sums.items() if state in kept}
            tops = {state: top for state, top in tops.items() if state in kept}
            layer = [step for step in layer if step.after in kept]
        forward.append(sums)
        best.append(tops)
        steps.append(layer)
    total = sum(forward[-1].values()) + dropped
    marginals = dict(zip(order, _marginals(forward, steps, total), strict=True))
    state, (weight, _) = max(best[-1].items(), key=lambda pair: pair[1][0])
    values: dict[str, str | None] = {}
    for name, tops in zip(reversed(order), reversed(best), strict=False):
        taken = tops[state][1]
        assert taken is not None
        values[name], state = taken.value, taken.before
    return Assignment(values, weight / total, marginals)


def _steps(
    states: Mapping[State, float], name: str, values: Values, rules: Sequence[Rule], closing: Sequence[int]
) -> Iterator[_Step]:
    """All steps over one field; `closing` are the rules that it is the last field of."""
    unknown = max(1 - math.fsum(chance for _, chance in values), 0.0)
    options: list[tuple[str | None, float]] = [*values, (None, unknown)]
    own = [(i, factor, name in rule[1].alone) for i, rule in enumerate(rules) if (factor := _weight(rule, name))]
    for value, chance in options:
        addends = [(i, _addend(factor, is_alone, value)) for i, factor, is_alone in own]
        for before in states if chance > 0 else ():
            sums, weight = list(before), chance
            for i, addend in addends:
                so_far = sums[i]
                sums[i] = None if so_far is None or addend is None else so_far + addend
            for i in closing:
                weight *= _likelihood(rules[i], sums[i])
                sums[i] = 0
            yield _Step(before, value, weight, tuple(sums))


def _addend(weight: int, is_alone: bool, value: str | None) -> int | None:
    """What a value adds to a rule's sum; None where it leaves nothing to say."""
    return None if value is None or (value == "" and is_alone) else weight * int(value or 0)


def _likelihood(rule: Rule, total: int | None) -> float:
    """How much more likely a rule makes values than they are blindly: 1 where it does not speak."""
    if total is None:
        return 1.0
    relation, comparison = rule
    blind = BLIND.get(comparison.operator, BLIND_ORDER)
    return relation.trust / blind if comparison.holds(total) else (1 - relation.trust) / (1 - blind)


def _marginals(
    forward: Sequence[Mapping[State, float]], steps: Sequence[Sequence[_Step]], total: float
) -> list[dict[str, float]]:
    """For each field its values' chances."""
    backward = dict.fromkeys(forward[-1], 1.0)
    marginals: list[dict[str, float]] = []
    for arrived, layer in zip(reversed(forward[:-1]), reversed(steps), strict=True):
        own: dict[str, float] = {}
        ahead: dict[State, float] = {}
        for before, value, weight, after in layer:
            onward = weight * backward.get(after, 0.0)
            ahead[before] = ahead.get(before, 0.0) + onward
            if value is not None:
                own[value] = own.get(value, 0.0) + arrived[before] * onward / total
        marginals.append(own)
        backward = ahead
    return marginals[::-1]


def _in_its_light(name: str, best: Assignment, chances: Mapping[str, Values], rules: Sequence[Rule]) -> JointReading:
    by_itself, own_chance = chances[name][0]
    alone = {field: values[0][0] if values else None for field, values in chances.items()}
    own = [rule for rule in rules if _weight(rule, name) is not None]
    value = best.values[name]
    assert value is not None
    most = max(SUREST, own_chance if value == by_itself else 0.0)
    marginals = best.marginals[name]
    others = sorted((pair for pair in marginals.items() if pair[0] != value), key=lambda pair: (-pair[1], pair[0]))
    speaking = [rule for rule in own if is_satisfied(rule[1], best.values) is not None]
    broken = tuple(dict.fromkeys(rule[0].name for rule in speaking if not is_satisfied(rule[1], best.values)))
    reasons = [rule for rule in own if is_satisfied(rule[1], alone) is False] or own
    return JointReading(
        chances=[(value, min(marginals[value], most)), *others],
        group_chance=best.chance,
        changed_by="" if value == by_itself else reasons[0][0].name,
        broken=broken,
        is_confirmed=bool(speaking) and not broken,
    )


def is_satisfied(comparison: Comparison, values: Mapping[str, str | None]) -> bool | None:
    """Whether values satisfy a rule; None where it does not speak of them, or one of them is not known."""
    addends = [_addend(weight, name in comparison.alone, values[name]) for name, weight in comparison.weights]
    known = [addend for addend in addends if addend is not None]
    return comparison.holds(sum(known)) if len(known) == len(addends) else None
