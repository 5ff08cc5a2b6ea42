"""The HTTP API: whom it answers, what it takes, what it tells, and that nothing is lost or left behind.

Pages are read for what their pixels say, so that a test can tell whose answer it got, and can make reading fail.
"""

from __future__ import annotations

import http.client
import io
import json
import logging
import os
import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator
from PIL import Image
from served import serving

from docproc.api import guard, receiving, server, service
from docproc.api.guard import Access
from docproc.api.server import FILES, Protocol, application, openapi
from docproc.api.service import Service
from docproc.decision import Policy
from docproc.page import Page
from docproc.reader import FAULT_REMEDY, OpenReader
from docproc.reading import FieldReading, Record, Verdict
from docproc.template import Template

TOKEN = "a-token-of-26-characters-0"
BEARER = f"Bearer {TOKEN}"
MOST_BYTES = 20_000
TIMEOUT_S = 1.5
CLIENTS = 50
DEADLY, SLOW, FAULTY, PATIENT = 1, 2, 3, 4  #: Gray levels, by which pages do not simply give their level.
FORM = {"page": {"width_mm": 40, "height_mm": 20}, "reference": "blank.png"}
FIELD = {"name": "level", "kind": "free", "box": [1, 1, 20, 10]}
ALONE = 240  #: From this level on, pages are no pages of a paper, and no two may have one level.


def read_level(page: Page, templates: tuple[Template, ...], *_: Any, **__: Any) -> Record:
    """The page's gray level, as the value of its field."""
    level = int(page.pixels[0, 0])
    if level == DEADLY:
        os._exit(9)
    if level == SLOW:
        time.sleep(60)
    if level == FAULTY:
        raise ValueError("a fault that quotes 4711")
    if level == PATIENT:
        time.sleep(0.5)
    reading = FieldReading("level", str(level), 0.987654321, Verdict.REVIEW, ("gap",), (("", 0.01), ("7", 0.001)))
    digest = "alone" if level >= ALONE else "odd" if level % 2 else "even"
    names = "+".join(template.name for template in templates)
    return Record(page.ref, names, digest, "", (reading,), Verdict.REVIEW, ("clipped",), detail="A sentence.")


def png(level: int) -> bytes:
    return pages(level, kind="PNG")


def pages(*levels: int, kind: str = "TIFF") -> bytes:
    """A page of each gray level."""
    first, *others = [Image.new("L", (8, 8), level) for level in levels]
    written = io.BytesIO()
    first.save(written, kind, **({"save_all": True, "append_images": others} if others else {}))
    return written.getvalue()


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def values(self) -> list[str]:
        return [page["fields"]["level"]["value"] for page in self.json["pages"]]


Ask = Callable[..., Answer]


def template(name: str, **more: Any) -> Template:
    made = Template.model_validate({**FORM, "name": name, "fields": [FIELD], **more})
    made._digest = name
    return made


@pytest.fixture(scope="module")
def pool() -> Iterator[Service]:
    forms = {
        "1.yaml": template("even", paper={"name": "pair", "page": 1, "pages": 2}),
        "2.yaml": template("odd", paper={"name": "pair", "page": 2, "pages": 2}),
        "3.yaml": template("alone", fields=[{**FIELD, "unique": True}]),
    }
    reader = OpenReader(None, forms, Policy(0.9), read=read_level)  # type: ignore[arg-type]
    opened = Service(reader, 2, TIMEOUT_S, print)
    while opened.executor.ready < 2:
        time.sleep(0.02)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def port(pool: Service) -> Iterator[int]:
    access = Access(TOKEN, frozenset({"127.0.0.1", "localhost", "::1", "forms.example.org"}))
    with serving(lambda _: application(pool, access, most_bytes=MOST_BYTES), backlog=CLIENTS, http=Protocol) as port:
        yield port


