"""What a nurse is told of the radio: for whom, in which words, from when on, until when."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from device_gateway.config.devices_file import Devices, Paired
from device_gateway.radio.state import Adapter, Doing, Limits, RadioState, Trouble
from ward_service.contract.clock import Clock
from ward_service.contract.vocabulary import TroubleCode

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
OXIMETER = Paired(address="A0:00:00:00:00:01", family="plx", slots=(1,), model="Spot 100")
CUFF = Paired(address="A0:00:00:00:00:02", family="blood_pressure", slots=(1, 2), serial="S-2")


@dataclass
class StandingClock:
    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def state(clock: StandingClock) -> RadioState:
    made = RadioState(cast(Clock, clock))
    made.enrol(Devices(devices=(OXIMETER, CUFF)))
    made.adapter_is(Adapter.ON)
    return made


def told(state: RadioState) -> list[tuple[TroubleCode, tuple[int, ...]]]:
    return [(trouble.code, trouble.slots) for trouble in state.troubles()]


def test_all_is_well(state: RadioState) -> None:
    assert state.troubles() == ()
    assert state.line() == "on, 0 of 2 devices connected"


@pytest.mark.parametrize(
    "adapter",
    [Adapter.OFF, Adapter.ABSENT, Adapter.NO_PERMISSION, Adapter.AWAY, Adapter.STUCK],
)
def test_a_radio_that_stays_away_concerns_everybody_with_a_device(
    state: RadioState, clock: StandingClock, adapter: Adapter
) -> None:
    assert state.adapter_is(adapter)
    assert not state.adapter_is(adapter)
    clock.at += Limits().radio_off - timedelta(seconds=1)
    assert told(state) == []
    clock.at += timedelta(seconds=1)
    assert told(state) == [(TroubleCode.RADIO_OFF, (1, 2))]
    state.adapter_is(Adapter.ON)
    assert told(state) == []


def test_without_devices_a_radio_that_is_away_concerns_nobody(clock: StandingClock) -> None:
    state = RadioState(cast(Clock, clock))
    state.adapter_is(Adapter.ABSENT)
    clock.at += timedelta(days=1)
    assert state.troubles() == ()


def test_a_bluetoothd_that_wants_a_restart_is_told_at_once(state: RadioState) -> None:
    assert state.restart_wanted(wanted=True)
    assert not state.restart_wanted(wanted=True)
    assert told(state) == [(TroubleCode.RADIO_OFF, (1, 2))]
    assert "restart" in state.line()


@pytest.mark.parametrize(("battery", "low"), [(21, False), (20, True), (0, True)])
def test_a_low_battery(state: RadioState, battery: int, low: bool) -> None:
    state.note(CUFF.address, battery=battery)
    assert told(state) == ([(TroubleCode.BATTERY_LOW, (1, 2))] if low else [])


def test_a_device_that_is_never_heard(state: RadioState, clock: StandingClock) -> None:
    clock.at += timedelta(hours=23)
    state.note(OXIMETER.address, last_seen_at=clock.at)
    clock.at += timedelta(hours=1)
    assert told(state) == [(TroubleCode.DEVICE_FAILING, (1, 2))]
    assert "24 hours" in state.troubles()[0].words
    state.note(CUFF.address, last_seen_at=clock.at)
    assert told(state) == []


@pytest.mark.parametrize(("failures", "failing"), [(4, False), (5, True)])
def test_a_device_that_fails_again_and_again(
    state: RadioState, failures: int, failing: bool
) -> None:
    state.note(OXIMETER.address, failures=failures)
    assert told(state) == ([(TroubleCode.DEVICE_FAILING, (1,))] if failing else [])


def test_what_may_be_missing_is_told_for_a_day(state: RadioState, clock: StandingClock) -> None:
    state.missed(OXIMETER.address)
    assert "(once)" in state.troubles()[0].words
    state.missed(OXIMETER.address)
    (trouble,) = state.troubles()
    assert trouble == Trouble(
        TroubleCode.POSSIBLY_MISSED,
        (1,),
        "Spot 100 may have sent a reading that did not arrive (2 times)."
        " Ask what its display or its memory shows.",
        "Spot 100",
        2,
    )
    state.note(OXIMETER.address, last_seen_at=clock.at + timedelta(hours=20))
    state.note(CUFF.address, last_seen_at=clock.at + timedelta(hours=20))
    clock.at += timedelta(hours=23, minutes=59)
    assert told(state) == [(TroubleCode.POSSIBLY_MISSED, (1,))]
    clock.at += timedelta(minutes=1)
    assert told(state) == []
    assert state.snapshot().devices[OXIMETER.address].possibly_missed == 2


def test_no_word_has_an_address_or_a_number(state: RadioState, clock: StandingClock) -> None:
    for device in (OXIMETER, CUFF):
        state.missed(device.address)
        state.note(device.address, battery=1, unread="it is another")
    state.adapter_is(Adapter.AWAY)
    clock.at += timedelta(days=2)
    words = " ".join(trouble.words for trouble in state.troubles())
    assert words.count("it is another") == 2
    for secret in (OXIMETER.address, CUFF.address, "S-2"):
        assert secret not in words + state.line()


def test_who_is_enrolled_again_is_known_still_and_who_is_not_is_forgotten(
    state: RadioState,
) -> None:
    state.missed(OXIMETER.address)
    moved = OXIMETER.model_copy(update={"slots": (7,)})
    state.enrol(Devices(devices=(moved,)))
    assert told(state) == [(TroubleCode.POSSIBLY_MISSED, (7,))]
    state.note(CUFF.address, battery=1)
    state.missed(CUFF.address)
    assert set(state.snapshot().devices) == {OXIMETER.address}


def test_a_snapshot_stands_while_threads_write(state: RadioState) -> None:
    def count() -> None:
        for _ in range(500):
            state.missed(OXIMETER.address)
            state.note(CUFF.address, doing=Doing.CONNECTED)

    threads = [threading.Thread(target=count) for _ in range(4)]
    before = state.snapshot()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert before.devices[OXIMETER.address].possibly_missed == 0
    assert state.snapshot().devices[OXIMETER.address].possibly_missed == 2_000
    assert state.line() == "on, 1 of 2 devices connected"
