"""A webhook: a signed HTTP POST to a pager, a chat or another system, with its idempotency key."""

import hashlib
import hmac
import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ward_service.errors import NotifyError
from ward_service.notify.notifier import OutgoingMessage

SIGNATURE = "Homeward-Signature"
KEY = "Idempotency-Key"
LATER = {408, 409, 425, 429}  # refusals that may be another answer later
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without its words: it is a refusal."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


OPENER = urllib.request.build_opener(_NoRedirect)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts JSON with `key`, `subject` and `text`, signed with a secret that both sides hold."""

    secret: bytes = field(repr=False)
    timeout_s: float = 5.0

    def send(self, message: OutgoingMessage) -> None:
        """Post a message; any answer of 200 to 299 is its receipt.

        Raises:
            NotifyError: there was another answer, or none.
        """
        if not may_post_to(message.address):
            raise NotifyError("a webhook needs an https address", permanent=True)
        body = json.dumps(
            {"key": message.key, "subject": message.subject, "text": message.text}
        ).encode()
        headers = {
            "Content-Type": "application/json",
            KEY: message.key,
            SIGNATURE: sign(self.secret, message.key, body),
        }
        try:
            request = urllib.request.Request(message.address, body, headers)  # noqa: S310
            with OPENER.open(request, timeout=self.timeout_s):
                return
        except urllib.error.HTTPError as error:
            error.close()
            said = f"the webhook answered {error.code}"
            final = 300 <= error.code < 500 and error.code not in LATER
            raise NotifyError(said, permanent=final) from error
        except (OSError, http.client.HTTPException) as error:
            raise NotifyError("the webhook does not answer", permanent=False) from error
        except ValueError as error:
            raise NotifyError("this is no address of a webhook", permanent=True) from error


def sign(secret: bytes, key: str, body: bytes) -> str:
    """Return the signature header: HMAC-SHA256 over the key, a full stop, and the body."""
    return "sha256=" + hmac.new(secret, key.encode() + b"." + body, hashlib.sha256).hexdigest()


def may_post_to(address: str) -> bool:
    """Whether an address is https, or of this very machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
