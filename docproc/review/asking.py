"""What a browser asks of the review: small JSON objects. Whatever no page of ours would send is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from docproc import serving
from docproc.review.queue import Key

LONGEST_NAME = 60  #: Characters, of a reviewer.
LARGEST_BODY = 20_000  #: Bytes.
NOT_OURS = "This is not what the review's page sends."

T = TypeVar("T")


async def asked(request: Request, kind: Callable[[dict[str, Any]], T]) -> T:
    """What a page sent, as `kind` makes it of its JSON; at what is amiss that raises ValueError, KeyError, TypeError.

    Raises
    ------
    HTTPException
        400 or 413.
    """
    try:
        body = b""
        async for some in request.stream():
            body += some
            if len(body) > LARGEST_BODY:
                raise HTTPException(413, NOT_OURS)
        return kind(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, ClientDisconnect):
        raise HTTPException(400, NOT_OURS) from None


def key_of(given: Any) -> Key:
    """The name of a field, or of a page."""
    source, index, field = given
    return str(source), int(index), str(field)


def line_of(given: object, longest: int) -> str:
    """One line of text; a ValueError where it is none, or too long."""
    text = str(given).strip()
    if len(text) > longest or not (text.isprintable()):
        raise ValueError("no line of text")
    return text


def told(answer: dict[str, Any]) -> Response:
    """As JSON."""
    return JSONResponse(answer, headers=serving.HEADERS)
