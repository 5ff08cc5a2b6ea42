"""Digits to learn from: read, separated from their paper, and put on canvases; whole writers kept apart.

In:  .npz files with `x` (N, H, W) uint8, `y` (N,) and perhaps `writer` (N,); MNIST's own layout for MNIST.
Out: `Digits`: canvases (N, 64, 64) uint8 ink, longest side about 40, and normalized glyphs, with labels and writers.
Polarity and paper are found out, not declared: dark ink on light paper or light on dark, gray or two-level.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
import numpy.typing as npt

from docproc.character.normalization import SIDE_PX, normalize
from docproc.errors import PageError
from docproc.page import Ink
from docproc.training.digits.augmentation import CANVAS_PX, GLYPH_PX
from docproc.training.digits.mislabeled import MISLABELED

#: Licenses of the sources that the project trains on, by file name.
LICENSES = {
    "mnist": "CC BY-SA 3.0",
    "swiss": "CC0 1.0",
    "semeion": "CC BY 4.0",
    "optdigits": "CC BY 4.0",
    "drawn styles": "MIT",
}

MNIST_KEYS = ("x_train", "y_train", "x_test", "y_test")  #: Arrays of mnist.npz.

_INK_FLOOR = 0.18  #: Of the darkest ink: paler is paper texture.
_SPECK_SHARE = 0.02  #: Of all ink: a smaller piece apart from the digit is dirt.
_SMOOTH_BELOW_PX = 26  #: Coarser sources are smoothed as they are enlarged, to rid them of stairs.
_UNKNOWN_WRITER = -1
_FINGERPRINT = 12  #: Hexadecimal digits: of a million images, two are alike once in 500 times.


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Labeled digits of one source."""

    name: str
    canvases: npt.NDArray[np.uint8]  #: (N, 64, 64) ink.
    glyphs: npt.NDArray[np.uint8]  #: (N, 28, 28) the same, normalized as they are.
    labels: npt.NDArray[np.uint8]  #: (N,), 0 to 9.
    writers: npt.NDArray[np.int64]  #: (N,), -1 where unknown.

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, chosen: npt.NDArray[np.bool_]) -> Digits:
        """Those chosen by a (N,) mask."""
        return Digits(
            self.name, self.canvases[chosen], self.glyphs[chosen], self.labels[chosen], self.writers[chosen]
        )


