"""What stays alike over a sheet that one person fills in: size, place and spacing of what is written.

In:  chance.
Out: a `Hand`; `arrangement` writes with it. How digits themselves look is the digits' own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Hand:
    """What stays alike over a sheet."""

    digit_px: float
    fill: float  #: Height of digits, of the cell's.
    wander: float  #: Spread of position, of the digits' height.
    size_spread: float
    spacing: float  #: Between digits of a run, of the digits' height; below 0 they touch.
    empty_share: float
    separator_share: float

    @staticmethod
    def drawn(rng: np.random.Generator, *, digit_px: float) -> Hand:
        """Some writer on some form."""
        return Hand(
            digit_px=digit_px,
            fill=float(rng.uniform(0.45, 0.9) if rng.random() < 0.85 else rng.uniform(0.9, 1.15)),
            wander=float(rng.uniform(0.02, 0.11)),
            size_spread=float(rng.uniform(0.03, 0.14)),
            spacing=float(max(rng.normal(0.17, 0.1), -0.05)),
            empty_share=float(rng.uniform(0, 0.2)),
            separator_share=float(rng.choice((0.0, 0.06, 0.25), p=(0.5, 0.3, 0.2))),
        )
