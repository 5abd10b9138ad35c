"""GOV.UK Notify as its documentation describes it, on loopback: it checks what it is given.

Source: https://docs.notifications.service.gov.uk/rest-api.html, and its tables of errors
[GOVUK-NOTIFY]. The token is checked here by code of its own, so that both sides cannot be wrong
together.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

SERVICE, SECRET = "26785a09-ab16-4eb0-8407-a37497a57506", "3d844edf-8d35-48ac-975b-e847b4f122b0"
API_KEY = f"invented-ward-{SERVICE}-{SECRET}"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"
SKEW_S = 30
LONGEST = 918

Answer = tuple[int, Any]


@dataclass
class Text:
    """One text message that Notify took."""

    number: str
    body: str
    reference: str
    at: float
    id: str = field(default_factory=lambda: str(uuid4()))
    status: str = "created"


@dataclass
class NotifyServer:
    """`texts` are those that were taken, in order; `asked` every request, as `METHOD path`.

    `becomes` is the status that a message has once it was taken. `wrong` answers instead, to every
    POST. `loses` takes a message and then hangs up. While `gate` is clear, every request hangs;
    while `answering` is, a POST is done and only its answer hangs.
    """

    becomes: Callable[[Text], str] = lambda _: "delivered"
    wrong: Answer | None = None
    loses: bool = False
    clock: Callable[[], float] = time.time
    trial: bool = False
    texts: list[Text] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    gate: Event = field(default_factory=Event)
    answering: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.gate.set()
        self.answering.set()
        self._lock = Lock()
        notify = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answers(lambda: notify._post(self.path, self.headers["Content-Type"], body))

            def do_GET(self) -> None:
                self.answers(lambda: notify._get(self.path))

            def answers(self, answer: Callable[[], Answer]) -> None:
                notify.gate.wait(30)
                with notify._lock:
                    notify.asked.append(f"{self.command} {self.path}")
                    refused = notify._stranger(self.headers.get("Authorization"))
                    status, said = refused or answer()
                if self.command == "POST":
                    notify.answering.wait(30)
                if notify.loses and self.command == "POST":
                    self.close_connection = True
                    return
                content = said.encode() if isinstance(said, str) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def count(self, method: str) -> int:
        with self._lock:
            return sum(asked.startswith(f"{method} ") for asked in self.asked)

    def wait_for(self, count: int, seconds: float = 20) -> list[Text]:
        end = time.monotonic() + seconds
        while len(self.texts) < count and time.monotonic() < end:
            time.sleep(0.02)
        return list(self.texts)

    def close(self) -> None:
        self.gate.set()
        self.answering.set()
        self._server.shutdown()
        self._server.server_close()

    # --- what it answers ---------------------------------------------------------------------

    def _stranger(self, authorization: str | None) -> Answer | None:
        """Refuse whoever is not our service, or lives at another time."""
        if not authorization or not authorization.startswith("Bearer "):
            return error(401, "AuthError", "Unauthorized: authentication bearer scheme is missing")
        try:
            head, claims, signature = authorization.removeprefix("Bearer ").split(".")
            signed = f"{head}.{claims}".encode()
            if _opened(head) != {"typ": "JWT", "alg": "HS256"}:
                return error(403, "AuthError", "Invalid token: algorithm used is not HS256")
            said = _opened(claims)
        except ValueError:
            return error(403, "AuthError", "Invalid token: signature, api token is not valid")
        if said.get("iss") != SERVICE:
            return error(403, "AuthError", "Invalid token: service not found")
        good = hmac.digest(SECRET.encode(), signed, hashlib.sha256)
        if not hmac.compare_digest(good, _bytes(signature)):
            return error(403, "AuthError", "Invalid token: API key not found")
        if abs(said["iat"] - self.clock()) > SKEW_S:
            words = "Error: Your system clock must be accurate to within 30 seconds"
            return error(403, "AuthError", words)
        return None

    def _post(self, path: str, kind: str, body: bytes) -> Answer:
        if path != "/v2/notifications/sms":
            return error(404, "NoResultFound", "No result found")
        if self.wrong:
            return self.wrong
        if kind != "application/json":
            return error(400, "BadRequestError", "Request body is not JSON")
        given = json.loads(body)
        unknown = set(given) - {"phone_number", "template_id", "personalisation", "reference"}
        if unknown:
            words = f"Additional properties are not allowed ({unknown} were unexpected)"
            return error(400, "ValidationError", words)
        if not re.fullmatch(r"\+447\d{9}|\+(?!44)\d{8,15}", given["phone_number"]):
            return error(400, "ValidationError", "phone_number Not enough digits")
        if self.trial:
            words = "Can't send to this recipient when service is in trial mode - see https://..."
            return error(400, "BadRequestError", words)
        if given["template_id"] != TEMPLATE:
            return error(400, "BadRequestError", "Template not found")
        message = given.get("personalisation", {}).get("message")
        if message is None:
            return error(400, "BadRequestError", "Missing personalisation: message")
        if len(message) > LONGEST:
            words = "Your message is too long. Text messages cannot be longer than 918 characters."
            return error(400, "BadRequestError", words)
        text = Text(given["phone_number"], message, given["reference"], time.time())
        text.status = self.becomes(text)
        self.texts.append(text)
        return 201, {
            "id": text.id,
            "reference": text.reference,
            "content": {"body": message, "from_number": "GOVUK"},
            "uri": f"{self.url}/v2/notifications/{text.id}",
            "template": {"id": TEMPLATE, "version": 1, "uri": f"{self.url}/v2/template/{TEMPLATE}"},
        }

    def _get(self, path: str) -> Answer:
        parts = urlsplit(path)
        asked = parse_qs(parts.query)
        if parts.path != "/v2/notifications" or set(asked) - {"template_type", "reference"}:
            return error(404, "NoResultFound", "No result found")
        found = [text for text in reversed(self.texts) if text.reference in asked["reference"]]
        return 200, {
            "notifications": [
                {
                    "id": text.id,
                    "reference": text.reference,
                    "phone_number": text.number,
                    "type": "sms",
                    "status": text.status,
                    "body": text.body,
                }
                for text in found
            ],
            "links": {"current": f"{self.url}{path}"},
        }


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Whoever hung up in the middle is no news here."""


def error(status: int, kind: str, words: str) -> Answer:
    """Return an error as Notify says it."""
    return status, {"status_code": status, "errors": [{"error": kind, "message": words}]}


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _opened(part: str) -> Any:
    return json.loads(_bytes(part))
