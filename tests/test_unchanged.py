"""What a second run of a batch leaves alone: files that are unchanged, and tables that would come out the same."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docproc import listing, tables
from docproc.batch import process_batch
from docproc.ledger import files
from docproc.page import PageRef, Source
from docproc.summary import Summary

TABLES = ("errors.csv", "fields.csv", "forms.csv", "forms.xlsx", "report.html")


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the files of a test were some seconds old."""
    monkeypatch.setattr(files, "UNSETTLED_NS", 0)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are opened."""
    names: list[str] = []
    list_pages = listing.list_pages

    def note(source: Source, copy: Path | None = None) -> list[PageRef]:
        names.append(source.name)
        return list_pages(source, copy)

    monkeypatch.setattr(listing, "list_pages", note)
    return names


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A page, a file of two pages, and one that is no image."""
    folder = tmp_path / "scans"
    folder.mkdir()
    picture(10).save(folder / "a.png")
    picture(30).save(folder / "b.tif", save_all=True, append_images=[picture(50)])
    (folder / "c.png").write_text("this is no image")
    return folder


def picture(left: int) -> Image.Image:
    pixels = np.full((40, 100), 255, np.uint8)
    pixels[8:32, left : left + 4] = 0
    return Image.fromarray(pixels)


def run(scans: Path, **options: object) -> Summary:
    return process_batch([scans], scans.parent / "out", whole_image=True, jobs=1, **options)  # type: ignore[arg-type]


def times(scans: Path) -> list[int]:
    return [(scans.parent / "out" / name).stat().st_mtime_ns for name in TABLES]


def test_only_what_is_changed_or_could_not_be_listed_is_opened_again(scans: Path, opened: list[str]) -> None:
    assert run(scans).read_now == 3
    assert opened == ["a.png", "b.tif", "c.png"]
    opened.clear()
    assert run(scans).read_now == 0
    assert opened == ["c.png"]
    opened.clear()
    assert run(scans, review_below=0.5).read_now == 3
    assert opened == ["c.png"]


def test_a_change_that_keeps_size_and_time_is_seen(scans: Path, opened: list[str]) -> None:
    run(scans)
    before = (scans / "a.png").stat()
    content = (scans / "a.png").read_bytes()
    picture(11).save(scans / "a.png")
    assert len((scans / "a.png").read_bytes()) == len(content)
    os.utime(scans / "a.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    opened.clear()
    assert run(scans).read_now == 1
    assert opened == ["a.png", "c.png"]


def test_a_file_of_this_very_moment_is_opened_again(
    scans: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "UNSETTLED_NS", 3_600_000_000_000)
    run(scans)
    opened.clear()
    assert run(scans).read_now == 0
    assert opened == ["a.png", "b.tif", "c.png"]


def test_by_force_all_files_are_opened_again(scans: Path, opened: list[str]) -> None:
    run(scans)
    opened.clear()
    assert run(scans, force=True).read_now == 3
    assert opened == ["a.png", "b.tif", "c.png"]


def test_tables_that_would_come_out_the_same_are_left_alone_and_counted_all_the_same(scans: Path) -> None:
    first = run(scans)
    made = times(scans)
    second = run(scans)
    assert times(scans) == made
    assert (first.pages, first.failed, first.failures[0].source) == (3, 1, "c.png")
    assert replace(second, read_now=first.read_now, read_before=0, seconds=first.seconds) == first


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_gone_or_was_changed_is_made_again(scans: Path, name: str) -> None:
    run(scans)
    table = scans.parent / "out" / name
    for spoil in (table.unlink, lambda: table.write_text("mine", encoding="utf-8")):
        content = table.read_bytes()
        spoil()
        run(scans)
        assert len(table.read_bytes()) == len(content)


def test_tables_of_other_pages_or_of_another_docproc_are_made_again(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(scans)
    (scans / "c.png").unlink()
    assert run(scans).failed == 0
    assert "c.png" not in (scans.parent / "out" / "errors.csv").read_text(encoding="utf-8")
    made = times(scans)
    monkeypatch.setattr(tables, "TABLES_VERSION", 0)
    run(scans)
    assert all(now > before for now, before in zip(times(scans), made, strict=True))
