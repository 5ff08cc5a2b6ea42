"""A form's template: where its fields are, in millimeters on paper, and what may stand in them.

In:  a YAML file; `docproc template schema` lists its keys.
Out: a `Template`, or a `TemplateError` that names file, line and field.
How a template is laid on a page is docproc.form.registration's subject.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic import (
    Field as Key,
)

from docproc.errors import TemplateError
from docproc.expression import Comparison, parse
from docproc.geometry import Box
from docproc.template_faults import explain_fault, line_of

FILE_NAME = "template.yaml"
FORMAT = 1  #: Of the file; to be raised when an older docproc would misread what a newer one writes.
OVERLAP_SLACK_MM = 0.5  #: Neighboring boxes may share a printed rule, which is about this wide.


def _box_from(value: Any) -> Any:
    if isinstance(value, Box):
        return value
    if isinstance(value, Sequence) and len(value) == 4 and all(_is_finite(part) for part in value):
        return Box(*(float(part) for part in value))
    raise ValueError("a box is four numbers in mm: [left, top, width, height]")


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _length_from(value: Any) -> Any:
    return (value, value) if isinstance(value, int) else value


FormBox = Annotated[
    Box,
    BeforeValidator(_box_from, json_schema_input_type=tuple[float, float, float, float]),
    PlainSerializer(lambda box: [box.left, box.top, box.width, box.height]),
]
Length = Annotated[
    tuple[Annotated[int, Key(ge=1)], Annotated[int, Key(ge=1)]],
    BeforeValidator(_length_from, json_schema_input_type=int | tuple[int, int]),
]


DATE_PART = re.compile(r"DD|MM|YYYY|YY|.")
DATE_PARTS = (["DD", "MM"], ["DD", "MM", "YY"], ["DD", "MM", "YYYY"])  #: In whatever order, a year or none.

UNIQUE = (
    "Whether no two pages of the form may have the same value here, like the number of an exam. Pages of one paper "
    "that have it under the same name must agree in it."
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Rules(_Strict):
    """What a value must satisfy, checked when it is not blank."""

    min: int | None = Key(None, description="Smallest number allowed.")
    max: int | None = Key(None, description="Largest number allowed.")
    regex: str | None = Key(None, description="The whole value must match this regular expression.")
    check_digit: str | None = Key(
        None, description="A python-stdnum module that must accept the value: luhn, iban, isbn, de.idnr, ..."
    )
    date: str | None = Key(
        None,
        description="The value is a date, written without separators: DDMMYY, DDMMYYYY, YYYYMMDD, DDMM, ...",
    )
    values: tuple[str, ...] | None = Key(
        None, min_length=1, description='The only values that there are, in quotes: ["007", "012"].'
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        if self.regex is not None:
            try:
                re.compile(self.regex)
            except re.error as error:
                raise ValueError(f"regex {self.regex!r} is no regular expression: {error}") from error
        if self.check_digit is not None:
            try:
                module = importlib.import_module(f"stdnum.{self.check_digit}")
            except (ImportError, ValueError) as error:
                raise ValueError(f"check_digit {self.check_digit!r} is no module of python-stdnum") from error
            if not hasattr(module, "is_valid"):
                raise ValueError(f"check_digit {self.check_digit!r} has no is_valid; name a module like luhn")
        if self.date is not None and sorted(DATE_PART.findall(self.date)) not in DATE_PARTS:
            raise ValueError(f"date {self.date!r} is no date of DD, MM and YY or YYYY, like DDMMYY")
        if not all(re.fullmatch(r"[0-9]+", value) for value in self.values or ()):
            raise ValueError("values are digits, since these are what is read")
        return self


class Field(_Strict):
    """One place on the form where digits are written."""

    name: str = Key(min_length=1, description="Unique within the template; the column's title.")
    kind: Literal["comb", "cell", "free"] = Key(
        description="comb: boxes in a row, one digit each; cell: one box, one digit; free: a run of digits."
    )
    box: FormBox = Key(description="[left, top, width, height] in mm, on the printed lines where there are any.")
    cells: int = Key(1, ge=1, le=64, description="Boxes of a comb.")
    cell_gap_mm: float = Key(0.0, ge=0, description="Space between the boxes of a comb; 0 where they share a line.")
    groups: tuple[int, ...] = Key((), description="Boxes in each group of a comb, like [3, 3, 4].")
    group_gap_mm: float = Key(0.0, ge=0, description="Extra space between groups.")
    length: Length | None = Key(None, description="Digits in the value: a number, or [fewest, most].")
    required: bool = Key(False, description="Whether a blank goes to review.")
    unique: bool = Key(False, description=UNIQUE)
    rules: Rules = Key(Rules(), description="What its value must satisfy.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.box.width <= 0 or self.box.height <= 0:
            raise ValueError("the box needs a width and a height above 0")
        if self.kind != "comb" and (self.cells != 1 or self.groups or self.cell_gap_mm or self.group_gap_mm):
            raise ValueError(f"cells, groups and gaps belong to kind comb, not {self.kind}")
        if self.groups and sum(self.groups) != self.cells:
            raise ValueError(f"groups {list(self.groups)} add up to {sum(self.groups)}, not to cells {self.cells}")
        if self.length is not None and self.length[0] > self.length[1]:
            raise ValueError(f"length {list(self.length)} has its fewest above its most")
        if self.kind != "free" and self.length is not None and self.length[1] > self.cells:
            raise ValueError(f"length {self.length[1]} does not fit {self.cells} cells")
        if any(box.width <= 0 for box in self.cell_boxes()):
            raise ValueError("the gaps leave no width for the cells")
        return self

    def cell_boxes(self) -> tuple[Box, ...]:
        """The boxes of the cells, left to right, in mm; the field's own box unless it is a comb."""
        groups = self.groups or (self.cells,)
        gaps = (self.cells - 1) * self.cell_gap_mm + (len(groups) - 1) * self.group_gap_mm
        width = (self.box.width - gaps) / self.cells
        boxes: list[Box] = []
        left = self.box.left
        for group in groups:
            for _ in range(group):
                boxes.append(Box(left, self.box.top, width, self.box.height))
                left += width + self.cell_gap_mm
            left += self.group_gap_mm
        return tuple(boxes)

    @property
    def lengths(self) -> tuple[int, int]:
        """Fewest and most digits of a value that is not blank."""
        if self.length is not None:
            return self.length
        return (1, 24) if self.kind == "free" else (1, self.cells)


