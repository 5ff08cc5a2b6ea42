"""The shapes that digits are written in: stroke models by style, so made that no style can be read as another digit.

In:  a `Habit`, which says how far between its bounds each measure of a shape lies.
Out: strokes, each a list of control points (x, y): the digit is 1 high, y down, and as wide as its style makes it.
A control point given twice is a corner (`corner`); all others are rounded when they are drawn. The bounds keep what
tells digits apart: a 1's upstroke climbs by 45 degrees and more, or by 42 where it starts below the middle, and a 7's
top meets its stem level; an open 4 stays open at the top and its bar crosses the stem, a 9's bowl closes but for a
pen's width; a 6 has two fifths of its height above its bowl, a 0 nothing; a 5 and a 3 stay open at the left, an 8
does not.
"""

from __future__ import annotations

from collections.abc import Callable

from docproc.training.digits.strokes import Point, Stroke, arc, corner

Habit = Callable[[float, float], float]  #: (low, high) -> where a writer puts a measure, between the two.


def zero(h: Habit, sweep: tuple[float, float], shrink: tuple[float, float] = (1.0, 1.0)) -> list[Stroke]:
    """An oval from the top round to the left, over `sweep` degrees; its end lies `shrink` inside its start."""
    radii = (h(0.27, 0.42), 0.5)
    return [arc((0.4, 0.5), radii, h(-120, -50), -h(*sweep), shrink=h(*shrink))]


def zero_slashed(h: Habit) -> list[Stroke]:
    """An oval with a long stroke through it, from the lower left to the upper right."""
    # The slash goes through: a short one inside could be a speck, a level one the bar of an 8.
    radii = (h(0.36, 0.46), 0.5)  # wide, that both halves stay open
    oval = arc((0.4, 0.5), radii, h(-120, -50), -h(352, 366))
    reach = h(0.42, 0.6)
    return [oval, [(0.4 - reach * 0.75, 0.5 + reach), (0.4 + reach * 0.75, 0.5 - reach)]]


def zero_looped(h: Habit) -> list[Stroke]:
    """An oval that ends in a small loop at its top and a stroke to the right, on the way to the next digit."""
    wide = h(0.3, 0.4)
    oval = arc((0.4, 0.5), (wide, 0.5), h(-80, -60), -h(340, 356))
    loop = [(0.4 + wide * 0.2, h(0.16, 0.26)), (0.4 - wide * 0.4, h(0.1, 0.2)), (0.4 + wide * 0.1, h(-0.04, 0.02))]
    return [[*oval, *loop, (0.4 + wide * h(1.0, 1.6), h(-0.02, 0.14))]]


def one(
    h: Habit, depth: tuple[float, float], *, flatness: tuple[float, float] = (0.5, 0.95), base: bool = False
) -> list[Stroke]:
    """An upstroke from `depth` below the top, `flatness` times as far out as deep, and a downstroke."""
    deep = h(*depth)
    far = deep * h(*flatness)
    lean, sag = h(-0.06, 0.06), h(-0.04, 0.08)
    up = [(-far, deep), (-far / 2 + sag * deep, deep / 2 + sag * deep)]
    strokes = [[*up, *corner(0.0, 0.0), (lean * 0.3, 0.5), (lean, 1.0)]]
    if base:
        left, right = h(0.15, 0.3), h(0.15, 0.32)
        strokes.append([(lean - left, 1.0 + h(-0.02, 0.03)), (lean + right, 1.0 + h(-0.03, 0.02))])
    return strokes


def one_arched(h: Habit) -> list[Stroke]:
    """The upstroke runs round into the downstroke, without a corner; it climbs steeper than a 7's top."""
    deep = h(0.24, 0.55)
    far, lean = deep * h(0.5, 0.85), h(-0.08, 0.06)
    return [[(-far, deep), (-far * 0.5, deep * 0.35), (-0.02, -0.04), (0.03, 0.1), (lean, 0.5), (lean * 1.5, 1.0)]]


