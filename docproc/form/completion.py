"""Complete combs of which some boxes were not found, because writing covers or breaks their rules.

In:  boxes, and the rules.
Out: the boxes, with those that a comb's even pitch and the rules around them vouch for.

Two neighbors of equal size give the pitch. One step further on stands another box of the comb if rules lie where its
upper, lower and far side should be. It takes the place of what was found there instead: halves of it, or a box that
swallowed it.
"""

from __future__ import annotations

import cv2
import numpy as np

from docproc.form.mending import COMB_ASPECT, EQUAL_SHARE, MEET_PX
from docproc.geometry import Box, Points
from docproc.page import Gray, Ink

LONGEST_COMB = 64  #: Boxes; template.Field allows no more.
NEAR_PX = 7  #: Width of the strip in which a side's rule is looked for.
LEAST_LEVEL = 0.7  #: Share of the upper and of the lower side that must lie on a rule.
LEAST_FAR = 0.5  #: Share of the far side.
MOST_PARTS = 4  #: A wider box beside a comb is another field.
PART_OFF = 0.2  #: How far the width may be from a whole number of boxes, in boxes.
LEAST_PART = 0.75  #: Share of a dividing side, where the pitch says that one is, that must be as dark as a rule:
DEPTH_SHARE = 0.4  #: ... as this share of the comb's own sides,
LEAST_DEPTH = 8  #: ... and by so many gray levels at least.
SAME_SHARE = 0.6  #: A box that lies in another by this share of its area is the same paper.


def completed(quads: list[Points], rules: Ink, filled: Ink, depth: Gray) -> list[Points]:
    """Boxes, each the (4, 2) corners from top left clockwise, with the missing ones of combs added."""
    kernel = np.ones((NEAR_PX, NEAR_PX), np.uint8)
    support = cv2.subtract(cv2.dilate(cv2.bitwise_or(rules, filled), kernel), cv2.erode(filled, kernel))
    deepest = cv2.dilate(depth, np.ones((3, 3), np.uint8))
    quads = [part for quad in quads for part in _parted(quad, quads, deepest)]
    boxes = {index: (quad, Box.around(quad)) for index, quad in enumerate(quads)}
    for before, after in _neighbors(quads):
        if before in boxes and after in boxes:
            _extend(boxes, quads[before], quads[after], support)
        if before in boxes and after in boxes:
            _extend(boxes, quads[after], quads[before], support)
    return [quad for quad, _ in boxes.values()]


def _parted(quad: Points, quads: list[Points], depth: Gray) -> list[Points]:
    """A box as wide as several boxes of the comb that it stands beside, in as many parts; or the box itself."""
    own = Box.around(quad)
    for other in quads:
        beside = Box.around(other) if abs(other[0][1] - quad[0][1]) < own.height else own
        gap = max(beside.left - own.right, own.left - beside.right)
        if beside.width > COMB_ASPECT * beside.height or not -MEET_PX <= gap <= MEET_PX:
            continue
        if abs(beside.top - own.top) > MEET_PX or abs(beside.bottom - own.bottom) > MEET_PX:
            continue
        count = round(own.width / beside.width)
        if not 2 <= count <= MOST_PARTS or abs(own.width / beside.width - count) > PART_OFF:
            continue
        share = np.linspace(0, 1, count + 1)[:, np.newaxis]
        high, low = quad[0] + share * (quad[1] - quad[0]), quad[3] + share * (quad[2] - quad[3])
        level = DEPTH_SHARE * min(_typical(other[0], other[3], depth), _typical(other[1], other[2], depth))
        dark = (depth >= max(level, LEAST_DEPTH)).astype(np.uint8)
        if all(_share(high[n], low[n], dark) >= LEAST_PART for n in range(1, count)):
            return [np.array([high[n], high[n + 1], low[n + 1], low[n]]) for n in range(count)]
    return [quad]


def _neighbors(quads: list[Points]) -> list[tuple[int, int]]:
    """Pairs of touching boxes of one size, each as wide as a single character."""
    if not quads:
        return []
    near = np.array([np.concatenate([quad[0], quad[3]]) for quad in quads])
    pairs = []
    for index, quad in enumerate(quads):
        off = np.abs(near - np.concatenate([quad[1], quad[2]])).max(axis=1)
        off[index] = np.inf
        other = int(off.argmin())
        if off[other] > MEET_PX:
            continue
        one, two = Box.around(quad), Box.around(quads[other])
        if max(one.width, two.width) > COMB_ASPECT * min(one.height, two.height):
            continue
        if min(one.width, two.width) >= (1 - EQUAL_SHARE) * max(one.width, two.width):
            pairs.append((index, other))
    return pairs


def _extend(boxes: dict[int, tuple[Points, Box]], before: Points, last: Points, support: Ink) -> None:
    """Add boxes beyond `last`, as long as rules vouch for them. Changes `boxes`."""
    for _ in range(LONGEST_COMB):
        step = last - before
        quad = last + step
        bounds = Box.around(quad)
        shared = {index: bounds.intersection(other) for index, (_, other) in boxes.items()}
        touched = [index for index, area in shared.items() if area > 0]
        if any(bounds.iou(boxes[index][1]) > SAME_SHARE for index in touched) or not _vouched(quad, step, support):
            return
        for index in touched:
            if shared[index] > SAME_SHARE * min(bounds.area, boxes[index][1].area):
                del boxes[index]
        boxes[max(boxes, default=-1) + 1] = (quad, bounds)
        before, last = last, quad


def _vouched(quad: Points, step: Points, support: Ink) -> bool:
    to_right = step[:, 0].mean() > 0
    far = (quad[1], quad[2]) if to_right else (quad[0], quad[3])
    return (
        _share(quad[0], quad[1], support) >= LEAST_LEVEL
        and _share(quad[3], quad[2], support) >= LEAST_LEVEL
        and _share(*far, support) >= LEAST_FAR
    )


def _share(start: Points, stop: Points, support: Ink) -> float:
    """Share of the way between two corners that lies on rules; 0 where it leaves the image."""
    height, width = support.shape
    points = np.rint(start + np.linspace(0.1, 0.9, 30)[:, np.newaxis] * (stop - start)).astype(int)
    if points.min() < 0 or points[:, 0].max() >= width or points[:, 1].max() >= height:
        return 0.0
    return float((support[points[:, 1], points[:, 0]] > 0).mean())


def _typical(start: Points, stop: Points, depth: Gray) -> float:
    """Median depth on the way between two corners."""
    height, width = depth.shape
    points = np.rint(start + np.linspace(0.15, 0.85, 30)[:, np.newaxis] * (stop - start)).astype(int)
    x, y = np.clip(points[:, 0], 0, width - 1), np.clip(points[:, 1], 0, height - 1)
    return float(np.median(depth[y, x]))
