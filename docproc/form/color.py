"""Take away print of another color than the ink, wherever it is: boxes, hatching, words, guides, dots.

In:  field images of one page, each with the share of light that it lets through in every color.
Out: the same with the darkness of the ink alone, where print and ink differ in color; unchanged where they do not.

Light passes print and ink one after the other, so their optical densities add up, in each color channel: a pixel's
is a sum of so much of the print's direction and so much of the ink's, and both amounts follow (color deconvolution
[1]_). The print's direction is that of the rules printed around the fields, the ink's that of the darkest strokes
inside.

References
----------
.. [1] A. C. Ruifrok, D. A. Johnston, "Quantification of histochemical staining by color deconvolution", Analytical
   and Quantitative Cytology and Histology 23(4), 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from docproc.form.cutting import FieldImage, crop
from docproc.geometry import Box
from docproc.page import Ink

Floats = npt.NDArray[np.float64]

EDGE_PX = 3  #: To both sides of a field's edge: where its printed rule is.
INSIDE = 0.2  #: Of the box's height, from its edges inwards: strokes in there are more often written than printed.
LEAST_DARK = 38  #: Darkness, of 255, from which a pixel's color is known.
LEAST_PIXELS = 200  #: Of the rules on a page, to know their color.
COLORED_DEG = 15.0  #: Angle to gray from which print has a color: gray balance and shadows stay below.
APART_DEG = 15.0  #: Angle between print and ink from which they can be told apart: amounts get four times the noise.
ALIKE_DEG = 12.0  #: Of the rules' pixels, half have to lie this close to their median: print has one color.
DARKER_HALF = 50  #: Percentile of the density of strokes inside, from which they tell the ink's color.
MOST_SAMPLES = 20_000  #: Pixels looked at, of rules and of ink.
_GRAY = np.full(3, 3**-0.5)


def without_colored_print(images: Sequence[FieldImage]) -> tuple[FieldImage, ...]:
    """Field images of one page, the print's color taken out of their darkness where it has one of its own."""
    found = _colors(images)
    if found is None:
        return tuple(images)
    print_, ink = found
    return tuple(
        image if image.light is None else replace(image, dark=_ink_alone(image.light, print_, ink))
        for image in images
    )


def _colors(images: Sequence[FieldImage]) -> tuple[Floats, Floats] | None:
    """Directions of print and ink, unit vectors; None where print has no color of its own."""
    rules = _sample([_of_rules(image) for image in images if image.light is not None and image.ruled])
    if len(rules) < LEAST_PIXELS:
        return None
    print_ = _direction(rules)
    spread = np.degrees(np.arccos(np.clip(_units(rules) @ print_, -1, 1)))
    if _angle(print_, _GRAY) < COLORED_DEG or float(np.median(spread)) > ALIKE_DEG:
        return None
    inside = _sample([_of_strokes(image) for image in images if image.light is not None])
    foreign = inside[np.degrees(np.arccos(np.clip(_units(inside) @ print_, -1, 1))) > APART_DEG]
    if len(foreign) < LEAST_PIXELS / 4:
        return None
    weight = foreign.sum(axis=1)
    ink = _direction(foreign[weight >= np.percentile(weight, DARKER_HALF)])
    return None if _angle(print_, ink) < APART_DEG else (print_, ink)


def _of_rules(image: FieldImage) -> Floats:
    """Densities of dark pixels along the edges of a field's box."""
    assert image.light is not None
    box = image.box_px
    edges = (
        Box(box.left, box.top - EDGE_PX, box.width, 2 * EDGE_PX),
        Box(box.left, box.bottom - EDGE_PX, box.width, 2 * EDGE_PX),
    )
    return np.concatenate([_dark_pixels(crop(image.light, edge), crop(image.dark, edge)) for edge in edges])


def _of_strokes(image: FieldImage) -> Floats:
    """Densities of dark pixels inside a field's box."""
    assert image.light is not None
    inner = image.box_px.grown(-INSIDE * image.box_px.height)
    return _dark_pixels(crop(image.light, inner), crop(image.dark, inner))


def _dark_pixels(light: npt.NDArray[np.uint8], dark: Ink) -> Floats:
    return _density(light[dark >= LEAST_DARK])


def _density(light: npt.NDArray[np.uint8]) -> Floats:
    """Optical densities, (..., 3), of light let through, 0 to 255."""
    return -np.log(np.maximum(light, 4) / 255.0)


def _sample(parts: Sequence[Floats]) -> Floats:
    whole = np.concatenate([np.zeros((0, 3)), *parts])
    return whole[:: max(len(whole) // MOST_SAMPLES, 1)]


def _units(densities: Floats) -> Floats:
    return densities / np.maximum(np.linalg.norm(densities, axis=-1, keepdims=True), 1e-9)


def _direction(densities: Floats) -> Floats:
    middle = np.median(_units(densities), axis=0)
    return middle / np.linalg.norm(middle)


def _angle(one: Floats, other: Floats) -> float:
    return float(np.degrees(np.arccos(np.clip(one @ other, -1, 1))))


def _ink_alone(light: npt.NDArray[np.uint8], print_: Floats, ink: Floats) -> Ink:
    """Darkness, 0 to 255, of the ink alone: in the channel in which it is darkest."""
    density = _density(light)
    amounts = density @ np.linalg.pinv(np.column_stack([print_, ink])).T
    # Neither takes light away from the other: where one would be negative, the other alone explains the pixel.
    amount = np.where(amounts[..., 0] < 0, density @ ink, amounts[..., 1])
    return np.clip(255 * (1 - np.exp(-np.maximum(amount, 0) * ink.max())), 0, 255).astype(np.uint8)
