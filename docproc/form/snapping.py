"""Move each field onto its own printed box, since paper bends and printers shrink.

In:  a page, and fields that lie right to about 2 mm.
Out: a `Snap` for each: the map of its neighborhood, moved and slightly stretched onto the rules that were found.
A rule is a thin dark line with paper on both sides, as long as the box says: writing is not. Where the rules are not
clear, a field follows its neighbors; what to do where no field has rules is docproc.form.registration's subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from docproc.form.bend import Bend
from docproc.form.location import LocatedField
from docproc.form.pyramid import Pyramid
from docproc.geometry import Box, Transform
from docproc.histogram import percentiles
from docproc.template import Field

SEARCH_MM = 2.0  #: Rules are sought this far from where the map puts them.
SEARCH_OF_PITCH = 0.42  #: ... but nearer than to the next tooth of a comb, which looks the same.
NARROW_MM = 0.6  #: The same, where neighbors have told where to look.
MARGIN_MM = 1.5  #: Paper shown around the search: a rule needs paper on both sides.
PX_PER_MM = (4.0, 8.0)  #: Fields are looked at as fine as the page is, within these.
RULE_SIDE_MM = 0.7  #: Paper is expected this far from a rule's middle: rules are up to about 1 mm wide.
SMOOTHING_MM = 0.8  #: Averaging along a rule: noise and dots of a screen print go, the rule stays.
DARKNESS = 0.18  #: A rule is darker than the paper beside it by this share of the field's own contrast.
LEAST_CONTRAST = 25.0  #: Gray levels; less is bare paper.
TOOTH = 0.3  #: Of a comb's height: teeth are at least this long.
JITTER_MM = 0.25  #: Rules of one box may miss its common shift by this: stretched paper, hand-measured templates.
LEAST_COVERAGE = 0.55  #: Of a rule's length that must be there.
LEAST_FOUND = 0.6  #: Of a box's rules in one direction.
LONE_COVERAGE = 0.75  #: ... of one rule alone, which is believed if nothing else near it looks like one.
LONE_RIVAL = 0.6  #: Share of its coverage that a rival may have.
FAR_PENALTY = 0.06  #: Coverage that a rule loses for each mm of shift: of two alike, the nearer is meant.
LARGEST_STRETCH = 0.03  #: Of a box: more is another rule.
EVERY_MM = 0.5  #: Rules nearer to each other than this are one.
NEIGHBOR_MISS_MM = 0.8  #: A field that moves otherwise than its neighbors say by more has found something else.
LEAST_NEIGHBORS = 4  #: Fewer neighbors cannot outvote a field.


@dataclass(frozen=True, slots=True)
class Axis:
    """What the rules of one direction say: bent = offset_mm + form * stretch, measured from the box's middle."""

    offset_mm: float
    stretch: float
    found: int  #: Rules that are there.