@pytest.fixture
def ask(port: int) -> Ask:
    def call(path: str, body: Any = None, method: str = "", **changed: str) -> Answer:
        headers = {"Authorization": BEARER} | {key.replace("_", "-"): value for key, value in changed.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            given = {key: value for key, value in headers.items() if value}
            connection.request(method or ("GET" if body is None else "POST"), path, body, given)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    return call


def form(content: bytes, *, filename: str = "scan.png", **fields: str) -> dict[str, Any]:
    """Body and content type of a form with a file."""
    parts = [
        f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--xx\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'.encode()
    return {
        "body": b"".join([*parts, head, content, b"\r\n--xx--\r\n"]),
        "Content_Type": "multipart/form-data; boundary=xx",
    }


def head(told: int | str, token: str = TOKEN) -> bytes:
    """Of a request whose body follows, of so many bytes or as the header says."""
    length = told if isinstance(told, str) else f"Content-Length: {told}"
    return f"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{length}\r\n\r\n".encode()


def logged(caplog: pytest.LogCaptureFixture, *identities: str) -> list[str]:
    """The lines of these requests, which are written a moment after their answers."""
    lines: list[str] = []
    while len(lines) < len(identities):
        told = [record.getMessage() for record in caplog.records]
        lines = [line for name in identities for line in told if line.startswith(f"request={name} ")]
        time.sleep(0.01)
    return lines


def test_a_page_comes_back_with_the_names_of_the_tables(ask: Ask) -> None:
    answer = ask("/v1/read?source=scan.png&template=even", png(200))
    assert answer.status == 200
    assert answer.json == {
        "source": "scan.png",
        "pages": [
            {
                "source": "scan.png",
                "page": 1,
                "template": "even",
                "status": "review",
                "reasons": ["clipped"],
                "detail": "A sentence.",
                "fields": {
                    "level": {
                        "value": "200",
                        "confidence": 0.987654,
                        "status": "review",
                        "reasons": ["gap"],
                        "alternatives": [{"value": "", "chance": 0.01}, {"value": "7", "chance": 0.001}],
                        "left_px": None,
                        "top_px": None,
                        "width_px": None,
                        "height_px": None,
                    }
                },
            }
        ],
        "errors": [],
    }


def test_a_form_and_a_bare_body_give_the_same_and_without_a_name_all_templates_are_tried(ask: Ask) -> None:
    by_form = ask("/v1/read", **form(png(90), template="even"))
    assert by_form.json == ask("/v1/read?source=scan.png&template=even", png(90)).json
    assert by_form.json["pages"][0]["template"] == "even"
    assert ask("/v1/read", **form(png(90))).json["pages"][0]["template"] == "even+odd+alone"
    assert ask("/v1/templates").json["templates"][1] == {
        "name": "even",
        "width_mm": 40,
        "height_mm": 20,
        "fields": ["level"],
    }


def test_pages_of_a_file_are_put_together_unless_a_template_is_named(ask: Ask) -> None:
    def reasons(*levels: int, of: str = "") -> list[list[str]]:
        return [page["reasons"] for page in ask(f"/v1/read?{of}", pages(*levels)).json["pages"]]

    assert reasons(60, 61) == [["clipped"]] * 2
    assert reasons(60, 62) == [["clipped", "missing_page:2"]] * 2
    assert reasons(60, 62, of="template=even") == [["clipped"]] * 2
    assert reasons(ALONE, ALONE) == [["clipped", "double_of:page, page 2"], ["clipped", "double_of:page, page 1"]]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1@evil", "[", " "]
)
def test_a_foreign_host_is_refused_whatever_it_asks(ask: Ask, host: str) -> None:
    for path in ("/", "/openapi.json", "/v1/templates", "/metrics"):
        assert ask(path, Host=host).status == 421
    assert ask("/v1/read", png(90), Host=host).status == 421
    assert ask("/health", Host=host).json == {"status": "ok"}


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST:1", "[::1]:8000", "forms.example.org"])
def test_its_own_hosts_are_answered(ask: Ask, host: str) -> None:
    assert ask("/v1/templates", Host=host).status == 200


def test_pages_of_other_sites_are_refused_and_never_told_that_they_may_read(ask: Ask, port: int) -> None:
    for origin in ("http://evil.example", "null", f"http://localhost:{port}", f"http://127.0.0.1:{port + 1}"):
        for answer in (ask("/v1/read", png(90), Origin=origin), ask("/v1/read", method="OPTIONS", Origin=origin)):
            assert answer.status == 403
            assert "access-control-allow-origin" not in answer.headers
    assert ask("/v1/read", png(90), Origin=f"http://127.0.0.1:{port}").values == ["90"]
    assert ask("/v1/templates", Host="forms.example.org", Origin="https://forms.example.org").status == 200


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer guess", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xe9"])
def test_without_the_token_nothing_is_read_or_told(ask: Ask, given: str) -> None:
    for path in ("/v1/templates", "/metrics", "/v1/read", "/nowhere"):
        answer = ask(path, Authorization=given)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="docproc"')
    assert ask("/v1/read", png(90), Authorization=given).status == 401
    for path in ("/", "/page.js", "/page.css", "/openapi.json", "/health", "/ready"):
        assert ask(path, Authorization=given).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../openapi.json",
        "/v1/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/read/..%2f..%2fx",
        "//etc/passwd",
        "/guard.py",
    ],
)
def test_a_path_with_dots_is_no_path(ask: Ask, path: str) -> None:
    assert ask(path).status == 404
    assert ask(path, Authorization="").status == 401


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "1.yaml", "..", "even\0"])
def test_a_template_is_a_name_and_never_a_path(ask: Ask, name: str) -> None:
    answer = ask("/v1/read", **form(png(90), template=name))
    assert answer.status == 404
    assert answer.json["detail"] == f"There is no template {name!r}."
    assert answer.json["remedy"] == "Name one of alone, even, odd; or leave the name out: each page finds its own."


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("..\\\\..\\\\scan.png", "scan.png"),
        ("..", "page"),
        ("", "page"),
        ("a\tb.png", "a\\tb.png"),
        ("x" * 500, "x" * 200),
    ],
)
def test_a_file_is_called_by_its_name_without_its_folders(ask: Ask, name: str, called: str) -> None:
    answer = ask("/v1/read", **form(png(90), filename=name))
    assert (answer.json["source"], answer.json["pages"][0]["source"], answer.values) == (called, called, ["90"])


