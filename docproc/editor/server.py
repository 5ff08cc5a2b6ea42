"""The editor's server: one page and what it asks for, for the browser on this machine alone.

In:  a template's path, filled pages to try it on. Out: a Starlette application.
Whom it answers is docproc.serving's subject.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from docproc import serving
from docproc.character.recognizer import load_recognizer
from docproc.combination.line_reader import line_reader_beside
from docproc.decision import Policy
from docproc.editor import storage
from docproc.errors import PageError
from docproc.form.features import load_reference
from docproc.form.overlay import white_sheet
from docproc.form.registration import Registration, register
from docproc.geometry import Transform
from docproc.page import PageRef, find_sources, list_pages, load_page
from docproc.pipeline import read_page
from docproc.reading import Record

SHEET_SIDE_PX = 2000  #: Of the pictures that the browser gets.


class Session:
    """One template that is being edited, and the pages that it is tried on."""

    def __init__(self, path: Path, filled: Sequence[str]) -> None:
        self.path = path
        self.token = serving.new_token()
        self.pages: list[PageRef] = (
            [ref for source in find_sources(filled) for ref in list_pages(source)] if filled else []
        )
        self.filled_png = b""  #: The page that was read last, laid on the sheet.
        self.contents: dict[str, bytes] = {}  #: The file's, by digest, as browsers were given and have saved it.
        storage.read(path)  # what cannot be edited at all is said before a browser opens

    def sheet_png(self) -> bytes:
        """The reference image cut to the sheet, or a white sheet."""
        data = storage.read(self.path).data
        template = storage.template_of({**data, "fields": [_ANY_FIELD]}, self.path)
        reference = load_reference(template)
        if reference is None:
            pixels, _ = white_sheet(template)
        else:
            size_mm = (template.page.width_mm, template.page.height_mm)
            pixels = _cut_to_sheet(reference.gray, reference.reference_from_form, size_mm)
        return _png(pixels)

    def read(self, data: dict[str, Any], number: int) -> Record:
        """Read a filled page by the template as it is on the page, saved or not."""
        if not 0 <= number < len(self.pages):
            raise PageError(f"There is no page {number + 1}.", remedy="Name filled pages behind the template.")
        template = storage.template_of(data, self.path)
        recognizer, reader = _readers()
        policy = Policy((reader or recognizer).card.review_below)
        page = load_page(self.pages[number])
        found = register(page, template)
        if isinstance(found, Registration):
            size_mm = (template.page.width_mm, template.page.height_mm)
            self.filled_png = _png(_cut_to_sheet(page.pixels, found.page_from_form, size_mm))
        return read_page(page, [template], recognizer, policy, line_reader=reader)


_ANY_FIELD = {"name": "any", "kind": "free", "box": [0, 0, 1, 1]}


def _cut_to_sheet(
    pixels: npt.NDArray[np.uint8], pixels_from_form: Transform, size_mm: tuple[float, float]
) -> npt.NDArray[np.uint8]:
    """The sheet alone, upright."""
    scale = SHEET_SIDE_PX / max(size_mm)
    size = (round(size_mm[0] * scale), round(size_mm[1] * scale))
    sheet_from_form = Transform.translation(-0.5, -0.5) @ Transform.scaling(scale)
    matrix = (pixels_from_form @ sheet_from_form.inverse()).matrix
    flags = cv2.INTER_AREA | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(pixels, matrix, size, flags=flags, borderValue=(255, 255, 255)).astype(np.uint8)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, format="PNG")
    return written.getvalue()


@cache
def _readers() -> tuple[Any, Any]:
    recognizer = load_recognizer()
    return recognizer, line_reader_beside(recognizer)


def application(session: Session, *, port: int) -> Starlette:
    """The pages and answers of one session."""

    async def sheet(request: Request) -> Response:
        return Response(await run_in_threadpool(session.sheet_png), media_type="image/png", headers=serving.HEADERS)

    async def filled(request: Request) -> Response:
        return Response(session.filled_png, media_type="image/png", headers=serving.HEADERS)

    async def template(request: Request) -> Response:
        stored = storage.read(session.path)
        session.contents[stored.digest] = stored.content
        pages = [f"{ref.source}{f', page {ref.index + 1}' if ref.index else ''}" for ref in session.pages]
        return JSONResponse(
            {"template": stored.data, "digest": stored.digest, "pages": pages, "file": session.path.name}
        )

    async def check(request: Request) -> Response:
        storage.template_of((await _asked(request))["template"], session.path)
        return JSONResponse({})

    async def save(request: Request) -> Response:
        given = await _asked(request, "digest")
        try:
            content = await run_in_threadpool(storage.save, session.path, given["template"], given["digest"])
        except storage.Changed:
            return serving.refused(
                409,
                f"{session.path.name} was changed by somebody else since this page was opened; nothing was saved.",
            )
        digest = storage.digest_of(content)
        session.contents[digest] = content
        return JSONResponse({"digest": digest})

    async def save_copy(request: Request) -> Response:
        given = await _asked(request, "digest")
        content = session.contents.get(str(given["digest"]))
        if content is None:
            raise HTTPException(400, NOT_OURS)
        copy = await run_in_threadpool(storage.save_copy, session.path, given["template"], content)
        return JSONResponse({"file": copy.name})

    async def read(request: Request) -> Response:
        given = await _asked(request, "page")
        record = await run_in_threadpool(session.read, given["template"], int(given["page"]))
        fields = {
            one.name: {
                "value": one.text,
                "status": one.verdict.value,
                "confidence": one.confidence,
                "reasons": one.reasons,
            }
            for one in record.fields
        }
        return JSONResponse({"fields": fields, "reasons": record.reasons, "detail": record.detail})

    routes = [
        Route("/sheet.png", sheet),
        Route("/filled.png", filled),
        Route("/template", template),
        Route("/check", check, methods=["POST"]),
        Route("/save", save, methods=["POST"]),
        Route("/save-copy", save_copy, methods=["POST"]),
        Route("/read", read, methods=["POST"]),
    ]
    return serving.guarded(
        routes,
        package="docproc.editor",
        home="editor.html",
        files=("editor.js", "editor.css"),
        token=session.token,
        port=port,
    )


NOT_OURS = "This is not what the editor's page sends."


async def _asked(request: Request, *more: str) -> dict[str, Any]:
    """What the page sent: a template with its fields, and what else is needed."""
    try:
        given = await request.json()
        if all(isinstance(field, dict) for field in given["template"]["fields"]) and all(
            key in given for key in more
        ):
            return dict(given)
    except (ValueError, KeyError, TypeError, ClientDisconnect):  # a browser may go away in the middle
        pass
    raise HTTPException(400, NOT_OURS)


def serve(path: Path, filled: Sequence[str], *, port: int, show: Callable[[str], None], browser: bool) -> None:
    """Edit a template until Ctrl-C; see `docproc.serving.serve`.

    Raises
    ------
    TemplateError, PageError
        If template or pages cannot be opened.
    OutputError
        If the port is taken.
    """
    session = Session(path, filled)
    serving.serve(
        lambda port: application(session, port=port), token=session.token, port=port, show=show, browser=browser
    )
