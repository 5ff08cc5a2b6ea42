"""`docproc train-lines`: make the second reader, which takes a field's number as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.cli.options import ModelFolder
from docproc.cli.quiet import native_messages_muted
from docproc.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console

    from docproc.training.strings.plan import LinePlan

HELP = """Train the reader of whole lines, weigh its word beside a recognizer's, and write both to a folder.

Numbers are painted on paper of all kinds and cut as pages are cut; networks learn to transcribe them whole, each on
numbers of its own. Then both readers, the recognizer and these, are asked of numbers by other writers, and what each
says is given its weight. Two to three hours on two cores for each network, one after the other. Ctrl-C is safe at
any time: the same command with --resume goes on.

\b
Examples:
  docproc train-lines --mnist mnist.npz --digits ours.npz -o my-lines
      A reader beside the shipped recognizer.
  docproc train-lines --mnist mnist.npz --model my-model -o my-lines
      Beside your own, as `docproc train` wrote it: name the same digits, so that the same writers are kept apart.
  docproc train-lines --mnist mnist.npz --model my-model --lines my-lines -o my-lines
      After another training of your own model: the networks stay, only their word is weighed anew, in half an hour.
  docproc process scans -o results --model my-model --lines my-lines
      Read with both.
"""


def train_lines(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the reader.")] = Path(
        "my-lines"
    ),
    mnist: Annotated[
        Path | None, typer.Option(help="mnist.npz with x_train, y_train, x_test, y_test; else downloaded by Keras.")
    ] = None,
    digits: Annotated[
        list[Path] | None, typer.Option(help=".npz with x (N, H, W), y (N) and perhaps writer (N); may be repeated.")
    ] = None,
    model: ModelFolder = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same reader on one machine.")] = 2026,
    networks: Annotated[int, typer.Option(min=1, max=2, help="That read together; two are surer of less.")] = 2,
    from_keras: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE.keras",
            help="A network trained elsewhere, kept by Keras; may be repeated. Exported and weighed, not trained.",
        ),
    ] = None,
    lines: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A reader that exists: weighed beside --model, and not trained."),
    ] = None,
    epochs: Annotated[
        int, typer.Option(min=1, help="Of each network, at most; stops early where nothing improves.")
    ] = 100,
    lines_per_epoch: Annotated[int, typer.Option(min=64, help="Lines shown in an epoch.")] = 16_000,
    painted_lines: Annotated[int, typer.Option(min=64, help="Painted for each network.")] = 80_000,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that paint and vary lines.  [default: all cores]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last epoch of an interrupted run.")
    ] = False,
) -> None:
    """Train, telling each epoch's score and what both readers read together."""
    from rich.console import Console

    from docproc.engine import available_cores
    from docproc.training.fit import EpochScore
    from docproc.training.strings.plan import LinePlan
    from docproc.training.strings.train import train_lines as train_reader

    console = Console()
    plan = LinePlan(
        output=output,
        mnist=mnist,
        digits=tuple(digits or ()),
        recognizer=model,
        seed=seed,
        networks=networks,
        reader=lines,
        trained=tuple(from_keras or ()),
        epochs=epochs,
        lines_per_epoch=lines_per_epoch,
        painted_lines=painted_lines,
        workers=workers or available_cores(),
        resume=resume,
    )

    def tell(score: EpochScore) -> None:
        console.print(
            f"epoch {score.epoch + 1}: loss {score.training_loss:.3f}, held out {score.held_out_loss:.3f}, "
            f"{score.held_out_right:.1%} of whole numbers right"
        )

    try:
        with native_messages_muted(), _bars(console, plan) as progress:
            card = train_reader(plan, progress=progress, epoch_done=tell)
    except KeyboardInterrupt:
        console.print(
            "Interrupted. The same command with --resume goes on from what is kept: painted lines, finished epochs."
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    for layout, what in (("cells", "in boxes"), ("free", "written freely")):
        one, other, both = (card.scores[f"{layout}_{reader}_right"] for reader in ("glyphs", "line", "both"))
        console.print(f"Whole numbers {what}: {one:.1%} by their digits, {other:.1%} as a line, {both:.1%} by both.")
    console.print(f"Fields go to review below a confidence of {card.review_below:g}.")
    console.print(f"Next: docproc process scans -o results --lines {output}", soft_wrap=True)


@contextmanager
def _bars(console: Console, plan: LinePlan) -> Iterator[Callable[[str, float], None]]:
    """One bar a stage, shown from its first word on, with the time left."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from docproc.training.strings.train import STAGES

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        totals = dict.fromkeys(STAGES, 1) | {"painting": plan.networks, "training": plan.networks * plan.epochs}
        tasks = {
            stage: bars.add_task(stage, total=total, start=False, visible=False) for stage, total in totals.items()
        }

        def progress(stage: str, done: float) -> None:
            task = tasks[stage]
            if not bars.tasks[task].started:
                bars.start_task(task)
                if not console.is_terminal:  # where no bar is drawn
                    console.print(stage)
            bars.update(task, completed=done, visible=done < totals[stage])

        yield progress
