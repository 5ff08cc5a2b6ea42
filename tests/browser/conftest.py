"""Without the extra `browser` these tests are not collected: `pytest -m browser` then finds none, and says so."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]
