"""What the mosaic's page asks for, and what it is told.

In:  a session. Out: routes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from docproc import serving
from docproc.ledger import Overtaken
from docproc.review.asking import LONGEST_NAME, asked, key_of, line_of, told
from docproc.review.queue import Key
from docproc.review.ranking import DIGITS
from docproc.review.session import Session, UnknownItem

A_SCREEN = 100  #: Characters.


def mosaic_routes(session: Session) -> list[Route]:
    """For `docproc.review.server.application`."""

    async def counts(request: Request) -> Response:
        return told({"counts": await run_in_threadpool(session.mosaic.counts), "a_screen": A_SCREEN})

    async def screen(request: Request) -> Response:
        given = await asked(request, _Screen.of)
        return told({"tiles": await run_in_threadpool(session.screen, given.digit, given.first, A_SCREEN)})

    async def pictures(request: Request) -> Response:
        given = await asked(request, _Pictures.of)
        made = await run_in_threadpool(session.mosaic.pictures, given.source, given.index, given.places)
        return told({"pictures": made})

    async def doubt(request: Request) -> Response:
        given = await asked(request, _Doubt.of)
        try:
            await run_in_threadpool(lambda: session.doubt(given.who, given.key, withdrawn=given.withdrawn))
        except UnknownItem:
            raise HTTPException(404, "The batch has no such field.") from None
        except Overtaken as overtaken:
            by = "Somebody" if overtaken.standing is None else overtaken.standing.who
            return serving.refused(409, f"{given.key[2]}: {by} has looked at it meanwhile; that stands.")
        return told({"left": session.left()})

    return [
        Route("/mosaic/counts", counts, methods=["POST"]),
        Route("/mosaic/screen", screen, methods=["POST"]),
        Route("/mosaic/pictures", pictures, methods=["POST"]),
        Route("/mosaic/doubt", doubt, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Screen:
    digit: str
    first: int

    @staticmethod
    def of(given: dict[str, Any]) -> _Screen:
        digit, first = given["digit"], int(given["first"])
        if digit not in tuple(DIGITS) or first < 0:
            raise ValueError("no digit")
        return _Screen(digit, first)


@dataclass(frozen=True, slots=True)
class _Pictures:
    source: str
    index: int
    places: tuple[tuple[str, int], ...]  #: Fields' names, and the positions of their characters.

    @staticmethod
    def of(given: dict[str, Any]) -> _Pictures:
        places = tuple((str(field), int(position)) for field, position in given["places"][:A_SCREEN])
        return _Pictures(str(given["source"]), int(given["index"]), places)


@dataclass(frozen=True, slots=True)
class _Doubt:
    who: str
    key: Key
    withdrawn: bool

    @staticmethod
    def of(given: dict[str, Any]) -> _Doubt:
        return _Doubt(line_of(given["who"], LONGEST_NAME), key_of(given["key"]), bool(given["withdrawn"]))