def one_bar(h: Habit) -> list[Stroke]:
    """A bare stroke, upright or leaning to either side."""
    lean, bow = h(-0.22, 0.18), h(-0.05, 0.05)
    return [[(lean, 0.0), (lean / 2 + bow, 0.5), (0.0, 1.0)]]


def one_looped(h: Habit) -> list[Stroke]:
    """Like an l without its foot: the upstroke starts at the foot and turns over in a narrow loop."""
    far, loop = h(0.1, 0.3), h(0.03, 0.08)
    up = [(-far, h(0.7, 1.0)), (-far * 0.3, 0.45), (loop, 0.12), (loop * 0.9, -0.04)]
    return [[*up, (-loop, -0.03), (-loop * 0.8, 0.2), (h(-0.06, 0.04), 0.6), (h(-0.1, 0.06), 1.0)]]


def _two_top(h: Habit) -> Stroke:
    right = h(0.5, 0.66)
    return [(0.0, h(0.18, 0.34)), (0.06, 0.0), (0.36, -0.08), (right, 0.02), (right + 0.02, h(0.28, 0.42))]


def two(h: Habit) -> list[Stroke]:
    """An open hook, a corner, and a base that may wave."""
    wave = h(-0.05, 0.05)
    base = [(0.22, 0.98 - wave), (0.42, 0.98 + wave), (h(0.55, 0.8), h(0.93, 1.02))]
    return [[*_two_top(h), (0.32, 0.68), *corner(h(-0.04, 0.06), 0.98), *base]]


def two_narrow(h: Habit) -> list[Stroke]:
    """In haste: a small hook, a steep stroke, and a level base that stands out to the right alone."""
    right, hook = h(0.22, 0.4), h(0.12, 0.26)
    top = [(0.0, hook), (right * 0.3, 0.0), (right * 0.75, -0.03), (right, h(0.08, 0.16))]
    base = [(0.2, 0.98 + h(-0.02, 0.02)), (h(0.34, 0.56), h(0.94, 1.02))]
    return [[*top, (right * 0.7, 0.5), *corner(h(-0.1, 0.02), 0.98), *base]]


def two_looped(h: Habit) -> list[Stroke]:
    """The base begins with a loop."""
    loop = h(0.14, 0.22)
    foot = [(0.14, 0.98), (-0.1, 1.04), (-0.14, 1.0 - loop), (0.06, 0.94 - loop)]
    return [[*_two_top(h), (0.36, 0.66), *foot, (0.3, 1.0), (0.5, 1.04), (h(0.66, 0.85), h(0.86, 0.98))]]


def two_ringed(h: Habit, *, looped: bool = False) -> list[Stroke]:
    """The top begins so far inside that it closes to a ring; the base begins with a corner or a loop."""
    wide, tall = h(0.24, 0.34), h(0.2, 0.3)
    ring = arc((wide, tall), (wide, tall), h(60, 120), 0)[:1] + arc(
        (wide, tall), (wide, tall), h(130, 160), h(205, 230)
    )
    foot: Stroke = corner(h(-0.06, 0.06), 0.98)
    if looped:
        loop = h(0.1, 0.16)
        foot = [(0.12, 0.98), (-0.1, 1.02), (-0.12, 1.0 - loop), (0.06, 0.95 - loop)]
    return [[*ring, (wide * 1.1, 0.7), *foot, (0.35, 0.98 + h(-0.03, 0.04)), (h(0.6, 0.85), h(0.88, 1.0))]]


def two_angular(h: Habit) -> list[Stroke]:
    """Like a Z: a level top, two corners."""
    reach, rise = h(0.48, 0.62), h(0.02, 0.14)
    top = [(0.0, rise), (0.12, 0.0), (reach - 0.1, 0.0), *corner(reach, h(0.0, 0.06))]
    return [[*top, *corner(h(-0.05, 0.08), 0.98), (0.3, 0.97 + h(-0.03, 0.03)), (h(0.5, 0.7), h(0.94, 1.0))]]


