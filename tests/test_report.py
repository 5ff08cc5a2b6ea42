"""The report of a batch: what it counts, what it says of that, and that nothing foreign runs in it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flagged import flagged
from ledgers import entry
from written import a_reading, a_record

from docproc.export.legend import REASON_MEANING
from docproc.ledger import Entry, Keying, open_corrections, open_keyings, open_ledger, read_ledger
from docproc.page import Unreadable
from docproc.reading import Correction, Reason, Record, Verdict
from docproc.report import page as report_page
from docproc.report import render, wording
from docproc.report.people import reviewers_of, seconds_a_field
from docproc.report.reasons import kind_of, words_of
from docproc.report.tally import MOST_NAMED, Tally
from docproc.report.worst import MOST_PAGES, MOST_UNREAD, Doubted, Worst
from docproc.review.batch import Batch
from docproc.summary import Summary
from docproc.tables import write_tables

HOSTILE = "<img src=x onerror=alert(1)>\"'&\u202egnp"


class Seen(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._is_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._is_style = tag == "style"
        if tag not in ("b", "bdi", "code", "span", "time"):
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._is_style:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def html_of(results: Path) -> str:
    return (results / "report.html").read_text(encoding="utf-8")


def reported(folder: Path) -> str:
    """The report, made anew of the ledger in the folder."""
    with read_ledger(folder) as ledger:
        write_tables(ledger, folder, review_below=0.9)
    return html_of(folder)


def kept(folder: Path, *outcomes: Record | Unreadable, **settings: object) -> Path:
    """A ledger of these; of a record, the page is `NUMBER.png` unless it has a path."""
    with open_ledger(folder, settings=settings) as ledger:
        ledger.enter(
            one if isinstance(one, Unreadable) else Entry(replace(one.ref, sha256=f"{place}"), "read")
            for place, one in enumerate(outcomes)
        )
        records = iter(one for one in outcomes if isinstance(one, Record))
        for page in ledger.waiting():
            ledger.started([page.id])
            ledger.keep(page.id, replace(next(records), ref=page.ref))
    return folder


def test_what_went_straight_through_and_what_did_not_is_counted_by_form_and_field() -> None:
    tally = Tally(0.9)
    sure, doubtful = a_reading("a", "1", confidence=0.99), a_reading("a", "2", Verdict.REVIEW, confidence=0.5)
    nothing = a_reading("b", "", Verdict.REJECTED, confidence=0.25, reasons=(Reason.NOT_A_DIGIT,))
    for record in (a_record("1.png", sure, nothing), a_record("2.png", doubtful), a_record("3.png", sure)):
        tally.add(record, record)
    form = tally.forms[("slip", "t")]
    assert (form.pages, form.pages_settled, form.fields, form.straight) == (3, 1, 4, 2)
    assert (form.review, form.rejected, form.people) == (1, 1, 0)
    assert tally.fields[("slip", "a")].confidence == pytest.approx((0.99 + 0.5 + 0.99) / 3)
    assert (tally.wrong, tally.variance) == (pytest.approx(0.02), pytest.approx(0.0198))
    assert tally.field_reasons == {"not_a_digit": 1}
    assert [(label, *bar) for label, bar in zip(("", *tally.edges), tally.bars, strict=True) if any(bar)] == [
        ("", 0, 1),
        (0.5, 0, 1),
        (0.99, 2, 0),
    ]


def test_what_a_person_has_settled_is_no_field_that_went_straight_through_and_is_as_sure_as_it_was_read() -> None:
    tally = Tally(0.9)
    read = a_record("1.png", a_reading("a", "7", Verdict.REVIEW, confidence=0.6, reasons=(Reason.LOW_CONFIDENCE,)))
    now = replace(
        read, verdict=Verdict.ACCEPTED, fields=(a_reading("a", "1", confidence=1.0, reasons=(Reason.CORRECTED,)),)
    )
    tally.add(now, read)
    assert (tally.all.straight, tally.all.people, tally.all.review, tally.all.pages_settled) == (0, 1, 0, 1)
    assert (tally.all.confidence, tally.wrong) == (0.6, 0.0)
    assert tally.field_reasons == {"low_confidence": 1}


@pytest.mark.parametrize(
    ("reason", "verdict", "wrong", "rejected"),
    [
        (Reason.CONFIRMED, Verdict.ACCEPTED, 0, 0),
        (Reason.CORRECTED, Verdict.ACCEPTED, 1, 0),
        (Reason.UNREADABLE, Verdict.REJECTED, 1, 1),
    ],
)
def test_what_people_were_asked_for_whatever_was_read_went_straight_through_all_the_same(
    reason: Reason, verdict: Verdict, wrong: int, rejected: int
) -> None:
    tally = Tally(0.9, asked={("1.png", 0, "a")})
    drawn, doubtful = a_reading("a", "7", confidence=0.97), a_reading("b", "7", Verdict.REVIEW, confidence=0.6)
    read = a_record("1.png", drawn, drawn, doubtful)
    seen = replace(drawn, confidence=1.0, verdict=verdict, reasons=(reason,))
    now = replace(read, fields=(seen, drawn, replace(doubtful, verdict=Verdict.ACCEPTED, reasons=(reason,))))
    tally.add(now, read)
    told = tally.all
    assert (told.straight, told.unseen, told.people, told.rejected) == (2, 1, 2, rejected)
    assert (tally.found_wrong, tally.wrong) == (wrong, pytest.approx(0.03))
    assert [[one.then.name for one in page.fields] for page in tally.worst.pages()] == [["b"]]


def test_errors_are_expected_as_often_as_people_have_found_them_to_be() -> None:
    tally = Tally(0.9, odds_ratio=2.0)
    record = a_record("1.png", a_reading("a", "1", confidence=0.9))
    tally.add(record, record)
    assert tally.wrong == pytest.approx(0.2 / 1.1)


def test_a_page_of_which_nothing_was_read_says_nothing_of_its_fields() -> None:
    tally = Tally(0.9)
    empty = a_reading("a", "", Verdict.REVIEW, confidence=0.0, reasons=(Reason.REGISTRATION,))
    record = a_record("1.png", empty, empty, reasons=(Reason.REGISTRATION,))
    tally.add(record, record)
    assert (tally.all.fields, tally.all.review, tally.all.read, tally.all.confidence) == (2, 2, 0, None)
    assert (tally.fields, dict(tally.field_reasons), tally.page_reasons) == ({}, {}, {"registration": 1})
    assert not any(map(any, tally.bars))


def test_of_defects_the_worst_picture_is_named_and_darker_is_worse() -> None:
    tally = Tally()
    for number, (blur, dark) in enumerate(
        [("0.31 mm", "60 of 255"), ("0.52 mm", "49 of 255"), ("0.40 mm", "70 of 255")]
    ):
        reasons = (f"defect:blur={blur}", f"defect:darkness={dark}")
        record = a_record(f"{number}.png", a_reading("a", "1"), reasons=reasons)
        tally.add(record, record)
    told = {kind: (one.pages, one.measure, one.source) for kind, one in tally.defects.items()}
    assert told == {"blur": (3, "0.52 mm", "1.png"), "darkness": (3, "49 of 255", "1.png")}


def test_the_worst_pages_are_those_with_most_to_be_wrong_and_no_more_are_kept() -> None:
    worst = Worst()
    for number in range(100):
        doubtful = a_reading("a", "1", Verdict.REVIEW, confidence=(number * 37 % 100) / 100)
        record = a_record(f"{number}.png", doubtful)
        doubted = [Doubted(doubtful, doubtful)]
        worst.add(record, doubted, is_unread=False)
        worst.add(replace(record, reasons=(f"{Reason.DUPLICATE}:x.png",)), doubted, is_unread=False)
        worst.add(a_record(f"unread {number}.png"), [], is_unread=True)
    read = worst.pages()[MOST_UNREAD:]
    assert len(worst._read) + len(worst._unread) == MOST_PAGES + MOST_UNREAD
    assert [page.ref.source for page in worst.pages()[:2]] == ["unread 0.png", "unread 1.png"]
    assert [round(page.wrong, 2) for page in read] == [1.0, 0.99, 0.98, 0.97, 0.96]
    assert read[0].ref.source == "0.png"


@pytest.mark.parametrize(
    ("reason", "kind", "words"),
    [
        (
            "rule:total",
            "rule:total",
            "Fields of rule total contradict each other: one of them is misread or miswritten.",
        ),
        (
            "rule:total changed 7 to 1",
            "rule: changed",
            "By itself the field reads otherwise; fields that a rule ties to it have decided.",
        ),
        ("duplicate_of:a.png", "duplicate_of", "A file with exactly this content came earlier."),
        (
            "missing_page:2",
            "missing_page",
            "A page of the paper is not there: not scanned, in a wrong place, or not read.",
        ),
        ("low_confidence", "low_confidence", "That the whole value is right is less sure than 0.98."),
        ("gap", "gap", "A blank box lies between filled ones."),
    ],
)
def test_reasons_of_one_kind_are_told_in_one_sentence(reason: str, kind: str, words: str) -> None:
    assert kind_of(reason) == kind
    assert words_of(kind, 0.98) == words


def word(
    at: str, *, who: str = "ana", old: str = "1", new: str = "1", verdict: Verdict = Verdict.ACCEPTED
) -> Correction:
    return Correction(old, new, verdict, who, at=f"2026-11-26T10:{at}.000+00:00")


def test_each_persons_words_are_counted_and_a_field_takes_the_median_of_their_time() -> None:
    words = [word(f"00:{second:02}") for second in (0, 2, 5, 9, 14)]
    assert seconds_a_field(words) is None
    words += [word("00:16", new="7"), word("30:00", verdict=Verdict.REJECTED)]
    words += [word("00:01", who="ben"), word("00:02", who="ben", verdict=Verdict.REVIEW)]
    assert seconds_a_field(words) == 2.5
    ana, ben = reviewers_of(words)
    assert (ana.who, ana.corrected, ana.confirmed, ana.unreadable) == ("ana", 1, 5, 1)
    assert (ben.who, ben.said) == ("ben", 1)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (wording.percent(747, 770), "97.0 %"),
        (wording.percent(769_999, 770_000), "over 99.9 %"),
        (wording.percent(1, 770_000), "under 0.1 %"),
        (wording.percent(5, 5), "100 %"),
        (wording.percent(0, 0), "–"),
        (wording.limit(0.9999), "99.99"),
        (wording.about(0.0004), "under 0.01"),
        (wording.about(0.04), "0.04"),
        (wording.about(5.0), "5"),
        (wording.about(2345.6), "2,346"),
        (wording.duration(0.3), "1 second"),
        (wording.duration(115), "2 minutes"),
        (wording.duration(12_000), "3 h 20 min"),
        (wording.moment("2026-11-06T05:03:51.906+00:00"), "6 November 2026, 05:03 UTC"),
        (wording.counted(1, "page"), "1 page"),
        (wording.counted(2000, "page"), "2,000 pages"),
    ],
)
def test_numbers_are_said_as_people_say_them_and_none_is_rounded_to_a_certainty(told: str, words: str) -> None:
    assert told == words


def test_the_page_says_what_was_read_what_needs_eyes_and_how_many_are_to_be_expected_wrong(tmp_path: Path) -> None:
    fields = [a_reading(f"f{place}", "1", confidence=0.98) for place in range(9)]
    record = a_record("1.png", *fields, a_reading("x", "2", Verdict.REVIEW, confidence=0.5))
    failed = Unreadable("b.pdf", 3, "b.pdf, page 3: it is torn.", "Copy it anew.")
    given = {"inputs": ["scans", "more"], "models": [("digits", "m")]}
    text = Seen(reported(kept(tmp_path / "out", record, failed, **given))).text
    assert "1 page with 10 fields was read. 90.0 % of the fields were sure enough" in text
    assert (
        "Of the 9 fields that nobody has looked at, about 0.2 are to be expected wrong, by the program’s own" in text
    )
    assert "0.2, 2.0 %; hardly more than 2" in text
    assert "A person should look at 1 field: about 5 seconds for one person, at 5 seconds each (assumed" in text
    assert "1 page or file could not be read." in text
    assert "b.pdf, page 3 b.pdf, page 3: it is torn. Copy it anew." in text
    assert "fields less sure than 90 % go to review" in text
    assert "Model digits m" in text
    assert "scans, more Read until" in text


def test_after_the_review_the_report_tells_what_the_summary_does_and_names_what_nobody_can_read(
    tmp_path: Path,
) -> None:
    doubtful = a_reading("b", "2", Verdict.REVIEW, confidence=0.5, reasons=(Reason.LOW_CONFIDENCE,))
    folder = kept(tmp_path / "out", a_record("1.png", a_reading("a", "1"), doubtful), target_error=0.02)
    before = Seen(reported(folder)).text
    target = "At most 2 % of the accepted values may be wrong (--target-error). Fields from 90 % sure on keep that"
    assert f"{target}: of those that nobody has looked at, 1.3 % are to be expected wrong." in before
    assert "1 page read nothing to look at on 0" in before
    assert "unreadable" not in before
    with open_corrections(folder) as corrections:
        corrections.add("1.png", 0, "b", Correction("2", "", Verdict.REJECTED, "ana"), after=0)
    with open_keyings(folder) as keyings:
        for who in ("ana", "ben"):
            keyings.key(("1.png", 0, "a"), "1", Keying("1", Verdict.ACCEPTED, who))
    with read_ledger(folder) as ledger:
        summary = write_tables(ledger, folder)
    after = Seen(html_of(folder)).text
    assert (summary.accepted, summary.rejected, summary.fields_to_look_at) == (1, 1, 0)
    assert "slip t 1 2 50.0 % 0 1 2 74.3 %" in after  # pages, fields, straight through, to review, rejected, seen
    assert "1 page read nothing left to look at on 1" in after
    assert "looked at by ana, ben 1 page read" in after
    assert "People have looked at 2 fields and pages: 1 was right, 0 were corrected, 1 nobody can read." in after
    assert "Looked at all the same 1 field, for an audit or a second keying; 0 wrong" in after
    assert "ask whoever has filled it in. 1.png, page 1: b " in after


def test_what_stands_against_a_rule_since_a_person_says_so_is_told_by_name_value_and_rule(tmp_path: Path) -> None:
    fields = [a_reading(f"mark {number}", "7", Verdict.REVIEW, confidence=0.5) for number in range(MOST_NAMED + 3)]
    fields.append(a_reading("doubtful", "7", Verdict.REVIEW, reasons=("rule:total",)))
    folder = kept(tmp_path / "out", replace(a_record("1.png", *fields), template_digest=""))
    assert "against a rule" not in Seen(reported(folder)).text
    with open_corrections(folder) as corrections:
        for one in fields[:-1]:
            corrections.add("1.png", 0, one.name, Correction("7", "1x", Verdict.ACCEPTED, "ana"), after=0)
    text = Seen(reported(folder)).text
    _, _, told = text.partition("What stands against a rule ")
    told, _, _ = told.partition("Pictures with defects")
    assert f"1.png, page 1: mark 0 is 1x {REASON_MEANING[Reason.NOT_A_DIGIT]} 1.png, page 1: mark 1 is 1x" in told
    assert told.count("1.png, page 1: ") == MOST_NAMED
    assert "And 3 more: fields.csv has all of them" in told
    assert "doubtful" not in told


def test_a_reason_of_fields_alone_has_no_number_of_pages(tmp_path: Path) -> None:
    doubtful = a_reading("a", "2", Verdict.REVIEW, reasons=("gap", "double_of:2.png"))
    html = reported(kept(tmp_path / "out", a_record("1.png", doubtful, reasons=("double_of:2.png",))))
    row = '<code>{}</code></th><td data-name="Fields" class="">1</td><td data-name="Pages" class="{}">{}</td>'
    assert row.format("gap", "zero", "") in html
    assert row.format("double_of", "", "1") in html


def test_an_audits_statement_stands_where_otherwise_is_said_that_there_was_none(tmp_path: Path) -> None:
    folder = kept(tmp_path / "out", a_record("1.png", a_reading("a", "1")))
    none = "None: of the accepted fields, no random sample has been checked by people."
    assert none in Seen(reported(folder)).text
    with read_ledger(folder) as ledger:
        html = render(Tally(), Summary(folder), ledger, statement="At most 3 in 10,000 are wrong.")
    assert "Audit At most 3 in 10,000 are wrong." in Seen(html).text
    assert none not in Seen(html).text


def test_a_batch_in_which_nothing_could_be_read_has_a_report(tmp_path: Path) -> None:
    text = Seen(reported(kept(tmp_path / "out", Unreadable("a.png", None, "a.png: no image.", "Scan again.")))).text
    assert "0 pages with 0 fields were read. 1 page or file could not be read." in text


def test_names_and_values_are_shown_and_never_run(tmp_path: Path) -> None:
    doubtful = a_reading(
        HOSTILE, HOSTILE, Verdict.REVIEW, reasons=(f"rule:{HOSTILE}",), alternatives=((HOSTILE, 0.1),)
    )
    record = a_record(HOSTILE, doubtful, reasons=(f"double_of:{HOSTILE}", "defect:blur=0.3 mm"), detail=HOSTILE)
    record = replace(record, template=HOSTILE)
    foreign = b"\xff.png".decode("utf-8", "surrogateescape")
    failed = Unreadable(HOSTILE, None, HOSTILE, HOSTILE)
    folder = kept(
        tmp_path / "out", record, failed, inputs=["</title></style>", HOSTILE, foreign], models=[(HOSTILE, "m")]
    )
    with open_corrections(folder) as corrections:
        corrections.add(HOSTILE, 0, HOSTILE, Correction(HOSTILE, HOSTILE, Verdict.ACCEPTED, HOSTILE), after=0)
    html = reported(folder)
    seen = Seen(html)
    plain = Seen(reported(kept(tmp_path / "plain", a_record("a.png", a_reading("x", "1", Verdict.REVIEW)))))
    assert seen.tags - plain.tags <= {"ul", "li", "svg", "rect", "img", "a", "bdi", "code", "title"}
    assert "script" not in seen.tags
    assert [name for name, _ in seen.attributes if name.startswith("on")] == []
    assert all(value.startswith(("data:image/", "#")) for name, value in seen.attributes if name in ("src", "href"))
    assert seen.text.count("<img src=x onerror=alert(1)>\"'&\\u202egnp") > 8
    assert "\\udcff.png" in seen.text
    assert "\u202e" not in html


def test_the_browser_is_told_to_load_and_run_nothing_but_the_pages_own_style(tmp_path: Path) -> None:
    html = reported(kept(tmp_path / "out", a_record("1.png", a_reading("a", "1"))))
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html
    assert "url(" not in style
    assert "@import" not in style


def test_equal_batches_have_equal_reports_but_for_the_times_of_their_runs(tmp_path: Path) -> None:
    reports = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        reports.append(reported(flagged(tmp_path / name, 12)))
    one, two = (re.sub(r"<time.*?</time>", "", html, flags=re.DOTALL) for html in reports)
    assert one == two
    assert one != reports[0]


def test_a_page_is_shown_with_its_doubtful_fields_outlined_and_without_picture_when_it_is_no_more_what_was_read(
    tmp_path: Path,
) -> None:
    folder = flagged(tmp_path, 10)
    assert reported(folder).count('<image href="data:image/jpeg;base64,') == 2
    (tmp_path / "scans" / "001.png").unlink()
    report_page.shown_page.__globals__["_opened"].cache_clear()
    (tmp_path / "scans" / "002.png").write_bytes(b"another scan")
    html = reported(folder)
    assert html.count('<image href="data:image/jpeg;base64,') == 0
    assert html.count("No picture of the page") == 2
    assert html.count('<img alt="" src="data:image/jpeg;base64,') == 10
    assert "field 3" in html


def test_pictures_end_where_they_would_make_the_page_too_large_to_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = flagged(tmp_path, 10)
    bytes_of = []
    for most in (1_000_000, 10_000, 0):
        monkeypatch.setattr(report_page, "MOST_BYTES", most)
        pictures = re.findall(r'"data:image/jpeg;base64,([^"]*)"', reported(folder))
        bytes_of.append(sum(len(base64.b64decode(picture)) for picture in pictures))
    whole, some, none = bytes_of
    assert whole > 10_000 >= some > none == 0


def test_after_a_correction_the_review_makes_the_report_anew(tmp_path: Path) -> None:
    folder = flagged(tmp_path, 5)
    before = Seen(reported(folder)).text
    with open_corrections(folder) as corrections:
        corrections.add("001.png", 0, "field 0", Correction("04274", "04273", Verdict.ACCEPTED, "ana"), after=0)
        with corrections.view() as ledger:
            assert Batch(folder, ledger).make_tables(lambda made_of, told: None)
    after = Seen(html_of(folder)).text
    assert "A person should look at 5 fields" in before
    assert "A person should look at 4 fields" in after
    assert "looked at by ana" in after
    assert "field 0 read as 04274, 50.0 % sure; a person: 04273" in after


def test_the_ledger_tells_what_each_run_has_read_and_when(tmp_path: Path) -> None:
    for pages in (2, 3, 3):  # the last run reads nothing
        with open_ledger(tmp_path, settings={}) as ledger:
            ledger.enter(entry(number) for number in range(pages))
            for page in ledger.waiting():
                ledger.started([page.id])
                ledger.keep(page.id, a_record(page.ref.source, a_reading("a", "1")))
            stints = ledger.stints()
    assert [(stint.run, stint.pages) for stint in stints] == [(1, 2), (2, 1)]
    assert all(stint.began <= stint.ended for stint in stints)
