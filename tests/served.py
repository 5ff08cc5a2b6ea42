"""Pages that docproc serves, for tests: run in a thread, and asked as their own page would ask them."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import uvicorn

Ask = Callable[..., tuple[int, Any]]


@contextmanager
def serving(application: Callable[[int], Any], *, backlog: int | None = None, **how: Any) -> Iterator[int]:
    """The application that the port is given to, served as uvicorn's options say; the port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=backlog)
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application(port), log_level="error", lifespan="off", **how))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield port
    server.should_exit = True
    thread.join()


def asking(port: int, token: str) -> Ask:
    """Status and content of an answer; headers are changed by their names, and left out where empty."""

    def call(path: str, body: Any = None, **changed: str) -> tuple[int, Any]:
        headers = {"Cookie": f"docproc_{port}={token}"}
        if body is not None:
            headers |= {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json"}
        headers |= {key.title(): value for key, value in changed.items()}
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            sent = {key: value for key, value in headers.items() if value}
            connection.request("GET" if body is None else "POST", path, content, sent)
            answer = connection.getresponse()
            told = answer.read()
        return answer.status, json.loads(told) if answer.headers["content-type"] == "application/json" else told

    return call
