"""What a gateway says of itself, and that it says at once what has gone wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from device_gateway.clock_skew import CLOCK_TOLERANCE, ClockCheck
from device_gateway.home import Home
from device_gateway.publish.connection import Pace
from device_gateway.publish.report import HomeReport
from device_gateway.spool.bounds import MB, Bounds
from device_gateway.spool.records import HeldPlan, Outgoing, Unclaimed
from device_gateway.street import Street
from tests.device_gateway.conftest import BrokerProcess, a_place
from tests.factories import a_reading
from tests.fakes.ward_peer import SENT_AT, WardPeer, eventually
from ward_service.contract.clock import Clock, demo_clock, real_clock
from ward_service.contract.ids import new_id
from ward_service.contract.messages import DeviceStatus, Status, Trouble
from ward_service.contract.vocabulary import TroubleCode
from ward_service.pathways.load import load_all

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEYS = {a_place(1).gateway: a_place(1).key}
PACE = Pace(resend_after_s=600, reconnect_max_s=1)


@dataclass
class Radio:
    """A radio whose state a test changes."""

    report: Callable[[], HomeReport] = HomeReport

    def __call__(self) -> HomeReport:
        return self.report()


@contextmanager
def a_home(
    broker: BrokerProcess,
    folder: Path,
    clock: Clock | None = None,
    bounds: Bounds | None = None,
    radio: Radio | None = None,
) -> Iterator[Home]:
    place, at, says = [a_place(1)], clock or real_clock(), radio or Radio()
    spools = folder / "spools"
    with Street(place, broker.place, spools, at, PACE, bounds, radio_report=says) as street:
        yield street.homes[0]


def last(ward: WardPeer) -> Status:
    return ward.statuses[-1][1]


def codes(ward: WardPeer) -> list[TroubleCode]:
    return [trouble.code for trouble in last(ward).troubles] if ward.statuses else []


def test_a_status_tells_what_waits_what_is_in_force_and_what_the_radio_knows(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    device = DeviceStatus(model="Wrist", slots=(1,), seen_at=NOON)
    report = HomeReport("on", (device,), (Trouble(code=TroubleCode.BATTERY_LOW, slot=1),))
    with WardPeer(broker.port, KEYS, answers=False) as ward:
        with a_home(broker, tmp_path, radio=Radio(lambda: report)) as home:
            home.spool.add([Outgoing(new_id(NOON), NOON, b"{}")])
            now, unclaimed = real_clock().now(), a_reading(97).model_dump_json().encode()
            home.spool.add([Unclaimed(new_id(now), now, unclaimed, (1, 2))])
            home.spool.keep_plan(HeldPlan(1, 7, NOON, b"plan"))
            home.spool.keep_plan(HeldPlan(2, 3, NOON, b"plan"))
            size = home.spool.size()
        assert eventually(lambda: bool(ward.statuses) and not last(ward).online)
        said = last(ward)
    assert (said.spool_depth, said.oldest_at, said.next_seq) == (1, NOON, 2)
    assert (said.unclaimed, said.plans) == (1, {1: 7, 2: 3})
    assert said.spool_bytes == pytest.approx(size, rel=0.5)
    assert said.software == "homeward 0.1.0"
    assert (said.radio, said.devices) == ("on", (device,))
    [trouble] = said.troubles
    assert (trouble.code, trouble.slot) == (TroubleCode.BATTERY_LOW, 1)
    assert trouble.since is not None
    assert abs(trouble.since - real_clock().now()) < timedelta(minutes=1)


def test_what_goes_wrong_is_said_at_once_and_so_is_that_it_is_well_again(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    radio = Radio()
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path, radio=radio):
        assert eventually(lambda: len(ward.statuses) == 1)
        assert codes(ward) == []
        off = HomeReport("off", troubles=(Trouble(code=TroubleCode.RADIO_OFF, count=1),))
        radio.report = lambda: off
        assert eventually(lambda: codes(ward) == [TroubleCode.RADIO_OFF], within_s=10)
        since = last(ward).troubles[0].since
        more = Trouble(code=TroubleCode.BATTERY_LOW, slot=1, since=NOON)
        radio.report = lambda: HomeReport("off", troubles=(*off.troubles, more))
        assert eventually(lambda: len(codes(ward)) == 2, within_s=10)
        assert [trouble.since for trouble in last(ward).troubles] == [since, NOON]
        radio.report = HomeReport
        assert eventually(lambda: codes(ward) == [], within_s=10)
        assert len(ward.statuses) == 4


def test_a_radio_that_breaks_or_knows_too_much_holds_up_no_reading(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    def breaks() -> HomeReport:
        raise RuntimeError("radio")

    many = tuple(DeviceStatus(model=f"{n}") for n in range(99))
    troubles = tuple(Trouble(code=TroubleCode.DEVICE_FAILING, device=f"{n}") for n in range(99))
    radio = Radio()
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path, radio=radio) as home:
        for report in (breaks, lambda: HomeReport("on", many, troubles)):
            radio.report = report
            home.spool.add([Outgoing(new_id(NOON), NOON, b"{}")])
            assert eventually(lambda: home.spool.depth() == 0)
        assert eventually(lambda: len(codes(ward)) == 64)
        assert len(last(ward).devices) == 32


def test_a_full_spool_says_so_and_that_it_takes_again(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    bounds = Bounds(max_bytes=2 * MB, keep_free_bytes=0, ballast_bytes=MB)
    with (
        WardPeer(broker.port, KEYS, answers=False) as ward,
        a_home(broker, tmp_path, bounds=bounds) as home,
    ):
        home.spool.add([Outgoing(new_id(NOON), NOON, b"x" * 60_000) for _ in range(9)])
        nearly, full = [TroubleCode.SPOOL_NEARLY_FULL], [TroubleCode.SPOOL_FULL]
        assert eventually(lambda: codes(ward) == nearly, within_s=10)
        home.spool.add([Outgoing(new_id(NOON), NOON, b"x" * 60_000)])
        home.spool.add([Outgoing(new_id(NOON), NOON, b"x" * 50_000)])
        assert eventually(lambda: codes(ward) == full, within_s=10)


def test_a_home_whose_clock_is_wrong_is_told_from_one_whose_clock_is_right(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    for ahead_s, wrong in ((200, []), (-900, [TroubleCode.CLOCK_WRONG])):
        clock = demo_clock(real_clock().now(), SENT_AT + timedelta(seconds=ahead_s), 1)
        with WardPeer(broker.port, KEYS) as ward:
            with a_home(broker, tmp_path, clock) as home:
                home.spool.add([Outgoing(new_id(NOON), NOON, b"{}")])
                assert eventually(lambda home=home: home.spool.depth() == 0)  # type: ignore[misc]
            assert eventually(lambda ward=ward: not last(ward).online)  # type: ignore[misc]
            said = last(ward).clock_ahead_s
            assert said is not None
            assert ahead_s <= said < ahead_s + 60
            assert codes(ward) == wrong


def test_a_plan_that_the_broker_had_kept_does_not_tell_the_time(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    plan = "homeward/v1/home-01/plans/1"
    heard: list[int] = []
    with WardPeer(broker.port, KEYS) as ward:
        ward.send_plan(plan, b"kept", sent_at=NOON - timedelta(days=9), retain=True)
        for retain, known in ((True, False), (False, True)):
            street = Street([a_place(1)], broker.place, tmp_path, real_clock(), PACE)
            heard.clear()
            adviser = street.homes[0].adviser
            takes = patch.object(adviser, "take_plan", lambda slot, *_: heard.append(slot))
            with takes, street:
                assert eventually(lambda: heard == [1])
                if not retain:
                    ward.send_plan(plan, b"live", sent_at=real_clock().now())
                    assert eventually(lambda: heard == [1, 1])
            assert eventually(lambda: not last(ward).online)
            assert (last(ward).clock_ahead_s is not None) is known


def test_only_fresh_messages_tell_the_time() -> None:
    check = ClockCheck()
    assert (check.ahead_s, check.wrong) == (None, False)
    for n in range(5):
        check.heard(NOON + timedelta(minutes=n), NOON + timedelta(minutes=n, seconds=2))
    assert check.ahead_s == 2
    for n in range(5):  # replayed an hour later
        check.heard(NOON + timedelta(minutes=n), NOON + timedelta(minutes=60 + n))
    assert check.ahead_s == 2
    for n in (10, 11):  # held up on their way
        check.heard(NOON + timedelta(minutes=n), NOON + timedelta(minutes=n + 30))
    assert (check.ahead_s, check.wrong) == (2, False)
    for n in (20, 21, 22):  # the clock was set forward
        check.heard(NOON + timedelta(minutes=n), NOON + timedelta(minutes=n + 6))
    assert (check.ahead_s, check.wrong) == (360, True)


def test_the_home_calls_a_clock_wrong_where_the_ward_begins_to_doubt_it() -> None:
    shipped = load_all().values()
    assert len(shipped) >= 3
    assert {file.pathway.clock_tolerance for file in shipped} == {CLOCK_TOLERANCE.value}
