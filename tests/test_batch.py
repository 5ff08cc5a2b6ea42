"""A batch: every page in order, a page that fails fails alone, and nothing is counted twice unseen."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from docproc.batch import Progress, process_batch, read_pages
from docproc.combination.line_reader import load_line_reader
from docproc.decision import Policy
from docproc.download import Downloads
from docproc.engine import FEW_PAGES, PoolEngine, SerialEngine, choose_engine
from docproc.errors import ModelError, OutputError, PageError, TemplateError
from docproc.ledger import Entry, open_ledger
from docproc.page import PageRef, Unreadable
from docproc.reader import OpenReader, Outcome, PageTask
from docproc.reading import FieldReading, Reason, Record, Verdict
from docproc.summary import Summary
from docproc.tables import write_tables

TEMPLATE = {
    "page": {"width_mm": 100, "height_mm": 100},
    "fiducials": [{"box": [5, 5, 5, 5]}, {"box": [90, 5, 5, 5]}, {"box": [5, 90, 5, 5]}],
    "fields": [{"name": "number", "kind": "free", "box": [20, 20, 40, 10]}],
}


class _NoRecognizer:
    """Plays the recognizer for readers that do not ask it."""

    card: Any = None
    digest = "none"

    def recognize(self, glyphs: Any) -> Any:
        raise AssertionError("these pages hold no glyphs")


def _load(ref: PageRef, copy: Path | None) -> str:
    """Plays the decoder: the file's name says what is wrong with it."""
    if "broken" in ref.source:
        raise PageError(f"{ref.source}: it is broken.", remedy="Scan it again.")
    if "deadly" in ref.source:
        os._exit(9)
    return ref.source


def _read(page: str, templates: Any, recognizer: Any, policy: Policy, **options: Any) -> Record:
    """Plays the pipeline: one field, accepted where the name says so."""
    if "bug" in page:
        raise ZeroDivisionError("division\nby zero")
    if "model" in page:
        raise ModelError("The model is broken.", remedy="Train it again.")
    verdict = Verdict.REVIEW if "doubt" in page else Verdict.ACCEPTED
    reading = FieldReading(name="number", text="7", confidence=0.9, verdict=verdict)
    return Record(PageRef(page, page, 0, ""), "", "", "", (reading,), verdict)


def _reader() -> OpenReader:
    return OpenReader(_NoRecognizer(), {}, Policy(review_below=0.5), load=_load, read=_read)


def _ref(name: str) -> PageRef:
    return PageRef(name, name, 0, name)


def _outcome(name: str) -> Outcome:
    return _reader()()(PageTask(_ref(name)))


class _Listed:
    """Pages by their names, and files that could not be listed."""

    def __init__(self, pages: list[str | Unreadable]) -> None:
        self.expected = len(pages)
        self.downloads = Downloads()
        self._pages = pages

    def __iter__(self) -> Iterator[Entry | Unreadable]:
        return iter([page if isinstance(page, Unreadable) else Entry(_ref(page), "0") for page in self._pages])

    def templates_of(self, ref: PageRef) -> tuple[str, ...]:
        return ()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _image(path: Path, *, value: int = 255) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((120, 120), value, np.uint8)).save(path)
    return path


