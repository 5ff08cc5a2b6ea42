"""Paint marks on paper, capture the sheet badly, and let the pipeline cut it: glyphs as processing will see them.

In:  marks on canvases, (64, 64) uint8 ink, their classes, and chance.
Out: `Painted`: glyphs (N, 28, 28) uint8 that came through `fields.propose` and the normalizer, with labels.
What a sheet looks like is in `papers`, `rulings`, `arrangement` and `exposure`; what a cut glyph shows is decided in
`attribution`: a glyph in which a person would not see its label has none, and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.character.card import CLASSES, DIGITS, OTHER
from docproc.character.normalization import normalize_all
from docproc.fields import Proposal, propose
from docproc.form.location import LocatedField
from docproc.geometry import Box, Transform
from docproc.page import Ink, Page, PageRef
from docproc.template import Field
from docproc.training.digits.augmentation import GLYPH_PX
from docproc.training.painting.arrangement import PX_PER_MM, Arrangement, Placed, arrange
from docproc.training.painting.attribution import Found, attribute
from docproc.training.painting.exposure import WAY_SHARES, WAYS, Way, expose
from docproc.training.painting.papers import KINDS, Planes, Rgb, bare_paper, lay, smooth_field

#: How often each paper of `papers.KINDS` is used.
PAPER_SHARES = (0.36, 0.1, 0.09, 0.06, 0.06, 0.05, 0.05, 0.04, 0.05, 0.06, 0.08)
_DIGIT_PX = (25.0, 0.42)  #: Height of digits on the page: median, and standard deviation of its logarithm.
_DIGIT_LIMITS_PX = (9.0, 60.0)
SHARPEST_PX = 30.0  #: Digits are drawn at least this high, and reduced: that is how a coarse scan comes about.
PEN_PX = (1.6, 5.5)  #: Width of strokes on a canvas: from a fine ballpoint to a felt pen.
PEN_SHARE = 0.8  #: Of sheets: written with one pen; on the others strokes stay as they are.
LEAST_PEN_PX = 1.1  #: On the page: thinner strokes are lost in a coarse scan.
_MOST_INK = 2.0  #: Times the ink before: a bold digit made bolder is a blot.
_SOLID = 64  #: Of a canvas: ink from which a pixel is its stroke's.
_AFAR_PX = 2.0  #: On a canvas: a blur under which shapes are compared,
_ALIKE = 0.92  #: and the cosine from which they are the same.
_THINNEST_PERCENTILE = 5  #: Of half the width along a stroke: its thinnest place, single pixels left out,
_LEAST_HALF_PX = 1.3  #: of which so much must remain on the canvas.
_PENS: tuple[Rgb, ...] = (
    (25, 25, 30),
    (30, 45, 140),
    (20, 60, 170),
    (60, 60, 66),
    (90, 30, 40),
    (30, 80, 60),
    (70, 45, 30),
)
_PRINTS: tuple[Rgb, ...] = (
    (20, 20, 20),
    (90, 90, 90),
    (240, 130, 150),
    (120, 180, 230),
    (245, 160, 70),
    (60, 140, 80),
)
_PRINT_SHARES = (0.52, 0.14, 0.1, 0.1, 0.08, 0.06)
_OFF_SHARE = 0.014  #: Of a field's height: by how much registration misses it (standard deviation),
_OFF_LIMIT = 0.04  #: and at most.
_TWIN_DROP = 0.35  #: Of marks that were kept already.
_CUT_OTHERS = 0.12  #: Of a sheet's glyphs: at most so many merged ones and remnants, which are easily made.

_OTHER = CLASSES.index(OTHER)


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """Glyphs that the pipeline cut from painted sheets."""

    glyphs: npt.NDArray[np.uint8]  #: (N, 28, 28).
    labels: npt.NDArray[np.uint8]  #: (N,), indices into `character.card.CLASSES`.
    sources: npt.NDArray[np.int16]  #: (N,), index of the source that a digit came from; -1 for all else.

    def __len__(self) -> int:
        return len(self.labels)

    @staticmethod
    def joined(parts: Sequence[Painted]) -> Painted:
        """One after the other; none gives an empty one."""
        return Painted(
            np.concatenate([np.zeros((0, 28, 28), np.uint8), *(part.glyphs for part in parts)]),
            np.concatenate([np.zeros(0, np.uint8), *(part.labels for part in parts)]),
            np.concatenate([np.zeros(0, np.int16), *(part.sources for part in parts)]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A painted page, what the pipeline proposed on it, and what each glyph is."""

    page: Page
    placed: tuple[Placed, ...]
    proposals: tuple[Proposal, ...]
    found: tuple[tuple[Found, ...], ...]  #: For each proposal, for each glyph.
    paper: str
    way: Way


