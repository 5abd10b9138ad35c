from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from pathlib import Path
from threading import Event, Timer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_gateway.capture.capture import Capture
from device_gateway.config.homes_file import Broker
from device_gateway.decode.registry import decode
from device_gateway.home import Home, open_home
from device_gateway.playback import simulate
from device_gateway.playback.scheduler import Due, play
from device_gateway.playback.simulate import ZONE, Kind, Person, kinds, measured, person, reports
from device_gateway.spool.records import Outgoing
from tests.device_gateway.conftest import a_place
from ward_service.contract.clock import demo_clock, real_clock
from ward_service.contract.messages import Reading
from ward_service.contract.vocabulary import Quality, Vital

MONDAY_10 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def of_kind(kind: Kind, seed: int = 1, joined_at: datetime = MONDAY_10) -> Person:
    return person(seed, kinds(seed, 40).index(kind), 40, joined_at)


def within(who: Person, span: timedelta) -> list[Due]:
    return list(takewhile(lambda due: due.at < who.joined_at + span, reports(who)))


def spo2(due: Due) -> float | None:
    assert isinstance(due.item, Capture)
    return decode(due.item.characteristic, due.item.frame).observations.get(Vital.SPO2)


def test_a_street_of_forty_has_something_of_everything() -> None:
    assert Counter(kinds(1, 40)) == {
        Kind.WELL: 32,
        Kind.DECLINING: 4,
        Kind.CRASHING: 1,
        Kind.SILENT_WHILE_RED: 1,
        Kind.NEVER_REPORTING: 1,
        Kind.NONSENSE: 1,
    }
    assert kinds(1, 40) != kinds(2, 40)


@given(st.integers(), st.integers(1, 200))
def test_at_least_half_of_any_street_is_well(seed: int, people: int) -> None:
    street = kinds(seed, people)
    assert len(street) == people
    assert street.count(Kind.WELL) >= people / 2


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 39))
def test_the_same_seed_is_the_same_street(seed: int, index: int) -> None:
    def week() -> Iterator[Due]:
        return islice(reports(person(seed, index, 40, MONDAY_10)), 25)

    first, again = list(week()), list(week())
    assert first == again


def test_another_seed_is_another_street() -> None:
    one, other = (within(of_kind(Kind.WELL, seed), 3 * DAY) for seed in (1, 2))
    assert [due.at for due in one] != [due.at for due in other]


@settings(max_examples=30)
@given(
    st.integers(0, 1_000),
    st.integers(0, 39),
    st.timedeltas(timedelta(), timedelta(days=365)),
)
def test_reports_come_in_order_soon_at_first_and_then_at_the_rounds(
    seed: int, index: int, later: timedelta
) -> None:
    who = person(seed, index, 40, MONDAY_10 + later)
    dues = within(who, 4 * DAY)
    assert [due.at for due in dues] == sorted(due.at for due in dues)
    if who.kind is Kind.NEVER_REPORTING:
        assert dues == []
        return
    assert MINUTE <= dues[0].at - who.joined_at <= 5 * MINUTE
    if who.kind is Kind.WELL:
        for due in dues[2:]:
            local = due.at.astimezone(ZONE)
            minutes = local.hour * 60 + local.minute
            assert any(-15 <= minutes - asked * 60 <= 32 for asked in (9, 13, 17)), local
        full_days = Counter(due.at.astimezone(ZONE).date() for due in dues)
        assert all(3 <= n <= 8 for day, n in list(full_days.items())[1:-1])


def test_the_well_stay_well() -> None:
    for index in range(40):
        who = person(1, index, 40, MONDAY_10)
        if who.kind is Kind.WELL:
            values = [value for due in within(who, 5 * DAY) if (value := spo2(due)) is not None]
            assert min(values) >= 95


def test_the_declining_get_slowly_worse() -> None:
    who = of_kind(Kind.DECLINING)
    values = [value for due in within(who, 5 * DAY) if (value := spo2(due)) is not None]
    assert values[0] >= 95
    assert values[-1] <= 90
    assert max(abs(a - b) for a, b in pairwise(values)) <= 5


def test_one_crashes_within_two_hours_and_repeats_low_readings() -> None:
    dues = within(of_kind(Kind.CRASHING), timedelta(hours=2))
    values = [spo2(due) for due in dues]
    assert values[0] is not None
    assert values[0] >= 95
    assert min(value for value in values if value is not None) <= 88
    low = [due for due in dues if (spo2(due) or 100) < 92]
    gaps = [b.at - a.at for a, b in pairwise(low)]
    assert any(2 * MINUTE <= gap <= 3.5 * MINUTE for gap in gaps)