def test_a_body_may_be_as_large_as_is_said_and_no_byte_larger(ask: Ask) -> None:
    whole = png(77).ljust(MOST_BYTES, b"\0")
    assert ask("/v1/read", whole).values == ["77"]
    assert ask("/v1/read", iter([whole])).values == ["77"]
    refused = ask("/v1/read", whole + b"\0")
    assert (refused.status, refused.json["detail"]) == (413, "The upload is larger than 0.02 MB.")
    assert refused.headers["connection"] == "close"
    assert ask("/v1/read", iter([whole, b"\0"])).status == 413


@pytest.mark.parametrize("told", ["Content-Length: 2000000000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("token", [TOKEN, "guess"])
def test_an_upload_of_2_gb_is_cut_off_while_it_is_sent(
    port: int, told: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "LINGER_S", 0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(head(told, token))
        chunk = b"8000\r\n" + bytes(0x8000) + b"\r\n" if "chunked" in told else bytes(0x8000)
        client.sendall(chunk)
        answer = client.recv(1000)  # while the client has sent less than a five-hundredth
        assert answer.split()[1] == (b"413" if token == TOKEN else b"401")
        with pytest.raises(ConnectionError):
            while True:
                client.sendall(chunk)


def test_an_upload_that_takes_too_long_is_refused_and_hung_up_on(
    port: int, pool: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "UPLOAD_S", 0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(head(9000) + png(90)[:20])
        answer = b"".join(iter(lambda: client.recv(4000), b""))
    assert answer.split()[1] == b"408"
    assert pool.in_hand == 0


def test_a_client_that_never_comes_to_its_request_is_hung_up_on(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.3)
    patient = pages(PATIENT, kind="PNG")
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as silent,
        socket.create_connection(("127.0.0.1", port), timeout=60) as slow,
        socket.create_connection(("127.0.0.1", port), timeout=60) as at_work,
    ):
        slow.sendall(b"GET /health HTTP/1.1\r\nHo")
        at_work.sendall(head(len(patient)) + patient)
        assert (silent.recv(1), slow.recv(1)) == (b"", b"")
        assert at_work.recv(1000).split()[1] == b"200"


def test_fifty_clients_at_once_get_each_their_own_page(ask: Ask, pool: Service) -> None:
    levels = range(100, 100 + CLIENTS)
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda level: ask("/v1/read", **form(png(level))), levels))
    assert [answer.status for answer in answers] == [200] * CLIENTS
    assert [answer.values for answer in answers] == [[str(level)] for level in levels]
    assert pool.in_hand == 0


def test_those_beyond_what_can_wait_are_told_when_to_come_again(
    ask: Ask, pool: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_IN_HAND", 5)
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda _: ask("/v1/read", png(PATIENT)), range(CLIENTS)))
    served = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 503]
    assert len(served) >= 5
    assert len(served) + len(refused) == CLIENTS
    assert all(answer.values == [str(PATIENT)] for answer in served)
    assert {answer.headers["retry-after"] for answer in refused} == {"5"}
    assert ask("/v1/read", png(90)).status == 200


