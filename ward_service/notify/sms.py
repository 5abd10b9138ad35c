"""A text message, through GOV.UK Notify: https://docs.notifications.service.gov.uk/rest-api.html.

Notify has no idempotency key. What it has is a `reference` of ours by which a message can be found
again: before anything is sent a second time we ask for it, and send nothing if it is there. A
duplicate is possible all the same, where Notify took a message and does not show it yet.
"""

import base64
import hashlib
import hmac
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from ward_service.contract.clock import real_clock
from ward_service.domain.sms_length import LONGEST
from ward_service.errors import MessageLostError, NotifyError, WardError
from ward_service.notify.notifier import OutgoingMessage
from ward_service.notify.webhook import OPENER, may_post_to
from ward_service.settings import Settings

_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_API_KEY: Final = re.compile(f".+-({_UUID})-({_UUID})", re.IGNORECASE)  # name, service, secret
_ARRIVED: Final = {"delivered", "sent"}  # `sent`: abroad, where a network may say no more
_ON_ITS_WAY: Final = {"created", "sending", "pending"}
_WHY_LOST: Final = {
    "permanent-failure": "the number is wrong, or its network refuses it",
    "temporary-failure": "the phone is off, without signal or full",
    "technical-failure": "GOV.UK Notify could not hand it on",
}


@dataclass(frozen=True, slots=True)
class Sms:
    """One service at GOV.UK Notify, and its one template, which says `((message))`.

    `answer_s` is how long one answer may take. `wall` is real time: a token is good for 30 seconds.
    """

    url: str
    service_id: str
    template_id: str
    secret: str = field(repr=False)
    answer_s: float = 10.0
    wall: Callable[[], datetime] = field(default=real_clock().wall, repr=False)

    @property
    def timeout_s(self) -> float:
        """Two answers: what may have gone out before is asked for first."""
        return 2 * self.answer_s

    def send(self, message: OutgoingMessage) -> None:
        """Hand a text message to Notify, unless it has it by now.

        Raises:
            NotifyError: Notify did not take it, or nobody can say whether it did.
            MessageLostError: it took this one before, and has failed to deliver it.
        """
        number = e164(message.address)
        if number is None:
            raise NotifyError("this is no number for text messages", permanent=True)
        if len(message.text) > LONGEST:
            raise NotifyError("this is too long for a text message", permanent=True)
        reference = _reference(message.key, message.way)
        if message.again and (status := self._status(reference)) is not None:
            _arrived(status)
            return
        body = {
            "phone_number": number,
            "template_id": self.template_id,
            "personalisation": {"message": message.text},
            "reference": reference,
        }
        self._ask("sms", json.dumps(body).encode())

    def arrived(self, key: str, way: str) -> bool:
        """Whether a message that Notify took has been delivered; False while it is on its way.

        Raises:
            MessageLostError: it was not delivered, and will not be.
            NotifyError: Notify cannot be asked now.
        """
        return _arrived(self._status(_reference(key, way)))

    def _status(self, reference: str) -> str | None:
        """Return what became of the newest message with this reference; None if there is none."""
        query = urlencode({"template_type": "sms", "reference": reference})
        try:
            found = json.loads(self._ask(f"?{query}"))["notifications"]
            return next((str(n["status"]) for n in found if n["reference"] == reference), None)
        except (ValueError, LookupError, TypeError) as error:
            said = "GOV.UK Notify answers in words that we do not know"
            raise NotifyError(said, permanent=False) from error

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        """Post a body, or get what there is; return the answer."""
        headers = {
            "Authorization": f"Bearer {token(self.service_id, self.secret, self.wall())}",
            "Content-Type": "application/json",
        }
        joint = "" if path.startswith("?") else "/"
        where = f"{self.url.rstrip('/')}/v2/notifications{joint}{path}"
        try:
            request = urllib.request.Request(where, body, headers)  # noqa: S310
            with OPENER.open(request, timeout=self.answer_s) as answer:
                read: bytes = answer.read()
                return read
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise NotifyError("GOV.UK Notify does not answer", permanent=False) from error


