"""From readings to a decision: accepted straight through, to review, or rejected; always with reasons.

What a threshold has to be for a wanted share of wrong values among the accepted is docproc.target's subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docproc.reading import FieldReading, Reason, Verdict, is_change, is_own_change

UNUSABLE = 0.01  #: Confidence below which a value helps nobody who looks at the field.

#: Reasons that tell what was seen and do not call for a look by themselves; nor does what a rule of fields changed.
INFORMATIVE = frozenset({Reason.CROSSED_OUT, Reason.DASH})


@dataclass(frozen=True, slots=True)
class Policy:
    """What a user is willing to accept unseen."""

    review_below: float  #: Fields whose confidence is lower go to review, 0 to 1.


def decide(
    *, text: str, confidence: float, has_ink: bool, reasons: Sequence[str], policy: Policy
) -> tuple[Verdict, tuple[str, ...]]:
    """Verdict on one field, and its reasons in the order in which they arose.

    A field is accepted where its confidence reaches the policy's threshold and nothing speaks against it. It is
    rejected where it holds marks that are no digits, and what was read in them is as good as certainly wrong.
    """
    found = list(dict.fromkeys(reasons))
    if confidence < policy.review_below:
        found.append(Reason.LOW_CONFIDENCE)
    against = speaking_against(found)
    if not against:
        return Verdict.ACCEPTED, tuple(found)
    if has_ink and Reason.NOT_A_DIGIT in against and (not text or confidence < UNUSABLE):
        return Verdict.REJECTED, tuple(found)
    return Verdict.REVIEW, tuple(found)


def speaking_against(reasons: Sequence[str]) -> list[str]:
    """Those of a field's reasons that call for a look."""
    return [
        reason for reason in reasons if reason not in INFORMATIVE and (not is_change(reason) or is_own_change(reason))
    ]


def page_verdict(fields: Sequence[FieldReading], reasons: Sequence[str]) -> Verdict:
    """A page is accepted where all its fields are, and nothing speaks against the page itself."""
    if reasons or any(field.verdict is not Verdict.ACCEPTED for field in fields):
        return Verdict.REVIEW
    return Verdict.ACCEPTED
