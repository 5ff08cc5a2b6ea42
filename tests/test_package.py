"""The package's own page names its parts."""

import re
from pathlib import Path

import docproc


def test_the_map_names_every_module_and_folder():
    package = Path(docproc.__file__).parent
    parts = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    parts |= {path.parent.name for path in package.glob("*/__init__.py")}
    named = set(re.findall(r"[a-z_]+", docproc.__doc__))
    assert parts <= named
