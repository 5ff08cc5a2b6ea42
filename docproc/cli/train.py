"""`docproc train`: make a recognizer from labeled digits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    glyphs_per_epoch: Annotated[int, typer.Option(min=256, help="Augmented glyphs shown in an epoch.")] = 60_000,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last epoch of an interrupted run.")
    ] = False,
) -> None:
    """Train, telling each epoch's score and the finished model's."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from docproc.training.fit import EpochScore
    from docproc.training.train import Plan
    from docproc.training.train import train as train_model

    plan = Plan(
        output=output,
        mnist=mnist,
        digits=tuple(digits or ()),
        seed=seed,
        epochs=epochs,
        glyphs_per_epoch=glyphs_per_epoch,
        resume=resume,
    )
    console = Console()
    bar = Progress(
        TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), console=console, transient=True
    )
    with bar:
        task = bar.add_task("epochs", total=epochs)

        def tell(score: EpochScore) -> None:
            bar.update(task, completed=score.epoch + 1)
            console.print(
                f"epoch {score.epoch + 1}: loss {score.training_loss:.4f}, held out {score.held_out_loss:.4f}, "
                f"{score.held_out_right:.2%} right"
            )

        card = train_model(
            plan,
            progress=lambda epoch, share: bar.update(task, completed=epoch + share),
            epoch_done=tell,
        )
    for name, score in card.scores.items():
        console.print(f"{name}: {score:.5g}")
    console.print(f"{output}: {card.name}, review below {card.review_below}")