def test_one_goes_silent_while_red() -> None:
    dues = within(of_kind(Kind.SILENT_WHILE_RED), 5 * DAY)
    values = [value for due in dues if (value := spo2(due)) is not None]
    assert len(values) == 2
    assert max(values) <= 91
    assert dues[-1].at - MONDAY_10 < timedelta(minutes=10)


def test_one_home_sends_every_sort_of_nonsense_in_ten_minutes() -> None:
    dues = within(of_kind(Kind.NONSENSE), timedelta(minutes=12))
    raw = [due.item for due in dues if isinstance(due.item, Outgoing)]
    assert [item.payload.startswith(b"{") for item in raw] == [False, True]
    for item in raw:
        with pytest.raises(ValueError, match="validation error"):
            Reading.model_validate_json(item.payload)
    frames = [due for due in dues if isinstance(due.item, Capture)]
    assert [spo2(due) for due in frames] == [101, -3, 74, 97, 97]
    away = [due.item.at - due.at for due in frames if isinstance(due.item, Capture)]
    assert away == [timedelta()] * 3 + [-timedelta(days=365), DAY]


def test_some_first_find_no_finger_and_then_measure() -> None:
    slipped = 0
    for index in range(40):
        who = person(1, index, 40, MONDAY_10)
        dues = within(who, 3 * DAY)
        for due, then in pairwise(dues):
            if isinstance(due.item, Capture):
                said = decode(due.item.characteristic, due.item.frame)
                if Quality.NO_FINGER in said.quality:
                    slipped += 1
                    assert said.observations == {}
                    assert then.at - due.at == timedelta(seconds=45)
                    assert spo2(then) is not None
    assert slipped > 3


def test_what_an_oximeter_shows_depends_on_the_moment_alone() -> None:
    who = of_kind(Kind.DECLINING)
    moments = [who.joined_at + n * MINUTE for n in range(300)]
    assert [measured(who, at) for at in moments] == [measured(who, at) for at in reversed(moments)][
        ::-1
    ]


def test_the_invented_carry_no_name() -> None:
    fields = set(Person.__dataclass_fields__)
    assert not fields & {"name", "family_name", "given_name", "nhs_number"}


def a_home(folder: Path) -> Home:
    nowhere = Broker(host="127.0.0.1", port=1)
    return open_home(a_place(), nowhere, folder, real_clock(), Event())


def test_a_street_goes_on_where_it_was_and_skips_the_time_its_box_was_off(tmp_path: Path) -> None:
    def live(began: datetime, until: datetime) -> int:
        """Live on a clock so fast that the test does not wait, and stop at `until`."""
        home = a_home(tmp_path)
        try:
            [part] = simulate.parts(7, [home], began)
            while (at := part.next_at()) is not None and at < until:
                part.take_due(until)
            return home.spool.depth()
        finally:
            home.spool.close()

    all_of_it = within(person(7, 0, 1, MONDAY_10), 9 * DAY)

    def due_between(start: datetime, end: datetime) -> int:
        return sum(start <= due.at <= end for due in all_of_it)

    noon, evening = MONDAY_10 + timedelta(hours=2), MONDAY_10 + timedelta(hours=9)
    assert live(MONDAY_10, noon) == due_between(MONDAY_10, noon) >= 1
    assert live(noon, noon) == due_between(MONDAY_10, noon)  # nothing twice
    expected = due_between(MONDAY_10, evening)
    assert live(noon, evening) == expected
    back = MONDAY_10 + 5 * DAY  # the box was off for days: nobody measured
    assert live(back, back + DAY) == expected + due_between(back, back + DAY)


def test_the_street_lives_on_the_shared_clock(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    began = real_clock().now()
    clock = demo_clock(began, MONDAY_10, 3_600)  # an hour a second
    stop = Event()
    Timer(2.0, stop.set).start()
    play(simulate.parts(7, [home], MONDAY_10), clock, stop)
    lived = clock.now() - MONDAY_10
    held = [Reading.model_validate_json(row.payload) for row in home.spool.after(0, 99)]
    home.spool.close()
    assert timedelta(hours=1) < lived < timedelta(days=2)
    expected = within(person(7, 0, 1, MONDAY_10), lived - timedelta(hours=1))
    assert [read.measured_at for read in held][: len(expected)] == [due.at for due in expected]
    assert all(read.measured_at <= MONDAY_10 + lived for read in held)