def _lower_bowl(h: Habit, right: float, end: Point) -> Stroke:
    """From the middle of a 3 or 5 round to its lower left end; the end stays open by 0.2 and more."""
    return [(right, h(0.5, 0.56)), (right + 0.04, 0.8), (right * 0.78, 1.03), (right * 0.4, 1.04), end]


def three(h: Habit) -> list[Stroke]:
    """Two bowls that meet in a cusp."""
    cusp = h(0.12, 0.24)
    top = [(0.0, h(0.1, 0.2)), (0.1, -0.03), (0.42, -0.06), (h(0.56, 0.66), 0.14), (0.5, 0.4)]
    return [
        [*top, *corner(cusp, h(0.43, 0.5)), (cusp + 0.15, 0.46), *_lower_bowl(h, h(0.56, 0.7), (0.0, h(0.84, 0.95)))]
    ]


def three_flat(h: Habit) -> list[Stroke]:
    """A level top, a corner, and a bowl below."""
    reach, cusp = h(0.48, 0.64), h(0.14, 0.26)
    top = [(0.0, h(0.0, 0.06)), (0.2, 0.0), *corner(reach, h(-0.02, 0.04)), *corner(cusp, h(0.38, 0.46))]
    return [[*top, (cusp + 0.16, 0.4), *_lower_bowl(h, h(0.54, 0.68), (0.0, h(0.86, 0.96)))]]


def three_looped(h: Habit) -> list[Stroke]:
    """Two bowls with a small loop between them."""
    cusp = h(0.06, 0.16)
    top = [(0.0, h(0.1, 0.2)), (0.1, -0.03), (0.42, -0.06), (0.62, 0.14), (0.46, 0.42)]
    loop = [(cusp, 0.55), (cusp - 0.08, 0.43), (cusp + 0.06, 0.37), (cusp + 0.22, 0.48)]
    return [[*top, *loop, *_lower_bowl(h, h(0.58, 0.72), (-0.02, h(0.86, 0.96)))]]


def four_open(h: Habit) -> list[Stroke]:
    """An angular arm, and a stem beside it that the bar crosses."""
    bar, stem, foot = h(0.52, 0.66), h(0.46, 0.56), h(0.4, 0.5)
    arm = [(h(0.0, 0.14), h(0.0, 0.06)), *corner(h(-0.06, 0.02), bar), (stem + h(0.14, 0.28), bar + h(-0.06, 0.02))]
    return [arm, [(stem + 0.02, h(0.02, 0.3)), (foot, 1.0)]]


def four_lightning(h: Habit) -> list[Stroke]:
    """The arm falls slanting from a high top, the stem is short and begins just above the bar."""
    bar, stem = h(0.5, 0.6), h(0.4, 0.5)
    arm = [(h(0.2, 0.34), 0.0), *corner(h(-0.06, 0.02), bar + 0.02), (stem + h(0.16, 0.3), bar - h(0.0, 0.06))]
    return [arm, [(stem + 0.03, bar - h(0.08, 0.26)), (stem - h(0.02, 0.12), 1.0)]]


def four_rounded(h: Habit) -> list[Stroke]:
    """Like a y: the arm runs round into the bar, the stem is long; open at the top over all its width."""
    bar, stem = h(0.48, 0.6), h(0.48, 0.58)
    arm = [(h(-0.02, 0.06), h(0.0, 0.1)), (-0.05, bar * 0.7), (0.04, bar + 0.04), (0.24, bar + 0.03)]
    return [
        [*arm, (stem + h(0.06, 0.2), bar - h(0.02, 0.1))],
        [(stem + 0.02, h(0.0, 0.12)), (stem - h(0.0, 0.1), 1.0)],
    ]


