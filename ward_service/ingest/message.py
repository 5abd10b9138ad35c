"""A message is opened: signature, envelope, shape. What cannot be read says why, in safe words."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from ward_service.contract.envelope import Envelope, EnvelopeError
from ward_service.contract.messages import (
    MAX_PAYLOAD,
    Reading,
    Status,
    Trace,
    gateway_of,
    read_payload,
)
from ward_service.homes.status import IgnoredStatus, StatusMessage

NOBODY_SAID = "nobody said whose it was"


@dataclass(frozen=True, slots=True)
class ArrivedMessage:
    """A message as the broker handed it over."""

    topic: str
    properties: tuple[tuple[str, str], ...]
    correlation: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class UnreadableMessage:
    """What cannot be read, or not be filed.

    `reading_id` is what its receipt will name; None, and so no receipt, when the message is not
    proven to come from its gateway: a forged one must not make a home forget its own reading.
    `stream` and `seq` are None then too: nor must it fill a gap.
    """

    arrived: ArrivedMessage
    gateway_id: str
    slot: int | None
    reading_id: UUID | None
    reason: str
    stream: str | None = None
    seq: int | None = None

    def as_unreadable(self, reason: str) -> "UnreadableMessage":
        """Return the same message with another reason."""
        return replace(self, reason=reason)


@dataclass(frozen=True, slots=True)
class ReadingMessage:
    """A reading, or a minute of samples, with its proven place."""

    arrived: ArrivedMessage
    gateway_id: str
    slot: int
    stream: str | None
    seq: int | None
    reading: Reading | Trace

    @property
    def reading_id(self) -> UUID:
        """The id by which its home knows it."""
        return self.reading.reading_id

    @property
    def measured_at(self) -> datetime:
        """When it was measured; a trace: when it began."""
        reading = self.reading
        return reading.started_at if isinstance(reading, Trace) else reading.measured_at

    def as_unreadable(self, reason: str) -> UnreadableMessage:
        """Return this message as one that could not be filed after all."""
        return UnreadableMessage(
            self.arrived,
            self.gateway_id,
            self.slot,
            self.reading.reading_id,
            reason,
            self.stream,
            self.seq,
        )


HomeMessage = ReadingMessage | UnreadableMessage


def open_message(arrived: ArrivedMessage, keys_of: Callable[[str], Sequence[bytes]]) -> HomeMessage:
    """Prove where a message comes from and read it, or say why that cannot be done.

    A gateway may have two keys for a while: the one that it had was still good when it signed.

    The reason repeats nothing from the payload: it may hold anything.
    """
    gateway_id = gateway_of(arrived.topic)
    keys = keys_of(gateway_id)
    if not keys:
        return _unsigned(arrived, gateway_id, "no such gateway, or it was revoked")
    try:
        envelope = _proven(arrived, keys)
    except EnvelopeError as error:
        return _unsigned(arrived, gateway_id, str(error))
    try:
        if len(arrived.payload) > MAX_PAYLOAD:
            raise EnvelopeError("payload is too large")
        if envelope.slot is None:
            raise EnvelopeError(NOBODY_SAID)
        reading = read_payload(arrived.payload)
        if envelope.reading_id not in (None, reading.reading_id):
            raise EnvelopeError("reading_id and correlation data differ")
    except EnvelopeError as error:
        return _refused(arrived, gateway_id, envelope, str(error))
    except ValidationError as error:
        return _refused(arrived, gateway_id, envelope, _why(error))
    return ReadingMessage(
        arrived, gateway_id, envelope.slot, envelope.stream, envelope.seq, reading
    )


def is_status(arrived: ArrivedMessage) -> bool:
    """Whether a message is what a home says of itself, by its topic."""
    return arrived.topic.endswith("/status")


def open_status(
    arrived: ArrivedMessage, keys_of: Callable[[str], Sequence[bytes]]
) -> StatusMessage | IgnoredStatus:
    """Prove where a status comes from and read it, or say why it is ignored.

    Raises:
        StorageDownError: the database went away, so nobody knows the gateway's key.
    """
    gateway_id = gateway_of(arrived.topic)
    keys = keys_of(gateway_id)
    if not keys:
        return IgnoredStatus("", "no such gateway, or it was revoked")
    try:
        envelope = _proven(arrived, keys)
        if len(arrived.payload) > MAX_PAYLOAD:
            raise EnvelopeError("payload is too large")
        status = Status.model_validate_json(arrived.payload)
    except EnvelopeError as error:
        return IgnoredStatus(gateway_id, str(error))
    except ValidationError as error:
        return IgnoredStatus(gateway_id, _why(error, "status"))
    return StatusMessage(gateway_id, envelope.sent_at, status)


def _proven(arrived: ArrivedMessage, keys: Sequence[bytes]) -> Envelope:
    *older, oldest = keys
    for key in older:
        with suppress(EnvelopeError):
            return _read(arrived, key)
    return _read(arrived, oldest)


def _read(arrived: ArrivedMessage, key: bytes) -> Envelope:
    return Envelope.read(
        arrived.topic, arrived.properties, arrived.correlation, arrived.payload, key
    )


def _why(error: ValidationError, what: str = "reading") -> str:
    """Say what is wrong by pydantic's own words for it: the payload's words are not safe."""
    kinds = sorted({detail["type"] for detail in error.errors(include_input=False)})
    return "not JSON" if kinds == ["json_invalid"] else f"not a {what}: {', '.join(kinds)}"


def _unsigned(arrived: ArrivedMessage, gateway_id: str, reason: str) -> UnreadableMessage:
    try:
        slot = Envelope.claimed(dict(arrived.properties), arrived.correlation).slot
    except EnvelopeError:
        slot = None
    return UnreadableMessage(arrived, gateway_id, slot, None, reason)


def _refused(
    arrived: ArrivedMessage, gateway_id: str, envelope: Envelope, reason: str
) -> UnreadableMessage:
    return UnreadableMessage(
        arrived,
        gateway_id,
        envelope.slot,
        envelope.reading_id,
        reason,
        envelope.stream,
        envelope.seq,
    )
