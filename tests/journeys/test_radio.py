"""From a finger over the radio to the ward: every part real, but for the air."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from signal import SIGTERM

import pytest

from tests.conftest import missing
from tests.fakes.bluez import HAS_DBUS, VARIABLE, BluezProcess
from tests.fakes.peripherals import cuff
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
    house.wait_for(3 + records + 2, 30)
    for _ in range(2):  # the cuff sends its memory again, every time
        house.kill_homes()
        house.start_homes("run")
        before = sum(house.counts().values())
        house.wait_for(before + 2, 30)  # of the ring: it streams
    assert house.homes is not None
    house.homes.send_signal(SIGTERM)
    house.homes_finish(30)
    models = Counter(_models(house))
    assert models["Spot 100"] == 3
    assert models["BM54"] == records
    assert models["O2Ring"] >= 6
    assert models.keys() == {"Spot 100", "BM54", "O2Ring"}


def _pair(house: House, address: str) -> None:
    homes = str(house.folder / "homes.json")
    command = [str(GATEWAY), "pair", address, "--slot", "1", "--homes", homes]
    done = subprocess.run(
        command, env={**os.environ, **house.more}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def _models(house: House) -> list[str]:
    rows = house.ask("SELECT payload FROM reading")
    return [json.loads(payload)["device"]["model"] for (payload,) in rows]
