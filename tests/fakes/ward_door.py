"""A ward's HTTP door for homes that enrol: it answers as it is told, and notes what it was asked.

Ours, small and honest: it can answer, refuse, send somewhere else, or hang up without a word.
"""

import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HANG_UP = 0


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class WardDoor:
    """`with WardDoor() as door:`; each request takes the next of `answers`, the last for ever."""

    answers: list[tuple[int, dict[str, Any] | str]]
    certificate: Path | None = None
    location: str = ""
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                door._answer(self)

            def do_GET(self) -> None:
                door._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.certificate.with_suffix(".key"))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        self.asked.append(Asked(request.path, dict(request.headers), body))
        status, content = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == HANG_UP:
            request.connection.close()
            return
        whole = (content if isinstance(content, str) else json.dumps(content)).encode()
        request.send_response(status)
        if self.location:
            request.send_header("Location", self.location)
        request.send_header("Content-Length", str(len(whole)))
        request.end_headers()
        request.wfile.write(whole)
