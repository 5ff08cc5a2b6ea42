"""`docproc train`: make a recognizer from labeled digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docproc.cli.quiet import native_messages_muted
from docproc.errors import EXIT_INTERRUPTED, OutputError

if TYPE_CHECKING:
    from rich.console import Console

    from docproc.character.card import ModelCard
    from docproc.training.fit import EpochScore
    from docproc.training.improvement import Comparison
    from docproc.training.train import Plan

_CLEARLY_WORSE = 0.002  #: Share of MNIST's test digits: twice what chance makes of two equal models.

HELP = """Train a recognizer on MNIST and other digits, calibrate it, and write its networks and card.yaml.

Sheets are painted and cut as pages are cut, then two networks learn: one that reads all, and one that is asked for
a second look where the first is in doubt. Two and a half hours on two cores, two thirds of that with
--no-second-look, about half an hour with --corrections. Ctrl-C is safe at any time: the same command with --resume
goes on.

\b
Examples:
  docproc train --mnist mnist.npz -o my-model
      Train on MNIST and drawn European digits.
  docproc train --mnist mnist.npz --digits ours.npz -o my-model
      With digits of other hands; writers named in the file are kept apart.
  docproc train --mnist mnist.npz -o trial --epochs 3 --glyphs-per-epoch 6000 --painted-glyphs 3000
      See it work, in some minutes.
  docproc process scans -o results --model my-model
      Read with it.
  docproc train --mnist mnist.npz --corrections results -o better --model my-model
      Go on from my-model with what people corrected and confirmed in a review, too. One page in five of theirs is
      frozen, never trained on, and both models read all that stands there, accepted fields as well. The new model is
      kept if it is better there beyond chance (surer of the right digits, and no more of them wrong) and reads none
      of the ten digits worse beyond chance, there and among MNIST's test digits (comparison.csv). Else it is left in
      better.rejected, and why is told; the exit code is 0 either way. The old model is never touched.
