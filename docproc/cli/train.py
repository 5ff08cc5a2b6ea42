"""`docproc train`: make a recognizer from labeled digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console

    from docproc.character.card import ModelCard

HELP = "Train a recognizer on MNIST and other digits, calibrate it, and write model.tflite and card.yaml."


def train(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the model.")] = Path("models/digits"),
    mnist: Annotated[
        Path | None, typer.Option(help="mnist.npz with x_train, y_train, x_test, y_test; else downloaded by Keras.")
    ] = None,
    digits: Annotated[
        list[Path] | None, typer.Option(help=".npz with x (N, H, W), y (N) and perhaps writer (N); may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model on one machine.")] = 2026,
    epochs: Annotated[int, typer.Option(min=1, help="At most; stops early where nothing improves.")] = 30,
    glyphs_per_epoch: Annotated[int, typer.Option(min=256, help="Glyphs shown in an epoch.")] = 60_000,
    painted_glyphs: Annotated[
        int, typer.Option(min=0, help="Of them, glyphs to choose from that are cut out of painted sheets.")
    ] = 150_000,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that paint and make glyphs.  [default: all cores]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last epoch of an interrupted run.")
    ] = False,
    from_keras: Annotated[
        Path | None,
        typer.Option(help="Finish what a training without TensorFlow has left: export, calibrate, describe."),
    ] = None,
) -> None:
    """Train, telling each epoch's score and the finished model's."""
    from rich.console import Console

    from docproc.training.fit import EpochScore
    from docproc.training.train import Plan, finish_kept
    from docproc.training.train import train as train_model

    console = Console()
    if from_keras is not None:
        _tell(console, output, finish_kept(from_keras, output))
        return
    plan = Plan(
        output=output,
        mnist=mnist,
        digits=tuple(digits or ()),
        seed=seed,
        epochs=epochs,
        glyphs_per_epoch=glyphs_per_epoch,
        painted_glyphs=painted_glyphs,
        resume=resume,
        **({} if workers is None else {"workers": workers}),
    )

    def tell(score: EpochScore) -> None:
        console.print(
            f"epoch {score.epoch + 1}: loss {score.training_loss:.4f}, held out {score.held_out_loss:.4f}, "
            f"{score.held_out_right:.2%} right"
        )

    try:
        with _bars(console, {"painting": 1, "epochs": epochs}) as progress:
            result = train_model(plan, progress=progress, epoch_done=tell)
    except KeyboardInterrupt:
        console.print("Interrupted. The same command with --resume goes on after the last finished epoch.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if isinstance(result, Path):
        console.print(
            f"{result}: trained. TensorFlow, which the export needs, is not installed here; where it is, run "
            f"`docproc train --from-keras {result} -o {output}`."
        )
    else:
        _tell(console, output, result)


def _tell(console: Console, output: Path, card: ModelCard) -> None:
    for name, score in card.scores.items():
        console.print(f"{name}: {score:.5g}")
    console.print(f"{output}: {card.name}, review below {card.review_below}")


@contextmanager
def _bars(console: Console, stages: dict[str, int]) -> Iterator[Callable[[str, float], None]]:
    """One bar a stage, each shown from its first word on, with the time left."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks = {stage: bars.add_task(stage, total=total, start=False, visible=False)
                 for stage, total in stages.items()}  # fmt: skip

        def progress(stage: str, done: float) -> None:
            task = tasks[stage]
            if not bars.tasks[task].started:
                bars.start_task(task)
            bars.update(task, completed=done, visible=done < stages[stage])

        yield progress
