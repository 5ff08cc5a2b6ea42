"""The files that are read, their order and their names."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from docproc.errors import PageError
from docproc.sources import find_sources


def touch(folder: Path, *names: str) -> None:
    """Files of one byte; finding does not look into them."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(*inputs: object, **options: object) -> list[str]:
    return [source.name for source in find_sources([str(given) for given in inputs], **options)]


def test_a_folder_is_walked_to_the_bottom_in_the_order_a_person_would_sort_it(tmp_path):
    touch(tmp_path, "page10.png", "page2.png", "Page1.PNG", "b/2.tif", "b/10/1.pdf", "b/9/1.pdf", "a.jpeg")
    assert names(tmp_path) == ["a.jpeg", "b/2.tif", "b/9/1.pdf", "b/10/1.pdf", "Page1.PNG", "page2.png", "page10.png"]


def test_every_ending_of_a_page_is_known_in_either_case(tmp_path):
    endings = ["bmp", "heic", "heif", "jpeg", "jpg", "pdf", "png", "tif", "tiff", "webp"]
    touch(tmp_path, *(f"lower.{ending}" for ending in endings), *(f"UPPER.{ending.upper()}" for ending in endings))
    assert len(names(tmp_path)) == 2 * len(endings)


def test_what_is_no_page_is_passed_over_in_a_folder(tmp_path):
    touch(tmp_path, "1.png", "truth.csv", "README.md", ".hidden.png", ".cache/1.png", "Thumbs.db", "noending")
    assert names(tmp_path) == ["1.png"]


def test_files_with_endings_that_are_not_read_are_counted_but_for_what_is_known_to_be_no_page(tmp_path):
    left_out: Counter[str] = Counter(old=1)
    touch(tmp_path, "1.png", "2.DNG", "b/3.dng", "truth.csv", "noending", "4.a\nb", "-t/form.yaml", "by name.txt")
    touch(tmp_path, ".DS_Store", "._2.dng", ".cache/5.dng", "Thumbs.db", "b/desktop.ini", "b/template.yaml")
    touch(tmp_path, "results/forms.csv", "results/forms.xlsx")
    (tmp_path / "results" / "fields.csv").write_text("source,page,template,field,value\n")
    (tmp_path / "link.dng").symlink_to(tmp_path / "1.png")
    given = [tmp_path, f"{tmp_path}/**", tmp_path / "by name.txt"]
    names(*given, references=[tmp_path / "-t" / "form.yaml"], passed_over=left_out)
    assert left_out == {".dng": 2, ".csv": 1, "": 1, ".a\\nb": 1}


def test_a_file_given_by_name_is_taken_whatever_it_is(tmp_path):
    touch(tmp_path, "notes.txt", ".hidden.png")
    assert names(tmp_path / "notes.txt", tmp_path / ".hidden.png") == ["notes.txt", ".hidden.png"]


def test_results_of_ours_are_no_pages(tmp_path):
    touch(tmp_path, "1.png", "out/crop.png", "results/crop.png", "results.partial/crop.png", "mine/2.png")
    heading = "source,page,template,field,value,confidence,status\n"
    (tmp_path / "results/fields.csv").write_text(heading, encoding="utf-8-sig")
    (tmp_path / "mine/fields.csv").write_text("name;age\n")
    assert names(tmp_path, skip=tmp_path / "out") == ["1.png", "mine/2.png"]
    assert names(str(tmp_path / "**/*.png"), skip=tmp_path / "out") == ["1.png", "mine/2.png"]


def test_a_folder_that_is_input_and_output_is_still_read(tmp_path):
    touch(tmp_path, "1.png")
    assert names(tmp_path, skip=tmp_path) == ["1.png"]


def test_the_reference_image_of_a_template_is_no_page(tmp_path):
    touch(tmp_path, "form/blank.png", "form/pages/1.png", "form/pages/old.png", "blank.png")
    (tmp_path / "form/template.yaml").write_text("name: form\nreference: blank.png\n")
    assert names(tmp_path) == ["blank.png", "form/pages/1.png", "form/pages/old.png"]
    (tmp_path / "form/template.yaml").write_text("name: form\nreference: pages/old.png\n")
    for given in (tmp_path / "form/pages", tmp_path / "form/pages/*.png", tmp_path / "form/*/*.png"):
        assert [name.rpartition("/")[2] for name in names(given)] == ["1.png"]
    assert names(tmp_path / "form/pages/old.png") == ["old.png"]


