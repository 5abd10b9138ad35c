"""The envelope of a message: MQTT 5 user properties, and an HMAC over all that matters.

The `mac` covers topic, properties, correlation data and payload with this gateway's key, in both
directions: neither another gateway nor the broker can forge or move a reading, a receipt or a
plan. Each part is written with its length, so that no two messages have the same bytes to sign.
Source: docs/understand/design.md#envelope; HMAC-SHA256,
docs/reference/brokers-and-databases.md#controls, C3.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID


class EnvelopeError(ValueError):
    """The envelope cannot be trusted or read. The text is safe to log: it repeats no payload."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What travels beside a payload.

    `slot`, `stream` and `seq` are absent from ward to home where they mean nothing. `correlation`
    is the reading's id as 16 bytes, so that even a payload that cannot be read gets its receipt.
    """

    sent_at: datetime
    slot: int | None = None
    stream: str | None = None
    seq: int | None = None
    correlation: bytes = b""

    @property
    def reading_id(self) -> UUID | None:
        """The id that the correlation data carries; None when it is not one."""
        return UUID(bytes=self.correlation) if len(self.correlation) == 16 else None

    def properties(self, topic: str, payload: bytes, key: bytes) -> list[tuple[str, str]]:
        """Return the user properties to send, `mac` last."""
        fields = {"sent_at": self.sent_at.isoformat()}
        if self.slot is not None:
            fields["slot"] = str(self.slot)
        if self.stream is not None:
            fields["stream"] = self.stream
        if self.seq is not None:
            fields["seq"] = str(self.seq)
        mac = _mac(topic, fields, self.correlation, payload, key)
        return [*fields.items(), ("mac", mac)]

    @classmethod
    def read(
        cls,
        topic: str,
        properties: Iterable[tuple[str, str]],
        correlation: bytes,
        payload: bytes,
        key: bytes,
    ) -> Self:
        """Return the envelope of a message that carries this gateway's signature.

        Raises:
            EnvelopeError: a property is missing or malformed, or the mac is not this gateway's.
        """
        given = dict(properties)
        expected = _mac(topic, given, correlation, payload, key)
        if not hmac.compare_digest(given.get("mac", "").encode(), expected.encode()):
            raise EnvelopeError("mac does not match")
        return cls.claimed(given, correlation)

    @classmethod
    def claimed(cls, properties: Mapping[str, str], correlation: bytes) -> Self:
        """Return what a message says of itself, unproven.

        Raises:
            EnvelopeError: a property is missing or malformed.
        """
        try:
            sent_at = datetime.fromisoformat(properties["sent_at"])
            slot, seq = properties.get("slot"), properties.get("seq")
            envelope = cls(
                sent_at=sent_at,
                slot=None if slot is None else int(slot),
                stream=properties.get("stream"),
                seq=None if seq is None else int(seq),
                correlation=correlation,
            )
        except (KeyError, ValueError) as error:
            raise EnvelopeError("envelope is missing or malformed") from error
        if sent_at.tzinfo is None:
            raise EnvelopeError("envelope is missing or malformed")
        return envelope


def gateway_key(secret: bytes, gateway_id: str, generation: int = 1) -> bytes:
    """Derive a gateway's key from the ward's secret: the database holds no key to steal.

    A new `generation` is a new key; the old one is worth nothing then.
    """
    return hmac.digest(secret, f"gateway-key|{gateway_id}|{generation}".encode(), hashlib.sha256)


def broker_password(secret: bytes, gateway_id: str, generation: int = 1) -> str:
    """Derive a gateway's password at the broker, 256 bit: renewed with its key, stored nowhere."""
    words = f"broker-password|{gateway_id}|{generation}".encode()
    return hmac.digest(secret, words, hashlib.sha256).hex()


_SIGNED = ("slot", "stream", "seq", "sent_at")


def _mac(
    topic: str, fields: Mapping[str, str], correlation: bytes, payload: bytes, key: bytes
) -> str:
    named = [f"{name}={fields[name]}".encode() for name in _SIGNED if name in fields]
    parts = [topic.encode(), *named, correlation, payload]
    signed = b"".join(b"%d:%b" % (len(part), part) for part in parts)
    return hmac.digest(key, signed, hashlib.sha256).hex()