def four_cup(h: Habit) -> list[Stroke]:
    """A cup, wide open at the top, that runs into a long stem and does not cross it."""
    deep, stem, bow = h(0.34, 0.52), h(0.42, 0.56), h(-0.04, 0.06)
    arm = [(h(-0.04, 0.06), h(0.0, 0.14)), (h(-0.04, 0.02), deep * 0.8), (0.14, deep + 0.03), (stem * 0.7, deep)]
    return [
        [*arm, (stem, deep - h(0.04, 0.14))],
        [(stem + h(0.0, 0.06), h(-0.02, 0.1)), (stem + bow, 0.5), (stem - h(0.0, 0.24), 1.0)],
    ]


def four_short(h: Habit) -> list[Stroke]:
    """A long slanting arm, and a stem that only hangs from the end of the bar."""
    bar, stem = h(0.5, 0.66), h(0.38, 0.5)
    arm = [(h(0.16, 0.36), 0.0), *corner(h(-0.06, 0.02), bar), (stem + h(0.0, 0.1), bar - h(0.04, 0.12))]
    return [arm, [(stem + h(0.0, 0.04), bar - h(0.14, 0.26)), (stem - h(0.04, 0.16), 1.0)]]


def four_closed(h: Habit) -> list[Stroke]:
    """The arm begins where the stem does."""
    bar, stem = h(0.6, 0.72), h(0.42, 0.54)
    arm = [(stem + h(-0.01, 0.02), 0.0), *corner(h(-0.04, 0.04), bar), (stem + h(0.15, 0.3), bar + h(-0.04, 0.03))]
    return [arm, [(stem + h(-0.01, 0.02), h(-0.03, 0.06)), (stem + h(-0.04, 0.03), 1.0)]]


def _five_body(h: Habit, left: float) -> Stroke:
    shoulder = h(0.38, 0.46)
    bowl = _lower_bowl(h, h(0.5, 0.64), (h(-0.08, 0.02), h(0.86, 0.97)))
    return [*corner(left - h(0.0, 0.06), shoulder), (0.28, shoulder - h(0.02, 0.1)), *bowl]


def five_two_strokes(h: Habit, reach: tuple[float, float], gap: tuple[float, float]) -> list[Stroke]:
    """The bar on its own, as long as `reach`; it begins `gap` away from the body."""
    left, off = 0.12, h(*gap)
    return [[(left, 0.02), *_five_body(h, left)], [(left + off, -off * 0.6), (h(*reach), h(-0.1, 0.03) - off * 0.5)]]


def five_one_stroke(h: Habit) -> list[Stroke]:
    """The bar first, then without a stop the body."""
    return [[(h(0.5, 0.72), h(-0.06, 0.04)), *corner(0.12, 0.02), *_five_body(h, 0.12)]]


def five_narrow(h: Habit) -> list[Stroke]:
    """In haste: a straight back, a narrow bowl, and a bar that flies far to the right."""
    left, right = h(0.08, 0.16), h(0.24, 0.42)
    body = [(left + 0.02, 0.02), *corner(left - h(0.0, 0.06), h(0.4, 0.5)), (right * 0.8, h(0.42, 0.48))]
    bowl = [(right, 0.66), (right * 0.8, 0.94), (right * 0.3, 1.02), (h(-0.12, -0.04), h(0.88, 0.98))]
    return [[*body, *bowl], [(left + h(0.0, 0.1), h(-0.04, 0.02)), (h(0.75, 1.2), h(-0.3, 0.0))]]


def five_ticked(h: Habit) -> list[Stroke]:
    """A short steep tick, then straight into a bowl; the bar lies on top and runs far to the right."""
    left, right = h(0.1, 0.2), h(0.3, 0.46)
    body = [(left - h(0.04, 0.12), h(0.1, 0.2)), *corner(left, h(0.42, 0.52)), (right * 0.8, h(0.4, 0.46))]
    bowl = [(right, 0.62), (right * 0.8, 0.9), (right * 0.3, 1.0), (h(-0.14, 0.0), h(0.88, 0.98))]
    return [[*body, *bowl], [(left - h(0.06, 0.14), h(0.06, 0.14)), (h(0.5, 0.9), h(-0.14, 0.04))]]


