"""Why a request was not done, in words: what is wrong and where, and what to do about it (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from docproc.errors import DocprocError
from docproc.reader import FAULT_REMEDY

CLIENT_GONE = 499  #: As nginx calls it; stands in the log alone, since nobody hears it.

#: What to do where a router refuses, by the status.
REMEDIES = {
    404: "GET / lists all addresses.",
    405: "GET / says what can be asked in which way.",
}


class Refusal(HTTPException):
    """Raised instead of an answer.

    Parameters
    ----------
    status : int
        Of HTTP.
    message : str
        What is wrong, and where.
    remedy : str
        What to do about it.
    errors : sequence of dicts
        Of the pages of a file, as errors.csv names them.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        remedy: str,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.remedy = remedy
        self.errors = errors


async def told(request: Request, error: Exception) -> Response:
    """The answer to a request that ended in an error."""
    match error:
        case Refusal():
            return _problem(
                request, error.status_code, error.detail, error.remedy, headers=error.headers, errors=error.errors
            )
        case HTTPException(status_code=status):
            return _problem(request, status, f"{error.detail}.", REMEDIES.get(status, ""), headers=error.headers)
        case DocprocError():
            return _problem(request, 500, error.message, error.remedy)
    return _problem(
        request, 500, "docproc has failed; its log has the reason, under this request's id.", FAULT_REMEDY
    )


async def gone(request: Request, error: Exception) -> Response:
    """For the log, where a client did not wait for its answer."""
    return Response(status_code=CLIENT_GONE)


def _problem(
    request: Request,
    status: int,
    detail: str,
    remedy: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, Any]] = (),
) -> Response:
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "remedy": remedy,
        "request_id": request.state.request_id,
        **({"errors": list(errors)} if errors else {}),
    }
    return JSONResponse(content, status, headers, media_type="application/problem+json")