def read_mnist(path: Path | None) -> tuple[Digits, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """MNIST's training digits on canvases, and its test images (10000, 28, 28) and labels as they are."""
    x, y, x_test, y_test = mnist_arrays(path)
    x, y = x[sound := rightly_labeled(x)], y[sound]
    writers = np.full(len(y), _UNKNOWN_WRITER, np.int64)
    canvases, _ = to_canvases(x)
    # MNIST's own images are normalized already: once more would only round them.
    return Digits("mnist", canvases, x, y.astype(np.uint8), writers), x_test, y_test.astype(np.uint8)


def mnist_arrays(path: Path | None) -> tuple[npt.NDArray, npt.NDArray, npt.NDArray, npt.NDArray]:
    """x_train, y_train, x_test, y_test of a file, or through keras.datasets where `path` is None (11 MB, once)."""
    if path is None:
        import keras

        (x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
        return x, y, x_test, y_test
    arrays = _arrays(path, MNIST_KEYS)
    x, y, x_test, y_test = (arrays[key] for key in MNIST_KEYS)
    return x, y, x_test, y_test


def read_digits(path: Path) -> Digits:
    """Digits of one .npz file with `x`, `y` and perhaps `writer`."""
    arrays = _arrays(path, ("x", "y"))
    x, y = arrays["x"], arrays["y"]
    if x.ndim != 3 or x.dtype != np.uint8 or y.shape != x.shape[:1]:
        raise PageError(
            f"{path}: x is {x.shape} {x.dtype} and y is {y.shape}.",
            remedy="Give x as (N, height, width) uint8 and y as (N,) digits 0 to 9.",
        )
    writers = arrays.get("writer", np.full(len(y), _UNKNOWN_WRITER)).astype(np.int64)
    sound = rightly_labeled(x)
    return Digits(path.stem, *to_canvases(x[sound]), y[sound].astype(np.uint8), writers[sound])


def rightly_labeled(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """(N, H, W) -> (N,): False for digits that are known to be labeled as another, or to be none."""
    return np.array([fingerprint(image) not in MISLABELED for image in images], np.bool_)


def fingerprint(image: npt.NDArray[np.uint8]) -> str:
    """Names an image by its pixels."""
    return hashlib.sha256(image.tobytes()).hexdigest()[:_FINGERPRINT]


def hold_out(digits: Digits, share: float, rng: np.random.Generator) -> tuple[Digits, Digits]:
    """Part into (kept for training, held out): whole writers where they are known, else single digits."""
    writers = np.unique(digits.writers)
    if len(writers) > 1:
        held = rng.permutation(writers)[: max(round(len(writers) * share), 1)]
        mask = np.isin(digits.writers, held)
    else:
        mask = np.zeros(len(digits), bool)
        mask[rng.permutation(len(digits))[: round(len(digits) * share)]] = True
    return digits.part(~mask), digits.part(mask)


def to_canvases(images: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """(N, H, W) images of any polarity to (N, 64, 64) ink with the longest side at 40, and (N, 28, 28) glyphs."""
    canvases = np.zeros((len(images), CANVAS_PX, CANVAS_PX), np.uint8)
    glyphs = np.zeros((len(images), SIDE_PX, SIDE_PX), np.uint8)
    light_paper = _paper_is_light(images)
    for canvas, glyph, image in zip(canvases, glyphs, images, strict=True):
        ink = separate_ink(255 - image if light_paper else image)
        _place(ink, canvas)
        glyph[:] = normalize(ink)
    return canvases, glyphs


def separate_ink(image: npt.NDArray[np.uint8]) -> Ink:
    """Ink of one digit (light on dark): paper and its texture at 0, the stroke's core near 255, specks gone."""
    rim = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    # The rim's median is the paper even where a stroke leaves the image; of a two-level image it is 0 or all ink.
    paper = float(np.median(rim))
    paper = paper if paper < 128 else 0.0
    ink = cv2.subtract(image, (paper,))
    core = float(np.quantile(ink[ink > 0], 0.97)) if ink.any() else 0.0
    if core == 0:
        return ink
    ink = cv2.convertScaleAbs(ink, alpha=255.0 / core)
    ink = cv2.threshold(ink, 255 * _INK_FLOOR, 0, cv2.THRESH_TOZERO)[1]
    _, solid = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    specks = np.flatnonzero(areas < _SPECK_SHARE * areas[1:].sum())
    if len(specks):
        ink[np.isin(pieces, specks)] = 0
    return ink


def _paper_is_light(images: npt.NDArray[np.uint8]) -> bool:
    """Paper is what most pixels are: of digits, ink is the smaller part."""
    return bool(np.mean(images) > 127)


def _place(ink: Ink, canvas: Ink) -> None:
    left, top, width, height = cv2.boundingRect(ink)
    if width == 0:
        return
    scale = GLYPH_PX / max(width, height)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    crop = ink[top : top + height, left : left + width]
    if scale < 1:
        glyph = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    else:
        glyph = cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC)
        if max(width, height) < _SMOOTH_BELOW_PX and set(np.unique(ink)) <= {0, 255}:
            glyph = cv2.GaussianBlur(glyph, (0, 0), 0.5 * scale)
            glyph = cv2.convertScaleAbs(cv2.subtract(glyph, (60.0,)), alpha=255.0 / 130.0)
    first_row, first_column = (CANVAS_PX - size[1]) // 2, (CANVAS_PX - size[0]) // 2
    canvas[first_row : first_row + size[1], first_column : first_column + size[0]] = glyph


def _arrays(path: Path, keys: tuple[str, ...]) -> dict[str, npt.NDArray]:
    remedy = f"Give an .npz file with the arrays {', '.join(keys)}."
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except OSError as error:
        raise PageError(f"{path}: the digits cannot be read ({error.strerror}).", remedy=remedy) from error
    except (ValueError, AttributeError, EOFError, BadZipFile) as error:
        why = "it is no .npz file, or a damaged one"
        raise PageError(f"{path}: the digits cannot be read ({why}).", remedy=remedy) from error
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise PageError(f"{path}: no array {', '.join(missing)} in it.", remedy=remedy)
    return arrays