def five_s(h: Habit) -> list[Stroke]:
    """All in one bend."""
    top = [(h(0.56, 0.74), h(-0.02, 0.05)), (0.36, -0.02), (0.06, 0.04), (0.04, 0.38), (0.3, 0.42)]
    return [[*top, (0.6, 0.54), (0.64, 0.86), (0.36, 1.06), (h(-0.06, 0.02), h(0.88, 0.98))]]


def five_angular(h: Habit) -> list[Stroke]:
    """Like lightning, with a bar on top: all in straight strokes."""
    left, shoulder = h(0.1, 0.22), h(0.38, 0.48)
    bar = [(h(0.5, 0.75), h(-0.06, 0.02)), *corner(left, 0.02)]
    right = h(0.4, 0.55)
    return [[*bar, *corner(left - h(0.06, 0.16), shoulder), *corner(right, h(0.5, 0.62)), (h(0.0, 0.14), 1.0)]]


def six(h: Habit, bowl: tuple[float, float], hook: float, end_deg: float) -> list[Stroke]:
    """A stem that runs round into its bowl; the bowl closes at the stem, `bowl` of the height."""
    tall, wide = h(*bowl) / 2, h(0.23, 0.34)
    center = (wide, 1.0 - tall)
    stem = [
        (wide * 2 * h(0.75, 1.0) + hook, hook),
        (wide * h(1.0, 1.3) + hook, 0.0),
        (wide * 0.3, (1 - 2 * tall) * 0.7),
    ]
    return [[*(stem if hook else [stem[0], *stem[2:]]), *arc(center, (wide, tall), 190, -end_deg)]]


def six_open(h: Habit) -> list[Stroke]:
    """Like a G: the bowl comes back level, at its own height, and ends short of the stem."""
    tall, wide = h(0.42, 0.54) / 2, h(0.23, 0.32)
    center = (wide, 1.0 - tall)
    stem = [(wide * h(1.5, 2.0), h(0.0, 0.06)), (wide * h(0.9, 1.2), 0.0), (wide * 0.2, (1 - 2 * tall) * 0.8)]
    bowl = arc(center, (wide, tall), 190, -h(225, 245))
    level = 1 - 2 * tall
    return [[*stem, *bowl, (wide * h(0.9, 1.3), level + h(0.0, 0.06)), (wide * h(0.45, 0.7), level + 0.08)]]


def six_straight(h: Habit) -> list[Stroke]:
    """Like a b: a straight stem."""
    tall, wide = h(0.42, 0.54) / 2, h(0.22, 0.32)
    return [[(h(0.02, 0.22), 0.0), (0.0, 1 - 2 * tall), *arc((wide, 1 - tall), (wide, tall), 190, -h(330, 365))]]


def seven(h: Habit, *, top: str = "plain", barred: bool = True) -> list[Stroke]:
    """A top (plain, hooked, hung or wavy), a stem, and perhaps a bar across the stem."""
    # Without a bar across, the top alone tells it from a 1: it is longer then.
    reach, foot = h(0.5, 0.66) + (0.0 if barred else 0.1), h(0.12, 0.34)
    fall = h(0.0, 0.06)
    head: Stroke = [(0.0, 0.02)]
    if top == "hooked":
        head = [(h(-0.02, 0.05), h(0.1, 0.17)), *corner(0.02, h(0.0, 0.04))]
    if top == "hung":
        head = [(h(-0.1, 0.02), h(0.18, 0.3)), *corner(0.04, h(0.0, 0.05))]
    if top == "wavy":
        head = [(h(-0.12, -0.04), h(0.1, 0.24)), (0.02, -0.08), (0.2, -0.04), (0.34, h(0.06, 0.1))]
    bow = h(-0.05, 0.08)
    stem = [*corner(reach, fall), ((reach + foot) / 2 - bow, 0.5), (foot, 1.0)]
    if not barred:
        return [[*head, *stem]]
    high, middle = h(0.42, 0.56), (reach + foot) / 2
    bar = [(middle - h(0.18, 0.32), high + h(-0.01, 0.06)), (middle + h(0.15, 0.32), high - h(0.0, 0.06))]
    return [[*head, *stem], bar]


