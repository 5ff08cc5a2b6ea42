"""Records to files that people and programs open."""

from docproc.export.folder import refuse_others
from docproc.export.results import Results, open_results

__all__ = ["Results", "open_results", "refuse_others"]