def test_pages_of_one_file_are_read_in_order_and_those_that_fail_are_named(ask: Ask) -> None:
    answer = ask("/v1/read?source=scan.tif", pages(61, DEADLY, 63))
    assert (answer.status, answer.values) == (200, ["61", "63"])
    (failure,) = answer.json["errors"]
    assert (failure["source"], failure["page"]) == ("scan.tif", 2)
    assert failure["error"] == "scan.tif, page 2: the process that worked on it ended with exit code 9, twice."


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [
        (png(DEADLY), 422, "scan, page 1: the process that worked on it ended with exit code 9, twice."),
        (png(SLOW), 504, "scan, page 1: reading took longer than 1.5 s."),
        (b"no image at all", 422, "scan: this is text, not an image, whatever its name says."),
        (png(90)[:-20], 422, "scan: the PNG is damaged or cut short (its end is missing)."),
        (b"", 422, "scan: the file is empty (0 bytes)."),
    ],
    ids=["deadly", "slow", "text", "cut", "empty"],
)
def test_a_file_of_which_no_page_is_read_is_an_error_with_a_remedy(
    ask: Ask, content: bytes, status: int, detail: str
) -> None:
    answer = ask("/v1/read?source=scan", content, X_Request_Id="mine")
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json
    assert (answer.status, told["status"], told["detail"]) == (status, status, detail)
    assert (told["request_id"], answer.headers["x-request-id"]) == ("mine", "mine")
    assert told["remedy"]
    assert ask("/v1/read", png(90)).values == ["90"]


def test_a_fault_of_docproc_is_500_and_says_that_it_is_one(ask: Ask) -> None:
    answer = ask("/v1/read", png(FAULTY))
    assert (answer.status, answer.json["remedy"]) == (500, FAULT_REMEDY)


