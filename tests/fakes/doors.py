"""The other side of each channel: an HTTP server and a mail server that do as they are told."""

import base64
import socketserver
import ssl
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any


@dataclass
class Post:
    """One POST as it arrived."""

    key: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class WebhookReceiver:
    """A real HTTP server on loopback. `answer` decides the status of each POST."""

    answer: Callable[[Post], int] = lambda _: 200
    takes_s: float = 0.0
    location: str = ""
    posts: list[Post] = field(default_factory=list)
    gate: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.gate.set()  # while it is clear, every POST hangs
        self._lock = Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                key = self.headers.get("Idempotency-Key", "")
                post = Post(key, dict(self.headers), body, time.time())
                receiver.gate.wait(30)
                time.sleep(receiver.takes_s)
                with receiver._lock:
                    receiver.posts.append(post)
                self.send_response(receiver.answer(post))
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def keys(self) -> list[str]:
        with self._lock:
            return [post.key for post in self.posts]

    def wait_for(self, count: int, seconds: float = 10) -> list[Post]:
        end = time.monotonic() + seconds
        while len(self.posts) < count and time.monotonic() < end:
            time.sleep(0.01)
        return list(self.posts)

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Whoever was killed in the middle of a POST is no news here."""


@dataclass
class MailServer:
    """A mail server on loopback that speaks as much SMTP as smtplib needs.

    `replies` says what to answer to a command instead; `hangs` never greets.
    """

    replies: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    speaks_tls_at_once: bool = False
    hangs: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                conversation = _Conversation(server, self)
                try:
                    conversation.hold()
                finally:
                    conversation.close()

        self._server = _QuietTcp(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self._server.server_address[1]
        return port

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _QuietTcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news here."""


class _Conversation:
    def __init__(self, server: MailServer, handler: socketserver.StreamRequestHandler) -> None:
        self.server, self.socket = server, handler.connection
        self.lines = handler.rfile

    def hold(self) -> None:
        if self.server.hangs:
            time.sleep(30)
        if self.server.speaks_tls_at_once:
            self._begin_tls()
        self._say("220 ready")
        while line := self.lines.readline():
            words = line.decode().strip()
            command = words.split(" ")[0].upper()
            self.server.heard.append(words)
            if command in self.server.replies:
                self._say(self.server.replies[command])
            elif command == "EHLO":
                tls = "250-STARTTLS\r\n" if self.server.tls else ""
                self._say(f"250-here\r\n{tls}250 AUTH PLAIN")
            elif command == "STARTTLS":
                self._say("220 go on")
                self._begin_tls()
            elif command == "DATA":
                self._say("354 go on")
                self._take_mail()
                self._say("250 taken")
            elif command == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("235 welcome" if command == "AUTH" else "250 fine")

    def close(self) -> None:
        self.lines.close()
        self.socket.close()

    def _take_mail(self) -> None:
        taken = b""
        while (line := self.lines.readline()) != b".\r\n":
            taken += line
        mail = message_from_bytes(taken, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.server.mails.append(mail)

    def _begin_tls(self) -> None:
        assert self.server.tls
        plain = self.socket
        self.socket = self.server.tls.wrap_socket(
            plain, server_side=True, do_handshake_on_connect=False
        )
        self.socket.do_handshake()
        self.lines = self.socket.makefile("rb")

    def _say(self, words: str) -> None:
        self.socket.sendall(f"{words}\r\n".encode())


def signed_in_as(heard: list[str]) -> tuple[str, str] | None:
    """Who signed in, and with what, of what a mail server heard."""
    for words in heard:
        if words.startswith("AUTH PLAIN "):
            _, name, password = base64.b64decode(words.split(" ")[2]).decode().split("\0")
            return name, password
    return None


def a_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for `localhost`, and the authority to check it against."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