"""


def train(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the model.")] = Path(
        "my-model"
    ),
    mnist: Annotated[
        Path | None, typer.Option(help="mnist.npz with x_train, y_train, x_test, y_test; else downloaded by Keras.")
    ] = None,
    digits: Annotated[
        list[Path] | None, typer.Option(help=".npz with x (N, H, W), y (N) and perhaps writer (N); may be repeated.")
    ] = None,
    corrections: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Results that people reviewed, to learn from, too; may be repeated."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With --corrections: the model that learns on.  [default: the shipped one]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model on one machine.")] = 2026,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, help="At most; stops early where nothing improves.  [default: 80; with --corrections 10]"
        ),
    ] = None,
    glyphs_per_epoch: Annotated[int, typer.Option(min=256, help="Glyphs shown in an epoch.")] = 60_000,
    painted_glyphs: Annotated[
        int, typer.Option(min=0, help="Glyphs cut out of painted sheets before the first epoch.")
    ] = 100_000,
    second_look: Annotated[
        bool, typer.Option(help="Train a second network for doubtful digits: fewer wrong ones, half as long again.")
    ] = True,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that paint and make glyphs.  [default: all cores]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last epoch of an interrupted run.")
    ] = False,
    folds: Annotated[
        int | None,
        typer.Option(min=2, help="Write no model: train once a fold on the others' writers, scores to folds.csv."),
    ] = None,
    search: Annotated[
        int | None, typer.Option(min=1, help="Write no model: try so many settings in short runs, to search.csv.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.0, help="Peak learning rate.  [default: 0.002; with --corrections 0.0005]")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0.0, help="Of AdamW.  [default: 0.004]")] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Share of a label given to all.  [default: 0.02]")
    ] = None,
    dropout: Annotated[float | None, typer.Option(min=0.0, max=0.9, help="[default: 0.25]")] = None,
    width: Annotated[float | None, typer.Option(min=0.1, help="Filters, relative.  [default: 1]")] = None,
    from_keras: Annotated[
        Path | None,
        typer.Option(help="Finish what a training without TensorFlow has left: export, calibrate, describe."),
    ] = None,
) -> None:
    """Train, telling each epoch's score and the finished model's."""
    from rich.console import Console

    from docproc.engine import available_cores
    from docproc.training.material import EPOCHS
    from docproc.training.relearn import LATER_EPOCHS, LATER_RATE
    from docproc.training.settings import Settings
    from docproc.training.train import Plan, finish_kept

    if corrections and (folds is not None or search is not None or from_keras is not None):
        raise typer.BadParameter("--corrections excludes --folds, --search and --from-keras.")
    if corrections and width is not None:
        raise typer.BadParameter("--corrections excludes --width: it is that of the model that learns on.")
    if model is not None and not corrections:
        raise typer.BadParameter("--model names the model that --corrections are to improve: add them.")
    console = Console()
    if from_keras is not None:
        with native_messages_muted():
            card = finish_kept(from_keras, output)
        _tell(console, output, card)
        return
    if corrections:
        rate, epochs = LATER_RATE if rate is None else rate, epochs or LATER_EPOCHS
    given = {
        "rate": rate,
        "weight_decay": weight_decay,
        "label_smoothing": label_smoothing,
        "dropout": dropout,
        "width": width,
    }
    plan = Plan(
        output=output,
        mnist=mnist,
        digits=tuple(digits or ()),
        seed=seed,
        epochs=epochs or EPOCHS,
        glyphs_per_epoch=glyphs_per_epoch,
        painted_glyphs=painted_glyphs,
        settings=Settings(**{key: value for key, value in given.items() if value is not None}),
        second_look=second_look,
        resume=resume,
        workers=workers or available_cores(),
    )
    try:
        with native_messages_muted():
            if corrections:
                _relearn(console, plan, corrections, model)
            elif folds is not None:
                _cross_validate(console, plan, folds)
            elif search is not None:
                _search(console, plan, search)
            else:
                _train(console, plan)
    except KeyboardInterrupt:
        console.print(
            "Interrupted. The same command with --resume goes on from what is kept: painted glyphs, finished epochs."
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _train(console: Console, plan: Plan) -> None:
    from docproc.training.train import train as train_model

    with _bars(console, plan) as progress:
        result = train_model(plan, progress=progress, epoch_done=lambda score: _tell_epoch(console, score))
    if isinstance(result, Path):
        console.print(
            f"{result}: trained. TensorFlow, which the export needs, is not installed here; where it is, run "
            f"`docproc train --from-keras {result} -o {plan.output}`."
        )
    else:
        _tell(console, plan.output, result)


def _relearn(console: Console, plan: Plan, corrections: list[Path], model: Path | None) -> None:
    from docproc.character.card import CARD_NAME, read_card
    from docproc.character.recognizer import default_model_folder
    from docproc.training.corrected import read_corrected
    from docproc.training.improvement import COMPARISON_NAME
    from docproc.training.relearn import left_out, relearn, require_enough

    old = model or default_model_folder()
    console.print("cutting the digits of reviewed pages")
    corrected = read_corrected(corrections)
    require_enough(corrected)
    console.print(
        f"{len(corrected.learned):,} corrected digits to learn from; {len(corrected.frozen):,} on frozen pages to "
        f"compare on, {corrected.frozen_unseen:,} of them accepted unseen. {left_out(corrected)}",
        soft_wrap=True,
    )
    console.print(f"Going on from {old}, which stays as it is.", soft_wrap=True)
    with _bars(console, plan) as progress:
        result = relearn(
            plan, corrected, old, progress=progress, epoch_done=lambda score: _tell_epoch(console, score)
        )
    comparison = result.comparison
    _show_comparison(console, comparison)
    console.print(f"{result.folder / COMPARISON_NAME}: the table above", soft_wrap=True)
    if comparison.is_better:
        console.print(f"Kept. {comparison.told} {comparison.why}", soft_wrap=True)
        _tell(console, result.folder, read_card(result.folder / CARD_NAME))
    else:
        console.print(
            f"Not kept. {comparison.told} {comparison.why} Go on reading with {old}; the new model lies in "
            f"{result.folder}, where you may delete it. More reviewed pages teach more and show smaller differences: "
            "review on, and run this again with a new folder.",
            soft_wrap=True,
        )


def _show_comparison(console: Console, comparison: Comparison) -> None:
    from rich.table import Table

    from docproc.training.improvement import WORSE_BELOW

    table = Table(title="Frozen pages and MNIST's test digits", title_justify="left")
    for heading in ("digit", "n", "wrong, old", "wrong, new", "p"):
        table.add_column(heading, justify="right")
    for row in comparison.rows:
        wrong = (str(row.n - row.right_old), str(row.n - row.right_new))
        verdict = "worse, " if row.digit in comparison.worse else ""
        table.add_row(str(row.digit), f"{row.n:,}", *wrong, f"{verdict}{row.p_worse:.3g}")
    console.print(table)
    console.print(
        f"p: chance of so many more wrong, were both equally good; worse below {WORSE_BELOW:g}", soft_wrap=True
    )


def _tell_epoch(console: Console, score: EpochScore) -> None:
    console.print(
        f"epoch {score.epoch + 1}: loss {score.training_loss:.4f}, held out {score.held_out_loss:.4f}, "
        f"{score.held_out_right:.2%} right"
    )


def _cross_validate(console: Console, plan: Plan, folds: int) -> None:
    from docproc.training.folds import cross_validate, mean_and_spread

    with _bars(console, plan) as progress:
        rows = cross_validate(
            plan,
            folds,
            progress=progress,
            fold_done=lambda fold, row: console.print(f"fold {fold + 1} of {folds} done"),
        )
    table = [{"fold": str(fold + 1), **row} for fold, row in enumerate(rows)]
    summary = mean_and_spread(rows)
    table.append({"fold": "mean", **{key: mean for key, (mean, _) in summary.items()}})
    table.append({"fold": "spread", **{key: spread for key, (_, spread) in summary.items()}})
    _show(console, table, plan.output / "folds.csv")


def _search(console: Console, plan: Plan, trials: int) -> None:
    from docproc.training.search import as_options, search, short_epochs

    with _bars(console, replace(plan, epochs=short_epochs(plan))) as progress:
        tried = search(
            plan, trials, progress=progress,
            trial_done=lambda number, trial: console.print(
                f"trial {number + 1} of {trials}: {trial.loss:.4f} with {as_options(trial.settings)}"
            ),
        )  # fmt: skip
    _show(console, [trial.row() for trial in tried], plan.output / "search.csv")
    console.print(f"Best: docproc train {as_options(tried[0].settings)}")


def _show(console: Console, rows: list[dict[str, Any]], path: Path) -> None:
    """A table on its side, since there are more scores than rows; and the same as CSV."""
    import csv

    from rich.table import Table

    table = Table()
    first, *others = rows[0]
    table.add_column(first)
    for row in rows:
        table.add_column(_figure(row[first]), justify="right")
    for key in others:
        table.add_row(key, *(_figure(row.get(key, "")) for row in rows))
    console.print(table)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise OutputError(
            f"{path}: the table could not be written ({error.strerror}).", remedy="Name another folder with -o."
        ) from error
    console.print(f"{path}: {len(rows)} rows")


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.5g}"


def _tell(console: Console, output: Path, card: ModelCard) -> None:
    from docproc.character.card import CARD_NAME, MODEL_NAME, SECOND_NAME, read_card
    from docproc.character.recognizer import default_model_folder

    shipped = read_card(default_model_folder() / CARD_NAME).scores
    mnist, held_out = "mnist_test_right", "held_out_right"
    console.print(f"MNIST's test digits read right: {card.scores[mnist]:.2%} (shipped model: {shipped[mnist]:.2%})")
    console.print(f"Digits and marks of other writers, spoiled on purpose: {card.scores[held_out]:.2%}")
    console.print(f"Fields go to review below a confidence of {card.review_below:g}.")
    if card.scores[mnist] < shipped[mnist] - _CLEARLY_WORSE:
        console.print("It reads clearly worse than the shipped model: give it more epochs, or more glyphs in each.")
    files = MODEL_NAME if card.second_look is None else f"{MODEL_NAME}, {SECOND_NAME}"
    console.print(f"{output}: {files}, and {CARD_NAME} with all scores and what they mean", soft_wrap=True)
    console.print(f"Next: docproc process scans -o results --model {output}", soft_wrap=True)


@contextmanager
def _bars(console: Console, plan: Plan) -> Iterator[Callable[[str, float], None]]:
    """One bar a stage, each shown from its first word on, with the time left."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from docproc.training.train import LOOKS, STAGES

    stages = dict.fromkeys(STAGES, 1) | {stage: plan.epochs_of(look) for look, stage in LOOKS.items()}
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks = {stage: bars.add_task(stage, total=total, start=False, visible=False)
                 for stage, total in stages.items()}  # fmt: skip

        def progress(stage: str, done: float) -> None:
            task = tasks[stage]
            if not bars.tasks[task].started:
                bars.start_task(task)
                if stage in LOOKS.values():
                    console.print(f"{stage}, going on after epoch {done:.0f}" if done else stage)
                elif not console.is_terminal:  # where no bar is drawn
                    console.print(stage)
            bars.update(task, completed=done, visible=done < stages[stage])

        yield progress
