"""What can stop docproc, and what the user can do about it.

DocprocError(message, *, remedy)
|- TemplateError 3      the template file is wrong
|- PageError 4          one page cannot be read (it fails alone; the batch goes on)
|- ModelError 5         the model or its card is missing or does not fit
|- LedgerError 6        the batch's memory is damaged, or in use
|- OutputError 7        the output cannot be written
|- MissingExtraError 8  an optional package is not installed
|- TooManyFailures 9    so many pages failed that going on makes no sense

Other exit codes: 0 every page has a record, 1 a bug, 2 usage, 10 done but some pages failed, 130 interrupted.
Only docproc.cli turns these into words and exit codes.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_SOME_PAGES_FAILED = 10
EXIT_INTERRUPTED = 130


class DocprocError(Exception):
    """Something that the user must act on: what is wrong and where, and what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        # Exceptions with keyword-only arguments do not survive pickling unaided; workers raise these.
        return (_rebuild, (type(self), self.message, self.remedy))

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


def _rebuild(kind: type[DocprocError], message: str, remedy: str) -> DocprocError:
    return kind(message, remedy=remedy)


class TemplateError(DocprocError):
    """The template is wrong, or there is none."""

    exit_code = 3


class PageError(DocprocError):
    """One page cannot be read."""

    exit_code = 4


class ModelError(DocprocError):
    """The model is missing, damaged, or does not fit its card."""

    exit_code = 5


class LedgerError(DocprocError):
    """The batch's memory is damaged, or another run holds it."""

    exit_code = 6


class OutputError(DocprocError):
    """The output cannot be written."""

    exit_code = 7


class MissingExtraError(DocprocError):
    """An optional package is needed."""

    exit_code = 8


class TooManyFailures(DocprocError):  # noqa: N818 - the name that ARCHITECTURE gives it
    """More pages failed than the user allowed."""

    exit_code = 9