def paint_sheet(
    canvases: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    sources: npt.NDArray[np.int16] | None = None,
) -> Painted:
    """Paint one sheet, cut it, and label what was cut.

    Parameters
    ----------
    canvases : (M, 64, 64) uint8
        Ink of marks; about 60 to 120 make a good sheet.
    labels : (M,) uint8
        Their classes.
    rng : Generator
        Decides everything.
    sources : (M,) int16, optional
        Where each mark is from; -1 for all if left out.

    Returns
    -------
    Painted
        At most about M glyphs, in the order of the fields on the sheet.
    """
    sheet = make_sheet(canvases, labels, rng)
    origins = np.full(len(labels), -1, np.int16) if sources is None else sources
    inks: list[Ink] = []
    kept: list[tuple[int, int]] = []
    cut_others = 0
    seen: set[int] = set()
    most = max(round(_CUT_OTHERS * len(labels)), 1)
    for proposal, founds in zip(sheet.proposals, sheet.found, strict=True):
        for glyph, found in zip(proposal.glyphs, founds, strict=True):
            if found.kind == "mark":
                # Cells are cut in two ways; of glyphs that are nearly equal one teaches nearly as much.
                if found.mark in seen and rng.random() < _TWIN_DROP:
                    continue
                seen.add(found.mark)
                kept.append((int(labels[found.mark]), int(origins[found.mark])))
            elif found.kind in ("merged", "empty") and cut_others < most and rng.random() < 0.5:
                cut_others += 1
                kept.append((_OTHER, -1))
            else:
                continue
            inks.append(glyph.ink)
    return Painted(
        normalize_all(inks),
        np.array([label for label, _ in kept], np.uint8),
        np.array([origin for _, origin in kept], np.int16),
    )


def make_sheet(
    canvases: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    paper: str | None = None,
    way: Way | None = None,
) -> Sheet:
    """Paint one sheet and cut it; `paper` and `way` are drawn where they are not given."""
    way = way or WAYS[int(rng.choice(len(WAYS), p=WAY_SHARES))]
    paper = paper or ("plain" if way == "clean" else KINDS[int(rng.choice(len(KINDS), p=PAPER_SHARES))])
    digit_px = drawn_height(rng)
    drawn_px = max(digit_px, SHARPEST_PX)
    marks = list(canvases)
    # A scan that is coarse for its pen shows nothing: then the pen is thicker.
    least_px = LEAST_PEN_PX * GLYPH_PX / digit_px
    pen_px = float(np.exp(rng.uniform(*np.log(PEN_PX)))) if rng.random() < PEN_SHARE else 0.0
    if max(pen_px, least_px) > PEN_PX[0]:
        pen_px = max(pen_px, least_px)
        widths = pen_px * np.clip(rng.normal(1, 0.08, len(marks)), 0.8, 1.2)
        # Of an overwritten digit a thick pen leaves one digit: such marks stay as they were drawn.
        marks = [
            mark if label == _OTHER else write_with(mark, float(width))
            for mark, label, width in zip(marks, labels, widths, strict=True)
        ]
    is_digit = labels < len(DIGITS)
    arrangement = arrange(marks, is_digit, rng, digit_px=drawn_px)
    planes = printed_and_written(arrangement, paper, way, drawn_px, rng)
    pixels, page_from_sheet = expose(
        planes, way=way, digit_px=digit_px, reduction=min(digit_px / drawn_px, 1.0), rng=rng
    )
    page = Page(ref=PageRef(source="", path="", index=0, sha256=""), pixels=pixels, dpi=None)
    located = [located_field(placed, page_from_sheet, rng) for placed in arrangement.fields]
    proposals = propose(page, located)
    areas = np.bincount(arrangement.owner.ravel(), minlength=len(marks) + 1)
    found = tuple(
        tuple(attribute(proposal, arrangement.ink, arrangement.owner, areas, page_from_sheet, marks=len(marks)))
        for proposal in proposals
    )
    return Sheet(page, tuple(arrangement.fields), proposals, found, paper, way)


