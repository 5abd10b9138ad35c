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

NOBODY_SAID = "nobody said whose it was"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as the broker handed it over."""

    topic: str
    properties: tuple[tuple[str, str], ...]
    correlation: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What cannot be read, or not be filed.

    `reading_id` is what its receipt will name; None, and so no receipt, when the message is not
    proven to come from its gateway: a forged one must not make a home forget its own reading.
    `stream` and `seq` are None then too: nor must it fill a gap.
    """

    arrived: Arrived
    gateway_id: str
    slot: int | None
    reading_id: UUID | None
    reason: str
    stream: str | None = None
    seq: int | None = None

    def as_unreadable(self, reason: str) -> "Unreadable":
        """Return the same message with another reason."""
        return replace(self, reason=reason)


@dataclass(frozen=True, slots=True)
class Readable:
    """A reading, or a minute of samples, with its proven place."""

    arrived: Arrived
    gateway_id: str
    slot: int
    stream: str | None
    seq: int | None
    reading: Reading | Trace

    @property
    def measured_at(self) -> datetime:
        """When it was measured; a trace: when it began."""
        reading = self.reading
        return reading.started_at if isinstance(reading, Trace) else reading.measured_at

    def as_unreadable(self, reason: str) -> Unreadable:
        """Return this message as one that could not be filed after all."""
        return Unreadable(
            self.arrived,
            self.gateway_id,
            self.slot,
            self.reading.reading_id,
            reason,
            self.stream,
            self.seq,
        )


Opened = Readable | Unreadable


def open_message(arrived: Arrived, keys_of: Callable[[str], Sequence[bytes]]) -> Opened:
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
    return Readable(arrived, gateway_id, envelope.slot, envelope.stream, envelope.seq, reading)


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway says of itself, proven. `sent_at` is by its clock; a will's: as it connected.

    `will`: the broker says this for a gateway whose connection it has lost.
    """

    gateway_id: str
    sent_at: datetime
    status: Status

    @property
    def will(self) -> bool:
        """Whether this is a last will: nothing but that the gateway is offline."""
        return not self.status.online and self.status.sent_at is None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A status that is not believed, or not understood. Nothing in the ward rests on it.

    `gateway_id` is empty when this ward knows no such gateway.
    """

    gateway_id: str
    reason: str


def is_status(arrived: Arrived) -> bool:
    """Whether a message is what a home says of itself, by its topic."""
    return arrived.topic.endswith("/status")


def open_status(arrived: Arrived, keys_of: Callable[[str], Sequence[bytes]]) -> Told | Ignored:
    """Prove where a status comes from and read it, or say why it is ignored.

    Raises:
        StorageDownError: the database went away, so nobody knows the gateway's key.
    """
    gateway_id = gateway_of(arrived.topic)
    keys = keys_of(gateway_id)
    if not keys:
        return Ignored("", "no such gateway, or it was revoked")
    try:
        envelope = _proven(arrived, keys)
        if len(arrived.payload) > MAX_PAYLOAD:
            raise EnvelopeError("payload is too large")
        status = Status.model_validate_json(arrived.payload)
    except EnvelopeError as error:
        return Ignored(gateway_id, str(error))
    except ValidationError as error:
        return Ignored(gateway_id, _why(error, "status"))
    return Told(gateway_id, envelope.sent_at, status)


def _proven(arrived: Arrived, keys: Sequence[bytes]) -> Envelope:
    *older, oldest = keys
    for key in older:
        with suppress(EnvelopeError):
            return _read(arrived, key)
    return _read(arrived, oldest)


def _read(arrived: Arrived, key: bytes) -> Envelope:
    return Envelope.read(
        arrived.topic, arrived.properties, arrived.correlation, arrived.payload, key
    )


def _why(error: ValidationError, what: str = "reading") -> str:
    """Say what is wrong by pydantic's own words for it: the payload's words are not safe."""
    kinds = sorted({detail["type"] for detail in error.errors(include_input=False)})
    return "not JSON" if kinds == ["json_invalid"] else f"not a {what}: {', '.join(kinds)}"


def _unsigned(arrived: Arrived, gateway_id: str, reason: str) -> Unreadable:
    try:
        slot = Envelope.claimed(dict(arrived.properties), arrived.correlation).slot
    except EnvelopeError:
        slot = None
    return Unreadable(arrived, gateway_id, slot, None, reason)


def _refused(arrived: Arrived, gateway_id: str, envelope: Envelope, reason: str) -> Unreadable:
    return Unreadable(
        arrived,
        gateway_id,
        envelope.slot,
        envelope.reading_id,
        reason,
        envelope.stream,
        envelope.seq,
    )
