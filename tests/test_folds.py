"""Folds part writers, the search draws settings, and both end in tables. Nothing here needs TensorFlow."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from test_training import drawn_digits
from typer.testing import CliRunner

from docproc.cli import app
from docproc.training import folds, search
from docproc.training import train as training
from docproc.training.folds import cross_validate, fold_numbers, mean_and_spread
from docproc.training.material import Plan
from docproc.training.search import Trial, as_options, draw, short_epochs
from docproc.training.settings import Settings


def test_a_writer_is_in_one_fold_and_folds_are_about_as_large() -> None:
    digits = drawn_digits(60, writers=12)
    numbers = fold_numbers(digits, 4, np.random.default_rng(1))
    assert np.bincount(numbers).tolist() == [15, 15, 15, 15]
    for writer in range(12):
        assert len(set(numbers[digits.writers == writer].tolist())) == 1


def test_digits_without_writers_are_dealt_out_one_by_one() -> None:
    numbers = fold_numbers(drawn_digits(50), 3, np.random.default_rng(1))
    assert sorted(np.bincount(numbers).tolist()) == [16, 17, 17]


def test_one_fold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two folds at least"):
        cross_validate(Plan(output=tmp_path), 1)


def test_mean_and_spread_are_of_the_folds() -> None:
    summary = mean_and_spread([{"right": 0.9, "only here": 1.0}, {"right": 0.94}])
    assert summary == {"right": (pytest.approx(0.92), pytest.approx(0.0282843, rel=1e-4))}


def test_settings_are_drawn_from_the_seed_and_told_as_options() -> None:
    one, again, other = (draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == again != other
    for settings in (one, other):
        assert 5e-4 <= settings.rate <= 8e-3
        assert 0 <= settings.dropout <= 0.5
    assert as_options(Settings(rate=1e-3, weight_decay=0.01, label_smoothing=0.05, dropout=0.1, width=1.5)) == (
        "--rate 0.001 --weight-decay 0.01 --label-smoothing 0.05 --dropout 0.1 --width 1.5"
    )


def test_trials_are_short_but_have_two_epochs_at_least(tmp_path: Path) -> None:
    assert short_epochs(Plan(output=tmp_path, epochs=30)) == 6
    assert short_epochs(Plan(output=tmp_path, epochs=1)) == 2


def test_folds_are_shown_and_written_with_mean_and_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "cross_validate", lambda plan, count, **told: [{"right": 0.9}, {"right": 0.94}])
    result = CliRunner().invoke(app, ["train", "--folds", "2", "-o", str(tmp_path)])
    assert result.exit_code == 0
    rows = list(csv.DictReader((tmp_path / "folds.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["fold"] for row in rows] == ["1", "2", "mean", "spread"]
    assert float(rows[2]["right"]) == pytest.approx(0.92)


def test_the_best_settings_are_told_as_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plan] = []

    def tried(plan: Plan, count: int, **told: object) -> list[Trial]:
        plans.append(plan)
        return [Trial(Settings(rate=0.003), {"held_out_loss": 0.1}), Trial(Settings(), {"held_out_loss": 0.2})]

    monkeypatch.setattr(search, "search", tried)
    result = CliRunner().invoke(app, ["train", "--search", "2", "--dropout", "0.5", "-o", str(tmp_path)])
    assert "--rate 0.003" in result.output
    assert plans[0].settings == Settings(dropout=0.5)
    rows = list(csv.DictReader((tmp_path / "search.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["rate"], row["held_out_loss"]) for row in rows] == [("0.003", "0.1"), ("0.002", "0.2")]


def test_an_interrupted_training_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(plan: Plan, **told: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupted)
    result = CliRunner().invoke(app, ["train", "-o", str(tmp_path)])
    assert result.exit_code == 130
    assert "--resume" in result.output


def test_a_network_trained_without_tensorflow_says_how_it_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "train", lambda plan, **told: plan.output / "trained.keras")
    result = CliRunner().invoke(app, ["train", "-o", str(tmp_path)])
    assert result.exit_code == 0
    words = result.output.replace("\n", "")
    assert f"--from-keras {tmp_path / 'trained.keras'}".replace(" ", "") in words.replace(" ", "")
