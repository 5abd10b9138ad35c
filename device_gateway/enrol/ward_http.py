"""The ward's HTTP door, as a home asks at it: over TLS, or on the same machine, and nowhere else.

A key comes back through it, so nothing is sent to where a redirect points, and no certificate is
taken on trust. The standard library is enough; a small computer installs nothing for it.
"""

import http.client
import ipaddress
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from ward_service.contract.enrolment import Enrolled

TIMEOUT_S: Final = 30.0
MOST: Final = 1_000_000  # bytes of an answer: a bundle of authorities may be in it


class DoorError(Exception):
    """The ward did not answer as it should. The text says what to do, and repeats no secret."""


class RefusedError(DoorError):
    """The ward has refused, and said why; the same again will not help."""


class LostError(DoorError):
    """No answer came: it may have been carried out. The same again is safe."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> urllib.request.Request | None:
        return None


def checked_url(url: str) -> str:
    """Return the ward's address, without a slash at its end.

    Raises:
        DoorError: it is none, or a key would travel over it in the open.
    """
    parts = urlsplit(url)
    try:
        parts.port  # noqa: B018 - it is read only now
    except ValueError as error:
        raise DoorError(f"{url} is no address of a ward.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in url:
        raise DoorError(f"{url} is no address of a ward; one begins with https://")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise DoorError(
            f"{url} is not encrypted, and a key must not travel so. Nothing was sent. Use "
            "https://, with --ca FILE if the ward has an authority of its own."
        )
    return url.rstrip("/")


def post(
    ward: str, path: str, body: bytes, headers: Mapping[str, str], ca: Path | None
) -> Enrolled:
    """Ask the ward for what a gateway needs.

    Raises:
        RefusedError: it was not to be had, for the reason that the ward gives.
        LostError: nobody knows whether it was; ask again, the same.
        DoorError: the ward cannot be reached safely.
    """
    request = urllib.request.Request(  # noqa: S310 - checked_url has looked at the scheme
        f"{checked_url(ward)}{path}",
        data=body,
        headers={"Content-Type": "application/json", **headers},
        method="POST",
    )
    try:
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))
    except (OSError, ssl.SSLError) as error:
        raise DoorError(f"{ca} cannot be used as an authority. Nothing was sent.") from error
    # Loopback is not encrypted, and must not leave this machine for a proxy.
    proxies = urllib.request.ProxyHandler({} if ward.startswith("http:") else None)
    opener = urllib.request.build_opener(proxies, tls, _NoRedirect)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return Enrolled.model_validate_json(answer.read(MOST))
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(ward, error.code, error) from error
    except ssl.SSLError as error:
        raise _untrusted(ward) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            raise _untrusted(ward) from error
        raise LostError(
            f"{ward} cannot be reached. Nothing was changed here; try again."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise LostError(f"The answer of {ward} was lost on its way. Try again.") from error
    except ValidationError as error:
        raise LostError(
            f"What {ward} answered is no key. Is that the ward's address? Nothing was changed here."
        ) from error


def _untrusted(ward: str) -> DoorError:
    return DoorError(
        f"The certificate of {ward} is not to be trusted, so nothing was sent. If the ward has an "
        "authority of its own, give its file: --ca FILE"
    )


def _refusal(ward: str, code: int, body: IO[bytes]) -> DoorError:
    """Say what the ward said, if it was the ward; a page of somebody else's is not repeated."""
    try:
        said = str(json.loads(body.read(MOST))["detail"])[:500]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        said = f"{ward} answered {code}, and not as a ward does. Nothing was changed here."
    return LostError(said) if code >= 500 else RefusedError(said)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
