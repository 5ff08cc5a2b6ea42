"""What a review costs: the server's time for an answer, and keys a field, over 100 fields in a real browser.

    python -m tests.bench.review

In:  Debian's chromium, and the extra `browser`.
Out: a table. Every tenth field is misread: of those one half is chosen, the other half typed. Reaching for Shift is
     a key; what is typed of a value is none. Fields are answered four a second, faster than anybody reads.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.flagged import flagged, truth_of

FIELDS = 100
PACE_MS = 250

TIMES = """() => performance.getEntriesByType("resource").filter((one) => one.name.endsWith("/say"))
    .map((one) => one.responseEnd - one.requestStart)"""


def main() -> None:
    """Review, and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = flagged(Path(name), FIELDS)
        command = [sys.executable, "-m", "docproc", "review", str(folder), "--no-browser"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        with sync_playwright() as driver:
            chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = chromium.new_page()
            page.goto(address)
            page.wait_for_selector("#item:not([hidden])")
            keys = sum(_answered(page) for _ in range(FIELDS))
            page.locator("#done", has_text="Nothing").wait_for()
            times = sorted(page.evaluate(TIMES))
            chromium.close()
        process.terminate()
        process.wait()
        with (folder / "fields.csv").open(encoding="utf-8") as file:
            right = sum(line.split(",")[4] == truth_of(number) for number, line in enumerate(list(file)[1:]))
    print(f"fields       {len(times)}, of them right in fields.csv {right}")
    print(f"keys a field {keys / FIELDS:.2f}, beyond typing")
    print(f"server, ms   median {statistics.median(times):.1f}, p95 {times[int(0.95 * len(times))]:.1f}")


def _answered(page: Page) -> int:
    """One field, looked at and answered; how many keys beyond typing it took."""
    page.wait_for_timeout(PACE_MS)
    number = int(page.locator("#name").text_content().split()[1])  # type: ignore[union-attr]
    truth = truth_of(number)
    if page.locator("#value").text_content() == truth:
        page.keyboard.press("Enter")
        return 1
    if number % 20 == 0:
        page.keyboard.press("Shift+Digit2")
        return 2
    page.keyboard.type(truth)
    page.keyboard.press("Enter")
    return 1


if __name__ == "__main__":
    main()
