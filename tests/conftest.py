"""What pytest leaves out: tests of training where the extra `train` is not installed."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("tensorflow") else ["test_fit.py"]
