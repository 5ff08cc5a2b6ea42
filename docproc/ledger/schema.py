"""The tables of a ledger, and how an older one becomes one of today.

In:  an open database, new or old.
Out: the same with every migration applied, each in one transaction with its own record.
A migration that has been released is never changed: what comes after it is another one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docproc.errors import LedgerError

APPLICATION_ID = (
    0x646F6370  #: "docp": what SQLite writes into the file's head, so that no other file is taken for one.
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from a schema to the next."""

    number: int  #: From 1, without gaps.
    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        1,
        "pages, runs, attempts, readings, failures, corrections",
        (
            f"PRAGMA application_id = {APPLICATION_ID}",
            """CREATE TABLE migrations (
                number INTEGER PRIMARY KEY,
                name TEXT NOT NULL,
                applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ'))
            )""",
            """CREATE TABLE runs (
                id INTEGER PRIMARY KEY,
                started_at TEXT NOT NULL,
                ended_at TEXT,  -- NULL while it goes on, and for ever where its process died
                pid INTEGER NOT NULL,
                host TEXT NOT NULL,
                version TEXT NOT NULL,
                settings TEXT NOT NULL  -- JSON
            )""",
            """CREATE TABLE readings (
                id INTEGER PRIMARY KEY,
                sha256 TEXT NOT NULL,  -- of the file that was read
                page_index INTEGER NOT NULL,
                read_with TEXT NOT NULL,  -- digest of templates, models, settings
                record TEXT NOT NULL,  -- JSON, see docproc.ledger.records
                UNIQUE (sha256, page_index, read_with)
            )""",
            """CREATE TABLE crops (
                reading INTEGER NOT NULL REFERENCES readings,
                place INTEGER NOT NULL,  -- of the field in the record, from 0
                field TEXT NOT NULL,
                png BLOB NOT NULL,
                UNIQUE (reading, place)
            )""",
            """CREATE TABLE pages (
                id INTEGER PRIMARY KEY,
                position INTEGER NOT NULL,  -- in the batch
                in_batch INTEGER NOT NULL,  -- 0: a page of an earlier run that the last one did not have
                source TEXT NOT NULL,
                page_index INTEGER NOT NULL,  -- from 0; -1: the file as a whole, which could not be listed
                path BLOB NOT NULL,  -- bytes, as the operating system has it
                sha256 TEXT NOT NULL,
                read_with TEXT NOT NULL,
                duplicate_of TEXT NOT NULL,
                state TEXT NOT NULL,
                losses INTEGER NOT NULL,
                reading INTEGER REFERENCES readings,
                UNIQUE (source, page_index)
            )""",
            "CREATE INDEX pages_in_order ON pages (in_batch, position)",
            "CREATE INDEX pages_by_state ON pages (in_batch, state, position)",
            "CREATE INDEX pages_by_content ON pages (sha256, page_index, read_with, in_batch, position)",
            """CREATE TABLE attempts (
                id INTEGER PRIMARY KEY,
                page INTEGER NOT NULL REFERENCES pages,
                run INTEGER NOT NULL REFERENCES runs,
                began TEXT NOT NULL,
                ended TEXT,
                event TEXT,
                detail TEXT NOT NULL DEFAULT ''
            )""",
            "CREATE INDEX attempts_by_page ON attempts (page)",
            "CREATE INDEX attempts_open ON attempts (page) WHERE ended IS NULL",
            """CREATE TABLE failures (
                page INTEGER PRIMARY KEY REFERENCES pages,
                message TEXT NOT NULL,
                remedy TEXT NOT NULL
            )""",
            """CREATE TABLE corrections (
                id INTEGER PRIMARY KEY,
                page INTEGER NOT NULL REFERENCES pages,
                reading INTEGER REFERENCES readings,  -- that which was corrected; NULL: there was none
                field TEXT NOT NULL,
                old TEXT NOT NULL,
                new TEXT NOT NULL,
                who TEXT NOT NULL,
                at TEXT NOT NULL
            )""",
            "CREATE INDEX corrections_by_page ON corrections (page)",
            *(
                f"""CREATE TRIGGER {table}_are_kept_at_{verb.lower()} BEFORE {verb} ON {table}
                BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"""
                for table in ("readings", "crops", "corrections")
                for verb in ("UPDATE", "DELETE")
            ),
        ),
    ),
    Migration(
        2,
        "files that are known by their stamps; the batch by a count; what the tables are made of; characters apart",
        (
            """CREATE TABLE files (
                path BLOB PRIMARY KEY,  -- as in pages
                stamp TEXT NOT NULL,  -- see docproc.ledger.files
                sha256 TEXT NOT NULL,
                pages INTEGER NOT NULL,
                version TEXT NOT NULL  -- of the docproc that opened it
            ) WITHOUT ROWID""",
            # One row. A page with in_batch = 1 at a later position was in a batch before, and nothing took its place.
            "CREATE TABLE batch (entered INTEGER NOT NULL)",
            "INSERT INTO batch SELECT coalesce(max(position), 0) FROM pages WHERE in_batch = 1",
            """CREATE VIEW pages_of_batch AS SELECT * FROM pages
                WHERE in_batch = 1 AND position <= (SELECT entered FROM batch)""",
            "ALTER TABLE readings ADD COLUMN characters TEXT NOT NULL DEFAULT ''",  # JSON; '': they are in the record
            # No row, or one.
            """CREATE TABLE tables (
                made_of TEXT NOT NULL,  -- digest of all that decides what is in them
                told TEXT NOT NULL  -- JSON, see docproc.tables
            )""",
        ),
    ),
    Migration(
        3,
        "the verdict of a correction",
        # What a person says of a field after it was corrected; `review` takes earlier corrections back.
        ("ALTER TABLE corrections ADD COLUMN verdict TEXT NOT NULL DEFAULT 'accepted'",),
    ),
    Migration(
        4,
        "audits: random samples of accepted fields",
        (
            """CREATE TABLE audits (
                id INTEGER PRIMARY KEY,
                drawn_at TEXT NOT NULL,
                seed INTEGER NOT NULL,
                accepted INTEGER NOT NULL,  -- fields that were accepted unseen: those that it was drawn of
                bound REAL,  -- the share of wrong ones that it was to show; NULL where its size was named
                review_below REAL,  -- the threshold in force then; NULL: that with which pages were read
                last_reading INTEGER NOT NULL  -- pages with later ones are not covered
            )""",
            """CREATE TABLE audited (
                audit INTEGER NOT NULL REFERENCES audits,
                page INTEGER NOT NULL REFERENCES pages,
                field TEXT NOT NULL,
                sha256 TEXT NOT NULL,  -- of the page's file
                value TEXT NOT NULL,  -- as it was accepted
                PRIMARY KEY (audit, page, field)
            ) WITHOUT ROWID""",
            *(
                f"""CREATE TRIGGER {table}_are_kept_at_{verb.lower()} BEFORE {verb} ON {table}
                BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"""
                for table in ("audits", "audited")
                for verb in ("UPDATE", "DELETE")
            ),
        ),
    ),
    Migration(
        5,
        "keyings: what people key without seeing what was read",
        (
            """CREATE TABLE keyings (
                id INTEGER PRIMARY KEY,
                page INTEGER NOT NULL REFERENCES pages,
                reading INTEGER NOT NULL REFERENCES readings,  -- that which stood then, unseen
                field TEXT NOT NULL,
                value TEXT NOT NULL,
                verdict TEXT NOT NULL,  -- `review` takes this person's earlier ones back
                who TEXT NOT NULL,
                after INTEGER NOT NULL,  -- the field's last correction then; 0: there was none
                at TEXT NOT NULL
            )""",
            "CREATE INDEX keyings_by_page ON keyings (page)",
            *(
                f"""CREATE TRIGGER keyings_are_kept_at_{verb.lower()} BEFORE {verb} ON keyings
                BEGIN SELECT RAISE(ABORT, 'keyings are never changed'); END"""
                for verb in ("UPDATE", "DELETE")
            ),
        ),
    ),
    Migration(
        6,
        "doubts: accepted fields that people found odd among others that were read alike",
        (
            """CREATE TABLE doubts (
                id INTEGER PRIMARY KEY,
                page INTEGER NOT NULL REFERENCES pages,
                reading INTEGER NOT NULL REFERENCES readings,
                field TEXT NOT NULL,
                withdrawn INTEGER NOT NULL,  -- 1: the earlier ones of this field are taken back
                who TEXT NOT NULL,
                at TEXT NOT NULL
            )""",
            "CREATE INDEX doubts_by_page ON doubts (page)",
            *(
                f"""CREATE TRIGGER doubts_are_kept_at_{verb.lower()} BEFORE {verb} ON doubts
                BEGIN SELECT RAISE(ABORT, 'doubts are never changed'); END"""
                for verb in ("UPDATE", "DELETE")
            ),
        ),
    ),
)


def migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the database to the last of the migrations.

    Raises
    ------
    LedgerError
        If it is no ledger, or a newer docproc has made it; nothing is changed then.
    """
    version = version_of(db, path)
    _refuse_newer(version, path, migrations)
    for migration in migrations[version:]:
        with transaction(db):
            for statement in migration.statements:
                db.execute(statement)
            db.execute("INSERT INTO migrations (number, name) VALUES (?, ?)", (migration.number, migration.name))


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block is written, or nothing."""
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:  # on a full disk SQLite has taken it back already
            db.execute("ROLLBACK")


def require_current(db: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Stop where the database has another schema, for those who may not change it.

    Raises
    ------
    LedgerError
        If it is no ledger, or an older or newer docproc has made it.
    """
    version = version_of(db, path)
    _refuse_newer(version, path, migrations)
    if version < len(migrations):
        raise LedgerError(
            f"{path}: an older docproc has made this ledger (schema {version} of {len(migrations)}).",
            remedy="Process the batch once with this docproc: that brings it up to date, and reads nothing twice.",
        )


def version_of(db: sqlite3.Connection, path: Path) -> int:
    """The number of the last migration that was applied; 0 in an empty database.

    Raises
    ------
    LedgerError
        If it holds other things than a ledger.
    """
    (application_id,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id != APPLICATION_ID and (application_id or tables):
        raise LedgerError(
            f"{path} is the database of another program, no ledger of docproc.",
            remedy="Name another folder with -o, or move that file away.",
        )
    if not tables:
        return 0
    return db.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0]


def _refuse_newer(version: int, path: Path, migrations: Sequence[Migration]) -> None:
    if version > len(migrations):
        raise LedgerError(
            f"{path}: a newer docproc has made this ledger (schema {version}; this one knows {len(migrations)}).",
            remedy="Update docproc, or name another folder with -o.",
        )
