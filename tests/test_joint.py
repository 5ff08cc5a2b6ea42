"""Fields that rules tie together are read together."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.expression import parse
from docproc.joint import BLIND, BLIND_ORDER, SUREST, assign, read_jointly
from docproc.template import Relation

ROW = {"q1": [("3", 0.99)], "q2": [("7", 0.6), ("1", 0.35)], "total": [("4", 0.98), ("9", 0.01)]}


def rules(names, *checks, trust=0.98):
    return [
        (Relation(name=f"r{number}", check=check, trust=trust), one)
        for number, check in enumerate(checks)
        for one in parse(check, list(names))
    ]


def in_light(chances, *checks, **options):
    return read_jointly(chances, rules(chances, *checks, **options))


def by_hand(chances, group):
    """The weight of every assignment, unknown values among them, straight from the definition."""
    choices = [
        [*values, (None, max(1 - math.fsum(chance for _, chance in values), 0.0))] for values in chances.values()
    ]
    weights = {}
    for chosen in itertools.product(*choices):
        values = dict(zip(chances, (value for value, _ in chosen), strict=True))
        weight = math.prod(chance for _, chance in chosen)
        for relation, one in group:
            speaks = all(
                values[name] is not None and not (values[name] == "" and name in one.alone) for name, _ in one.weights
            )
            if speaks:
                holds = one.holds(sum(factor * int(values[name] or 0) for name, factor in one.weights))
                blind = BLIND.get(one.operator, BLIND_ORDER)
                weight *= relation.trust / blind if holds else (1 - relation.trust) / (1 - blind)
        key = tuple(values.values())
        weights[key] = weights.get(key, 0.0) + weight
    return weights


@st.composite
def components(draw):
    names = [f"f{number}" for number in range(draw(st.integers(2, 5)))]
    chances = {}
    for name in names:
        values = draw(st.lists(st.sampled_from(["", "0", "1", "2", "3", "5", "12"]), max_size=3, unique=True))
        raw = draw(st.lists(st.floats(0.01, 1), min_size=len(values) + 1, max_size=len(values) + 1))
        chances[name] = [(value, share / sum(raw)) for value, share in zip(values, raw, strict=False)]
    checks = []
    for _ in range(draw(st.integers(1, 3))):
        own = draw(st.lists(st.sampled_from(names), min_size=2, max_size=4, unique=True))
        split = draw(st.integers(1, len(own) - 1))
        sign = draw(st.sampled_from(["==", "<=", ">"]))
        checks.append(f"{' + '.join(own[:split])} {sign} {' + '.join('2 * ' + name for name in own[split:])}")
    return chances, rules(names, *checks, trust=draw(st.sampled_from([0.6, 0.98])))


@given(components())
@settings(max_examples=150, deadline=None)
def test_the_search_finds_what_trying_all_assignments_finds(component):
    chances, group = component
    chances = {name: values for name, values in chances.items() if any(name in dict(one.weights) for _, one in group)}
    weights = by_hand(chances, group)
    total = math.fsum(weights.values())
    found = assign(chances, group)
    for place, name in enumerate(chances):
        for value, _ in chances[name]:
            share = math.fsum(weight for key, weight in weights.items() if key[place] == value) / total
            assert found.marginals[name][value] == pytest.approx(share, rel=1e-9)
    named = [
        weight
        for key, weight in weights.items()
        if all((value is None) == (not chances[name]) for name, value in zip(chances, key, strict=True))
    ]
    assert found.chance == pytest.approx(max(named) / total, rel=1e-9)
    assert weights[tuple(found.values[name] for name in chances)] == pytest.approx(max(named), rel=1e-9)


def test_a_total_says_which_of_two_readings_is_right():
    found = in_light(ROW, "total == q1 + q2")["q2"]
    assert found.chances[0][0] == "1"
    assert 0.95 < found.chances[0][1] < 1
    assert (found.changed_by, found.broken, found.is_confirmed) == ("r0", (), True)


def test_a_total_that_fits_makes_its_fields_surer_and_never_quite_sure():
    chances = {"a": [("2", 0.9)], "b": [("5", 0.9)], "total": [("7", 0.95)]}
    found = in_light(chances, "total == a + b")
    assert all(found[name].chances[0][1] > chances[name][0][1] for name in chances)
    sure = {name: [(value, 0.9999 if name == "a" else 0.998)] for name, ((value, _),) in chances.items()}
    found = in_light(sure, "total == a + b")
    assert found["b"].chances[0][1] == SUREST
    assert SUREST < found["a"].chances[0][1] <= 0.9999


def test_a_sum_that_is_wrong_on_the_paper_is_kept_as_written():
    chances = {name: [(value, 0.9985), ("9", 0.0005)] for name, value in (("a", "2"), ("b", "5"), ("total", "8"))}
    found = in_light(chances, "total == a + b")
    assert [found[name].chances[0][0] for name in chances] == ["2", "5", "8"]
    assert all(found[name].broken == ("r0",) and not found[name].changed_by for name in chances)


def test_the_more_a_rule_is_trusted_the_more_it_changes():
    chances = {"a": [("2", 0.9985)], "b": [("5", 0.95), ("6", 0.001)], "total": [("8", 0.9985)]}
    assert in_light(chances, "total == a + b", trust=0.9)["b"].chances[0][0] == "5"
    assert in_light(chances, "total == a + b", trust=0.999)["b"].chances[0][0] == "6"


def test_where_no_candidates_satisfy_a_rule_all_its_fields_are_doubted_and_no_others():
    chances = {**ROW, "total": [("55", 0.99)], "other": [("1", 0.99)], "twin": [("1", 0.99)]}
    found = in_light(chances, "total == q1 + q2", "other == twin")
    assert {name: one.broken for name, one in found.items() if one.broken} == {
        "q1": ("r0",), "q2": ("r0",), "total": ("r0",),
    }  # fmt: skip
    assert found["other"].is_confirmed


def test_blanks_count_as_nothing_in_a_sum_and_a_blank_total_says_nothing():
    blank = [("", 0.99)]
    chances = {"a": [("2", 0.99)], "b": blank, "total": [("2", 0.99)]}
    assert in_light(chances, "total == a + b")["a"].is_confirmed
    found = in_light({**chances, "total": blank}, "total == a + b")["a"]
    assert (found.broken, found.is_confirmed, found.chances[0][1]) == ((), False, pytest.approx(0.99))
    assert in_light({**chances, "a": blank}, "total == a + b")["b"].broken == ("r0",)


def test_a_field_that_is_unknown_leaves_the_others_as_they_are():
    found = in_light({**ROW, "total": []}, "total == q1 + q2")
    assert set(found) == {"q1", "q2"}
    assert found["q2"].chances == [(value, pytest.approx(chance)) for value, chance in ROW["q2"]]


UNSEEN = [(value, 1 / 11) for value in ("", *"0123456789")]


def test_the_only_field_whose_marks_tell_nothing_is_what_the_others_leave_for_it():
    chances = {"q1": [("3", 0.99)], "q2": [], "total": [("8", 0.98)]}
    found = read_jointly(chances, rules(chances, "total == q1 + q2"), unseen={"q2": UNSEEN})
    value, chance = found["q2"].chances[0]
    assert value == "5"
    assert 0.9 < chance < 0.99
    assert found["q2"].changed_by == "r0"


def test_what_was_guessed_from_the_others_says_nothing_of_them():
    chances = {"q1": [("3", 0.99)], "q2": [], "total": [("8", 0.98)]}
    found = read_jointly(chances, rules(chances, "total == q1 + q2"), unseen={"q2": UNSEEN})
    without = read_jointly(chances, rules(chances, "total == q1 + q2"))
    assert {name: found[name] for name in without} == without
    assert not found["total"].is_confirmed


def test_of_two_fields_whose_marks_tell_nothing_neither_is_guessed():
    chances = {"q1": [], "q2": [], "total": [("8", 0.98)]}
    found = read_jointly(chances, rules(chances, "total == q1 + q2"), unseen={"q1": UNSEEN, "q2": UNSEEN})
    assert set(found) == {"total"}


def test_a_value_without_a_chance_is_unknown():
    assert set(in_light({**ROW, "total": [("4", 0.0)]}, "total == q1 + q2")) == {"q1", "q2"}


def test_row_and_column_totals_together_find_the_digit_that_each_leaves_open():
    chances = {name: [(value, 0.99)] for name, value in zip(("a", "b", "c", "d"), "1234", strict=True)}
    chances |= {name: [(value, 0.99)] for name, value in zip(("ab", "cd", "ac", "bd"), "3746", strict=True)}
    chances |= {"a": [("7", 0.7), ("1", 0.2)], "d": [("9", 0.6), ("4", 0.3)]}
    found = in_light(chances, "ab == a + b", "cd == c + d", "ac == a + c", "bd == b + d")
    assert [found[name].chances[0][0] for name in "abcd"] == list("1234")
    assert found["a"].group_chance > 0.9


def test_a_table_too_doubtful_to_search_whole_is_read_with_less_certainty_and_in_bounds():
    size = range(10)
    cells = {
        f"r{row}c{column}": [("1", 0.8), ("7", 0.1), ("4", 0.05), ("2", 0.02)] for row in size for column in size
    }
    totals = {name: [("10", 0.99), ("16", 0.005)] for name in [f"r{i}t" for i in size] + [f"tc{i}" for i in size]}
    chances = {**cells, **totals}
    checks = [f"r{i}t == sum(r{i}c*)" for i in size] + [f"tc{i} == sum(r*c{i})" for i in size]
    found = in_light(chances, *checks)
    assert {one.chances[0][0] for name, one in found.items() if "t" not in name} == {"1"}
    assert found["r0c0"].is_confirmed
