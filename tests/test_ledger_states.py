"""Where a page stands: what may happen to it, and what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from docproc.ledger.states import MOST_LOSSES, Event, Standing, State, transition

SETTLED = (State.DONE, State.FAILED, State.QUARANTINED)


@given(st.sampled_from(State), st.integers(0, MOST_LOSSES), st.sampled_from(Event))
def test_an_event_moves_a_page_or_is_impossible_and_says_so(state, losses, event):
    try:
        assert transition(Standing(state, losses), event).state in State
    except ValueError as error:
        assert str(error) == f"a page that is {state} cannot be {event}"


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.PENDING, Event.LOST),
        (State.RUNNING, Event.STARTED),
        (State.RUNNING, Event.CHANGED),
        (State.DONE, Event.READ),
        (State.DONE, Event.RETRIED),
        (State.FAILED, Event.STARTED),
        (State.QUARANTINED, Event.READ),
    ],
)
def test_a_pair_that_cannot_be_is_refused(state, event):
    with pytest.raises(ValueError, match=f"a page that is {state} cannot be {event}"):
        transition(Standing(state), event)


def test_a_page_is_set_aside_at_its_last_loss_and_not_before():
    standing = Standing()
    for _ in range(2):
        assert standing.state is State.PENDING
        standing = transition(transition(standing, Event.STARTED), Event.LOST)
    assert standing == Standing(State.QUARANTINED, 2)


class PageLife(RuleBasedStateMachine):
    """One page through any number of runs."""

    def __init__(self):
        super().__init__()
        self.standing = Standing()
        self.losses = 0

    def happens(self, event):
        self.standing = transition(self.standing, event)

    @precondition(lambda self: self.standing.state is State.PENDING)
    @rule()
    def start(self):
        self.happens(Event.STARTED)
        assert self.standing == Standing(State.RUNNING, self.losses)

    @precondition(lambda self: self.standing.state in (State.PENDING, State.RUNNING))
    @rule(event=st.sampled_from([Event.READ, Event.REFUSED]))
    def come_back(self, event):
        self.happens(event)
        self.losses = 0

    @precondition(lambda self: self.standing.state is State.RUNNING)
    @rule()
    def lose(self):
        self.happens(Event.LOST)
        self.losses += 1

    @precondition(lambda self: self.standing.state is State.RUNNING)
    @rule()
    def release(self):
        self.happens(Event.RELEASED)
        assert self.standing.state is State.PENDING

    @precondition(lambda self: self.standing.state in (State.FAILED, State.QUARANTINED))
    @rule()
    def retry(self):
        self.losses = MOST_LOSSES - 1 if self.standing.state is State.QUARANTINED else 0
        self.happens(Event.RETRIED)
        assert self.standing == Standing(losses=self.losses)

    @precondition(lambda self: self.standing.state is not State.RUNNING)
    @rule()
    def change(self):
        self.happens(Event.CHANGED)
        self.losses = 0
        assert self.standing == Standing()

    @precondition(lambda self: self.standing.state in SETTLED)
    @rule(event=st.sampled_from([Event.STARTED, Event.READ, Event.REFUSED, Event.LOST, Event.RELEASED]))
    def nothing_is_read_once_it_is_settled(self, event):
        with pytest.raises(ValueError, match="cannot be"):
            transition(self.standing, event)

    @invariant()
    def losses_are_counted_and_bounded(self):
        assert self.standing.losses == self.losses <= MOST_LOSSES

    @invariant()
    def a_page_is_set_aside_exactly_where_it_lost_too_often(self):
        assert (self.standing.state is State.QUARANTINED) == (self.losses == MOST_LOSSES)


TestPageLife = PageLife.TestCase
