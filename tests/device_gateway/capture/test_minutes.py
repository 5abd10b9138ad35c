"""Live streams through a home: seconds are durable, minutes are sent, and reds do not wait."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_gateway.capture.minutes import GONE_AFTER, NOTHING_SAID, NOTHING_SAID_EVERY
from device_gateway.capture.seconds import put_together
from device_gateway.config.devices_file import Paired
from device_gateway.decode.plx_status import Measurement
from device_gateway.home import Home
from device_gateway.spool.file import SpoolFullError
from device_gateway.spool.records import Progress, Sample
from device_gateway.spool.spool import Spool
from tests.device_gateway.conftest import a_place
from tests.device_gateway.streams import (
    FAST,
    HERS,
    MINUTE,
    NOON,
    SECOND,
    Value,
    a_home,
    fast,
    hears,
    live,
    readings,
    sent,
    spo2,
    traces,
    values_at,
)
from tests.factories import COH
from tests.fakes.adviser import ByTheRules
from ward_service.contract.messages import Device, Reading, Trace
from ward_service.contract.vocabulary import Level, Quality, Vital

HELD = int(COH.continuous.held_red.total_seconds())
STABLE = int(COH.continuous.stable.total_seconds())
HOUR = timedelta(hours=1)
GONE = int(GONE_AFTER / SECOND)


def all_values(home: Home, device: Paired = HERS) -> list[tuple[datetime, float]]:
    """Return every second with a value, sent or still in the spool, in the order of arrival."""
    found = [pair for trace in traces(home) for pair in values_at(trace).items()]
    waiting = put_together(home.spool.samples(device.address))
    return found + [(s.at, s.values[Vital.SPO2]) for s in waiting if Vital.SPO2 in s.values]


def test_a_minute_is_civil_and_has_every_second(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    hears(home, [*range(80, 100), *range(80, 100)], NOON + 50 * SECOND)
    [first] = traces(home)
    assert (first.started_at, first.interval_s) == (NOON + 50 * SECOND, 1)
    assert first.samples[Vital.SPO2] == tuple(map(float, range(80, 90)))
    assert first.samples[Vital.PULSE_RATE] == (72.0,) * 10
    assert (first.device, first.quality, first.advice) == (Device(model="one's own"), (), None)
    home.tick(NOON + 2 * MINUTE + SECOND)
    second = traces(home)[1]
    assert second.started_at == NOON + MINUTE
    assert second.samples[Vital.SPO2] == (*map(float, range(90, 100)), *map(float, range(80, 100)))
    assert home.spool.samples(HERS.address) == []
    assert [slot for slot, _ in sent(home)] == [1, 1]


def test_a_second_is_durable_when_it_has_been_heard(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    for n in range(5):
        hears(home, [95 + n], NOON + n * SECOND)
        home.spool.close()  # as a death leaves it
        home = a_home(tmp_path)
        assert len(home.spool.samples(HERS.address)) == n + 1
    home.tick(NOON + MINUTE + SECOND)
    assert traces(home)[0].samples[Vital.SPO2] == (95, 96, 97, 98, 99)


def test_where_nothing_was_seen_there_is_null(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    hears(home, [97, None, 96], NOON)
    hears(home, [95], NOON + 5 * SECOND)
    home.parted(HERS, NOON + 6 * SECOND)
    [trace] = traces(home)
    assert trace.samples[Vital.SPO2] == (97, None, 96, None, None, 95)
    assert trace.quality == ()  # what speaks against a second without a value speaks against none


@pytest.mark.parametrize("jump", [-HOUR, HOUR, -7 * SECOND, 7 * SECOND, -25 * HOUR])
def test_a_clock_that_jumps_loses_nothing_and_doubles_nothing(
    tmp_path: Path, jump: timedelta
) -> None:
    home = a_home(tmp_path)
    before = [90 + n % 7 for n in range(30)]
    after = [80 + n % 9 for n in range(100)]
    at = hears(home, before, NOON)
    end = hears(home, after, at + jump)
    home.tick(end)
    home.parted(HERS, end)
    heard = [(NOON + n * SECOND, float(v)) for n, v in enumerate(before)]
    heard += [(at + jump + n * SECOND, float(v)) for n, v in enumerate(after)]
    assert all_values(home) == heard
    for trace in traces(home):
        lasts = len(trace.samples[Vital.SPO2]) * SECOND
        assert trace.started_at + lasts <= trace.started_at.replace(second=0) + MINUTE
    assert len({trace.reading_id for trace in traces(home)}) == len(traces(home))


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(-4_000, 4_000) | st.just(1) | st.just(0),
            st.sampled_from([None, 88.0, 93.0, 97.0]),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_whatever_the_clock_does_each_second_is_there_once(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, Value, bool]],
) -> None:
    """In one trace or in the spool, where the clock put it, in the order of arrival."""
    home = a_home(tmp_path_factory.mktemp("home"))
    at = NOON
    heard: list[tuple[datetime, Value]] = []
    for step, value, dies in steps:
        at += step * SECOND
        hears(home, [value], at)
        if dies:
            home.tick(at + SECOND)  # what a later frame changes of a second waits for that long
            home.spool.close()
            home = a_home(home.spool.path.parent)
        if not heard or heard[-1][0] != at:
            heard.append((at, value))
        elif value is not None:
            heard[-1] = (at, min(heard[-1][1] or value, value))
    home.tick(at + SECOND)
    assert all_values(home) == [second for second in heard if second[1] is not None]
    home.spool.close()


def test_a_hundred_frames_a_second_are_one_second_with_its_lowest_spo2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = a_home(tmp_path)
    written = []
    keep = home.spool.add_samples

    def counted(samples: Iterable[Sample], progress: Progress | None = None) -> None:
        written.append(samples)
        keep(samples, progress)

    monkeypatch.setattr(home.spool, "add_samples", counted)
    dip = [97] * 40 + [89] + [97] * 59
    for captures in fast([*dip, *[96] * 100, *[95] * 100], NOON):
        home.hear(FAST, captures)
    assert len(written) == 3  # an fsync a second, and not one a frame
    home.tick(NOON + MINUTE + SECOND)
    [trace] = traces(home)
    assert trace.samples[Vital.SPO2] == (89, 96, 95)
    assert trace.samples[Vital.PULSE_RATE] == (72, 72, 72)


def test_of_a_hundred_frames_no_more_than_the_current_second_is_in_memory(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    for captures in fast([97] * 40 + [89] + [97] * 59 + [96] * 4, NOON):
        home.hear(FAST, captures)
    [first, second] = put_together(home.spool.samples(FAST.address))
    assert first.values[Vital.SPO2] == 89  # durable with the second that followed
    assert second.values[Vital.SPO2] == 96
    home.hear(FAST, next(fast([88], NOON + SECOND + timedelta(milliseconds=500))))
    assert put_together(home.spool.samples(FAST.address))[1].values[Vital.SPO2] == 96
    home.tick(NOON + 2 * SECOND)
    assert put_together(home.spool.samples(FAST.address))[1].values[Vital.SPO2] == 88


def test_a_search_at_the_beginning_does_not_make_the_rest_doubtful(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    for n in range(10):
        home.hear(HERS, [live(94, NOON + n * SECOND, Measurement.EARLY_ESTIMATE)])
    hears(home, [97] * 20, NOON + 10 * SECOND)
    home.parted(HERS, NOON + 30 * SECOND)
    first, second = traces(home)
    assert (first.quality, len(first.samples[Vital.SPO2])) == ((Quality.EARLY_ESTIMATE,), 10)
    assert (second.quality, second.started_at) == ((), NOON + 10 * SECOND)
    assert len(second.samples[Vital.SPO2]) == 20


def test_doubt_in_the_middle_makes_the_minute_doubtful(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    at = hears(home, [97] * 10)
    home.hear(HERS, [live(96, at, Measurement.QUESTIONABLE)])
    hears(home, [97] * 10, at + SECOND)
    home.parted(HERS, at + 11 * SECOND)
    assert [trace.quality for trace in traces(home)] == [(Quality.QUESTIONABLE,)]


def test_a_slipped_sensor_is_told_but_not_for_ever(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    minutes = 32
    hears(home, [None] * 60 * minutes)
    home.tick(NOON + minutes * MINUTE + SECOND)
    told = [round((trace.started_at - NOON) / MINUTE) for trace in traces(home)]
    later = [n for n in range(NOTHING_SAID, minutes) if n % NOTHING_SAID_EVERY == 0]
    assert told == [*range(NOTHING_SAID), *later]
    assert all(trace.quality == (Quality.NO_FINGER,) for trace in traces(home))
    assert all(trace.samples[Vital.SPO2] == (None,) * 60 for trace in traces(home))
    at = hears(home, [97] * 20, NOON + minutes * MINUTE)
    at = hears(home, [None] * 120, at)
    home.tick(at + MINUTE)
    assert len(traces(home)) > len(told) + 2  # after a value, nothing is news again


def test_the_finger_that_leaves_ends_the_measurement_and_is_no_reading(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    at = hears(home, [97] * 25, NOON + 5 * SECOND)
    hears(home, [None] * GONE, at)
    [trace] = traces(home)
    assert values_at(trace) == {NOON + n * SECOND: 97 for n in range(5, 30)}
    assert (trace.quality, trace.advice and trace.advice.level) == ((), Level.GREEN)
    hears(home, [None] * 10, at + GONE_AFTER)
    home.parted(HERS, at + MINUTE)
    assert traces(home) == [trace]
    assert home.spool.samples(HERS.address) == []


def test_a_link_that_parts_ends_the_measurement_at_once(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    at = hears(home, [91] * 20, NOON + 30 * SECOND)
    home.parted(HERS, at)
    [trace] = traces(home)
    assert trace.advice is not None
    assert (trace.advice.level, adviser.levels[-1]) == (Level.RED, Level.RED)
    _, told, _ = adviser.advised_on[-1]
    assert (told.reading_id, spo2(told)) == (trace.reading_id, 91)


def test_the_patient_is_told_as_soon_as_the_value_stands_still(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    noise: list[Value] = [91, 97, 93, 99]
    at = hears(home, [*noise, *[97] * (STABLE - 1)])
    assert adviser.advised_on == []
    hears(home, [97], at)
    [(slot, told, _)] = adviser.advised_on
    assert (slot, spo2(told)) == (1, 97)
    hears(home, [97] * 10, at + SECOND)
    assert len(adviser.advised_on) == 1  # and not every second
    home.parted(HERS, at + 12 * SECOND)
    assert {reading.reading_id for _, reading, _ in adviser.advised_on} == {
        traces(home)[0].reading_id
    }


def test_nobody_is_reassured_by_a_search(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    for n in range(STABLE):
        home.hear(HERS, [live(98, NOON + n * SECOND, Measurement.EARLY_ESTIMATE)])
    hears(home, [94], NOON + STABLE * SECOND)
    assert adviser.advised_on == []


def test_a_measurement_over_a_minutes_end_is_judged_as_one(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    at = hears(home, [97] * 40, NOON + 22 * SECOND)
    home.parted(HERS, at)
    first, second = traces(home)
    assert len(second.samples[Vital.SPO2]) == 2  # alone it would never have been stable
    _, told, _ = adviser.advised_on[-1]
    assert (told.reading_id, told.quality) == (second.reading_id, ())
    assert first.advice is not None
    assert first.advice.level is Level.GREEN


def test_a_held_red_does_not_wait_for_its_minute_and_is_sent_once_a_run(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    at = hears(home, [91, *[92] * (HELD - 2)], NOON + 5 * SECOND)
    assert sent(home) == []
    hears(home, [92], at)
    [reading] = readings(home)
    assert (spo2(reading), reading.measured_at, reading.source) == (91, at, "ble")
    assert reading.advice is not None
    assert reading.advice.level is Level.RED
    assert traces(home) == []
    at = hears(home, [90] * 200, at + SECOND)  # it goes on, over minutes: one run
    assert readings(home) == [reading]
    at = hears(home, [*[97] * 10, *[91] * HELD], at)  # a second run
    assert [spo2(one) for one in readings(home)] == [91, 91]
    home.parted(HERS, at)
    [last] = traces(home)[-1:]
    assert last.advice is not None
    assert last.advice.level is Level.RED


def test_a_held_red_over_a_minutes_end_is_found_though_neither_minute_holds_it(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path, ByTheRules())
    hears(home, [*[97] * 20, *[91] * (HELD // 2)], NOON + MINUTE - (20 + HELD // 2) * SECOND)
    hears(home, [*[91] * (HELD // 2), 97], NOON + MINUTE)
    assert [spo2(one) for one in readings(home)] == [91]


def test_without_a_plan_the_home_does_not_know_what_is_red(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    at = hears(home, [80] * 50)
    assert sent(home) == []
    home.parted(HERS, at)
    assert [trace.advice for trace in traces(home)] == [None]


def test_the_home_looks_back_on_a_measurement_as_a_reading(tmp_path: Path) -> None:
    home = a_home(tmp_path, ByTheRules())
    at = hears(home, [97] * 20)
    home.parted(HERS, at)
    [kept] = home.spool.kept(1, NOON)
    looked_back = Reading.model_validate_json(kept.payload)
    assert (kept.reading_id, spo2(looked_back)) == (traces(home)[0].reading_id, 97)
    assert looked_back.advice == traces(home)[0].advice


def full(spool: Spool) -> None:
    pages = spool._file._db.execute("pragma page_count").fetchone()[0]
    free = spool._file._db.execute("pragma freelist_count").fetchone()[0]
    assert free == 0
    spool._file._db.execute(f"pragma max_page_count = {pages}")


def test_a_full_spool_refuses_aloud_and_still_advises(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    full(home.spool)
    refused = 0
    for n in range(120):
        try:
            hears(home, [91], NOON + n * SECOND)
        except SpoolFullError:
            refused += 1
    assert refused > 0
    assert Level.RED in adviser.levels
    home.spool._file._db.execute("pragma max_page_count = 100000")
    end = hears(home, [91] * 10, NOON + 120 * SECOND)
    home.parted(HERS, end)
    assert 120 - refused + 10 == len(all_values(home))


def test_a_restart_in_the_middle_of_a_minute_goes_on_with_it(tmp_path: Path) -> None:
    home = a_home(tmp_path, ByTheRules())
    at = hears(home, [91] * 20)
    home.spool.close()
    home = a_home(tmp_path, ByTheRules())
    at = hears(home, [91] * 20, at)
    assert [spo2(one) for one in readings(home)] == [91]  # the run goes on as well
    home.tick(NOON + MINUTE + SECOND)
    assert [len(trace.samples[Vital.SPO2]) for trace in traces(home)] == [40]


def test_what_a_home_was_hearing_when_it_died_is_sent_though_the_device_never_returns(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path)
    hears(home, [97] * 20)
    home.spool.close()
    home = a_home(tmp_path)
    home.tick(NOON + 2 * HOUR)
    [(slot, trace)] = sent(home)
    assert isinstance(trace, Trace)
    assert (slot, len(values_at(trace))) == (1, 20)


LIFE = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from tests.device_gateway.streams import HERS, a_home, live
home, at = a_home(Path(sys.argv[1])), datetime.fromisoformat(sys.argv[2])
for n in range(100_000):
    home.hear(HERS, [live(80 + n % 20, at)])
    print(at.isoformat(), 80 + n % 20, flush=True)
    at += timedelta(seconds=1)
"""


