"""A ward at the far end of a real broker: checks every mac, keeps, and answers with receipts.

Ours, small and honest: it keeps each reading once in memory, quarantines what is no `Reading`,
and signs what it sends, a batch every few milliseconds as the ward does. It can be told to keep
silent, which is how a ward looks that is down.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import ValidationError

from ward_service.contract.envelope import Envelope, EnvelopeError
from ward_service.contract.messages import (
    BASE_TOPIC,
    Reading,
    Receipt,
    Receipts,
    Status,
    Trace,
    gateway_of,
    topic,
)
from ward_service.contract.vocabulary import Outcome

BATCH_EVERY_S = 0.01
SENT_AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Arrived:
    gateway: str
    payload: bytes
    envelope: Envelope
    content_type: str


@dataclass
class WardPeer:
    """`with WardPeer(port, keys) as ward:`; what came is in `arrived`, `kept` and `statuses`."""

    port: int
    keys: Mapping[str, bytes]
    answers: bool = True
    base: str = BASE_TOPIC
    client_id: str = "ward-peer"
    arrived: list[Arrived] = field(default_factory=list)
    kept: dict[UUID, tuple[str, Reading]] = field(default_factory=dict)
    traces: dict[UUID, Trace] = field(default_factory=dict)
    quarantined: dict[UUID, bytes] = field(default_factory=dict)
    statuses: list[tuple[str, Status]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._subscribed = threading.Event()
        self._ended = threading.Event()
        self._decided: SimpleQueue[tuple[str, Receipt]] = SimpleQueue()
        self._sender = threading.Thread(target=self._send_receipts, daemon=True)
        self.client = Client(
            CallbackAPIVersion.VERSION2, self.client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        self.client.max_inflight_messages_set(0)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._on_message
        self.client.connect_async("127.0.0.1", self.port, keepalive=20)
        self.client.loop_start()
        assert self._subscribed.wait(10), "the ward's peer could not subscribe"
        self._sender.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._ended.set()
        self._sender.join()
        self.client.disconnect()
        self.client.loop_stop()

    def answer(self, gateway: str, receipts: tuple[Receipt, ...], key: bytes | None = None) -> None:
        """Send receipts to a gateway, signed with its key unless told another."""
        place = topic(gateway, "receipts", base=self.base)
        payload = Receipts(receipts=receipts).model_dump_json().encode()
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        signed = Envelope(sent_at=SENT_AT).properties(place, payload, key or self.keys[gateway])
        properties.UserProperty = signed
        self.client.publish(place, payload, qos=1, properties=properties)

    def send_plan(
        self,
        place: str,
        payload: bytes,
        *,
        sent_at: datetime = SENT_AT,
        signed_for: str = "",
        key: bytes = b"",
        retain: bool = False,
    ) -> None:
        """Send something to the topic of a plan, properly signed unless told otherwise."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        key = key or self.keys[gateway_of(place)]
        signed = Envelope(sent_at=sent_at).properties(signed_for or place, payload, key)
        properties.UserProperty = signed
        self.client.publish(place, payload, 1, retain, properties)

    def counts(self) -> Counter[str]:
        """Return how many readings are kept of each gateway."""
        return Counter(gateway for gateway, _ in list(self.kept.values()))

    def _on_connect(self, client: Client, *_: Any) -> None:
        client.subscribe([(f"{self.base}/+/readings", 1), (f"{self.base}/+/status", 1)])

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        gateway = gateway_of(message.topic)
        payload, properties = bytes(message.payload), message.properties
        try:
            envelope = Envelope.read(
                message.topic,
                getattr(properties, "UserProperty", []),
                getattr(properties, "CorrelationData", b""),
                payload,
                self.keys[gateway],
            )
        except (EnvelopeError, KeyError) as error:
            self.refused.append(f"{message.topic}: {error}")
            return
        if message.topic.endswith("/status"):
            self.statuses.append((gateway, Status.model_validate_json(payload)))
            return
        content_type = getattr(properties, "ContentType", "")
        self.arrived.append(Arrived(gateway, payload, envelope, content_type))
        receipt = self._decide(gateway, payload, envelope)
        if self.answers:
            self._decided.put((gateway, receipt))

    def _send_receipts(self) -> None:
        while not self._ended.wait(BATCH_EVERY_S):
            batches: dict[str, list[Receipt]] = {}
            while not self._decided.empty():
                gateway, receipt = self._decided.get()
                batches.setdefault(gateway, []).append(receipt)
            for gateway, receipts in batches.items():
                self.answer(gateway, tuple(receipts))

    def _decide(self, gateway: str, payload: bytes, envelope: Envelope) -> Receipt:
        assert envelope.reading_id is not None
        with suppress(ValidationError):
            trace = Trace.model_validate_json(payload)
            known = self.traces.setdefault(trace.reading_id, trace) is not trace
            return Receipt(
                reading_id=trace.reading_id, outcome=Outcome.DUPLICATE if known else Outcome.KEPT
            )
        try:
            reading = Reading.model_validate_json(payload)
        except ValidationError:
            self.quarantined[envelope.reading_id] = payload
            return Receipt(
                reading_id=envelope.reading_id, outcome=Outcome.QUARANTINED, reason="no reading"
            )
        if reading.reading_id in self.kept:
            return Receipt(reading_id=reading.reading_id, outcome=Outcome.DUPLICATE)
        self.kept[reading.reading_id] = (gateway, reading)
        return Receipt(reading_id=reading.reading_id, outcome=Outcome.KEPT)


def eventually(holds: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Wait until something holds; False when it did not in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return holds()