def test_a_reference_image_known_from_elsewhere_is_no_page(tmp_path):
    touch(tmp_path, "1.png", "blank.png")
    assert names(tmp_path, references=[tmp_path / "sub/../blank.png"]) == ["1.png"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: [", b"- 1", b"reference: 7", b"[" * 600])
def test_a_faulty_template_does_not_stop_the_search(tmp_path, content):
    touch(tmp_path, "1.png")
    (tmp_path / "template.yaml").write_bytes(content)
    assert names(tmp_path) == ["1.png"]


def test_globs_are_expanded_and_named_like_a_walk_of_the_folder(tmp_path):
    touch(tmp_path, "scans/a/10.png", "scans/a/9.png", "scans/b/1.tif", "scans/b/notes.txt", "scans/top.png")
    assert names(tmp_path / "scans/*/*.png") == ["a/9.png", "a/10.png"]
    assert names(tmp_path / "scans/**") == ["a/9.png", "a/10.png", "b/1.tif", "top.png"]
    assert names(tmp_path / "scans/*") == ["a/9.png", "a/10.png", "b/1.tif", "top.png"]


def test_a_name_with_brackets_is_a_name_first_and_a_glob_second(tmp_path):
    touch(tmp_path, "scan[1].png", "scan1.png")
    assert names(tmp_path / "scan[1].png") == ["scan[1].png"]


def test_a_file_is_read_once_however_it_is_spelled(tmp_path, monkeypatch):
    touch(tmp_path, "in/1.png", "in/2.png")
    (tmp_path / "in/link.png").symlink_to("2.png")
    (tmp_path / "again").symlink_to("in")
    monkeypatch.chdir(tmp_path)
    spellings = ["in", "in/../in", tmp_path / "in", "again", "in/1.png", "./in/1.png", "in/*.png"]
    assert names(*spellings) == ["1.png", "2.png"]


def test_a_link_that_leads_back_up_is_walked_once(tmp_path):
    touch(tmp_path, "a/1.png")
    (tmp_path / "a/up").symlink_to(tmp_path)
    assert names(tmp_path) == ["a/1.png"]


def test_equal_files_are_both_listed(tmp_path):
    touch(tmp_path, "1.png", "2.png")
    assert names(tmp_path) == ["1.png", "2.png"]


def test_folders_with_equal_names_inside_are_kept_apart_by_their_own(tmp_path):
    touch(tmp_path, "jan/1.png", "jan/2.png", "feb/1.png", "mar/x.png")
    assert names(tmp_path / "jan", tmp_path / "feb", tmp_path / "mar") == [
        "jan/1.png",
        "jan/2.png",
        "feb/1.png",
        "x.png",
    ]
    touch(tmp_path, "a/in/1.png", "b/in/1.png")
    assert names(tmp_path / "a/in", tmp_path / "b/in") == ["a/in/1.png", "b/in/1.png"]
    assert names(tmp_path / "a/in/1.png", tmp_path / "b/in/1.png") == ["a/in/1.png", "b/in/1.png"]


def test_a_source_knows_its_folder_and_a_path_to_open(tmp_path, monkeypatch):
    touch(tmp_path, "in/a/1.png")
    monkeypatch.chdir(tmp_path)
    [source] = find_sources(["in"])
    assert (source.name, source.path, source.folder) == ("a/1.png", "in/a/1.png", Path("in"))
    [source] = find_sources(["in/a/1.png"])
    assert (source.name, source.path, source.folder) == ("1.png", "in/a/1.png", Path("in/a"))


def test_names_beyond_ascii_stay_as_they_are(tmp_path):
    touch(tmp_path, "Prüfung 試験 ١٢.png", "Ω/é.tif")
    assert names(tmp_path) == ["Prüfung 試験 ١٢.png", "Ω/é.tif"]


def test_a_name_that_is_no_text_is_escaped_and_can_still_be_opened(tmp_path):
    raw = os.path.join(os.fsencode(tmp_path), b"caf\xe9\n.png")
    with open(raw, "wb") as file:
        file.write(b"x")
    [source] = find_sources([str(tmp_path)])
    assert source.name == "caf\\xe9\\n.png"
    assert Path(source.path).read_bytes() == b"x"


def test_very_long_paths_are_walked(tmp_path):
    folder = tmp_path
    while len(str(folder)) < 3300:
        folder = folder / ("long folder name " * 12)
        folder.mkdir()
    touch(folder, "x" * 250 + ".png")
    [source] = find_sources([str(tmp_path)])
    assert Path(source.path).read_bytes() == b"x"
    assert source.name.endswith("x" * 250 + ".png")


def test_a_path_too_long_for_the_system_is_a_fault_and_the_others_are_found(tmp_path):
    touch(tmp_path, "z.png")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(20):  # no absolute path reaches the bottom: one step at a time
            os.mkdir("d" * 240, dir_fd=folder)
            deeper = os.open("d" * 240, os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = deeper
    finally:
        os.close(folder)
    fault, found = find_sources([str(tmp_path)])
    assert found.name == "z.png"
    assert fault.fault is not None
    assert "cannot be listed (File name too long)" in fault.fault.message


def test_a_folder_without_images_says_so(tmp_path):
    touch(tmp_path, "notes.txt")
    with pytest.raises(PageError, match="no image is in it") as caught:
        find_sources([str(tmp_path)])
    assert str(tmp_path) in caught.value.message
    assert "Name a folder" in caught.value.remedy


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nowhere", r"nowhere: it cannot be found \(No such file or directory\)"),
        ("nowhere/*.png", r"nowhere/\*.png: it matches no image"),
        ("x" * 300, "File name too long"),
        ("", "the name is empty"),
        ("a\0b", "a.*b: it cannot be found"),
    ],
)
def test_an_input_that_is_not_there_says_so(given, words):
    with pytest.raises(PageError, match=words) as caught:
        find_sources([given])
    assert caught.value.remedy
    assert "\n" not in caught.value.message


def test_no_input_at_all_says_so():
    with pytest.raises(PageError, match="Nothing to read was given"):
        find_sources([])


def test_an_input_without_images_among_others_fails_alone(tmp_path):
    touch(tmp_path, "full/1.png", "empty/notes.txt")
    found = find_sources([str(tmp_path / part) for part in ("empty", "nowhere", "full", "full/1.png")])
    assert [bool(source.fault) for source in found] == [True, True, False]
    assert [source.name for source in found] == ["empty", "nowhere", "1.png"]