def seven_dipped(h: Habit) -> list[Stroke]:
    """The top dips like a v, then rises to a long slanting stem; the bar stands below the dip, apart from it."""
    reach, foot = h(0.46, 0.64), h(-0.08, 0.2)
    dip = h(0.2, 0.38)
    high = dip + h(0.2, 0.32)
    head = [(h(-0.04, 0.06), h(0.0, 0.1)), (h(0.04, 0.1), dip * 0.8), (h(0.14, 0.22), dip), (reach * 0.75, dip * 0.5)]
    stem = [*corner(reach, h(-0.04, 0.04)), ((reach + foot) / 2 + h(-0.03, 0.03), 0.5), (foot, 1.0)]
    middle = foot + (reach - foot) * (1 - high)
    bar = [(middle - h(0.18, 0.32), high + h(-0.02, 0.05)), (middle + h(0.16, 0.4), high - h(0.0, 0.06))]
    return [[*head, *stem], bar]


def seven_short(h: Habit) -> list[Stroke]:
    """Like a t with a nose: a short top, a long stem, and a long bar through it."""
    foot, nose, lean = h(-0.06, 0.06), h(0.1, 0.22), h(0.04, 0.2)
    high = h(0.34, 0.5)
    middle = foot + lean * (1 - high)
    stem = [(foot + lean - nose, h(0.04, 0.14)), *corner(foot + lean, 0.0), (middle, high), (foot, 1.0)]
    return [stem, [(middle - h(0.2, 0.34), high + h(0.0, 0.06)), (middle + h(0.2, 0.36), high - h(0.0, 0.06))]]


def eight(h: Habit, gap: float) -> list[Stroke]:
    """From the upper right, as an S, and back up; `gap` parts the end from the beginning."""
    waist, upper, lower = h(0.42, 0.5), h(0.24, 0.32), h(0.3, 0.4)
    start = (0.3 + upper * h(0.8, 1.0), h(0.08, 0.18))
    top = [(0.3 + upper * 0.4, -0.08), (0.3 - upper * 0.9, -0.06), (0.3 - upper * 1.1, waist * 0.75), (0.3, waist)]
    bottom = [
        (0.3 + lower * 1.15, waist * 1.2),
        (0.3 + lower, 1.06),
        (0.3 - lower, 1.06),
        (0.3 - lower * 1.15, waist * 1.35),
    ]
    back = [(0.3, waist), (0.3 + upper * 0.85, waist * 0.75), (start[0] + gap * 0.6, start[1] + gap)]
    return [[start, *top, *bottom, *back]]


def eight_circles(h: Habit) -> list[Stroke]:
    """Two circles that overlap a little."""
    waist, overlap = h(0.42, 0.5), h(0.01, 0.05)
    upper, lower = (waist + overlap) / 2, (1 - waist) / 2
    middle = 0.35 + h(-0.04, 0.04)
    turn = h(-100, 20)
    return [
        arc((middle, upper), (upper * h(0.8, 1.1), upper), turn, -h(352, 372)),
        arc((0.35, 1 - lower), (lower * h(0.85, 1.15), lower), -90, h(352, 372)),
    ]


def _bowl_of_nine(h: Habit, closing_deg: float) -> tuple[Stroke, float]:
    tall, wide = h(0.42, 0.54) / 2, h(0.23, 0.34)
    return arc((wide, tall), (wide, tall), -h(25, 60), -closing_deg), 2 * wide


def nine(h: Habit) -> list[Stroke]:
    """A straight stem."""
    bowl, right = _bowl_of_nine(h, h(330, 350))
    return [[*bowl, *corner(right, h(0.04, 0.12)), (right - h(-0.02, 0.06), 0.6), (right - h(0.0, 0.16), 1.0)]]


