"""What is looked at next, by whom, and how long the rest will take."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import entry, record

from docproc.reading import FieldReading, Reason, Record, Verdict
from docproc.review.pace import PAUSE_S, Pace
from docproc.review.queue import LEASE_S, Item, Queue, chance_wrong, items_of

REF = entry(1).ref


def reading(name: str, confidence: float, *reasons: str, verdict: Verdict = Verdict.REVIEW) -> FieldReading:
    base = record(REF).fields[0]
    return replace(base, name=name, confidence=confidence, reasons=reasons, verdict=verdict)


def items(count: int) -> list[Item]:
    return [Item("a.png", 0, reading(f"f{number}", 0.5), (), 1 - number / 100) for number in range(count)]


def names(taken: list[Item]) -> list[str]:
    return [item.key[2] for item in taken]


def test_what_could_do_most_harm_comes_first() -> None:
    fields = (
        reading("unsure", 0.6, Reason.LOW_CONFIDENCE),
        reading("sure", 0.99, verdict=Verdict.ACCEPTED),
        reading("against a rule", 0.99, "rule:max"),
        reading("number of the page", 0.85, Reason.LOW_CONFIDENCE),
        reading("nearly sure", 0.88, Reason.LOW_CONFIDENCE),
    )
    page = Record(REF, "form", "", "", fields, Verdict.REVIEW)
    queue = Queue(items_of(page, unique=["number of the page"]))
    assert names(queue.take("ana", 9, 0)) == ["number of the page", "against a rule", "unsure", "nearly sure"]


@pytest.mark.parametrize(
    ("confidence", "reasons", "chance"),
    [
        (0.75, ("low_confidence", "readers_disagree", "dash"), 0.25),
        (0.99, ("double_of:b.png",), 0.5),
        (0.25, ("rule:min",), 0.75),
    ],
)
def test_the_chance_that_a_value_is_wrong(confidence: float, reasons: tuple[str, ...], chance: float) -> None:
    assert chance_wrong(reading("f", confidence, *reasons)) == pytest.approx(chance)


def test_a_page_that_could_not_be_laid_on_its_form_is_one_item_as_heavy_as_all_its_fields() -> None:
    fields = tuple(FieldReading(name, "", 0.0, Verdict.REVIEW, (Reason.REGISTRATION,)) for name in "abc")
    page = Record(REF, "form", "", "", fields, Verdict.REVIEW, (Reason.REGISTRATION,), detail="It is upside down.")
    (item,) = items_of(page)
    assert (item.key, item.reading, item.harm) == (("000001.png", 0, ""), None, 3.0)
    assert item.reasons == ("registration: It is upside down.",)


def test_two_reviewers_never_have_the_same_field() -> None:
    queue = Queue(items(5))
    assert names(queue.take("ana", 2, 0)) == ["f0", "f1"]
    assert names(queue.take("ben", 2, 0)) == ["f2", "f3"]
    queue.settle(("a.png", 0, "f0"))
    assert names(queue.take("ana", 2, 1)) == ["f1", "f4"]


def test_what_was_lent_to_one_who_has_gone_is_lent_to_others_and_to_him_when_he_is_back() -> None:
    queue = Queue(items(3))
    queue.take("ana", 2, 0)
    assert names(queue.take("ben", 3, LEASE_S - 1)) == ["f2"]
    assert names(queue.take("ben", 3, LEASE_S)) == ["f2", "f0", "f1"]
    assert names(queue.take("ana", 3, LEASE_S)) == []
    queue.leave("ben")
    assert names(queue.take("ben", 3, LEASE_S)) == []
    assert names(queue.take("ana", 3, LEASE_S)) == ["f0", "f1", "f2"]


def test_what_is_taken_back_comes_first_and_to_who_took_it_back() -> None:
    queue = Queue(items(3))
    queue.take("ana", 2, 0)
    queue.settle(("a.png", 0, "f0"))
    assert queue.left == 2
    queue.reopen(("a.png", 0, "f0"), "ana", 1)
    assert names(queue.take("ana", 2, 1)) == ["f0", "f1"]
    assert names(queue.take("ben", 2, 1)) == ["f2"]


def test_where_pages_have_come_who_has_a_field_keeps_it() -> None:
    queue = Queue(items(2))
    queue.take("ana", 1, 0)
    queue.renew([*items(2), Item("b.png", 0, reading("new", 0.1), (), 9.0)])
    assert names(queue.take("ben", 3, 0)) == ["new", "f1"]
    assert names(queue.take("ana", 1, 0)) == ["f0"]


def test_the_values_of_a_page_are_lent_to_one_reviewer_and_come_before_what_he_had() -> None:
    def values(source: str) -> list[Item]:
        whole = Item(source, 0, None, (), 9.0)
        return [replace(item, source=source, whole=whole) for item in items(3)]

    queue = Queue([*items(1), *values("b.png")])
    queue.take("ana", 1, 0)
    queue.unfold(values("c.png"), "ana", 0)
    assert [item.source for item in queue.take("ana", 1, 0)] == ["c.png"]
    assert [item.key for item in queue.take("ben", 2, 0)] == [("a.png", 0, "f0"), ("b.png", 0, "f0")]
    assert queue.take("eva", 2, 0) == []
    queue.fold(("c.png", 0, ""))
    assert [item.source for item in queue.take("ana", 9, 0)] == []
    queue.leave("ben")
    assert [item.source for item in queue.take("ana", 9, 0)] == ["a.png", "b.png", "b.png", "b.png"]


@given(st.lists(st.tuples(st.sampled_from(["ana", "ben", "eva"]), st.integers(0, 3), st.integers(0, 200))))
def test_whatever_reviewers_do_each_field_is_open_settled_or_lent_to_one(steps: list[tuple[str, int, int]]) -> None:
    queue, now, settled = Queue(items(6)), 0.0, set()
    for who, act, passed in steps:
        now += passed
        taken = queue.take(who, 2, now)
        assert not {item.key for item in taken} & settled
        if act == 0 and taken:
            queue.settle(taken[0].key)
            settled.add(taken[0].key)
        elif act == 1 and settled:
            key = settled.pop()
            queue.reopen(key, who, now)
        elif act == 2:
            queue.leave(who)
        held = [item.key for other in ("ana", "ben", "eva") for item in queue.take(other, 0, now)]
        assert len(held) == len(set(held))
        assert queue.left == 6 - len(settled)


def test_one_person_in_two_windows_is_one_person() -> None:
    queue = Queue(items(6))
    for window, person in (("one", "ana"), ("two", "ana"), ("three", "ben"), ("four", "")):
        queue.take(window, 1, 0, person=person)
    assert len(queue.people(LEASE_S - 1)) == 3
    queue.leave("two")
    assert len(queue.people(LEASE_S - 1)) == 3
    queue.leave("one")
    assert len(queue.people(LEASE_S - 1)) == 2


def test_the_time_left_is_the_usual_time_of_a_field_shared_by_all_reviewers() -> None:
    pace = Pace()
    pace.settled("ana", 0)
    assert pace.seconds_left(10, 1) is None
    for number in range(1, 8):
        pace.settled("ana", 3 * number)
    pace.settled("ana", 21 + PAUSE_S)  # a coffee
    assert pace.seconds_left(10, 2) == pytest.approx(15)