def open_sms(settings: Settings) -> Sms | None:
    """Return the channel that the settings describe; None where nobody has set it up.

    Raises:
        WardError: what is there does not make a channel.
    """
    if settings.notify_api_key_file is None or not settings.notify_template_id:
        return None
    found = _API_KEY.fullmatch(settings.notify_api_key())
    if found is None:
        raise WardError(
            "HOMEWARD_NOTIFY_API_KEY_FILE holds no key of GOV.UK Notify (name-service-secret). "
            "Make one there, on the page API integration, and copy it whole."
        )
    if not may_post_to(settings.notify_url):
        raise WardError("HOMEWARD_NOTIFY_URL must be an https address")
    return Sms(
        url=settings.notify_url,
        service_id=found[1],
        template_id=settings.notify_template_id,
        secret=found[2],
        answer_s=settings.notify_timeout_s,
    )


def e164(number: str) -> str | None:
    """Return a number as `+447700900123`; None if no text message can go there.

    A number without its country is of the UK, where mobile numbers begin 07. Source: ITU-T E.164
    (15 digits at most) [ITU-E164]; Ofcom, National Telephone Numbering Plan [OFCOM-NTNP].
    """
    digits = re.sub(r"[\s().-]", "", number.replace("(0)", ""))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if digits.startswith("0"):
        digits = f"+44{digits[1:]}"
    pattern = r"\+447[0-9]{9}" if digits.startswith("+44") else r"\+[1-9][0-9]{7,14}"
    return digits if re.fullmatch(pattern, digits, re.ASCII) else None


def token(service_id: str, secret: str, now: datetime) -> str:
    """Return the token by which Notify knows us: a JWT signed with HMAC-SHA256.

    Source: RFC 7515, appendix A.1 [RFC-7515]; RFC 7519 [RFC-7519].
    """
    claims = {"iss": service_id, "iat": int(now.timestamp())}
    signed = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(claims)}"
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64(mac)}"


def _arrived(status: str | None) -> bool:
    if status is None or status in _ON_ITS_WAY:
        return False
    if status in _ARRIVED:
        return True
    why = _WHY_LOST.get(status, "GOV.UK Notify gave it up")
    raise MessageLostError(f"the text message was not delivered: {why}")


def _part(said: dict[str, Any]) -> str:
    return _base64(json.dumps(said, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _reference(key: str, way: str) -> str:
    """One call by one way. A key can hold the name of an owner, so it does not go out as it is."""
    return hashlib.sha256(f"{key} {way}".encode()).hexdigest()[:32]


def _refused(error: urllib.error.HTTPError) -> NotifyError:
    """Say what an answer means. What Notify says may repeat a number, so it is not passed on.

    Source: GOV.UK Notify, REST API, general errors [GOVUK-NOTIFY]: its status and its type of error
    will not change, its words may, so they only make ours more exact.
    """
    kind, words = _describe(error)
    if error.code in (401, 403):
        said = "refuses our API key"
        if "clock" in words:
            said = "says that the clock of this machine is more than 30 seconds off"
        return NotifyError(f"GOV.UK Notify {said} ({error.code})", permanent=True)
    if kind == "TooManyRequestsError":
        said = "GOV.UK Notify has sent as many messages today as our service may (429)"
        return NotifyError(said, permanent=True)  # until midnight: the next way is tried at once
    if error.code == 429:
        return NotifyError("GOV.UK Notify wants fewer messages a minute (429)", permanent=False)
    if error.code == 400:
        said = (
            "GOV.UK Notify refuses the message: look at its template, and at what our service may "
            "send (400)"
        )
        if kind == "ValidationError":
            said = "GOV.UK Notify refuses the number or the template (400)"
        elif "team" in words or "trial" in words:
            said = "GOV.UK Notify sends only to our own team: the key or service is not live (400)"
        return NotifyError(said, permanent=True)
    later = error.code >= 500 or error.code == 408
    return NotifyError(f"GOV.UK Notify answered {error.code}", permanent=not later)


def _describe(error: urllib.error.HTTPError) -> tuple[str, str]:
    """Return the type of an error and its words in small letters; empty if it says neither."""
    try:
        first = json.loads(error.read())["errors"][0]
        return str(first["error"]), str(first["message"]).lower()
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return "", ""
