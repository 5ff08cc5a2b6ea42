"""`docproc serve`: the HTTP API for other programs."""

from __future__ import annotations

import logging
import os
import re
import time
from pathlib import Path
from typing import Annotated

import typer

from docproc.cli.options import Jobs, LinesFolder, ModelFolder, ReviewBelow

HELP = """Answer other programs over HTTP: they send an image or PDF, and get what was read as JSON.

Without -t, fields are found on each page. Of several templates, a request names one, or each page finds its own.
Clients send a token, which stands in the environment variable DOCPROC_TOKEN. Where there is none, one is made up and
printed, as long as only this machine can connect. GET / is a page about the API for people.

SIGTERM or Ctrl-C ends it, after what is in hand is answered.

\b
Examples:
  docproc serve -t forms
  curl -H "Authorization: Bearer $DOCPROC_TOKEN" -F file=@scan.png http://127.0.0.1:8000/v1/read
  docproc serve -t forms --host 0.0.0.0 --allowed-host forms.example.org --max-upload 20MB
"""

TOKEN_VARIABLE = "DOCPROC_TOKEN"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,}")  #: As RFC 6750 has it, and long enough.
_UNITS = {"": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}


def _bytes(given: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(|kB|MB|GB)", given.strip())
    if found is None or float(found[1]) == 0:
        raise typer.BadParameter(f"{given!r} is no size: write 20MB, 500kB or a number of bytes.")
    return int(float(found[1]) * _UNITS[found[2]])


def serve(
    template: Annotated[
        list[Path] | None,
        typer.Option("--template", "-t", metavar="PATH", help="A template, or a folder of them; may be repeated."),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is everywhere.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A name by which clients call this server, like that of a proxy before it; may be repeated. Those "
            "of a loopback, and --host, are allowed anyway.",
        ),
    ] = None,
    jobs: Jobs = None,
    max_upload: Annotated[str, typer.Option(metavar="SIZE", help="The largest body of a request.")] = "50MB",
    page_timeout: Annotated[
        float, typer.Option(min=5, metavar="SECONDS", help="A page that takes longer is given up.")
    ] = 30,
    model: ModelFolder = None,
    lines: LinesFolder = None,
    review_below: ReviewBelow = None,
) -> None:
    """Serve until Ctrl-C."""
    most_bytes = _bytes(max_upload)
    from docproc import serving
    from docproc.api.server import is_loopback
    from docproc.api.server import serve as serve_api
    from docproc.api.service import open_service

    given = os.environ.get(TOKEN_VARIABLE)
    if given is None and not is_loopback(host):
        raise typer.BadParameter(
            f"Others can connect to {host}: put a token into the environment as {TOKEN_VARIABLE}."
        )
    if given is not None and not _TOKEN.fullmatch(given):
        raise typer.BadParameter(
            f"{TOKEN_VARIABLE} is no token: at least 16 letters, digits and -._~+/= (try `openssl rand -hex 32`)."
        )
    token = given or serving.new_token()

    def show(address: str) -> None:
        told = "" if given else f" The token is\n  {token}"
        typer.echo(f"docproc answers at {address}; Ctrl-C ends it.{told}")

    _log_requests()
    serve_api(
        open_service(
            template or (),
            model_dir=model,
            lines_dir=lines,
            review_below=review_below,
            jobs=jobs,
            page_timeout_s=page_timeout,
        ),
        host=host,
        port=port,
        token=token,
        allowed_hosts=allowed_host or (),
        most_bytes=most_bytes,
        show=show,
    )


def _log_requests() -> None:
    """One line a request, on stderr."""
    line = logging.Formatter("%(asctime)sZ %(message)s", "%Y-%m-%dT%H:%M:%S")
    line.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(line)
    requests = logging.getLogger("docproc.api")
    requests.addHandler(handler)
    requests.setLevel(logging.INFO)
    requests.propagate = False
