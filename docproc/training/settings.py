"""What a search turns: the numbers of a training run that are neither data nor duration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults are those of the shipped model."""

    rate: float = 2e-3  #: Peak learning rate of AdamW; the usual one for networks of this size.
    weight_decay: float = 4e-3
    label_smoothing: float = 0.02  #: Some labels are wrong; calibration takes the bias out again.
    dropout: float = 0.25
    width: float = 1.0  #: Filters of each layer, relative to the shipped network's.