def _template(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "template.yaml"
    path.write_text(yaml.safe_dump({"name": name, **TEMPLATE}))
    return path


def _run(tmp_path: Path, pages: list[Any], engine: Any, progress: Progress | None = None) -> Summary:
    with open_ledger(tmp_path / "out", settings={}) as ledger:
        read_pages(ledger, _Listed(pages), open_reader=_reader(), engine=engine, progress=progress)  # type: ignore[arg-type]
        return write_tables(ledger, tmp_path / "out")


def test_a_page_that_cannot_be_read_fails_alone_with_its_remedy() -> None:
    assert _outcome("broken.png") == Unreadable("broken.png", 1, "broken.png: it is broken.", "Scan it again.")


def test_a_fault_of_ours_fails_one_page_and_names_type_message_and_place_in_one_line() -> None:
    outcome = _outcome("bug.png")
    assert isinstance(outcome, Unreadable)
    assert outcome.message.startswith("bug.png: ZeroDivisionError: division by zero (test_batch.py, line ")
    assert "report" in outcome.remedy


def test_an_error_that_concerns_every_page_ends_the_batch() -> None:
    with pytest.raises(ModelError, match="broken"):
        _outcome("model.png")


@pytest.mark.parametrize("engine", [SerialEngine(), PoolEngine(2)], ids=["serial", "pool"])
def test_results_stand_in_page_order_whatever_fails_between(tmp_path: Path, engine: Any) -> None:
    unlisted = Unreadable("empty.pdf", None, "empty.pdf: it is empty.", "Copy it again.")
    pages = ["a.png", unlisted, "bug.png", "doubt.png", "broken.png", *(f"z{page:02d}.png" for page in range(20))]
    summary = _run(tmp_path, pages, engine)
    fields = _rows(tmp_path / "out" / "fields.csv")
    assert [row["source"] for row in fields] == ["a.png", "doubt.png", *(f"z{page:02d}.png" for page in range(20))]
    errors = _rows(tmp_path / "out" / "errors.csv")
    assert [(row["source"], row["page"]) for row in errors] == [
        ("empty.pdf", ""),
        ("bug.png", "1"),
        ("broken.png", "1"),
    ]
    assert (summary.pages, summary.failed, summary.pages_to_review) == (22, 3, 1)
    assert (summary.accepted, summary.review, summary.rejected, summary.fields) == (21, 1, 0, 22)
    assert [failure.source for failure in summary.failures] == ["empty.pdf", "bug.png", "broken.png"]


def test_a_page_that_kills_its_worker_twice_is_named_and_the_batch_goes_on(tmp_path: Path) -> None:
    names = ["a.png", "b.png", "deadly.png", "c.png", "d.png"]
    summary = _run(tmp_path, names, PoolEngine(2))
    assert [row["source"] for row in _rows(tmp_path / "out" / "fields.csv")] == ["a.png", "b.png", "c.png", "d.png"]
    (error,) = _rows(tmp_path / "out" / "errors.csv")
    assert (error["source"], error["page"]) == ("deadly.png", "1")
    assert "given up: the process that worked on it" in error["error"]
    assert (summary.pages, summary.failed) == (4, 1)


def test_progress_is_told_after_each_page(tmp_path: Path) -> None:
    told: list[tuple[int, int, int]] = []
    pages = ["a.png", "broken.png", "doubt.png"]
    _run(
        tmp_path,
        pages,
        SerialEngine(),
        progress=lambda so_far: told.append((so_far.pages, so_far.failed, so_far.pages_expected)),
    )
    assert told == [(1, 0, 3), (1, 1, 3), (2, 1, 3)]


@pytest.mark.parametrize(
    ("pages", "jobs", "kind"),
    [(FEW_PAGES, 4, SerialEngine), (FEW_PAGES + 1, 4, PoolEngine), (FEW_PAGES + 1, 1, SerialEngine)],
)
def test_processes_are_used_where_they_pay(pages: int, jobs: int, kind: type) -> None:
    assert type(choose_engine(pages, jobs)) is kind


def test_the_nearest_template_serves_a_page(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    _template(scans, "outer")
    _template(scans / "slips", "inner")
    for number, name in enumerate(("a.png", "slips/b.png", "slips/deep/c.png", "other/d.png")):
        _image(scans / name, value=250 - number)
    process_batch([scans], tmp_path / "out", jobs=1)
    served = {row["source"]: row["template"] for row in _rows(tmp_path / "out" / "forms.csv")}
    assert served == {"a.png": "outer", "other/d.png": "outer", "slips/b.png": "inner", "slips/deep/c.png": "inner"}


def test_a_template_given_by_the_user_serves_every_page(tmp_path: Path) -> None:
    _template(tmp_path / "scans", "found")
    _image(tmp_path / "scans" / "a.png")
    given = _template(tmp_path / "elsewhere", "given")
    process_batch([tmp_path / "scans"], tmp_path / "out", template_paths=[given], jobs=1)
    (row,) = _rows(tmp_path / "out" / "forms.csv")
    assert (row["template"], row["status"], row["reasons"]) == ("given", "review", "registration")


def test_whole_images_follow_no_template(tmp_path: Path) -> None:
    _template(tmp_path / "scans", "found")
    _image(tmp_path / "scans" / "a.png")
    process_batch([tmp_path / "scans"], tmp_path / "out", whole_image=True, jobs=1)
    (row,) = _rows(tmp_path / "out" / "fields.csv")
    assert (row["template"], row["field"], row["value"]) == ("", "value", "")


def test_two_files_of_equal_content_are_both_listed(tmp_path: Path) -> None:
    first = _image(tmp_path / "scans" / "a.png")
    shutil.copy(first, tmp_path / "scans" / "b.png")
    _image(tmp_path / "scans" / "c.png", value=240)
    process_batch([tmp_path / "scans", first], tmp_path / "out", whole_image=True, jobs=1)
    rows = [(row["source"], row["reasons"]) for row in _rows(tmp_path / "out" / "fields.csv")]
    assert rows == [("a.png", ""), ("b.png", "duplicate_of:a.png"), ("c.png", "")]


def test_the_pages_of_one_file_are_no_duplicates_of_each_other(tmp_path: Path) -> None:
    frames = [Image.new("L", (60, 40), 255)] * 3
    (tmp_path / "scans").mkdir()
    frames[0].save(tmp_path / "scans" / "a.tif", save_all=True, append_images=frames[1:])
    summary = process_batch([tmp_path / "scans"], tmp_path / "out", whole_image=True, jobs=1)
    rows = [(row["page"], row["reasons"]) for row in _rows(tmp_path / "out" / "fields.csv")]
    assert rows == [("1", ""), ("2", ""), ("3", "")]
    assert (summary.pages, summary.pages_expected) == (3, 3)


def test_where_nothing_can_be_read_the_errors_are_still_written(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_text("this is no image")
    summary = process_batch([tmp_path / "scan.png"], tmp_path / "out", jobs=1)
    assert (summary.pages, summary.failed) == (0, 1)
    assert [row["source"] for row in _rows(tmp_path / "out" / "errors.csv")] == ["scan.png"]
    assert _rows(tmp_path / "out" / "fields.csv") == []


def test_results_among_the_scans_are_not_read_as_scans(tmp_path: Path) -> None:
    _image(tmp_path / "a.png")
    for _ in range(2):
        summary = process_batch([tmp_path], tmp_path / "out", whole_image=True, jobs=1)
        assert (summary.pages, summary.failed) == (1, 0)


def test_a_faulty_template_stops_the_batch_before_any_page(tmp_path: Path) -> None:
    _template(tmp_path / "scans", "found").write_text("name: [")
    _image(tmp_path / "scans" / "a.png")
    with pytest.raises(TemplateError, match=r"template\.yaml, line"):
        process_batch([tmp_path / "scans"], tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_stops_the_batch_before_any_page(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    told: list[Summary] = []
    with pytest.raises(OutputError, match="is a file"):
        process_batch([_image(tmp_path / "a.png")], tmp_path / "out", progress=told.append)
    assert told == []


def test_a_record_is_the_same_from_every_engine(tmp_path: Path) -> None:
    for number in range(FEW_PAGES + 2):
        page = np.full((40, 120), 255, np.uint8)
        page[8:32, 20 + 4 * number : 24 + 4 * number] = 0
        (tmp_path / "scans").mkdir(exist_ok=True)
        Image.fromarray(page).save(tmp_path / "scans" / f"{number}.png")
    for jobs in (1, 2):
        process_batch([tmp_path / "scans"], tmp_path / f"out{jobs}", whole_image=True, jobs=jobs)
    for name in ("fields.csv", "forms.csv", "errors.csv"):
        assert (tmp_path / "out1" / name).read_bytes() == (tmp_path / "out2" / name).read_bytes()
    assert len(_rows(tmp_path / "out1" / "fields.csv")) == FEW_PAGES + 2


def test_pages_that_do_not_lie_on_their_template_are_counted_apart(tmp_path: Path) -> None:
    unread = FieldReading("x", "", 0.0, Verdict.REVIEW, (Reason.REGISTRATION,))
    seen = FieldReading("x", "1", 0.4, Verdict.REVIEW, ("low_confidence",))

    class Engine:
        def run(self, tasks: Any, open_work: Any) -> Any:
            for task in tasks:
                off = task.ref.source == "other.png"
                fields, reasons = ((unread, unread), (Reason.REGISTRATION,)) if off else ((seen,), ())
                yield task, Record(task.ref, "slip", "", "", fields, Verdict.REVIEW, reasons)

    summary = _run(tmp_path, ["a.png", "other.png", "b.png"], Engine())
    assert (summary.pages, summary.pages_to_review, summary.unregistered) == (3, 3, 1)
    assert (summary.review, summary.fields_to_look_at, summary.pages_unread) == (4, 2, 1)
    assert summary.as_dict()["pages_unregistered"] == 1


def test_a_batch_is_counted_page_by_page_as_in_its_tables(tmp_path: Path) -> None:
    names = ["a.png", "doubt.png", "broken.png", "bug.png", "b.png"]
    told: list[Summary] = []
    summary = _run(tmp_path, names, SerialEngine(), progress=told.append)
    same = {"output": told[-1].output, "pages_expected": 5, "read_now": 5, "seconds": told[-1].seconds}
    assert replace(summary, **same) == told[-1]
    assert (summary.pages, summary.failed, summary.review, summary.accepted) == (3, 2, 1, 2)


def test_the_threshold_in_force_is_in_the_summary(tmp_path: Path) -> None:
    page = _image(tmp_path / "a.png")
    given = process_batch([page], tmp_path / "given", whole_image=True, review_below=0.25, jobs=1)
    shipped = process_batch([page], tmp_path / "shipped", whole_image=True, jobs=1)
    assert (given.review_below, given.as_dict()["review_below"]) == (0.25, 0.25)
    assert shipped.review_below == load_line_reader().card.review_below


def test_there_is_no_rate_where_no_page_was_read() -> None:
    assert Summary(Path("out"), failed=3, seconds=0.001).pages_per_second == 0
    assert Summary(Path("out"), pages=3, failed=1, read_now=4, seconds=2.0).pages_per_second == 2
