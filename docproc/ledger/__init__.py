"""The only memory of a batch: which pages it has, where each stands, and what was read."""

from docproc.ledger.files import KnownFile, stamp_of
from docproc.ledger.opening import LEDGER_NAME, NAMES
from docproc.ledger.states import State
from docproc.ledger.store import Entry, Ledger, WaitingPage, digest_of, open_ledger
from docproc.ledger.view import Counts, LedgerView, Run, read_ledger

__all__ = [
    "LEDGER_NAME",
    "NAMES",
    "Counts",
    "Entry",
    "KnownFile",
    "Ledger",
    "LedgerView",
    "Run",
    "State",
    "WaitingPage",
    "digest_of",
    "open_ledger",
    "read_ledger",
    "stamp_of",
]
