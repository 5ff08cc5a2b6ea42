"""Who is answered, and what is remembered of each request: an id, a line in the log, a count. Never its content.

In:  all requests. Out: those for one of our hosts, of no foreign page, with the token; an answer to all others.
A client whose upload is not wanted hears so at once. What it has sent by then is thrown away, and it is hung up on.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docproc import serving
from docproc.api.refusal import CLIENT_GONE, Refusal, told

PROBES = ("/health", "/ready")  #: Asked by machines that know neither name nor token; they tell nothing.
PUBLIC = ("/", "/page.css", "/page.js", "/openapi.json")  #: The same for everybody.
LINGER_S = 2.0  #: For so long what a client still sends is taken, so that it comes to hear the answer.
_HOST = re.compile(r"(\[[^\]]+\]|[^:]+)(?::\d+)?")  #: Its name or address, and a port.
_SANE_ID = re.compile(r"[A-Za-z0-9._:=+/-]{1,100}")

log = logging.getLogger("docproc.api")


@dataclass(frozen=True, slots=True)
class Access:
    """Who is answered."""

    token: str
    hosts: frozenset[str]  #: Names by which clients may call this server, in lower case.

    def check(self, request: Request) -> None:
        """Let a request pass.

        Raises
        ------
        Refusal
            421 for another host, 403 from another page, 401 without the token.
        """
        path = request.url.path
        if path in PROBES:
            return
        host = request.headers.get("host", "")
        called = _HOST.fullmatch(host)
        if called is None or called[1].strip("[]").lower() not in self.hosts:
            raise Refusal(
                421,
                "This server does not go by that name.",
                remedy="Ask it by the name that it was started with; --allowed-host adds others.",
            )
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise Refusal(
                403,
                "This was asked by a page of another site.",
                remedy="Ask from a program, or from docproc's own page.",
            )
        if path in PUBLIC:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), self.token.encode()):
            raise Refusal(
                401,
                "The token is missing or wrong.",
                remedy="Send the header `Authorization: Bearer TOKEN`; who runs docproc knows the token.",
                headers={"WWW-Authenticate": 'Bearer realm="docproc"'},
            )


class Guard:
    """The application, guarded.

    Parameters
    ----------
    application : ASGI application
    access : Access
    routes : collection of str
        Paths that exist; all others are one in log and counts.
    count : (route, method, status) -> None
        Is told of each request that was answered.
    """

    def __init__(
        self,
        application: ASGIApp,
        *,
        access: Access,
        routes: Collection[str],
        count: Callable[[str, str, int], None],
    ) -> None:
        self._application = application
        self._access = access
        self._routes = routes
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope)
        identity = _identity(request.headers.get("x-request-id", ""))
        request.state.request_id = identity
        exchange = _Exchange(request, receive, send, identity)
        route = request.url.path if request.url.path in self._routes else "other"
        method = request.method if request.method in ("GET", "HEAD", "POST") else "other"
        began = time.monotonic()
        try:
            await self._answer(request, exchange)
        finally:
            self._count(route, method, exchange.status)
            log.info(
                "request=%s method=%s route=%s status=%d bytes=%d pages=%d seconds=%.3f",
                identity,
                method,
                route,
                exchange.status,
                exchange.taken,
                getattr(request.state, "pages", 0),
                time.monotonic() - began,
            )

    async def _answer(self, request: Request, exchange: _Exchange) -> None:
        application: ASGIApp = self._application
        try:
            self._access.check(request)
        except Refusal as refusal:
            application = await told(request, refusal)
        await application(request.scope, exchange.receive, exchange.send)


def _identity(given: str) -> str:
    """The id that a client has given, if it is fit for a log."""
    return given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex


class _Exchange:
    """The two ways of one request, and what has gone over them."""

    def __init__(self, request: Request, receive: Receive, send: Send, identity: str) -> None:
        self.status = CLIENT_GONE
        self.taken = 0  #: Bytes of the body.
        self._identity = identity
        self._receive = receive
        self._send = send
        headers = request.headers
        self._is_read = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers

    async def receive(self) -> Message:
        """The next part of the body."""
        message = await self._receive()
        self.taken += len(message.get("body", b""))
        self._is_read = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """The answer's head, or a part of its body."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update({**serving.HEADERS, "X-Request-Id": self._identity})
            if not self._is_read:
                headers["Connection"] = "close"
        elif not self._is_read and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body"}
        await self._send(message)

    async def _linger(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while not self._is_read:
                    await self.receive()
