"""A visit of ten minutes to `./homeward demo`: its street lived through the real pipeline."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from device_gateway.capture.capture import Capture, Measured, as_reading, in_bytes, measured
from device_gateway.config.homes_file import Place
from device_gateway.playback.simulate import Kind, kinds, person, reports
from device_gateway.spool.records import Outgoing
from tests.factories import Home
from ward_service.contract.clock import demo_clock
from ward_service.contract.vocabulary import AlertClass, Level
from ward_service.pipeline import take_batch
from ward_service.settings import Settings
from ward_service.standalone import launch
from ward_service.standalone.processes import Parts
from ward_service.store.alerts import findings_of
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.homes import SlotRow
from ward_service.ward import Ward, open_ward
from ward_service.worker import tick

BEGAN = datetime(2026, 11, 23, 8, 50, tzinfo=UTC)
REAL_MINUTE = timedelta(minutes=launch.STREET_SPEED)  # of the ward's clock
VISIT = 10 * REAL_MINUTE
PEOPLE = 40


@dataclass
class Street:
    """What the ward said of each house: when it first became amber, and red, in real minutes."""

    kinds: tuple[Kind, ...]
    amber: dict[int, float] = field(default_factory=dict)
    red: dict[int, float] = field(default_factory=dict)

    def of(self, kind: Kind) -> list[int]:
        return [index for index, is_ in enumerate(self.kinds) if is_ is kind]


def furnished(folder: Path, seed: int) -> tuple[Ward, list[Home]]:
    """Admit a street as the demo does, without its processes."""
    settings = Settings(data_dir=folder, database_url="", use="demo")
    with Path(os.devnull).open("w") as turn:
        made = launch.House(folder, {"broker": 1}, Parts(folder, {}), settings, turn)
        clock = demo_clock(BEGAN, BEGAN, launch.STREET_SPEED)
        path, _ = launch._furnish(made, clock, PEOPLE, "an invented password", seed)
    homes = [Home(h["gateway"], h["key"]) for h in json.loads(path.read_text())["homes"]]
    return open_ward(settings, now=lambda: BEGAN), homes


def sent(seed: int, index: int, home: Home) -> Iterator[tuple[datetime, Any]]:
    place = Place(gateway=home.gateway, key=home.key.hex(), slot=home.slot)
    who = person(seed, index, PEOPLE, BEGAN)
    for due in takewhile(lambda due: due.at < BEGAN + VISIT, reports(who)):
        item = due.item
        if isinstance(item, Capture):
            one = measured(item)
            assert isinstance(one, Measured)
            reading = as_reading(one, f"{place.gateway}/{place.slot}")
            yield due.at, home.sends_bytes(in_bytes(reading), reading.reading_id, due.at)
        else:
            assert isinstance(item, Outgoing)
            yield due.at, home.sends_bytes(item.payload, item.reading_id, due.at)


def visit(folder: Path, seed: int) -> Street:
    """Live through ten real minutes of a street."""
    ward, homes = furnished(folder, seed)
    events = [e for index, home in enumerate(homes) for e in sent(seed, index, home)]
    now = BEGAN
    for at, message in sorted(events, key=lambda event: event[0]):
        while now + timedelta(minutes=10) < at:
            now += timedelta(minutes=10)
            tick(ward, now)
        take_batch(ward, [message], at)
    tick(ward, BEGAN + VISIT)
    street = Street(kinds(seed, PEOPLE))
    with ward.sessions() as session:
        index_of = {
            slot.episode_id: int(slot.gateway_id.removeprefix("home-")) - 1
            for slot in session.scalars(select(SlotRow))
        }
        for alert in session.scalars(select(AlertRow)):
            if alert.alert_class is AlertClass.PHYSIOLOGICAL:
                for found in findings_of(alert):
                    note(street, index_of[alert.episode_id], found.finding.level, found.at)
    engine_of(ward.sessions).dispose()
    return street


def note(street: Street, index: int, level: Level, at: datetime) -> None:
    minute = (at - BEGAN) / REAL_MINUTE
    if level is Level.RED:
        street.red[index] = min(minute, street.red.get(index, minute))
    if level in (Level.AMBER, Level.RED):
        street.amber[index] = min(minute, street.amber.get(index, minute))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_one_visit_some_slowly_deteriorate_and_the_well_never_alert(
    tmp_path: Path, seed: int
) -> None:
    street = visit(tmp_path, seed)
    declining = street.of(Kind.DECLINING)
    assert len(declining) == 4
    ambers = [street.amber.get(index, 99.0) for index in declining]
    reds = [street.red.get(index, 99.0) for index in declining]
    assert min(ambers) > 1.0  # slowly: nobody begins ill
    assert max(ambers) <= 6.0, ambers
    assert max(reds) <= 10.0, reds
    assert all(red - amber >= 0.5 for amber, red in zip(ambers, reds, strict=True))
    for moments in (ambers, reds):
        assert len(set(moments)) == 4, moments
        assert max(moments) - min(moments) >= 1.0, moments  # each in their own time
    assert [index for index in street.of(Kind.WELL) if index in street.amber] == []
