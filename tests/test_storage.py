"""URLs as inputs: what is found below them, what it is called, and what is said where nothing can be had.

The storage is fsspec's own in memory; tests/test_cloud.py has a server.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from docproc.download import Downloads
from docproc.errors import MissingExtraError, OutputError, TemplateError
from docproc.sources import find_sources
from docproc.storage import is_url, names_in

TREE = {
    **dict.fromkeys(
        (
            *("page10.png", "page2.png", "Page1.PNG", "b/2.tif", "b/10/1.pdf", "b/9/1.pdf", "a.jpeg", "c/d/e/1.png"),
            *("notes.txt", ".hidden.png", ".cache/1.png", "noending", "b/.thumbs/1.png", "half.partial/1.png"),
            *("results/crop.png", "mine/2.png", "form/blank.png", "form/pages/1.png", "form/pages/blank.png"),
        ),
        b"x",
    ),
    "results/fields.csv": b"\xef\xbb\xbfsource,page,template,field,value\n",
    "mine/fields.csv": b"name;age\n",
    "form/template.yaml": b"name: form\nreference: pages/../blank.png\n",
    "b/template.yaml": b"a: [",
}


@pytest.fixture
def memory() -> Any:
    """Storage with nothing in it."""
    import fsspec

    files = fsspec.filesystem("memory")
    files.store.clear()
    return files


@pytest.fixture
def bucket(memory: Any) -> str:
    """A prefix with TREE below it."""
    for name, content in TREE.items():
        memory.pipe_file(f"memory://bucket/in/{name}", content)
    return "memory://bucket/in"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("below", ["", "/*.png", "/**/*.p*", "/b", "/[bc]", "/form/pages", "/results", "/notes.txt"])
def test_a_prefix_is_walked_like_a_folder(bucket: str, folder: Path, below: str) -> None:
    there: Counter[str] = Counter()
    here: Counter[str] = Counter()
    found = [source.name for source in find_sources([f"{bucket}{below}"], passed_over=there)]
    assert found == [source.name for source in find_sources([f"{folder}{below}"], passed_over=here)]
    assert there == here


def test_an_object_is_found_once_and_knows_the_nearest_template(bucket: str) -> None:
    inputs = [f"{bucket}/form/pages/1.png", f"{bucket}/form/", f"{bucket}/b/9/1.pdf", f"{bucket}/c"]
    assert [(source.path, source.name, source.template) for source in find_sources(inputs)] == [
        (f"{bucket}/form/pages/1.png", "1.png", f"{bucket}/form/template.yaml"),
        (f"{bucket}/form/pages/blank.png", "pages/blank.png", f"{bucket}/form/template.yaml"),
        (f"{bucket}/b/9/1.pdf", "1.pdf", f"{bucket}/b/template.yaml"),
        (f"{bucket}/c/d/e/1.png", "d/e/1.png", ""),
    ]


def test_an_input_in_the_cloud_without_pages_fails_beside_others(bucket: str) -> None:
    nothing, page = find_sources([f"{bucket}/none", f"{bucket}/a.jpeg"])
    assert nothing.fault is not None
    assert nothing.fault.message == f"{bucket}/none: it matches no image."
    assert (page.name, page.fault) == ("a.jpeg", None)


def test_drive_letters_and_folders_are_no_urls() -> None:
    given = ["s3://bucket", "gs://b/x", "C:\\scans", "C:/scans", "C://scans", "scans/s3://x", "a:b", "s3://", ""]
    assert [is_url(one) for one in given] == [True, True, False, False, False, False, False, False, False]


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("s5://bucket/scans", r"Install fsspec and its package for s5://, or copy the files to this machine\."),
        ("s3://bucket/scans", r"Run `pip install 'docproc\[s3\]'`\."),
        ("gs://bucket/scans", r"Run `pip install 'docproc\[gcs\]'`\."),
    ],
)
def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, url: str, remedy: str) -> None:
    if "s5" not in url:  # that one fsspec itself does not know
        monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtraError, match=rf"{url}: .+ a package that is not installed\. {remedy}"):
        find_sources([url])


def test_a_template_is_copied_with_its_reference_and_both_vanish_with_the_batch(bucket: str) -> None:
    with Downloads() as downloads:
        [path] = downloads.templates([f"{bucket}/form"])
        assert path.read_bytes() == TREE["form/template.yaml"]
        assert (path.parent / "pages/../blank.png").resolve().read_bytes() == b"x"
        assert downloads.references == {f"{bucket}/form/blank.png"}
        assert downloads.templates(["here.yaml", Path("forms")]) == [Path("here.yaml"), Path("forms")]
    assert not path.exists()


@pytest.mark.parametrize("reference", ["../../../../secret.png", "/etc/hostname", "gone.png"])
def test_a_template_copies_nothing_from_outside_its_bucket(memory: Any, bucket: str, reference: str) -> None:
    memory.pipe_file(f"{bucket}/bad.yaml", f"name: bad\nreference: {reference}\n".encode())
    with Downloads() as downloads, pytest.raises(TemplateError, match=r"leads out of the bucket|cannot be found"):
        downloads.template(f"{bucket}/bad.yaml")


def test_a_bucket_that_is_missing_is_told_from_a_prefix_that_is_empty(bucket: str) -> None:
    assert names_in("memory://bucket/new") == []
    assert names_in(f"{bucket}/mine") == ["2.png", "fields.csv"]
    with pytest.raises(OutputError, match=r"^memory://nowhere/new: it cannot be found .* Check the spelling"):
        names_in("memory://nowhere/new")
