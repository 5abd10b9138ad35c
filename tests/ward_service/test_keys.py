"""The keys of gateways: what another process changes is noticed, and what arrives costs nothing."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.factories import NOON, Home, a_home, a_reading, a_ward
from tests.fakes.ward_peer import eventually
from ward_service.contract.envelope import gateway_key
from ward_service.enrolment.enrolment import add_gateway, revoke
from ward_service.ingest.message import ReadingMessage, UnreadableMessage, open_message
from ward_service.keys import KeyRing
from ward_service.store.connect import engine_of
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    yield opened
    engine_of(opened.sessions).dispose()


def move(ward: Ward, gateway: str, generation: int, previous_until: datetime | None) -> None:
    with ward.unit_of_work() as store:
        row = store.gateways.lock(gateway)
        assert row
        row.generation, row.previous_until = generation, previous_until


def same(moment: datetime) -> datetime:
    return moment


def test_what_the_key_before_has_signed_is_taken_for_a_while_and_then_no_more(ward: Ward) -> None:
    home = a_home(ward)
    message = home.sends(a_reading())
    until = ward.clock.wall() + timedelta(hours=1)
    move(ward, "home-01", 2, until)
    for wall, readable in (
        (until - timedelta(seconds=1), True),
        (until, False),
    ):
        ring = KeyRing(ward.secret, partial(ward.unit_of_work, read_only=True), partial(same, wall))
        assert isinstance(open_message(message, ring.of), ReadingMessage) is readable
        newest = Home("home-01", gateway_key(ward.secret, "home-01", 2).hex())
        assert isinstance(open_message(newest.sends(a_reading()), ring.of), ReadingMessage)
        for other in (0, 3):
            wrong = Home("home-01", gateway_key(ward.secret, "home-01", other).hex())
            assert isinstance(open_message(wrong.sends(a_reading()), ring.of), UnreadableMessage)


def test_a_byte_that_was_changed_anywhere_is_refused_by_both_keys(ward: Ward) -> None:
    home = a_home(ward)
    move(ward, "home-01", 2, ward.clock.wall() + timedelta(hours=1))
    newest = Home("home-01", gateway_key(ward.secret, "home-01", 2).hex())
    for message in (home.sends(a_reading()), newest.sends(a_reading())):
        assert isinstance(open_message(message, ward.keys_of), ReadingMessage)
        payload, correlation = message.payload, message.correlation
        changed = [replace(message, payload=each) for each in flipped(payload)]
        changed += [replace(message, correlation=each) for each in flipped(correlation)]
        for n, (name, value) in enumerate(message.properties):
            for each in flipped(value.encode()):
                pairs = list(message.properties)
                pairs[n] = (name, each.decode("latin-1"))
                changed.append(replace(message, properties=tuple(pairs)))
        for forged in changed:
            found = open_message(forged, ward.keys_of)
            assert isinstance(found, UnreadableMessage)
            assert found.reading_id is None, "and so it gets no receipt"


def flipped(whole: bytes) -> list[bytes]:
    """Return a message once for each of its bytes, with that one changed."""
    return [whole[:n] + bytes([byte ^ 1]) + whole[n + 1 :] for n, byte in enumerate(whole)]


def test_the_ward_signs_with_the_newest_key(ward: Ward) -> None:
    a_home(ward)
    move(ward, "home-01", 2, ward.clock.wall() + timedelta(hours=1))
    assert ward.key_of("home-01") == gateway_key(ward.secret, "home-01", 2)
    assert len(ward.keys_of("home-01")) == 2


def test_what_another_process_changed_is_noticed_soon(
    ward: Ward, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ward_service.keys.LOOK_EVERY_S", 0.1)
    add_gateway(ward, "home-01", NOON)
    assert ward.keys_of("home-01")
    other = a_ward(tmp_path, database_url)
    move(other, "home-01", 2, None)
    assert eventually(lambda: ward.key_of("home-01") == gateway_key(ward.secret, "home-01", 2))
    add_gateway(other, "home-02", NOON)
    assert ward.keys_of("home-02"), "a new one is known at once"
    revoke(other, "home-01")
    assert eventually(lambda: ward.keys_of("home-01") == ())
    assert ward.keys_of("home-02")
    engine_of(other.sessions).dispose()


def test_what_arrives_asks_the_database_nothing(ward: Ward) -> None:
    for n in range(1, 31):
        add_gateway(ward, f"home-{n:02d}", NOON)
    asked: list[int] = []

    def reading() -> AbstractContextManager[Store]:
        asked.append(1)
        return ward.unit_of_work(read_only=True)

    ring = KeyRing(ward.secret, reading, ward.clock.wall)
    ring.of("home-01")
    before = len(asked)
    ring._look_after += 3_600
    assert all(len(ring.of(f"home-{n:02d}")) == 1 for n in range(1, 31) for _ in range(100))
    assert len(asked) == before
    assert ring.of("no-such-home") == ()
    assert len(asked) == before + 1
