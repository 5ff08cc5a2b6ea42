"""Measure results against the truth.

In:  a results folder's fields.csv, and a truth CSV that says what a careful person reads in each field.
Out: an `Evaluation`: how many fields are right, how many were accepted unseen and how many of those are wrong, and
     what the confidences are worth.

rows.py      the two files, row by row
joining.py   which found field answers which field of the truth
figures.py   the figures

The words, used here and in what `docproc evaluate` prints:

right       the value equals the truth, digit for digit, leading zeros too. A truth that is blank and was given no
            field is right; any other truth without a field is *missed*: wrong, its value "" and its confidence 0.
accepted    status `accepted`: nobody looks at it again. A field that was not found is never accepted.
rejected    here: the least confident share of the fields, taken away to see what error stays among the rest.
"""

from docproc.evaluation.figures import (
    Evaluation,
    acceptable_share,
    calibration_error,
    edit_distance,
    error_at_reject,
    evaluate,
    evaluate_by_template,
    wrong_and_accepted,
)
from docproc.evaluation.joining import Join, Judged, judge
from docproc.evaluation.rows import EvaluationError, Found, Truth, read_found, read_truth

__all__ = [
    "Evaluation",
    "EvaluationError",
    "Found",
    "Join",
    "Judged",
    "Truth",
    "acceptable_share",
    "calibration_error",
    "edit_distance",
    "error_at_reject",
    "evaluate",
    "evaluate_by_template",
    "judge",
    "read_found",
    "read_truth",
    "wrong_and_accepted",
]
