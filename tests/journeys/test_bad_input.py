"""Everything wrong that can come over the wire: kept, judged, counted, and blocking nothing."""

import json
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Any

import httpx2 as httpx
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.factories import Home as Sender
from tests.factories import a_reading
from tests.journeys.house import CLINICIAN, PASSWORD, House
from ward_service.contract.clock import real_clock
from ward_service.contract.ids import new_id
from ward_service.ingest.message import ArrivedMessage

GATEWAYS = [f"home-{n:02d}" for n in range(1, 11)]


class Wire:
    """A paho client that sends whatever it is told, signed or not."""

    def __init__(self, house: House) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.connect(house.broker.host, house.broker.port)
        self._client.loop_start()

    def send(self, arrived: ArrivedMessage, *, retain: bool = False) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = list(arrived.properties)
        properties.CorrelationData = arrived.correlation
        sent = self._client.publish(
            arrived.topic, arrived.payload, 1, retain=retain, properties=properties
        )
        sent.wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def asked(house: House, path: str) -> Any:
    assert house.ward
    base = f"http://127.0.0.1:{house.ward.port}"
    given = {"username": CLINICIAN, "password": PASSWORD}
    token = httpx.post(f"{base}/session", json=given).json()["token"]
    return httpx.get(f"{base}{path}", headers={"Authorization": f"Bearer {token}"}).json()


def send_all_that_is_wrong(house: House, senders: list[Sender], now: datetime) -> None:
    wire = Wire(house)

    def reading(n: int, spo2: float, pulse: float = 72, at: datetime = now) -> None:
        wire.send(senders[n].sends(a_reading(spo2, pulse, at=at)))

    wire.send(senders[0].sends_bytes(b"not json", new_id(now)))
    wrong_schema = json.dumps({"reading_id": str(new_id(now)), "spo2": 97}).encode()
    wire.send(senders[1].sends_bytes(wrong_schema, new_id(now)))
    forged = a_reading(99, at=now)
    body = forged.model_dump_json().encode()
    wire.send(senders[2].sends_bytes(body, forged.reading_id, key=senders[3].key))
    empty = Sender("home-04", senders[3].key.hex(), slot=9)
    wire.send(empty.sends(a_reading(88, at=now)))
    reading(4, 101, 130)
    reading(5, -3)
    reading(6, 72, 97)
    reading(7, 90, at=now + timedelta(days=2))
    reading(8, 97, at=now - timedelta(days=365))
    reading(9, 97)  # and the next one is a well person, whom nothing of this may block
    wire.close()


def test_everything_wrong_is_kept_judged_counted_and_blocks_nothing(house: House) -> None:
    now = real_clock().now()
    house.admit(GATEWAYS, now - timedelta(minutes=1))  # nobody is late yet, at any hour
    senders = [Sender(gateway, house.keys[gateway]) for gateway in GATEWAYS]
    house.start_ward()
    send_all_that_is_wrong(house, senders, now)
    until = monotonic() + 20
    while (found := asked(house, "/data-quality"))["readings"] < 6 and monotonic() < until:
        sleep(0.2)
    assert found["quarantined_by_reason"] == {
        "not JSON": 1,
        "not a reading: extra_forbidden, missing": 1,
        "mac does not match": 1,
        "nobody has this slot": 1,
    }
    assert (found["readings"], found["doubtful"], found["time_doubtful"]) == (6, 5, 2)
    assert found["doubts"] == {
        "spo2_above_belief": 1,
        "spo2_below_belief": 1,
        "looks_swapped": 1,
        "time_doubtful": 2,
    }
    board = asked(house, "/triage")
    place = {line["family_name"].rpartition("-")[2]: line["place"] for line in board["patients"]}
    # -3, 72 that looks swapped, and 90 from the day after tomorrow: red, doubtful, never set aside.
    assert [place[n] for n in ("6", "7", "8")] == ["red", "red", "red"]
    # What could not be read stands on the person of its slot; a forgery too.
    assert [place[n] for n in ("1", "2", "3")] == ["technical"] * 3
    assert place["10"] == "green"
