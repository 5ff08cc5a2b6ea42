"""Where the time of a page goes: the share of each level, on the sample forms.

    python -m tests.bench.stages

In:  samples/, the shipped model.
Out: a table with each function's share of `read_page`, what the reader of lines adds to a page's time, and glyphs a
second of the recognizer by itself.
"""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from docproc.character.card import ModelCard
from docproc.character.recognizer import LiteRtRecognizer, load_recognizer
from docproc.combination.line_reader import LiteRtLineReader, load_line_reader
from docproc.decision import Policy
from docproc.page import Page, find_sources, list_pages, load_page
from docproc.pipeline import read_page
from docproc.template import Template, load_template

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
STAGES = (
    ("form/registration.py", "register"),
    ("form/binarization.py", "estimate_paper"),
    ("form/cutting.py", "cut_field"),
    ("fields.py", "_pen_peak"),
    ("fields.py", "_propose"),
    ("character/normalization.py", "normalize_all"),
    ("character/recognizer.py", "recognize"),
    ("fields.py", "_read_field"),
    ("field/line.py", "line_of"),
    ("combination/line_reader.py", "transcribe"),
)


@dataclass
class _Listener:
    """A recognizer that remembers what it was asked."""

    recognizer: LiteRtRecognizer
    heard: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    @property
    def card(self) -> ModelCard:
        return self.recognizer.card

    @property
    def digest(self) -> str:
        return self.recognizer.digest

    def recognize(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        self.heard.append(glyphs)
        return self.recognizer.recognize(glyphs)


def main() -> None:
    """Profile the samples, print the shares."""
    cv2.setNumThreads(1)
    recognizer = load_recognizer()
    line_reader = load_line_reader()
    policy = Policy(line_reader.card.review_below)
    work = []
    for folder in sorted(path.parent for path in SAMPLES.glob("*/template.yaml")):
        template = load_template(folder / "template.yaml")
        pages = [load_page(ref) for source in find_sources([str(folder)]) for ref in list_pages(source)]
        work += [(page, template) for page in pages]
    # What is loaded once is not a page's time.
    read_page(work[0][0], [work[0][1]], recognizer, policy, line_reader=line_reader)
    listener = _Listener(recognizer)
    profile = cProfile.Profile()
    profile.enable()
    for page, template in work:
        read_page(page, [template], listener, policy, line_reader=line_reader)
    profile.disable()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    spent = {(file.replace("\\", "/"), name): row[3] for (file, _, name), row in stats.items()}
    whole = sum(value for (file, name), value in spent.items() if name == "read_page")
    print(f"{len(work)} pages, {whole / len(work):.2f} s a page under the profiler")
    for file, name in STAGES:
        share = sum(value for (where, what), value in spent.items() if what == name and where.endswith(file)) / whole
        print(f"  {share:6.1%}  {name}")
    alone_s, both_s = (_seconds(work, recognizer, policy, reader) for reader in (None, line_reader))
    speed = len(work) / both_s
    print(f"the reader of lines makes a page take {both_s / alone_s - 1:+.0%} ({speed:.1f} pages a second with it)")
    # The pages' own glyphs: how many need a second look decides.
    glyphs = np.concatenate(listener.heard)
    alone = replace(recognizer, card=recognizer.card.model_copy(update={"second_look": None}))
    for what, reader in (("both looks", recognizer), ("the first alone", alone)):
        reader.recognize(glyphs)
        started = time.perf_counter()
        reader.recognize(glyphs)
        speed = len(glyphs) / (time.perf_counter() - started)
        print(f"recognizer by itself, {what}: {speed:,.0f} of their {len(glyphs):,} glyphs a second on one core")


def _seconds(
    work: Sequence[tuple[Page, Template]],
    recognizer: LiteRtRecognizer,
    policy: Policy,
    line_reader: LiteRtLineReader | None,
) -> float:
    """Seconds of all pages, the shorter of two rounds."""
    rounds = []
    for _ in range(2):
        started = time.perf_counter()
        for page, template in work:
            read_page(page, [template], recognizer, policy, line_reader=line_reader)
        rounds.append(time.perf_counter() - started)
    return min(rounds)


if __name__ == "__main__":
    main()
