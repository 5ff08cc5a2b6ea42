"""The only memory of a batch: which pages it has, where each stands, and what was read."""

from docproc.ledger.audits import Drawn, add_audit
from docproc.ledger.corrections import WHOLE_PAGE, Corrections, Overtaken, open_corrections
from docproc.ledger.files import KnownFile, stamp_of
from docproc.ledger.keyings import (
    Keying,
    Keyings,
    NotYours,
    is_decided,
    keyed_in,
    open_keyings,
    people_of,
    person,
    standing_keyings,
)
from docproc.ledger.opening import LEDGER_NAME, NAMES, no_run
from docproc.ledger.past import Attempt, Doubt, Keyed, Past, PastView, Word, read_past
from docproc.ledger.rows import Entry, WaitingPage, now
from docproc.ledger.states import State
from docproc.ledger.store import Ledger, digest_of, open_ledger
from docproc.ledger.view import WHOLE_FILE, Audit, AuditedField, Counts, LedgerView, Run, Stint, read_ledger

__all__ = [
    "LEDGER_NAME",
    "NAMES",
    "WHOLE_FILE",
    "WHOLE_PAGE",
    "Attempt",
    "Audit",
    "AuditedField",
    "Corrections",
    "Counts",
    "Doubt",
    "Drawn",
    "Entry",
    "Keyed",
    "Keying",
    "Keyings",
    "KnownFile",
    "Ledger",
    "LedgerView",
    "NotYours",
    "Overtaken",
    "Past",
    "PastView",
    "Run",
    "State",
    "Stint",
    "WaitingPage",
    "Word",
    "add_audit",
    "digest_of",
    "is_decided",
    "keyed_in",
    "no_run",
    "now",
    "open_corrections",
    "open_keyings",
    "open_ledger",
    "people_of",
    "person",
    "read_ledger",
    "read_past",
    "stamp_of",
    "standing_keyings",
]
