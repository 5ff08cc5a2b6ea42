"""The report in a real browser: it fits a phone, and asks nobody for anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flagged import flagged
from playwright.sync_api import Browser, sync_playwright
from written import a_reading, a_record

from docproc.ledger import Entry, open_ledger, read_ledger
from docproc.page import Unreadable
from docproc.reading import Record, Verdict
from docproc.tables import write_tables

pytestmark = pytest.mark.browser

LONG = "name without any blank/".replace(" ", "_") * 12
HOSTILE = "<img src=http://127.0.0.1:9/x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of doubtful pages, with long names and hostile ones."""
    results = flagged(tmp_path_factory.mktemp("batch"), 12)
    fields = [a_reading(name, name, Verdict.REVIEW, confidence=0.1) for name in (LONG, HOSTILE)]
    page = a_record(LONG, *fields, reasons=(f"double_of:{HOSTILE}", "defect:blur=0.31 mm"), detail=HOSTILE)
    settings = {"folder": str(results.parent), "inputs": [LONG, HOSTILE]}
    with open_ledger(results, settings=settings) as ledger:
        earlier = [Entry(one.ref, "read") for one in ledger.outcomes() if isinstance(one, Record)]
        ledger.enter([*earlier, Entry(page.ref, "read"), Unreadable(LONG, None, f"{LONG}: {HOSTILE}", LONG)])
        (waiting,) = ledger.waiting()
        ledger.started([waiting.id])
        ledger.keep(waiting.id, page)
    with read_ledger(results) as ledger:
        write_tables(ledger, results, review_below=0.9)
    return results / "report.html"


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_the_screen_and_neither_loads_nor_runs_anything(
    browser: Browser, report: Path, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 740}, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url.partition(":")[0]))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert asked.count("file") == 1
    assert set(asked) <= {"file", "data"}
    assert said == []
    assert page.evaluate("document.querySelectorAll('.figures li').length") == 6
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none"  # the policy lets its own style pass
    assert page.evaluate("document.querySelectorAll('svg.page image').length") == 3
    page.close()
