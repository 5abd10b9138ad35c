"""Live streams and shared devices, to a real ward over a real broker."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from device_gateway.capture.attribution import WAITS
from device_gateway.capture.seconds import minute_of
from device_gateway.config.homes_file import read_homes
from device_gateway.home import Home
from device_gateway.publish.connection import Pace
from device_gateway.street import Street
from tests.device_gateway.capture.test_attribution import OF_USER_0, OF_USER_1, record
from tests.device_gateway.streams import CUFF, HERS, SECOND, SHARED, hears
from tests.factories import COH, a_ward, an_admission
from tests.fakes.adviser import COH_RULES, ByTheRules
from tests.fakes.ward_peer import eventually
from tests.journeys.house import House
from tests.journeys.test_recordings import HOMES, spo2_by_home
from ward_service.contract.clock import real_clock
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Trace
from ward_service.contract.vocabulary import Vital
from ward_service.domain.continuous import held_reds
from ward_service.domain.inputs import TraceArrived
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of

CLOCK = real_clock()
RED_FOR = int(COH.continuous.held_red / SECOND) + 5


@contextmanager
def home_01(house: House, adviser: ByTheRules | None = None) -> Iterator[Home]:
    """Carry the home in this process; its minutes end when the test says so."""
    file = read_homes(house.folder / "homes.json")
    advises = (adviser or ByTheRules()).over
    pace = Pace(resend_after_s=5, reconnect_max_s=1)
    spools = house.folder / "spools"
    with (
        patch("device_gateway.home.Adviser", advises),
        Street(file.homes[:1], file.broker, spools, CLOCK, pace) as street,
    ):
        street.ticking = False
        yield street.homes[0]


def two_people(house: House) -> None:
    now = CLOCK.now() - timedelta(hours=1)
    house.admit(["home-01"], now)
    ward = a_ward(house.folder / "ward")
    admit(ward, an_admission("home-01", slot=2, n=2), now)
    engine_of(ward.sessions).dispose()


def physiological(house: House) -> list[tuple[str, str]]:
    found = house.ask("SELECT state, level FROM alert WHERE alert_class = 'physiological'")
    return [(str(state), str(level)) for state, level in found]


def test_a_held_red_is_on_the_list_before_its_minute_has_ended(house: House) -> None:
    house.admit(["home-01"], CLOCK.now() - timedelta(hours=1))
    house.start_ward()
    began = minute_of(CLOCK.now()) - timedelta(seconds=50)
    with home_01(house) as home:
        at = hears(home, [91.0] * RED_FOR, began, HERS)
        assert eventually(lambda: len(physiological(house)) == 1)
        [(_, level)] = physiological(house)
        assert level == "red"
        [(payload,)] = house.ask("SELECT payload FROM reading")
        assert "samples" not in payload  # a reading of its own; its minute is still open
        assert len(home.spool.samples(HERS.address)) == RED_FOR
        home.parted(HERS, at)
        assert eventually(lambda: house.counts() == {"home-01": 2})
    assert physiological(house) == [("open", "red")]  # the minute joined it: held, so no repeat
    words = [row for (row,) in house.ask("SELECT findings FROM reading")]
    assert any(f"for {RED_FOR} s" in str(row) for row in words)
    [minute] = [p for (p,) in house.ask("SELECT payload FROM reading") if "samples" in p]
    assert json.loads(minute)["advice"]["level"] == "red"


def test_a_dump_of_a_shared_cuff_is_filed_right_and_again_changes_nothing(house: House) -> None:
    two_people(house)
    house.start_ward()
    dump = [record(hex_, CLOCK.now()) for hex_ in (*OF_USER_0, *OF_USER_1)]
    with home_01(house) as home:
        for _ in range(2):
            home.hear(CUFF, dump)
            assert eventually(lambda: home.spool.depth() == 0)
    by_slot = "SELECT slot, count(*), count(DISTINCT episode_id) FROM reading GROUP BY slot"
    assert sorted(house.ask(by_slot)) == [(1, 3, 1), (2, 1, 1)]
    assert house.ask("SELECT count(DISTINCT episode_id) FROM reading") == [(2,)]
    assert house.ask("SELECT count(*) FROM quarantine") == [(0,)]


def test_nobodys_reading_reaches_the_ward_without_a_slot_and_is_nobodys_there(
    house: House,
) -> None:
    two_people(house)
    house.start_ward()
    with home_01(house) as home:
        home.parted(SHARED, hears(home, [97.0] * 20, minute_of(CLOCK.now()), SHARED))
        home.tick(CLOCK.now() + WAITS + timedelta(minutes=1))
        assert eventually(lambda: home.spool.depth() == 0)
        [kept] = [row for row in home.spool.drawer() if row.origin == "ward"]
        assert kept.reason == "nobody said whose it was"
    assert house.counts() == {}
    assert house.ask("SELECT gateway_id, slot FROM quarantine") == [("home-01", None)]


@pytest.mark.recordings
def test_recordings_as_minutes_have_every_second_and_are_judged_as_a_whole(
    house: House, recordings: Path
) -> None:
    """What should be held is found here in the whole recording, by the domain's own rule."""
    expected = spo2_by_home(recordings)
    house.admit(HOMES, CLOCK.now())
    house.start_ward()
    house.start_homes("replay", str(recordings), "--fast", "--as-minutes")
    house.homes_finish(300)
    pathway, limits = COH_RULES
    every = house.ask("SELECT gateway_id, payload, findings FROM reading")
    for home, values in zip(HOMES, expected, strict=True):
        rows = [(payload, findings) for gateway, payload, findings in every if gateway == home]
        traces = sorted(
            (Trace.model_validate_json(text) for text, _ in rows if '"samples"' in text),
            key=lambda trace: trace.started_at,
        )
        seen = [v for trace in traces for v in trace.samples[Vital.SPO2] if v is not None]
        assert seen == [float(value) for value in values], home
        assert all(len(trace.samples[Vital.SPO2]) <= 60 for trace in traces)
        spo2 = {Vital.SPO2: tuple(map(float, values))}
        whole = TraceArrived(new_id(CLOCK.now()), CLOCK.now(), 1.0, spo2)
        held = any(red.seconds >= 90 for red in held_reds(whole, limits, pathway))
        said = any("held_red" in str(findings) for _, findings in rows)
        assert held is said is True, home  # 90 s of red fill 30 of one minute at least
    assert house.ask("SELECT count(*) FROM quarantine") == [(0,)]
    assert len(physiological(house)) == 16
