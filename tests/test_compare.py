"""Methods side by side: figures, table, page and messages; training itself is marked `train`."""

from __future__ import annotations

import csv
import re
import sys
from html import escape
from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.character.card import DIGITS
from docproc.cli import main
from docproc.errors import MissingExtraError, OutputError, PageError
from docproc.training.comparison import compare as comparing
from docproc.training.comparison import material, tables, timing
from docproc.training.comparison.compare import PAGE_NAME, TABLE_NAME, Plan, compare
from docproc.training.comparison.material import Amounts, read_material
from docproc.training.comparison.method import LearningCurve, Trained
from docproc.training.comparison.networks import train_dense
from docproc.training.comparison.scores import PUBLISHED, Result

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)


def drawn_digits(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 28, 28) digits in turn, of three fonts, moved and of two pens."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        right, down = (int(shift) for shift in rng.integers(-2, 3, 2))
        place = (5 + right, 23 + down)
        cv2.putText(image, str(label), place, FONTS[rng.integers(3)], 0.8, 255, int(rng.integers(1, 3)), cv2.LINE_AA)
    return images, labels.astype(np.uint8)


def write_mnist(path: Path, *, train: int = 400, test: int = 80, **changed: np.ndarray) -> Path:
    """A file of MNIST's layout; arrays may be replaced."""
    arrays = dict(zip(("x_train", "y_train"), drawn_digits(train, seed=1), strict=True))
    arrays |= dict(zip(("x_test", "y_test"), drawn_digits(test, seed=2), strict=True))
    np.savez(path, **arrays | changed)
    return path


def made_up(
    answers: list[int], truth: list[int], *, confidence: list[float] | None = None, key: str = "cnn"
) -> Result:
    """A result without a method that could read."""
    method = Trained(key, "A <method>", "Guesses.", lambda images: np.zeros((len(images), 10)), 75.0, 2_000_000)
    return Result(
        method=method,
        truth=np.array(truth, np.uint8),
        answers=np.array(answers),
        confidence=np.array(confidence or [1.0] * len(truth)),
        digits_per_s=1234.5,
    )


def test_parts_of_mnist_share_no_digit_and_the_seed_decides_them(tmp_path: Path) -> None:
    images, labels = drawn_digits(600, seed=3)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(600), 256)  # each digit bears its number
    path = write_mnist(tmp_path / "mnist.npz", x_train=images, y_train=labels)

    def numbers(seed: int) -> list[set[int]]:
        parts = read_material(path, amounts=Amounts(train=300, validation=90, test=50), seed=seed)
        assert len(parts.test) == 50
        for part in (parts.train, parts.validation):
            places = part.images[:, 0, 0].astype(int) * 256 + part.images[:, 0, 1]
            assert np.array_equal(part.labels, labels[places])
        return [
            set((part.images[:, 0, 0].astype(int) * 256 + part.images[:, 0, 1]).tolist())
            for part in (parts.train, parts.validation)
        ]

    (train, validation), again, other = numbers(1), numbers(1), numbers(2)
    assert (len(train), len(validation)) == (300, 90)
    assert not train & validation
    assert again == [train, validation]
    assert other != [train, validation]


def test_a_small_file_keeps_a_sixth_aside(tmp_path: Path) -> None:
    parts = read_material(write_mnist(tmp_path / "mnist.npz", train=300), amounts=material.ALL, seed=1)
    assert (len(parts.train), len(parts.validation)) == (250, 50)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x_test": np.zeros((80, 20, 20), np.uint8)}, r"x_test and y_test: the images are \(80, 20, 20\) uint8"),
        ({"x_train": np.zeros((400, 28, 28))}, "x_train and y_train: the images are .* float64"),
        ({"y_train": np.zeros(400)}, "the labels are .* float64, not 400 integers"),
        ({"y_test": np.zeros(79, np.uint8)}, r"the labels are \(79,\) uint8, not 80 integers"),
        ({"y_train": np.arange(400) % 11}, "not all labels are digits 0 to 9"),
        ({"y_train": np.arange(400) % 9}, "0 times a 9, which is too few"),
    ],
)
def test_arrays_unlike_mnist_s_are_named(tmp_path: Path, changed: dict[str, np.ndarray], message: str) -> None:
    path = write_mnist(tmp_path / "mnist.npz", **changed)
    with pytest.raises(PageError, match=message):
        read_material(path, amounts=material.ALL, seed=1)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 half of one"])
