"""`docproc review`: look at doubtful fields in the browser."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

HELP = """Look at the fields that need eyes, one a screen, in the browser, by keys alone.

Enter accepts what was read, digits type another value, Shift and 1 to 5 choose one of the likely ones, b is blank,
? unreadable, u takes the last one back, p shows the whole page. What could do most harm comes first.
Of a page that lies on no template all is shown; v asks its values one by one, to be typed from its picture.
A page whose file is a copy of an earlier one is one look: Enter counts it, too, ? leaves it out.
Where a rule ties the field to others, their sum is shown with what you type, and whether it fits. A value that
breaks a rule of its field is warned of; Enter once more keeps it, with that reason in the tables.

m shows the mosaic: all digits that were accepted as a 7, say, side by side; a click sends the field of an odd one to
the review.

With --key-twice two different persons, by the name at the top right, key the fields of that name from the picture
alone; where they differ, a third person decides, or one of the two where nobody else has the review open. Nothing
else is asked meanwhile.

Each answer is kept in the ledger at once, with who gave it and when, beside what was read; a moment later it stands
in the tables. The page is for this machine alone; further reviewers open the same address, and get other fields.
Ctrl-C here ends it, and the same command goes on.

\b
Examples:
  docproc review results
  docproc review results --who ana --port 8765 --no-browser
  docproc review results --key-twice total --key-twice 'row*_total'
"""


def review(
    results: Annotated[
        str, typer.Argument(metavar="DIR", help="A folder of results, as named with -o.", show_default=False)
    ],
    who: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whom the answers are by.  [default: your user's name]")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of 127.0.0.1; 0 for any that is free.")] = 0,
    key_twice: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD", help="Have two persons key these fields unseen; may be repeated, * is any text."
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in your browser.")] = True,
) -> None:
    """Serve the review until Ctrl-C."""
    from docproc.errors import LedgerError
    from docproc.review.server import serve
    from docproc.storage import is_url

    if is_url(results):
        raise LedgerError(
            f"{results} lies in the cloud; answers are written to a ledger on this machine's disk.",
            remedy="Process the scans with -o naming a folder of this machine, and review that.",
        )

    def show(address: str, left: int) -> None:
        typer.echo(f"{left:,} to look at in {results}, at\n  {address}\nCtrl-C ends it.")

    session = serve(
        Path(results), who=who or getpass.getuser(), port=port, show=show, browser=browser, key_twice=key_twice or ()
    )
    fault = session.tables_fault
    left = session.left()
    typer.echo(f"{left:,} {'is' if left == 1 else 'are'} left to look at; the same command goes on.")
    if fault is not None:
        typer.echo(f"The tables are without the last answers: {fault.message} {fault.remedy}", err=True)
