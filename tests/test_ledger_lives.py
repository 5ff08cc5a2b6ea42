"""Batches through any number of runs, ends and deaths, against a model that holds everything in memory."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ledgers import entry, record

from docproc.ledger import open_ledger
from docproc.ledger.states import MOST_LOSSES
from docproc.page import Unreadable
from docproc.reading import Record

pages = st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), max_size=6, unique_by=lambda page: page[0])


class BatchLife(RuleBasedStateMachine):
    """Pages 0 to 4, each with one of three contents, in any order."""

    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.deaths = 0
        self.batch = []  # of this run: page and content, in order
        self.running = {}  # page: number in the ledger
        self.read = {}  # content: record
        self.open()

    def open(self):
        self.opened = open_ledger(self.root / str(self.deaths), settings={})
        self.ledger = self.opened.__enter__()
        self.running = {}

    def teardown(self):
        self.opened.__exit__(None, None, None)
        shutil.rmtree(self.root)

    @rule(batch=pages)
    def end_and_begin_with_other_pages(self, batch):
        self.opened.__exit__(None, None, None)
        self.open()
        self.batch = batch
        half = len(batch) // 2
        for part in (batch[:half], batch[half:]):
            self.ledger.enter(entry(page, content=content) for page, content in part)

    @rule()
    def die(self):
        """What lies in the folder at any moment is what a process that is killed leaves."""
        alive = self.root / str(self.deaths)
        self.deaths += 1
        shutil.copytree(alive, self.root / str(self.deaths))
        self.opened.__exit__(None, None, None)
        self.open()

    @rule(retry_failed=st.booleans(), most=st.integers(1, 3))
    def start(self, retry_failed, most):
        contents = dict(self.batch)
        waiting = list(self.ledger.waiting(retry_failed=retry_failed))
        assert len({page.ref.sha256 for page in waiting}) == len(waiting)
        for page in waiting[:most]:
            number = int(page.ref.source[:6])
            assert contents[number] == page.ref.sha256
            assert page.ref.sha256 not in self.read
            assert number not in self.running
            self.ledger.started([page.id])
            self.running[number] = page.id

    @precondition(lambda self: self.running)
    @rule(data=st.data(), comes_back=st.booleans())
    def come_back(self, data, comes_back):
        number = data.draw(st.sampled_from(sorted(self.running)))
        one = entry(number, content=dict(self.batch)[number])
        if comes_back:
            self.read[one.ref.sha256] = record(one.ref, str(len(self.read)))
            self.ledger.keep(self.running.pop(number), self.read[one.ref.sha256])
        else:
            self.ledger.keep(self.running.pop(number), Unreadable(one.ref.source, 1, "torn", "mend"))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def lose(self, data):
        number = data.draw(st.sampled_from(sorted(self.running)))
        self.ledger.lost(self.running.pop(number), "out of memory")

    @invariant()
    def every_page_is_counted_once(self):
        counts = self.ledger.counts()
        assert counts.pages == len(self.batch)
        assert counts.running == len(self.running)

    @invariant()
    def outcomes_are_what_was_read_in_the_order_of_the_batch(self):
        outcomes = list(self.ledger.outcomes())
        counts = self.ledger.counts()
        assert len(outcomes) == counts.settled
        names = [one.ref.source if isinstance(one, Record) else one.source for one in outcomes]
        order = [entry(page).ref.source for page, _ in self.batch]
        assert names == [name for name in order if name in names]
        contents = {entry(page).ref.source: content for page, content in self.batch}
        for name, one in zip(names, outcomes, strict=True):
            if isinstance(one, Record):
                kept = self.read[contents[name]]
                assert (one.ref.sha256, one.fields) == (contents[name], kept.fields)
        records = sum(isinstance(one, Record) for one in outcomes)
        assert records == counts.done

    @invariant()
    def no_page_costs_more_than_it_may(self):
        (most,) = self.ledger._db.execute("SELECT coalesce(max(losses), 0) FROM pages").fetchone()
        assert most <= MOST_LOSSES


BatchLife.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestBatchLife = BatchLife.TestCase
