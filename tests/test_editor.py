"""The template editor without a browser: what it saves, and whom it answers."""

from __future__ import annotations

import errno
import json
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from served import Ask, asking, serving

from docproc.editor import storage
from docproc.editor.server import Session, application
from docproc.errors import OutputError, TemplateError
from docproc.template import Paper, load_template

SAMPLES = Path(__file__).resolve().parents[1] / "samples"

COMMENTED = """\
# Our slip.
name: slip
page: {width_mm: 100, height_mm: 60}  # half of A6
reference: blank.png
fields:
  # the customer
  - {name: account, kind: comb, box: [10, 10, 60, 8], cells: 10}  # look: two groups
  - name: amount  # in cents
    kind: free
    box: [10, 30, 40, 10]
    rules: {min: 1}
  - {name: day, kind: cell, box: [60, 30, 8, 8]}
"""


@pytest.fixture
def slip(tmp_path: Path) -> Path:
    Image.fromarray(np.full((480, 800), 255, np.uint8)).save(tmp_path / "blank.png")
    path = tmp_path / "slip.yaml"
    path.write_text(COMMENTED, encoding="utf-8")
    return path


def opened(path: Path) -> tuple[dict[str, Any], str]:
    """A template as the page has it: every field knows what it was called."""
    stored = storage.read(path)
    for field in stored.data["fields"]:
        field["was"] = field["name"]
    return stored.data, stored.digest


def test_what_the_page_does_not_show_is_kept(slip: Path) -> None:
    text = COMMENTED.replace("reference:", "paper: {name: ballot, page: 1, pages: 2}\nreference:")
    slip.write_text(text.replace("cells: 10}", "cells: 10, unique: true}"), encoding="utf-8")
    data, digest = opened(slip)
    data["fields"][0]["box"] = [12, 10, 60, 8]
    storage.save(slip, data, digest)
    saved = load_template(slip)
    assert saved.paper == Paper(name="ballot", page=1, pages=2)
    assert [field.unique for field in saved.fields] == [True, False, False]
    assert "paper: {name: ballot, page: 1, pages: 2}\n" in slip.read_text(encoding="utf-8")


def test_what_is_saved_unchanged_is_the_same_file(slip: Path) -> None:
    data, digest = opened(slip)
    storage.save(slip, data, digest)
    assert slip.read_text(encoding="utf-8") == COMMENTED


def test_changes_are_saved_among_the_comments(slip: Path) -> None:
    data, digest = opened(slip)
    account, amount, _ = data["fields"]
    account |= {"name": "account_no", "groups": [5, 5], "group_gap_mm": 2.0}
    amount["rules"] = {}
    data["fields"] = [amount, account, {"name": "seal", "kind": "free", "box": [60, 45, 30, 8], "cells": 1}]
    after = storage.digest_of(storage.save(slip, data, digest))
    text = slip.read_text(encoding="utf-8")
    assert [field.name for field in load_template(slip).fields] == ["amount", "account_no", "seal"]
    assert load_template(slip).field("account_no").groups == (5, 5)
    assert "rules" not in text
    for comment in ("# Our slip.", "# half of A6", "# in cents", "# look: two groups"):
        assert comment in text
    assert "  - {name: seal, kind: free, box: [60, 45, 30, 8]}\n" in text
    assert storage.read(slip).digest == after


def test_a_file_that_somebody_else_has_changed_is_left_alone(slip: Path) -> None:
    data, digest = opened(slip)
    theirs = COMMENTED.replace("name: day", "name: month")
    slip.write_text(theirs, encoding="utf-8")
    with pytest.raises(storage.Changed):
        storage.save(slip, data, digest)
    assert slip.read_text(encoding="utf-8") == theirs


def test_a_copy_of_what_the_page_has_is_written_beside_theirs_and_over_nothing(slip: Path) -> None:
    data, _ = opened(slip)
    content = storage.read(slip).content
    theirs = COMMENTED.replace("# in cents", "# theirs").replace("name: account", "name: theirs")
    slip.write_text(theirs, encoding="utf-8")
    data["fields"][2]["name"] = "month"
    copies = [storage.save_copy(slip, data, content) for _ in range(3)]
    assert [copy.name for copy in copies] == ["slip-copy.yaml", "slip-copy-2.yaml", "slip-copy-3.yaml"]
    for copy in copies:
        assert copy.read_text(encoding="utf-8") == COMMENTED.replace("name: day", "name: month")
    assert slip.read_text(encoding="utf-8") == theirs


def test_of_an_unsound_template_no_copy_is_written(slip: Path) -> None:
    data, _ = opened(slip)
    data["fields"][1]["name"] = "account"
    with pytest.raises(TemplateError, match="'account': the name is used twice"):
        storage.save_copy(slip, data, storage.read(slip).content)
    assert sorted(path.name for path in slip.parent.iterdir()) == ["blank.png", "slip.yaml"]


