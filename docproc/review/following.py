"""The tables of a batch that is reviewed follow what is said: made anew when nobody has said anything for a moment.

In:  what makes them; it tells whether it could, or a run goes on that is going to.
Out: tables, in a thread of their own, and words on how far they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock, Timer

from docproc.errors import DocprocError

FOLLOW, MAKING = "follow in a moment", "being made"
PAUSE_S = 5.0  #: After the last word the tables are made anew.
SHARE = 0.1  #: Of the time, at most, that the making of tables takes.


class Following:
    """See the module."""

    def __init__(self, make: Callable[[], bool]) -> None:
        self.fault: DocprocError | None = None  #: Why they are not up to date, if they cannot be.
        self.state = ""  #: In words.
        self._make_tables = make
        self._lock = Lock()  # of the timer
        self._making = Lock()
        self._timer: Timer | None = None
        self._pause_s = PAUSE_S

    def follow(self) -> None:
        """Something was said."""
        with self._lock:
            self.state = FOLLOW
            if self._timer is not None:
                self._timer.cancel()
            self._timer = Timer(self._pause_s, self._make)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Make them at once, if need be."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        with self._making:  # whatever is being made is made to its end
            is_due = self.state in (FOLLOW, MAKING)
        if is_due:
            self._make()

    def _make(self) -> None:
        with self._making:
            began = time.monotonic()
            self.state = MAKING
            try:
                is_made = self._make_tables()
            except DocprocError as error:
                self.fault, self.state = error, FOLLOW
            else:
                self.fault = None
                with self._lock:
                    if self.state == MAKING:  # else something was said meanwhile
                        self.state = "up to date" if is_made else "made by the run that goes on"
            self._pause_s = max(PAUSE_S, (time.monotonic() - began) / SHARE)
