"""One gateway's connection to the broker: paho, with its traps closed.

The traps: docs/reference/brokers-and-databases.md#client.

paho's network thread only puts what it hears into `heard`, and never raises: an exception would
end it in silence. What is published carries the envelope, signed with this gateway's key; what is
heard without such a signature is refused.
"""

import logging
import random
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any, Final

from paho.mqtt.client import (
    MQTT_ERR_NO_CONN,
    MQTT_ERR_SUCCESS,
    Client,
    MQTTMessage,
    MQTTMessageInfo,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import ValidationError

from device_gateway.config.homes_file import Broker, Place
from ward_service.contract.clock import Clock
from ward_service.contract.envelope import Envelope, EnvelopeError
from ward_service.contract.messages import (
    CONTENT_TYPE,
    MAX_PAYLOAD,
    Receipt,
    Receipts,
    Status,
    What,
    topic,
)

log = logging.getLogger(__name__)

# A black-holed link is noticed after 33 s (docs/reference/brokers-and-databases.md#client)
KEEPALIVE_S: Final = 20
_SLOT: Final = re.compile(r"[1-9][0-9]{0,2}")
_NO_LIMIT: Final = 65_535  # MQTT 5: Receive Maximum of a broker that names none


@dataclass(frozen=True, slots=True)
class Pace:
    """Real seconds until a reading without receipt goes again, and between tries to connect.

    `drain_per_s`: readings of a backlog in a second. Two hundred send eight hours of one sample a
    second in under three minutes; a ward that keeps 5,000 a second serves 25 such homes at a time,
    and the window of each home holds the rest back.
    """

    resend_after_s: float = 30.0
    reconnect_max_s: int = 30
    drain_per_s: float = 200.0


@dataclass(frozen=True, slots=True)
class Connected:
    """A new connection; `window` messages may be on their way to this broker unconfirmed."""

    window: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The broker has answered for a message: `code` 0 is good, 0x10 nobody listens, more is no."""

    mid: int
    code: int


@dataclass(frozen=True, slots=True)
class Signed:
    """When the ward signed a message, and when it came; not `live` when the broker had kept it."""

    sent_at: datetime
    came_at: datetime
    live: bool


@dataclass(frozen=True, slots=True)
class ReceiptsCame:
    """Receipts that carry this gateway's signature."""

    signed: Signed
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class PlanCame:
    """A plan that was signed for this gateway and this slot."""

    signed: Signed
    slot: int
    payload: bytes


Heard = Connected | Confirmed | ReceiptsCame | PlanCame


def _never_raises(callback: Callable[..., None]) -> Callable[..., None]:
    @wraps(callback)
    def guarded(*given: Any) -> None:
        try:
            callback(*given)
        except Exception as error:  # noqa: BLE001 - the outermost loop of this thread is paho's
            log.error("callback.failed", extra={"error": type(error).__name__})

    return guarded


class Connection:
    """Connects, stays connected, signs what goes out and verifies what comes in."""

    def __init__(
        self, place: Place, broker: Broker, clock: Clock, wake: Event, pace: Pace, stream: str
    ) -> None:
        """Prepare to connect; `wake` is set whenever there is something to hear."""
        self._place, self._broker, self._clock = place, broker, clock
        self._wake, self._pace, self._stream = wake, pace, stream
        self._receipts_topic = self._topic("receipts")
        self._plans_topic = self._topic("plans")
        self._plan_sent_at: dict[int, datetime] = {}
        self._heard: SimpleQueue[Heard] = SimpleQueue()
        self._up = Event()
        self._client = self._make_client()

    @property
    def up(self) -> bool:
        """Whether a broker has accepted us and the link is not known to be lost."""
        return self._up.is_set()

    def start(self) -> None:
        """Connect, and keep connecting, in paho's own thread. Returns at once."""
        self._client.connect_async(
            self._broker.host, self._broker.port, keepalive=KEEPALIVE_S, clean_start=True
        )
        self._client.loop_start()

    def disconnect(self) -> None:
        """Begin to disconnect, or stop trying to connect. The broker then sends no last will."""
        self._client.disconnect()

    def stop(self) -> None:
        """End the network thread; after `disconnect`."""
        self._client.loop_stop()

    def heard(self) -> list[Heard]:
        """Return what has come since the last call, in order."""
        some: list[Heard] = []
        with suppress(Empty):
            while True:
                some.append(self._heard.get_nowait())
        return some

    def publish_reading(self, payload: bytes, envelope: Envelope) -> int | None:
        """Send a reading at QoS 1; return its packet's number, None when paho refuses it.

        When the link has just gone, paho holds the packet and sends it on the next connection.
        """
        info = self._publish(self._topic("readings"), payload, envelope)
        return info.mid if info.rc in (MQTT_ERR_SUCCESS, MQTT_ERR_NO_CONN) else None

    def publish_status(self, status: Status) -> MQTTMessageInfo:
        """Send how this gateway is, retained."""
        status_topic, payload, envelope = self._status(status)
        return self._publish(status_topic, payload, envelope, retain=True)

    def _publish(
        self, topic_name: str, payload: bytes, envelope: Envelope, *, retain: bool = False
    ) -> MQTTMessageInfo:
        properties = self._properties(topic_name, payload, envelope, PacketTypes.PUBLISH)
        return self._client.publish(topic_name, payload, 1, retain, properties)

    def _status(self, status: Status) -> tuple[str, bytes, Envelope]:
        payload = status.model_dump_json(exclude_defaults=True).encode()
        envelope = Envelope(sent_at=self._clock.now(), stream=self._stream)
        return self._topic("status"), payload, envelope

    def _topic(self, what: What) -> str:
        return topic(self._place.gateway, what, base=self._broker.base)

    def _properties(
        self, topic_name: str, payload: bytes, envelope: Envelope, packet: int
    ) -> Properties:
        properties = Properties(packet)  # type: ignore[no-untyped-call]
        properties.ContentType = CONTENT_TYPE
        if envelope.correlation:
            properties.CorrelationData = envelope.correlation
        properties.UserProperty = envelope.properties(topic_name, payload, self._place.key)
        return properties

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._place.gateway,
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        # The publisher keeps within the broker's window; paho knows only a fixed one of its own.
        client.max_inflight_messages_set(0)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls_ca is not None:
            client.tls_set(ca_certs=str(self._broker.tls_ca))
        client.on_pre_connect = _never_raises(self._on_pre_connect)
        client.on_socket_open = _never_raises(self._on_socket_open)
        client.on_connect_fail = _never_raises(self._on_connect_fail)
        client.on_connect = _never_raises(self._on_connect)
        client.on_disconnect = _never_raises(self._on_disconnect)
        client.on_publish = _never_raises(self._on_publish)
        client.on_message = _never_raises(self._on_message)
        self._spread_reconnects(client)
        return client

    def _spread_reconnects(self, client: Client) -> None:
        """Give the next reconnects delays of their own, so that homes do not come as a herd."""
        longest = self._pace.reconnect_max_s
        client.reconnect_delay_set(
            random.randint(1, min(3, longest)),  # noqa: S311 - spreading, not secrecy
            random.randint((longest + 1) // 2, longest),  # noqa: S311
        )

    def _on_pre_connect(self, client: Client, _: Any) -> None:
        # The broker keeps the will for the life of a connection: signed afresh for each.
        status_topic, payload, envelope = self._status(Status(online=False))
        properties = self._properties(status_topic, payload, envelope, PacketTypes.WILLMESSAGE)
        client.will_set(status_topic, payload, qos=1, retain=True, properties=properties)

    def _on_socket_open(self, _: Client, __: Any, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # 87 -> 1.4 ms a receipt

    def _on_connect_fail(self, _: Client, __: Any) -> None:
        """Say that nobody answered, or not with a certificate that we trust; paho tries again."""
        log.warning("broker.unreachable", extra=self._ids())

    def _on_connect(self, client: Client, _: Any, __: Any, reason: Any, said: Properties) -> None:
        if reason.is_failure:
            log.warning("broker.refused", extra=self._ids(code=reason.value))
            return
        # Before anything is offered, so that no receipt can come too early to be heard.
        client.subscribe([(self._receipts_topic, 1), (f"{self._plans_topic}/+", 1)])
        self._heard.put(Connected(getattr(said, "ReceiveMaximum", _NO_LIMIT)))
        self._up.set()
        self._wake.set()
        log.info("broker.connected", extra=self._ids())

    def _on_disconnect(self, client: Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        if self._up.is_set():  # a refused connection keeps its growing delay
            self._spread_reconnects(client)
        self._up.clear()
        log.info("broker.disconnected", extra=self._ids(code=reason.value))

    def _on_publish(self, _: Client, __: Any, mid: int, reason: Any, ___: Any) -> None:
        self._heard.put(Confirmed(mid, reason.value))
        self._wake.set()

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        came_at = self._clock.now()
        try:
            if message.topic.startswith(f"{self._plans_topic}/"):
                heard: Heard = self._plan(message, came_at)
            else:
                heard = self._receipts(message, came_at)
        except (EnvelopeError, ValidationError) as error:
            log.warning("message.refused", extra=self._ids(error=type(error).__name__))
            return
        self._heard.put(heard)
        self._wake.set()

    def _receipts(self, message: MQTTMessage, came_at: datetime) -> ReceiptsCame:
        # Whatever topic it came on: only receipts are signed for that one.
        signed = self._verified(self._receipts_topic, message, came_at)
        receipts = Receipts.model_validate_json(bytes(message.payload))
        return ReceiptsCame(signed, receipts.receipts)

    def _plan(self, message: MQTTMessage, came_at: datetime) -> PlanCame:
        """Return a plan that is the ward's, for this slot, and not older than the last one.

        Raises:
            EnvelopeError: it is not.
        """
        signed = self._verified(message.topic, message, came_at)
        slot = _SLOT.fullmatch(message.topic.removeprefix(f"{self._plans_topic}/"))
        if slot is None or len(message.payload) > MAX_PAYLOAD:
            raise EnvelopeError("no plan of a slot, or too large")
        number = int(slot[0])
        if signed.sent_at < self._plan_sent_at.get(number, signed.sent_at):
            raise EnvelopeError("an older plan than the last one")
        self._plan_sent_at[number] = signed.sent_at
        return PlanCame(signed, number, bytes(message.payload))

    def _verified(self, signed_topic: str, message: MQTTMessage, came_at: datetime) -> Signed:
        """Return when the ward signed a message for this topic.

        Raises:
            EnvelopeError: it carries no signature with this gateway's key.
        """
        envelope = Envelope.read(
            signed_topic,
            getattr(message.properties, "UserProperty", []),
            getattr(message.properties, "CorrelationData", b""),
            bytes(message.payload),
            self._place.key,
        )
        return Signed(envelope.sent_at, came_at, live=not message.retain)

    def _ids(self, **more: object) -> dict[str, object]:
        return {"gateway_id": self._place.gateway, **more}
