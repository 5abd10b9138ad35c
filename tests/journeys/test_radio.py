"""From a finger over the radio to the ward: every part real, but for the air."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from signal import SIGTERM
from typing import Any

import pytest

from tests.conftest import missing
from tests.fakes.bluez import HAS_DBUS, VARIABLE, BluezProcess
from tests.fakes.peripherals import cuff
from tests.fakes.ward_peer import eventually
from tests.journeys.house import House
from tests.services import GATEWAY

SPOT, RING, CUFF = "A0:00:00:00:00:01", "A0:00:00:00:00:04", "A0:00:00:00:00:05"


@pytest.fixture
def fake() -> Iterator[BluezProcess]:
    if not HAS_DBUS:
        missing("dbus-daemon", "install it, for example: apt-get install dbus")
    with BluezProcess() as process:
        yield process


def test_what_devices_stored_reaches_the_ward_once_however_often_the_gateway_dies(
    house: House, fake: BluezProcess
) -> None:
    house.more[VARIABLE] = fake.address
    house.admit(["home-01"], datetime.now(UTC))  # noqa: TID251
    house.start_ward()
    for address in (SPOT, RING, CUFF):
        _pair(house, address)
    records = len(cuff().frames)
    house.start_homes("run")
    house.wait_for(3 + records, 30)
    for _ in range(2):  # the cuff sends its memory again, every time
        time.sleep(3)  # of the ring: it streams
        house.kill_homes()
        house.start_homes("run")
    time.sleep(5)
    assert house.homes is not None
    house.homes.send_signal(SIGTERM)  # what it was measuring is sent
    house.homes_finish(30)
    house.start_homes("run")
    assert eventually(lambda: len(_seconds(house)) >= 5, 90)
    payloads = _payloads(house)
    # What a killed gateway left is sent by the next one, which has not heard its device yet.
    models = Counter(payload["device"]["model"] for payload in payloads if "device" in payload)
    assert models["Spot 100"] == 3
    assert models["BM54"] == records
    assert models.keys() == {"Spot 100", "BM54", "O2Ring"}
    seconds = _seconds(house)
    assert len(seconds) == len(set(seconds))  # none twice


def _pair(house: House, address: str) -> None:
    homes = str(house.folder / "homes.json")
    command = [str(GATEWAY), "pair", address, "--slot", "1", "--homes", homes]
    done = subprocess.run(
        command, env={**os.environ, **house.more}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def _payloads(house: House) -> list[dict[str, Any]]:
    return [json.loads(payload) for (payload,) in house.ask("SELECT payload FROM reading")]


def _seconds(house: House) -> list[datetime]:
    traces = [payload for payload in _payloads(house) if "samples" in payload]
    return [second for trace in traces for second in _of(trace)]


def _of(trace: dict[str, Any]) -> list[datetime]:
    began = datetime.fromisoformat(trace["started_at"])
    spo2 = trace["samples"]["spo2"]
    return [began + timedelta(seconds=n) for n, value in enumerate(spo2) if value is not None]
