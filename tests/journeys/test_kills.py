"""R2, quick form: gateway, broker and ward killed at random, the broker's disk wiped each time.

The recordings are the ledger: written before anything ran, they know nothing of the system.
Source: docs/reference/brokers-and-databases.md#faults, R2, #kill-test.
"""

from datetime import timedelta
from pathlib import Path
from random import Random
from time import sleep

import pytest

from tests.factories import NOON
from tests.journeys.house import House
from tests.services import Broker, PostgreSQL
from ward_service.contract.clock import VARIABLE, demo_clock, real_clock

HOMES = ("home-01", "home-02", "home-03")
SPEED = 40.0  # times as fast as life: readings come all the while that things are killed


def write_recordings(folder: Path, samples: int) -> None:
    """Three people who get worse and better, one sample a second."""
    folder.mkdir()
    for n, home in enumerate(HOMES):
        rows = [
            f"{(NOON + timedelta(seconds=s)).isoformat()},{97 - (s // 400 + n) % 9},{70 + n}"
            for s in range(samples)
        ]
        whole = "\n".join(["measured_at,spo2,pulse_rate", *rows])
        (folder / f"{home}.csv").write_text(whole + "\n")


def survive(house: House, kills: int, seed: int) -> None:
    """Kill somebody every now and then, and check that nothing was lost and nothing doubled."""
    samples = int(kills * 2.2 * SPEED)
    write_recordings(house.folder / "recordings", samples)
    clock = demo_clock(real_clock().wall(), NOON, SPEED)
    house.more[VARIABLE] = clock.word()
    house.admit(HOMES, NOON - timedelta(minutes=10))
    replay = ("replay", *(str(house.folder / "recordings" / f"{home}.csv") for home in HOMES))
    house.start_ward()
    house.start_homes(*replay)
    chance, died = Random(seed), dict.fromkeys(("gateway", "broker", "ward"), 0)
    for n in range(kills):
        sleep(chance.uniform(0.05, 0.6))
        victim = sorted(died)[n % 3] if n < 3 else chance.choice(sorted(died))
        died[victim] += 1
        if victim == "gateway":
            house.kill_homes()
            house.start_homes(*replay)
        elif victim == "broker":
            house.broker.kill()
            house.broker.wipe()
            house.broker.start()
        else:
            house.kill_ward()
            house.start_ward()
    house.homes_finish(samples / SPEED + 60)
    print(f"{kills} kills ({died}), {3 * samples} readings taken")
    assert house.counts() == dict.fromkeys(HOMES, samples)
    assert house.ask("SELECT count(DISTINCT reading_id) FROM reading") == [(3 * samples,)]
    assert house.ask(
        "SELECT count(DISTINCT judged_at) FROM reading WHERE gateway_id = 'home-01'"
    ) == [(samples,)]
    twice = (
        "SELECT count(*) FROM (SELECT episode_id, alert_class FROM alert WHERE state NOT IN "
        "('resolved', 'withdrawn') GROUP BY 1, 2 HAVING count(*) > 1) AS twice"
    )
    assert house.ask(twice) == [(0,)]
    opened = "SELECT count(*) FROM ledger WHERE what = 'opened'"
    assert house.ask(opened) == house.ask("SELECT count(*) FROM alert")


def test_sixty_kills_lose_nothing_and_double_nothing(house: House) -> None:
    survive(house, kills=60, seed=5)


def test_kills_over_postgresql(
    tmp_path: Path, broker: Broker, postgres_server: PostgreSQL, request: pytest.FixtureRequest
) -> None:
    url = postgres_server.new_database()
    house = House(tmp_path, broker, {"HOMEWARD_DATABASE_URL": url})
    request.addfinalizer(lambda: postgres_server.drop_database(url))
    request.addfinalizer(house.end)
    survive(house, kills=12, seed=7)