def test_a_file_that_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(content)
    with pytest.raises(PageError, match=r"mnist\.npz: the digits cannot be read"):
        read_material(path, amounts=material.ALL, seed=1)


def test_missing_arrays_and_files_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros(1), y_train=np.zeros(1))
    with pytest.raises(PageError, match="no array x_test, y_test in it"):
        read_material(tmp_path / "mnist.npz", amounts=material.ALL, seed=1)
    with pytest.raises(PageError, match="No such file"):
        read_material(tmp_path / "none.npz", amounts=material.ALL, seed=1)


def test_figures_are_those_of_the_definitions() -> None:
    # Of four 4s one is read as 9 and one as no digit; of two 9s both are right.
    result = made_up([4, 4, 9, 11, 9, 9], [4, 4, 4, 4, 9, 9])
    four, nine = result.classes[4], result.classes[9]
    assert (four.precision, four.recall, four.count) == (1.0, 0.5, 4)
    assert four.f1 == pytest.approx(2 / 3)
    assert (nine.precision, nine.recall) == (pytest.approx(2 / 3), 1.0)
    assert result.classes[0].f1 == 0.0  # none there, none read
    assert (result.accuracy, result.wrong) == (pytest.approx(4 / 6), 2)
    assert result.macro[1] == pytest.approx(1.5 / 10)
    assert result.confusion.sum() == 6
    assert (result.confusion[4, 9], result.confusion[4, 10]) == (1, 1)


def test_the_surest_mistakes_come_first_and_right_answers_never() -> None:
    result = made_up([1, 2, 3, 3], [1, 1, 1, 1], confidence=[0.99, 0.6, 0.9, 0.7])
    assert result.surest_mistakes(2).tolist() == [2, 3]
    assert result.surest_mistakes(9).tolist() == [2, 3, 1]


def test_a_method_passes_only_if_it_reaches_each_published_figure() -> None:
    truth = [1] * 1000
    between = made_up([2] * 22 + [1] * 978, truth, key="dense")  # 97.8 %, between the two figures
    assert [between.passes(one) for one in between.published] == [True, False]
    assert not between.passed
    assert made_up([2] * 20 + [1] * 980, truth, key="dense").passed


def test_every_method_has_a_published_counterpart() -> None:
    assert list(PUBLISHED) == ["logistic", "svm", "dense", "cnn", "shipped"]
    assert {0.9757, 0.98} == {one.accuracy for one in PUBLISHED["dense"]}
    assert [one.accuracy for one in PUBLISHED["cnn"]] == [0.985]


def test_the_best_epoch_is_that_of_the_lowest_validation_loss() -> None:
    curve = LearningCurve((3.0, 2.0, 1.0), (3.0, 1.0, 2.0), (0.1, 0.2, 0.3), (0.1, 0.3, 0.4))
    assert curve.best_epoch == 1


def test_csv_has_one_row_a_method_and_figures_of_each_digit() -> None:
    header, row = tables.csv_rows([made_up([1, 2, 9], [1, 2, 3])])
    cells = dict(zip(header, row, strict=True))
    assert cells["method"] == "cnn"
    assert cells["accuracy"] == "0.66667"
    assert (cells["training_s"], cells["digits_per_s"], cells["size_bytes"]) == ("75.0", "1234", "2000000")
    assert (cells["published_accuracy"], cells["passed"]) == ("0.985", "no")
    assert (cells["recall_1"], cells["recall_3"], cells["precision_9"]) == ("1.00000", "0.00000", "0.00000")


def test_names_are_escaped_and_verdicts_are_words() -> None:
    result = made_up([1] * 99 + [2], [1] * 100)
    page = tables.overview([result], judged=True)
    assert "A &lt;method&gt;" in page
    assert "A <method>" not in page
    assert "98.50\N{NO-BREAK SPACE}% \N{CHECK MARK} passed" in page
    assert "passed" not in tables.overview([result], judged=False)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (38.2, "38 s"), (245, "4 min 5 s"), (3599.7, "1 h 0 min"), (7800, "2 h 10 min")],
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert tables.duration(seconds) == text


def test_a_confidence_is_never_rounded_up_to_certainty() -> None:
    assert tables.sure(0.99999) == "99.99\N{NO-BREAK SPACE}%"
    assert tables.sure(0.874) == "87\N{NO-BREAK SPACE}%"