def test_a_file_of_too_many_pages_is_refused_before_any_is_read(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_PAGES", 2)
    assert ask("/v1/read", pages(61, 62)).values == ["61", "62"]
    assert ask("/v1/read", pages(DEADLY, DEADLY, DEADLY)).status == 413


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/v1/read?templat=even", {"body": png(90)}),
        ("/v1/read", form(png(90), templat="even")),
        ("/v1/read", {"body": b"--xx--\r\n", "Content_Type": "multipart/form-data; boundary=xx"}),
        ("/v1/read", {"body": b"nonsense", "Content_Type": "multipart/form-data; boundary=xx"}),
        ("/v1/read", {"body": b"nonsense", "Content_Type": "multipart/form-data"}),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused_with_how_it_is_done(
    ask: Ask, path: str, request_: dict[str, Any]
) -> None:
    answer = ask(path, **request_)
    assert answer.status == 400
    assert answer.json["remedy"] == receiving.USAGE


def test_a_client_that_goes_away_costs_no_other_anything(
    ask: Ask, port: int, pool: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "docproc.api")
    content = pages(*[PATIENT] * 20)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(head(f"X-Request-Id: leaver\r\nContent-Length: {len(content)}") + content)
        while not pool.in_hand:
            time.sleep(0.01)
    (line,) = logged(caplog, "leaver")
    assert " status=499 " in line
    assert pool.in_hand == 0
    assert ask("/v1/read", png(90)).values == ["90"]


def test_no_upload_has_a_name_on_the_disk_while_it_is_read_or_afterwards(
    ask: Ask, pool: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ThreadPoolExecutor() as client:
        reading = client.submit(ask, "/v1/read", **form(png(PATIENT)))
        while not reading.done():
            assert os.listdir(tmp_path) == []
        assert reading.result().values == [str(PATIENT)]
    assert os.listdir(tmp_path) == []


def test_where_files_without_a_name_cannot_be_opened_a_copy_serves_and_is_gone_afterwards(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(receiving, "DESCRIPTORS", tmp_path / "no-such-folder")
    assert ask("/v1/read", png(90)).values == ["90"]
    assert ask("/v1/read", **form(png(91))).values == ["91"]
    assert os.listdir(tmp_path) == []


def test_the_log_has_a_line_a_request_with_its_id_and_nothing_of_what_was_sent(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "docproc.api")
    sent = form(png(90), filename="secret-name", template="even")
    ask("/v1/read?source=secret-source", X_Request_Id="ticket-7:a", **sent)
    made = ask("/secret-path?secret=secret", X_Request_Id="an insane id\x85").headers["x-request-id"]
    ask("/v1/read?template=secret-template", png(90), X_Request_Id="ticket-8")
    read, lost, refused = logged(caplog, "ticket-7:a", made, "ticket-8")
    size = len(sent["body"])
    assert re.fullmatch(
        rf"request=ticket-7:a method=POST route=/v1/read status=200 bytes={size} pages=1 seconds=\d\.\d{{3}}", read
    )
    assert re.match(r"request=[0-9a-f]{32} method=GET route=other status=404 bytes=0 ", lost)
    assert " status=404 " in refused
    assert "secret" not in caplog.text


def test_what_was_done_is_counted(ask: Ask) -> None:
    def counts() -> dict[str, float]:
        lines = ask("/metrics").body.decode().splitlines()
        return {name: float(count) for name, count in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    before = counts()
    ask("/v1/read", pages(61, DEADLY, 63))
    ask("/v1/read", b"no image")
    after = counts()
    more = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert more.pop("docproc_read_seconds_sum") > 0
    assert {name: more[name] for name in more if not re.search("bucket|ready", name)} == {
        'docproc_requests_total{route="/v1/read",method="POST",status="200"}': 1,
        'docproc_requests_total{route="/v1/read",method="POST",status="422"}': 1,
        'docproc_requests_total{route="/metrics",method="GET",status="200"}': 1,
        'docproc_pages_total{status="review"}': 2,
        'docproc_pages_total{status="failed"}': 1,
        'docproc_fields_total{status="review"}': 2,
        "docproc_read_seconds_count": 1,
        "docproc_workers_lost_total": 2,
    }
    assert more['docproc_read_seconds_bucket{le="+Inf"}'] == 1
    assert (after["docproc_requests_in_hand"], after["docproc_tasks_waiting"]) == (0, 0)
    assert after["docproc_workers_ready"] in (1, 2)


def test_readiness_is_told_by_whether_a_page_would_be_taken(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask("/ready", Authorization="", Host="10.1.2.3").json == {"status": "ready"}
    monkeypatch.setattr(service, "MOST_IN_HAND", 0)
    answer = ask("/ready", Authorization="")
    assert (answer.status, answer.json) == (503, {"status": "not ready"})
    assert ask("/health", Authorization="").status == 200


def test_the_description_fits_the_answers(ask: Ask, port: int) -> None:
    described = ask("/openapi.json").json
    assert described == openapi()

    def check(answer: Answer, schema: str) -> None:
        Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **described}).validate(answer.json)

    check(ask("/v1/read", pages(61, DEADLY)), "Answer")
    check(ask("/v1/templates"), "Templates")
    check(ask("/v1/read", b"no image"), "Problem")
    answers = {path: ask(path, None if "get" in how else png(90)) for path, how in described["paths"].items()}
    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(described["paths"], 200)
    linked = re.findall(r"<code>[A-Z]+ (/[\w/.]*)</code>", ask("/").body.decode())
    assert set(linked) == {*described["paths"], "/openapi.json"}


def test_the_page_is_whole_without_the_network(ask: Ask) -> None:
    content = "".join(ask(path).body.decode() for path in FILES)
    assert re.findall(r"https?://|//[a-z]+\.", content) == []
    assert set(re.findall(r'(?:src|href)="([^"]+)"', content)) <= {*FILES, "/openapi.json", "data:,"}
    assert "script" not in ask("/").headers["content-security-policy"]
    assert "unsafe" not in ask("/").headers["content-security-policy"]
