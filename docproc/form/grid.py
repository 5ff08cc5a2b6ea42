"""Put the boxes of a page in order: which make up a comb, and what row and column each stands in.

In:  the printed boxes of a page.
Out: `Place`s: a comb, or a single box, with its row and column on the page, counted from 1.

Comb or table: a comb is a run of two or more boxes of equal size side by side, each about as wide as a single
character (width at most COMB_ASPECT of the height), with no box of another such run right above or below it. Boxes
that continue downward, column under column, are a table, however narrow.

Rows and columns: boxes that touch make a block (a table, or a box that stands alone). Inside a block, boxes whose
upper corners meet share a row and boxes whose left corners meet share a column, so that a bent or slanted table keeps
its order, and a merged cell counts where it begins. Rows of blocks that stand side by side are one row of the page;
the columns of a block are counted after those of the blocks to its left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from docproc.form.boxes import PrintedBox
from docproc.geometry import Box, Points

COMB_ASPECT = 1.3  #: Width by height: above, a box has room for two digits.
SAME_SIZE = 0.2  #: Neighbors of a comb may differ by this share; perspective and bent paper leave less.
COMB_GAP_SHARE = 0.75  #: Boxes of one comb stand apart by less than this share of their width.
TOUCH_PX = 5.0  #: Boxes that share a rule lie this close: one is measured to the middle of the rule from each side.
MEET_SHARE = 0.3  #: Corners meet within this share of the smaller box.
HOLDS_SHARE = 0.25  #: A frame is no field where boxes inside it cover this share of it.


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A comb, or a single box, and where it stands on the page."""

    boxes: tuple[int, ...]  #: Indices of its boxes, left to right.
    corners: Points  #: (4, 2) of the whole, in the upright frame.
    row: int
    column: int

    @property
    def is_comb(self) -> bool:
        """Whether it is a run of boxes."""
        return len(self.boxes) > 1


def arrange(boxes: Sequence[PrintedBox]) -> tuple[Place, ...]:
    """Join boxes to combs, leave out frames around other boxes, and count rows and columns. In reading order."""
    bounds = [box.bounds for box in boxes]
    kept = _without_frames(bounds)
    runs = _comb_runs(boxes, kept)
    in_run = {index for run in runs for index in run}
    units = [*runs, *((index,) for index in kept if index not in in_run)]
    corners = [_whole(boxes, unit) for unit in units]
    numbers = _numbered(corners)
    places = [
        Place(boxes=unit, corners=quad, row=row, column=column)
        for unit, quad, (row, column) in zip(units, corners, numbers, strict=True)
    ]
    return tuple(sorted(places, key=lambda place: (place.row, place.column)))


def _whole(boxes: Sequence[PrintedBox], unit: tuple[int, ...]) -> Points:
    first, last = boxes[unit[0]].corners, boxes[unit[-1]].corners
    return np.array([first[0], last[1], last[2], first[3]])


def _without_frames(bounds: Sequence[Box]) -> list[int]:
    """Indices of boxes that are neither frames around others nor specks (letters' bowls) inside one."""
    inside: dict[int, list[int]] = {}
    order = sorted(range(len(bounds)), key=lambda index: bounds[index].area)
    for position, small in enumerate(order):
        for large in order[position + 1 :]:
            if bounds[large].contains(bounds[small], slack=2.0) and bounds[large].area > 1.5 * bounds[small].area:
                inside.setdefault(large, []).append(small)
                break
    dropped: set[int] = set()
    for large in reversed(order):
        held = inside.get(large, [])
        if large in dropped or not held:
            continue
        if sum(bounds[small].area for small in held) >= HOLDS_SHARE * bounds[large].area:
            dropped.add(large)
        else:
            dropped.update(held)
    return [index for index in range(len(bounds)) if index not in dropped]


