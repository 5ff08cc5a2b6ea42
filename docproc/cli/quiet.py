"""Keep what libraries write to the terminal by themselves out of what docproc says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_messages_muted() -> Iterator[None]:
    """TensorFlow's own messages would tear the progress bar, and have no switch; Python's still come through."""
    if sys.stderr is not sys.__stderr__ or sys.stderr is None:  # taken by someone who reads it
        yield
        return
    sys.stderr.flush()
    python_stderr, kept, nowhere = sys.stderr, os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with os.fdopen(os.dup(kept), "w", buffering=1, encoding="utf-8", errors="backslashreplace") as sys.stderr:
            yield
    finally:
        sys.stderr = python_stderr
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
