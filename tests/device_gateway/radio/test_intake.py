"""What a notification becomes, without any radio: framing, doubles, clocks, a full spool."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from device_gateway.capture.capture import Capture
from device_gateway.config.devices_file import Devices, Paired
from device_gateway.decode import blood_pressure, plx, plx_records, viatom
from device_gateway.decode.registry import FAMILIES
from device_gateway.radio.intake import DeviceTime, Intake
from device_gateway.radio.state import RadioState
from device_gateway.spool.file import SpoolFullError
from tests.device_gateway.radio.conftest import QUICK
from tests.fakes.peripherals import frames_of, spot_checks
from ward_service.contract.clock import real_clock
from ward_service.contract.messages import Device

T = datetime(2026, 11, 25, 12, 0, 0, 300_000, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Ear:
    def __init__(self) -> None:
        self.taken: list[Sequence[Capture]] = []
        self.partings = 0
        self.error: Exception | None = None

    def take(self, device: Paired, captures: Sequence[Capture]) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(captures)

    def parted(self, device: Paired, at: datetime) -> None:
        self.partings += 1

    @property
    def frames(self) -> list[bytes]:
        return [capture.frame for captures in self.taken for capture in captures]


def an_intake(family: str, ear: Ear) -> tuple[Intake, RadioState, Paired]:
    device = Paired(address="A0:00:00:00:00:01", family=family, slots=(1,), serial="S-1")
    state = RadioState(real_clock())
    state.enrol(Devices(devices=(device,)))
    return Intake(device, FAMILIES[family], ear, real_clock(), state, QUICK), state, device


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("ahead", "shown", "meant"),
    [
        (HOUR, T - timedelta(days=1), HOUR),  # stored before the clock was set
        (-HOUR, T - 2 * HOUR, -HOUR),
        (HOUR, T.replace(microsecond=0), timedelta(0)),  # measured since
        (HOUR, T + timedelta(seconds=5), timedelta(0)),
        (HOUR, T + timedelta(seconds=11), HOUR),  # in the future: by the clock as it was
        (-HOUR, T + timedelta(seconds=5), timedelta(0)),
    ],
)
def test_a_record_is_corrected_by_the_clock_that_stamped_it(
    ahead: timedelta, shown: datetime, meant: timedelta
) -> None:
    clock = DeviceTime()
    assert clock.ahead(naive(shown), T) is None
    clock.was_ahead(ahead)
    assert clock.ahead(naive(shown), T) == ahead
    clock.was_set(T)
    assert clock.ahead(naive(shown), T + timedelta(seconds=10)) == meant
    assert clock.ahead(None, T) == ahead


def test_a_double_is_taken_once_and_an_equal_measurement_later_is_not_one() -> None:
    ear = Ear()
    intake, _, _ = an_intake("plx", ear)
    frame = bytes([0, 97, 0, 72, 0])
    for _ in range(2):
        intake.notified(plx.CONTINUOUS, frame, live=True)
    assert ear.frames == [frame]
    intake._recent.clear()  # as when QUICK.double_s has passed
    intake.notified(plx.CONTINUOUS, frame, live=True)
    assert len(ear.frames) == 2


def test_equal_stored_records_are_two_records() -> None:
    ear = Ear()
    intake, _, _ = an_intake("plx", ear)
    (record,) = spot_checks(96, at=None)
    intake.begin_request(reports=True)
    for _ in range(2):
        intake.notified(plx.SPOT_CHECK, record, live=False)
    assert ear.frames == [record, record]
    assert all(capture.stored for captures in ear.taken for capture in captures)
    intake.notified(plx.CONTINUOUS, bytes([0, 97, 0, 72, 0]), live=True)
    assert not ear.taken[-1][0].stored


def test_answers_of_the_control_point_are_no_readings() -> None:
    ear = Ear()
    intake, _, _ = an_intake("plx", ear)
    intake.notified(plx_records.CONTROL_POINT, bytes([5, 0, 3, 0]), live=False)
    intake.notified(plx_records.CONTROL_POINT, b"\xff", live=False)
    answer = asyncio.run(intake.next_answer())
    assert answer is not None
    assert answer.count == 3
    assert asyncio.run(intake.next_answer()) is None
    assert ear.taken == []


def test_a_split_frame_is_one_and_what_is_in_none_is_kept_with_its_reason() -> None:
    ear = Ear()
    intake, _, _ = an_intake("viatom", ear)
    (whole, *_) = frames_of("viatom")
    intake.notified(viatom.ANSWERS, whole[:20], live=True)
    assert ear.frames == []
    intake.notified(viatom.ANSWERS, whole[20:], live=True)
    assert ear.frames == [whole]
    intake.notified(viatom.ANSWERS, whole[:9], live=True)
    intake.before_question()
    assert ear.frames == [whole, whole[:9]]


@pytest.mark.parametrize("error", [SpoolFullError("full"), RuntimeError("a fault of ours")])
def test_what_is_not_kept_is_counted_and_never_raised_into_the_bus(error: Exception) -> None:
    ear = Ear()
    intake, state, device = an_intake("blood_pressure", ear)
    frame, other, *_ = frames_of("blood_pressure")
    ear.error = error
    intake.notified(blood_pressure.MEASUREMENT, frame, live=False)
    ear.error = None
    intake.notified(blood_pressure.MEASUREMENT, other, live=False)
    assert ear.frames == [other]
    assert state.snapshot().devices[device.address].possibly_missed == 1


def test_after_the_parting_nothing_is_taken_and_it_is_told_once() -> None:
    ear = Ear()
    intake, _, _ = an_intake("viatom", ear)
    (whole, *_) = frames_of("viatom")
    intake.notified(viatom.ANSWERS, whole[:9], live=True)
    intake.close()
    intake.close()
    intake.notified(viatom.ANSWERS, whole, live=True)
    assert ear.frames == [whole[:9]]
    assert ear.partings == 1


def test_the_serial_number_stays_that_of_the_pairing() -> None:
    """A stored record is named by it: with another it would count as another record."""
    ear = Ear()
    intake, state, device = an_intake("plx", ear)
    intake.tell_about(Device(model="M", serial="other", battery=50))
    assert (intake._about.serial, intake._about.model) == ("S-1", "M")
    assert state.snapshot().devices[device.address].battery == 50


def test_only_a_stream_keeps_the_watchdog_awake() -> None:
    intake, _, _ = an_intake("plx", Ear())
    intake.notified(plx.SPOT_CHECK, spot_checks(96)[0], live=False)
    assert intake.stream_at is None
    intake.notified(plx.CONTINUOUS, bytes([0, 97, 0, 72, 0]), live=True)
    assert intake.stream_at is not None
