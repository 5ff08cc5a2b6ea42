"""Characters that were read as one digit, in the order in which they are looked at."""

from __future__ import annotations

from dataclasses import replace

from ledgers import entry, record

from docproc.page import Unreadable
from docproc.reading import CharacterReading, Reason, Record, Verdict
from docproc.review.ranking import Place, Ranking


def page(number: int, *characters: tuple[str, float], verdict: Verdict = Verdict.ACCEPTED, why: str = "") -> Record:
    """The page `NUMBER.png` with one field of these digits; "" is a blank cell."""
    read = record(entry(number).ref)
    readings = tuple(CharacterReading(digit, confidence) for digit, confidence in characters)
    field = replace(read.fields[0], characters=readings, verdict=verdict, reasons=(why,) if why else ())
    return replace(read, fields=(field,))


def test_the_least_sure_character_comes_first_whatever_page_it_is_on() -> None:
    ranking = Ranking([page(1, ("7", 0.75), ("", 0.998), ("7", 0.25)), page(2, ("1", 0.125), ("7", 0.5))])
    assert ranking.screen("7", 0, 200) == [
        Place("000001.png", 0, 0, 2),
        Place("000002.png", 0, 0, 1),
        Place("000001.png", 0, 0, 0),
    ]


def test_screens_follow_one_another_without_a_gap_and_the_last_one_is_short() -> None:
    ranking = Ranking([page(number, ("3", 0.5)) for number in range(5)])
    screens = [[place.source for place in ranking.screen("3", first, 2)] for first in (0, 2, 4, 6)]
    assert screens == [["000000.png", "000001.png"], ["000002.png", "000003.png"], ["000004.png"], []]


def test_a_digit_that_was_never_read_has_no_characters_and_a_page_that_failed_counts_for_nothing() -> None:
    ranking = Ranking([Unreadable("bad.png", 1, "It is torn.", "Scan it again."), page(1, ("4", 0.5))])
    assert (ranking.count("4"), ranking.count("9"), ranking.screen("9", 0, 200)) == (1, 0, [])


def test_what_is_doubtful_is_looked_at_elsewhere_and_what_a_person_has_seen_no_more() -> None:
    pages = [
        page(1, ("4", 0.5), verdict=Verdict.REVIEW, why=Reason.LOW_CONFIDENCE),
        page(2, ("4", 0.5), why=Reason.CONFIRMED),
        page(3, ("4", 0.5), verdict=Verdict.REVIEW, why=Reason.DOUBTED),
        page(4, ("4", 0.5)),
    ]
    assert [place.source for place in Ranking(pages).screen("4", 0, 9)] == ["000003.png", "000004.png"]
