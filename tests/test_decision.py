"""Accepted, to review or rejected, always with reasons."""

from docproc.decision import Policy, decide
from docproc.reading import Reason, Verdict

POLICY = Policy(review_below=0.95)


def verdict(text="12", confidence=0.99, has_ink=True, reasons=()):
    return decide(text=text, confidence=confidence, has_ink=has_ink, reasons=reasons, policy=POLICY)


def test_a_sure_value_goes_straight_through():
    assert verdict() == (Verdict.ACCEPTED, ())


def test_an_unsure_value_is_looked_at():
    assert verdict(confidence=0.94) == (Verdict.REVIEW, (Reason.LOW_CONFIDENCE,))


def test_a_confidence_at_the_threshold_is_enough():
    assert verdict(confidence=0.95)[0] is Verdict.ACCEPTED


def test_a_broken_rule_is_looked_at_however_sure():
    assert verdict(reasons=("rule:max",)) == (Verdict.REVIEW, ("rule:max",))


def test_a_crossed_out_cell_is_told_and_accepted():
    assert verdict(reasons=(Reason.CROSSED_OUT,)) == (Verdict.ACCEPTED, (Reason.CROSSED_OUT,))


def test_ink_that_says_nothing_is_rejected():
    outcome = verdict(text="", confidence=0.1, reasons=(Reason.NOT_A_DIGIT,))
    assert outcome[0] is Verdict.REJECTED


def test_letters_are_not_passed_on_as_a_number():
    assert verdict(text="54454144", confidence=0.0001, reasons=(Reason.NOT_A_DIGIT,))[0] is Verdict.REJECTED


def test_a_doubtful_digit_is_shown_with_its_best_guess():
    assert verdict(text="54", confidence=0.3, reasons=(Reason.NOT_A_DIGIT,))[0] is Verdict.REVIEW


def test_a_required_blank_is_looked_at():
    assert verdict(text="", has_ink=False, reasons=(Reason.BLANK_REQUIRED,))[0] is Verdict.REVIEW


def test_a_reason_is_told_once():
    assert verdict(reasons=("length", "length"))[1] == ("length",)
