"""Where a page stands in its batch, and what may happen to it there: no clock, no file.

    pending --STARTED--> running --READ-----> done
       ^                   |-------REFUSED--> failed
       |<---LOST, RELEASED-|-------LOST-----> quarantined     at the MOST_LOSSES-th loss
       |
       `--RETRIED (failed, quarantined), CHANGED (any but running)

A pending page may be read or refused without having been started: a page of equal content answers for it. One with
losses is a suspect: it is read by a process that is watched.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MOST_LOSSES = 2  #: Processes that a page may take down; after that it is set aside, and the batch goes on.


class State(StrEnum):
    """Where a page stands."""

    PENDING = "pending"  #: To be read.
    RUNNING = "running"  #: Handed to a reader.
    DONE = "done"  #: It has a record.
    FAILED = "failed"  #: It cannot be read; why is known.
    QUARANTINED = "quarantined"  #: Set aside: it takes down the process that reads it.


class Event(StrEnum):
    """What happens to a page."""

    STARTED = "started"  #: It was handed to a reader.
    READ = "read"  #: A record came back.
    REFUSED = "refused"  #: It cannot be read.
    LOST = "lost"  #: The process that read it died, or it passed its time.
    RELEASED = "released"  #: The run ended before it came back, through no fault of the page.
    RETRIED = "retried"  #: The user wants it tried anew.
    CHANGED = "changed"  #: Its content is another one, or what it is to be read with.


@dataclass(frozen=True, slots=True)
class Standing:
    """A page's state, and what it has cost so far."""

    state: State = State.PENDING
    losses: int = 0  #: Processes that it took down, or seems to have, since it last changed or was read.


_FROM: dict[Event, frozenset[State]] = {
    Event.STARTED: frozenset((State.PENDING,)),
    Event.READ: frozenset((State.PENDING, State.RUNNING)),
    Event.REFUSED: frozenset((State.PENDING, State.RUNNING)),
    Event.LOST: frozenset((State.RUNNING,)),
    Event.RELEASED: frozenset((State.RUNNING,)),
    Event.RETRIED: frozenset((State.FAILED, State.QUARANTINED)),
    Event.CHANGED: frozenset((State.PENDING, State.DONE, State.FAILED, State.QUARANTINED)),
}


def transition(standing: Standing, event: Event, *, most_losses: int = MOST_LOSSES) -> Standing:
    """Where a page stands after an event.

    Raises
    ------
    ValueError
        If this cannot happen to a page that stands there: a fault of the caller.

    Examples
    --------
    >>> transition(Standing(State.RUNNING, losses=1), Event.LOST).state.value
    'quarantined'
    """
    if standing.state not in _FROM[event]:
        raise ValueError(f"a page that is {standing.state} cannot be {event}")
    if event is Event.STARTED:
        return Standing(State.RUNNING, standing.losses)
    if event is Event.READ:
        return Standing(State.DONE)
    if event is Event.REFUSED:
        return Standing(State.FAILED)
    if event is Event.LOST:
        losses = standing.losses + 1
        return Standing(State.QUARANTINED if losses >= most_losses else State.PENDING, losses)
    if event is Event.RELEASED:
        return Standing(State.PENDING, standing.losses)
    if event is Event.RETRIED and standing.state is State.QUARANTINED:
        return Standing(State.PENDING, most_losses - 1)  # it stays a suspect, and has one chance
    return Standing()
