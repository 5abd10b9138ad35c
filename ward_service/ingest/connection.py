"""The ward's end of MQTT: messages into the inbox; receipts and acknowledgements out.

paho's network thread does nothing but put what it hears into the inbox, and none of its callbacks
raises. An acknowledgement is sent only on the connection that brought its message: packet numbers
begin anew with a lost session, and an old one would acknowledge a message that nobody has kept.
Traps and their rules: docs/reference/brokers-and-databases.md#broker-traps, #client,
#commit-before-acknowledgement.
"""

import logging
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Final, NamedTuple

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ward_service.contract.messages import BASE_TOPIC, CONTENT_TYPE, MAX_PAYLOAD, topic
from ward_service.homes.wire import SignedMessage
from ward_service.ingest.inbox import Inbox
from ward_service.ingest.listener import Listener, Publication
from ward_service.ingest.message import ArrivedMessage
from ward_service.logs import log
from ward_service.settings import Settings

CLIENT_ID: Final = "homeward-ward"  # fixed: the broker keeps its session while the ward is down
EVERY_GATEWAY: Final = "+"
KEEPALIVE_S: Final = 60  # a full inbox may block the network thread for a while (B.1)
SESSION_EXPIRY_S: Final = 7 * 24 * 60 * 60
RECEIVE_MAXIMUM: Final = 1_000  # messages on their way to us: two batches
# The broker keeps back what is larger. Between this and MAX_PAYLOAD a message is quarantined, with
# its reason; ours never come near.
MAX_PACKET: Final = 2 * MAX_PAYLOAD
RECONNECT_MAX_S: Final = 10
RECEIPTS_WAIT_S: Final = 5.0
UNLIMITED: Final = 0
DEFAULT_RECEIVE_MAXIMUM: Final = 65_535  # MQTT 5, 3.2.2.3.3


class Delivery(NamedTuple):
    """A message, and what it takes to acknowledge it: the connection it came on, its number."""

    arrived: ArrivedMessage
    epoch: object
    mid: int
    qos: int


def _never_raises(callback: Callable[..., None]) -> Callable[..., None]:
    """Keep paho's network thread alive: it dies in silence of any exception (B.1)."""

    @wraps(callback)
    def guarded(*given: Any) -> None:
        try:
            callback(*given)
        except Exception as error:  # noqa: BLE001 - the outermost loop of this thread is paho's
            log("callback.failed", logging.ERROR, error=type(error).__name__)

    return guarded


def _is_settled(sent: MQTTMessageInfo) -> bool:
    """Whether a message needs no more waiting for: answered, or given to paho while offline.

    For the latter paho raises; it keeps the message for the next connection all the same.
    """
    try:
        return sent.is_published()
    except (RuntimeError, ValueError):
        return True


def _client_id(base: str) -> str:
    """Return one for each base topic: under one name, two ingests would throw each other off."""
    return CLIENT_ID if base == BASE_TOPIC else f"{CLIENT_ID}-{base.replace('/', '-')}"


