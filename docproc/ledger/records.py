"""Records to JSON text and back, with nothing lost.

In:  a `Record`.
Out: JSON text without the crops, and the crops by the place of their field; of both, an equal record again.
An `Unreadable` needs no text: its four values are columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from docproc.geometry import Box
from docproc.page import PageRef
from docproc.reading import CharacterReading, FieldReading, Reason, Record, Verdict, sent_to_review, with_detail


def to_json(record: Record) -> str:
    """The record as JSON text in ASCII; the crops are left out, see `crops_of`."""
    ref = record.ref
    return json.dumps(
        {
            "ref": {"source": ref.source, "path": ref.path, "index": ref.index, "sha256": ref.sha256},
            "template": record.template,
            "template_digest": record.template_digest,
            "model_digest": record.model_digest,
            "verdict": record.verdict,
            "reasons": record.reasons,
            "residual_mm": record.residual_mm,
            "detail": record.detail,
            "fields": [_field_to_json(reading) for reading in record.fields],
        },
        separators=(",", ":"),
        default=float,  # numbers that came out of an array
    )


def crops_of(record: Record) -> dict[int, bytes]:
    """The picture of each field that has one, by the field's place in the record."""
    return {place: reading.crop_png for place, reading in enumerate(record.fields) if reading.crop_png}


def from_json(text: str, crops: Mapping[int, bytes]) -> Record:
    """The record that `to_json` and `crops_of` were given."""
    told = json.loads(text)
    return Record(
        ref=PageRef(**told["ref"]),
        template=told["template"],
        template_digest=told["template_digest"],
        model_digest=told["model_digest"],
        fields=tuple(
            _field_from_json(reading, crops.get(place, b"")) for place, reading in enumerate(told["fields"])
        ),
        verdict=Verdict(told["verdict"]),
        reasons=tuple(told["reasons"]),
        residual_mm=told["residual_mm"],
        detail=told["detail"],
    )


def as_page(record: Record, ref: PageRef, *, duplicate_of: str = "") -> Record:
    """The record of a page that has the content of the one that was read, under its own name.

    Where that came earlier in the batch, nobody should count it twice unseen: it is marked, and goes to review.
    """
    own = record if record.ref == ref else replace(record, ref=ref)
    reason = with_detail(Reason.DUPLICATE, duplicate_of)
    if not duplicate_of or reason in own.reasons:
        return own
    return sent_to_review(own, [reason], fields=dict.fromkeys((reading.name for reading in own.fields), reason))


def _field_to_json(reading: FieldReading) -> dict[str, Any]:
    box = reading.box_px
    return {
        "name": reading.name,
        "text": reading.text,
        "confidence": reading.confidence,
        "verdict": reading.verdict,
        "reasons": reading.reasons,
        "alternatives": reading.alternatives,
        "characters": [
            {"digit": one.digit, "confidence": one.confidence, "alternatives": one.alternatives, "mark": one.mark}
            for one in reading.characters
        ],
        "box_px": None if box is None else [box.left, box.top, box.width, box.height],
    }


def _field_from_json(told: Mapping[str, Any], crop_png: bytes) -> FieldReading:
    return FieldReading(
        name=told["name"],
        text=told["text"],
        confidence=told["confidence"],
        verdict=Verdict(told["verdict"]),
        reasons=tuple(told["reasons"]),
        alternatives=_chances(told["alternatives"]),
        characters=tuple(
            CharacterReading(one["digit"], one["confidence"], _chances(one["alternatives"]), one["mark"])
            for one in told["characters"]
        ),
        box_px=None if told["box_px"] is None else Box(*told["box_px"]),
        crop_png=crop_png,
    )


def _chances(told: list[list[Any]]) -> tuple[tuple[str, float], ...]:
    return tuple((text, chance) for text, chance in told)
