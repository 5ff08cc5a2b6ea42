"""What was seen on the way of a page is there to look at."""

import cv2
import numpy as np
import pytest
from test_pipeline import POLICY, WidthReader, filled, template

from docproc.cli.explain import explain
from docproc.errors import OutputError, PageError
from docproc.explain import explain_page
from docproc.page import Page, PageRef


def slip() -> Page:
    return Page(PageRef("slip.png", "slip.png", 0, "0"), filled(code=False), None)


def test_every_field_has_its_pictures_and_the_index_its_reasons(tmp_path):
    explain_page(slip(), [template()], WidthReader(), POLICY, tmp_path / "why")
    index = (tmp_path / "why" / "index.html").read_text(encoding="utf-8")
    for field in ("number", "amount", "code"):
        assert cv2.imread(str(tmp_path / "why" / field / "4-without-rules.png")) is not None
        assert f"{field}/1-cut.png" in index
    assert "blank_required" in index


def test_the_overview_shows_each_field_in_the_color_of_its_verdict(tmp_path):
    explain_page(slip(), [template()], WidthReader(), POLICY, tmp_path)
    picture = cv2.cvtColor(cv2.imread(str(tmp_path / "page-fields.png")), cv2.COLOR_BGR2RGB)
    colors = {tuple(color) for color in picture.reshape(-1, 3)}
    assert {(30, 140, 60), (230, 140, 0)} <= colors
    assert np.abs(picture.shape[0] - 1400) <= 1


def test_one_field_alone_is_explained_when_it_is_named(tmp_path):
    explain_page(slip(), [template()], WidthReader(), POLICY, tmp_path, only="amount")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["amount"]


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write the pictures"):
        explain_page(slip(), [template()], WidthReader(), POLICY, tmp_path / "file" / "why")


def test_a_folder_is_not_taken_for_a_page(tmp_path):
    with pytest.raises(PageError, match="is a folder"):
        explain(tmp_path, tmp_path / "why")
