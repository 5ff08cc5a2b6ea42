"""From readings to a decision: accepted straight through, to review, or rejected; always with reasons."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """What a user is willing to accept unseen."""

    review_below: float  #: Fields whose confidence is lower go to review, 0 to 1.
