"""The API's page for people in a real browser: it fits a phone, with what was read of a page on it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Route, sync_playwright
from served import serving
from written import a_reading, a_record

from docproc.api.answer import answer
from docproc.api.guard import Access
from docproc.api.server import application
from docproc.reading import Verdict

pytestmark = pytest.mark.browser


def test_the_page_fits_a_phone_before_and_after_a_page_was_read_and_cuts_chances(tmp_path: Path) -> None:
    fields = [
        a_reading("a_name_without_any_blank" * 3, "7" * 40, Verdict.REVIEW, confidence=0.999999, reasons=("gap",))
    ]
    told = answer("scan.png", [a_record("scan.png", *fields, detail="A sentence on the page. " * 5)])
    (tmp_path / "scan.png").write_bytes(b"anything")
    service = SimpleNamespace(templates={})

    def read(route: Route) -> None:
        route.fulfill(json={"templates": []} if "templates" in route.request.url else told)

    with (
        serving(lambda _: application(service, Access("token", frozenset({"127.0.0.1"})), most_bytes=9)) as port,  # type: ignore[arg-type]
        sync_playwright() as driver,
    ):
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 360, "height": 740})
        page.route("**/v1/*", read)
        page.goto(f"http://127.0.0.1:{port}/")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.fill("#token", "token")
        page.set_input_files("#file", tmp_path / "scan.png")
        page.click("button")
        page.wait_for_selector("td.chance")
        assert page.inner_text("td.chance") == "0.9999"
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        chromium.close()
