"""After an outage: the newest at once, the backlog in order and at a pace, nothing starved."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from device_gateway.config.homes_file import Broker
from device_gateway.home import Home
from device_gateway.publish.backlog import Drain
from device_gateway.publish.connection import Connection, Pace
from device_gateway.spool.records import Outgoing
from device_gateway.spool.spool import Spool
from device_gateway.street import Street
from tests.device_gateway.conftest import BrokerProcess, a_place
from tests.fakes.playback import take_frames
from tests.fakes.ward_peer import WardPeer, eventually
from ward_service.contract.clock import real_clock
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Receipt
from ward_service.contract.vocabulary import Outcome

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEYS = {a_place(1).gateway: a_place(1).key}


@contextmanager
def a_home(broker: BrokerProcess, folder: Path, pace: Pace) -> Iterator[Home]:
    with Street([a_place(1)], broker.place, folder / "spools", real_clock(), pace) as street:
        yield street.homes[0]


def entries(count: int) -> list[Outgoing]:
    """Readings that the far end cannot read: it answers for them all the same."""
    return [Outgoing(new_id(NOON), NOON + timedelta(seconds=n), b"{}") for n in range(count)]


def fill(folder: Path, count: int) -> None:
    with Spool(folder / "spools" / "home-01.spool") as spool:
        spool.add(entries(count))


def arrived(ward: WardPeer) -> list[int]:
    """Return the numbers that came, each the first time."""
    return list(dict.fromkeys(seen.envelope.seq or 0 for seen in list(ward.arrived)))


def test_a_reading_taken_during_a_drain_overtakes_a_backlog_that_stays_in_order(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    fill(tmp_path, 600)
    pace = Pace(resend_after_s=600, reconnect_max_s=1, drain_per_s=100)
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path, pace) as home:
        assert eventually(lambda: len(ward.arrived) > 50)
        take_frames(home, entries(2))
        assert eventually(lambda: home.spool.depth() == 0)
        order = arrived(ward)
        newest = [order.index(601), order.index(602)]
        assert newest[0] < newest[1] < 400
        assert [seq for seq in order if seq <= 600] == list(range(1, 601))
        assert len(ward.arrived) == 602  # and nothing went twice


def test_a_reading_taken_when_the_first_receipts_come_is_no_backlog(
    broker: BrokerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 300)
    pace = Pace(resend_after_s=600, reconnect_max_s=1, drain_per_s=100)
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path, pace) as home:
        hear, took = home.publisher._hear, Event()

        def and_take_one(mono: float) -> None:
            hear(mono)
            if home.publisher._unsettled and not took.is_set():
                took.set()
                take_frames(home, entries(1))

        monkeypatch.setattr(home.publisher, "_hear", and_take_one)
        assert eventually(lambda: home.spool.depth() == 0)
        assert took.is_set()
        assert arrived(ward).index(301) < 250


def test_a_backlog_goes_at_its_pace(broker: BrokerProcess, tmp_path: Path) -> None:
    fill(tmp_path, 200)
    pace = Pace(resend_after_s=600, reconnect_max_s=1, drain_per_s=100)
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path, pace) as home:
        assert eventually(lambda: len(ward.arrived) > 0)
        began = time.monotonic()
        assert eventually(lambda: home.spool.depth() == 0)
        assert time.monotonic() - began > (200 - 100) / 100  # half a second's worth goes at once


def test_when_a_silent_ward_is_back_what_is_taken_then_overtakes_what_waited(
    broker: BrokerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = Pace(resend_after_s=0.4, reconnect_max_s=1, drain_per_s=100)
    with (
        WardPeer(broker.port, KEYS, answers=False) as ward,
        a_home(broker, tmp_path, pace) as home,
    ):
        settle, took = home.spool.settle, Event()

        def and_take_one(receipts: list[Receipt], now: datetime) -> list[int]:
            settled = settle(receipts, now)
            if settled and not took.is_set():
                took.set()
                take_frames(home, entries(1))
            return settled

        monkeypatch.setattr(home.spool, "settle", and_take_one)
        take_frames(home, entries(1_200))  # taken while connected: more than may be on their way
        assert eventually(lambda: len(ward.arrived) > 600)
        ward.answers = True
        assert eventually(lambda: home.spool.depth() == 0, within_s=40)
        order = arrived(ward)
        assert order.index(1_201) < 1_200 - 300
        assert sorted(order) == list(range(1, 1_202))


def test_a_backlog_that_nobody_receipts_leaves_places_for_the_newest(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    fill(tmp_path, 700)
    pace = Pace(resend_after_s=600, reconnect_max_s=1, drain_per_s=math.inf)
    with (
        WardPeer(broker.port, KEYS, answers=False) as ward,
        a_home(broker, tmp_path, pace) as home,
    ):
        assert eventually(lambda: len(ward.arrived) == 450)
        time.sleep(0.3)
        assert arrived(ward) == list(range(1, 451))
        take_frames(home, entries(3))
        assert eventually(lambda: arrived(ward)[450:] == [701, 702, 703])


def test_with_few_places_at_the_broker_one_is_kept_for_the_newest(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    broker.kill()
    narrow = broker.config.read_text().replace("inflight_messages 1000", "inflight_messages 5")
    broker.config.write_text(narrow)
    broker.start()
    fill(tmp_path, 300)
    pace = Pace(resend_after_s=600, reconnect_max_s=1, drain_per_s=100)
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path, pace) as home:
        assert eventually(lambda: len(ward.arrived) > 20)
        take_frames(home, entries(1))
        assert eventually(lambda: home.spool.depth() == 0)
        assert arrived(ward).index(301) < 200


def test_what_is_on_its_way_is_not_sent_again_when_a_drain_begins(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as spool:
        spool.add(entries(3))
        drain = Drain(spool, math.inf)
        assert [held.seq for held in drain.backlog(2, ())] == [1, 2]
        later = entries(3)
        spool.add(later)
        assert [held.seq for held in drain.live(2)] == [4, 5]
        drain.begin(spool.last_seq)
        assert list(drain.live(9)) == []
        spool.settle([Receipt(reading_id=later[1].reading_id, outcome=Outcome.KEPT)], NOON)
        assert [held.seq for held in drain.backlog(9, {1, 2, 4})] == [3, 6]
        assert list(drain.backlog(9, ())) == []
        spool.add(entries(1))
        assert list(drain.backlog(9, ())) == []
        assert [held.seq for held in drain.live(9)] == [7]


def test_a_pace_allows_what_has_come_due_and_no_more(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as spool:
        drain = Drain(spool, 10)
        assert drain.allowed(100.0) == 5
        drain.spend(5)
        assert drain.allowed(100.0) == 0
        assert drain.allowed(100.25) == 2
        assert drain.allowed(900.0) == 5
        slow = Drain(spool, 0.1)
        assert [slow.allowed(5.0 * n) for n in range(30)].count(0) < 30  # it never stands still


def test_homes_do_not_come_back_as_a_herd() -> None:
    delays = set()
    for n in range(40):
        connection = Connection(
            a_place(n + 1), Broker(host="127.0.0.1", port=1), real_clock(), Event(), Pace(), "s"
        )
        client = connection._client
        delays.add((client._reconnect_min_delay, client._reconnect_max_delay))
        assert 1 <= client._reconnect_min_delay <= 3
        assert 15 <= client._reconnect_max_delay <= 30
    assert len(delays) > 10