def test_a_copy_that_cannot_be_written_leaves_nothing(slip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, write: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    data, _ = opened(slip)
    monkeypatch.setattr(storage, "write_whole", full)
    with pytest.raises(OutputError, match="No space left on device"):
        storage.save_copy(slip, data, storage.read(slip).content)
    assert sorted(path.name for path in slip.parent.iterdir()) == ["blank.png", "slip.yaml"]


def test_an_unsound_template_is_not_saved(slip: Path) -> None:
    data, digest = opened(slip)
    data["fields"][1]["name"] = "account"
    with pytest.raises(TemplateError, match="'account': the name is used twice"):
        storage.save(slip, data, digest)
    assert slip.read_text(encoding="utf-8") == COMMENTED


@pytest.mark.parametrize("text", ["fields: [", "name: x", "- 1", ""])
def test_what_is_no_template_is_told_before_a_browser_opens(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=re.escape(str(path))) as fault:
        Session(path, [])
    assert "docproc template detect" in fault.value.remedy


def test_a_template_of_a_newer_docproc_is_not_edited(slip: Path) -> None:
    slip.write_text(f"format: 2\n{COMMENTED}", encoding="utf-8")
    with pytest.raises(TemplateError, match="is of format 2, and this docproc reads up to 1"):
        Session(slip, [])


def test_the_format_of_a_file_is_kept(slip: Path) -> None:
    slip.write_text(f"format: 1  # of the file\n{COMMENTED}", encoding="utf-8")
    data, digest = opened(slip)
    data["fields"][0]["name"] = "other"
    storage.save(slip, data, digest)
    assert slip.read_text(encoding="utf-8").startswith("format: 1  # of the file\n")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, int]]:
    """A sample's template, served in a thread."""
    folder = tmp_path_factory.mktemp("served") / "slip"
    shutil.copytree(SAMPLES / "deposit_slip", folder)
    session = Session(folder / "template.yaml", [str(folder / "pages" / "001.png")])
    with serving(lambda port: application(session, port=port)) as port:
        yield session, port


@pytest.fixture
def ask(served: tuple[Session, int]) -> Ask:
    session, port = served
    return asking(port, session.token)


def test_the_page_and_its_pictures_are_served(ask: Ask) -> None:
    assert b"<title>docproc template</title>" in ask("/")[1]
    assert ask("/editor.js")[0] == ask("/editor.css")[0] == 200
    assert ask("/sheet.png")[1].startswith(b"\x89PNG")


def test_without_the_token_from_elsewhere_or_for_another_host_nothing_is_answered(
    ask: Ask, served: tuple[Session, int]
) -> None:
    for path in ("/", "/template", "/sheet.png", "/editor.js", "/?token=guess"):
        assert ask(path, cookie="")[0] == 403
    assert ask("/template", cookie=f"docproc_{served[1]}=guess")[0] == 403
    assert ask("/template", host="evil.example")[0] == 403
    assert ask("/check", {"template": {}}, origin="http://evil.example")[0] == 403
    assert ask("/check", {"template": {}}, origin="")[0] == 403
    assert ask("/../template.yaml")[0] in (403, 404)
    status, _ = ask(f"/?token={served[0].token}", cookie="")
    assert status == 303


def test_a_template_is_checked_and_faults_are_told_in_words(ask: Ask) -> None:
    template = ask("/template")[1]["template"]
    assert ask("/check", {"template": template}) == (200, {})
    template["fields"][0]["box"] = [0, 0, 500, 5]
    status, told = ask("/check", {"template": template})
    assert status == 422
    assert "its box leaves the sheet" in told["message"]


def test_a_page_is_read_by_the_template_as_it_is_in_the_browser(ask: Ask) -> None:
    template = ask("/template")[1]["template"]
    template["fields"][0]["name"] = "renamed, not saved"
    status, told = ask("/read", {"template": template, "page": 0})
    assert status == 200
    assert len(told["fields"]["renamed, not saved"]["value"]) == 12
    assert ask("/filled.png")[1].startswith(b"\x89PNG")
    assert ask("/read", {"template": template, "page": 7})[0] == 422


@pytest.mark.parametrize("body", [{}, [], "xx", {"template": 1}, {"template": {"fields": [1]}}])
def test_what_the_page_would_not_send_is_refused(ask: Ask, body: Any) -> None:
    for path in ("/check", "/save", "/save-copy", "/read"):
        assert ask(path, body)[0] == 400


def test_two_pages_cannot_overwrite_one_another(ask: Ask) -> None:
    told = ask("/template")[1]
    assert ask("/save", {"template": told["template"], "digest": told["digest"]})[0] == 200
    status, refused = ask("/save", {"template": told["template"], "digest": "old"})
    assert status == 409
    assert "changed by somebody else" in refused["message"]
    told["template"]["fields"][0]["name"] = "mine"
    assert ask("/save-copy", {"template": told["template"], "digest": "old"})[0] == 400
    status, saved = ask("/save-copy", {"template": told["template"], "digest": told["digest"]})
    assert (status, saved) == (200, {"file": "template-copy.yaml"})


def test_a_save_that_is_cut_off_in_its_middle_changes_nothing(
    ask: Ask, served: tuple[Session, int], caplog: pytest.LogCaptureFixture
) -> None:
    session, port = served
    told = ask("/template")[1]
    told["template"]["name"] = "half"
    body = json.dumps({"template": told["template"], "digest": told["digest"]}).encode()
    before = session.path.read_bytes()
    for sent in (body[: len(body) // 2], body[:-1]):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            head = (
                f"POST /save HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
                f"Cookie: docproc_{port}={session.token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + sent)
            time.sleep(0.2)
    time.sleep(0.2)
    assert ask("/template")[0] == 200
    assert session.path.read_bytes() == before
    assert not [path.name for path in session.path.parent.iterdir() if path.name.endswith(".part")]
    assert not caplog.records  # nobody's terminal is filled with what went wrong here
