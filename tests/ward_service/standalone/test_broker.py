"""The embedded broker, whichever it is, carries what the contract needs; on loopback only."""

import subprocess
import threading
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.conftest import missing
from tests.services import free_port, has_mosquitto, wait_until_answers
from ward_service.contract.messages import MAX_PAYLOAD
from ward_service.standalone.broker import EmbeddedBroker, embedded_broker


@pytest.mark.parametrize("kind", ["mosquitto", "rumqttd"])
def test_it_carries_a_whole_envelope_and_the_largest_payload(kind: str, tmp_path: Path) -> None:
    if kind == "mosquitto" and not has_mosquitto():
        missing("Mosquitto", "install it, for example: apt-get install mosquitto")
    port = free_port()
    broker = embedded_broker(port, tmp_path, None if kind == "mosquitto" else "")
    process = subprocess.Popen(broker.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_answers(port)
        _round_trip(port)
    finally:
        process.kill()
        process.wait(10)


def _round_trip(port: int) -> None:
    heard: list[MQTTMessage] = []
    subscribed, arrived = threading.Event(), threading.Event()

    def on_message(_: object, __: object, message: MQTTMessage) -> None:
        heard.append(message)
        arrived.set()

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = on_message
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_connect = lambda c, *_: c.subscribe("homeward/v1/+/readings", 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert subscribed.wait(10)
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = [("slot", "1"), ("mac", "f" * 64)]
    properties.CorrelationData = b"0123456789abcdef"
    payload = b"x" * MAX_PAYLOAD
    client.publish("homeward/v1/home-01/readings", payload, 1, properties=properties)
    assert arrived.wait(10)
    client.disconnect()
    client.loop_stop()
    [message] = heard
    assert message.payload == payload
    envelope = vars(message.properties)
    assert envelope["UserProperty"] == [("slot", "1"), ("mac", "f" * 64)]
    assert envelope["CorrelationData"] == b"0123456789abcdef"


@pytest.mark.parametrize("mosquitto", [None, ""])
def test_it_listens_on_loopback_only(tmp_path: Path, mosquitto: str | None) -> None:
    embedded_broker(18_830, tmp_path, mosquitto)
    [config] = tmp_path.iterdir()
    assert "127.0.0.1" in config.read_text()
    assert 'listen = "0' not in config.read_text()


@pytest.mark.parametrize(
    ("version", "warned"), [("2.0.11", True), ("2.0.12", True), ("2.0.13", False), ("2.1", False)]
)
def test_an_old_mosquitto_is_named(tmp_path: Path, version: str, warned: bool) -> None:
    program = tmp_path / "mosquitto"
    program.write_text(f"#!/bin/sh\necho 'mosquitto version {version}'\nexit 3\n")
    program.chmod(0o755)
    broker: EmbeddedBroker = embedded_broker(18_830, tmp_path, str(program))
    assert broker.name == f"Mosquitto {version}"
    assert bool(broker.warning) is warned
