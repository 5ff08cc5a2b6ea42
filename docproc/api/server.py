"""The API's addresses, and the server behind them.

In:  templates, models, limits. Out: an ASGI application, served until Ctrl-C or SIGTERM.
Whom it answers is docproc.api.guard's subject, what it takes docproc.api.receiving's, how pages are read
docproc.api.service's. openapi.json describes all of it for programs, page.html for people.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from docproc import __version__, serving
from docproc.api.answer import answer, templates
from docproc.api.guard import Access, Guard
from docproc.api.metrics import MEDIA_TYPE, Metrics
from docproc.api.receiving import received
from docproc.api.refusal import gone, told
from docproc.api.service import Service
from docproc.errors import DocprocError

if TYPE_CHECKING:
    import asyncio.transports

MOST_CONNECTIONS = 500  #: More are told 503 by the server itself.
HEAD_S = 20.0  #: For so long a client may take to say what it wants.
STOP_S = 5.0  #: Beside a page's own time, for what is being answered at the end.
FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}

Result = TypeVar("Result")


def application(service: Service, access: Access, *, most_bytes: int) -> ASGIApp:
    """The API.

    Parameters
    ----------
    service : Service
    access : Access
    most_bytes : int
        Of a request's body.
    """
    metrics = Metrics()

    async def read(request: Request) -> Response:
        began = time.monotonic()
        with service.place():
            async with received(request, most_bytes=most_bytes) as upload:
                outcomes = await _unless_gone(request, service.read(upload))
        request.state.pages = len(outcomes)
        metrics.count_reading(outcomes, time.monotonic() - began)
        return JSONResponse(answer(upload.source, outcomes))

    async def listed(request: Request) -> Response:
        return JSONResponse(templates(service.templates))

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        is_ready = service.is_ready
        return JSONResponse({"status": "ready" if is_ready else "not ready"}, 200 if is_ready else 503)

    async def measured(request: Request) -> Response:
        return Response(metrics.text(_gauges(service)), media_type=MEDIA_TYPE)

    async def described(request: Request) -> Response:
        return JSONResponse(openapi())

    async def file(request: Request) -> Response:
        name, kind = FILES[request.url.path]
        return Response(_content(name), media_type=kind)

    routes = [
        Route("/v1/read", read, methods=["POST"]),
        Route("/v1/templates", listed),
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", measured),
        Route("/openapi.json", described),
        *(Route(path, file) for path in FILES),
    ]
    answering = Starlette(
        routes=routes,
        exception_handlers={HTTPException: told, DocprocError: told, ClientDisconnect: gone, Exception: told},
    )
    answering.router.redirect_slashes = False
    return Guard(answering, access=access, routes={route.path for route in routes}, count=metrics.count_request)


async def _unless_gone(request: Request, reading: Coroutine[Any, Any, Result]) -> Result:
    """What it gives; dropped where the client goes away before.

    Raises
    ------
    ClientDisconnect
    """
    work, leaving = asyncio.ensure_future(reading), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        work.cancel()
        leaving.cancel()


def _gauges(service: Service) -> dict[str, tuple[str, str, float]]:
    executor = service.executor
    return {
        "docproc_requests_in_hand": ("gauge", "Uploads that are received, read or waiting.", service.in_hand),
        "docproc_tasks_waiting": ("gauge", "Pages and files that no process has yet.", executor.waiting),
        "docproc_workers_ready": ("gauge", "Processes that read pages.", executor.ready),
        "docproc_workers_lost_total": ("counter", "Processes that died or took too long.", executor.lost),
    }


def openapi() -> dict[str, Any]:
    """The description of the API, in OpenAPI 3.1."""
    described: dict[str, Any] = json.loads(_content("openapi.json"))
    described["info"]["version"] = __version__
    return described


@cache
def _content(name: str) -> str:
    return resources.files("docproc.api").joinpath(name).read_text(encoding="utf-8")


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach a server there; False where the name cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(one[4][0]).is_loopback for one in found)


def serve(
    open_service: Callable[[Callable[[Exception], None]], Service],
    *,
    host: str,
    port: int,
    token: str,
    allowed_hosts: Sequence[str],
    most_bytes: int,
    show: Callable[[str], None],
) -> None:
    """Serve until Ctrl-C, or SIGTERM: then what is in hand is still answered.

    Parameters
    ----------
    open_service : (failed) -> Service
    host, port : str, int
        Where to listen; 0 for any port that is free.
    token : str
        That clients must send.
    allowed_hosts : sequence of str
        Names by which clients may call this server, beside `host` and those of this machine.
    most_bytes : int
        Of a request's body.
    show : (address) -> None
        Is given the address, once connections are taken there.

    Raises
    ------
    OutputError
        If the port is taken.
    DocprocError
        If the processes that read pages end, and no more can be started.
    """
    listening = serving.listen(host, port)
    faults: list[Exception] = []

    def failed(error: Exception) -> None:
        faults.append(error)
        server.should_exit = True

    service = open_service(failed)
    access = Access(token, _names(host, allowed_hosts))
    server = uvicorn.Server(
        uvicorn.Config(
            application(service, access, most_bytes=most_bytes),
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=round(service.page_timeout_s + STOP_S),
        )
    )
    try:
        port = listening.getsockname()[1]
        show(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
        serving.run(server, listening)
    finally:
        service.close()
    if faults:
        raise faults[0]


def _names(host: str, more: Collection[str]) -> frozenset[str]:
    return frozenset(name.lower().strip("[]") for name in (*serving.HOSTS, "::1", host, *more))


class Protocol(H11Protocol):
    """Uvicorn's own, which hangs up on clients that do not come to say what they want."""

    def connection_made(self, transport: asyncio.transports.Transport) -> None:  # type: ignore[override]
        """Called by the event loop."""
        super().connection_made(transport)
        self._await_request()

    def on_response_complete(self) -> None:
        """Called after each answer: another request may follow."""
        super().on_response_complete()
        self._await_request()

    def _await_request(self) -> None:
        earlier = self.cycle

        def hang_up() -> None:
            if self.cycle is earlier and (earlier is None or earlier.response_complete):
                self.transport.close()

        self.loop.call_later(HEAD_S, hang_up)
