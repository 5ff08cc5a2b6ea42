"""What the pages that docproc serves have in common: they are for the browser on this machine alone.

In:  the routes of a page, and the files that it is made of.
Out: a Starlette application that refuses all that is not that page's, and a server that runs it till Ctrl-C.
It listens on 127.0.0.1. A random token in the address that it prints, then in a cookie, is asked of every request; so
are a Host of this machine and, of requests that do something, its own Origin: no other page can reach it.
"""

from __future__ import annotations

import secrets
import signal
import socket
import webbrowser
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from importlib import resources
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from docproc.errors import DocprocError, OutputError

if TYPE_CHECKING:
    import uvicorn

HOSTS = ("127.0.0.1", "localhost")
STOP_S = 5  #: What is being answered at the end has so long.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_KINDS = {"html": "text/html", "js": "text/javascript", "css": "text/css"}


def new_token() -> str:
    """A key that nobody guesses."""
    return secrets.token_urlsafe(24)


def guarded(
    routes: Sequence[BaseRoute], *, package: str, home: str, files: Sequence[str], token: str, port: int
) -> Starlette:
    """The application of one page.

    Parameters
    ----------
    routes : sequence of routes
        Beside the page's own files.
    package : str
        The Python package in which those lie.
    home : str
        The HTML file behind `/`.
    files : sequence of str
        The other ones that the browser may have; none but these.
    token : str
        What `/?token=` must say once.
    port : int
        On which it is going to listen: part of its Host and Origin.
    """
    cookie = f"docproc_{port}"  # browsers send a cookie to all ports of a host: pages must not overwrite each other's

    def file(name: str) -> Response:
        content = resources.files(package).joinpath(name).read_text(encoding="utf-8")
        return Response(content, media_type=_KINDS[name.rpartition(".")[2]], headers=HEADERS)

    async def root(request: Request) -> Response:
        if secrets.compare_digest(_given(request), token.encode()):
            answer: Response = RedirectResponse("/", status_code=303)
            answer.set_cookie(cookie, token, httponly=True, samesite="strict")
            return answer
        return file(home)

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "favicon.ico":
            return Response(status_code=204)
        return file(name) if name in files else refused(404, "There is no such file.")

    return Starlette(
        routes=[Route("/", root), *routes, Route("/{name}", asset)],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_guard(token, cookie, port))],
        exception_handlers={DocprocError: _told, HTTPException: _refusal},
    )


def refused(status: int, message: str, **more: object) -> Response:
    """An answer that says why there is none."""
    return JSONResponse({"message": message, "remedy": "", **more}, status_code=status, headers=HEADERS)


def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, DocprocError)
    return refused(422, error.message, remedy=error.remedy)


def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(error.status_code, error.detail)


def _guard(
    token: str, cookie: str, port: int
) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    """Refuse what does not come from this machine's browser with the token."""
    own = {f"{host}:{port}" for host in HOSTS}
    origins = {f"http://{host}" for host in own}

    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.headers.get("host", "") not in own:
            return _turned_away(request, "This page is for this machine alone.")
        if request.method != "GET" and request.headers.get("origin") not in origins:
            return _turned_away(request, "This was not asked by docproc's own page.")
        tokens = (
            request.cookies.get(cookie, "").encode(),
            _given(request) if request.url.path == "/" else b"",
        )
        if not any(secrets.compare_digest(given, token.encode()) for given in tokens):
            return _turned_away(
                request,
                "Open the address that docproc has printed where it was started: it holds the key to this page.",
            )
        return await answer(request)

    return guard


def _turned_away(request: Request, sentence: str) -> Response:
    """Without the key: a page where a person is looking, who has nothing else on the screen."""
    if "text/html" not in request.headers.get("accept", ""):
        return refused(403, sentence)
    return HTMLResponse(_SENTENCE.format(sentence), status_code=403, headers=HEADERS)


_SENTENCE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>docproc</title>
<p>{}</p>
</html>
"""


def _given(request: Request) -> bytes:
    """The token in the address, as bytes: texts that are not ASCII cannot be compared in constant time."""
    return request.query_params.get("token", "").encode()


def serve(
    application: Callable[[int], Starlette],
    *,
    token: str,
    port: int,
    show: Callable[[str], None],
    browser: bool,
) -> None:
    """Serve until Ctrl-C, or SIGTERM, and return then.

    Parameters
    ----------
    application : (port) -> Starlette
        As `guarded` makes it.
    port : int
        0 for any that is free.
    show : (address) -> None
        Is given the address to open, once it answers.
    browser : bool
        Open it, too.

    Raises
    ------
    OutputError
        If the port is taken.
    """
    import uvicorn

    listening = listen("127.0.0.1", port)
    port = listening.getsockname()[1]
    address = f"http://127.0.0.1:{port}/?token={token}"
    config = uvicorn.Config(application(port), log_level="warning", lifespan="off", timeout_graceful_shutdown=STOP_S)
    server = uvicorn.Server(config)
    show(address)
    if browser:
        webbrowser.open(address)
    run(server, listening)


def listen(host: str, port: int) -> socket.socket:
    """A socket that clients can connect to from now on, also before a server answers there.

    Raises
    ------
    OutputError
        If this machine has no such address, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        raise OutputError(
            f"Port {port} of {host} cannot be used ({error.strerror}).", remedy="Name another with --port, or none."
        ) from error
    return listening


def run(server: uvicorn.Server, listening: socket.socket) -> None:
    """Serve until Ctrl-C, or SIGTERM, and return then."""
    earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):  # uvicorn ends, and then sends itself the signal once more
            server.run(sockets=[listening])
    finally:
        signal.signal(signal.SIGTERM, earlier)
