"""Paper before anything is written on it: plain, tinted, stained, and printed with security backgrounds.

In:  a size, the height of the digits that will stand on it, chance.
Out: planes, one (H, W) uint8 for each color channel (one for gray), 255 being white.
Whatever is printed or written later is laid over the planes with `lay`: light is taken away, never added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from docproc.page import Ink

Planes = list[npt.NDArray[np.uint8]]  #: One (H, W) for each channel: one of gray, three of RGB.
Rgb = tuple[float, float, float]  #: 0 to 255 each.
Rng = np.random.Generator

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)
#: Words of letters that look like no digit: what is left of print must never be a digit by chance.
WORDS = ("VAHNK", "MERK", "PAHM", "FARM", "NEW PARK", "WERKA", "KRAM", "HAMMER")
LUMA = (0.299, 0.587, 0.114)  #: Of RGB in gray (ITU-R BT.601).

_PALE: tuple[Rgb, ...] = ((200, 40, 60), (40, 90, 190), (30, 140, 60), (120, 70, 150), (200, 110, 20), (60, 60, 60))
_TINTS: tuple[Rgb, ...] = ((255, 244, 214), (226, 238, 255), (228, 250, 228), (255, 226, 232), (245, 236, 200))
_STAINED: tuple[Rgb, ...] = ((236, 220, 184), (222, 200, 160), (240, 230, 205), (214, 204, 184))


def bare_paper(size: tuple[int, int], rng: Rng, *, digit_px: float, color: bool, kind: str) -> Planes:
    """Paper of one of `KINDS`, (height, width) pixels."""
    base = _base_color(kind, rng)
    channels = base if color else (luma(base),)
    planes = [np.full(size, round(level), np.uint8) for level in channels]
    for background in _BACKGROUNDS[kind]:
        alpha, rgb = background(size, rng, digit_px)
        lay(planes, alpha, rgb)
    return planes


def lay(planes: Planes, alpha: Ink, rgb: Rgb) -> None:
    """Lay a color over the planes, in place; `alpha` 255 covers the paper wholly."""
    colors = rgb if len(planes) == 3 else (luma(rgb),)
    for index, level in enumerate(colors):
        passed = (255 - np.arange(256) * (1 - level / 255)).astype(np.uint8)
        planes[index] = cv2.multiply(planes[index], cv2.LUT(alpha, passed), scale=1 / 255)


def luma(rgb: Rgb) -> float:
    """Gray level of a color."""
    return float(np.dot(rgb, LUMA))


def smooth_field(size: tuple[int, int], rng: Rng, *, nodes: int, low: float, high: float) -> npt.NDArray[np.float32]:
    """A field that changes slowly over the page, `nodes` values to a side, from `low` to `high`."""
    coarse = rng.uniform(low, high, (nodes, nodes)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), low, high)


def _base_color(kind: str, rng: Rng) -> Rgb:
    if kind == "stained":
        colors = _STAINED
    elif kind in ("tinted", "waves", "guilloche", "gradient") and rng.random() < 0.7:
        colors = _TINTS
    else:
        level = rng.uniform(225, 255)
        return (level, level, level)
    red, green, blue = np.clip(np.array(colors[rng.integers(len(colors))]) + rng.normal(0, 5, 3), 120, 255)
    return (float(red), float(green), float(blue))


Background = tuple[Ink, Rgb]


def _pale(rng: Rng) -> Rgb:
    return _PALE[rng.integers(len(_PALE))]


def _tone(rng: Rng) -> float:
    """How much of its color a background has: mostly pale, sometimes nearly as dark as a pencil."""
    return float(np.clip(rng.lognormal(np.log(0.2), 0.45), 0.06, 0.5))


def _level_wave(
    size: tuple[int, int], rng: Rng, digit_px: float, *, upright: bool = False
) -> npt.NDArray[np.float32]:
    """Fine waved lines, 0 to 1."""
    rows, columns = (size[1], size[0]) if upright else size
    pitch = digit_px * rng.uniform(0.09, 0.3)
    x = np.arange(columns, dtype=np.float32)
    swing = (
        digit_px
        * rng.uniform(0.1, 0.8)
        * np.sin(2 * np.pi * x / (digit_px * rng.uniform(1.5, 8)) + rng.uniform(0, 6))
    )
    swing += digit_px * rng.uniform(0, 1.5) * np.sin(2 * np.pi * x / (digit_px * rng.uniform(8, 30)))
    # One turn of the wave is 256 steps: a table in place of a sine for each pixel.
    turns = (np.arange(rows, dtype=np.float32)[:, np.newaxis] + (swing + x * rng.normal(0, 0.2))) * (256 / pitch)
    wave = 0.5 + 0.5 * np.cos(np.arange(256) * 2 * np.pi / 256)
    lines = (wave ** rng.uniform(1.5, 8)).astype(np.float32)[turns.astype(np.int32) & 255]
    return lines.T if upright else lines


def _waves(size: tuple[int, int], rng: Rng, digit_px: float) -> Background:
    return (_level_wave(size, rng, digit_px) * (255 * _tone(rng))).astype(np.uint8), _pale(rng)


def _guilloche(size: tuple[int, int], rng: Rng, digit_px: float) -> Background:
    first, second = _level_wave(size, rng, digit_px), _level_wave(size, rng, digit_px, upright=rng.random() < 0.5)
    return (np.maximum(first, second) * (255 * _tone(rng))).astype(np.uint8), _pale(rng)


def _dots(size: tuple[int, int], rng: Rng, digit_px: float) -> Background:
    pitch, radius = digit_px * rng.uniform(0.1, 0.25), rng.uniform(0.2, 0.6)
    side = 64
    axis = np.arange(round(pitch * side), dtype=np.float32) * (2 * np.pi / pitch)
    tile = np.cos(axis)[:, np.newaxis] + np.cos(axis + (np.pi if rng.random() < 0.5 else 0))
    tile = np.clip((tile - 2 * radius) * 2, 0, 1) * (255 * _tone(rng))
    return _tiled(tile.astype(np.uint8), size), _pale(rng)


def _micro_text(size: tuple[int, int], rng: Rng, digit_px: float) -> Background:
    height = digit_px * rng.uniform(0.12, 0.35)
    scale, font = height / 22, FONTS[rng.integers(len(FONTS))]
    word = WORDS[rng.integers(len(WORDS))] + " "
    (width, _), _ = cv2.getTextSize(word, font, scale, 1)
    pitch = round(height * rng.uniform(1.4, 2.6))
    tile = np.zeros((2 * pitch, max(width, 8)), np.uint8)
    tone = 255 * _tone(rng)
    for row in range(2):
        cv2.putText(tile, word, (row * width // 2, round(row * pitch + height)), font, scale, tone, 1, cv2.LINE_AA)
        cv2.putText(
            tile, word, (row * width // 2 - width, round(row * pitch + height)), font, scale, tone, 1, cv2.LINE_AA
        )
    return _tiled(tile, size), _pale(rng)


def _squares(size: tuple[int, int], rng: Rng, digit_px: float) -> Background:
    pitch = max(round(digit_px * rng.uniform(0.3, 1.5)), 5)
    tile = np.zeros((pitch, pitch), np.uint8)
    tile[0] = tile[:, 0] = round(255 * _tone(rng))
    if rng.random() < 0.4:  # ruled one way only
        tile[1:, 0] = 0
    return _tiled(tile, size), _pale(rng)


def _gradient(size: tuple[int, int], rng: Rng, digit_px: float) -> Background:
    del digit_px
    return smooth_field(size, rng, nodes=3, low=0, high=255 * rng.uniform(0.1, 0.5)).astype(np.uint8), _pale(rng)


def _watermark(size: tuple[int, int], rng: Rng, digit_px: float) -> Background:
    alpha = np.zeros(size, np.uint8)
    scale, tone = digit_px * rng.uniform(1, 4) / 22, 255 * float(rng.uniform(0.05, 0.25))
    for y in np.arange(0, size[0] + 60, digit_px * rng.uniform(3, 5)):
        at = (int(rng.uniform(-0.1, 0.4) * size[1]), int(y))
        word = "  ".join(WORDS[index] for index in rng.integers(len(WORDS), size=4))
        cv2.putText(alpha, word, at, FONTS[rng.integers(len(FONTS))], scale, tone, max(round(scale * 4), 1))
    return alpha, (90, 90, 90)


def _bleed(size: tuple[int, int], rng: Rng, digit_px: float) -> Background:
    """Writing and print of the back, in a mirror; letters only."""
    alpha, tone = np.zeros(size, np.uint8), 255 * float(rng.uniform(0.06, 0.22))
    scale = digit_px * rng.uniform(0.4, 1.1) / 22
    for y in np.arange(0, size[0] + 40, digit_px * rng.uniform(1.2, 3)):
        word = " ".join(WORDS[index] for index in rng.integers(len(WORDS), size=12))
        at = (int(rng.uniform(-0.2, 0.1) * size[1]), int(y))
        cv2.putText(alpha, word, at, FONTS[0], scale, tone, max(round(scale * 3), 1), cv2.LINE_AA)
    return cv2.GaussianBlur(np.ascontiguousarray(alpha[:, ::-1]), (0, 0), 1.3), (40, 40, 70)


def _stains(size: tuple[int, int], rng: Rng, digit_px: float) -> Background:
    field = smooth_field(size, rng, nodes=int(rng.integers(4, 12)), low=0, high=255 * rng.uniform(0.1, 0.35))
    small = (max(round(size[0] / digit_px * 8), 2), max(round(size[1] / digit_px * 8), 2))
    grain = cv2.resize(rng.standard_normal(small, np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.clip(field + grain * rng.uniform(4, 18), 0, 255).astype(np.uint8), (110, 80, 40)


def _tiled(tile: Ink, size: tuple[int, int]) -> Ink:
    repeats = (-(-size[0] // tile.shape[0]), -(-size[1] // tile.shape[1]))
    return np.ascontiguousarray(np.tile(tile, repeats)[: size[0], : size[1]])


_BACKGROUNDS: dict[str, Sequence[Callable[[tuple[int, int], Rng, float], Background]]] = {
    "plain": (),
    "tinted": (),
    "waves": (_waves,),
    "guilloche": (_guilloche,),
    "dots": (_dots,),
    "micro_text": (_micro_text,),
    "squares": (_squares,),
    "gradient": (_gradient,),
    "watermark": (_watermark,),
    "bleed": (_bleed,),
    "stained": (_stains, _bleed),
}
KINDS = tuple(_BACKGROUNDS)
