"""The mosaic: characters read as one digit side by side, and what becomes of those that a person finds odd."""

from __future__ import annotations

import base64
import csv
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from served import Ask, asking, serving
from tiled import tiled
from typer.testing import CliRunner

from docproc.cli import app
from docproc.geometry import Transform
from docproc.ledger import LEDGER_NAME, Overtaken, open_corrections, read_ledger
from docproc.reading import Correction, Reason, Verdict
from docproc.review.keying import open_keying_session
from docproc.review.mosaic import SIDE_PX, upright
from docproc.review.server import application
from docproc.review.session import Session, UnknownItem, open_session
from docproc.sampling import draw_audit
from docproc.tables import are_behind
from docproc.target import in_force

PAGES = (
    (("174", "774", 0.97), ("22", "22", 0.99)),  # a 1 that was read as a 7
    (("7", "7", 0.98), ("70", "70", 0.995)),
)
ODD = ("001.png", 0, "f0")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with open_session(tiled(tmp_path, PAGES), who="ana") as opened:
        yield opened


@pytest.fixture
def ask(session: Session) -> Iterator[Ask]:
    with serving(lambda port: application(session, port=port)) as port:
        yield asking(port, session.token)


def queue_of(session: Session) -> list[tuple[object, ...]]:
    return [tuple(item["key"]) for item in session.take("one", 9)["items"]]


