"""A page whose fields a rule ties together, entered in a ledger as if it had been read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ledgers import entry, record

from docproc.ledger import Entry, open_ledger
from docproc.reading import FieldReading, Reason, Record, Verdict
from docproc.template import load_template

TEMPLATE = """
name: form
page: {width_mm: 200, height_mm: 280}
fiducials: [{box: [8, 8, 8, 8]}, {box: [184, 8, 8, 8]}, {box: [8, 264, 8, 8]}]
fields:
  - {name: q1, kind: free, box: [20, 20, 60, 12]}
  - {name: q2, kind: free, box: [20, 40, 60, 12]}
  - {name: total, kind: free, box: [20, 60, 60, 12]}
rules: [{name: adds up, check: total == q1 + 2 * q2 + 1}]
"""


#: The same, where q1 is at most 9, q2 must not be blank, and a code holds text.
RULED = (
    TEMPLATE.replace("[20, 20, 60, 12]}", "[20, 20, 60, 12], rules: {max: 9}}").replace(
        "[20, 40, 60, 12]}", "[20, 40, 60, 12], required: true}"
    )
    + "codes: [{name: serial, box: [100, 20, 60, 20]}]\n"
)


def summed(folder: Path, template: str = TEMPLATE, *more: FieldReading) -> Path:
    """The results of a page on which q1 is 3, q2 is 4 and total 12, all doubtful; `more` fields come behind."""
    path = folder / "form.yaml"
    path.write_text(template, encoding="utf-8")
    blank = record(entry(1).ref, crop_png=b"").fields[0]
    fields = tuple(
        replace(blank, name=name, text=text, reasons=(Reason.LOW_CONFIDENCE,))
        for name, text in (("q1", "3"), ("q2", "4"), ("total", "12"))
    )
    page = Record(entry(1).ref, "form", load_template(path).digest, "", (*fields, *more), Verdict.REVIEW)
    with open_ledger(folder / "out", settings={"folder": str(folder), "templates": ["form.yaml"]}) as run:
        run.enter([Entry(page.ref, "read")])
        (waiting,) = run.waiting()
        run.started([waiting.id])
        run.keep(waiting.id, page)
    return folder / "out"