def nine_curled(h: Habit, closing: tuple[float, float] = (330, 350)) -> list[Stroke]:
    """Like a g: the tail runs round to the left and stays open."""
    bowl, right = _bowl_of_nine(h, h(*closing))
    tail = [(right, 0.5), (right - 0.01, 0.92), (right * 0.6, 1.06), (right * 0.25, 1.02)]
    return [[*bowl, *corner(right, h(0.04, 0.12)), *tail, (h(-0.08, 0.08), h(0.84, 0.95))]]


def nine_eared(h: Habit) -> list[Stroke]:
    """The bowl begins above the stem and beyond it, its end runs into the stem under that ear."""
    tall, wide = h(0.4, 0.5) / 2, h(0.23, 0.32)
    bowl = arc((wide, tall), (wide, tall), -75, -h(255, 275))
    ear = (2 * wide + h(0.0, 0.1), h(0.0, 0.05))
    stem = [*corner(2 * wide, h(0.12, 0.17)), (2 * wide, 0.5), (2 * wide - 0.02, 0.9), (wide * 1.2, 1.04)]
    return [[ear, *bowl, *stem, (wide * 0.5, 1.02), (h(-0.08, 0.08), h(0.86, 0.96))]]


def nine_wavy(h: Habit) -> list[Stroke]:
    """Begun at the upper right with an ear, round the bowl, and down in a stem that bends to the right and back."""
    tall, wide = h(0.38, 0.5) / 2, h(0.2, 0.3)
    bowl = arc((wide, tall), (wide, tall), -80, -h(255, 285))
    ear = (2 * wide + h(0.02, 0.16), h(-0.02, 0.06))
    stem = [(2 * wide - 0.02, h(0.3, 0.4)), (wide * h(1.5, 2.1), 0.66), (wide * h(1.0, 1.6), 0.86)]
    return [[ear, *bowl, *stem, (wide * h(0.0, 0.9), h(0.96, 1.04))]]


def nine_swept(h: Habit) -> list[Stroke]:
    """The stem bends all its way to the lower left."""
    bowl, right = _bowl_of_nine(h, h(335, 355))
    return [[*bowl, (right, 0.2), (right - 0.02, 0.6), (right * 0.7, 0.88), (right * h(0.1, 0.45), 1.0)]]


def nine_leaning(h: Habit) -> list[Stroke]:
    """The stem falls under the bowl to the lower left, as in hands that lean far over."""
    tall, wide = h(0.4, 0.52) / 2, h(0.2, 0.3)
    bowl = arc((wide, tall), (wide, tall), h(-30, 60), -h(350, 390))
    end = (wide * 2 * h(-0.4, 0.25), 1.0)
    return [[*bowl, (wide * 1.9, tall * 1.2), (wide * 1.3, 0.58), ((wide + end[0]) / 2, 0.8), end]]


def nine_like_p(h: Habit) -> list[Stroke]:
    """Begun at the left, below the bowl: to the right, over the top, and down the left side into the stem."""
    wide, level = h(0.4, 0.52), h(0.42, 0.54)
    bowl = [(wide * 0.45, level - 0.02), (wide, level * 0.7), (wide * 0.9, 0.02), (wide * 0.4, -0.04)]
    left = [(0.0, level * 0.45), (h(-0.02, 0.04), level + 0.1), (h(-0.12, 0.12), 1.0)]
    return [[(h(-0.24, -0.1), level + h(0.0, 0.06)), *bowl, *left]]


def nine_like_r(h: Habit) -> list[Stroke]:
    """Begun at the left, up and over the top the other way round, back to where it began, then down into the stem."""
    wide, level = h(0.4, 0.52), h(0.42, 0.52)
    bowl = [(-0.02, level * 0.45), (wide * 0.4, -0.05), (wide * 1.05, level * 0.3), (wide * 0.8, level * 0.95)]
    stem = [*corner(h(0.04, 0.14), level + h(0.0, 0.05)), (wide * 0.6, h(0.64, 0.72)), (wide * h(0.6, 1.1), 1.0)]
    return [[(h(-0.04, 0.04), level + h(-0.04, 0.08)), *bowl, *stem]]
