"""The columns of the tables: what each means, in words and for programs.

In:  the templates of the forms, and the fields that pages had.
Out: the data dictionary, one row a column; of the columns that every batch has, their types, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from docproc.reading import Record
from docproc.template import CodePlace, Field, Rules, Template

UNTEMPLATED = "Read without a template: named by its row and column, or `value` where each image is one number."
FAILED = "failed"  #: The status of a page that could not be read: it has no verdict.
INCOMPLETE = "incomplete"  #: That of a page on which a person has found a field unreadable, and all else is settled.


class Type(StrEnum):
    """What a column of a typed format holds."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    TEXTS = "texts"  #: Several, in an order that means something.
    CHANCES = "chances"  #: Several values with their chances, the likeliest first.


class Column(NamedTuple):
    """One that every batch has."""

    name: str
    type: Type
    unit: str
    meaning: str


_SOURCE = Column("source", Type.TEXT, "path", "The file, as it was found under the input.")
_PAGE = Column("page", Type.INTEGER, "count, from 1", "The page in that file; none of a file that cannot be opened.")
_TEMPLATE = Column("template", Type.TEXT, "name", "The form that the page was read as; empty without a template.")
_STATUS = Column(
    "status",
    Type.TEXT,
    "accepted, review, rejected",
    "accepted: nobody needs to look; review: a person should; rejected: nothing usable was read. In tables that have "
    f"no place for errors, {FAILED}: the page could not be read, and the reason is the error.",
)
_REASONS = Column(
    "reasons", Type.TEXTS, "see the legend", "What was noticed; joined by ; where a cell holds one text."
)
_PAGE_STATUS = _STATUS._replace(
    unit="accepted, incomplete, review, rejected",
    meaning=f"{INCOMPLETE}: nobody needs to look any more, but a field that no person could read has no value. "
    f"{_STATUS.meaning}",
)
PAGE_COLUMNS = (_SOURCE, _PAGE, _TEMPLATE, _PAGE_STATUS, _REASONS)
FIELD_COLUMNS = (
    Column("field", Type.TEXT, "name", "Of the field, as the template calls it; none on a page without fields."),
    Column("value", Type.TEXT, "digits", "As written, leading zeros kept; empty where the field is blank."),
    Column("number", Type.INTEGER, "number", "The value to count with; none of a blank, or of more than 18 digits."),
    Column("confidence", Type.REAL, "chance, 0 to 1", "That the whole value is right; 1 where a person says so."),
    _STATUS,
    _REASONS,
    Column("alternatives", Type.CHANCES, "value=chance", "Other values, the likeliest first; blank is an empty one."),
    Column("left_px", Type.INTEGER, "pixels", "From the left edge of the page's picture to the field."),
    Column("top_px", Type.INTEGER, "pixels", "From the top edge of the page's picture to the field."),
    Column("width_px", Type.INTEGER, "pixels", "Of the field."),
    Column("height_px", Type.INTEGER, "pixels", "Of the field."),
)
LONG_COLUMNS = (_SOURCE, _PAGE, _TEMPLATE, *FIELD_COLUMNS)
FILE_DIGEST = Column("sha256", Type.TEXT, "SHA-256", "Of the file that the page is in, as it was read.")
MODEL_DIGESTS = (
    Column("template_digest", Type.TEXT, "SHA-256", "Of the template's file and its reference image."),
    Column("model_digest", Type.TEXT, "SHA-256", "Of the networks that read the page."),
)
WORDS = (
    Column("reviewer", Type.TEXT, "name", "Who has given or confirmed the value; several of a page are joined by ;."),
    Column("reviewed_at", Type.TEXT, "UTC, ISO 8601", "When; of a page, the last time."),
)
PROVENANCE_COLUMNS = (FILE_DIGEST, *MODEL_DIGESTS, *WORDS)


class Described(NamedTuple):
    """One row of the data dictionary."""

    name: str  #: Of the column.
    form: str  #: The template's name; "" where the column is not that of one form.
    meaning: str
    unit: str
    digits: str = ""  #: Fewest to most.
    required: str = ""  #: "yes" or "".
    unique_value: str = ""  #: "yes" where no two pages may have the same, or "".
    min: str = ""
    max: str = ""
    rules: str = ""  #: All others, joined by ;.


class Seen:
    """The fields that the pages of a batch have had: columns, in the order in which they first came."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self._digests: dict[str, None] = {}  # of templates, that of none among them

    def add(self, record: Record) -> None:
        """One more page."""
        self.names.update(dict.fromkeys(reading.name for reading in record.fields))
        self._digests[record.template_digest] = None

    def described(self, templates: Iterable[Template]) -> Iterator[Described]:
        """A row for each field of each form that pages were read as, and one for each that no template has."""
        forms = [template for template in templates if template.digest in self._digests]
        for name in self.names:
            rows = [row for template in forms for row in _of_form(template, name)]
            yield from rows or [Described(name, "", UNTEMPLATED, "digits")]


def described(columns: Sequence[Column]) -> Iterator[Described]:
    """The rows of columns that every batch has."""
    return (Described(column.name, "", column.meaning, column.unit) for column in columns)


def told_apart(names: Iterable[str], columns: Sequence[Column]) -> dict[str, str]:
    """Titles for fields, where two columns may not share one: `total_2`; capital letters do not tell them apart.

    >>> told_apart(["Sum", "sum"], ())
    {'Sum': 'Sum', 'sum': 'sum_2'}
    """
    taken = {column.name for column in columns}
    titles: dict[str, str] = {}
    for name in names:
        number = 2
        title = name
        while title.lower() in taken:
            title, number = f"{name}_{number}", number + 1
        taken.add(title.lower())
        titles[name] = title
    return titles


def _of_form(template: Template, name: str) -> Iterator[Described]:
    for place in template.codes:
        if place.name == name:
            yield Described(
                name,
                template.name,
                f"Text of the QR code or barcode {_where(place)}.",
                "text",
                unique_value=_yes(place.unique),
            )
    for field in template.fields:
        if field.name == name:
            fewest, most = field.lengths
            yield Described(
                name,
                template.name,
                f"{_KINDS[field.kind].format(field.cells)}, {_where(field)}.",
                "digits",
                digits=str(most) if fewest == most else f"{fewest} to {most}",
                required=_yes(field.required),
                unique_value=_yes(field.unique),
                min=_number(field.rules.min),
                max=_number(field.rules.max),
                rules="; ".join([*_rules(field.rules), *_relations(template, name)]),
            )


_KINDS = {"comb": "Digits in {} boxes", "cell": "One digit in a box", "free": "A run of digits"}


def _where(place: Field | CodePlace) -> str:
    box = place.box
    return f"{box.left:g} mm from the left, {box.top:g} mm from the top"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else ""


def _number(limit: int | None) -> str:
    return "" if limit is None else str(limit)


def _rules(rules: Rules) -> Iterator[str]:
    if rules.regex is not None:
        yield f"regex {rules.regex}"
    if rules.check_digit is not None:
        yield f"check_digit {rules.check_digit}"
    if rules.date is not None:
        yield f"date {rules.date}"
    if rules.values is not None:
        yield f"values {', '.join(rules.values)}"


def _relations(template: Template, name: str) -> Iterator[str]:
    """The rules between fields that this one is part of."""
    told = (f"{rule.name}: {rule.check}" for rule, one in template.comparisons if name in dict(one.weights))
    return iter(dict.fromkeys(told))
