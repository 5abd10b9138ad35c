"""A region has a base topic of its own: its ward hears its homes, and nobody else's."""

import json
from datetime import timedelta

from tests.factories import NOON
from tests.journeys.house import House
from ward_service.contract.clock import real_clock

BASE = "homeward/v1/north"
HOMES = ("home-01", "home-02")


def test_a_ward_hears_the_homes_of_its_base_topic(house: House) -> None:
    began = real_clock().now()
    house.more["HOMEWARD_BASE_TOPIC"] = BASE
    house.admit(HOMES, began - timedelta(hours=1))
    recording = house.folder / "one.csv"
    rows = [f"{(NOON + timedelta(seconds=n)).isoformat()},97,70" for n in range(20)]
    recording.write_text("\n".join(["measured_at,spo2,pulse_rate", *rows]) + "\n")
    homes = house.folder / "homes.json"
    content = json.loads(homes.read_text())
    content["broker"]["base"] = BASE
    homes.write_text(json.dumps(content))
    house.start_ward()
    house.start_homes("replay", "--fast", str(recording))
    house.homes_finish(60)  # it ends with a receipt for each
    assert house.counts() == {"home-01": 20}
