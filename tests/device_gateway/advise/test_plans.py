"""Plans come in: the ward's, for this home and this slot, and none that is older."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import get_ident
from unittest.mock import patch

import pytest

from device_gateway.config.homes_file import Broker
from device_gateway.home import Home
from device_gateway.publish.connection import Pace
from device_gateway.spool.records import Outgoing
from device_gateway.street import Street
from tests.device_gateway.conftest import BrokerProcess, a_place
from tests.fakes.playback import take_frames
from tests.fakes.ward_peer import WardPeer, eventually
from ward_service.contract.clock import real_clock
from ward_service.contract.ids import new_id

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEYS = {a_place(n).gateway: a_place(n).key for n in (1, 2)}
PACE = Pace(resend_after_s=600, reconnect_max_s=1)
MINE = "homeward/v1/home-01/plans/1"
LATER = NOON + timedelta(minutes=1)


@contextmanager
def a_home(broker: Broker, folder: Path) -> Iterator[tuple[Home, list[tuple[int, bytes]]]]:
    heard: list[tuple[int, bytes]] = []
    street = Street([a_place(1)], broker, folder / "spools", real_clock(), PACE)
    adviser = street.homes[0].adviser
    takes = patch.object(
        adviser, "take_plan", lambda slot, payload, _: heard.append((slot, payload))
    )
    with takes, street:
        yield street.homes[0], heard


def test_a_plan_of_the_ward_is_handed_on_with_its_slot(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    with WardPeer(broker.port, KEYS) as ward:
        ward.send_plan(MINE, b"kept by the broker", sent_at=NOON, retain=True)
        with a_home(broker.place, tmp_path) as (_, heard):
            assert eventually(lambda: heard == [(1, b"kept by the broker")])
            ward.send_plan(MINE, b"new", sent_at=LATER)
            ward.send_plan("homeward/v1/home-01/plans/12", b"another slot", sent_at=NOON)
            assert eventually(lambda: heard[1:] == [(1, b"new"), (12, b"another slot")])


def test_a_forged_a_moved_and_a_replayed_plan_are_refused(
    broker: BrokerProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with WardPeer(broker.port, KEYS) as ward, a_home(broker.place, tmp_path) as (_, heard):
        assert eventually(lambda: len(ward.statuses) > 0)  # it listens now
        ward.send_plan(MINE, b"first", sent_at=LATER)
        assert eventually(lambda: heard == [(1, b"first")])
        caplog.clear()
        hers = KEYS["home-02"]
        ward.send_plan(MINE, b"with another's key", sent_at=LATER, key=hers)
        elsewhere = "homeward/v1/home-01/plans/2"
        ward.send_plan(MINE, b"of another slot", sent_at=LATER, signed_for=elsewhere)
        other = "homeward/v1/home-02/plans/1"
        ward.send_plan(MINE, b"of another home", sent_at=LATER, signed_for=other, key=hers)
        receipts = "homeward/v1/home-01/receipts"
        ward.send_plan(MINE, b'{"receipts": []}', sent_at=LATER, signed_for=receipts)
        ward.send_plan(receipts, b"as a receipt", sent_at=LATER, signed_for=MINE)
        ward.client.publish(MINE, b"unsigned", qos=1)
        ward.send_plan(MINE, b"an older one, again", sent_at=NOON)
        for place in ("0", "01", "1000", "one"):
            ward.send_plan(f"homeward/v1/home-01/plans/{place}", b"no slot", sent_at=LATER)
        ward.send_plan(MINE, b"last", sent_at=LATER)
        assert eventually(lambda: len(heard) > 1)
        assert heard == [(1, b"first"), (1, b"last")]
        refused = [r for r in caplog.records if r.message == "message.refused"]
        assert len(refused) == 11
        assert "unsigned" not in caplog.text


def test_a_plan_that_breaks_whoever_reads_it_holds_up_no_reading(
    broker: BrokerProcess,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.ERROR)
    threads: set[int] = set()
    with WardPeer(broker.port, KEYS) as ward, a_home(broker.place, tmp_path) as (home, _):

        def breaks(slot: int, payload: bytes, now: datetime) -> None:
            threads.add(get_ident())
            raise KeyError(payload)

        monkeypatch.setattr(home.adviser, "take_plan", breaks)
        assert eventually(lambda: len(ward.statuses) > 0)
        for n in range(3):
            take_frames(home, [Outgoing(new_id(NOON), NOON, b"{}")])
            ward.send_plan(MINE, b"secret", sent_at=NOON + timedelta(seconds=n))
        assert eventually(lambda: home.spool.depth() == 0)
        assert eventually(lambda: caplog.text.count("plan.failed") == 3)
        assert "secret" not in caplog.text
        assert len(threads) == 1
        assert get_ident() not in threads


def test_a_region_has_a_base_topic_of_its_own(broker: BrokerProcess, tmp_path: Path) -> None:
    base = "homeward/v1/north"
    north = Broker(host="127.0.0.1", port=broker.port, base=base)
    with (
        WardPeer(broker.port, KEYS, base=base) as ward,
        WardPeer(broker.port, KEYS, client_id="elsewhere") as elsewhere,
        a_home(north, tmp_path) as (home, heard),
    ):
        take_frames(home, [Outgoing(new_id(NOON), NOON, b"{}")])
        assert eventually(lambda: home.spool.depth() == 0)
        assert eventually(lambda: len(ward.statuses) > 0)
        ward.send_plan(f"{base}/home-01/plans/1", b"plan", sent_at=NOON)
        assert eventually(lambda: heard == [(1, b"plan")])
        assert eventually(lambda: len(ward.statuses) == 1)
        assert (len(ward.arrived), ward.refused) == (1, [])
        assert elsewhere.arrived == []
        assert elsewhere.statuses == []


def test_a_home_that_is_not_asked_about_plans_goes_on(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    with (
        WardPeer(broker.port, KEYS) as ward,
        Street([a_place(1)], broker.place, tmp_path, real_clock(), PACE) as street,
    ):
        assert eventually(lambda: len(ward.statuses) > 0)
        ward.send_plan(MINE, b"plan", sent_at=NOON)
        take_frames(street.homes[0], [Outgoing(new_id(NOON), NOON, b"{}")])
        assert eventually(lambda: street.unsent() == 0)