class CodePlace(_Strict):
    """A place where a QR code or barcode is printed or stuck on, whose text is wanted."""

    name: str = Key(min_length=1, description="Unique within the template; the column's title.")
    box: FormBox = Key(description="[left, top, width, height] in mm, around all places where the code may be.")
    unique: bool = Key(False, description=UNIQUE)


class Paper(_Strict):
    """Which page of a paper of several pages the form is: its front, its back."""

    name: str = Key(min_length=1, description="The same in the templates of all its pages.")
    page: int = Key(ge=1, description="From 1, in the order in which the pages are scanned.")
    pages: int = Key(ge=2, description="How many pages the paper has.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.page > self.pages:
            raise ValueError(f"paper: there is no page {self.page} of {self.pages}")
        return self


class Relation(_Strict):
    """What the values of several fields must satisfy together."""

    name: str = Key(pattern=r"^[\w -]+$", description="Results name it: `rule:NAME`.")
    check: str = Key(
        description="Sums of fields, compared: `total == q1 + q2`, `start <= end`. A * in names stands for the same "
        "text in all of them: `row*_total == row*_q1 + row*_q2` is a rule for each row; `sum(row*_q1)` adds a column."
    )
    trust: float = Key(
        0.98, gt=0.5, lt=1, description="The chance that what is written on paper satisfies it: people add wrongly."
    )


class PageSize(_Strict):
    """The sheet, in mm."""

    width_mm: float = Key(gt=0, description="From its left edge to its right one.")
    height_mm: float = Key(gt=0, description="From its top edge to its bottom one.")

    @property
    def box(self) -> Box:
        """The sheet as a box, from its own top left corner."""
        return Box(0, 0, self.width_mm, self.height_mm)


class Fiducial(_Strict):
    """A printed mark at a known place, to register by."""

    kind: Literal["square", "aruco"] = Key(
        "square", description="square: a filled black rectangle; aruco: an ArUco marker, which knows which one it is."
    )
    box: FormBox = Key(description="[left, top, width, height] in mm of the mark, of a marker with its black rim.")
    id: int | None = Key(None, ge=0, description="Of an ArUco marker, its number in its dictionary.")
    dictionary: Literal[
        "4x4_50", "4x4_100", "4x4_250", "4x4_1000", "5x5_50", "5x5_100", "5x5_250", "5x5_1000", "6x6_50", "6x6_100",
        "6x6_250", "6x6_1000", "7x7_50", "7x7_100", "7x7_250", "7x7_1000", "aruco_original",
    ] = Key("4x4_50", description="Of an ArUco marker: which set it is of.")  # fmt: skip

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.kind == "aruco") != (self.id is not None):
            raise ValueError("an aruco fiducial has an id, a square has none")
        if self.id is not None and abs(self.box.width - self.box.height) > 0.01 * self.box.width:
            raise ValueError(f"an aruco marker is square, not {self.box.width:g} x {self.box.height:g} mm")
        last = 1023 if self.dictionary == "aruco_original" else int(self.dictionary.partition("_")[2]) - 1
        if self.id is not None and self.id > last:
            raise ValueError(f"dictionary {self.dictionary} has markers 0 to {last}, and no {self.id}")
        return self


