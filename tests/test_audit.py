"""Audits: drawn once, looked at without being known, and told in a sentence."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from ledgers import entry, record
from typer.testing import CliRunner

from docproc.audit import AuditStatement, statement
from docproc.batch import process_batch
from docproc.cli import app
from docproc.errors import LedgerError, PageError, TemplateError
from docproc.ledger import LEDGER_NAME, Keying, open_keyings, open_ledger, read_ledger
from docproc.reading import Correction, Record, Verdict
from docproc.review.session import MAYBE_DRAWN, Session, open_session
from docproc.rounding import percent_up
from docproc.sampling import draw_audit

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "meter_reading"
Answer = Callable[[str], str]


@pytest.fixture(scope="module")
def read_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "results"
    process_batch([str(SAMPLES)], folder)
    return folder


@pytest.fixture
def results(read_once: Path, tmp_path: Path) -> Path:
    """A batch of six pages."""
    return Path(shutil.copytree(read_once, tmp_path / "results"))


def shown(session: Session) -> list[dict]:
    """All that is to be looked at, in order."""
    return session.take("one", 1000)["items"]


def look_at_all(folder: Path, answer: Answer = lambda value: value) -> None:
    with open_session(folder, who="ana") as session:
        for item in shown(session):
            session.say("one", "ana", tuple(item["key"]), answer(item["value"]), Verdict.ACCEPTED, item["after"])


def told(folder: Path) -> AuditStatement:
    with read_ledger(folder) as ledger:
        found = statement(ledger)
    assert found is not None
    return found


def test_a_sample_is_drawn_of_the_accepted_looked_at_and_told_in_a_sentence(results: Path) -> None:
    drawn = draw_audit(results, bound=0.2, seed=3)
    assert (drawn.drawn, drawn.looked_at, drawn.bound, drawn.left) == (14, 0, None, 14)
    assert f"Of {drawn.accepted} fields that were accepted unseen, 14 were drawn at random on 20" in drawn.sentence
    look_at_all(results)
    found = told(results)
    assert (found.looked_at, found.wrong, found.people, found.left) == (14, 0, 1, 0)
    assert found.sentence.startswith(
        f"Of {drawn.accepted} fields that were accepted unseen, 14 drawn at random were "
    )
    assert "looked at by 1 person on 20" in found.sentence
    assert found.sentence.endswith(
        "; 0 were wrong. With 95 % confidence at most 20 % of the accepted fields are wrong."
    )


def test_who_reviews_cannot_tell_what_was_drawn_from_what_is_doubtful(results: Path) -> None:
    draw_audit(results, count=14, seed=3)
    with open_session(results, who="ana") as session:
        items = shown(session)
    with read_ledger(results) as ledger:
        drawn = ledger.audited()
    assert sum(tuple(item["key"]) in drawn for item in items) == 14
    alike = [item for item in items if item["reasons"] == [MAYBE_DRAWN]]
    assert len(alike) > 14  # doubtful ones among them
    assert {*drawn} <= {tuple(item["key"]) for item in alike}
    for item in alike:
        assert item["candidates"] == [{"value": item["value"], "words": "as read"}]
        assert item["crop"].startswith("data:image/png;base64,")
        assert set(item) == set(alike[0])


def test_of_a_batch_without_an_audit_the_chances_are_told(results: Path) -> None:
    with open_session(results, who="ana") as session:
        assert all("chance" in one for item in shown(session) for one in item.get("candidates", ()))


def test_pictures_of_drawn_fields_are_cut_as_those_of_doubtful_ones_are(results: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    process_batch([str(SAMPLES)], kept, review_below=1.0)  # a picture of every field
    draw_audit(results, bound=0.001, seed=3)
    with read_ledger(kept) as one, read_ledger(results) as other:
        drawn = other.audited()
        assert len(drawn) > 20
        for key in drawn:
            assert other.crop(*key) == one.crop(*key)
            assert other.crop(*key)


def test_a_field_that_a_target_sends_to_review_has_a_picture_there(results: Path) -> None:
    process_batch([str(SAMPLES)], results, target_error=0.0005)
    with open_session(results, who="ana") as session:
        items = shown(session)
    assert len(items) > 60
    assert all(item["crop"].startswith("data:image/png;base64,") for item in items)


def test_before_anybody_has_looked_nothing_is_said_of_wrong_ones(results: Path) -> None:
    draw_audit(results, count=3)
    assert told(results).sentence.endswith("3 of them are still to be looked at, and till then nothing can be said.")
    with read_ledger(results) as ledger:
        drawn = ledger.drawn()
    with open_session(results, who="ana") as session:
        key = min(drawn)
        (value,) = [item["value"] for item in shown(session) if tuple(item["key"]) == key]
        session.say("one", "ana", key, value, Verdict.ACCEPTED, 0)
    assert told(results).sentence.endswith("till then nothing can be said. So far 0 of 1 were wrong.")


def test_what_is_found_wrong_counts_and_is_corrected_in_the_tables(results: Path) -> None:
    drawn = draw_audit(results, bound=0.2, seed=3)
    wrong = iter(["99999"])
    with open_session(results, who="ana") as session:
        with read_ledger(results) as ledger:
            audited = ledger.audited()
        for item in shown(session):
            is_drawn = tuple(item["key"]) in audited
            value = next(wrong, item["value"]) if is_drawn else item["value"]
            session.say("one", "ana", tuple(item["key"]), value, Verdict.ACCEPTED, item["after"])
    found = told(results)
    assert (found.wrong, found.looked_at) == (1, 14)
    assert "; 1 was wrong. With 95 % confidence at most 30 % of the accepted fields are wrong." in found.sentence
    assert f"What was found wrong is corrected: at most {found.still_wrong} of the {drawn.accepted}" in found.sentence
    assert ",99999,1.000000,accepted,corrected," in (results / "fields.csv").read_text()


def test_a_sample_is_not_drawn_twice_unless_that_is_wanted_and_then_it_is_told(results: Path) -> None:
    draw_audit(results, count=5, seed=3)
    with pytest.raises(LedgerError, match="A sample that is drawn till it pleases proves nothing"):
        draw_audit(results, count=5)
    look_at_all(results)
    second = draw_audit(results, count=4, seed=3, again=True)
    assert second.number == 2
    look_at_all(results)
    assert told(results).sentence.endswith("It is audit 2 of this batch; wrong in those before: 0 of 5.")
    with closing(sqlite3.connect(results / LEDGER_NAME)) as db:
        for table in ("audits", "audited"):
            with pytest.raises(sqlite3.DatabaseError, match="are never changed"):
                db.execute(f"DELETE FROM {table}")


def test_the_same_seed_draws_the_same_and_pages_read_later_are_not_covered(
    results: Path, read_once: Path, tmp_path: Path
) -> None:
    draw_audit(results, count=5, seed=3)
    with read_ledger(results) as ledger:
        first = ledger.audited()
    look_at_all(results)
    other = Path(shutil.copytree(read_once, tmp_path / "other"))
    draw_audit(other, count=5, seed=3)
    with read_ledger(other) as ledger:
        assert ledger.audited() == first
    more = tmp_path / "more.png"
    more.write_bytes((SAMPLES.parent / "deposit_slip" / "pages" / "001.png").read_bytes())
    summary = process_batch([str(SAMPLES), str(more)], results)
    assert summary.read_now == 1
    assert told(results).sentence.endswith("1 page was read later: this says nothing of their fields.")


def test_where_all_are_drawn_nothing_is_left_to_be_guessed(results: Path) -> None:
    drawn = draw_audit(results, bound=0.001)
    assert drawn.drawn == drawn.accepted
    assert f"Of {drawn.drawn} fields that were accepted unseen, all were drawn on 20" in drawn.sentence
    look_at_all(results)
    found = told(results)
    assert (found.bound, found.still_wrong) == (0.0, 0)
    assert f"Of {found.drawn} fields that were accepted unseen, all were looked at by 1 person" in found.sentence
    assert "confidence" not in found.sentence


def test_more_than_there_are_is_a_slip_by_which_nothing_is_drawn_and_all_that_there_are_can_be_drawn(
    results: Path,
) -> None:
    with pytest.raises(LedgerError, match=r"5,000 fields cannot be drawn of the \d+ that were accepted") as refused:
        draw_audit(results, count=5000)
    _, _, all_of_them = refused.value.remedy.rstrip(".").partition(": -n ")
    with read_ledger(results) as ledger:
        assert ledger.audits() == []
    output = CliRunner().invoke(app, ["audit", str(results), "-n", all_of_them]).output
    assert output.startswith(f"All {all_of_them} fields that were accepted unseen are drawn.\n")
    assert told(results).drawn == int(all_of_them)


def test_what_is_taken_back_is_to_be_looked_at_again_and_what_nobody_can_read_counts_as_wrong(results: Path) -> None:
    draw_audit(results, count=3, seed=3)
    with read_ledger(results) as ledger:
        drawn = list(ledger.audited())
    with open_session(results, who="ana") as session:
        shown(session)
        number = session.say("one", "ana", drawn[0], "1", Verdict.ACCEPTED, 0)
        assert told(results).looked_at == 1
        session.take_back("one", "ana", drawn[0], number)
        assert told(results).looked_at == 0
        session.say("one", "ana", drawn[1], "", Verdict.REJECTED, 0)
    assert (told(results).looked_at, told(results).wrong) == (1, 1)


def test_without_its_pages_no_sample_is_drawn(tmp_path: Path) -> None:
    scans, results = tmp_path / "scans", tmp_path / "results"
    scans.mkdir()
    (scans / "a.png").write_bytes((SAMPLES.parent / "deposit_slip" / "pages" / "001.png").read_bytes())
    process_batch([str(scans)], results)
    (scans / "a.png").write_bytes(b"another")
    with pytest.raises(PageError, match=r"a\.png has changed since it was read"):
        draw_audit(results, count=3)
    with read_ledger(results) as ledger:
        assert statement(ledger) is None


@pytest.mark.parametrize("gone", [("template.yaml",), ("template.yaml", "reference.png")])
def test_a_batch_is_audited_and_reviewed_without_the_files_of_its_template(
    tmp_path: Path, gone: tuple[str, ...]
) -> None:
    scans, results = tmp_path / "scans", tmp_path / "results"
    scans.mkdir()
    for name in ("template.yaml", "reference.png", "pages/001.png"):
        shutil.copy(SAMPLES / name, scans)
    summary = process_batch([str(scans)], results)
    for name in gone:
        (scans / name).unlink()
    drawn = draw_audit(results, count=3, seed=3)
    assert (drawn.drawn, drawn.accepted) == (3, summary.accepted)
    with open_session(results, who="ana") as session:
        for item in shown(session):
            assert item["crop"].startswith("data:image/png;base64,")
            session.say("one", "ana", tuple(item["key"]), item["value"], Verdict.ACCEPTED, item["after"])
    assert session.tables_fault is None
    assert told(results).left == 0
    assert ",1.000000,accepted,confirmed," in (results / "fields.csv").read_text()


def test_of_pages_whose_template_is_known_no_more_no_sample_is_drawn(tmp_path: Path) -> None:
    sure = replace(record(entry(1).ref, crop_png=b"").fields[0], verdict=Verdict.ACCEPTED, reasons=())
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
        (page,) = ledger.waiting()
        ledger.started([page.id])
        ledger.keep(page.id, Record(page.ref, "form", "gone", "", (sure,), Verdict.ACCEPTED))
    with pytest.raises(TemplateError, match="The template 'form' is not what pages were read with"):
        draw_audit(tmp_path, count=1)


def test_two_who_keyed_a_drawn_field_alike_are_two_people_and_none_is_counted_twice(results: Path) -> None:
    draw_audit(results, count=3, seed=3)
    with read_ledger(results) as ledger:
        drawn = list(ledger.audited().items())
    with open_keyings(results) as keyings:
        for key, one in drawn[:2]:
            for who in ("ana", "Ben"):
                keyings.key(key, one.value, Keying(one.value, Verdict.ACCEPTED, who))
        key, one = drawn[2]
        keyings.add(*key, Correction(one.value, one.value, Verdict.ACCEPTED, "ben"), after=0)
    assert "3 drawn at random were looked at by 2 people on" in told(results).sentence


def test_a_page_that_is_gone_counts_as_wrong(results: Path) -> None:
    drawn = draw_audit(results, count=5, seed=3)
    with read_ledger(results) as ledger:
        lost = {key[0] for key in list(ledger.audited())[:1]}
    pages = [str(path) for path in sorted((SAMPLES / "pages").iterdir()) if not any(path.name in one for one in lost)]
    process_batch(pages, results, template_paths=[str(SAMPLES / "template.yaml")])
    found = told(results)
    assert found.lost >= 1
    assert found.left == drawn.drawn - found.lost - found.looked_at


def test_of_a_batch_without_accepted_fields_nothing_is_drawn(tmp_path: Path) -> None:
    with open_ledger(tmp_path, settings={}) as ledger:
        ledger.enter([entry(1)])
    with pytest.raises(LedgerError, match="there is nothing to draw from"):
        draw_audit(tmp_path, count=3)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.004997, "0.50 %"), (0.0317, "3.2 %"), (0.00025, "0.025 %"), (0.3001, "31 %"), (1, "100 %")],
)
def test_a_bound_is_rounded_up(share: float, words: str) -> None:
    assert percent_up(share) == words


def test_less_sure_fields_that_are_accepted_later_are_told(results: Path) -> None:
    draw_audit(results, count=2, seed=3)
    assert not told(results).looser
    assert replace(told(results), bound=0.5, looser=True, looked_at=2).sentence.endswith(
        "Less sure fields have been accepted since: this says nothing of them."
    )