def stands(folder: Path, key: tuple[str, int, str]) -> tuple[str, str, str]:
    """Value, status and reasons in the table."""
    with (folder / "fields.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["source"], row["field"]): row for row in csv.DictReader(file)}
    row = rows[key[0], key[2]]
    return row["value"], row["status"], row["reasons"]


def answer(session: Session, key: tuple[str, int, str], value: str) -> int:
    (item,) = (one for one in session.take("one", 9)["items"] if tuple(one["key"]) == key)
    return session.say("one", "ana", key, value, Verdict.ACCEPTED, item["after"])


def test_all_characters_of_a_digit_come_least_sure_first_with_their_place_in_their_field(session: Session) -> None:
    tiles = session.screen("7", 0, 3)
    assert [(tile["key"], tile["position"], tile["digit"], tile["value"]) for tile in tiles] == [
        (ODD, 0, 0, "774"),
        (ODD, 1, 1, "774"),
        (("002.png", 0, "f0"), 0, 0, "7"),
    ]
    assert [tile["key"][2] for tile in session.screen("7", 3, 3)] == ["f1"]
    assert session.mosaic.counts() == {**dict.fromkeys("0123456789", 0), "0": 1, "2": 2, "4": 1, "7": 4}


def test_a_field_that_a_person_finds_odd_goes_to_review_and_comes_back_when_that_is_withdrawn(
    session: Session,
) -> None:
    assert queue_of(session) == []
    session.doubt("ana", ODD, withdrawn=False)
    assert queue_of(session) == [ODD]
    session.make_tables()
    assert stands(session.folder, ODD) == ("774", "review", "doubted")
    assert [tile["is_doubted"] for tile in session.screen("7", 0, 9)] == [True, True, False, False]
    session.doubt("ben", ODD, withdrawn=True)
    assert queue_of(session) == []
    session.make_tables()
    assert stands(session.folder, ODD) == ("774", "accepted", "")


def test_a_doubt_outlives_the_review_and_an_answer_ends_it_until_that_is_taken_back(tmp_path: Path) -> None:
    folder = tiled(tmp_path, PAGES)
    with open_session(folder, who="ana") as session:
        session.doubt("ana", ODD, withdrawn=False)
    assert stands(folder, ODD) == ("774", "review", "doubted")
    with open_session(folder, who="ana") as session:
        assert (queue_of(session), session.screen("7", 0, 9)[0]["is_seen"]) == ([ODD], False)
        number = answer(session, ODD, "174")
        assert (queue_of(session), session.screen("7", 0, 9)[0]["is_seen"]) == ([], True)
        session.make_tables()
        assert stands(folder, ODD) == ("174", "accepted", "corrected")
        session.take_back("one", "ana", ODD, number)
    assert stands(folder, ODD) == ("774", "review", "doubted")
    with open_session(folder, who="ana") as session:
        answer(session, ODD, "174")
    with open_session(folder, who="ana") as session:
        assert {tile["key"][0] for tile in session.screen("7", 0, 9)} == {"002.png"}


def test_what_somebody_has_looked_at_meanwhile_cannot_be_doubted(session: Session) -> None:
    session.doubt("ana", ODD, withdrawn=False)
    answer(session, ODD, "174")
    with pytest.raises(Overtaken):
        session.doubt("ben", ODD, withdrawn=True)


def test_what_a_killed_review_left_out_of_the_tables_is_in_them_after_the_next(tmp_path: Path) -> None:
    folder = tiled(tmp_path, PAGES)
    with open_session(folder, who="ana") as session:
        session.doubt("ana", ODD, withdrawn=False)
    with open_corrections(folder) as killed:
        killed.add(*ODD, Correction("774", "174", Verdict.ACCEPTED, "ana"), after=0)
    with read_ledger(folder) as ledger:
        assert are_behind(ledger)
    with open_session(folder, who="ben"):
        assert stands(folder, ODD) == ("774", "review", "doubted")
    assert stands(folder, ODD) == ("174", "accepted", "corrected")
    with read_ledger(folder) as ledger:
        assert not are_behind(ledger)


@pytest.mark.parametrize("key", [("001.png", 0, "f9"), ("001.png", 1, "f0"), ("../001.png", 0, "f0")])
def test_no_field_that_the_batch_does_not_have_is_doubted(session: Session, key: tuple[str, int, str]) -> None:
    with pytest.raises(UnknownItem):
        session.doubt("ana", key, withdrawn=False)


def test_a_field_that_an_audit_drew_is_still_to_be_looked_at_when_a_doubt_is_withdrawn(tmp_path: Path) -> None:
    folder = tiled(tmp_path, PAGES)
    draw_audit(folder, count=4)
    with open_session(folder, who="ana") as session:
        drawn = sorted(queue_of(session))
        assert len(drawn) == 4
        session.doubt("ana", ODD, withdrawn=False)
        session.doubt("ana", ODD, withdrawn=True)
        assert sorted(queue_of(session)) == drawn


def test_what_people_pick_because_it_looks_wrong_says_nothing_of_how_often_others_are(tmp_path: Path) -> None:
    folder = tiled(tmp_path, PAGES, target_error=0.05)
    with open_session(folder, who="ana") as session:
        session.doubt("ana", ODD, withdrawn=False)
        answer(session, ODD, "174")
    with read_ledger(folder) as ledger:
        target = in_force(ledger)
    assert target is not None
    assert (target.odds_ratio, target.least_accepted) == (1.0, 0.98)


def test_a_fields_history_tells_who_found_it_odd(session: Session) -> None:
    session.doubt("ana", ODD, withdrawn=False)
    session.doubt("ben", ODD, withdrawn=True)
    session.doubt("ana", ("001.png", 0, "f1"), withdrawn=False)
    answered = CliRunner().invoke(app, ["history", str(session.folder), "001.png", "f0"])
    assert [line[27:] for line in answered.stdout.partition("Words of reviewers:\n")[2].splitlines()] == [
        "ana finds it odd among others that were read alike",
        "ben finds it odd no more",
    ]
    told = json.loads(CliRunner().invoke(app, ["history", str(session.folder), "001.png", "f1", "--json"]).stdout)
    assert [(one["who"], one["withdrawn"]) for one in told["doubts"]] == [("ana", False)]
    assert (told["now"]["status"], told["now"]["reasons"]) == ("review", ["doubted"])


@pytest.mark.parametrize("turn", [0, 90, 180, 270, 33])
def test_a_character_is_shown_upright_however_its_page_lies(turn: int) -> None:
    page = np.full((400, 400), 255, np.uint8)
    cv2.putText(page, "7", (180, 230), cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 5)
    corners = np.array([(175, 180), (225, 180), (175, 240)], np.float64)
    turned = Transform.of(np.vstack([cv2.getRotationMatrix2D((199.5, 199.5), turn, 1), (0, 0, 1)]))
    lying = cv2.warpPerspective(page, turned.matrix, (400, 400), borderValue=255)
    places = tuple((round(x), round(y)) for x, y in turned @ corners)
    straight = upright(page, tuple((int(x), int(y)) for x, y in corners)).astype(float)
    shown = upright(lying, places).astype(float)
    assert straight.shape == (SIDE_PX, SIDE_PX)
    assert np.corrcoef(straight.ravel(), shown.ravel())[0, 1] > 0.9
    assert np.corrcoef(straight.ravel(), np.rot90(shown, 2).ravel())[0, 1] < 0.6


def test_pictures_show_the_character_and_where_its_place_is_not_known_the_field(session: Session) -> None:
    places = [("f0", 0), ("f0", 1), ("f9", 0), ("f0", 7)]
    first, second, *none = session.mosaic.pictures("001.png", 0, places)
    assert none == ["", ""]
    written, read = (decoded(url) for url in (first, second))
    assert written.shape == read.shape == (SIDE_PX, SIDE_PX)
    top = slice(SIDE_PX // 5, SIDE_PX // 3)  # a 7 is wide there, a 1 is not
    assert (written[top] < 128).sum() < 0.7 * (read[top] < 128).sum()


def decoded(url: str) -> np.ndarray:
    content = base64.b64decode(url.partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return picture


def test_the_page_is_told_what_it_asks_for(ask: Ask, session: Session) -> None:
    assert ask("/start")[1]["mosaic"] is True
    assert ask("/mosaic/counts", {})[1]["counts"]["7"] == 4
    (tile, *_) = ask("/mosaic/screen", {"digit": "7", "first": 0})[1]["tiles"]
    assert (tile["key"], tile["is_doubted"], tile["is_seen"]) == (list(ODD), False, False)
    told = ask("/mosaic/pictures", {"source": "001.png", "index": 0, "places": [["f0", 0]]})[1]
    assert told["pictures"][0].startswith("data:image/jpeg;base64,")
    doubt = {"who": "ben", "key": tile["key"], "withdrawn": False}
    assert ask("/mosaic/doubt", doubt) == (200, {"left": 1})
    assert ask("/mosaic/doubt", {**doubt, "key": ["001.png", 0, "no"]})[0] == 404
    answer(session, ODD, "174")
    status, told = ask("/mosaic/doubt", doubt)
    assert (status, told["message"]) == (409, "f0: ana has looked at it meanwhile; that stands.")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/mosaic/screen", {"digit": "12", "first": 0}),
        ("/mosaic/screen", {"digit": "7", "first": -1}),
        ("/mosaic/screen", {}),
        ("/mosaic/pictures", {"source": "001.png", "index": 0, "places": 3}),
        ("/mosaic/doubt", {"who": "a\nb", "key": ["001.png", 0, "f0"], "withdrawn": False}),
        ("/mosaic/doubt", {"who": "ana", "key": "x", "withdrawn": False}),
    ],
)
def test_what_no_page_of_ours_would_send_is_refused(ask: Ask, path: str, body: object) -> None:
    assert ask(path, body)[0] == 400


def test_a_page_that_has_changed_since_has_no_pictures_and_says_so(ask: Ask, session: Session) -> None:
    (session.folder.parent / "scans" / "001.png").write_bytes(b"another one")
    status, told = ask("/mosaic/pictures", {"source": "001.png", "index": 0, "places": [["f0", 0]]})
    assert status == 422
    assert "001.png" in told["message"]


def test_who_keys_unseen_has_no_mosaic(tmp_path: Path) -> None:
    with (
        open_keying_session(tiled(tmp_path, PAGES), ["f0"], who="ana") as session,
        serving(lambda port: application(session, port=port)) as port,
    ):
        ask = asking(port, session.token)
        assert ask("/start")[1]["mosaic"] is False
        assert ask("/mosaic/counts", {})[0] == 404


def test_doubts_are_rows_that_are_never_changed(session: Session) -> None:
    session.doubt("ana", ODD, withdrawn=False)
    session.doubt("ben", ODD, withdrawn=True)
    with sqlite3.connect(session.folder / LEDGER_NAME) as db:
        assert db.execute("SELECT field, withdrawn, who FROM doubts ORDER BY id").fetchall() == [
            ("f0", 0, "ana"),
            ("f0", 1, "ben"),
        ]
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            db.execute("DELETE FROM doubts")
    assert Reason.DOUBTED == "doubted"
