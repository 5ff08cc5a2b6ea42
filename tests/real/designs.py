"""The real forms, and how a user would have docproc read each of them.

In:  ../shared/data/forms beside the checkout: a folder a design, with pages/ and truth.csv.
Out: a `Design` each, with the runs of `docproc process` that read it.
A design with a folder and template here is read by that template; any other by layout, joined to the truth by box.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from docproc.evaluation import Join

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = ROOT.parent / "shared" / "data"
FORMS = DATA / "forms"
SAMPLES = ROOT / "samples"


@dataclass(frozen=True, slots=True)
class Run:
    """One call of `docproc process`."""

    pages: tuple[str, ...]  #: Files under pages/.
    template: Path | None = None

    @property
    def by(self) -> Join:
        """How its fields find theirs in the truth."""
        return "box" if self.template is None else "name"


@dataclass(frozen=True, slots=True)
class Design:
    """One form."""

    name: str
    folder: Path
    runs: tuple[Run, ...]

    @property
    def truth(self) -> Path:
        """Its truth file."""
        return self.folder / "truth.csv"


#: Designs whose pages do not all follow one template: pages by the template's folder, "" where there is none.
MIXED = {
    "tally_page_photo": {"page_1": ("01.jpg",), "page_2": ("02.jpg",)},
    "marks_and_roll": {"": ("01.jpeg", "02.jpeg"), ".": ("03.jpeg", "04.jpeg")},
}


def designs() -> tuple[Design, ...]:
    """Every design whose pages are there, by name."""
    return tuple(_design(truth.parent) for truth in sorted(FORMS.glob("*/truth.csv")))


def samples() -> tuple[Design, ...]:
    """The forms that come with docproc, which lie in folders like those of the designs."""
    return tuple(
        Design(
            truth.parent.name,
            truth.parent,
            (
                Run(
                    tuple(sorted(path.name for path in (truth.parent / "pages").iterdir())),
                    truth.with_name("template.yaml"),
                ),
            ),
        )
        for truth in sorted(SAMPLES.glob("*/truth.csv"))
    )


def _design(folder: Path) -> Design:
    pages = tuple(sorted(path.name for path in (folder / "pages").iterdir()))
    own = HERE / folder.name / "template.yaml"
    if folder.name in MIXED:
        runs = tuple(
            Run(names, HERE / folder.name / sub / "template.yaml" if sub else None)
            for sub, names in MIXED[folder.name].items()
        )
    else:
        runs = (Run(pages, own if own.exists() else None),)
    return Design(folder.name, folder, runs)