@dataclass(frozen=True, slots=True)
class Snap:
    """A field, moved."""

    located: LocatedField
    across: Axis | None  #: From the vertical rules; None where they are not clear.
    along: Axis | None  #: From the horizontal ones.

    @property
    def is_clear(self) -> bool:
        """Whether the field's own rules were found in both directions."""
        return self.across is not None and self.along is not None

    @property
    def found(self) -> int:
        """Rules found."""
        return sum(axis.found for axis in (self.across, self.along) if axis is not None)

    @property
    def sought(self) -> int:
        """Rules that the field's box should have."""
        return sum(len(rules) for rules in rules_of(self.located.field))

    @property
    def shift_mm(self) -> tuple[float, float]:
        """How far the rules moved the field's middle, 0 where they are not clear."""
        return (
            self.across.offset_mm if self.across is not None else 0.0,
            self.along.offset_mm if self.along is not None else 0.0,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A field and its surroundings, upright, as evidence of rules: 0 to 1 for each pixel."""

    window: Box  #: What it shows, in mm of the form.
    px_per_mm: float
    vertical: npt.NDArray[np.float32]
    horizontal: npt.NDArray[np.float32]


def snap_fields(page: Pyramid, located: Sequence[LocatedField], *, search_mm: float = SEARCH_MM) -> tuple[Snap, ...]:
    """Snap every field, each checked against its neighbors.

    `search_mm`, at most SEARCH_MM, is how far the fields may lie off.
    """
    views = [_view(page, field) for field in located]
    first = [_snap(field, view, (0.0, 0.0), search_mm) for field, view in zip(located, views, strict=True)]
    clear = [number for number, snap in enumerate(first) if snap.is_clear]
    centers = np.array([field.field.box.center for field in located])
    shifts = np.array([snap.shift_mm for snap in first])
    result = []
    for number, snap in enumerate(first):
        others = [other for other in clear if other != number]
        if len(others) < LEAST_NEIGHBORS:
            result.append(snap)
            continue
        bend = Bend(centers[others], _without_outliers(shifts[others]))
        near = bend.near(*centers[number])
        expected = (near @ centers[number : number + 1])[0] - centers[number]
        if snap.is_clear and np.hypot(*(shifts[number] - expected)) < NEIGHBOR_MISS_MM:
            result.append(snap)
            continue
        again = _snap(located[number], views[number], (float(expected[0]), float(expected[1])), NARROW_MM)
        result.append(again)
    return tuple(result)


def _without_outliers(shifts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shifts far from the median of all are replaced by it."""
    median = np.median(shifts, axis=0)
    wild = np.hypot(*(shifts - median).T) > SEARCH_MM / 2 + NEIGHBOR_MISS_MM
    return np.where(wild[:, np.newaxis], median, shifts)


def _view(page: Pyramid, located: LocatedField) -> _View:
    box = located.field.box
    px_per_mm = float(np.clip(located.page_from_form.scale_at(*box.center), *PX_PER_MM))
    window = box.grown(SEARCH_MM + MARGIN_MM)
    size = (round(window.width * px_per_mm), round(window.height * px_per_mm))
    view_from_form = (
        Transform.translation(-0.5, -0.5)
        @ Transform.scaling(px_per_mm)
        @ Transform.translation(-window.left, -window.top)
    )
    near, near_from_page = page.near(px_per_mm / located.page_from_form.scale_at(*box.center))
    picture = cv2.warpPerspective(
        near,
        (near_from_page @ located.page_from_form @ view_from_form.inverse()).matrix,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    outline = located.page_from_form @ box.corners()
    if np.any(outline < 0) or np.any(outline > np.array(page.gray.shape[::-1]) - 1):
        nothing = np.zeros(size[::-1], np.float32)  # a box that the image cuts shows the image's edge, not its own
        return _View(window, px_per_mm, nothing, nothing)
    light = picture.astype(np.float32)
    bright, dark = percentiles(picture, 90, 2)
    contrast = max(bright - dark, LEAST_CONTRAST)
    side = max(round(RULE_SIDE_MM * px_per_mm), 2)
    length = max(round(SMOOTHING_MM * px_per_mm), 3)
    return _View(
        window,
        px_per_mm,
        _ridges(light, side, length, contrast),
        _ridges(np.ascontiguousarray(light.T), side, length, contrast).T,
    )


def _ridges(light: npt.NDArray[np.float32], side: int, length: int, contrast: float) -> npt.NDArray[np.float32]:
    """How clearly each pixel stands on a vertical rule, 0 to 1."""
    padded = cv2.copyMakeBorder(cv2.blur(light, (1, length)), 0, 0, side, side, cv2.BORDER_REPLICATE)
    width = light.shape[1]
    beside = np.minimum(padded[:, :width], padded[:, 2 * side : 2 * side + width])
    depth = beside - padded[:, side : side + width]
    return np.clip(depth / (contrast * DARKNESS), 0, 1)


def _snap(located: LocatedField, view: _View, expected: tuple[float, float], search_mm: float) -> Snap:
    """Twice, where it moves: what is found across tells where to look along, and the other way round."""
    box = located.field.box
    xs, ys = rules_of(located.field)
    shift = list(expected)
    across = along = None
    for _ in range(2):
        before = tuple(shift)
        columns = _slice(box.left + shift[0], box.right + shift[0], view.window.left, view)
        # A comb's teeth may be short: then they stand on its lower rule.
        for top in (box.top, box.bottom - TOOTH * box.height):
            rows = _slice(top + shift[1], box.bottom + shift[1], view.window.top, view)
            profile = view.vertical[rows].mean(axis=0)
            across = _axis(profile, xs, view.window.left, view.px_per_mm, expected[0], search_mm)
            if across is not None or located.field.kind != "comb":
                break
        along = _axis(
            view.horizontal[:, columns].mean(axis=1), ys, view.window.top, view.px_per_mm, expected[1], search_mm
        )
        shift = [
            expected[0] if across is None else across.offset_mm,
            expected[1] if along is None else along.offset_mm,
        ]
        if max(abs(shift[0] - before[0]), abs(shift[1] - before[1])) < JITTER_MM:
            break  # the same pixels are looked at, as far as it matters
    middle_x, middle_y = box.center
    stretch_x = across.stretch if across is not None else 1.0
    stretch_y = along.stretch if along is not None else 1.0
    moved = Transform.of(
        [
            [stretch_x, 0, middle_x + shift[0] - stretch_x * middle_x],
            [0, stretch_y, middle_y + shift[1] - stretch_y * middle_y],
            [0, 0, 1],
        ]
    )
    snapped = LocatedField(located.field, located.page_from_form @ moved)
    return Snap(snapped, across, along)


def rules_of(field: Field) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where a field's vertical rules stand (x) and its horizontal ones lie (y), in mm."""
    edges = sorted(edge for cell in field.cell_boxes() for edge in (cell.left, cell.right))
    merged: list[list[float]] = []
    for edge in edges:
        if merged and edge - merged[-1][-1] < EVERY_MM:
            merged[-1].append(edge)
        else:
            merged.append([edge])
    return np.array([np.mean(group) for group in merged]), np.array([field.box.top, field.box.bottom])


def _slice(start_mm: float, stop_mm: float, origin_mm: float, view: _View) -> slice:
    start = round((start_mm - origin_mm) * view.px_per_mm)
    stop = round((stop_mm - origin_mm) * view.px_per_mm)
    return slice(max(start, 0), max(stop, start + 2, 2))


def _axis(
    profile: npt.NDArray[np.float32],
    rules_mm: npt.NDArray[np.float64],
    origin_mm: float,
    px_per_mm: float,
    expected_mm: float,
    search_mm: float,
) -> Axis | None:
    """The shift and stretch that put a box's rules onto dark lines; None where the lines are not clear."""
    reach = min(search_mm, SEARCH_OF_PITCH * float(np.diff(rules_mm).min()))
    steps = np.arange(-reach, reach + 1e-9, 0.5 / px_per_mm) + expected_mm
    jitter = max(round(JITTER_MM * px_per_mm), 1)
    widened = cv2.dilate(profile.reshape(1, -1), np.ones((1, 2 * jitter + 1), np.uint8)).ravel()
    places = (rules_mm[np.newaxis] + steps[:, np.newaxis] - origin_mm) * px_per_mm - 0.5
    coverage = np.interp(places, np.arange(len(widened)), widened)
    # The widened profile is flat around its peaks; a little of the plain one tells their middle.
    plain = np.interp(places, np.arange(len(profile)), profile)
    score = (coverage + 0.5 * plain).mean(axis=1) - FAR_PENALTY * np.abs(steps - expected_mm)
    best = int(score.argmax())
    there = coverage[best] >= LEAST_COVERAGE
    found = int(there.sum())
    if found >= 2 and found >= LEAST_FOUND * len(rules_mm):
        return _fitted(profile, rules_mm, places[best], there, jitter, origin_mm, px_per_mm)
    return _lone(coverage, steps, rules_mm)


def _fitted(
    profile: npt.NDArray[np.float32],
    rules_mm: npt.NDArray[np.float64],
    places: npt.NDArray[np.float64],
    there: npt.NDArray[np.bool_],
    jitter: int,
    origin_mm: float,
    px_per_mm: float,
) -> Axis | None:
    middle = (rules_mm[0] + rules_mm[-1]) / 2
    seen = np.array([_middle(profile, place, jitter) for place in places[there]])
    seen_mm = (seen + 0.5) / px_per_mm + origin_mm
    from_middle = rules_mm[there] - middle
    stretch, offset = np.polyfit(from_middle, seen_mm - middle, 1)
    if abs(stretch - 1) > LARGEST_STRETCH:
        stretch, offset = 1.0, float(np.median(seen_mm - middle - from_middle))
    return Axis(float(offset), float(stretch), int(there.sum()))


def _middle(profile: npt.NDArray[np.float32], place: float, jitter: int) -> float:
    """The middle of the line nearest to a place."""
    around = slice(max(round(place) - jitter, 0), round(place) + jitter + 1)
    peak = around.start + int(profile[around].argmax())
    flank = slice(max(peak - jitter, 0), peak + jitter + 1)
    weight = profile[flank] * (profile[flank] > 0.5 * profile[peak])
    return float((weight * np.arange(flank.start, flank.start + len(weight))).sum() / max(weight.sum(), 1e-6))


def _lone(
    coverage: npt.NDArray[np.float64], steps: npt.NDArray[np.float64], rules_mm: npt.NDArray[np.float64]
) -> Axis | None:
    """One rule where several are sought is believed if it is long and nothing else near looks like a rule."""
    step, rule = np.unravel_index(int(coverage.argmax()), coverage.shape)
    if coverage[step, rule] < LONE_COVERAGE:
        return None
    away = np.abs(rules_mm[np.newaxis] + steps[:, np.newaxis] - rules_mm[rule] - steps[step]) > 2 * JITTER_MM + 0.3
    if np.any(coverage[away] > LONE_RIVAL * coverage[step, rule]):
        return None
    plateau = np.flatnonzero(coverage[:, rule] >= coverage[step, rule] - 1e-6)
    return Axis(float(steps[plateau].mean()), 1.0, 1)
