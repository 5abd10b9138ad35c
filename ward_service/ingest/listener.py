"""The two parts of paho that we replace: reading a PUBLISH, and sending many PUBACKs.

paho refuses U+FEFF in a property, which brokers let through: it closes the connection, is sent the
same message again, and so one gateway could make the ward deaf for good. It also looks every
property up by name, and sends every PUBACK by itself: together more than half of its time.
These are paho's own insides (2.2); `tests/ward_service/ingest/test_listener.py` notices when they
move.
Source of the layout: MQTT 5, 2.2.2 and 3.3 [OASIS-MQTT-5].
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from paho.mqtt.client import PUBACK, Client
from paho.mqtt.enums import MQTTErrorCode

from ward_service.logs import log

_USER_PROPERTY: Final = 0x26
_CORRELATION_DATA: Final = 0x09
_SUBSCRIPTION_ID: Final = 0x0B
# What else may stand in a PUBLISH, by how long it is: fixed, or a string with its length before it.
_FIXED: Final = {0x01: 1, 0x02: 4, 0x23: 2}
_STRINGS: Final = frozenset((0x03, 0x08))


class Publication(NamedTuple):
    """A PUBLISH. `mid` is its number on this connection; 0 where `qos` is 0."""

    topic: str
    properties: tuple[tuple[str, str], ...]
    correlation: bytes
    payload: bytes
    mid: int
    qos: int


class Listener(Client):
    """paho's client, which hands each PUBLISH to `hear` instead of `on_message`."""

    def __init__(self, hear: Callable[[Publication], None], *given: Any, **named: Any) -> None:
        """Prepare a client; `hear` is called in paho's network thread."""
        super().__init__(*given, **named)
        self._hear = hear

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Send the PUBACKs of these messages, in order, as one piece."""
        packets = b"".join(b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids)
        if packets:
            self._packet_queue(PUBACK, packets, 0, 1)

    def _handle_publish(self) -> MQTTErrorCode:
        packet = self._in_packet
        try:
            heard = read_publish(packet["command"], bytes(packet["packet"]))
        except IndexError:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL  # no PUBLISH at all: the stream is out of step
        try:
            self._hear(heard)
        except Exception as error:  # noqa: BLE001 - it would end the network thread in silence
            log("callback.failed", logging.ERROR, error=type(error).__name__)
        return MQTTErrorCode.MQTT_ERR_SUCCESS


def read_publish(command: int, packet: bytes) -> Publication:
    """Read a PUBLISH of MQTT 5: its first byte, and what follows its length.

    What is no UTF-8 is replaced, and properties end where they cannot be read: such a message has
    no valid `mac`, and is quarantined like any other without one.

    Raises:
        IndexError: it ends before its payload could begin.
    """
    qos = (command >> 1) & 3
    at = 2 + _length(packet, 0)
    topic = packet[2:at].decode(errors="replace")
    mid = 0
    if qos:
        mid = _length(packet, at)
        at += 2
    size, at = _varint(packet, at)
    payload_at = at + size
    if payload_at > len(packet):
        raise IndexError("properties are longer than their packet")
    properties, correlation = _read_properties(packet[at:payload_at])
    return Publication(topic, properties, correlation, packet[payload_at:], mid, qos)


def _read_properties(given: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    pairs: list[tuple[str, str]] = []
    correlation = b""
    at = 0
    try:
        while at < len(given):
            kind = given[at]
            at += 1
            if kind == _USER_PROPERTY:
                name_at = at + 2
                name_end = name_at + _length(given, at)
                at = name_end + 2 + _length(given, name_end)
                name, value = given[name_at:name_end], given[name_end + 2 : at]
                pairs.append((name.decode(errors="replace"), value.decode(errors="replace")))
            elif kind == _CORRELATION_DATA:
                end = at + 2 + _length(given, at)
                correlation, at = given[at + 2 : end], end
            elif kind in _STRINGS:
                at += 2 + _length(given, at)
            elif kind == _SUBSCRIPTION_ID:
                _, at = _varint(given, at)
            elif kind in _FIXED:
                at += _FIXED[kind]
            else:
                break
    except IndexError:
        pass
    return tuple(pairs), correlation


def _length(packet: bytes, at: int) -> int:
    return packet[at] << 8 | packet[at + 1]


def _varint(packet: bytes, at: int) -> tuple[int, int]:
    """Return a Variable Byte Integer, and where what follows it begins."""
    value = shift = 0
    while True:
        byte = packet[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
