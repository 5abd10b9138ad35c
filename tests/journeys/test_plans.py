"""A home with no network advises by the plan that its ward sent; the ward hears of it later."""

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import httpx2 as httpx
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device_gateway.capture.capture import Capture
from device_gateway.config.homes_file import Broker as Wire
from device_gateway.config.homes_file import Place
from device_gateway.street import Street
from tests.fakes.plan_wire import PlanWire
from tests.fakes.playback import take_frames
from tests.journeys.house import CLINICIAN, PASSWORD, House
from tests.services import WARD
from ward_service.contract.clock import real_clock
from ward_service.contract.envelope import Envelope
from ward_service.contract.messages import topic
from ward_service.contract.plan import Plan
from ward_service.contract.vocabulary import Level
from ward_service.domain.plan import read_plan, written

SPOT_CHECK = 0x2A5E


def frame(spo2: int) -> bytes:
    """A PLX spot check with a pulse of 72."""
    return bytes([0, spo2, 0, 72, 0])


def until(true: Callable[[], object], seconds: float = 30) -> None:
    end = monotonic() + seconds
    while not true():
        assert monotonic() < end, "it did not come to pass"
        sleep(0.05)


class Nurse:
    """Somebody at the ward, over its HTTP door."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        given = {"username": CLINICIAN, "password": PASSWORD}
        token = httpx.post(f"{self.url}/session", json=given).json()["token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        board = httpx.get(f"{self.url}/triage", headers=self.headers).json()
        self.stay = f"{self.url}/episodes/{board['patients'][0]['episode_id']}"

    def does(self, what: str, key: str, **given: Any) -> None:
        headers = self.headers | {"Idempotency-Key": key}
        answer = httpx.post(f"{self.stay}/{what}", headers=headers, json=given)
        assert answer.status_code < 300, answer.text

    def asks(self, path: str) -> Any:
        return httpx.get(f"{self.url}{path}", headers=self.headers).json()

    def readings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(
            f"{self.stay}/readings", headers=self.headers
        ).json()["readings"]
        return found


@pytest.fixture
def street(house: House) -> Iterator[Street]:
    """One home whose person has just been admitted, and its ward."""
    house.admit(["home-01"], real_clock().now() - timedelta(minutes=10))
    house.start_ward()
    place = Place(gateway="home-01", key=bytes.fromhex(house.keys["home-01"]), slot=1)
    wire = Wire(host=house.broker.host, port=house.broker.port)
    with Street((place,), wire, house.folder / "spools", real_clock()) as opened:
        yield opened


def test_a_home_with_no_network_advises_by_its_plan_and_the_ward_hears_of_it_later(
    house: House, street: Street
) -> None:
    [home] = street.homes
    adviser = home.adviser
    assert house.ward
    nurse = Nurse(house.ward.port)
    with PlanWire(house.broker, home):
        until(lambda: adviser.plan(1))  # published by the admission, before any home was there
        first = adviser.plan(1)
        assert first is not None
        house.broker.kill()
        take_frames(home, [Capture(SPOT_CHECK, frame(91), real_clock().now())])
        told = adviser.told(1, real_clock().now())
        assert told is not None
        assert (told.plan_number, told.advice.level) == (first.number, Level.RED)
        assert "If it is still 92 % or lower" in told.words[0]
        house.broker.wipe()  # retained plans with it
        house.broker.start()
        until(lambda: nurse.readings())
        [reading] = nurse.readings()
        assert (reading["level"], reading["told"]["level"]) == ("red", "red")
        assert reading["told"]["plan_number"] == first.number
        assert reading["told"]["words"] == list(told.words)

        nurse.does(
            "limits", "new-limits", reason="agreed", parameters={"red_max": 88, "amber_max": 90}
        )
        until(lambda: adviser.numbers()[1] > first.number)
        take_frames(home, [Capture(SPOT_CHECK, frame(91), real_clock().now())])
        later = adviser.told(1, real_clock().now())
        assert later is not None
        assert later.advice.level is Level.GREEN
        assert later.plan_number == adviser.numbers()[1]
        until(lambda: len(nurse.readings()) == 2)
        assert [r["told"]["level"] for r in nurse.readings()] == ["red", "green"]
        assert "92 % or lower" in nurse.readings()[0]["told"]["words"][0]  # as said then

        nurse.does(
            "end",
            "end-of-stay",
            reason="withdrew",
            note="told us",
            device_returned="yes",
            gp_informed=True,
        )
        until(lambda: (plan := adviser.plan(1)) is not None and plan.ended)
        take_frames(home, [Capture(SPOT_CHECK, frame(97), real_clock().now())])
        plain = adviser.told(1, real_clock().now())
        assert plain is not None
        assert (plain.plan_number, plain.advice.level) == (None, None)


def test_neither_the_broker_nor_another_gateway_can_forge_or_move_a_plan(
    house: House, street: Street
) -> None:
    [home] = street.homes
    with PlanWire(house.broker, home) as heard:
        until(lambda: home.adviser.plan(1) and heard.sent)  # the home listens by itself, too
        real = home.adviser.plan(1)
        assert real is not None
        assert real.care is not None
        forged = written(Plan(number=real.number + 1, ended=True))
        [sent] = heard.sent
        theirs = getattr(sent.properties, "UserProperty", [])
        right, other = topic("home-01", "plans", 1), topic("home-01", "plans", 2)
        envelope = Envelope(sent_at=real_clock().now(), slot=1)
        wrong_key = envelope.properties(right, forged, b"the key of another gateway, or none")
        client = Client(CallbackAPIVersion.VERSION2, "forger", protocol=MQTTProtocolVersion.MQTTv5)
        client.connect(house.broker.host, house.broker.port)
        client.loop_start()
        for to, payload, properties in (
            (right, forged, []),
            (right, forged, theirs),
            (right, forged, wrong_key),
            (other, bytes(sent.payload), theirs),
            (right, bytes(sent.payload).replace(b'"red_max":92', b'"red_max":80'), theirs),
        ):
            carried = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            carried.UserProperty = properties
            client.publish(to, payload, 1, True, carried).wait_for_publish(10)
        until(lambda: heard.refused == 5)
        client.disconnect()
        client.loop_stop()
        assert home.adviser.plan(1) == real
        assert home.adviser.plan(2) is None
        assert read_plan(bytes(sent.payload)) == real


def test_the_broker_forgets_the_plan_of_a_gateway_that_is_revoked(
    house: House, street: Street
) -> None:
    [home] = street.homes
    with PlanWire(house.broker, home) as heard:
        until(lambda: home.adviser.plan(1))
        held = home.adviser.plan(1)
        revoking = subprocess.run(
            [str(WARD), "gateway", "revoke", "home-01"],
            env={**os.environ, "HOMEWARD_DATA_DIR": str(house.folder / "ward")},
            capture_output=True,
            text=True,
        )
        assert revoking.returncode == 0, revoking.stderr
        until(lambda: heard.refused == 1)  # the empty one: what no key signed is not taken
        assert home.adviser.plan(1) == held
    with PlanWire(house.broker, home) as heard:
        sleep(1)  # a retained plan comes at once
        assert (heard.sent, heard.refused) == ([], 0)
