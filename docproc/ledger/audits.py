"""Audits: random samples of accepted fields, drawn once and never changed.

In:  the fields that were drawn, with their pictures.
Out: rows. What people say of them is a correction like any other: see docproc.ledger.corrections.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from docproc.errors import LedgerError
from docproc.ledger.opening import open_to_add
from docproc.ledger.rows import now
from docproc.ledger.schema import transaction


@dataclass(frozen=True, slots=True)
class Drawn:
    """One field that was drawn."""

    source: str  #: Its page, as in PageRef.
    index: int
    sha256: str
    place: int  #: In the page's record, from 0.
    field: str
    value: str  #: As it was accepted.
    crop_png: bytes  #: Its picture, kept with the reading where that has none: of accepted fields none is.


def add_audit(
    folder: Path,
    drawn: Iterable[Drawn],
    *,
    after: int,
    seed: int,
    accepted: int,
    bound: float | None,
    review_below: float | None,
    last_reading: int,
) -> None:
    """Keep a sample; all of it is on the disk when this returns, or nothing.

    Parameters
    ----------
    folder : Path
        Of the results.
    after : int
        How many audits there were when it was drawn.
    seed, accepted, bound, review_below, last_reading
        As in docproc.ledger.Audit.

    Raises
    ------
    LedgerError
        If it cannot be written, or the batch has changed meanwhile, or another audit of it was drawn.
    """
    with open_to_add(folder) as db, transaction(db):
        (audits,) = db.execute("SELECT count(*) FROM audits").fetchone()
        if audits != after:
            raise _overtaken(folder)
        (number,) = db.execute(
            "INSERT INTO audits (drawn_at, seed, accepted, bound, review_below, last_reading) "
            "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (now(), seed, accepted, bound, review_below, last_reading),
        ).fetchone()
        for one in drawn:
            page = db.execute(
                "SELECT id, reading FROM pages WHERE source = ? AND page_index = ? AND sha256 = ? AND reading <= ?",
                (one.source, one.index, one.sha256, last_reading),
            ).fetchone()
            if page is None:
                raise _overtaken(folder)
            db.execute(
                "INSERT INTO audited (audit, page, field, sha256, value) VALUES (?, ?, ?, ?, ?)",
                (number, page[0], one.field, one.sha256, one.value),
            )
            db.execute(
                "INSERT OR IGNORE INTO crops VALUES (?, ?, ?, ?)", (page[1], one.place, one.field, one.crop_png)
            )


def _overtaken(folder: Path) -> LedgerError:
    return LedgerError(
        f"{folder}: the batch has changed while the sample was drawn; nothing was kept.",
        remedy="Draw it again when no run is going on.",
    )
