"""Records to JSON text and back, with nothing lost.

In:  a `Record`.
Out: JSON text of it and, apart, of its characters, which are most of it and of which no table tells; its crops by the
     place of their field. Of all three, an equal record again.
An `Unreadable` needs no text: its four values are columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from docproc.geometry import Box
from docproc.page import PageRef
from docproc.reading import CharacterReading, FieldReading, Reason, Record, Verdict, sent_to_review, with_detail


def to_json(record: Record) -> str:
    """The record as JSON text in ASCII, but for what `characters_to_json` and `crops_of` tell."""
    ref = record.ref
    return _dumped(
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
        }
    )


def characters_to_json(record: Record) -> str:
    """The characters of each field as JSON text in ASCII: digit, confidence, alternatives, mark, corners."""
    return _dumped(
        [
            [(one.digit, one.confidence, one.alternatives, one.mark, one.corners_px) for one in reading.characters]
            for reading in record.fields
        ]
    )


def _dumped(told: Any) -> str:
    return json.dumps(told, separators=(",", ":"), default=float)  # numbers that came out of an array


def crops_of(record: Record) -> dict[int, bytes]:
    """The picture of each field that has one, by the field's place in the record."""
    return {place: reading.crop_png for place, reading in enumerate(record.fields) if reading.crop_png}


def from_json(text: str, characters: str, crops: Mapping[int, bytes]) -> Record:
    """The record of which `to_json`, `characters_to_json` and `crops_of` tell; "" stands for no characters."""
    told, fields = json.loads(text), []
    all_characters = json.loads(characters) if characters else ()
    for place, reading in enumerate(told["fields"]):
        # Before schema 2 they stood with their field, under the same four names.
        known = all_characters[place] if characters else [one.values() for one in reading.get("characters", ())]
        fields.append(_field_from_json(reading, known, crops.get(place, b"")))
    return Record(
        ref=PageRef(**told["ref"]),
        template=told["template"],
        template_digest=told["template_digest"],
        model_digest=told["model_digest"],
        fields=tuple(fields),
        verdict=_VERDICTS[told["verdict"]],
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
        "box_px": None if box is None else [box.left, box.top, box.width, box.height],
    }


_VERDICTS = {verdict.value: verdict for verdict in Verdict}  # a call of Verdict takes ten times as long


def _field_from_json(told: Mapping[str, Any], characters: Sequence[Iterable[Any]], crop_png: bytes) -> FieldReading:
    box_px = told["box_px"]
    return FieldReading(
        told["name"],
        told["text"],
        told["confidence"],
        _VERDICTS[told["verdict"]],
        tuple(told["reasons"]),
        tuple(map(tuple, told["alternatives"])),
        tuple(
            CharacterReading(
                digit,
                confidence,
                tuple(map(tuple, alternatives)),
                mark,
                tuple(map(tuple, corners[0] if corners else ())),
            )
            for digit, confidence, alternatives, mark, *corners in characters  # corners came later
        )
        if characters
        else (),
        None if box_px is None else Box(*box_px),
        crop_png,
    )
