"""One page, from its file to a record, whatever goes wrong: what a worker does.

In:  a task: which page, and which templates may be its own.
Out: a `Record`, or an `Unreadable` that says why there is none. Only errors that concern every page are raised.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docproc.character.recognizer import Recognizer
from docproc.combination.line_reader import LineReader
from docproc.combination.witness import Witness
from docproc.decision import Policy
from docproc.errors import DocprocError, MissingExtraError, PageError
from docproc.page import PageRef, Unreadable, load_page
from docproc.pipeline import read_page
from docproc.reading import Record
from docproc.template import Template

FAULT_REMEDY = "This is a fault in docproc, not in the page: please report it, with the page if you may."


@dataclass(frozen=True, slots=True)
class PageTask:
    """One page to read."""

    ref: PageRef
    templates: tuple[str, ...] = ()  #: Paths of the templates of which it may be.
    number: int = 0  #: In the ledger.
    copy: Path | None = None  #: The content, on this machine, of an object in the cloud.


Outcome = Record | Unreadable


@dataclass(frozen=True, slots=True)
class OpenReader:
    """Travels to each worker and gives the function that reads a page there."""

    recognizer: Recognizer
    templates: Mapping[str, Template]  #: By their path.
    policy: Policy
    whole_image: bool = False
    line_reader: LineReader | None = None
    witness: Witness | None = None
    load: Callable[..., Any] = load_page
    read: Callable[..., Record] = read_page

    def __call__(self) -> Callable[[PageTask], Outcome]:
        """The model is opened by its first use."""
        return self.outcome_of

    def outcome_of(self, task: PageTask) -> Outcome:
        """Read one page. Whatever goes wrong with it, it fails alone."""
        templates = tuple(self.templates[path] for path in task.templates)
        try:
            page = self.load(task.ref, task.copy)
            record = self.read(
                page,
                templates,
                self.recognizer,
                self.policy,
                line_reader=self.line_reader,
                witness=self.witness,
                whole_image=self.whole_image,
            )
        except (PageError, MissingExtraError) as error:
            return _unreadable(task.ref, error.message, error.remedy)
        except DocprocError:
            raise  # the model or a template is at fault: every other page would fail, too
        except Exception as error:  # noqa: BLE001 - the one place: a fault of ours costs one page, not the batch
            return _unreadable(task.ref, f"{task.ref.source}: {_fault(error)}", FAULT_REMEDY)
        return record


def _unreadable(ref: PageRef, message: str, remedy: str) -> Unreadable:
    return Unreadable(source=ref.source, page=ref.index + 1, message=message, remedy=remedy)


def _fault(error: Exception) -> str:
    """Type, message and place of an exception that nobody expected, in one line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words} ({Path(place.filename).name}, line {place.lineno})"
