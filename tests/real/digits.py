"""Read single digits of real ink, each in a box of its own, and print how well, and how honest the confidence is.

    python -m tests.real.digits [--set NAME]... [--model DIR] [--contact DIR]

In:  digits of real bank cheques with their boxes, pen and ledger digits, marks that are no digits, MNIST's test
     digits; all under ../shared/data, all for measuring alone.
Out: one row a set. Every digit is cut by the pipeline, as one box; MNIST's are glyphs already. Nothing is left out:
     a digit that was read as a blank, a mark or nothing is wrong. `accepted` is at the model's own threshold.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from docproc.character.calibration import expected_calibration_error
from docproc.character.card import DIGITS as DIGIT_CLASSES
from docproc.character.recognizer import LiteRtRecognizer, load_recognizer
from docproc.decision import Policy
from docproc.errors import DocprocError
from docproc.fields import read_fields
from docproc.form.location import LocatedField
from docproc.geometry import Box, Transform
from docproc.page import Page, PageRef, load_page
from docproc.reading import FieldReading, Verdict
from docproc.template import Field
from docproc.training.digits.datasets import Digits, to_canvases
from docproc.training.painting.stock import paint_stock

from .designs import DATA

NO_DIGITS = 5000
NO_DIGITS_SEED = 99  #: No training draws from it.
SURE = 0.99  #: Where a clerk believes a digit unseen.


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What was made of one digit."""

    truth: str  #: "" where there is no digit.
    text: str
    confidence: float
    accepted: bool
    name: str
    picture: npt.NDArray[np.uint8]


def read_boxes(
    page: Page, boxes: Sequence[Box], recognizer: LiteRtRecognizer, *, ruled: bool = False
) -> tuple[FieldReading, ...]:
    """Each box read as one cell of the page; boxes in pixels."""
    located = [
        LocatedField(Field(name=str(number), kind="cell", box=box), Transform.translation(-0.5, -0.5), ruled=ruled)
        for number, box in enumerate(boxes)
    ]
    return read_fields(page, located, recognizer, Policy(review_below=recognizer.card.review_below))


def cheques(recognizer: LiteRtRecognizer) -> Iterator[Answer]:
    """Digits of amounts on cheques, their boxes given."""
    folder = DATA / "strings" / "cheques"
    files = {path.name: path for path in folder.rglob("*.jpg")}
    for source, rows in groupby(_rows(folder / "digits.csv"), key=lambda row: row["source"]):
        digits = list(rows)
        page = _page(files[source])
        boxes = [Box(*(float(row[f"{key}_px"]) for key in ("left", "top", "width", "height"))) for row in digits]
        for row, box, reading in zip(digits, boxes, read_boxes(page, boxes, recognizer), strict=True):
            yield _answer(row["digit"], reading, f"{source} {box.left:.0f}", _cut(page, box))


def single(name: str) -> Callable[[LiteRtRecognizer], Iterator[Answer]]:
    """A set whose images hold one digit, or none, each."""

    def read(recognizer: LiteRtRecognizer) -> Iterator[Answer]:
        folder = DATA / "digits" / name
        files = {path.name: path for path in folder.rglob("*") if path.suffix != ".csv"}
        for row in _rows(folder / "truth.csv"):
            page = _page(files[row["source"]])
            box = Box(0, 0, page.pixels.shape[1], page.pixels.shape[0])
            (reading,) = read_boxes(page, [box], recognizer, ruled=name == "not_a_digit")
            yield _answer(row["label"] if row["label"].isdigit() else "", reading, row["source"], page.pixels)

    return read


def mnist(recognizer: LiteRtRecognizer) -> Iterator[Answer]:
    """MNIST's test digits as they are, all classes allowed as answers."""
    with np.load(DATA / "mnist.npz") as file:
        glyphs, truth = file["x_test"], file["y_test"]
    classes = recognizer.card.classes
    for number, chances in enumerate(recognizer.recognize(glyphs)):
        best = int(chances.argmax())
        text = classes[best] if best < len(DIGIT_CLASSES) else ""
        accepted = bool(text) and chances[best] >= recognizer.card.review_below
        yield Answer(str(truth[number]), text, float(chances[best]), accepted, str(number), 255 - glyphs[number])


def no_digits(recognizer: LiteRtRecognizer) -> Iterator[Answer]:
    """Crosses, dashes, letters, scribbles, struck, overwritten and touching digits (MNIST's test digits), painted."""
    with np.load(DATA / "mnist.npz") as file:
        images, truth = file["x_test"], file["y_test"]
    canvases, glyphs = to_canvases(images)
    pool = Digits("mnist test", canvases, glyphs, truth, np.full(len(truth), -1))
    painted = paint_stock(
        [pool], count=2 * NO_DIGITS, seed=NO_DIGITS_SEED, negative_share=0.7, shares=[1.0], workers=2
    )
    classes = recognizer.card.classes
    chosen = np.flatnonzero(painted.labels >= len(DIGIT_CLASSES))[:NO_DIGITS]
    for number, chances in zip(chosen, recognizer.recognize(painted.glyphs[chosen]), strict=True):
        best = int(chances.argmax())
        text = classes[best] if best < len(DIGIT_CLASSES) else ""
        accepted = bool(text) and chances[best] >= recognizer.card.review_below
        name = f"{classes[painted.labels[number]]} {number}"
        yield Answer("", text, float(chances[best]), accepted, name, 255 - painted.glyphs[number])


