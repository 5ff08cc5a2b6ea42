"""Pictures of what was measured, each as one data URI.

In:  `Result`, `LearningCurve`, `Material`. Out: SVG drawings and PNG tiles that an HTML file can hold.
Colors are those of Okabe and Ito, which people of any color vision can tell apart; lines differ in dash and mark
too.
Drawings are about as wide as a phone, so that their text is not shrunk there.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from docproc.character.calibration import reliability_curve, risk_coverage
from docproc.character.card import DIGITS
from docproc.training.comparison.material import Labeled, Material
from docproc.training.comparison.method import LearningCurve
from docproc.training.comparison.scores import Result

#: By `Trained.key`: color, dash, mark (M. Okabe, K. Ito, "Color universal design", 2008).
_LOOKS = {
    "logistic": ("#E69F00", ":", "s"),
    "svm": ("#009E73", "-.", "^"),
    "dense": ("#CC79A7", "--", "D"),
    "cnn": ("#0072B2", (0, (6, 1, 1, 1, 1, 1)), "v"),
    "shipped": ("#D55E00", "-", "o"),
}
_BLUE, _ORANGE, _GRAY = "#0072B2", "#D55E00", "#666666"
_WIDTH_IN = 4.2  #: Inches: with text of 9 points legible at 360 CSS pixels.
_TEXT_PT = 9.0
_MOST_REJECTED = 0.2  #: Share at which the curves of rejection end: nobody types more than that by hand.
_DARK_MISTAKES = 10.0  #: At least so many are needed for the darkest shade: single mistakes stay pale.
_FEW = 10  #: A bin of fewer digits says little.
_SAMPLES_OF_A_DIGIT = 10
_TILE_ZOOM = 3  #: Of the 28 pixels, for screens that would smooth them.


def tile(image: npt.NDArray[np.uint8]) -> str:
    """One digit, dark on light, enlarged: PNG."""
    large = cv2.resize(255 - image, None, fx=_TILE_ZOOM, fy=_TILE_ZOOM, interpolation=cv2.INTER_NEAREST)
    return _png(large)


def sample_digits(digits: Labeled) -> str:
    """Rows of 0 to 9, the first ten of each: PNG."""
    rows = []
    for digit in range(len(DIGITS)):
        images = digits.images[digits.labels == digit][:_SAMPLES_OF_A_DIGIT]
        blank = np.zeros((_SAMPLES_OF_A_DIGIT - len(images), *digits.images.shape[1:]), np.uint8)
        rows.append(np.hstack([*images, *blank]))
    return _png(cv2.resize(255 - np.vstack(rows), None, fx=2, fy=2, interpolation=cv2.INTER_AREA))


def class_distribution(material: Material) -> str:
    """How many of each digit there are to train on, kept aside, and to measure on."""
    parts = {"to train on": material.train, "kept aside": material.validation, "to measure on": material.test}
    with _figure(height_in=2.6) as figure:
        axes = figure.subplots()
        below = np.zeros(len(DIGITS))
        for (name, part), (color, hatch) in zip(
            parts.items(), ((_BLUE, ""), ("#56B4E9", "//"), ("#E69F00", "..")), strict=True
        ):
            counts = np.bincount(part.labels, minlength=len(DIGITS))
            axes.bar(DIGITS, counts, bottom=below, label=name, color=color, hatch=hatch, edgecolor="white", width=0.8)
            below += counts
        axes.set(xlabel="digit", ylabel="images", ylim=(0, below.max() * 1.25))
        axes.legend(ncols=3, loc="upper center", frameon=False, columnspacing=1, handletextpad=0.4)
        return _svg(figure)


def learning_curves(curve: LearningCurve) -> str:
    """Loss and share of wrong answers, epoch by epoch."""
    epochs = np.arange(1, len(curve.training_loss) + 1)
    wrong = [[100 * (1 - right) for right in part] for part in (curve.training_right, curve.validation_right)]
    panels = (
        ("wrong, %", wrong[0], wrong[1]),
        ("loss", curve.training_loss, curve.validation_loss),
    )
    with _figure(height_in=3.6) as figure:
        for axes, (name, training, validation) in zip(figure.subplots(2, 1, sharex=True), panels, strict=True):
            axes.plot(epochs, training, color=_BLUE, linestyle="--", marker="s", markersize=3, label="training")
            axes.plot(epochs, validation, color=_ORANGE, marker="o", markersize=3, label="kept aside")
            axes.axvline(curve.best_epoch + 1, color=_GRAY, linestyle=":", label="epoch kept")
            axes.set(ylabel=name, ylim=(0, None))
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("epoch")
        figure.axes[0].legend(frameon=False)
        return _svg(figure)


def confusion_matrix(result: Result) -> str:
    """Counts of each digit read as each; mistakes shaded by how many they are, right answers left white."""
    counts = result.confusion
    if not counts[:, -1].any():
        counts = counts[:, :-1]
    mistakes = counts.astype(float)
    np.fill_diagonal(mistakes, 0)
    darkest = max(mistakes.max(), _DARK_MISTAKES)
    with _figure(height_in=_WIDTH_IN * 0.92) as figure:
        axes = figure.subplots()
        axes.imshow(mistakes, cmap="Blues", vmin=0, vmax=darkest * 1.1, aspect="auto")
        for (row, column), count in np.ndenumerate(counts):
            if count:
                is_dark = mistakes[row, column] > darkest * 0.6
                axes.text(
                    column, row, str(count), ha="center", va="center", fontsize=_TEXT_PT - 1.5,
                    color="white" if is_dark else "black", fontweight="bold" if row == column else "normal",
                )  # fmt: skip
        names = [*DIGITS, "none"][: counts.shape[1]]
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(DIGITS)), DIGITS)
        axes.set(xlabel="read as", ylabel="written")
        axes.tick_params(length=0)
        return _svg(figure)


def reliability(result: Result) -> str:
    """Confidence against share right: an honest method lies on the diagonal."""
    curve = reliability_curve(result.confidence, result.right)
    largest = max(one.count for one in curve)
    color, *_ = _LOOKS[result.method.key]
    with _figure(height_in=3.3) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=_GRAY, linestyle=":", linewidth=1)
        firm = [one for one in curve if one.count >= _FEW]
        axes.plot([one.confidence for one in firm], [one.right for one in firm], color=color, linewidth=1)
        for one in curve:
            axes.scatter(
                one.confidence, one.right, s=15 + 150 * np.sqrt(one.count / largest), zorder=3,
                color=color if one.count >= _FEW else "white", edgecolor=color, alpha=0.85,
            )  # fmt: skip
        axes.text(0.04, 0.95, "too modest", color=_GRAY, va="top")
        axes.text(0.97, 0.04, "too sure", color=_GRAY, ha="right")
        axes.set(xlabel="confidence", ylabel="share right", xlim=(0, 1.04), ylim=(0, 1.04))
        axes.set_title(f"calibration error {100 * result.calibration_error:.2f} %", fontsize=_TEXT_PT)
        return _svg(figure)


def error_against_reject(results: Sequence[Result]) -> str:
    """Share wrong among the rest, where the least sure are left to people."""
    with _figure(height_in=4.2) as figure:
        axes = figure.subplots()
        for result in results:
            color, dash, mark = _LOOKS[result.method.key]
            coverage, risk = risk_coverage(result.confidence, result.right)
            shown = (coverage >= 1 - _MOST_REJECTED) & (risk > 0)
            rejected, wrong = 100 * (1 - coverage[shown])[::-1], 100 * risk[shown][::-1]
            axes.plot(
                rejected, wrong, color=color, linestyle=dash, marker=mark, markersize=4,
                markevery=max(int(len(coverage) * _MOST_REJECTED) // 8, 1), label=result.method.name,
            )  # fmt: skip
        axes.set(xlabel="left to people, % of the digits", ylabel="wrong among the rest, %", yscale="log")
        axes.set_xlim(0, 100 * _MOST_REJECTED)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.set_major_formatter(lambda value, place: f"{value:g}")
        axes.grid(True, which="major", color="#dddddd")
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        return _svg(figure)


@contextmanager
def _figure(*, height_in: float) -> Iterator[Any]:
    """A figure to draw on, and our look for all that is drawn and written in the block."""
    import matplotlib
    from matplotlib.figure import Figure

    # Text as outlines: the same on every machine. The salt makes names in the file, else random, repeatable.
    look = {
        "font.size": _TEXT_PT, "svg.fonttype": "path", "svg.hashsalt": "docproc",
        "axes.spines.top": False, "axes.spines.right": False,
    }  # fmt: skip
    with matplotlib.rc_context(look):
        yield Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")


def _svg(figure: Any) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return _data_uri("image/svg+xml", file.getvalue())


def _png(image: npt.NDArray[np.uint8]) -> str:
    _, coded = cv2.imencode(".png", image)
    return _data_uri("image/png", coded.tobytes())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
