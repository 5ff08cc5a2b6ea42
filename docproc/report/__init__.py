"""The report of a batch: one page for whoever answers for it, and need not know how it is read.

tally.py counts in the pass that makes the tables; page.py puts the counts into report.html when it has ended.
The ledger alone decides what is in it, so that it can be thrown away and made again like the tables. It asks no
clock: all times are the ledger's, and stand in `time` elements; equal batches have equal reports but for those.
"""

from docproc.report.page import render
from docproc.report.tally import Tally

__all__ = ["Tally", "render"]
