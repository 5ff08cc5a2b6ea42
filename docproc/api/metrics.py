"""What the API has done, counted for Prometheus.

In:  requests and records, as they end.
Out: Prometheus' text format, version 0.0.4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from docproc.page import Unreadable
from docproc.reading import Record, Verdict

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)  #: Upper bounds.
FAILED = "failed"  #: Of pages that could not be read.
REQUESTS = "docproc_requests_total"
PAGES = "docproc_pages_total"
FIELDS = "docproc_fields_total"
SECONDS = "docproc_read_seconds"


class Metrics:
    """Counts since the start."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._pages: Counter[str] = Counter(dict.fromkeys([*Verdict, FAILED], 0))
        self._fields: Counter[str] = Counter(dict.fromkeys(Verdict, 0))
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0

    def count_request(self, route: str, method: str, status: int) -> None:
        """One request was answered."""
        self._requests[route, method, status] += 1

    def count_reading(self, outcomes: Iterable[Record | Unreadable], seconds: float) -> None:
        """The pages of one upload were read, and for so long its client waited."""
        for outcome in outcomes:
            self._pages[outcome.verdict if isinstance(outcome, Record) else FAILED] += 1
            if isinstance(outcome, Record):
                self._fields.update(reading.verdict.value for reading in outcome.fields)
        self._buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds += seconds

    def text(self, gauges: Mapping[str, tuple[str, str, float]]) -> str:
        """All counts, and what is measured at this moment: kind, meaning and value by name."""
        return "".join(f"{line}\n" for line in self._lines(gauges))

    def _lines(self, gauges: Mapping[str, tuple[str, str, float]]) -> Iterator[str]:
        yield from _head(REQUESTS, "counter", "Requests answered.")
        for (route, method, status), count in sorted(self._requests.items()):
            yield f'{REQUESTS}{{route="{route}",method="{method}",status="{status}"}} {count}'
        yield from _head(PAGES, "counter", "Pages, by what should happen to them.")
        yield from (f'{PAGES}{{status="{status}"}} {count}' for status, count in self._pages.items())
        yield from _head(FIELDS, "counter", "Fields, by what should happen to them.")
        yield from (f'{FIELDS}{{status="{status}"}} {count}' for status, count in self._fields.items())
        yield from _head(SECONDS, "histogram", "From an upload's first byte to its answer.")
        below = 0
        for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), self._buckets, strict=True):
            below += count
            yield f'{SECONDS}_bucket{{le="{bound}"}} {below}'
        yield f"{SECONDS}_sum {self._seconds:.3f}"
        yield f"{SECONDS}_count {below}"
        for name, (kind, meaning, value) in gauges.items():
            yield from _head(name, kind, meaning)
            yield f"{name} {value:g}"


def _head(name: str, kind: str, meaning: str) -> tuple[str, str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"