def test_kill_9_in_a_stream_loses_no_second_that_was_heard(tmp_path: Path) -> None:
    """Twenty deaths: each acknowledged second is in the spool or in one trace, exactly once."""
    dice, at = random.Random(3), NOON
    heard: list[tuple[datetime, float]] = []
    for _ in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", LIFE, str(tmp_path), at.isoformat()],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert process.stdout is not None
        said = [process.stdout.readline()]
        time.sleep(dice.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        whole = [line.split() for line in said if line.endswith("\n")]
        heard += [(datetime.fromisoformat(when), float(value)) for when, value in whole]
        at = heard[-1][0] + 2 * SECOND  # one more may have been heard and not yet said
    home = a_home(tmp_path)
    found = all_values(home)
    assert len(found) == len({moment for moment, _ in found})
    assert set(heard) <= set(found)
    assert len(found) <= len(heard) + 20
    assert len(heard) > 100


def test_a_stored_spot_check_is_no_part_of_a_stream(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.hear(HERS, [live(91, NOON, Measurement.FROM_STORAGE)])
    assert [spo2(one) for one in readings(home)] == [91]
    assert readings(home)[0].quality == (Quality.STORED,)
    assert home.spool.samples(HERS.address) == []


def test_demonstration_data_is_in_no_minute(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.hear(HERS, [live(91, NOON, Measurement.DEMONSTRATION)])
    assert (home.spool.samples(HERS.address), len(home.spool.drawer())) == ([], 1)


def test_two_devices_stream_side_by_side(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    other = HERS.model_copy(update={"address": "A0:00:00:00:00:09", "slots": (2,)})
    for n in range(70):
        hears(home, [97], NOON + n * SECOND)
        hears(home, [88], NOON + n * SECOND, other)
    assert home.spool.path.name == f"{a_place().gateway}.spool"
    got: Sequence[tuple[int | None, object]] = [
        (slot, set(values_at(one).values())) for slot, one in sent(home) if isinstance(one, Trace)
    ]
    assert got == [(1, {97}), (2, {88})]


def test_a_home_that_lost_power_sends_one_minute_and_not_two(tmp_path: Path) -> None:
    """The same seconds, heard by a home that restarts between the minute and its receipt."""
    home = a_home(tmp_path)
    hears(home, [97] * 70)
    before = traces(home)
    home.spool.close()
    home = a_home(tmp_path)
    home.tick(NOON + 2 * MINUTE + SECOND)
    assert traces(home)[: len(before)] == before
    assert [len(trace.samples[Vital.SPO2]) for trace in traces(home)] == [60, 10]


def test_a_device_that_falls_silent_without_parting_ends_its_measurement(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    at = hears(home, [97] * 3)
    home.tick(at + 8 * SECOND)
    assert traces(home) == []
    home.tick(at + 10 * SECOND)
    assert len(traces(home)) == 1
    assert len(adviser.advised_on) == 1


def test_a_clock_that_goes_back_does_not_join_what_lies_on_both_sides_of_it(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path, ByTheRules())
    at = hears(home, [91] * (HELD - 5), NOON + 10 * SECOND)
    at = hears(home, [91] * (HELD - 1), at - HOUR)
    assert readings(home) == []
    hears(home, [91], at)
    assert [one.measured_at for one in readings(home)] == [at]


def test_the_first_value_of_a_second_is_durable_though_the_second_began_without(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path)
    home.hear(HERS, [live(None, NOON)])
    home.hear(HERS, [live(91, NOON + SECOND / 2)])
    home.spool.close()
    home = a_home(tmp_path)
    home.tick(NOON + MINUTE + SECOND)
    assert [trace.samples[Vital.SPO2] for trace in traces(home)] == [(91,)]


def test_a_clock_that_was_set_back_does_not_keep_a_minute_open_for_an_hour(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path)
    hears(home, [97] * 20)
    home.tick(NOON - HOUR)
    assert [len(trace.samples[Vital.SPO2]) for trace in traces(home)] == [20]


def test_a_disk_that_takes_no_minute_keeps_its_seconds_and_nobody_from_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a full disk does: the minute cannot be closed, and the next one brings a red."""
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    at = hears(home, [97] * 20, NOON + 40 * SECOND)

    def refuses(*_: object) -> list[int]:
        raise SpoolFullError("full")

    with monkeypatch.context() as disk:
        disk.setattr(home.spool, "close_minute", refuses)
        for n in range(HELD):
            with pytest.raises(SpoolFullError):
                hears(home, [91], at + n * SECOND)
    assert Level.RED in adviser.levels
    assert len(readings(home)) == 1
    home.tick(at + MINUTE)
    assert [len(trace.samples[Vital.SPO2]) for trace in traces(home)] == [20]


def test_nobody_is_told_that_all_is_well_at_the_end_of_a_held_red(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    at = hears(home, [*[91] * HELD, *[97] * (STABLE + 5)])
    home.parted(HERS, at)
    [trace] = traces(home)
    assert trace.advice is not None
    assert trace.advice.level is Level.RED
    _, told, _ = adviser.advised_on[-1]
    assert (told.reading_id, spo2(told)) == (trace.reading_id, 91)
