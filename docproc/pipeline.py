"""The way of one page, from pixels to a record. This is what docproc does; all else brings pages or keeps records.

In:  a page, the templates that it may follow, a recognizer, a policy.
Out: a `Record`. What could not be read is in it, with reasons; nothing is written, logged or remembered.
How a field is read, once its place is known, is docproc.fields' subject.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from docproc.character.recognizer import Recognizer
from docproc.combination.line_reader import LineReader
from docproc.combination.witness import Witness
from docproc.decision import Policy, page_verdict
from docproc.fields import Silent, Trace, read_fields
from docproc.form.binarization import estimate_paper
from docproc.form.boxes import page_gray
from docproc.form.codes import read_places
from docproc.form.cutting import as_png, cut_field
from docproc.form.defects import Defects, Kind, find_defects
from docproc.form.identification import identify
from docproc.form.layout import ASSUMED_DPI, find_fields
from docproc.form.location import LocatedField
from docproc.form.registration import Unregistered
from docproc.geometry import MM_PER_INCH, Box, Transform
from docproc.page import Page
from docproc.reading import FieldReading, Reason, Record, Verdict, unread_fields
from docproc.template import Field, Template

READING_VERSION = 4  #: Raised when pages are read otherwise: what was read before is then read again.
WHOLE_IMAGE_FIELD = "value"
EVERYWHERE = frozenset({Kind.BLUR, Kind.DARKNESS})  #: Defects that a page has in all its fields.


def read_page(
    page: Page,
    templates: Sequence[Template],
    recognizer: Recognizer,
    policy: Policy,
    *,
    line_reader: LineReader | None = None,
    witness: Witness | None = None,
    whole_image: bool = False,
    trace: Trace | None = None,
) -> Record:
    """Read one page.

    Parameters
    ----------
    page : Page
    templates : sequence of Template
        The page follows the one that it lies on best; without any, fields are found on the page itself.
    recognizer : Recognizer
    policy : Policy
    line_reader : LineReader, optional
        A second reader, which takes whole fields; both together decide.
    witness : Witness, optional
        Is asked where both together are in doubt.
    whole_image : bool
        The image is one free field named `value`, cut out elsewhere.
    trace : Trace, optional
        Is shown every intermediate picture and decision.
    """
    watch = trace or Silent()
    watch.picture("page", page.pixels)
    sheet = _locate(page, templates, whole_image=whole_image, trace=watch)
    digest = "+".join(one.digest for one in (recognizer, line_reader, witness) if one is not None)
    if isinstance(sheet, Unregistered):
        record = _unread(page, templates, digest, sheet)
        defects = find_defects(page_gray(page), ())
    else:
        defects = Defects() if whole_image else _defects_of(page, sheet)
        readings = read_fields(
            page,
            sheet.located,
            recognizer,
            policy,
            line_reader=line_reader,
            witness=witness,
            hidden=defects.hidden,
            rules=sheet.template.comparisons if sheet.template else (),
            trace=watch,
        )
        readings += sheet.codes
        reasons = () if readings else (Reason.NO_FIELDS,)
        record = Record(
            ref=page.ref,
            template=sheet.template.name if sheet.template else "",
            template_digest=sheet.template.digest if sheet.template else "",
            model_digest=digest,
            fields=readings,
            verdict=page_verdict(readings, reasons),
            reasons=reasons,
            residual_mm=sheet.residual_mm,
        )
    for defect in defects.found:
        watch.note(f"the page's picture: {defect}")
    return _with_defects(record, defects)


def pictures_of(
    page: Page, templates: Sequence[Template], names: Collection[str], *, whole_image: bool = False
) -> dict[str, bytes]:
    """Pictures of a page's fields as PNG, by their names: the same that `read_page` keeps of doubtful ones.

    A field that does not lie on the page has none.
    """
    sheet = _locate(page, templates, whole_image=whole_image, trace=Silent())
    if isinstance(sheet, Unregistered):
        return {}
    paper = estimate_paper(page)
    wanted = [one for one in sheet.located if one.field.name in names]
    return {one.field.name: as_png(cut_field(page, paper, one).picture) for one in wanted}


def _defects_of(page: Page, sheet: _Sheet) -> Defects:
    return find_defects(page_gray(page), sheet.located, page_from_form=sheet.page_from_form, sheet=sheet.box)


def _with_defects(record: Record, defects: Defects) -> Record:
    """The record with the defects of its picture named: on the page, and where a field is doubtful on that field."""
    if not defects.found:
        return record
    everywhere = [f"{Reason.DEFECT}:{defect.kind}" for defect in defects.found if defect.kind in EVERYWHERE]
    fields = tuple(
        reading if reading.verdict is Verdict.ACCEPTED else replace(reading, reasons=(*reading.reasons, *everywhere))
        for reading in record.fields
    )
    return replace(
        record, fields=fields, reasons=(*record.reasons, *(f"{Reason.DEFECT}:{defect}" for defect in defects.found))
    )


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Where the fields of a page are, and by what right."""

    located: tuple[LocatedField, ...]
    template: Template | None = None
    page_from_form: Transform | None = None
    residual_mm: float | None = None
    codes: tuple[FieldReading, ...] = ()  #: Of QR codes and barcodes whose texts are wanted.

    @property
    def box(self) -> Box | None:
        """The sheet, in mm."""
        return None if self.template is None else self.template.page.box


def _locate(page: Page, templates: Sequence[Template], *, whole_image: bool, trace: Trace) -> _Sheet | Unregistered:
    if whole_image:
        return _Sheet((whole_image_field(page),))
    if not templates:
        layout = find_fields(page)
        trace.note(f"no template: {len(layout.located)} fields found on the page")
        return _Sheet(layout.located)
    identified = identify(page, templates)
    for sentence in identified.told:
        trace.note(sentence)
    found = identified.found
    if isinstance(found, Unregistered):
        return found
    template = found.template
    places = tuple((place.name, found.page_from_form.box(place.box)) for place in template.codes)
    texts = read_places(page, identified.codes, places, pictured=template.unique_names)
    return _Sheet(found.located, template, found.page_from_form, found.residual_mm, texts)


def whole_image_field(page: Page) -> LocatedField:
    """The field that an image is that shows one number and nothing else."""
    height_px, width_px = page.pixels.shape[:2]
    px_per_mm = (page.dpi or ASSUMED_DPI) / MM_PER_INCH
    box = Box(0, 0, width_px / px_per_mm, height_px / px_per_mm)
    # Pixel centers are whole numbers: the image's own edge lies half a pixel before the first.
    page_from_form = Transform.translation(-0.5, -0.5) @ Transform.scaling(px_per_mm)
    return LocatedField(Field(name=WHOLE_IMAGE_FIELD, kind="free", box=box), page_from_form, ruled=False)


def _unread(page: Page, templates: Sequence[Template], model_digest: str, why: Unregistered) -> Record:
    """A record of a page that lies on no template: of its only one, every field is there, none has a value."""
    if len(templates) > 1:
        return Record(
            ref=page.ref,
            template="",
            template_digest="",
            model_digest=model_digest,
            fields=(),
            verdict=Verdict.REVIEW,
            reasons=(Reason.UNKNOWN_FORM,),
            detail=why.detail,
        )
    (template,) = templates
    return Record(
        ref=page.ref,
        template=template.name,
        template_digest=template.digest,
        model_digest=model_digest,
        fields=unread_fields(template.names, Reason.REGISTRATION),
        verdict=Verdict.REVIEW,
        reasons=(Reason.REGISTRATION,),
        residual_mm=why.residual_mm,
        detail=why.detail,
    )
