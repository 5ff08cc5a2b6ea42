"""The report: one HTML file that needs nothing else, for a screen, a phone, or paper.

In:  `Result`s of methods measured on the same digits, and what they learned from. Out: HTML.
Each section says in a sentence what to look for. Words are explained at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from docproc.training.comparison import plots, tables
from docproc.training.comparison.material import Material
from docproc.training.comparison.scores import Result

_MISTAKES = 12  #: Of each method.
_SAMPLES_AT_RANDOM = 5
_SAMPLES_DISPUTED = 7

_WORDS = {
    "accuracy": "The share of all test digits that are read right.",
    "precision": "Of all digits read as, say, 4: the share that is a 4.",
    "recall": "Of all digits that are a 4: the share that is read as 4.",
    "F1": "Precision and recall in one number (their harmonic mean); it is low where one of them is.",
    "macro": "A plain mean over the ten digits. Precision, recall and F1 in the first table are macro.",
    "confidence": "The chance that a method itself gives to its answer.",
    "calibration error": "How far confidence and the share of right answers lie apart, on average: the expected "
    "calibration error (ECE), in 15 bins. At 0 % a confidence of 90 % means 9 right out of 10.",
    "training, kept aside, test digits": "A method learns from the first, and stops learning when it gets no better "
    "on the second. All figures are of the third, from which nothing is learned.",
    "epoch": "One pass over all training digits.",
    "loss": "What training makes small: not only wrong answers count, but also right ones given without conviction.",
    "early stopping": "Training ends when the loss on digits kept aside no longer falls; the best epoch is kept.",
    "training time, digits a second": "Processor time on one core; what else runs on the machine does not count. "
    "Networks read in batches of 64.",
    "size": "On disk, as scikit-learn's pickle, Keras' .keras file or LiteRT's .tflite file.",
}


def render(
    results: Sequence[Result], material: Material, *, seed: int, quick: bool, versions: Mapping[str, str]
) -> str:
    """The whole page.

    Parameters
    ----------
    results : Result
        In the order in which they are shown; the shipped model is the last one.
    quick : bool
        Trained on a part of the digits only: published figures are shown, but not held against these.
    versions : by program
        Of what it was made with.
    """
    sections = {
        "The table": _table(results, quick=quick),
        "What the methods are": _methods(results),
        "Digit by digit": _classes(results),
        "The digits": _digits(material),
        "How the networks learned": _learning(results),
        "What is taken for what": _confusions(results),
        "Some digits, all answers": _samples(results, material.test.images, seed=seed),
        "The surest mistakes": _mistakes(results, material.test.images),
        "Can the confidence be believed?": _reliability(results),
        "What leaving doubtful digits to people gains": _rejection(results),
        "Words": _list(_WORDS),
        "How this was made": _origin(material, seed=seed, quick=quick, versions=versions),
    }
    numbered = list(enumerate(sections.items(), start=1))
    links = "".join(f'<a href="#s{i}">{escape(title)}</a>' for i, (title, _) in numbered)
    body = "".join(f'<section id="s{i}"><h2>{escape(title)}</h2>{text}</section>' for i, (title, text) in numbered)
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    title = "Ways to read a digit, side by side"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body><h1>{title}</h1>{_summary(results, quick=quick)}<nav>{links}</nav>{body}</body></html>\n"
    )


def _summary(results: Sequence[Result], *, quick: bool) -> str:
    shipped, others = results[-1], results[:-1]
    best = max(others, key=lambda result: result.accuracy)
    count = len(shipped.truth)
    text = (
        f"Of {count:,} digits that none of them learned from, the model that comes with docproc reads "
        f"{tables.percent(shipped.accuracy)} right and {shipped.wrong:,} wrong. Best of the {len(others)} methods "
        f"trained here beside it: {best.method.name}, {tables.percent(best.accuracy)} right and {best.wrong:,} wrong."
    )
    if quick:
        text = f"{text}</p><p class=warning>{_QUICK}"
    else:
        failed = [result.method.name for result in results if not result.passed]
        verdict = (
            "Each method is at least as good as the figures published for its kind."
            if not failed
            else f"Below a figure published for its kind: {', '.join(failed)}. The others are as good or better."
        )
        text = f"{text} {verdict}"
    return f"<p class=summary>{text}</p>"


_QUICK = (
    "A quick look: the methods trained here had a few thousand digits and a few epochs, docproc's model had its "
    "whole training. Run it without --quick before you draw conclusions."
)


def _table(results: Sequence[Result], *, quick: bool) -> str:
    count = len(results[0].truth)
    # Two standard deviations of a share near 99 %.
    chance = 2 * np.sqrt(0.99 * 0.01 / count)
    return _says(
        f"Look first at the share read right. A difference below {100 * chance:.1f} % may be chance: there are only "
        f"{count:,} test digits. MNIST's digits are neat and well cut; real forms are harder, so measure those with "
        "docproc evaluate."
    ) + tables.overview(results, judged=not quick)


def _methods(results: Sequence[Result]) -> str:
    return _list({result.method.name: result.method.how for result in results}) + _published(results)


def _published(results: Sequence[Result]) -> str:
    lines = (
        f"{result.method.name}: "
        + ", ".join(f"{tables.percent(one.accuracy)} ({one.source})" for one in result.published)
        for result in results
    )
    return "<h3>Where the published figures come from</h3>" + "".join(f"<p>{escape(line)}</p>" for line in lines)


def _classes(results: Sequence[Result]) -> str:
    figures = (
        f"<figure><h3>{escape(result.method.name)}</h3>{tables.by_class(result)}</figure>" for result in results
    )
    return _says("The digit with the lowest F1 of each method is marked.") + _grid(figures, kind="grid wide")


def _digits(material: Material) -> str:
    return _says(
        "All digits should be about as frequent; a method hardly learns one that is rare. Rows of samples show how "
        "differently people write the same digit."
    ) + _grid(
        (
            _figure(plots.class_distribution(material), "how many images there are of each digit"),
            _figure(plots.sample_digits(material.train), "ten training images of each digit", kind="pixels"),
        ),
        kind="grid wide",
    )


def _learning(results: Sequence[Result]) -> str:
    figures = (
        _figure(plots.learning_curves(result.method.curve), "learning curves", result.method.name)
        for result in results
        if result.method.curve
    )
    return _says(
        "Both lines should fall together. Where the line of the digits kept aside turns up while the other one still "
        "falls, a network begins to learn its training digits by heart; the weights of the marked epoch were kept. "
        "While it learns, a network works with a part of itself switched off (dropout), so the training line may "
        "lie above the other."
    ) + _grid(figures, kind="grid wide")


def _confusions(results: Sequence[Result]) -> str:
    figures = (_figure(plots.confusion_matrix(one), "confusion matrix", one.method.name) for one in results)
    return _says(
        "Rows are what was written, columns what was read (none: taken for no digit). Right answers are on the "
        "diagonal; the darker a field beside it, the more often these two are confused. Shades are each method's "
        "own: compare the numbers."
    ) + _grid(figures, kind="grid wide")


def _samples(results: Sequence[Result], images: npt.NDArray[np.uint8], *, seed: int) -> str:
    right = np.sum([result.right for result in results], axis=0)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(images))
    # Least agreed upon first: half of the methods right, half wrong.
    disputed = shuffled[np.argsort(np.abs(right[shuffled] - len(results) / 2), kind="stable")][:_SAMPLES_DISPUTED]
    others = shuffled[~np.isin(shuffled, disputed)][:_SAMPLES_AT_RANDOM]
    return _says(
        f"The first {len(others)} digits are drawn at random; the next {len(disputed)} are those on which the "
        "methods disagree most. Beside each answer is the confidence: on a hard digit it should be low."
    ) + tables.answers(results, images, [int(place) for place in (*others, *disputed)])


def _mistakes(results: Sequence[Result], images: npt.NDArray[np.uint8]) -> str:
    parts = []
    for result in results:
        tiles = "".join(
            f'<figure><img class=pixels alt="" src="{plots.tile(images[place])}">is {result.truth[place]}, '
            f"read <b>{tables.name_of(result.answers[place])}</b><br>"
            f"<small>{tables.sure(result.confidence[place])}</small></figure>"
            for place in result.surest_mistakes(_MISTAKES)
        )
        parts.append(f"<h3>{escape(result.method.name)}</h3><div class=tiles>{tiles or 'No mistakes.'}</div>")
    return _says(
        "Wrong answers given with the highest confidence, which stands below them: these nobody would look at again. "
        "With some, people would side with the method: a few of MNIST's labels are wrong."
    ) + "".join(parts)


def _reliability(results: Sequence[Result]) -> str:
    figures = (_figure(plots.reliability(one), "reliability diagram", one.method.name) for one in results)
    return _says(
        "Of all answers given with a confidence of 80 %, 80 % should be right: dots on the dotted line. Below it a "
        "method is too sure of itself, above it too modest. Large dots stand for many digits; hollow ones for fewer "
        "than 10, which say little."
    ) + _grid(figures)


def _rejection(results: Sequence[Result]) -> str:
    return _says(
        "The further right, the more of the least sure digits are typed by people; the lower, the fewer mistakes "
        "remain among the rest. A good method falls steeply. Each line at the left is all wrong answers; the scale "
        "is logarithmic, and a line ends where no mistake is left."
    ) + _grid((_figure(plots.error_against_reject(results), "error against share rejected"),), kind="grid wide")


def _origin(material: Material, *, seed: int, quick: bool, versions: Mapping[str, str]) -> str:
    made_with = ", ".join(f"{name} {number}" for name, number in versions.items())
    return (
        f"<p>docproc compare --seed {seed}{' --quick' if quick else ''}: trained on {len(material.train):,} digits "
        f"of MNIST, {len(material.validation):,} kept aside, measured on {len(material.test):,} test digits. All "
        "ran on one core as far as the libraries allow. The same seed gives the same figures on one machine, but for "
        f"times. Made with {escape(made_with)}.</p>"
        "<p>MNIST: Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0.</p>"
    )


def _says(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _figure(source: str, alt: str, title: str = "", *, kind: str = "") -> str:
    heading = f"<h3>{escape(title)}</h3>" if title else ""
    return f'<figure>{heading}<img class="{kind}" alt="{escape(f"{title} {alt}".strip())}" src="{source}"></figure>'


def _grid(figures: Iterable[str], *, kind: str = "grid") -> str:
    return f'<div class="{kind}">{"".join(figures)}</div>'


def _list(entries: Mapping[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in entries.items()) + "</dl>"
