"""The tables: compare.csv for programs, and those of the page for people.

In:  `Result`s. Out: rows of text, and HTML. On a narrow screen page.css turns each row of the page's into a card.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from docproc.character.card import DIGITS
from docproc.training.comparison import plots
from docproc.training.comparison.scores import ClassFigures, Published, Result

_DECIMALS = 5
_SPACE = "\N{NO-BREAK SPACE}"
_RIGHT, _WRONG = "\N{CHECK MARK}", "\N{BALLOT X}"


def csv_rows(results: Sequence[Result]) -> list[list[str]]:
    """Header and one row a method: compare.csv. Shares from 0 to 1; of several published figures the highest."""
    measures = ("precision", "recall", "f1")
    header = [
        "method", "accuracy", *measures, "calibration_error", "training_s", "digits_per_s", "size_bytes",
        "published_accuracy", "passed", *(f"{measure}_{digit}" for measure in measures for digit in DIGITS),
    ]  # fmt: skip
    rows = [
        [
            result.method.key,
            *(_share(value) for value in (result.accuracy, *result.macro, result.calibration_error)),
            f"{result.method.training_s:.1f}",
            f"{result.digits_per_s:.0f}",
            str(result.method.size_bytes),
            f"{max(one.accuracy for one in result.published):g}",
            "yes" if result.passed else "no",
            *(_share(getattr(figures, measure)) for measure in measures for figures in result.classes),
        ]
        for result in results
    ]
    return [header, *rows]


def overview(results: Sequence[Result], *, judged: bool) -> str:
    """One row a method; `judged` says whether published figures may be held against these."""
    best = max(result.accuracy for result in results)
    rows = []
    for result in results:
        precision, recall, f1 = (percent(value) for value in result.macro)
        cells = {
            "right (accuracy)": percent(result.accuracy),
            "precision": precision,
            "recall": recall,
            "F1": f1,
            "training time": duration(result.method.training_s),
            "digits a second": speed(result.digits_per_s),
            "size": size(result.method.size_bytes),
            "published for its kind": "<br>".join(_published(result, one, judged=judged) for one in result.published),
        }
        rows.append(_row(escape(result.method.name), cells, mark="best" if result.accuracy == best else ""))
    return _table("method", rows)


def by_class(result: Result) -> str:
    """Precision, recall and F1 of each digit; the weakest F1 is marked."""
    weakest = min(one.f1 for one in result.classes)
    rows = "".join(_class_row(one, kind="wrong" if one.f1 == weakest else "") for one in result.classes)
    head = "".join(f"<th scope=col>{name}</th>" for name in ("digit", "precision", "recall", "F1", "images"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _class_row(one: ClassFigures, *, kind: str) -> str:
    cells = (*map(percent, (one.precision, one.recall, one.f1)), f"{one.count:,}")
    written = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr class="{kind}"><th scope=row>{one.digit}</th>{written}</tr>'


def answers(results: Sequence[Result], images: npt.NDArray[np.uint8], places: Sequence[int]) -> str:
    """One row a test digit: its picture, what was written, and what each method reads."""
    rows = []
    for place in places:
        truth = results[0].truth[place]
        picture = (
            f'<img class=pixels alt="a handwritten {truth}" src="{plots.tile(images[place])}"><span>{truth}</span>'
        )
        cells = {result.method.name: _answer(result, place) for result in results}
        rows.append(_row(picture, cells))
    return _table("written", rows, kind="answers cards")


def name_of(answer: int) -> str:
    """A digit, or what an answer beyond the ten digits means."""
    return DIGITS[answer] if answer < len(DIGITS) else "none"


def percent(share: float) -> str:
    """`99.18 %`, never parted by a line's end."""
    return f"{100 * share:.2f}{_SPACE}%"


def duration(seconds: float) -> str:
    """`0.4 s`, `38 s`, `4 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def speed(digits_per_s: float) -> str:
    """`4,900`: two digits, the third is chance."""
    return f"{int(float(f'{digits_per_s:.2g}')):,}"


def _answer(result: Result, place: int) -> str:
    sign, kind = (_RIGHT, "") if result.right[place] else (_WRONG, ' class="wrong"')
    return (
        f"<span{kind}>{name_of(result.answers[place])} {sign}</span> <small>{sure(result.confidence[place])}</small>"
    )


def sure(confidence: float) -> str:
    """A confidence in percent that never says 100 where it is less."""
    whole = 100 * confidence
    return f"{whole:.0f}{_SPACE}%" if whole < 99 else f"{np.floor(whole * 100) / 100:.2f}{_SPACE}%"


def _table(first: str, rows: Sequence[tuple[Sequence[str], str]], kind: str = "cards") -> str:
    names = "".join(f"<th scope=col>{escape(name)}</th>" for name in (first, *rows[0][0]))
    body = "".join(row for _, row in rows)
    return f'<table class="{kind}"><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>'


def _row(first: str, cells: dict[str, str], *, mark: str = "") -> tuple[Sequence[str], str]:
    """Names of the columns, and the row; each cell knows its column, for narrow screens."""
    text = "".join(f'<td data-name="{escape(name)}">{cell}</td>' for name, cell in cells.items())
    return tuple(cells), f'<tr class="{mark}"><th scope=row class=text>{first}</th>{text}</tr>'


def _published(result: Result, one: Published, *, judged: bool) -> str:
    if not judged:
        verdict = ""
    elif result.passes(one):
        verdict = f" {_RIGHT} passed"
    else:
        verdict = f' <span class="wrong">{_WRONG} not passed</span>'
    return f'<span title="{escape(one.source)}">{percent(one.accuracy)}{verdict}</span>'


def size(size_bytes: int) -> str:
    """`585 kB`, `1.3 MB`."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def _share(value: float) -> str:
    return f"{value:.{_DECIMALS}f}"
