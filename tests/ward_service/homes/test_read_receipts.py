"""What counts as seen by a clinician, once for each reading, and that its home is told."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.factories import NOON, Home, a_home, a_reading, a_ward, minutes
from tests.ward_service.homes.test_plans import FakeWire
from ward_service.api.app import create_app
from ward_service.bootstrap import add_account
from ward_service.contract.clock import demo_clock, real_clock
from ward_service.contract.envelope import Envelope
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Receipt, Receipts
from ward_service.contract.vocabulary import Channel
from ward_service.domain.inputs import Acknowledged, ContactMade
from ward_service.entry.record import record_reading
from ward_service.errors import NotFoundError, OutdatedError
from ward_service.homes.read_receipts import AGAIN_FOR, ReadReceiptSender, note_looked
from ward_service.pipeline import dispatch_batch, take_batch
from ward_service.stays.acts import act
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.homes import SeenRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward

PASSWORD = "correct horse battery"


@dataclass
class House:
    ward: Ward
    home: Home
    wire: FakeWire = field(default_factory=FakeWire)

    def __post_init__(self) -> None:
        self.restarts()

    def restarts(self) -> None:
        """A process that remembers nothing but the database."""
        self.post = ReadReceiptSender(self.ward)

    def sends(self, spo2: float, at: Any = NOON) -> UUID:
        reading = a_reading(spo2, at=at)
        take_batch(self.ward, [self.home.sends(reading)], at)
        return reading.reading_id

    def stay(self) -> UUID:
        with self.ward.sessions() as session:
            return session.scalars(select(EpisodeRow.id)).one()

    def alert(self) -> AlertRow:
        with self.ward.sessions() as session:
            return session.scalars(select(AlertRow)).one()

    def told(self) -> list[Receipt]:
        """Let ingest look twice, as it does every second: what the home was told, if signed."""
        self.post.deliver(self.wire, NOON)
        self.post.deliver(self.wire, NOON)
        some, self.wire.given = self.wire.given, []
        receipts: list[Receipt] = []
        for message in some:
            Envelope.read(message.topic, message.properties, b"", message.payload, self.home.key)
            assert not message.retain
            receipts += Receipts.model_validate_json(message.payload).receipts
        return receipts

    def rows(self) -> list[SeenRow]:
        with self.ward.sessions() as session:
            return list(session.scalars(select(SeenRow)))


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    ward = a_ward(tmp_path, database_url)
    yield House(ward, a_home(ward))
    engine_of(ward.sessions).dispose()


def test_whoever_takes_an_alert_has_seen_its_reading_and_the_home_is_told_when(
    house: House,
) -> None:
    house.sends(97, NOON - minutes(10))  # another reading, on which the alert does not stand
    red = house.sends(91)
    alert = house.alert()
    assert house.told() == []
    at = NOON + minutes(2)
    act(house.ward, alert.id, Acknowledged(alert.id, "nurse", alert.version), "k-1", at)
    [receipt] = house.told()
    assert (receipt.reading_id, receipt.seen_at) == (red, at)
    [row] = house.rows()
    assert row.seen_by == "nurse"
    assert house.told() == []


def test_who_came_second_and_who_only_rang_have_not_seen_it(house: House) -> None:
    house.sends(91)
    alert = house.alert()
    with pytest.raises(OutdatedError):
        act(house.ward, alert.id, Acknowledged(alert.id, "nurse", alert.version + 9), "k-1", NOON)
    # A call names no version: what came since the list was drawn was not before their eyes.
    act(house.ward, alert.id, ContactMade(alert.id, "nurse", Channel.PHONE, False), "k-2", NOON)
    assert house.rows() == []


def test_a_reading_is_seen_once_by_whoever_was_first(house: House) -> None:
    one, other = house.sends(97), house.sends(96, NOON + minutes(1))
    note_looked(house.ward, house.stay(), [one], "first", NOON)
    note_looked(house.ward, house.stay(), [one, other], "second", NOON + minutes(5))
    assert {row.reading_id: row.seen_by for row in house.rows()} == {one: "first", other: "second"}
    assert {r.reading_id: r.seen_at for r in house.told()} == {
        one: NOON,
        other: NOON + minutes(5),
    }


def test_nobody_sees_a_reading_of_another_stay_or_one_that_no_home_sent(house: House) -> None:
    mine = house.stay()
    typed = record_reading(house.ward, mine, a_reading(97), "nurse", "key-1", NOON)
    elsewhere = Home("home-02", a_home(house.ward, "home-02").key.hex())
    theirs = a_reading(97)
    take_batch(house.ward, [elsewhere.sends(theirs)], NOON)
    note_looked(house.ward, mine, [typed, theirs.reading_id, new_id(NOON)], "nurse", NOON)
    assert house.rows() == []
    with pytest.raises(NotFoundError):
        note_looked(house.ward, new_id(NOON), [typed], "nurse", NOON)


def test_until_a_broker_has_it_it_goes_again(house: House) -> None:
    note_looked(house.ward, house.stay(), [house.sends(97)], "nurse", NOON)
    house.wire.away = True
    assert len(house.told()) == 1  # given, not taken, and not given twice
    house.restarts()
    house.wire.away = False
    assert len(house.told()) == 1
    assert house.told() == []


def test_a_home_that_comes_online_is_told_again_for_a_while(house: House) -> None:
    seen = house.sends(97)
    note_looked(house.ward, house.stay(), [seen], "nurse", NOON)
    assert len(house.told()) == 1
    dispatch_batch(house.ward, [house.home.is_online(NOON)], NOON)
    assert [receipt.reading_id for receipt in house.told()] == [seen]
    dispatch_batch(house.ward, [house.home.is_online(NOON + minutes(1))], NOON + minutes(1))
    assert house.told() == []  # it did not come online: it still is
    later = NOON + AGAIN_FOR + timedelta(hours=1)
    dispatch_batch(house.ward, [house.home.dies(NOON + minutes(2))], later)
    dispatch_batch(house.ward, [house.home.is_online(later)], later)
    assert house.told() == []


def test_over_http_whoever_is_signed_in_has_looked(house: House) -> None:
    ward = house.ward
    ward.clock = demo_clock(real_clock().wall(), NOON, 1.0)
    add_account(ward, "nurse-3", "Nurse", PASSWORD)
    client = TestClient(create_app(ward), raise_server_exceptions=False)
    given = {"username": "nurse-3", "password": PASSWORD}
    token = client.post("/session", json=given).json()["token"]
    seen, url = str(house.sends(97)), f"/episodes/{house.stay()}/seen"
    assert client.post(url, json={"readings": [seen]}).status_code == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert client.post(url, json={"readings": [seen]}, headers=headers).status_code == 204
    # Reading a list is not looking: the page asks for it every ten seconds by itself.
    other = house.sends(96, NOON + minutes(1))
    assert client.get(f"/episodes/{house.stay()}/readings", headers=headers).status_code == 200
    assert [str(row.reading_id) for row in house.rows()] == [seen]
    assert str(other) != seen
    assert house.rows()[0].seen_by == "nurse-3"