class Template(_Strict):
    """One form: its sheet, what to register by, its fields."""

    name: str = Key(min_length=1, description="Of the form; results name it.")
    format: int = Key(1, ge=1, le=FORMAT, description="Of this file, not of the form; docproc writes it.")
    version: int = Key(1, ge=1, description="Of the form, to be raised when its print changes.")
    page: PageSize = Key(description="The sheet's size.")
    reference: str | None = Key(
        None,
        description="An image of the whole sheet, best a blank one; the path is relative to the template.",
    )
    fiducials: tuple[Fiducial, ...] = Key(
        (),
        description="Printed marks to lay pages on the template by; 3 squares or 2 markers without a reference.",
    )
    edges: bool = Key(
        False,
        description="Whether the sheet may be found by its own edges: photographs of it, whole, on a dark desk. "
        "Which way up it lies is told by its boxes, or by the reference.",
    )
    code: str | None = Key(
        None,
        min_length=1,
        description="Text of a QR code or barcode that is printed on the form: among several templates, its pages "
        "find this one by it.",
    )
    codes: tuple[CodePlace, ...] = Key((), description="QR codes and barcodes whose texts become columns.")
    paper: Paper | None = Key(
        None, description="For a paper of several pages, each with a template of its own: which of them this one is."
    )
    tolerance_mm: float = Key(1.0, gt=0, description="Pages that lie worse than this on their template go to review.")
    fields: tuple[Field, ...] = Key(min_length=1, description="The places to read, at least one.")
    rules: tuple[Relation, ...] = Key((), description="What the values of several fields must satisfy together.")

    _folder: Path = PrivateAttr(Path())
    _digest: str = PrivateAttr("")
    _comparisons: tuple[tuple[Relation, Comparison], ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _sound(self) -> Self:
        kinds = [fiducial.kind for fiducial in self.fiducials]
        if self.reference is None and kinds.count("square") < 3 and kinds.count("aruco") < 2 and not self.edges:
            raise ValueError(
                "a template needs a reference image, or at least 3 squares or 2 ArUco markers as fiducials, "
                "to be laid on a page"
            )
        sheet = self.page.box
        seen: dict[str, Field] = {}
        for field in self.fields:
            if field.name in seen:
                raise ValueError(f"field {field.name!r}: the name is used twice; rename one")
            if not sheet.contains(field.box, slack=1e-6):
                raise ValueError(
                    f"field {field.name!r}: its box leaves the sheet of {sheet.width:g} x {sheet.height:g} mm"
                )
            core = field.box.grown(-OVERLAP_SLACK_MM)
            for other in seen.values():
                if core.width > 0 and core.height > 0 and core.intersection(other.box.grown(-OVERLAP_SLACK_MM)):
                    raise ValueError(f"field {field.name!r}: its box overlaps that of {other.name!r}")
            seen[field.name] = field
        markers: set[tuple[str, int | None]] = set()
        for fiducial in self.fiducials:
            if not sheet.contains(fiducial.box, slack=1e-6):
                raise ValueError("a fiducial's box leaves the sheet")
            if fiducial.kind == "aruco" and (fiducial.dictionary, fiducial.id) in markers:
                raise ValueError(f"the aruco marker {fiducial.id} is there twice; give each an id of its own")
            markers.add((fiducial.dictionary, fiducial.id))
            on_it = next((field for field in self.fields if field.box.intersection(fiducial.box) > 0), None)
            if on_it is not None:
                raise ValueError(f"field {on_it.name!r}: its box overlaps a fiducial")
        names = set(seen)
        for place in self.codes:
            if place.name in names:
                raise ValueError(f"the name {place.name!r} of a code is used twice; rename one")
            if not sheet.contains(place.box, slack=1e-6):
                raise ValueError(f"the code {place.name!r}: its box leaves the sheet")
            names.add(place.name)
        self._comparisons = tuple((rule, one) for rule in self.rules for one in self._parsed(rule, list(seen)))
        return self

    def _parsed(self, rule: Relation, names: Sequence[str]) -> tuple[Comparison, ...]:
        if rule.name in Rules.model_fields:
            raise ValueError(f"rule {rule.name!r}: a rule of one field has this name; take another")
        if sum(other.name == rule.name for other in self.rules) > 1:
            raise ValueError(f"rule {rule.name!r}: the name is used twice; rename one")
        try:
            return parse(rule.check, names)
        except ValueError as error:
            raise ValueError(f"rule {rule.name!r}: {error}") from error

    @property
    def reference_path(self) -> Path | None:
        """Where the reference image lies."""
        return None if self.reference is None else self._folder / self.reference

    @property
    def digest(self) -> str:
        """SHA-256 of the file's content and of the reference image's: what a reading depended on."""
        return self._digest

    @property
    def comparisons(self) -> tuple[tuple[Relation, Comparison], ...]:
        """Its rules between fields, one for each row where a rule has wildcards."""
        return self._comparisons

    @property
    def names(self) -> tuple[str, ...]:
        """Of all that is read on the form: fields, then codes."""
        return (*(field.name for field in self.fields), *(place.name for place in self.codes))

    @property
    def unique_names(self) -> tuple[str, ...]:
        """Names of the fields and codes whose values tell one page of the form from all others."""
        fields = [field.name for field in self.fields if field.unique]
        return (*fields, *(place.name for place in self.codes if place.unique))

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises
        ------
        TemplateError
            If there is none.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise TemplateError(
            f"Template {self.name!r} has no field {name!r}.",
            remedy=f"Its fields are: {', '.join(field.name for field in self.fields)}.",
        )


def load_template(path: Path, *, reference_must_exist: bool = True) -> Template:
    """Read and check a template.

    `reference_must_exist` is False for one who is about to draw the reference image; the digest is then the file's.

    Raises
    ------
    TemplateError
        If the file cannot be read, is no YAML, or breaks a rule; the message names file, line and field.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TemplateError(
            f"{path}: cannot read the template ({error.strerror}).", remedy="Name an existing template.yaml."
        ) from error
    try:
        root = yaml.compose(content.decode(), Loader=yaml.SafeLoader)
        data = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise TemplateError(
            f"{path}{where}: this is no YAML ({getattr(error, 'problem', None) or error}).",
            remedy="Mend the syntax; `docproc template schema` says what belongs in a template.",
        ) from error
    if not isinstance(data, dict):
        raise TemplateError(
            f"{path}, line 1: a template is a mapping of keys to values, and this is not.",
            remedy="`docproc template schema` says what belongs in a template.",
        )
    template = checked(data, path, root)
    reference = b""
    if template.reference is not None and (reference_must_exist or (path.parent / template.reference).exists()):
        try:
            reference = (path.parent / template.reference).read_bytes()
        except OSError as error:
            raise TemplateError(
                f"{path}, line {line_of(root, ('reference',))}: the reference image {template.reference!r} "
                f"cannot be read ({error.strerror}).",
                remedy="The path is relative to the template's folder; name an image of the blank form.",
            ) from error
    template._digest = hashlib.sha256(content + reference).hexdigest()
    return template


def checked(data: dict[str, Any], path: Path, root: yaml.Node | None = None) -> Template:
    """What a template's file holds, as a template; its reference image is not looked at.

    `root` is the file's YAML tree, for the lines that faults stand on.

    Raises
    ------
    TemplateError
        If it breaks a rule, or is of a format that only a newer docproc knows.
    """
    try:
        template = Template.model_validate(data)
    except ValidationError as error:
        raise explain_fault(path, root, data, error, json_schema()) from error
    template._folder = path.parent
    return template


def restored(told: Mapping[str, Any], digest: str) -> Template:
    """A template again of what its `model_dump` told, without its folder."""
    template = Template.model_validate(told)
    template._digest = digest
    return template


def load_templates(paths: Sequence[Path]) -> dict[str, Template]:
    """Templates by their path: of files, and of all `.yaml` files in folders and below them.

    Raises
    ------
    TemplateError
        If one cannot be loaded, a folder holds none, two have one name (results are told apart by it), or two say
        different things of one paper.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        if not found:
            raise TemplateError(f"{path}: no template is in this folder.", remedy="Name a folder with .yaml files.")
        files += [file for file in found if file not in files]
    loaded: dict[str, Template] = {}
    for file in files:
        template = load_template(file)
        same = next((path for path, other in loaded.items() if other.name == template.name), None)
        if same is not None:
            raise TemplateError(
                f"{file}: its name {template.name!r} is that of {same}, too.",
                remedy="Change the `name` of one: results are told apart by it.",
            )
        _refuse_other_paper(file, template, loaded)
        loaded[str(file)] = template
    return loaded


def _refuse_other_paper(file: Path, template: Template, loaded: Mapping[str, Template]) -> None:
    """Stop where another template of the same paper says that it has other pages, or is the same page."""
    paper = template.paper
    for path, other in loaded.items():
        if paper is None or other.paper is None or other.paper.name != paper.name:
            continue
        if other.paper.pages != paper.pages:
            raise TemplateError(
                f"{file}: the paper {paper.name!r} has {paper.pages} pages here, and {other.paper.pages} in {path}.",
                remedy="Write the same `pages` in the templates of all its pages.",
            )
        if other.paper.page == paper.page:
            raise TemplateError(
                f"{file}: it is page {paper.page} of the paper {paper.name!r}, as {path} is, too.",
                remedy="Give each template of the paper a `page` of its own, counted from 1.",
            )


def find_template(folder: Path) -> Path | None:
    """The template.yaml that serves pages in `folder`: in it, or in the nearest folder above that has one."""
    here = Path(os.path.abspath(folder))
    return next((path for above in (here, *here.parents) if (path := above / FILE_NAME).is_file()), None)


def json_schema() -> dict[str, Any]:
    """JSON schema of a template file, for editors and other programs."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Template.model_json_schema()}