def _comb_runs(boxes: Sequence[PrintedBox], kept: Sequence[int]) -> list[tuple[int, ...]]:
    """Runs of two and more single-character boxes side by side that do not continue downward."""
    narrow = [index for index in kept if boxes[index].width <= COMB_ASPECT * boxes[index].height]
    follower: dict[int, int] = {}
    if narrow:
        quads = np.array([boxes[index].corners for index in narrow])
        size = np.array([(boxes[index].width, boxes[index].height) for index in narrow])
        for at, index in enumerate(narrow):
            gaps = _comb_gaps(quads[at], size[at], quads, size)
            gaps[at] = np.inf
            if np.isfinite(gaps).any():
                follower[index] = narrow[int(gaps.argmin())]
    heads = [index for index in narrow if index not in set(follower.values())]
    runs = []
    for head in heads:
        run = [head]
        while run[-1] in follower and follower[run[-1]] not in run:
            run.append(follower[run[-1]])
        if len(run) > 1:
            runs.append(tuple(run))
    return [run for run in runs if not _continues_downward(boxes, run, runs)]


def _comb_gaps(
    quad: Points, size: npt.NDArray[np.float64], quads: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(N,) space from a box to each other one as its next in a comb; infinity where they do not belong together."""
    larger, smaller = np.maximum(size, sizes), np.minimum(size, sizes)
    alike = (smaller >= (1 - SAME_SIZE) * larger).all(axis=1)
    high, low = quads[:, 0] - quad[1], quads[:, 3] - quad[2]
    off = np.maximum(np.abs(high[:, 1]), np.abs(low[:, 1]))
    space = (high[:, 0] + low[:, 0]) / 2
    near = (space >= -TOUCH_PX) & (space <= COMB_GAP_SHARE * larger[:, 0])
    return np.where(alike & near & (off <= np.maximum(TOUCH_PX, 0.15 * larger[:, 1])), space, np.inf)


def _continues_downward(boxes: Sequence[PrintedBox], run: tuple[int, ...], runs: Iterable[tuple[int, ...]]) -> bool:
    """Whether two or more boxes of another run stand right above or below boxes of this one."""
    for other in runs:
        if other is run:
            continue
        for upper, lower in ((run, other), (other, run)):
            feet = np.array([boxes[index].corners[3] for index in upper])
            heads = np.array([boxes[index].corners[0] for index in lower])
            meet = np.abs(feet[:, np.newaxis] - heads).max(axis=2) <= TOUCH_PX
            if np.count_nonzero(meet.any(axis=1)) >= 2:
                return True
    return False


def _numbered(corners: Sequence[Points]) -> list[tuple[int, int]]:
    """Row and column, from 1, of each place; no two alike."""
    count = len(corners)
    bounds = [Box.around(quad) for quad in corners]
    touching = [(a, b) for a in range(count) for b in range(a + 1, count) if _touch(bounds[a], bounds[b])]
    block_of = _classes(count, touching)
    rows = _lines(corners, bounds, touching, block_of, axis=1)
    columns = _lines(corners, bounds, touching, block_of, axis=0)
    bands = _bands(bounds, rows, block_of)
    offset = _column_offsets(bounds, columns, block_of, bands)
    taken: set[tuple[int, int]] = set()
    numbers = []
    for index in sorted(range(count), key=lambda i: (bands[i], offset[block_of[i]] + columns[i], bounds[i].top)):
        row, column = bands[index] + 1, offset[block_of[index]] + columns[index] + 1
        while (row, column) in taken:
            column += 1
        taken.add((row, column))
        numbers.append((index, (row, column)))
    return [number for _, number in sorted(numbers)]


def _touch(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    if min(across, down) < -TOUCH_PX or max(across, down) <= 0:
        return False
    return across >= MEET_SHARE * min(one.width, other.width) or down >= MEET_SHARE * min(one.height, other.height)


def _lines(
    corners: Sequence[Points],
    bounds: Sequence[Box],
    touching: Iterable[tuple[int, int]],
    block_of: Sequence[int],
    *,
    axis: int,
) -> list[int]:
    """Number, from 0, of each place's row (axis 1) or column (axis 0) inside its block."""
    # Rows run on from a place's right upper corner to its neighbor's left one; columns from lower left to upper left.
    far = 1 if axis == 1 else 3
    size = [box.height if axis == 1 else box.width for box in bounds]

    def meet(a: int, b: int) -> bool:
        off = min(abs(corners[a][far][axis] - corners[b][0][axis]), abs(corners[b][far][axis] - corners[a][0][axis]))
        apart = min(
            abs(corners[a][far][1 - axis] - corners[b][0][1 - axis]),
            abs(corners[b][far][1 - axis] - corners[a][0][1 - axis]),
        )
        return bool(off <= MEET_SHARE * min(size[a], size[b]) and apart <= 3 * TOUCH_PX)

    line_of = _classes(len(corners), [(a, b) for a, b in touching if meet(a, b)])
    start = _mean_by(line_of, [float(quad[0][axis]) for quad in corners])
    smallest = _min_by(line_of, size)
    number = [0] * len(corners)
    for block in set(block_of):
        members = [index for index in range(len(corners)) if block_of[index] == block]
        lines = sorted({line_of[index] for index in members}, key=lambda line: start[line])
        ordinal: dict[int, int] = {}
        last: int | None = None
        for line in lines:
            # Parts of one line that a merged cell separates begin at the same place.
            same = last is not None and start[line] - start[last] <= MEET_SHARE * min(smallest[line], smallest[last])
            ordinal[line] = max(ordinal.values(), default=-1) + (0 if same else 1)
            last = last if same else line
        for index in members:
            number[index] = ordinal[line_of[index]]
    return number


def _bands(bounds: Sequence[Box], rows: Sequence[int], block_of: Sequence[int]) -> list[int]:
    """Row of the page, from 0: rows of different blocks are one where their middles are level."""
    lines = sorted({(block, row) for block, row in zip(block_of, rows, strict=True)})
    members = {line: [i for i in range(len(bounds)) if (block_of[i], rows[i]) == line] for line in lines}
    height = {line: min(bounds[i].height for i in members[line]) for line in lines}
    middle = {line: float(np.mean([bounds[i].top for i in members[line]])) + height[line] / 2 for line in lines}
    bands: list[list[tuple[int, int]]] = []
    for line in sorted(lines, key=lambda line: middle[line]):
        for band in bands[-3:]:
            near = np.mean([middle[other] for other in band])
            low = min(height[other] for other in [*band, line])
            if abs(middle[line] - near) <= 0.5 * low and all(other[0] != line[0] for other in band):
                band.append(line)
                break
        else:
            bands.append([line])
    of_line = {line: number for number, band in enumerate(bands) for line in band}
    return [of_line[line] for line in zip(block_of, rows, strict=True)]


def _column_offsets(
    bounds: Sequence[Box], columns: Sequence[int], block_of: Sequence[int], bands: Sequence[int]
) -> dict[int, int]:
    """How many columns stand to the left of each block, in the rows of the page that it takes part in."""
    blocks = sorted(set(block_of))
    members = {block: [i for i in range(len(bounds)) if block_of[i] == block] for block in blocks}
    whole = {block: Box.union(bounds[i] for i in members[block]) for block in blocks}
    offset: dict[int, int] = {}
    for block in sorted(blocks, key=lambda block: whole[block].left):
        own = {bands[i] for i in members[block]}
        offset[block] = max(
            (
                offset[other] + 1 + max(columns[i] for i in members[other])
                for other in offset
                if own & {bands[i] for i in members[other]}
            ),
            default=0,
        )
    return offset


def _classes(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Union-find: the same number for members that pairs connect."""
    parent = list(range(count))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for a, b in pairs:
        parent[root(a)] = root(b)
    return [root(index) for index in range(count)]


def _mean_by(keys: Sequence[int], values: Sequence[float]) -> dict[int, float]:
    return _by(keys, values, lambda group: float(np.mean(group)))


def _min_by(keys: Sequence[int], values: Sequence[float]) -> dict[int, float]:
    return _by(keys, values, min)


def _by(keys: Sequence[int], values: Sequence[float], join: Callable[[list[float]], float]) -> dict[int, float]:
    groups: dict[int, list[float]] = {}
    for key, value in zip(keys, values, strict=True):
        groups.setdefault(key, []).append(value)
    return {key: join(group) for key, group in groups.items()}
