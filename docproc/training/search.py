"""A small search for settings: random draws, short runs, the same material for all.

In:  a plan and how many settings to try. Out: one row a setting, best first.

References
----------
.. [1] J. Bergstra, Y. Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np

from docproc.training.finish import scores_of
from docproc.training.material import Plan, gather
from docproc.training.settings import Settings
from docproc.training.train import Progress, forget, has_begun, learn, not_begun, require_to_train

SHORT = 0.2  #: Of the plan's epochs: a run of that length ranks settings, and more of them can be tried.
_FEWEST_EPOCHS = 2
_RATES = (5e-4, 8e-3)  #: Drawn evenly by their logarithm, like the next.
_DECAYS = (5e-4, 3e-2)
_SMOOTHINGS = (0.0, 0.02, 0.05, 0.1)
_DROPOUTS = (0.0, 0.1, 0.25, 0.4, 0.5)
_WIDTHS = (0.75, 1.0, 1.25)


@dataclass(frozen=True, slots=True)
class Trial:
    """Settings, and what came of them."""

    settings: Settings
    scores: dict[str, float]  #: Of held-out writers that the run's calibration has not seen.

    @property
    def loss(self) -> float:
        """What is compared: the mean negative log likelihood of calibrated chances."""
        return self.scores["held_out_loss"]

    def row(self) -> dict[str, float]:
        """Settings and scores in one."""
        return {**asdict(self.settings), **self.scores}


def search(
    plan: Plan,
    trials: int,
    *,
    progress: Progress = lambda stage, done: None,
    trial_done: Callable[[int, Trial], None] = lambda number, trial: None,
) -> list[Trial]:
    """Try the plan's own settings and `trials` - 1 random ones [1]_; best first.

    Chances are calibrated before they are compared: label smoothing makes a network modest, which is no fault here.
    All learn the same glyphs; those painted are painted once.
    """
    require_to_train(plan.output)
    short = replace(plan, epochs=short_epochs(plan), output=plan.output / "trials", second_look=False)
    if plan.resume and not has_begun(short.output, checkpoint="trial1"):
        raise not_begun(plan.output)
    material = gather(short)
    rng = np.random.default_rng((plan.seed, 3))
    tried = []
    for number in range(trials):
        settings = plan.settings if number == 0 else draw(rng)
        # From the second trial on, the painted glyphs of the first are read again.
        own = replace(short, settings=settings, resume=plan.resume or number > 0)
        checkpoint = f"trial{number + 1}"
        trial = Trial(settings, scores_of(learn(own, material, checkpoint=checkpoint, progress=progress)))
        tried.append(trial)
        trial_done(number, trial)
    for number in range(trials):
        forget(short.output, checkpoint=f"trial{number + 1}")
    return sorted(tried, key=lambda trial: trial.loss)


def short_epochs(plan: Plan) -> int:
    """Epochs of a trial."""
    return max(round(plan.epochs * SHORT), _FEWEST_EPOCHS)


def draw(rng: np.random.Generator) -> Settings:
    """Random settings, rounded to what is worth telling apart."""

    def between(low: float, high: float) -> float:
        return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.2g}")

    return Settings(
        rate=between(*_RATES),
        weight_decay=between(*_DECAYS),
        label_smoothing=float(rng.choice(_SMOOTHINGS)),
        dropout=float(rng.choice(_DROPOUTS)),
        width=float(rng.choice(_WIDTHS)),
    )


def as_options(settings: Settings) -> str:
    """The settings as options of `docproc train`."""
    return " ".join(f"--{key.replace('_', '-')} {value:g}" for key, value in asdict(settings).items())