class Connection:
    """One paho client. `start`, then `publish` and `acknowledge` from one thread, then `close`."""

    def __init__(self, settings: Settings, inbox: Inbox[Delivery]) -> None:
        """Prepare a connection that fills the inbox."""
        self._settings = settings
        self._inbox = inbox
        self._epoch: object = None  # None: no connection, nothing may be acknowledged
        self._epoch_lock = threading.Lock()
        self._subscribed = False
        self._thread: threading.Thread | None = None
        self._unanswered: deque[MQTTMessageInfo] = deque()
        self._window = DEFAULT_RECEIVE_MAXIMUM
        self._client = self._make_client()

    def start(self) -> None:
        """Connect, and keep connecting, in paho's own thread. Returns at once."""
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.SessionExpiryInterval = SESSION_EXPIRY_S
        wishes.ReceiveMaximum = RECEIVE_MAXIMUM
        wishes.MaximumPacketSize = MAX_PACKET
        self._client.connect_async(
            self._settings.broker_host,
            self._settings.broker_port,
            keepalive=KEEPALIVE_S,
            clean_start=False,
            properties=wishes,
        )
        self._client.loop_start()

    @property
    def receiving(self) -> bool:
        """Whether messages can arrive now: connected, subscribed, and somebody reads."""
        return self._subscribed and not self.dead

    @property
    def dead(self) -> bool:
        """Whether the network thread has died. paho would say that it is still connected."""
        return self._thread is not None and not self._thread.is_alive()

    def publish(self, messages: Iterable[SignedMessage]) -> list[MQTTMessageInfo]:
        """Send these in order. Without a connection paho keeps them for the next one."""
        sent = []
        for message in messages:
            self._wait_for_room()
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ContentType = CONTENT_TYPE
            properties.UserProperty = message.properties
            info = self._client.publish(
                message.topic, message.payload, 1, message.retain, properties
            )
            self._unanswered.append(info)
            sent.append(info)
        return sent

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Let the broker forget these; not those that came on an earlier connection."""
        with self._epoch_lock:
            epoch = self._epoch
            if epoch is not None:
                self._client.acknowledge(d.mid for d in deliveries if d.epoch is epoch and d.qos)

    def close(self) -> None:
        """Send what is still to be sent, disconnect, and end the network thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def _make_client(self) -> Listener:
        settings = self._settings
        client = Listener(
            self._hear,
            CallbackAPIVersion.VERSION2,
            client_id=_client_id(settings.base_topic),
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        if settings.broker_username:
            client.username_pw_set(settings.broker_username, settings.ward_password() or None)
        if settings.broker_tls_ca is not None:
            client.tls_set(ca_certs=str(settings.broker_tls_ca))
        client.reconnect_delay_set(1, RECONNECT_MAX_S)
        # paho's own limit walks through all that is unanswered at each answer; ours does not.
        client.max_inflight_messages_set(UNLIMITED)
        client.on_pre_connect = _never_raises(self._on_pre_connect)
        client.on_socket_open = _never_raises(self._on_socket_open)
        client.on_connect = _never_raises(self._on_connect)
        client.on_subscribe = _never_raises(self._on_subscribe)
        client.on_disconnect = _never_raises(self._on_disconnect)
        return client

    def _wait_for_room(self) -> None:
        """Keep within what the broker said it takes at a time (its Receive Maximum)."""
        while self._unanswered and _is_settled(self._unanswered[0]):
            self._unanswered.popleft()
        if len(self._unanswered) >= self._window and self._epoch is not None:
            oldest = self._unanswered.popleft()
            if not _is_settled(oldest):
                oldest.wait_for_publish(RECEIPTS_WAIT_S)

    def _begin(self, epoch: object) -> None:
        """Start or end an epoch. Waits until no acknowledgement is half-way."""
        with self._epoch_lock:
            self._epoch = epoch

    # --- what paho's thread hears -------------------------------------------------------------

    def _on_pre_connect(self, _: Client, __: Any) -> None:
        self._thread = threading.current_thread()
        self._begin(None)

    def _on_socket_open(self, _: Client, __: Any, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # receipts: 87 -> 1.4 ms

    def _on_connect(
        self, client: Client, _: Any, flags: Any, reason: ReasonCode, said: Properties
    ) -> None:
        if reason.is_failure:
            log("broker.refused", logging.ERROR, code=reason.value)
            return
        self._window = getattr(said, "ReceiveMaximum", DEFAULT_RECEIVE_MAXIMUM)
        self._begin(object())
        # Every time: it changes nothing in a session that was kept, and heals one that was lost.
        # Retained statuses come again with it: whoever takes them knows which are old.
        base = self._settings.base_topic
        client.subscribe(
            [
                (topic(EVERY_GATEWAY, "readings", base=base), 1),
                (topic(EVERY_GATEWAY, "status", base=base), 1),
            ]
        )
        log("broker.connected", session_kept=flags.session_present)

    def _on_subscribe(
        self, _: Client, __: Any, ___: int, reasons: list[ReasonCode], ____: Any
    ) -> None:
        self._subscribed = not any(reason.is_failure for reason in reasons)
        if not self._subscribed:
            log("subscription.refused", logging.ERROR, codes=[reason.value for reason in reasons])

    def _on_disconnect(self, _: Client, __: Any, ___: Any, reason: ReasonCode, ____: Any) -> None:
        self._subscribed = False
        self._begin(None)
        log("broker.disconnected", code=reason.value)

    def _hear(self, heard: Publication) -> None:
        arrived = ArrivedMessage(heard.topic, heard.properties, heard.correlation, heard.payload)
        self._inbox.put(Delivery(arrived, self._epoch, heard.mid, heard.qos))