def drawn_height(rng: np.random.Generator) -> float:
    """Height of a sheet's digits on its page, in pixels."""
    return float(np.clip(rng.lognormal(np.log(_DIGIT_PX[0]), _DIGIT_PX[1]), *_DIGIT_LIMITS_PX))


def write_with(canvas: Ink, pen_px: float) -> Ink:
    """A mark as another pen would have written it: strokes about `pen_px` wide on the canvas, shape kept.

    The width of the strokes is four times the mean distance of their pixels from paper.
    """
    solid = (canvas > _SOLID).astype(np.uint8)
    if not solid.any():
        return canvas
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, 3)
    outside = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 3)
    width = 4 * float(inside[solid > 0].mean()) - 1
    ridge = inside[(solid > 0) & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)))]
    # Where the stroke is thinnest it must not break.
    thinnest = float(np.percentile(ridge, _THINNEST_PERCENTILE))
    grow = max((pen_px - width) / 2, min(_LEAST_HALF_PX - thinnest, 0.0))
    distance = cv2.GaussianBlur(inside - outside, (0, 0), 0.7)
    for share in (1.0, 0.5):
        changed = cv2.convertScaleAbs(np.clip(distance + np.float32(share * grow), 0, 1), alpha=255.0)
        if is_alike(changed, canvas):
            return changed
    return canvas


def is_alike(changed: Ink, canvas: Ink) -> bool:
    """Whether a mark is still what it was: no loop filled, no stroke lost."""
    if not 0 < int(changed.sum()) <= _MOST_INK * int(canvas.sum()):
        return False
    if _pieces(changed) != _pieces(canvas):
        return False
    a, b = (cv2.GaussianBlur(ink, (0, 0), _AFAR_PX).astype(np.float32).ravel() for ink in (changed, canvas))
    return float(a @ b) >= _ALIKE * float(np.sqrt((a @ a) * (b @ b)))


def _pieces(ink: Ink) -> tuple[int, int]:
    """Connected parts of ink, and of paper."""
    solid = (ink > _SOLID).astype(np.uint8)
    return cv2.connectedComponents(solid, connectivity=8)[0], cv2.connectedComponents(1 - solid, connectivity=4)[0]


def printed_and_written(
    sheet: Arrangement, paper: str, way: Way, digit_px: float, rng: np.random.Generator
) -> Planes:
    """What a camera would see of a sheet: paper, what is printed on it, and what is written, in one pen's color."""
    size = sheet.ink.shape
    color = way in ("color", "photo")
    planes = bare_paper((size[0], size[1]), rng, digit_px=digit_px, color=color, kind=paper)
    lay(planes, sheet.print_, _PRINTS[int(rng.choice(len(_PRINTS), p=_PRINT_SHARES))])
    depth = float(rng.uniform(0.75, 1.0) if rng.random() < 0.75 else rng.uniform(0.45, 0.75))
    ink = cv2.convertScaleAbs(sheet.ink, alpha=depth)
    if rng.random() < 0.4:  # uneven pressure
        nodes = max(round(max(size) / digit_px), 2)
        pressure = smooth_field((size[0], size[1]), rng, nodes=nodes, low=float(rng.uniform(0.65, 0.95)), high=1.0)
        ink = cv2.multiply(ink, pressure, dtype=cv2.CV_8U)
    lay(planes, ink, _PENS[int(rng.integers(len(_PENS)))])
    return planes


def located_field(placed: Placed, page_from_sheet: Transform, rng: np.random.Generator) -> LocatedField:
    """A field where registration would put it: nearly right."""
    box = placed.box.scaled(1 / PX_PER_MM)
    free, comb = placed.family.startswith("free"), placed.cells > 1
    field = Field(
        name="painted",
        kind="free" if free else "comb" if comb else "cell",
        box=Box(box.left, box.top, box.width, box.height),
        cells=placed.cells,
        cell_gap_mm=placed.gap / PX_PER_MM,
    )
    off = np.clip(rng.normal(0, _OFF_SHARE, 2), -_OFF_LIMIT, _OFF_LIMIT) * placed.box.height
    if placed.family == "tight":  # its error is in its box
        off = off * 0
    # Pixel centers are whole numbers: the sheet's edge lies half a pixel before the first.
    sheet_from_form = Transform.translation(off[0] - 0.5, off[1] - 0.5) @ Transform.scaling(PX_PER_MM)
    return LocatedField(field, page_from_sheet @ sheet_from_form, ruled=placed.ruled)
