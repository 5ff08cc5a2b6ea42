"""What is accepted where the user has named a share of wrong values, and how that follows what people see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ledgers import entry

from docproc.character.recognizer import load_recognizer
from docproc.combination.line_reader import load_line_reader
from docproc.decision import Policy, decide, page_verdict
from docproc.ledger import LEDGER_NAME, open_corrections, open_ledger, read_ledger
from docproc.reading import Correction, FieldReading, Reason, Record, Verdict
from docproc.tables import make_tables, write_tables
from docproc.target import (
    LEAST_CONFIDENCE,
    NOTHING,
    decided_by,
    errors_expected,
    in_force,
    least_error_shown,
    odds_ratio,
    threshold_for,
)

READ_BELOW = 0.98


def falling(*confidences: float) -> np.ndarray:
    return np.array(sorted(confidences, reverse=True))


def read(confidences: Sequence[float], review_below: float, *reasons: str, page: Sequence[str] = ()) -> Record:
    """A page as it is read with that threshold."""
    fields = []
    for number, confidence in enumerate(confidences):
        verdict, why = decide(
            text=str(number), confidence=confidence, has_ink=True, reasons=reasons, policy=Policy(review_below)
        )
        defects = [reason.partition("=")[0] for reason in page] if verdict is not Verdict.ACCEPTED else []
        fields.append(FieldReading(f"f{number}", str(number), confidence, verdict, (*why, *defects)))
    return Record(entry(1).ref, "", "", "", tuple(fields), page_verdict(fields, ()), tuple(page))


def batch(folder: Path, pages: Sequence[Record], **settings: float) -> Path:
    with open_ledger(folder, settings=settings) as ledger:
        ledger.enter([entry(number) for number in range(len(pages))])
        for page, record in zip(list(ledger.waiting()), pages, strict=True):
            ledger.started([page.id])
            ledger.keep(page.id, replace(record, ref=page.ref))
        make_tables(ledger, folder, review_below=READ_BELOW)
    return folder


def say(folder: Path, page: int, name: str, new: str) -> None:
    with open_corrections(folder) as corrections:
        corrections.add(entry(page).ref.source, 0, name, Correction("", new, Verdict.ACCEPTED, "ana"), after=0)


def test_the_surest_are_accepted_as_long_as_their_mean_chance_to_be_wrong_keeps_the_target() -> None:
    # Errors 0.001, 0.003, 0.011: means 0.001, 0.002, 0.005; with 0.021 it is 0.009.
    confidences = falling(0.999, 0.997, 0.989, 0.979)
    assert threshold_for(0.0051, confidences) == 0.989
    assert threshold_for(0.0049, confidences) == 0.997
    assert threshold_for(0.0009, confidences) == NOTHING


def test_fields_of_equal_confidence_are_accepted_together_or_not_at_all() -> None:
    assert threshold_for(0.004, falling(0.999, 0.993, 0.993)) == 0.999


def test_however_sure_the_others_are_what_is_wrong_more_than_once_in_ten_is_looked_at() -> None:
    confidences = falling(*[0.9999] * 1000, 0.91, 0.89)
    assert threshold_for(0.01, confidences) == LEAST_CONFIDENCE
    assert threshold_for(0.01, confidences, odds_ratio=2) == pytest.approx(18 / 19)
    assert threshold_for(0.01, falling()) == LEAST_CONFIDENCE


def test_where_errors_have_more_odds_less_is_accepted() -> None:
    confidences = falling(0.999, 0.997, 0.989, 0.979)
    assert errors_expected(np.array([0.5, 0.9]), 3.0) == pytest.approx([0.75, 0.25])
    assert threshold_for(0.005, confidences, odds_ratio=2) == 0.997


def test_what_people_find_weighs_against_one_error_of_the_cards() -> None:
    sure = np.full(1000, 0.998)  # two are promised
    assert odds_ratio(sure, 2) == pytest.approx(1.0, rel=1e-6)
    assert odds_ratio(sure, 0) == pytest.approx(1 / 3, rel=0.01)
    assert odds_ratio(sure, 8) == pytest.approx(3, rel=0.01)
    assert odds_ratio(falling(), 0, before=1.5) == 1.5


def test_of_honest_confidences_the_target_is_kept_and_of_others_when_people_have_looked() -> None:
    rng = np.random.default_rng(7)
    target, honest, boastful, corrected = 0.005, [], [], []
    for _ in range(300):
        confidences = np.sort(1 - rng.exponential(0.01, 2000).clip(0, 0.9))[::-1]
        for odds, errors in ((1, honest), (3, boastful)):
            wrong = rng.random(2000) < errors_expected(confidences, odds)
            errors.append(wrong[confidences >= threshold_for(target, confidences)].mean())
        seen = rng.random(2000) < 0.3
        ratio = odds_ratio(confidences[seen], int(wrong[seen].sum()))
        below = threshold_for(target, confidences[~seen], odds_ratio=ratio)
        corrected.append(wrong[~seen][confidences[~seen] >= below].mean())
    assert np.mean(honest) == pytest.approx(target, rel=0.05)
    assert np.mean(boastful) > 2 * target
    assert np.mean(corrected) == pytest.approx(target, rel=0.2)


@pytest.mark.parametrize("reasons", [(), ("rule:max",), (Reason.CROSSED_OUT,)])
@pytest.mark.parametrize("page", [(), ("defect:blur=0.31 mm",)])
def test_decided_anew_a_page_is_as_if_read_with_that_threshold(reasons: tuple, page: tuple) -> None:
    confidences = (0.8, 0.95, 0.985, 0.999)
    for below in (0.9, 0.98, 0.99, NOTHING):
        assert decided_by(read(confidences, READ_BELOW, *reasons, page=page), below) == read(
            confidences, below, *reasons, page=page
        )


def test_the_tables_of_a_batch_with_a_target_accept_what_keeps_it(tmp_path: Path) -> None:
    folder = batch(tmp_path, [read((0.999, 0.997, 0.989, 0.979), READ_BELOW)], target_error=0.0049)
    with read_ledger(folder) as ledger:
        summary = write_tables(ledger, folder, review_below=READ_BELOW)
    assert (summary.accepted, summary.review, summary.review_below) == (2, 2, 0.997)
    assert (summary.target_error, summary.odds_ratio) == (0.0049, 1.0)
    assert summary.expected_error == pytest.approx(0.002)
    assert "f2,2,0.989000,review,low_confidence" in (folder / "fields.csv").read_text()


def test_the_order_in_which_pages_came_changes_nothing(tmp_path: Path) -> None:
    pages = [read((0.999, 0.97), READ_BELOW), read((0.96, 0.995), READ_BELOW), read((0.985, 0.992), READ_BELOW)]
    at_once = batch(tmp_path / "a", pages, target_error=0.008)
    one_by_one = tmp_path / "b"
    for count in (1, 2, 3):
        with open_ledger(one_by_one, settings={"target_error": 0.008}) as ledger:
            ledger.enter([entry(number) for number in range(count)])
            for page in list(ledger.waiting()):
                ledger.started([page.id])
                ledger.keep(page.id, replace(pages[count - 1], ref=page.ref))
            make_tables(ledger, one_by_one, review_below=READ_BELOW)
    for name in ("fields.csv", "forms.csv", "forms.xlsx"):
        assert (at_once / name).read_bytes() == (one_by_one / name).read_bytes()


def test_another_target_makes_other_tables_of_the_same_readings(tmp_path: Path) -> None:
    folder = batch(tmp_path, [read((0.999, 0.997, 0.989), READ_BELOW)], target_error=0.005)
    for target, accepted in ((0.0011, 1), (None, 3)):
        with open_ledger(folder, settings={} if target is None else {"target_error": target}) as ledger:
            assert make_tables(ledger, folder, review_below=READ_BELOW).accepted == accepted
            assert not list(ledger.waiting())
    assert (folder / LEDGER_NAME).is_file()


def test_review_makes_it_more_careful_never_bolder(tmp_path: Path) -> None:
    folder = batch(tmp_path, [read((0.999, 0.99, 0.6, 0.6), READ_BELOW)], target_error=0.01)
    ratios = []
    for name, new in (("f2", "2"), ("f3", "99"), ("f0", "99")):
        say(folder, 0, name, new)
        with read_ledger(folder) as ledger:
            found = in_force(ledger)
        assert found is not None
        ratios.append(round(found.odds_ratio, 2))
    assert ratios[0] == 1.0
    assert 1.0 < ratios[1] < ratios[2]


def test_the_shipped_cards_can_show_one_wrong_in_1425() -> None:
    assert least_error_shown(load_recognizer().card, load_line_reader().card) == pytest.approx(1 / 1425, rel=1e-3)
