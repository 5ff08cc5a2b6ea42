"""Pages of which nothing was read, entered in a ledger as if they had been tried on their templates."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from docproc.ledger import Entry, open_ledger
from docproc.page import PageRef
from docproc.reading import Reason, Record, Verdict, unread_fields
from docproc.template import Template, load_template

PAGE_PX = (850, 1100)
SHEET = """page: {width_mm: 200, height_mm: 280}
fiducials: [{box: [8, 8, 8, 8]}, {box: [184, 8, 8, 8]}, {box: [8, 264, 8, 8]}]"""
FORMS = {
    "count": f"""
name: count
{SHEET}
fields:
  - {{name: q1, kind: free, box: [20, 20, 60, 12]}}
  - {{name: q2, kind: free, box: [20, 40, 60, 12]}}
  - {{name: total, kind: free, box: [20, 60, 60, 12]}}
rules: [{{name: adds up, check: total == q1 + q2}}]
""",
    "slip": f"""
name: slip
{SHEET}
fields:
  - {{name: number, kind: free, box: [20, 20, 60, 12], unique: true}}
  - {{name: total, kind: free, box: [20, 40, 60, 12], rules: {{max: 99}}}}
""",
}


def unread(folder: Path, *forms: str, pages: int = 1) -> Path:
    """The results of pages that lie on none of these forms of `FORMS`; on each, 12, 30 and 42 are written."""
    for form in forms:
        (folder / f"{form}.yaml").write_text(FORMS[form], encoding="utf-8")
    paths = [f"{form}.yaml" for form in forms]
    templates = [load_template(folder / path) for path in paths]
    results = folder / "results"
    with open_ledger(results, settings={"folder": str(folder), "templates": paths}) as ledger:
        for number in range(1, pages + 1):
            name = f"{number:03}.png"
            _draw(folder / name, number)
            sha256 = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            ledger.enter([Entry(PageRef(name, name, 0, sha256), "read")])
            (page,) = ledger.waiting()
            ledger.started([page.id])
            ledger.keep(page.id, _record(page.ref, templates))
    return results


def _record(ref: PageRef, templates: list[Template]) -> Record:
    if len(templates) > 1:
        return Record(ref, "", "", "", (), Verdict.REVIEW, (Reason.UNKNOWN_FORM,), detail="It lies on none.")
    (form,) = templates
    fields = unread_fields(form.names, Reason.REGISTRATION)
    return Record(
        ref, form.name, form.digest, "", fields, Verdict.REVIEW, (Reason.REGISTRATION,), detail="A corner is off."
    )


def _draw(path: Path, number: int) -> None:
    page = Image.new("L", PAGE_PX, 250)
    draw = ImageDraw.Draw(page)
    for line, text in enumerate((f"page {number}", "q1: 12", "q2: 30", "total: 42")):
        draw.text((120, 120 + 160 * line), text, fill=30, font=ImageFont.load_default(56))
    draw.polygon([(850, 700), (850, 1100), (300, 1100)], fill=0)  # torn off
    page.save(path)
