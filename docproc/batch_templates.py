"""The templates that a batch was read with, as its ledger keeps them.

In:  a ledger.
Out: templates. They are kept when the tables are made, so that the folder of results is enough to tell what its
columns mean and which numbers no two pages may have, wherever it is, and whatever becomes of the templates' files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from docproc.errors import TemplateError
from docproc.ledger import LedgerView
from docproc.page import Unreadable
from docproc.reading import Record
from docproc.template import Template, load_template, restored

Outcome = TypeVar("Outcome", bound=Record | Unreadable)

TEMPLATES = "templates"  #: Their key in what is told of tables, and their paths' in a run's settings.


def kept_templates(templates: Iterable[Template]) -> list[dict[str, Any]]:
    """As JSON can hold them."""
    return [{"digest": one.digest, "told": one.model_dump(mode="json", exclude_defaults=True)} for one in templates]


def templates_of(ledger: LedgerView) -> tuple[Template, ...]:
    """Those that the tables were made with last, and those of the last run whose files are still there."""
    kept = (ledger.told_of_tables() or {}).get(TEMPLATES, ())
    found = {one["digest"]: restored(one["told"], one["digest"]) for one in kept}
    runs = ledger.runs()
    settings = runs[-1].settings if runs else {}
    for path in settings.get(TEMPLATES, ()):
        with suppress(TemplateError):  # it is missed only where a page was read with it
            template = load_template(Path(settings.get("folder", "")) / path)
            found[template.digest] = template
    return tuple(found.values())


def known(outcomes: Iterable[Outcome], templates: Iterable[Template]) -> Iterator[Outcome]:
    """The same outcomes, as long as the templates are those that they were read with.

    Raises
    ------
    TemplateError
        At a page that was read with another one: nobody can tell which of its numbers may be double.
    """
    digests = {"", *(template.digest for template in templates)}
    for outcome in outcomes:
        if isinstance(outcome, Record) and outcome.template_digest not in digests:
            raise unknown(outcome.template)
        yield outcome


def unknown(name: str) -> TemplateError:
    """Of a template that pages were read with, and that is no more."""
    return TemplateError(
        f"The template {name!r} is not what pages were read with: it has changed, or is gone.",
        remedy="Process the batch again: corrections are kept, and what is the same is not read again.",
    )
