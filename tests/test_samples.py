"""Every sample folder is a demo and a regression test: read as README reads it, held against its truth."""

from pathlib import Path

import pytest

from docproc import evaluation
from docproc.batch import process_batch
from docproc.evaluation import Judged
from docproc.template import load_template

SAMPLES = Path(__file__).parents[1] / "samples"
DESIGNS = sorted(path.parent.name for path in SAMPLES.glob("*/template.yaml"))
LEAST_RIGHT = {"deposit_slip": 0.97, "mark_sheet": 0.98, "meter_reading": 0.94}


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> dict[str, tuple[Judged, ...]]:
    """All samples read in one batch, by design."""
    out = tmp_path_factory.mktemp("samples") / "results"
    process_batch([str(SAMPLES)], out)
    found = evaluation.read_found(out)
    return {
        design: evaluation.judge(
            [one for one in found if one.source.startswith(f"{design}/")],
            evaluation.read_truth(SAMPLES / design / "truth.csv"),
        )
        for design in DESIGNS
    }


def test_there_are_three_designs_of_four_pages_and_more():
    assert len(DESIGNS) == 3
    assert all(len(list((SAMPLES / design / "pages").iterdir())) >= 4 for design in DESIGNS)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_fields_of_a_sample_are_read(judged, design):
    fields = judged[design]
    assert sum(one.right for one in fields) >= LEAST_RIGHT[design] * len(fields)


def test_at_least_97_percent_of_all_comb_fields_are_right(judged):
    kinds = {
        design: {field.name: field.kind for field in load_template(SAMPLES / design / "template.yaml").fields}
        for design in DESIGNS
    }
    combs = [one for design in DESIGNS for one in judged[design] if kinds[design][one.truth.field] == "comb"]
    assert len(combs) > 100
    assert sum(one.right for one in combs) >= 0.97 * len(combs)


def test_no_required_field_is_silently_blank(judged):
    for design in DESIGNS:
        template = load_template(SAMPLES / design / "template.yaml")
        required = {field.name for field in template.fields if field.required}
        silent = [one for one in judged[design] if one.truth.field in required and not one.value and one.accepted]
        assert silent == []


def test_under_one_percent_of_what_is_accepted_is_wrong(judged):
    accepted = [one for fields in judged.values() for one in fields if one.accepted]
    assert len(accepted) > 500
    assert sum(not one.right for one in accepted) <= 0.01 * len(accepted)
