"""From trained networks of lines to a reader in a folder: export, weigh beside the recognizer, measure, describe.

In:  networks, new or of a reader that exists; the digits of held-out writers; the recognizer.
Out: `lines1.tflite`, ... and `card.yaml`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from docproc.character.card import DataSource
from docproc.character.recognizer import LiteRtRecognizer
from docproc.combination.card import LINE_CARD_NAME, LINE_ID, Layout, LineCard, Pool, network_name, write_line_card
from docproc.combination.line_reader import LiteRtLineReader
from docproc.combination.witness import RapidOcrWitness
from docproc.errors import ModelError, OutputError
from docproc.field.line import HEIGHT_PX
from docproc.litert import Network
from docproc.ocr import is_installed
from docproc.training.digits import styles
from docproc.training.digits.datasets import LICENSES
from docproc.training.export import check_agreement, convert
from docproc.training.finish import WRONG_AMONG_ACCEPTED
from docproc.training.material import Material, halves
from docproc.training.painting.numbers import Writers
from docproc.training.programs import program_versions
from docproc.training.strings.network import build_line_network
from docproc.training.strings.plan import LinePlan, training_writers
from docproc.training.strings.weighing import HeardSheets, fit_pool, hear_many, judge

LARGEST_BYTES = 4_000_000  #: Of all networks together.
_LAYOUTS: tuple[Layout, ...] = ("cells", "free")
_CALIBRATE, _MEASURE = 11, 12  #: Seeds of what is painted to fit pools on, and to measure them on.
_NOTES = (
    "Pools were fitted on painted fields of one half of the held-out writers; scores and review_below are of the "
    f"other half's. review_below: of fields where both readers agree, at most {WRONG_AMONG_ACCEPTED:.1%} of those "
    "that sure are wrong. sure: what makes the log odds that the best value is right. cells: combs and single boxes; "
    "free: numbers written freely. glyphs, line, both: by the recognizer's glyphs, by these networks, by both "
    "together. right: the whole value, all fields with ink, numbers struck out and spoiled scans included. ece: "
    "expected calibration error. at_1_percent_wrong: share that could be accepted, the surest first, 1 % of them "
    "wrong. witness_*: all fields, RapidOCR asked of doubtful ones; where it was not installed, pools do not know "
    "it. wall_time_s is of the training, 0 where networks were trained elsewhere."
)


def export_lines(
    models: Sequence[Any], plan: LinePlan, material: Material, *, wall_time_s: float
) -> LiteRtLineReader:
    """Networks as LiteRT runs them, and a card that says all but how much their word counts.

    ModelError if they are too large or do not agree with what was trained.
    """
    exported = [_export(model, plan) for model in models]
    size = sum(map(len, exported))
    if size > LARGEST_BYTES:
        raise ModelError(
            f"The exported models have {size:,} bytes; at most {LARGEST_BYTES:,} are allowed.",
            remedy="Nothing was written. Give them fewer filters.",
        )
    card = LineCard(
        name=plan.output.name,
        line=LINE_ID,
        networks=[hashlib.sha256(one).hexdigest() for one in exported],
        recognizer="",
        pools={},
        review_below=0.0,
        data=_sources(material),
        seed=plan.seed,
        scores={},
        wall_time_s=round(wall_time_s, 1),
        versions=program_versions("tensorflow"),
        notes=_NOTES,
    )
    return LiteRtLineReader(card, tuple(exported))


def weigh_lines(
    reader: LiteRtLineReader,
    plan: LinePlan,
    material: Material,
    recognizer: LiteRtRecognizer,
    *,
    progress: Callable[[float], None] = lambda share: None,
) -> LineCard:
    """Weigh the reader's word beside the recognizer's, measure both, and write reader and card.

    OutputError if the folder cannot be written.
    """
    parts = halves(material.held_out, plan.seed)
    witness = RapidOcrWitness() if is_installed() else None
    heard = []
    for sources, seed in zip(parts, (_CALIBRATE, _MEASURE), strict=True):
        sheets = HeardSheets(Writers(sources), plan.seed + seed, recognizer, reader, witness)
        heard.append(hear_many(sheets, plan.weighed_lines, workers=plan.workers))
        progress(len(heard) / len(parts))
    pools: dict[Layout, Pool] = {}
    for layout in _LAYOUTS:
        pools[layout] = fit_pool([one for one in heard[0] if one.layout == layout])
    scores, review_below = judge(heard[1], pools, risk=WRONG_AMONG_ACCEPTED)
    card = reader.card.model_copy(
        update={
            "name": plan.output.name,
            "recognizer": recognizer.digest,
            "pools": pools,
            "scores": scores,
            "review_below": review_below,
        }
    )
    _write(plan, reader.models, card)
    return card


def _sources(material: Material) -> list[DataSource]:
    writers = training_writers(material)
    shares = (1 - writers.drawn_share) * writers.shares
    sources = [
        DataSource(
            name=source.name,
            license=LICENSES.get(source.name, "not stated"),
            share=round(float(share), 4),
            glyphs=len(source),
        )
        for source, share in zip(writers.sources, shares, strict=True)
    ]
    drawn = DataSource(name=styles.NAME, license=styles.LICENSE, share=writers.drawn_share, glyphs=0)
    return [*sources, drawn]


def _export(model: Any, plan: LinePlan) -> bytes:
    fixed = build_line_network(batch_size=1, settings=plan.settings)
    fixed.set_weights(model.get_weights())
    exported = convert(fixed)
    noise = np.random.default_rng(0).integers(0, 256, (1, HEIGHT_PX, 128, 2), dtype=np.uint8)
    own = Network(exported, noise.shape).run(noise)
    check_agreement(np.asarray(model.predict_on_batch(noise.astype(np.float32) / 255.0), np.float64), own)
    return exported


def _write(plan: LinePlan, exported: Sequence[bytes], card: LineCard) -> None:
    """The networks first, the card last: until it is there, the old one's sha256 betrays what is half written."""
    folder = plan.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = [network_name(number) for number in range(len(exported))]
        for name, content in zip(names, exported, strict=True):
            (folder / f".{name}.part").write_bytes(content)
        write_line_card(card, folder / f".{LINE_CARD_NAME}.part")
        for name in (*names, LINE_CARD_NAME):
            os.replace(folder / f".{name}.part", folder / name)
        for left in set(folder.glob(network_name(None))) - {folder / name for name in names}:
            left.unlink()  # of a reader of more networks that was here before
    except OSError as error:
        raise OutputError(
            f"{folder}: the reader could not be written ({error.strerror}).",
            remedy="Make room or name another folder with -o, then run the same command with --resume.",
        ) from error
