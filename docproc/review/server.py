"""The review's server: what its page asks for, and what it is told.

In:  a session. Out: a Starlette application; whom it answers is docproc.serving's subject.
A field is called by its page's source and index and by its name, which are looked up among what is to be reviewed: no
path that a browser sends is ever opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from docproc import serving
from docproc.ledger import NotYours, Overtaken
from docproc.reading import Verdict
from docproc.review.asking import LONGEST_NAME, asked, key_of, line_of
from docproc.review.asking import told as _json
from docproc.review.keying import open_keying_session
from docproc.review.mosaic_routes import mosaic_routes
from docproc.review.session import Session, UnknownItem, open_session

AHEAD = 4  #: Fields that a page holds: the one that is looked at, and those that come next.
LONGEST_VALUE = 200  #: Characters; codes have texts.


def application(session: Session, *, port: int) -> Starlette:
    """The page and answers of one review."""

    async def start(request: Request) -> Response:
        return _json({"folder": session.folder.resolve().name, "who": session.who, "mosaic": session.has_mosaic})

    async def take(request: Request) -> Response:
        given = await asked(request, _Asked)
        return _json(await run_in_threadpool(session.take, given.reviewer, AHEAD, given.known, given.who))

    async def say(request: Request) -> Response:
        given = await asked(request, _Asked)
        said = partial(session.say, given.reviewer, given.who, given.key, given.value, given.verdict, given.after)
        return await _told(session, given, said)

    async def check(request: Request) -> Response:
        given = await asked(request, _Asked)
        return _json({"broken": await _of_item(session.check, given.key, given.value)})

    async def take_back(request: Request) -> Response:
        given = await asked(request, _Asked)
        return await _told(
            session, given, partial(session.take_back, given.reviewer, given.who, given.key, given.after)
        )

    async def leave(request: Request) -> Response:
        session.leave((await asked(request, _Asked)).reviewer)
        return _json({})

    async def page(request: Request) -> Response:
        return _json(await _of_item(session.page, (await asked(request, _Asked)).key))

    routes = [
        Route("/start", start),
        Route("/take", take, methods=["POST"]),
        Route("/say", say, methods=["POST"]),
        Route("/check", check, methods=["POST"]),
        Route("/take-back", take_back, methods=["POST"]),
        Route("/leave", leave, methods=["POST"]),
        Route("/page", page, methods=["POST"]),
        *(mosaic_routes(session) if session.has_mosaic else ()),
    ]
    return serving.guarded(
        routes,
        package="docproc.review",
        home="review.html",
        files=("page.js", "review.js", "review.css", "mosaic.html", "mosaic.js", "mosaic.css"),
        token=session.token,
        port=port,
    )


async def _of_item(do: Callable[..., Any], *of: Any) -> Any:
    try:
        return await run_in_threadpool(do, *of)
    except UnknownItem:
        raise HTTPException(404, "The batch has no such field.") from None


async def _told(session: Session, given: _Asked, do: Callable[[], int]) -> Response:
    """What became of it, and what comes next, in one answer."""
    try:
        number = await _of_item(do)
    except NotYours:
        why = "it is another person's to key, or it is being decided by a third look."
        return serving.refused(409, f"{given.key[2]}: {why}")
    except Overtaken as overtaken:
        last = overtaken.standing
        told = "somebody has taken it back" if last is None else f"{last.who} has said {last.new or 'blank'!r}"
        after = 0 if last is None else last.number
        return serving.refused(409, f"{given.key[2] or 'This page'}: {told} meanwhile; that stands.", after=after)
    return _json(
        {"after": number, **await run_in_threadpool(session.take, given.reviewer, AHEAD, given.known, given.who)}
    )


class _Asked:
    """What a page sent. What no page of ours would send is a ValueError, KeyError or TypeError."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.reviewer = line_of(given["reviewer"], LONGEST_NAME)
        self.who = line_of(given.get("who", ""), LONGEST_NAME)
        self.key = key_of(given.get("key", ("", 0, "")))
        self.known = {key_of(key) for key in given.get("known", ())}  # which the page has: they need not be sent
        self.value = line_of(given.get("value", ""), LONGEST_VALUE)
        self.verdict = Verdict(given.get("verdict", Verdict.ACCEPTED))
        self.after = int(given.get("after", 0))
        if self.verdict is Verdict.REVIEW or (self.verdict is Verdict.REJECTED and self.value):
            raise ValueError("a person accepts a value, or finds it unreadable")


def serve(
    folder: Path,
    *,
    who: str,
    port: int,
    show: Callable[[str, int], None],
    browser: bool,
    key_twice: Sequence[str] = (),
) -> Session:
    """Review a batch until Ctrl-C; the session as it ended.

    Parameters
    ----------
    who : str
        Whom corrections are by, unless a browser names another one.
    show : (address, items left) -> None
        Is given the address to open, once it answers.
    key_twice : sequence of str
        Names of fields, with wildcards: these are keyed by two persons, and nothing else is looked at.

    Raises
    ------
    LedgerError
        If there is no ledger, or another review of it is open.
    OutputError
        If the port is taken.
    """
    opened = open_keying_session(folder, key_twice, who=who) if key_twice else open_session(folder, who=who)
    with opened as session:
        serving.serve(
            lambda port: application(session, port=port),
            token=session.token,
            port=port,
            show=lambda address: show(address, session.left()),
            browser=browser,
        )
    return session