def test_a_missing_extra_is_named_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "find_spec", lambda name: None if name == "sklearn" else object())
    with pytest.raises(MissingExtraError, match="Comparing needs sklearn") as stop:
        compare(Plan(output=tmp_path / "out", mnist=tmp_path / "mnist.npz"))
    assert "docproc[train]" in stop.value.remedy
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Result], list[str]]:
    """The folder, the results, and what was told on the way."""
    folder = tmp_path_factory.mktemp("compare")
    told: list[str] = []
    shares: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "_TIMED_S", 0.01)
        results = compare(
            Plan(output=folder / "out", mnist=write_mnist(folder / "mnist.npz"), seed=5, quick=True),
            begun=told.append,
            progress=shares.append,
        )
    assert all(0 <= share < 1 for share in shares)
    assert len(shares) > 0
    return folder, list(results), told


@pytest.mark.train
def test_all_methods_learn_drawn_digits(compared: tuple[Path, list[Result], list[str]]) -> None:
    _, results, told = compared
    assert [result.method.key for result in results] == list(PUBLISHED)
    assert told == ["logistic regression", "SVM", "dense network", "small CNN", "docproc's CNN", "report"]
    for result in results[:-1]:
        assert result.accuracy > 0.3, result.method.key  # by chance: 0.1
        assert result.method.training_s > 0
    assert min(result.accuracy for result in results[:2]) > 0.8  # few digits and epochs are enough for these
    dense = results[2].method
    assert 4 * 535_818 < dense.size_bytes < 1.1 * 4 * 535_818  # the weights, and no state of the optimizer


@pytest.mark.train
def test_the_report_needs_nothing_else(compared: tuple[Path, list[Result], list[str]]) -> None:
    folder, results, _ = compared
    page = (folder / "out" / PAGE_NAME).read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="(?!data:|#)', page) == []
    assert "<script" not in page
    assert "url(" not in page
    for result in results:
        assert page.count(f"<h3>{escape(result.method.name)}</h3>") >= 4
    drawings = page.count('src="data:image/svg+xml;base64,')
    assert drawings == 1 + 2 + 5 + 5 + 1  # classes, learning, confusion, reliability, rejection
    assert "A quick look" in page
    assert all(re.search(r'alt="[^"]+"', image) for image in re.findall(r"<img [^>]*svg[^>]*>", page))


@pytest.mark.train
def test_the_table_is_that_of_the_results_and_nothing_else_is_left(
    compared: tuple[Path, list[Result], list[str]],
) -> None:
    folder, results, _ = compared
    assert sorted(path.name for path in (folder / "out").iterdir()) == [TABLE_NAME, PAGE_NAME]
    with (folder / "out" / TABLE_NAME).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == list(PUBLISHED)
    for row, result in zip(rows, results, strict=True):
        assert float(row["accuracy"]) == pytest.approx(result.accuracy, abs=1e-5)
        assert float(np.mean([float(row[f"f1_{digit}"]) for digit in DIGITS])) == pytest.approx(
            float(row["f1"]), abs=2e-5
        )


@pytest.mark.train
def test_the_same_seed_trains_the_same_network(compared: tuple[Path, list[Result], list[str]]) -> None:
    folder, results, _ = compared
    digits = read_material(folder / "mnist.npz", amounts=material.FEW, seed=5)
    again = train_dense(digits, epochs=comparing.EPOCHS_QUICK, seed=5, tell=lambda share: None)
    chances = again.read(digits.test.images)
    assert np.array_equal(chances.argmax(axis=1), results[2].answers)
    assert np.allclose(chances.max(axis=1), results[2].confidence, atol=1e-6)


@pytest.mark.train
def test_a_folder_that_cannot_be_written_stops_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    mnist = write_mnist(tmp_path / "mnist.npz")
    begun: list[str] = []
    with pytest.raises(OutputError, match="cannot be written"):
        compare(Plan(output=tmp_path / "file" / "out", mnist=mnist), begun=begun.append)
    assert begun == []


@pytest.mark.train
def test_the_command_says_in_a_line_what_is_wrong_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["docproc", "compare", "--mnist", "none.npz", "-o", "out"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 4
    assert capsys.readouterr().err.startswith(
        "docproc: none.npz: the digits cannot be read (No such file or directory)."
    )
    assert not (tmp_path / "out").exists()