SETS: dict[str, Callable[[LiteRtRecognizer], Iterator[Answer]]] = {
    "mnist test": mnist,
    "strings/cheques, boxes given": cheques,
    "digits/pen": single("pen"),
    "digits/ledger": single("ledger"),
    "digits/not_a_digit": single("not_a_digit"),
    "synthesized, no digit": no_digits,
}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _page(path: Path) -> Page:
    return load_page(PageRef(source=path.name, path=str(path), index=0, sha256=""))


def _cut(page: Page, box: Box) -> npt.NDArray[np.uint8]:
    rows, columns = slice(int(box.top), round(box.bottom)), slice(int(box.left), round(box.right))
    return page.pixels[rows, columns]


def _answer(truth: str, reading: FieldReading, name: str, picture: npt.NDArray[np.uint8]) -> Answer:
    accepted = reading.verdict is Verdict.ACCEPTED and bool(reading.text)
    return Answer(truth, reading.text, reading.confidence, accepted, name, picture)


def summarize(name: str, answers: Sequence[Answer]) -> tuple[str, ...]:
    """One row of the table."""
    right = np.array([answer.text == answer.truth for answer in answers])
    digit = np.array([answer.truth != "" for answer in answers])
    said = np.array([answer.text != "" for answer in answers])
    confidence = np.array([answer.confidence for answer in answers])
    accepted = np.array([answer.accepted for answer in answers])
    sure = said & (confidence >= SURE)
    return (
        name,
        str(len(answers)),
        f"{right[digit].mean():.2%}" if digit.any() else "-",
        f"{accepted[digit].mean():.1%}" if digit.any() else "-",
        _share(~right, accepted),
        f"{sure.mean():.1%}",
        _share(~right, sure),
        f"{expected_calibration_error(confidence, right):.2%}" if digit.any() else "-",
        f"{accepted[~digit].mean():.1%}" if (~digit).any() else "-",
    )


def _share(of: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_]) -> str:
    return f"{of[among].sum()} = {of[among].mean():.2%}" if among.any() else "-"


def contact_sheet(answers: Sequence[Answer], path: Path, *, most: int = 200) -> None:
    """The wrong ones, most confident first, each with truth > answer and confidence."""
    wrong = sorted((answer for answer in answers if answer.text != answer.truth), key=lambda a: -a.confidence)
    tiles = []
    for answer in wrong[:most]:
        picture = answer.picture if answer.picture.ndim == 3 else cv2.cvtColor(answer.picture, cv2.COLOR_GRAY2RGB)
        scale = 72 / max(picture.shape[:2])
        size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
        tile = np.full((100, 96, 3), 255, np.uint8)
        tile[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[..., ::-1]
        words = f"{answer.truth or '-'}>{answer.text or '-'} {answer.confidence:.2f}"
        cv2.putText(tile, words, (2, 84), cv2.FONT_HERSHEY_PLAIN, 0.9, (0, 0, 200))
        cv2.putText(tile, answer.name[-14:], (2, 97), cv2.FONT_HERSHEY_PLAIN, 0.7, (120, 120, 120))
        tiles.append(tile)
    if tiles:
        tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % 16)
        rows = [np.hstack(tiles[start : start + 16]) for start in range(0, len(tiles), 16)]
        cv2.imwrite(str(path), np.vstack(rows))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the recognizer on digits of real ink.")
    parser.add_argument("--set", action="append", choices=SETS, help="only this one; may be given more than once")
    parser.add_argument("--model", type=Path, metavar="DIR", help="another model than the shipped one")
    parser.add_argument("--contact", type=Path, metavar="DIR", help="put pictures of the wrong ones here")
    options = parser.parse_args()
    recognizer = load_recognizer(options.model)
    view = Table("set", "images", "right", "accepted", "wrong of these", f"{SURE} and surer", "wrong of these", "ECE")
    view.add_column("no digit, accepted")
    for column in view.columns[1:]:
        column.justify = "right"
    for name in options.set or SETS:
        answers = list(SETS[name](recognizer))
        view.add_row(*summarize(name, answers))
        if options.contact:
            options.contact.mkdir(parents=True, exist_ok=True)
            contact_sheet(answers, options.contact / f"{name.replace('/', '-').replace(' ', '_')}.png")
    Console(width=None if sys.stdout.isatty() else 140).print(view)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DocprocError as error:
        sys.exit(str(error))
