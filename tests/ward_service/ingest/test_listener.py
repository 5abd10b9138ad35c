"""Our reading of a PUBLISH beside paho's own, and the insides of paho that it stands on."""

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import PUBACK, Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ward_service.ingest.listener import Listener, Publication, read_publish

# What MQTT lets stand in a string (1.5.4), and paho sends: no null, no surrogate, no U+FEFF.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=40)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=8)
PUBLISH = 0x30


def a_publish(
    topic: str, payload: bytes, pairs: list[tuple[str, str]], correlation: bytes, qos: int
) -> tuple[int, bytes]:
    """Return a PUBLISH as paho writes it: its first byte, and what follows its length."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/json"
    properties.MessageExpiryInterval = 60
    properties.PayloadFormatIndicator = 1
    properties.UserProperty = pairs
    properties.CorrelationData = correlation
    name = topic.encode()
    number = (4_711).to_bytes(2, "big") if qos else b""
    packed: bytes = properties.pack()  # type: ignore[no-untyped-call]
    return PUBLISH | qos << 1, len(name).to_bytes(2, "big") + name + number + packed + payload


def as_paho_hears(command: int, packet: bytes) -> MQTTMessage:
    heard: list[MQTTMessage] = []
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = lambda _, __, message: heard.append(message)
    _hand_over(client, command, packet)
    return heard[0]


def _hand_over(client: Any, command: int, packet: bytes) -> Any:
    client._in_packet |= {"command": command, "packet": bytearray(packet)}
    client._in_packet["remaining_length"] = len(packet)
    client._send_puback = lambda mid: MQTTErrorCode.MQTT_ERR_SUCCESS
    return client._handle_publish()


@given(st.binary(max_size=200), PAIRS, st.binary(max_size=16), st.integers(0, 1))
def test_what_paho_can_read_we_read_as_paho_does(
    payload: bytes, pairs: list[tuple[str, str]], correlation: bytes, qos: int
) -> None:
    command, packet = a_publish("homeward/v1/home-01/readings", payload, pairs, correlation, qos)
    ours, theirs = read_publish(command, packet), as_paho_hears(command, packet)
    said = vars(theirs.properties)
    assert ours.topic == theirs.topic
    assert ours.payload == theirs.payload
    assert ours.qos == theirs.qos
    assert ours.mid == theirs.mid
    assert list(ours.properties) == said.get("UserProperty", [])
    assert ours.correlation == said["CorrelationData"]


@given(st.integers(0x30, 0x3F), st.binary(max_size=120))
def test_any_bytes_are_heard_or_are_no_publish(command: int, packet: bytes) -> None:
    try:
        heard = read_publish(command, packet)
    except IndexError:
        return
    assert packet.endswith(heard.payload)


def test_a_mark_that_paho_refuses_does_not_make_the_ward_deaf() -> None:
    mark = "\ufeff".encode()
    property_ = b"\x26" + b"\x00\x04slot" + len(mark).to_bytes(2, "big") + mark
    packet = b"\x00\x01t" + b"\x00\x07" + bytes([len(property_)]) + property_ + b"{}"
    heard: list[Publication] = []
    ward = Listener(heard.append, CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    assert _hand_over(ward, PUBLISH | 2, packet) == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert heard == [Publication("t", (("slot", "\ufeff"),), b"", b"{}", 7, 1)]


def test_whoever_hears_may_break_without_ending_the_thread() -> None:
    def hear(_: Publication) -> None:
        raise KeyError("Ann Smith")

    ward = Listener(hear, CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    packet = b"\x00\x01t" + b"\x00"
    assert _hand_over(ward, PUBLISH, packet) == MQTTErrorCode.MQTT_ERR_SUCCESS


def test_acknowledgements_leave_as_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    queued: list[tuple[Any, ...]] = []
    ward = Listener(print, CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    monkeypatch.setattr(ward, "_packet_queue", lambda *given: queued.append(given))
    ward.acknowledge([1, 258])
    ward.acknowledge([])
    assert queued == [(PUBACK, b"\x40\x02\x00\x01\x40\x02\x01\x02", 0, 1)]


def test_the_insides_of_paho_have_not_moved() -> None:
    assert "_handle_publish" in vars(Client)
    assert [*inspect.signature(Client._packet_queue).parameters][:5] == [
        "self", "command", "packet", "mid", "qos",
    ]  # fmt: skip
    assert "self._handle_publish()" in inspect.getsource(Client._packet_handle)
